/* test_entry.c - entries as lines, and the state table walked exhaustively. */
#include "tap.h"

#include "safehand/fetched.h"

static struct err e;

static struct entry
sample(void)
{
	return (struct entry){.seq = 1842,
			      .time_ms = 1795381446412,
			      .event = EVENT_CONTENT_HANDOVER,
			      .bundle = "019ab0c0-0000-7000-8000-000000000001",
			      .mailbox = "uhcw/paediatrics",
			      .code = "ok",
			      .has_manifest = true,
			      .has_actor = true,
			      .has_statement = true,
			      .manifest_sha256 = {1},
			      .actor = {2},
			      .statement_sha256 = {3},
			      .salt = {4}};
}

static void
lines_round_trip(void **state)
{
	struct entry in = sample(), out;
	struct buf line = {0};

	entry_format(&in, &line);
	assert_ptr_equal(strstr(buf_str(&line),
				"{\"safehand_entry\":1,\"seq\":1842,\"time\":\"2026-11-22T21:04:"
				"06.412Z\",\"event\":\"ContentHandover\",\"bundle\":\""),
			 buf_str(&line));
	assert_ok(entry_parse(line.data, line.len, &out, &e), &e);
	assert_memory_equal(&in, &out, sizeof in);
	in = (struct entry){.seq = 0, .time_ms = 0, .event = EVENT_GATEWAY_START, .code = "0.1.0"};
	buf_clear(&line);
	entry_format(&in, &line);
	assert_null(strstr(buf_str(&line), "bundle"));
	assert_null(strstr(buf_str(&line), "actor"));
	assert_ok(entry_parse(line.data, line.len, &out, &e), &e);
	assert_memory_equal(&in, &out, sizeof in);
	buf_free(&line);
}

static void
each_member_is_demanded_and_checked(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
	    {"\"safehand_entry\":1,", ""},	  {"\"safehand_entry\":1", "\"safehand_entry\":2"},
	    {"ContentHandover", "Handover"},	  {"06.412Z", "06Z"},
	    {"uhcw/paediatrics", "uhcw"},	  {"-7000-", "-4000-"},
	    {"\"salt\"", "\"pepper\""},		  {"\"seq\":1842", "\"seq\":\"1842\""},
	    {"\"actor\":\"02", "\"actor\":\"0X"}, {"\"code\":\"ok\",", ""}};
	struct entry in = sample(), out;
	struct buf line = {0}, bad = {0};

	entry_format(&in, &line);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *at = strstr(buf_str(&line), rows[i].from);

		assert_non_null(at);
		buf_clear(&bad);
		buf_add(&bad, line.data, (size_t)(at - buf_str(&line)));
		buf_adds(&bad, rows[i].to);
		buf_adds(&bad, at + strlen(rows[i].from));
		assert_refused(entry_parse(bad.data, bad.len, &out, &e), &e, ERR_FORMAT);
	}
	for (size_t n = 0; n < line.len; n++)
		assert_int_equal(entry_parse(line.data, n, &out, &e), -1);
	buf_free(&line);
	buf_free(&bad);
}

static void
names_are_unique(void **state)
{
	assert_int_equal(event_by_name("ContentHandover"), EVENT_CONTENT_HANDOVER);
	assert_int_equal(event_by_name(""), EVENT_NONE);
	for (int i = 1; i < EVENTS; i++)
		assert_int_equal(event_by_name(event_name((enum entry_event)i)), i);
}

/* Every pair has its outcome: here the whole table as a person reads it. Columns: waiting withheld
 * collected opened failed read answered withdrawn purged; a digit is the next state, r repeated, o
 * out of order, w withheld. */
