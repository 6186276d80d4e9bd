/* test_frame_jail.c - each role's row, entered by a child: what it can no longer do, and what the
 * kernel says of it. Steps that need root are tested when the test is root; without root it is
 * tested that they are skipped and said. */
#include <stdbool.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tap.h"

#include "frame/jail.h"
#include "frame/role.h"

#define USER "nobody" /* whom the children become: on every Debian */
#define FEW  64	      /* descriptors of a role that serves no clients */

static char folder[] = "/tmp/safehand-jail-XXXXXX";
static struct buf said; /* what the last child printed */
static struct err e;

static const struct row {
	enum role_id role;
	bool chroot, fork, few;
} rows[] = {
    {ROLE_FRONT, true, false, false},  {ROLE_VERIFY, true, false, true},
    {ROLE_STORE, true, false, false},  {ROLE_NOTARY, true, false, true},
    {ROLE_COURIER, false, true, true},
};
#define ROWS (sizeof rows / sizeof *rows)

static const struct row *row; /* of the child */

/* A child has no cmocka: it says what is wrong and ends. */
#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			dprintf(2, "%s: not so: %s (%s)\n", role_name(row->role), #what,           \
				strerror(errno));                                                  \
			_exit(9);                                                                  \
		}                                                                                  \
	} while (0)

static void
run(const struct row *r, void (*f)(void))
{
	int status, fd = memfd_create("said", MFD_CLOEXEC);
	pid_t pid;

	row = r;
	fflush(NULL);
	if ((pid = fork()) == 0) {
		dup2(fd, 2);
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	buf_clear(&said);
	assert_int_equal(role_read_fd(fd, 65536, &said, &e), 0);
	close(fd);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("status %x: %s", (unsigned)status, buf_str(&said));
}

static bool
fails(int rc, int with)
{
	return rc == -1 && errno == with;
}

static void
enter(struct buf *told)
{
	struct err why;

	if (jail_enter(row->role, USER, folder, told, &why) < 0) {
		dprintf(2, "%s: %s\n", role_name(row->role), why.text);
		_exit(8);
	}
}

static bool
has(const struct buf *b, const char *text)
{
	return strstr(buf_str(b), text) != NULL;
}

static void
check_ids(void)
{
	uid_t r, u, s;
	gid_t group;

	CHECK(getresuid(&r, &u, &s) == 0 && r == 65534 && u == 65534 && s == 65534);
	CHECK(getgroups(1, &group) == 1 && group == getegid() && group != 0);
	CHECK(fails(setuid(0), EPERM));
	CHECK(fails(seteuid(0), EPERM));
	CHECK(fails(setresuid(0, 0, 0), EPERM));
	CHECK(fails(setgid(0), EPERM));
	CHECK(fails(setgroups(0, NULL), EPERM));
	CHECK(fails(chroot("/"), EPERM));
	CHECK(fails(kill(getppid(), 0), EPERM)); /* the test, which is root */
}

static void
check_files(void)
{
	if (row->chroot) {
		CHECK(fails(open("/etc/passwd", O_RDONLY), ENOENT));
		CHECK(fails(open("../../../../etc/passwd", O_RDONLY), ENOENT));
		CHECK(fails(open("/proc/self/status", O_RDONLY), ENOENT));
		CHECK(fails(open("/dev/null", O_RDWR), ENOENT));
	} else {
		CHECK(open("/etc/passwd", O_RDONLY) >= 0);
	}
	CHECK(fails(open("/etc/shadow", O_RDONLY), row->chroot ? ENOENT : EACCES));
	CHECK(fails(open("/made", O_WRONLY | O_CREAT, 0600), EACCES));
	CHECK(fails(mkdir("/made", 0700), EACCES));
	if (row->chroot)
		CHECK(fails(execl("/bin/true", "true", NULL), ENOENT));
}

static void
check_limits(void)
{
	struct rlimit files, core;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	CHECK(row->fork ? pid > 0 : fails((int)pid, EAGAIN));
	CHECK(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur == files.rlim_max);
	CHECK(!row->few || files.rlim_max == FEW);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE) == 0);
	if (geteuid() != 0) {
		files.rlim_max++;
		CHECK(fails(setrlimit(RLIMIT_NOFILE, &files), EPERM));
	}
	if (row->few) {
		int fd = -1;

		for (int i = 0; i < FEW; i++)
			fd = dup(2);
		CHECK(fails(fd, EMFILE));
	}
}

static void
as_root(void)
{
	struct buf told = {0};

	enter(&told);
	CHECK(has(&told, "\"uid\":\"65534\""));
	CHECK(has(&told, "\"capabilities\":\"0000000000000000\""));
	CHECK(has(&told, "\"no_new_privs\":\"1\""));
	CHECK(has(&told, "\"dumpable\":0"));
	CHECK(has(&told, row->chroot ? "\"chroot\":\"yes\"" : "\"chroot\":\"no\""));
	CHECK(has(&told, "\"skipped\":\"\""));
	check_ids();
	check_files();
	check_limits();
	buf_free(&told);
}

static void
each_row_as_root(void **state)
{
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ROWS; i++)
		run(&rows[i], as_root);
}

static void
leave_root(void)
{
	gid_t group = 65534;

	if (geteuid() == 0)
		CHECK(setgroups(1, &group) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
}

/* Without root: the same limits; what is left out is said. */
static void
as_user(void)
{
	struct buf told = {0};

	leave_root();
	enter(&told);
	CHECK(has(&told, "\"chroot\":\"no\""));
	CHECK(has(&told, "\"skipped\":\"chroot, ids: not started as root\""));
	CHECK(open("/etc/passwd", O_RDONLY) >= 0);
	check_limits();
	buf_free(&told);
}

static void
each_row_without_root(void **state)
{
	for (size_t i = 0; i < ROWS; i++)
		run(&rows[i], as_user);
}

/* Never above what we were given. */
static void
few_given(void)
{
	struct rlimit files = {50, 50};
	struct buf told = {0};

	CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
	leave_root();
	enter(&told);
	CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max == 50);
	buf_free(&told);
}

static void
limits_only_sink(void **state)
{
	for (size_t i = 0; i < ROWS; i++)
		run(&rows[i], few_given);
}

static void
refused(void)
{
	struct buf told = {0};
	struct err why;

	CHECK(jail_enter(row->role, "root", folder, &told, &why) == -1 && why.code == ERR_CONFIG &&
	      strstr(why.text, "is root") != NULL);
	CHECK(jail_enter(row->role, "no-such-user", folder, &told, &why) == -1 &&
	      why.code == ERR_CONFIG && strstr(why.text, "no such user") != NULL);
	CHECK(!row->chroot ||
	      (jail_enter(row->role, USER, "/no/such/folder", &told, &why) == -1 &&
	       why.code == ERR_SYSTEM && strstr(why.text, "/no/such/folder") != NULL));
	CHECK(geteuid() == 0 && told.len == 0);
}

static void
refusals(void **state)
{
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ROWS; i++)
		run(&rows[i], refused);
}

static int
begin(void **state)
{
	return mkdtemp(folder) == NULL || chmod(folder, 0755) < 0 ? -1 : 0;
}

static int
end(void **state)
{
	buf_free(&said);
	return rmdir(folder); /* fails if a role could write into its root */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_row_as_root), cmocka_unit_test(each_row_without_root),
	    cmocka_unit_test(limits_only_sink), cmocka_unit_test(refusals)};

	return cmocka_run_group_tests(tests, begin, end);
}
