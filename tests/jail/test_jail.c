/* test_jail.c - each role's jail, entered by a child of root and by one of nobody: every forbidden
 * act dies by SIGSYS or is refused; outside the jail the same acts are done, so that the refusals
 * are the jail's. What cannot be tested here (no root, a kernel without Landlock, sanitizers) is
 * said. */
#include <stdbool.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/mman.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "tests/unit/tap.h"

#include "acts.h"
#include "frame/calls.h"
#include "frame/jail.h"
#include "frame/role.h"
#include "frame/room.h"

#define USER	"nobody" /* whom the children become: on every Debian */
#define USER_ID 65534
#define FEW	64 /* descriptors of a role that serves no clients */

static char folder[] = "/tmp/safehand-jail-XXXXXX";
static struct buf said; /* what the last child printed */
static int landlock;	/* the level in force here */
static bool endless;	/* may a role lock all memory that it will have? */

static const struct row {
	enum role_id role;
	bool chroot, few, token, secrets;
} rows[] = {
    {ROLE_FRONT, true, false, false, true},  {ROLE_VERIFY, true, true, false, false},
    {ROLE_STORE, true, false, false, false}, {ROLE_NOTARY, true, true, false, true},
    {ROLE_NOTARY, true, true, true, true},   {ROLE_COURIER, false, true, false, true},
};
#define ROWS (sizeof rows / sizeof *rows)

static const struct row *row;	/* of the child */
static const struct act *to_do; /* the act of the child */
static bool as_user_first;	/* leave root before the jail */

/* A child has no cmocka: it says what is wrong and ends. */
#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			dprintf(2, "%s: not so: %s (%s)\n", role_name(row->role), #what,           \
				strerror(errno));                                                  \
			_exit(255);                                                                \
		}                                                                                  \
	} while (0)

/* The child's wait status; what it said stands in said. */
static int
run(const struct row *r, void (*f)(void))
{
	int status, fd = memfd_create("said", MFD_CLOEXEC);
	struct err e;
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
	return status;
}

static void
run_well(const struct row *r, void (*f)(void))
{
	int status = run(r, f);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("%s: status %x: %s", role_name(r->role), (unsigned)status, buf_str(&said));
}

static void
leave_root(void)
{
	gid_t group = USER_ID;

	if (geteuid() == 0)
		CHECK(setgroups(1, &group) == 0 && setgid(USER_ID) == 0 && setuid(USER_ID) == 0);
}

static void
enter(struct buf *told)
{
	char root[64];
	struct jail jail = {USER, root, row->role == ROLE_STORE ? scene.data_fd : -1, row->token};
	struct err why;

	snprintf(root, sizeof root, "%s/root", folder);
	if (jail_enter(row->role, &jail, told, &why) < 0) {
		dprintf(2, "%s: %s\n", role_name(row->role), why.text);
		_exit(254);
	}
}

static bool
has(const struct buf *b, const char *text)
{
	return strstr(buf_str(b), text) != NULL;
}

/* --- what the jail says of itself --- */

static void
check_told(const struct buf *told, bool root)
{
	char want[64];

	snprintf(want, sizeof want, "\"landlock\":%d,", landlock);
	CHECK(has(told, want));
	CHECK(has(told, root ? "\"uid\":\"65534\",\"gid\":\"65534\"" : "\"uid\":\""));
	CHECK(has(told, "\"capabilities\":\"0000000000000000\""));
	CHECK(has(told, "\"no_new_privs\":\"1\""));
	CHECK(has(told, calls_unfiltered() ? "\"seccomp\":\"0\"" : "\"seccomp\":\"2\""));
	CHECK(has(told, "\"dumpable\":0"));
	CHECK(has(told, "\"core\":0"));
	CHECK(row->few == has(told, "\"files\":64"));
	CHECK((row->role == ROLE_COURIER) != has(told, "\"processes\":0"));
	CHECK(has(told, root && row->chroot ? "\"chroot\":\"yes\"" : "\"chroot\":\"no\""));
	CHECK(has(told, "not started as root") == !root);
	CHECK(has(told, "landlock: ") == (landlock == 0));
	CHECK(has(told, "built with sanitizers") == (calls_unfiltered() != NULL));
	if (root && landlock > 0 && calls_unfiltered() == NULL)
		CHECK(has(told, endless || !row->secrets
				    ? "\"skipped\":\"\""
				    : "\"skipped\":\"memory kept out of swap: "));
}