static void
every_state_and_event(void **state)
{
	static const struct {
		enum entry_event event;
		const char *outcome;
	} rows[] = {
	    {EVENT_CONTENT_HANDOVER, "2wrrrrroo"},
	    {EVENT_OPENED, "ow3r3rroo"},
	    {EVENT_OPEN_FAILURE, "ow4oroooo"},
	    {EVENT_READ, "owo5orroo"},
	    {EVENT_ANSWER, "owo6o66oo"},
	    {EVENT_COVER_RELEASED, "r0rrrrroo"},
	    {EVENT_WITHDRAWN, "7723456ro"},
	    {EVENT_PURGED, "88888888r"},
	    {EVENT_OVERDUE, "0123456oo"},
	    {EVENT_ESCALATION, "0123456oo"},
	    {EVENT_NOTIFICATION_SENT, "0123456oo"},
	    {EVENT_NOTIFICATION_FAILURE, "0123456oo"},
	    {EVENT_NON_DELIVERY, "0123456oo"},
	    {EVENT_SUPERSEDED, "0123456oo"},
	    {EVENT_FETCHED, "0w23456oo"},
	    /* these are of a bundle or of the gateway, never of one delivery */
	    {EVENT_NONE, "ooooooooo"},
	    {EVENT_SUBMISSION_ACCEPTANCE, "ooooooooo"},
	    {EVENT_SUBMISSION_REJECTION, "ooooooooo"},
	    {EVENT_CONTENT_CONSIGNMENT, "ooooooooo"},
	    {EVENT_EXPECTATION_OPENED, "ooooooooo"},
	    {EVENT_EXPECTATION_MET, "ooooooooo"},
	    {EVENT_EXPECTATION_MISSED, "ooooooooo"},
	    {EVENT_ROSTER_CHANGE, "ooooooooo"},
	    {EVENT_POLICY_CHANGE, "ooooooooo"},
	    {EVENT_KEY_CHANGE, "ooooooooo"},
	    {EVENT_GATEWAY_START, "ooooooooo"},
	    {EVENT_HELD, "ooooooooo"},
	    {EVENT_RELEASED, "ooooooooo"},
	};

	assert_int_equal(sizeof rows / sizeof *rows, EVENTS);
	for (size_t i = 0; i < EVENTS; i++)
		for (int s = 0; s < DELIVERY_STATES; s++) {
			enum delivery_state next = DELIVERY_STATES;
			int rc = delivery_follow((enum delivery_state)s, rows[i].event, &next, &e);
			char got = rc == 0		    ? (char)('0' + (int)next)
				   : e.code == ERR_REPEATED ? 'r'
				   : e.code == ERR_WITHHELD ? 'w'
							    : 'o';

			if (got != rows[i].outcome[s])
				fail_msg("%s in %s: %c, want %c", event_name(rows[i].event),
					 delivery_state_name((enum delivery_state)s), got,
					 rows[i].outcome[s]);
		}
}

static void
codes_of_fetches(void **state)
{
	static const struct fetched good[] = {
	    {.from = 0, .to = 0, .total = 1, .at_ms = 0},
	    {.from = 10, .to = 73833, .total = 73834, .at_ms = 1795381446412},
	    {.from = 0, .to = INT64_MAX - 1, .total = INT64_MAX, .at_ms = 1795381446412},
	    {.again = true, .times = 1, .bytes = 0, .at_ms = 1795381446412},
	    {.again = true, .times = INT64_MAX, .bytes = INT64_MAX, .at_ms = 1795381446412},
	};
	static const char at[] = "@2026-11-22T21:04:06.412Z";
	static const char *const bad[] = {
	    "",
	    "ok",
	    "range:",
	    "range:0-1",
	    "range:0-1/1",
	    "range:2-1/9",
	    "range:00-1/9",
	    "range:+0-1/9",
	    "range: 0-1/9",
	    "range:0-1/9/",
	    "again:0:9",
	    "again:1",
	    "again:1:-1",
	    "again:01:9",
	    "range:a-1/9",
	    "Range:0-1/9",
	    "range:0-1/9223372036854775808",
	    "again:9223372036854775808:1",
	};
	char code[ENTRY_CODE];
	struct fetched f;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		fetched_format(&good[i], code);
		assert_ok(fetched_parse(code, &f, &e), &e);
		assert_memory_equal(&f, &good[i], sizeof f);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		print_message("%s\n", bad[i]);
		snprintf(code, sizeof code, "%s%s", bad[i], at);
		assert_refused(fetched_parse(code, &f, &e), &e, ERR_FORMAT);
	}
	assert_refused(fetched_parse("range:0-1/9", &f, &e), &e, ERR_FORMAT);
	assert_refused(fetched_parse("range:0-1/9@2026-11-22T21:04:06Z", &f, &e), &e, ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_round_trip),
	    cmocka_unit_test(each_member_is_demanded_and_checked),
	    cmocka_unit_test(names_are_unique),
	    cmocka_unit_test(every_state_and_event),
	    cmocka_unit_test(codes_of_fetches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
