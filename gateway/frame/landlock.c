/* landlock.c - the files and ports that a role may reach. Runs in: all roles, once. Owns: nothing.
 * Trusts: the kernel's word on its level.
 *
 * Debian's <linux/landlock.h> ends at REFER: what newer levels add is defined here. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "frame/landlock.h"

/* The kernel takes a longer struct than it knows if the rest is zero. */
struct ruleset {
	uint64_t files, ports, scopes;
};

#define FILES_OF_LEVEL_1 (LANDLOCK_ACCESS_FS_REFER - 1) /* the thirteen rights below REFER */
#define FILES_TRUNCATE	 (UINT64_C(1) << 14)
#define FILES_IOCTL_DEV	 (UINT64_C(1) << 15)
#define PORTS_BIND	 (UINT64_C(1) << 0)
#define PORTS_CONNECT	 (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT	 (UINT64_C(1) << 0) /* unix sockets without a file */
#define SCOPE_SIGNAL	 (UINT64_C(1) << 1)

#define LEVEL_RENAME 2 /* before it no file could be moved to another folder */

/* What each level added: all of it is denied unless a rule below grants it. */
static const struct level {
	int abi;
	struct ruleset adds;
} levels[] = {
    {1, {FILES_OF_LEVEL_1, 0, 0}}, {2, {LANDLOCK_ACCESS_FS_REFER, 0, 0}},
    {3, {FILES_TRUNCATE, 0, 0}},   {4, {0, PORTS_BIND | PORTS_CONNECT, 0}},
    {5, {FILES_IOCTL_DEV, 0, 0}},  {6, {0, 0, SCOPE_ABSTRACT | SCOPE_SIGNAL}},
};

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define KEEP                                                                                       \
	(READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                   \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR |                             \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER | FILES_TRUNCATE)

/* What libcurl, its resolver and its TLS read after the start: names, name servers, roots. None of
 * it is secret; what is not there is passed over. Files by their folder: they are replaced by
 * rename. */
static const char *const courier_reads[] = {
    "/etc",	  "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager",
    "/usr/share", "/usr/local/share",	  "/usr/lib/ssl"};

static long
restrict_to(int ruleset)
{
	return syscall(SYS_landlock_restrict_self, ruleset, 0);
}

static int
grant(int ruleset, int fd, uint64_t rights, uint64_t handled, struct err *e)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = rights & handled,
						  .parent_fd = fd};

	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return err_sys(e, "landlock rule");
	return 0;
}

static int
grant_courier(int ruleset, uint64_t handled, struct err *e)
{
	for (size_t i = 0; i < sizeof courier_reads / sizeof *courier_reads; i++) {
		int fd = open(courier_reads[i], O_PATH | O_DIRECTORY | O_CLOEXEC), rc;

		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
			continue;
		if (fd < 0)
			return err_sys(e, "landlock: %s", courier_reads[i]);
		rc = grant(ruleset, fd, READ, handled, e);
		close(fd);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* No role may list the root: if this one still can, nothing is in force. */
static int
check_in_force(struct err *e)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == EACCES)
		return 0;
	if (fd >= 0)
		close(fd);
	return err_set(e, ERR_SYSTEM, "landlock: the kernel took it and does not keep it");
}

int
landlock_enter(enum role_id role, int data_fd, int *abi, const char **skipped, struct err *e)
{
	long level = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset handled = {0};
	int fd, rc;

	*abi = 0;
	if (level < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
		*skipped = "this kernel has none";
		return 0;
	}
	if (level < 0)
		return err_sys(e, "landlock");
	if (data_fd >= 0 && level < LEVEL_RENAME) {
		*skipped =
		    "this kernel's forbids to move files between folders (before Linux 5.19)";
		return 0;
	}
	for (size_t i = 0; i < sizeof levels / sizeof *levels && levels[i].abi <= level; i++) {
		handled.files |= levels[i].adds.files;
		handled.ports |= levels[i].adds.ports;
		handled.scopes |= levels[i].adds.scopes;
	}
	if (role == ROLE_COURIER)
		handled.ports &= PORTS_BIND; /* it connects, where its configuration says */
	if ((fd = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0)) < 0)
		return err_sys(e, "landlock ruleset");
	rc = data_fd >= 0	    ? grant(fd, data_fd, KEEP, handled.files, e)
	     : role == ROLE_COURIER ? grant_courier(fd, handled.files, e)
				    : 0;
	if (rc == 0 && restrict_to(fd) < 0)
		rc = err_sys(e, "landlock restrict");
	close(fd);
	if (rc == 0 && (rc = check_in_force(e)) == 0)
		*abi = (int)level;
	return rc;
}
