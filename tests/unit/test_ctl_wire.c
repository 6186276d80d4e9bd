/* test_ctl_wire.c - safehandctl at a control socket that is played by a child of the test: good,
 * mute, endless, missing, forbidden. */
#include <errno.h>
#include <stdbool.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tap.h"

#include "ctl/wire.h"

static struct err e;
static char folder[] = "/tmp/safehand-ctl-XXXXXX", path[64];
static struct buf line, answer;

/* A gateway that reads one line and answers with n bytes; n 0: hangs up; n -1: never answers. */
static pid_t
play(ssize_t n)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	strcpy(sa.sun_path, path);
	unlink(path);
	assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(listener, 1), 0);
	if ((pid = fork()) == 0) {
		static char bytes[65536];
		int fd = accept(listener, NULL, NULL);
		ssize_t got = read(fd, bytes, sizeof bytes);

		if (got != 7 || memcmp(bytes, "status\n", 7) != 0)
			_exit(9);
		memset(bytes, 'x', sizeof bytes);
		for (ssize_t k; n > 0; n -= k)
			if ((k = send(fd, bytes,
				      (size_t)n < sizeof bytes ? (size_t)n : sizeof bytes,
				      MSG_NOSIGNAL)) < 0)
				_exit(0);
		while (n < 0 && read(fd, bytes, 1) > 0)
			;
		_exit(0);
	}
	close(listener);
	return pid;
}

static void
ended(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
answers(void **state)
{
	pid_t pid = play(200000);

	assert_ok(wire_ask(path, &line, 30, &answer, &e), &e);
	assert_int_equal(answer.len, 200000);
	assert_int_equal(strlen(buf_str(&answer)), 200000);
	ended(pid);
}

static void
mute(void **state)
{
	pid_t pid = play(0);

	assert_refused(wire_ask(path, &line, 30, &answer, &e), &e, ERR_NETWORK);
	assert_non_null(strstr(e.text, "without an answer"));
	ended(pid);
	pid = play(-1);
	assert_refused(wire_ask(path, &line, 1, &answer, &e), &e, ERR_NETWORK);
	assert_non_null(strstr(e.text, "no answer for 1 seconds"));
	ended(pid);
}

static bool
twice(void *ctx)
{
	unsigned *times = ctx;

	errno = EPERM; /* what asking leaves behind is not the wait's */
	return ++*times < 2;
}

/* Waited for as long as somebody says that there is something to wait for. */
static void
goes_on(void **state)
{
	unsigned times = 0;
	pid_t pid = play(-1);

	assert_refused(wire_ask_while(path, &line, twice, &times, &answer, &e), &e, ERR_NETWORK);
	assert_int_equal(times, 2);
	ended(pid);
	pid = play(100);
	assert_ok(wire_ask_while(path, &line, twice, &times, &answer, &e), &e);
	assert_int_equal(answer.len, 100);
	ended(pid);
}

static void
endless(void **state)
{
	pid_t pid = play(2 * (ssize_t)ANSWER_MAX_BYTES);

	assert_refused(wire_ask(path, &line, 30, &answer, &e), &e, ERR_LIMIT);
	ended(pid);
}

/* A socket whose listener is gone, one that is missing, a name that is too long, no socket at all.
 */
static void
nobody(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	char longer[200];

	unlink(path);
	assert_refused(wire_ask(path, &line, 30, &answer, &e), &e, ERR_NETWORK);
	assert_non_null(strstr(e.text, "no gateway listens there"));
	strcpy(sa.sun_path, path);
	assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof sa), 0);
	close(listener);
	assert_refused(wire_ask(path, &line, 30, &answer, &e), &e, ERR_NETWORK);
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_refused(wire_ask(longer, &line, 30, &answer, &e), &e, ERR_USAGE);
	snprintf(longer, sizeof longer, "%s/x", path);
	assert_refused(wire_ask(longer, &line, 30, &answer, &e), &e, ERR_USAGE);
}

/* Root may open every socket: a child asks as somebody else. */
static void
forbidden(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	unlink(path);
	strcpy(sa.sun_path, path);
	assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	if ((pid = fork()) == 0) {
		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(8);
		_exit(wire_ask(path, &line, 30, &answer, &e) == -1 && e.code == ERR_DENIED &&
			      strstr(e.text, "permission denied") != NULL
			  ? 0
			  : 9);
	}
	ended(pid);
	close(listener);
}

static int
begin(void **state)
{
	buf_adds(&line, "status\n");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/control", folder);
	return 0;
}

static int
end(void **state)
{
	unlink(path);
	buf_free(&line);
	return rmdir(folder);
}

static int
fresh(void **state)
{
	buf_free(&answer);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(answers, fresh),
					   cmocka_unit_test_teardown(mute, fresh),
					   cmocka_unit_test_teardown(goes_on, fresh),
					   cmocka_unit_test_teardown(endless, fresh),
					   cmocka_unit_test(nobody),
					   cmocka_unit_test(forbidden)};

	return cmocka_run_group_tests(tests, begin, end);
}
