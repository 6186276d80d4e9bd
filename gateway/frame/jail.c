/* jail.c - the confinement of each role. Runs in: all roles, once. Owns: nothing. Trusts: the
 * kernel's report only. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "frame/jail.h"

#define FILES_MANY 65536 /* a connection or a mailbox file each */
#define FILES_FEW  64	 /* channels, the loop's own, a message's */
#define NO_LIMIT   (~(rlim_t)0)

/* processes 0: no fork, no thread (it binds only once the user is not root). File sizes stay
 * unlimited: standard error may be a file, and a role that can open none can grow none but those
 * that it was given. */
static const struct row {
	rlim_t files, processes;
	bool chroot;
} rows[ROLE_IDS] = {
    [ROLE_MASTER] = {FILES_MANY, NO_LIMIT, false}, /* starts the others: not jailed */
    [ROLE_FRONT] = {FILES_MANY, 0, true},
    [ROLE_VERIFY] = {FILES_FEW, 0, true},
    [ROLE_STORE] = {FILES_MANY, 0, true}, /* the data folder is its root */
    [ROLE_NOTARY] = {FILES_FEW, 0, true},
    [ROLE_COURIER] = {FILES_FEW, NO_LIMIT,
		      false}, /* libcurl reads CA files and resolv.conf, and resolves in a thread */
};

static int
set_limit(int resource, rlim_t value, const char *name, struct err *e)
{
	struct rlimit now, want = {value, value};

	if (value == NO_LIMIT)
		return 0;
	if (getrlimit(resource, &now) < 0)
		return err_sys(e, "getrlimit %s", name);
	if (want.rlim_max > now.rlim_max)
		want.rlim_cur = want.rlim_max = now.rlim_max; /* never above what we were given */
	return setrlimit(resource, &want) < 0 ? err_sys(e, "setrlimit %s", name) : 0;
}

static int
set_limits(const struct row *row, struct err *e)
{
	if (set_limit(RLIMIT_CORE, 0, "core", e) < 0 ||
	    set_limit(RLIMIT_NOFILE, row->files, "files", e) < 0)
		return -1;
	/* as root the limit would bind nothing, and without root it counts the user's other
	 * processes: only after setuid */
	return geteuid() == 0 || row->processes != 0
		   ? 0
		   : set_limit(RLIMIT_NPROC, row->processes, "processes", e);
}

static int
change_root(const char *root, struct err *e)
{
	if (chroot(root) < 0 || chdir("/") < 0)
		return err_sys(e, "chroot %s", root);
	return 0;
}

/* For good: real, effective and saved ids; then tries to come back, which must fail. */
static int
become(const struct passwd *pw, struct err *e)
{
	uid_t uid = pw->pw_uid;
	gid_t gid = pw->pw_gid;

	if (setgroups(1, &gid) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return err_sys(e, "become %s", pw->pw_name);
	if (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0))
		return err_set(e, ERR_SYSTEM, "became %s, and could become root again",
			       pw->pw_name);
	return 0;
}

static int
as_root(const struct row *row, const char *user, const char *root, struct err *e)
{
	const struct passwd *pw = getpwnam(user);

	if (pw == NULL || pw->pw_uid == 0)
		return err_set(e, ERR_CONFIG, "user %s: %s", user, pw ? "is root" : "no such user");
	if (row->chroot && change_root(root, e) < 0)
		return -1;
	return become(pw, e);
}

/* One line of /proc/self/status, opened before the chroot. */
static void
tell_status(int fd, const char *key, const char *name, struct buf *told)
{
	char text[4096], *line, *end;
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	if (n <= 0)
		return;
	text[n] = '\0';
	if ((line = strstr(text, key)) == NULL)
		return;
	line += strlen(key) + strspn(line + strlen(key), " \t");
	end = line + strcspn(line, "\t\n");
	*end = '\0';
	buf_json_str(told, name, line);
}

static void
tell(int status, bool root, bool jailed, struct buf *told)
{
	struct rlimit files = {0};

	getrlimit(RLIMIT_NOFILE, &files);
	buf_addc(told, '{');
	buf_json_int(told, "pid", getpid());
	tell_status(status, "\nUid:", "uid", told);
	tell_status(status, "\nCapEff:", "capabilities", told);
	tell_status(status, "\nNoNewPrivs:", "no_new_privs", told);
	tell_status(status, "\nSeccomp:", "seccomp", told);
	buf_json_int(told, "dumpable", prctl(PR_GET_DUMPABLE));
	buf_json_int(told, "files", (int64_t)files.rlim_cur);
	buf_json_str(told, "chroot", jailed ? "yes" : "no");
	buf_json_str(told, "skipped", root ? "" : "chroot, ids: not started as root");
	buf_addc(told, '}');
}

int
jail_enter(enum role_id role, const char *user, const char *root, struct buf *told, struct err *e)
{
	const struct row *row = &rows[role];
	bool is_root = geteuid() == 0;
	int status = open("/proc/self/status", O_RDONLY | O_CLOEXEC), rc = -1;

	if (status < 0)
		return err_sys(e, "/proc/self/status");
	if (is_root && as_root(row, user, root, e) < 0)
		goto out;
	if (set_limits(row, e) < 0)
		goto out;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
		err_sys(e, "prctl");
		goto out;
	}
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE) != 0) {
		err_set(e, ERR_SYSTEM, "the kernel did not keep the confinement");
		goto out;
	}
	tell(status, is_root, is_root && row->chroot, told);
	rc = 0;
out:
	close(status);
	return rc;
}
