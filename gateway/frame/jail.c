/* jail.c - the confinement of each role. Runs in: all roles, once. Owns: nothing. Trusts: the
 * kernel's report only. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "frame/calls.h"
#include "frame/jail.h"
#include "frame/jail_report.h"
#include "frame/landlock.h"

#define FILES_MANY 65536 /* a connection or a mailbox file each */
#define FILES_FEW  64	 /* channels, the loop's own, a message's */
#define NO_LIMIT   (~(rlim_t)0)

/* processes 0: no fork, no thread (it binds only once the user is not root). File sizes stay
 * unlimited: standard error may be a file, and a role that can open none can grow none but those
 * that it was given. */
static const struct row {
	rlim_t files, processes;
	bool chroot, secrets; /* secrets: its memory is kept out of swap */
} rows[ROLE_IDS] = {
    [ROLE_MASTER] = {FILES_MANY, NO_LIMIT, false, true}, /* starts the others: not jailed */
    [ROLE_FRONT] = {FILES_MANY, 0, true, true},
    [ROLE_VERIFY] = {FILES_FEW, 0, true, false},
    [ROLE_STORE] = {FILES_MANY, 0, true, false}, /* the data folder is its root */
    [ROLE_NOTARY] = {FILES_FEW, 0, true, true},
    [ROLE_COURIER] = {FILES_FEW, NO_LIMIT, false,
		      true}, /* libcurl reads CA files and resolv.conf, and resolves in a thread */
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

static int
no_way_back(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "prctl");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE) != 0)
		return err_set(e, ERR_SYSTEM, "the kernel did not keep the confinement");
	return 0;
}

/* All that it has and will have, each page from its first use on; but only without a limit, which a
 * role would fail at under load. With one the keys' own memory is held as it is (room.h, crypto.h),
 * and what there is now if it fits. */
static int
lock_memory(struct jail_report *r, struct err *e)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	bool endless;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0 && errno != EPERM)
		return err_sys(e, "setrlimit memlock");
	endless = getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
	if (mlockall(MCL_CURRENT | MCL_ONFAULT | (endless ? MCL_FUTURE : 0)) < 0) {
		if (errno != ENOMEM && errno != EPERM)
			return err_sys(e, "mlockall");
		r->no_lock = "but for the keys: the user's limit is too low (RLIMIT_MEMLOCK)";
	} else if (!endless) {
		r->no_lock = "what comes later, but for keys: there is a limit (RLIMIT_MEMLOCK)";
	}
	return 0;
}

/* The steps in their order: each needs what the one before it gave away last. */
static int
take_steps(enum role_id role, const struct jail *j, struct jail_report *r, struct err *e)
{
	const struct row *row = &rows[role];

	if (row->secrets && lock_memory(r, e) < 0)
		return -1;
	if (r->root && as_root(row, j->user, j->root, e) < 0)
		return -1;
	if (r->root && row->chroot && access("/proc/self", F_OK) == 0)
		return err_set(e, ERR_SYSTEM, "%s: not empty: it holds /proc", j->root);
	r->chroot = r->root && row->chroot;
	if (set_limits(row, e) < 0 || no_way_back(e) < 0)
		return -1;
	if (landlock_enter(role, j->data_fd, &r->landlock, &r->no_landlock, e) < 0)
		return -1;
	jail_report_ask(r); /* what later takes calls that the filter does not let through */
	r->no_calls = calls_unfiltered();
	return r->no_calls == NULL ? calls_enter(role, j->token, e) : 0;
}

int
jail_enter(enum role_id role, const struct jail *j, struct buf *told, struct err *e)
{
	struct jail_report r = {.root = geteuid() == 0};
	int rc;

	if ((r.status = open("/proc/self/status", O_RDONLY | O_CLOEXEC)) < 0)
		return err_sys(e, "/proc/self/status");
	if ((rc = take_steps(role, j, &r, e)) == 0)
		jail_report_tell(&r, told);
	close(r.status);
	return rc;
}
