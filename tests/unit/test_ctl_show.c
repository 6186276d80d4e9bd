/* test_ctl_show.c - what people see of the gateway's answers: tables in line, nothing that steers a
 * terminal, refusals with their code. */
#include <locale.h>
#include <stdbool.h>
#include <time.h>

#include "tap.h"

#include "ctl/request.h"
#include "ctl/show.h"
#include "ctl/table.h"
#include "safehand/json.h"
#include "safehand/time.h"

#define NOW "2026-11-24T12:00:00Z"

static struct err e;
static struct buf out;

static struct json *
parse(const char *text)
{
	struct json *doc;

	assert_ok(json_parse("answer", text, strlen(text), 1 << 20, &doc, &e), &e);
	return doc;
}

static enum err_code
show(const char *verb, const char *word, const char *text)
{
	const struct command *c;
	struct json *doc = parse(text);
	enum err_code code;
	int64_t now;

	assert_int_equal(time_parse(NOW, &now), 0);
	assert_ok(request_command(verb, &c, &e), &e);
	buf_clear(&out);
	code = c->show(doc, word, now, &out);
	json_free(doc);
	return code;
}

static void
has(const char *text)
{
	if (strstr(buf_str(&out), text) == NULL)
		fail_msg("no \"%s\" in:\n%s", text, buf_str(&out));
}

/* --- tables --- */

static const struct column three[] = {{"NAME", false}, {"N", true}, {"LAST", false}};

static void
columns(void **state)
{
	struct table t = {.columns = three, .width = 3};

	table_add(&t, "école"); /* six bytes, five columns */
	table_addf(&t, "%d", 7);
	table_add(&t, NULL);
	table_add(&t, "a");
	table_addf(&t, "%d", 1234);
	table_add(&t, "");
	table_print(&t, &out);
	assert_string_equal(buf_str(&out), "NAME      N  LAST\n"
					   "école     7  \xe2\x80\x93\n"
					   "a      1234\n");
	table_free(&t);
}

static void
escapes(void **state)
{
	struct table t = {.columns = three, .width = 3};

	table_add(&t, "\x1b[2J");
	table_add(&t, "a\nb");
	table_add(&t, "\xe2\x80\xae"
		      "fdp\xff");
	buf_clear(&out);
	table_print(&t, &out);
	has("\\x1b[2J");
	has("a\\x0ab");
	has("\\xe2\\x80\\xae"
	    "fdp\\xff");
	assert_null(strchr(buf_str(&out), '\x1b'));
	table_free(&t);
}

static void
widths(void **state)
{
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("\xe2\x80\x93"), 1);
	assert_int_equal(text_width("\xe6\xb1\x89"), 2); /* a wide character */
	assert_int_equal(text_width("e\xcc\x81"), 1);	 /* a combining accent */
}

static void
texts(void **state)
{
	static const struct {
		int64_t v;
		const char *size;
	} sizes[] = {{0, "0 B"},
		     {1023, "1023 B"},
		     {1024, "1.0 KiB"},
		     {73810, "72 KiB"},
		     {INT64_C(5) << 40, "5.0 TiB"},
		     {INT64_MAX, "8192 PiB"}};
	static const struct {
		int64_t v;
		const char *age;
	} ages[] = {{-1, ""},
		    {0, "0 s"},
		    {59999, "59 s"},
		    {60000, "1 min"},
		    {3600000, "1 h 0 min"},
		    {86399999, "23 h 59 min"},
		    {86400000, "1 d 0 h"},
		    {INT64_C(9000) * 86400000, "9000 d 0 h"}};
	char text[SHOWN_TEXT];
	int64_t ms;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_show(text, sizes[i].v);
		assert_string_equal(text, sizes[i].size);
	}
	for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
		age_show(text, ages[i].v);
		assert_string_equal(text, ages[i].age);
	}
	time_show(text, "2026-07-01T10:00:00.500Z", &ms);
	assert_string_equal(text, "2026-07-01 12:00:00"); /* TZ is two hours east */
	time_show(text, "yesterday, or the day before that, who knows", &ms);
	assert_int_equal(ms, -1);
	assert_int_equal(strlen(text), SHOWN_TEXT - 1);
}

/* --- answers --- */

static void
board(void **state)
{
	static const char answer[] =
	    "{\"items\":[{\"bundle\":\"I1\",\"class\":\"minutes\",\"from\":\"csc/mash\","
	    "\"mailbox\":\"uhcw/x\\u001b[31m\",\"owed_to\":\"csc/mash\",\"owed\":\"read\","
	    "\"start\":\"2026-11-22T10:00:00.000Z\",\"due\":\"2026-11-22T14:00:00.000Z\","
	    "\"overdue_ms\":7200000,\"next_step\":\"register\","
	    "\"next_at\":\"2026-11-22T16:00:00.000Z\",\"registered\":false},"
	    "{\"expectation\":\"X2\",\"class\":\"minutes\",\"overdue_ms\":0,"
	    "\"next_step\":null}]}";

	assert_int_equal(show("board", NULL, answer), ERR_OK);
	assert_non_null(strstr(buf_str(&out), "2 h 0 min"));
	assert_non_null(strstr(buf_str(&out), "register"));
	assert_non_null(strstr(buf_str(&out), "X2"));
	assert_null(strchr(buf_str(&out), '\033'));
	show("board", NULL, "{\"items\":[]}");
	assert_string_equal(buf_str(&out), "nothing is overdue\n");
}

