/* test_statement.c - statements: good ones round trip, each rule refuses what breaks it, only the
 * right signer may sign. */
#include "tap.h"

#include "safehand/statement.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct err e;

static struct statement
sample(enum statement_kind kind)
{
	struct statement s = {.kind = kind,
			      .bundle = "019ab0c0-0000-7000-8000-000000000001",
			      .mailbox = "uhcw/emergency",
			      .manifest_sha256 = {1},
			      .has_content =
				  kind != STATEMENT_COLLECTED && kind != STATEMENT_WITHDRAWN,
			      .at_ms = 1795381445000,
			      .by = "agency/uhcw",
			      .code = "ok"};

	if (kind == STATEMENT_READ || kind == STATEMENT_ANSWERED)
		strcpy(s.by, "person/uhcw/j.patel");
	if (kind == STATEMENT_ANSWERED) {
		strcpy(s.code, "done:3");
		strcpy(s.reply, "019ab0c0-0000-7000-8000-000000000002");
	}
	return s;
}

static void
each_kind_round_trips(void **state)
{
	static const enum entry_event events[] = {EVENT_CONTENT_HANDOVER, EVENT_OPENED, EVENT_READ,
						  EVENT_ANSWER, EVENT_WITHDRAWN};
	struct statement out;
	struct buf text = {0};

	for (int k = 0; k < STATEMENT_KINDS; k++) {
		struct statement in = sample((enum statement_kind)k);

		buf_clear(&text);
		statement_format(&in, &text);
		assert_ok(statement_parse(text.data, text.len, &out, &e), &e);
		assert_memory_equal(&in, &out, sizeof in);
		assert_int_equal(statement_event(&out), events[k]);
		for (size_t n = 0; n < text.len; n++)
			assert_int_equal(statement_parse(text.data, n, &out, &e), -1);
	}
	buf_free(&text);
}

static void
a_failed_opening_names_the_error(void **state)
{
	struct statement in = sample(STATEMENT_OPENED), out;
	struct buf text = {0};

	in.has_content = false;
	strcpy(in.code, "digest");
	statement_format(&in, &text);
	assert_ok(statement_parse(text.data, text.len, &out, &e), &e);
	assert_int_equal(statement_event(&out), EVENT_OPEN_FAILURE);
	buf_free(&text);
}

static void
each_rule_refuses(void **state)
{
	static const struct {
		enum statement_kind kind;
		const char *from, *to, *names;
	} rows[] = {
	    {0, "\"safehand_statement\":1,", "", "missing"},
	    {0, "statement\":1", "statement\":2", "version"},
	    {0, "collected", "seen", "kind"},
	    {0, "{", "{\"x\":1,", "unknown"},
	    {0, "-7000-", "-1000-", "bundle"},
	    {0, "uhcw/emergency", "emergency", "mailbox"},
	    {0, "agency/uhcw", "uhcw", "by"},
	    {0, "21:04", "25:04", "at"},
	    {0, "\"content_sha256\":null", "\"content_sha256\":\"" HEX "\"", "content_sha256"},
	    {1, "\"content_sha256\":\"00", "\"content_sha256\":\"0X", "content_sha256"},
	    {1, "\"ok\"", "\"digest\"", "content_sha256"},
	    {1, "\"ok\"", "\"whatever\"", "code"},
	    {2, "\"ok\"", "\"digest\"", "code"},
	    {4, "\"content_sha256\":null", "\"content_sha256\":\"" HEX "\"", "content_sha256"},
	    {4, "\"ok\"", "\"done\"", "code"},
	    {3, "done:3", "done:65", "code"},
	    {3, "done:3", "done:03", "code"},
	    {3, "done:3", "ok", "code"},
	    {2, "\"reply\":null", "\"reply\":\"019ab0c0-0000-7000-8000-000000000002\"", "reply"},
	    {3, "000000000002", "00000000000G", "reply"},
	    {0, "\"manifest_sha256\":\"01", "\"manifest_sha256\":\"1", "manifest_sha256"},
	};
	struct buf text = {0}, bad = {0};
	struct statement out;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct statement in = sample(rows[i].kind);
		const char *at;

		buf_clear(&text);
		statement_format(&in, &text);
		at = strstr(buf_str(&text), rows[i].from);
		assert_non_null(at);
		buf_clear(&bad);
		buf_add(&bad, text.data, (size_t)(at - buf_str(&text)));
		buf_adds(&bad, rows[i].to);
		buf_adds(&bad, at + strlen(rows[i].from));
		assert_refused(statement_parse(bad.data, bad.len, &out, &e), &e, ERR_FORMAT);
		if (strstr(e.text, rows[i].names) == NULL)
			fail_msg("row %zu: \"%s\" does not name %s", i, e.text, rows[i].names);
	}
	buf_free(&text);
	buf_free(&bad);
}

static void
only_the_right_signer(void **state)
{
	struct identity system = {
	    .profile = PROFILE_AGENCY_SIGN, .by = "agency/uhcw", .agency = "uhcw"};
	struct identity person = {
	    .profile = PROFILE_PERSON_SIGN, .by = "person/uhcw/j.patel", .agency = "uhcw"};
	struct identity other = {
	    .profile = PROFILE_PERSON_SIGN, .by = "person/uhcw/x", .agency = "uhcw"};
	struct identity stranger = {
	    .profile = PROFILE_AGENCY_SIGN, .by = "agency/csc", .agency = "csc"};
	struct statement collected = sample(STATEMENT_COLLECTED), read = sample(STATEMENT_READ);

	assert_ok(statement_check_signer(&collected, &system, &e), &e);
	assert_ok(statement_check_signer(&read, &person, &e), &e);
	assert_refused(statement_check_signer(&collected, &person, &e), &e, ERR_PROFILE);
	assert_refused(statement_check_signer(&read, &system, &e), &e, ERR_PROFILE);
	assert_refused(statement_check_signer(&collected, &stranger, &e), &e, ERR_DENIED);
	assert_refused(statement_check_signer(&read, &other, &e), &e, ERR_DENIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_kind_round_trips),
	    cmocka_unit_test(a_failed_opening_names_the_error),
	    cmocka_unit_test(each_rule_refuses),
	    cmocka_unit_test(only_the_right_signer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
