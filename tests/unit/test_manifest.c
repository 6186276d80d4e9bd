/* test_manifest.c - the strict reader of JSON and the manifest: each rule has the text that breaks
 * just it. */
#include "tap.h"

#include "safehand/json.h"
#include "safehand/manifest.h"

#define A52 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct err e;
static const char good[] =
    "{\"safehand\":1,\"id\":\"019ab0c0-0000-7000-8000-000000000001\",\"created\":\"2026-11-22T21:"
    "04:05Z\","
    "\"event_at\":\"2026-11-22T14:30:00Z\",\"from\":\"csc/"
    "mash\",\"class\":\"strategy-minutes\",\"status\":\"provisional\","
    "\"about\":[\"c:" A52
    "\"],\"to\":[{\"mailbox\":\"uhcw/paediatrics\",\"as\":\"to\",\"key\":\"" HEX "\"},"
    "{\"mailbox\":\"csc/duty\",\"as\":\"cover\",\"for\":\"uhcw/paediatrics\",\"key\":\"" HEX "\"}],"
    "\"actions\":[{\"n\":1,\"owner\":\"uhcw/paediatrics\",\"due\":\"2026-11-24\"}],"
    "\"reply_to\":null,\"supersedes\":null,\"concern\":\"inconclusive\",\"slots_sha256\":\"" HEX
    "\","
    "\"payload_sha256\":\"" HEX "\",\"payload_bytes\":73810,\"key_commitment\":\"" HEX "\"}";

static void
good_one_round_trips(void **state)
{
	struct manifest *m;
	struct buf b = {0};

	assert_ok(manifest_parse(good, sizeof good - 1, &m, &e), &e);
	assert_string_equal(m->from, "csc/mash");
	assert_int_equal(m->nto, 2);
	assert_true(m->to[1].cover && m->provisional);
	assert_int_equal(m->concern, CONCERN_INCONCLUSIVE);
	assert_int_equal(m->payload_bytes, 73810);
	assert_ok(manifest_format(m, &b, &e), &e);
	assert_string_equal(buf_str(&b), good);
	manifest_free(m);
	buf_free(&b);
}

/* The good text with the first "from" turned into "to". */
static void
altered(struct buf *out, const char *from, const char *to)
{
	const char *at = strstr(good, from);

	assert_non_null(at);
	buf_clear(out);
	buf_add(out, good, (size_t)(at - good));
	buf_adds(out, to);
	buf_adds(out, at + strlen(from));
}

static void
each_rule_refuses_and_names_the_member(void **state)
{
	static const struct {
		const char *from, *to, *names;
	} rows[] = {
	    {"{\"safehand\":1", "{\"extra\":1,\"safehand\":1", "extra: unknown"},
	    {"{\"safehand\":1,", "{", "safehand: missing"},
	    {"\"safehand\":1", "\"safehand\":2", "safehand"},
	    {"\"safehand\":1", "\"safehand\":\"1\"", "safehand: want"},
	    {"\"safehand\":1", "\"safehand\":1,\"id\":\"019ab0c0-0000-7000-8000-000000000001\"",
	     "id"}, /* twice */
	    {"73810", "73810.0", "73810.0"},
	    {"73810", "7381e1", "7381e1"},
	    {"73810", "073810", "073810"},
	    {"73810", "-1", "-1"},
	    {"73810", "true", "payload_bytes: want"},
	    {"73810", "9999999999999999999", "manifest"},
	    {"73810", "1099511627777000", "payload_bytes: over"},
	    {"0000-7000", "0000-4000", "id"},
	    {"019ab0c0", "019AB0C0", "id"},
	    {"21:04:05Z", "21:04:05+00:00", "created"},
	    {"2026-11-22T21", "2026-02-30T21", "created"},
	    {"csc/mash", "csc", "from"},
	    {"csc/mash", "CSC/mash", "from"},
	    {"strategy-minutes", "strategy minutes", "class"},
	    {"provisional", "draft", "status"},
	    {"c:" A52, "x:" A52, "about"},
	    {"[\"c:" A52 "\"]", "[\"c:" A52 "\",\"c:" A52 "\"]", "about"},
	    {"[\"c:" A52 "\"]", "[1]", "about[0]"},
	    {"\"as\":\"to\"", "\"as\":\"cc\"", "to.as"},
	    {"\"as\":\"to\"", "\"as\":\"to\",\"for\":\"csc/duty\"", "to.for"},
	    {"\"as\":\"cover\",\"for\":\"uhcw/paediatrics\"", "\"as\":\"cover\"", "to.for"},
	    {"\"for\":\"uhcw/paediatrics\"", "\"for\":\"uhcw/other\"", "to.for"},
	    {"\"csc/duty\"", "\"uhcw/paediatrics\"", "to: uhcw/paediatrics"}, /* a mailbox twice */
	    {"\"as\":\"to\"", "\"as\":\"to\",\"x\":1", "to.x: unknown"},
	    {"\"n\":1", "\"n\":0", "actions.n"},
	    {"\"n\":1", "\"n\":1,\"n\":2", "n"},
	    {"2026-11-24", "2026-11-31", "actions.due"},
	    {"2026-11-24", "tomorrow", "actions.due"},
	    {"null", "\"019ab0c0\"", "reply_to"},
	    {"null", "0", "reply_to: want"},
	    {"inconclusive", "plausible", "concern"},
	    {"\"slots_sha256\":\"00", "\"slots_sha256\":\"0G", "slots_sha256"},
	    {"\"slots_sha256\":\"00", "\"slots_sha256\":\"", "slots_sha256"},
	    {"uhcw/paediatrics", "uhcw/pae\\u0000d", "manifest"},
	    {"uhcw/paediatrics", "uhcw/pae\\u202ed", "control"},
	    {"uhcw/paediatrics",
	     "uhcw/pae\xff"
	     "d",
	     "UTF-8"},
	    {"\"key_commitment\":\"" HEX "\"}", "\"key_commitment\":\"" HEX "\"} x", "manifest"},
	    {"\"key_commitment\":\"" HEX "\"}", "\"key_commitment\":\"" HEX "\"", "manifest"},
	    {"[\"c:" A52 "\"]", "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "levels"},
	};
	struct buf text = {0};
	struct manifest *m;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		altered(&text, rows[i].from, rows[i].to);
		if (manifest_parse(text.data, text.len, &m, &e) == 0)
			fail_msg("row %zu (%s -> %s): not refused", i, rows[i].from, rows[i].to);
		if (strstr(e.text, rows[i].names) == NULL)
			fail_msg("row %zu: \"%s\" does not name %s", i, e.text, rows[i].names);
		assert_true(e.code == ERR_FORMAT || e.code == ERR_LIMIT);
	}
	buf_free(&text);
}

static void
any_cut_and_any_size(void **state)
{
	struct buf text = {0};
	struct manifest *m;

	for (size_t n = 0; n < sizeof good - 1; n++)
		assert_int_equal(manifest_parse(good, n, &m, &e), -1);
	buf_adds(&text, good);
	while (text.len <= MANIFEST_MAX_BYTES)
		buf_addc(&text, ' ');
	assert_refused(manifest_parse(text.data, text.len, &m, &e), &e, ERR_LIMIT);
	assert_ok(manifest_parse(text.data, MANIFEST_MAX_BYTES, &m, &e),
		  &e); /* white space is no change of meaning */
	manifest_free(m);
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_one_round_trips),
	    cmocka_unit_test(each_rule_refuses_and_names_the_member),
	    cmocka_unit_test(any_cut_and_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
