/* test_client_args.c - arguments and settings of the client: what is read, and each refusal. */
#include "tap.h"

#include "client/args.h"
#include "client/settings.h"

static const struct args_row common[] = {
    {"json", NULL, "as JSON", false}, {"help", NULL, "help", false}, {NULL, NULL, NULL, false}};
static const struct args_row own[] = {{"to", "MAILBOX", "to whom", true},
				      {"class", "CLASS", "what", false},
				      {"wait", "[SECONDS]", "how long", true},
				      {NULL, NULL, NULL, false}};

static void
reads_arguments(void **state)
{
	const char *argv[] = {"--to", "a/b",  "one", "--class=x", "--to=c/d", "--json",
			      "-h",   "--to", "--",  "-",	  "--",	      "--to"};
	struct args *a;
	struct err e;

	assert_ok(args_parse(common, own, 12, argv, &a, &e), &e);
	assert_int_equal(args_count(a, "to"), 3);
	assert_string_equal(args_nth(a, "to", 1), "c/d");
	assert_string_equal(args_nth(a, "to", 2), "--"); /* a value may look like an option */
	assert_null(args_nth(a, "to", 3));
	assert_string_equal(args_value(a, "class"), "x");
	assert_true(args_has(a, "json"));
	assert_true(args_has(a, "help"));
	assert_int_equal(args_operands(a), 3);
	assert_string_equal(args_operand(a, 0), "one");
	assert_string_equal(args_operand(a, 1), "-");
	assert_string_equal(args_operand(a, 2), "--to");
	assert_null(args_operand(a, 3));
	assert_ok(args_want(a, 3, 3, "FILE", &e), &e);
	assert_refused(args_want(a, 4, 5, "FILE", &e), &e, ERR_USAGE);
	assert_refused(args_want(a, 0, 2, "FILE", &e), &e, ERR_USAGE);
	args_free(a);
}

/* A value in brackets may be left out: what follows is it only if it begins with a digit. */
static void
values_that_may_be_left_out(void **state)
{
	const char *argv[] = {"--wait",	  "--json", "--wait", "25",
			      "--wait=7", "--wait", "x",      "--wait"};
	static const char *const values[] = {"", "25", "7", "", ""};
	struct args *a;
	struct err e;

	assert_ok(args_parse(common, own, 8, argv, &a, &e), &e);
	assert_int_equal(args_count(a, "wait"), 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(args_nth(a, "wait", i), values[i]);
	assert_true(args_has(a, "json"));
	assert_int_equal(args_operands(a), 1);
	args_free(a);
}

static void
refuses_arguments(void **state)
{
	static const struct {
		const char *argv[4];
		int argc;
		const char *says;
	} rows[] = {
	    {{"--bogus"}, 1, "there is no such option"},
	    {{"--tox", "a"}, 2, "there is no such option"},
	    {{"--to"}, 1, "wants a value"},
	    {{"--to="}, 1, "wants a value"},
	    {{"--wait="}, 1, "wants a value"},
	    {{"--json=yes"}, 1, "takes no value"},
	    {{"--class", "a", "--class", "b"}, 4, "given twice"},
	    {{"-t"}, 1, "two dashes"},
	};
	struct args *a = NULL;
	struct err e;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_refused(args_parse(common, own, rows[i].argc, rows[i].argv, &a, &e), &e,
			       ERR_USAGE);
		if (strstr(e.text, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, e.text);
	}
	assert_refused(args_parse(common, own, ARGS_MAX + 1, rows[0].argv, &a, &e), &e, ERR_USAGE);
	assert_null(a);
}

static void
helps(void **state)
{
	struct buf text = {0};

	args_help(own, &text);
	assert_string_equal(buf_str(&text), "  --to MAILBOX          to whom (repeatable)\n"
					    "  --class CLASS         what\n"
					    "  --wait [SECONDS]      how long (repeatable)\n");
	buf_free(&text);
}

#define GOOD                                                                                       \
	"[gateway]\nurl = https://localhost:8443\nroot = root.pem\n[agency]\nname = uhcw\n"        \
	"state = state\ntls-certificate = t.pem\ntls-key = t.key\n"

static void
report(void *ctx, const char *file, int line, const char *text)
{
}

static int
read_settings(const char *text, struct conf **c, struct err *e)
{
	*c = NULL;
	if (conf_parse("t.conf", "/etc/x", text, strlen(text), settings_table, report, NULL, c, e) <
	    0)
		return -1;
	return settings_check(*c, e);
}

static void
reads_settings(void **state)
{
	struct conf *c;
	struct err e;

	assert_ok(read_settings(GOOD "[mailbox \"uhcw/ed\"]\ncertificate = c\nkey = k\n", &c, &e),
		  &e);
	assert_string_equal(conf_str(c, "gateway", NULL, "root"), "/etc/x/root.pem");
	assert_string_equal(conf_str(c, "mailbox", "uhcw/ed", "key"), "/etc/x/k");
	assert_int_equal(conf_int(c, "gateway", NULL, "retries"), 5);
	conf_free(c);
}

static void
refuses_settings(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
	    {"[gateway]\nurl = http://x\n", "https://"},
	    {"[gateway]\nurl = https://\n", "https://"},
	    {"[gateway]\nurl = https://x/v1\n", "nothing after it"},
	    {"[gateway]\nurl = https://u@x\n", "nothing after it"},
	    {"[agency]\nname = UHCW\n", "[a-z0-9]"},
	    {GOOD "[mailbox \"uhcw\"]\ncertificate = c\nkey = k\n", "want agency/role"},
	    {GOOD "[mailbox \"csc/mash\"]\ncertificate = c\nkey = k\n", "not of agency uhcw"},
	    {GOOD "[identity \"x\"]\nkind = robot\ncertificate = c\nkey = k\n", "system|person"},
	    {GOOD "[identity \"\"]\nkind = system\ncertificate = c\nkey = k\n", ""},
	};
	struct conf *c;
	struct err e;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_refused(read_settings(rows[i].text, &c, &e), &e, ERR_CONFIG);
		if (strstr(e.text, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, e.text);
		conf_free(c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_arguments), cmocka_unit_test(values_that_may_be_left_out),
	    cmocka_unit_test(helps),	       cmocka_unit_test(refuses_arguments),
	    cmocka_unit_test(reads_settings),  cmocka_unit_test(refuses_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