static void
told_as_root(void)
{
	struct buf told = {0};

	enter(&told);
	check_told(&told, true);
	buf_free(&told);
}

static void
told_as_user(void)
{
	struct buf told = {0};

	leave_root();
	enter(&told);
	check_told(&told, false);
	buf_free(&told);
}

static void
each_row_tells(void **state)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (geteuid() == 0)
			run_well(&rows[i], told_as_root);
		run_well(&rows[i], told_as_user);
	}
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
	CHECK(has(&told, "\"files\":50"));
	buf_free(&told);
}

static void
limits_only_sink(void **state)
{
	for (size_t i = 0; i < ROWS; i++)
		run_well(&rows[i], few_given);
}

static void
refused(void)
{
	struct buf told = {0};
	struct err why;

	CHECK(jail_enter(row->role, &(struct jail){"root", folder, -1, false}, &told, &why) == -1 &&
	      why.code == ERR_CONFIG && strstr(why.text, "is root") != NULL);
	CHECK(jail_enter(row->role, &(struct jail){"no-such-user", folder, -1, false}, &told,
			 &why) == -1 &&
	      why.code == ERR_CONFIG && strstr(why.text, "no such user") != NULL);
	CHECK(!row->chroot ||
	      (jail_enter(row->role, &(struct jail){USER, "/no/such/folder", -1, false}, &told,
			  &why) == -1 &&
	       why.code == ERR_SYSTEM && strstr(why.text, "/no/such/folder") != NULL));
	CHECK(geteuid() == 0 && told.len == 0);
}

static void
root_not_empty(void)
{
	struct buf told = {0};
	struct err why;

	CHECK(jail_enter(row->role, &(struct jail){USER, "/", -1, false}, &told, &why) == -1 &&
	      strstr(why.text, "holds /proc") != NULL);
}

static void
refusals(void **state)
{
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ROWS; i++) {
		run_well(&rows[i], refused);
		if (rows[i].chroot)
			run_well(&rows[i], root_not_empty);
	}
}

/* --- what it forbids --- */

static void
act(void)
{
	struct buf told = {0};

	scene.sock = socket(AF_INET, SOCK_STREAM, 0); /* its own: acts change it */
	if (as_user_first)
		leave_root();
	enter(&told);
	_exit(to_do->act());
}

static void
act_outside(void)
{
	scene.sock = socket(AF_INET, SOCK_STREAM, 0);
	_exit(to_do->act());
}