static void
status(void **state)
{
	static const char answer[] =
	    "{\"version\":\"0.1.0\",\"started\":\"2026-11-24T09:30:00Z\",\"bundles\":12,\"live\":"
	    "11,"
	    "\"waiting\":3,\"entries\":40,\"quarantined\":1,\"uploads\":2,\"long_polls\":5,"
	    "\"calendars_ending\":[{\"calendar\":\"office\",\"what\":\"closed\",\"until\":"
	    "\"2026-12-31\"},{\"calendar\":\"schools\",\"what\":\"terms\",\"until\":\"2026-12-18\"}"
	    "],"
	    "\"verify_workers\":2,\"disk_free\":13421772800,\"roster_serial\":4,\"mailboxes\":8,"
	    "\"roles\":[{\"role\":\"store\",\"index\":0,\"pid\":77,\"confinement\":{\"uid\":"
	    "\"104\","
	    "\"chroot\":\"yes\",\"no_new_privs\":\"1\",\"seccomp\":\"2\",\"capabilities\":\"0\","
	    "\"skipped\":\"\"}},{\"role\":\"verify\",\"index\":1,\"pid\":78,\"confinement\":null}]"
	    "}";

	assert_int_equal(show("status", NULL, answer), ERR_OK);
	has("safehandd 0.1.0, serving since 2026-11-24 11:30:00 (2 h 30 min)");
	has("12 accepted, 11 kept, 1 in quarantine");
	has("3 deliveries not yet collected");
	has("12 GiB free");
	has("serial 4, 8 mailboxes");
	has("calendar  office: ENDS, it knows no closed days after 2026-12-31\n");
	has("calendar  schools: ENDS, it knows no school days after 2026-12-18\n");
	has("store   0   77  104   yes");
	has("verify  1   78  \xe2\x80\x93");
	show("status", NULL, "{}");
	has("none in force");
	has("no roles were told of");
}

static void
bundles(void **state)
{
	assert_int_equal(
	    show("bundles", NULL,
		 "{\"bundles\":[{\"id\":\"I1\",\"class\":\"general\",\"status\":\"final\","
		 "\"from\":\"csc/mash\",\"accepted\":\"2026-11-24T09:30:00Z\",\"payload_bytes\":"
		 "73810,\"mailboxes\":[{\"mailbox\":\"uhcw/emergency\",\"as\":\"to\",\"state\":"
		 "\"collected\"},{\"mailbox\":\"csc/duty\",\"as\":\"cover\",\"for\":"
		 "\"schools/dsl\",\"state\":\"withheld\"}]},{\"id\":\"I2\",\"class\":\"general\","
		 "\"status\":\"final\",\"purged\":true,\"mailboxes\":[]}]}"),
	    ERR_OK);
	has("2026-11-24 11:30:00  I1      general  final   csc/mash  72 KiB  uhcw/emergency      "
	    "       collected\n");
	has("csc/duty, for schools/dsl  withheld\n");
	has("I2      general  purged");
	show("bundles", NULL, "{\"bundles\":[]}");
	assert_string_equal(buf_str(&out), "no bundle\n");
}

static void
listings(void **state)
{
	show(
	    "mailboxes", NULL,
	    "{\"mailboxes\":[{\"mailbox\":\"uhcw/emergency\",\"waiting\":2,\"oldest\":"
	    "\"2026-11-22T09:30:00Z\"},{\"mailbox\":\"csc/duty\",\"waiting\":0,\"oldest\":null}]}");
	assert_string_equal(buf_str(&out), "MAILBOX         WAITING  OLDEST SINCE             AGE\n"
					   "uhcw/emergency        2  2026-11-22 11:30:00  2 d 2 h\n"
					   "csc/duty              0  \xe2\x80\x93\n");
	show("mailboxes", NULL, "{\"mailboxes\":[]}");
	has("no mailbox has had a bundle yet");
	show("evidence", "I1",
	     "{\"bundle\":\"I1\",\"evidence\":[{\"seq\":9,\"event\":\"Opened\",\"mailbox\":"
	     "\"uhcw/emergency\",\"time\":\"2026-11-24T09:30:00.120Z\",\"code\":\"ok\"}]}");
	has("  9  2026-11-24 11:30:00  Opened  uhcw/emergency  ok\n");
	show("evidence", "I1", "{\"bundle\":\"I1\",\"evidence\":[]}");
	has("no entry");
	show("quarantine", NULL,
	     "{\"quarantine\":[{\"bundle\":\"I1\",\"from\":\"csc/mash\",\"since\":"
	     "\"2026-11-24T09:30:00Z\",\"why\":\"read \\u001b[31m\"}]}");
	has("read \\x1b[31m");
	show("quarantine", NULL, "{\"quarantine\":[]}");
	has("no bundle is in quarantine");
	show("canaries", NULL,
	     "{\"canaries\":[{\"bundle\":\"I1\",\"from\":\"csc/"
	     "mash\",\"class\":\"general\",\"since\":"
	     "\"2026-11-24T09:30:00Z\",\"state\":\"kept\"}]}");
	has("2026-11-24 11:30:00  I1");
	has("csc/mash  general  kept");
	show("canaries", NULL, "{\"canaries\":[]}");
	has("no bundle is a canary");
}

