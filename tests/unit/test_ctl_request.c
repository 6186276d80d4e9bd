/* test_ctl_request.c - the line that a command becomes, and every word that it does not take. */
#include <stdbool.h>

#include "tap.h"

#include "ctl/request.h"

#define ID "019ab000-0000-7000-8000-000000000001"

static struct err e;

static int
build(const char *verb, const char *const *words, size_t n, struct buf *line)
{
	const struct command *c;

	buf_clear(line);
	if (request_command(verb, &c, &e) < 0)
		return -1;
	return request_build(c, words, n, line, &e);
}

static void
lines(void **state)
{
	static const struct {
		const char *verb;
		const char *words[5];
		size_t n;
		const char *line;
	} rows[] = {
	    {"status", {NULL}, 0, "status\n"},
	    {"mailboxes", {NULL}, 0, "mailboxes\n"},
	    {"quarantine", {NULL}, 0, "quarantine\n"},
	    {"fsck", {NULL}, 0, "fsck\n"},
	    {"fsck", {"quick"}, 1, "fsck quick\n"},
	    {"reload", {NULL}, 0, "reload\n"},
	    {"stop", {NULL}, 0, "stop\n"},
	    {"bundles", {NULL}, 0, "bundles\n"},
	    {"bundles",
	     {"agency=uhcw", "mailbox=uhcw/emergency", "class=general", "before=12", "limit=5"},
	     5,
	     "bundles agency=uhcw mailbox=uhcw/emergency class=general before=12 limit=5\n"},
	    {"evidence", {ID}, 1, "evidence " ID "\n"},
	    {"evidence", {"1842"}, 1, "evidence 1842\n"},
	    {"release", {ID}, 1, "release " ID "\n"},
	    {"purge", {ID}, 1, "purge " ID "\n"},
	    {"canary", {ID}, 1, "canary " ID "\n"},
	    {"uncanary", {ID}, 1, "uncanary " ID "\n"},
	    {"canaries", {NULL}, 0, "canaries\n"},
	};
	struct buf line = {0};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_ok(build(rows[i].verb, rows[i].words, rows[i].n, &line), &e);
		assert_string_equal(buf_str(&line), rows[i].line);
	}
	buf_free(&line);
}

static void
refusals(void **state)
{
	static const struct {
		const char *verb;
		const char *words[2];
		size_t n;
		const char *says;
	} rows[] = {
	    {"shutdown", {NULL}, 0, "shutdown: no such command"},
	    {"", {NULL}, 0, "no such command"},
	    {"status", {"now"}, 1, "now: want: safehandctl status"},
	    {"fsck", {"deep"}, 1, "deep: want quick, or nothing"},
	    {"release", {NULL}, 0, "something is missing"},
	    {"evidence", {"1", "2"}, 2, "2: want: safehandctl evidence"},
	    {"purge", {"12"}, 1, "12: want a bundle's id"},
	    {"purge", {ID " " ID}, 1, "blanks"},
	    {"release", {ID "\nstop"}, 1, "blanks or controls"},
	    {"evidence", {"-1"}, 1, "want a bundle's id or an entry's number"},
	    {"evidence", {"1x"}, 1, "want a bundle's id or an entry's number"},
	    {"evidence", {"9999999999999999999"}, 1, "entry's number"},
	    {"bundles", {"agency"}, 1, "agency: want agency=A"},
	    {"bundles", {"=uhcw"}, 1, "want agency=A"},
	    {"bundles", {"age=3"}, 1, "age=3: want agency=A"},
	    {"bundles", {"agency=UHCW"}, 1, "want an agency"},
	    {"bundles", {"mailbox=uhcw"}, 1, "want a mailbox"},
	    {"bundles", {"class=a b"}, 1, "blanks"},
	    {"bundles", {"class=A"}, 1, "want a class"},
	    {"bundles", {"limit="}, 1, "limit=: want a whole number"},
	    {"bundles", {"limit=-1"}, 1, "limit=-1: want a whole number"},
	    {"bundles", {"before=1e9"}, 1, "before=1e9: want a whole number"},
	};
	struct buf line = {0};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_refused(build(rows[i].verb, rows[i].words, rows[i].n, &line), &e, ERR_USAGE);
		if (strstr(e.text, rows[i].says) == NULL)
			fail_msg("%s: told %s", rows[i].says, e.text);
		assert_int_equal(line.len, 0);
	}
	buf_free(&line);
}

static int
any(const char *word, struct err *err)
{
	return 0;
}

/* No command takes words so long; the bound holds for one that would. */
static void
too_long(void **state)
{
	const struct command c = {.verb = "note", .words_max = 1, .check = any};
	char word[REQUEST_MAX_BYTES];
	const char *words[] = {word};
	struct buf line = {0};

	memset(word, 'a', sizeof word);
	word[REQUEST_MAX_BYTES - 5] = '\0';
	assert_ok(request_build(&c, words, 1, &line, &e), &e);
	assert_int_equal(line.len, REQUEST_MAX_BYTES + 1);
	buf_clear(&line);
	word[REQUEST_MAX_BYTES - 5] = 'a';
	word[REQUEST_MAX_BYTES - 4] = '\0';
	assert_refused(request_build(&c, words, 1, &line, &e), &e, ERR_LIMIT);
	buf_free(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(refusals),
					   cmocka_unit_test(too_long)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