static bool
died_of_it(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* Without the filter the other steps still refuse: what they do not is not asked for. */
static void
check_act(const struct row *r, const struct act *a)
{
	bool is_refused = a->refused & 1u << r->role;
	int status;

	if (a->may & 1u << r->role || (is_refused && a->since > landlock) ||
	    (!is_refused && calls_unfiltered() != NULL))
		return;
	to_do = a;
	status = run(r, act);
	if (is_refused
		? !WIFEXITED(status) || WEXITSTATUS(status) == 0 || WEXITSTATUS(status) >= 250
		: !died_of_it(status))
		fail_msg("%s, %s, %s: status %x, want %s: %s", role_name(r->role),
			 as_user_first ? "unprivileged" : "as root", a->name, (unsigned)status,
			 is_refused ? "a refusal" : "death by SIGSYS", buf_str(&said));
}

static void
check_acts(bool user)
{
	as_user_first = user;
	for (size_t i = 0; i < ROWS; i++)
		for (size_t k = 0; k < acts_n; k++)
			check_act(&rows[i], &acts[k]);
	if (calls_unfiltered() != NULL)
		print_message("skipped: acts that only the filter of system calls stops: %s\n",
			      calls_unfiltered());
	if (landlock < 4)
		print_message("skipped: acts that only Landlock stops: this kernel's level is %d\n",
			      landlock);
}

static void
forbidden_acts_as_root(void **state)
{
	if (geteuid() != 0) {
		print_message("skipped: the jails of a gateway started as root: we are not root\n");
		skip();
	}
	check_acts(false);
}

static void
forbidden_acts_unprivileged(void **state)
{
	check_acts(true);
}

/* The acts are real: outside nothing dies of them, and what a jail refuses is done. */
static void
outside_they_are_done(void **state)
{
	static const char *const left[] = {"taken", "link", "hard"}; /* what the acts leave */

	if (geteuid() != 0)
		skip();
	for (size_t k = 0; k < acts_n; k++) {
		int status;

		to_do = &acts[k];
		status = run(&rows[0], act_outside);
		if (!WIFEXITED(status) || (to_do->refused != 0 && WEXITSTATUS(status) != 0))
			fail_msg("outside, %s: status %x", to_do->name, (unsigned)status);
		unlinkat(AT_FDCWD, scene.made, 0);
		unlinkat(AT_FDCWD, scene.made, AT_REMOVEDIR);
		for (size_t i = 0; i < sizeof left / sizeof *left; i++)
			unlinkat(scene.data_fd, left[i], 0);
		close(openat(AT_FDCWD, scene.file, O_CREAT | O_WRONLY, 0644));
	}
}

/* What a role may is not in the way of its work. */
static void
allowed(void **state)
{
	for (size_t i = 0; i < ROWS; i++)
		for (size_t k = 0; k < acts_n; k++) {
			int status;

			if (!(acts[k].may & 1u << rows[i].role))
				continue;
			to_do = &acts[k];
			as_user_first = geteuid() != 0;
			if ((status = run(&rows[i], act)) != 0)
				fail_msg("%s: %s is its work: status %x: %s",
					 role_name(rows[i].role), to_do->name, (unsigned)status,
					 buf_str(&said));
		}
}

/* --- a token --- */

/* What p11-kit's client does once it is connected, and nothing that it would do to connect. */
static void
ask_a_token(void)
{
	struct buf told = {0};
	char answer[8];
	int ends[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	if (as_user_first)
		leave_root();
	enter(&told);
	CHECK(write(ends[0], "sign", 4) == 4 && read(ends[1], answer, sizeof answer) == 4);
	buf_free(&told);
}

static void
only_who_has_a_token_reads(void **state)
{
	for (size_t i = 0; i < ROWS; i++) {
		int status;

		if (rows[i].role != ROLE_NOTARY || (!rows[i].token && calls_unfiltered() != NULL))
			continue;
		as_user_first = geteuid() != 0;
		status = run(&rows[i], ask_a_token);
		if (rows[i].token ? status != 0 : !died_of_it(status))
			fail_msg("notary %s token: status %x: %s",
				 rows[i].token ? "with" : "without", (unsigned)status,
				 buf_str(&said));
	}
}

/* --- the data folder --- */

static void
work_in_data(void)
{
	struct buf told = {0};
	int fd;

	if (as_user_first)
		leave_root();
	enter(&told);
	CHECK(mkdirat(scene.data_fd, "a", 0700) == 0 && mkdirat(scene.data_fd, "b", 0700) == 0);
	CHECK((fd = openat(scene.data_fd, "a/file", O_RDWR | O_CREAT, 0600)) >= 0);
	CHECK(pwrite(fd, "x", 1, 0) == 1 && ftruncate(fd, 0) == 0 && fsync(fd) == 0);
	CHECK(renameat(scene.data_fd, "a/file", scene.data_fd, "b/file") == 0);
	CHECK(unlinkat(scene.data_fd, "b/file", 0) == 0);
	buf_free(&told);
}

static void
clear_data(void)
{
	unlinkat(scene.data_fd, "a", AT_REMOVEDIR);
	unlinkat(scene.data_fd, "b", AT_REMOVEDIR);
}

static void
store_works_in_its_folder(void **state)
{
	const struct row *store = &rows[2];

	for (int user = geteuid() != 0; user < 2; user++) {
		as_user_first = user;
		run_well(store, work_in_data);
		clear_data();
	}
}

/* --- what holds secrets --- */

#define LATER 65536 /* bytes that a role takes when it is at work */

/* The kernel gives back no page that is locked: it says EINVAL. */
static void
take_memory(void)
{
	bool locked = row->secrets && endless && calls_unfiltered() == NULL;
	struct buf told = {0};
	void *p;

	if (as_user_first)
		leave_root();
	enter(&told);
	p = mmap(NULL, LATER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	CHECK(madvise(p, LATER, MADV_DONTNEED) == (locked ? -1 : 0));
	buf_free(&told);
}

static void
what_comes_later_is_locked(void **state)
{
	for (int user = geteuid() != 0; user < 2; user++) {
		as_user_first = user;
		for (size_t i = 0; i < ROWS; i++)
			run_well(&rows[i], take_memory);
	}
	if (!endless)
		print_message("skipped: locking what comes later: there is a limit here\n");
}

/* A secret's own pages are locked and in no core, limit or not, and nothing is left of it. */
static void
a_room_is_locked(void **state)
{
	bool locks_nothing = calls_unfiltered() != NULL; /* the sanitizers' mlock does nothing */
	struct buf room = {0};

	if (locks_nothing)
		print_message("skipped: is a room locked: %s\n", calls_unfiltered());
	for (int i = 0; i < 1000; i++) { /* more than any limit, if they were not given back */
		room_new(&room, LATER);
		assert_true(room.cap > LATER && room.len == 0);
		buf_adds(&room, "a secret");
		if (!locks_nothing) {
			assert_int_equal(madvise(room.data, room.cap, MADV_DONTNEED), -1);
			assert_int_equal(errno, EINVAL);
		}
		room_drop(&room);
		assert_null(room.data);
	}
	room_drop(&room);
}

/* --- another role's memory --- */

static char hidden[] = "the log's secret";

/* A process of the user, in the jail of r or (NULL) in none, that waits until *hold is closed. */
static pid_t
victim(const struct row *r, int *hold)
{
	int ends[2];
	struct buf told = {0};
	pid_t pid;
	char c;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	if ((pid = fork()) == 0) {
		struct iovec iov = {&c, 1};
		struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

		close(ends[0]);
		row = r != NULL ? r : &rows[0];
		leave_root();
		if (r != NULL)
			enter(&told);
		else
			CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0); /* leaving root took it */
		CHECK(write(ends[1], "x", 1) == 1);
		while (recvmsg(ends[1], &m, 0) > 0)
			;
		_exit(0);
	}
	close(ends[1]);
	*hold = ends[0];
	assert_int_equal(read(ends[0], &c, 1), 1);
	return pid;
}

static void
let_go(pid_t pid, int hold)
{
	int status;

	close(hold);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int
reads_memory(pid_t pid)
{
	char here[sizeof hidden] = "";
	struct iovec to = {here, sizeof here}, from = {hidden, sizeof here};

	return process_vm_readv(pid, &to, 1, &from, 1, 0) == sizeof here &&
		       strcmp(here, hidden) == 0
		   ? 0
		   : errno;
}

/* The same user and no jail at all: what stands between them is that the victim is not dumpable. */
static void
try_memory(void)
{
	leave_root();
	CHECK(reads_memory(scene.other) == EPERM);
	CHECK(ptrace(PTRACE_SEIZE, scene.other, NULL, NULL) == -1 && errno == EPERM);
	CHECK(open(scene.mem, O_RDONLY) == -1 && errno == EACCES);
}

static pid_t plain; /* a process of the user that is in no jail */

static void
try_plain(void)
{
	leave_root();
	CHECK(reads_memory(plain) == 0);
}

static void
memory_of_a_jailed_role(void **state)
{
	int hold;

	run_well(&rows[0], try_memory);
	plain = victim(NULL, &hold);
	run_well(&rows[0], try_plain); /* the same, of one in no jail, goes */
	let_go(plain, hold);
}

/* --- the scene --- */

static int other_hold;

static void
make_level(void)
{
	struct buf told = {0};

	enter(&told);
	_exit(has(&told, "\"landlock\":0,") ? 0
					    : atoi(strstr(buf_str(&told), "\"landlock\":") + 11));
}

static int
make_scene(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static char outside[64];
	char path[96];

	snprintf(outside, sizeof outside, "%s/outside", folder);
	scene.outside = outside;
	snprintf(scene.file, sizeof scene.file, "%s/file", outside);
	snprintf(scene.made, sizeof scene.made, "%s/made", outside);
	snprintf(path, sizeof path, "%s/root", folder);
	if (mkdir(path, 0755) < 0 || mkdir(outside, 0777) < 0 || chmod(outside, 0777) < 0)
		return -1;
	close(open(scene.file, O_CREAT | O_WRONLY, 0644));
	snprintf(path, sizeof path, "%s/data", folder);
	if (mkdir(path, 0700) < 0 || (geteuid() == 0 && chown(path, USER_ID, USER_ID) < 0))
		return -1;
	scene.data_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scene.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	scene.log = memfd_create("log", MFD_CLOEXEC);
	return scene.data_fd < 0 || bind(scene.listener, (struct sockaddr *)&any, sizeof any) < 0 ||
		       listen(scene.listener, 1) < 0
		   ? -1
		   : 0;
}

static int
begin(void **state)
{
	if (mkdtemp(folder) == NULL || chmod(folder, 0755) < 0 || make_scene() < 0)
		return -1;
	landlock = WEXITSTATUS(run(&rows[0], make_level));
	endless = setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}) == 0;
	scene.other = victim(&rows[3], &other_hold);
	snprintf(scene.mem, sizeof scene.mem, "/proc/%d/mem", (int)scene.other);
	print_message("Landlock here: level %d; filter of system calls: %s\n", landlock,
		      calls_unfiltered() ? calls_unfiltered() : "yes");
	return 0;
}

/* Fails if a role could leave anything anywhere. */
static int
end(void **state)
{
	char path[96];
	int rc = 0;

	let_go(scene.other, other_hold);
	unlink(scene.file);
	snprintf(path, sizeof path, "%s/root", folder);
	rc |= rmdir(path);
	snprintf(path, sizeof path, "%s/data", folder);
	rc |= rmdir(path);
	rc |= rmdir(scene.outside);
	buf_free(&said);
	return rc | rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_row_tells),
					   cmocka_unit_test(limits_only_sink),
					   cmocka_unit_test(refusals),
					   cmocka_unit_test(forbidden_acts_as_root),
					   cmocka_unit_test(forbidden_acts_unprivileged),
					   cmocka_unit_test(outside_they_are_done),
					   cmocka_unit_test(allowed),
					   cmocka_unit_test(only_who_has_a_token_reads),
					   cmocka_unit_test(store_works_in_its_folder),
					   cmocka_unit_test(what_comes_later_is_locked),
					   cmocka_unit_test(a_room_is_locked),
					   cmocka_unit_test(memory_of_a_jailed_role)};

	return cmocka_run_group_tests(tests, begin, end);
}