static void
checking(const char *status, const char *says)
{
	struct json *doc = NULL;
	struct buf text = {0};

	assert_ok(json_parse("status", status, strlen(status), 1000, &doc, &e), &e);
	show_checking(doc, &text);
	assert_string_equal(buf_str(&text), says);
	json_free(doc);
	buf_free(&text);
}

static void
acts(void **state)
{
	assert_int_equal(show("purge", "I1", "{\"done\":true}"), ERR_OK);
	assert_string_equal(buf_str(&out), "I1: done, and recorded\n");
	assert_int_equal(show("fsck", NULL,
			      "{\"ok\":true,\"bundles\":1,\"records\":2,\"entries\":3,"
			      "\"checkpoints\":4,\"payloads\":5,\"found\":0,\"problems\":[]}"),
			 ERR_OK);
	has("looked at 1 bundles, 2 journal records, 3 entries, 4 checkpoints, 5 large payloads: "
	    "all is well");
	assert_int_equal(
	    show("fsck", NULL, "{\"ok\":false,\"found\":3,\"problems\":[\"I1: [1] gone\"]}"),
	    ERR_FAIL);
	has("I1: [1] gone\n");
	has("and 2 more\n");
	has("3 problems\n");
	checking("{\"fsck\":{\"payload_bytes_read\":0,\"of\":9}}",
		 "checking ledger, journal and log");
	checking("{\"fsck\":{\"payload_bytes_read\":1572864,\"of\":3221225472}}",
		 "checking large payloads: 1.5 MiB of 3.0 GiB");
	assert_int_equal(show("reload", NULL, "{\"reload\":\"taken\"}"), ERR_OK);
	has("anew");
	assert_int_equal(show("stop", NULL, "{\"stop\":\"stopping\"}"), ERR_OK);
	has("stops");
}

static void
refusals(void **state)
{
	static const struct {
		const char *answer;
		enum err_code code;
		const char *text;
	} rows[] = {
	    {"{\"error\":\"I9: no such bundle\",\"code\":\"unknown\"}", ERR_UNKNOWN, "I9: no such"},
	    {"{\"error\":\"a group is being committed\",\"code\":\"busy\"}", ERR_BUSY, "committed"},
	    {"{\"error\":\"old words\"}", ERR_FAIL, "old words"},
	    {"{\"error\":\"x\",\"code\":\"ok\"}", ERR_FAIL, "x"},
	    {"{\"error\":\"x\",\"code\":\"from-the-future\"}", ERR_FAIL, "x"},
	    {"{\"error\":7}", ERR_FAIL, "without a reason"},
	    {"{\"error\":\"\\u001b]0;\\u0007\",\"code\":\"usage\"}", ERR_USAGE, "\\x1b]0;\\x07"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct json *doc = parse(rows[i].answer);

		assert_refused(show_refusal(doc, &e), &e, rows[i].code);
		if (strstr(e.text, rows[i].text) == NULL)
			fail_msg("%s: told %s", rows[i].answer, e.text);
		json_free(doc);
	}
	{
		struct json *doc = parse("{\"done\":true}");

		assert_int_equal(show_refusal(doc, &e), 0);
		assert_false(show_is_file(doc));
		json_free(doc);
	}
	{
		struct json *doc = parse("{\"safehand_evidence\":1}");

		assert_true(show_is_file(doc));
		json_free(doc);
	}
}

/* What --json prints is the same JSON, and harmless. */
static void
raw(void **state)
{
	static const char text[] = "{\"a\":\"\xc2\x9b"
				   "31m \xe2\x80\xae \xc3\xa9 \xf0\x9f\x98\x80\"}\n";

	buf_clear(&out);
	show_raw(text, sizeof text - 1, &out);
	assert_string_equal(buf_str(&out),
			    "{\"a\":\"\\u009b31m \\u202e \xc3\xa9 \xf0\x9f\x98\x80\"}\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(columns),	cmocka_unit_test(escapes), cmocka_unit_test(widths),
	    cmocka_unit_test(texts),	cmocka_unit_test(status),  cmocka_unit_test(bundles),
	    cmocka_unit_test(listings), cmocka_unit_test(acts),	   cmocka_unit_test(refusals),
	    cmocka_unit_test(raw),	cmocka_unit_test(board)};

	setlocale(LC_CTYPE, "C.UTF-8");
	setenv("TZ", "EAST-2", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
