/* test_notice.c - notices: each kind round trips, each rule refuses what breaks it, and is named;
 * the framing; who may sign. */
#include "pki_rig.h"

#include "safehand/bundle.h"
#include "safehand/enc.h"
#include "safehand/notice_file.h"
#include "safehand/time.h"

#define BUNDLE	    "019ab0c0-0000-7000-8000-000000000002"
#define EXPECTATION "019ab0c0-0000-7000-8000-000000000003"

static struct err e;

static struct notice
sample(enum notice_kind kind)
{
	struct notice n = {.id = "019ab0c0-0000-7000-8000-000000000001",
			   .created_ms = 1795381445000,
			   .kind = kind,
			   .to = "csc/mash",
			   .klass = "strategy-minutes",
			   .from = "csc/mash",
			   .mailbox = "uhcw/paediatrics",
			   .owed = kind == NOTICE_MISSED ? DEADLINE_ARRIVE : DEADLINE_READ,
			   .start_ms = 1795000000123,
			   .due_ms = 1795381444999};

	strcpy(kind == NOTICE_MISSED ? n.expectation : n.bundle,
	       kind == NOTICE_MISSED ? EXPECTATION : BUNDLE);
	return n;
}

static void
round_trips(const struct notice *in)
{
	struct buf text = {0}, sentence = {0};
	struct notice out;

	notice_format(in, &text);
	assert_true(notice_is(text.data, text.len));
	assert_ok(notice_parse(text.data, text.len, &out, &e), &e);
	assert_memory_equal(in, &out, sizeof out);
	for (size_t n = 0; n < text.len; n++)
		assert_int_equal(notice_parse(text.data, n, &out, &e), -1);
	notice_show(in, &sentence);
	assert_true(utf8_is_clean((const char *)sentence.data, sentence.len));
	assert_non_null(strstr(buf_str(&sentence), in->mailbox));
	assert_non_null(strstr(buf_str(&sentence), in->klass));
	buf_free(&text);
	buf_free(&sentence);
}

static void
each_kind_round_trips(void **state)
{
	for (int k = 0; k < NOTICE_KINDS; k++) {
		struct notice n = sample((enum notice_kind)k);

		round_trips(&n);
	}
	for (int d = 0; d < DEADLINE_KINDS; d++) {
		struct notice n = sample(d == DEADLINE_ARRIVE ? NOTICE_MISSED : NOTICE_OVERDUE);

		n.owed = (enum deadline_kind)d;
		n.action = d == DEADLINE_ACTION ? ACTIONS_MAX : 0;
		round_trips(&n);
		n.kind = NOTICE_UNDELIVERED;
		round_trips(&n);
	}
}

/* Its form is a contract: other verifiers are written from it. */
static void
the_text_is_just_this(void **state)
{
	struct notice n = sample(NOTICE_OVERDUE);
	struct buf text = {0};

	notice_format(&n, &text);
	assert_string_equal(
	    buf_str(&text),
	    "{\"safehand_notice\":1,\"id\":\"019ab0c0-0000-7000-8000-000000000001\","
	    "\"created\":\"2026-11-22T21:04:05Z\",\"kind\":\"overdue\",\"to\":\"csc/mash\","
	    "\"bundle\":\"" BUNDLE "\",\"expectation\":null,\"class\":\"strategy-minutes\","
	    "\"from\":\"csc/mash\",\"mailbox\":\"uhcw/paediatrics\",\"owed\":\"read\","
	    "\"action\":0,\"start\":\"2026-11-18T11:06:40.123Z\","
	    "\"due\":\"2026-11-22T21:04:04.999Z\"}");
	buf_clear(&text);
	notice_show(&n, &text);
	assert_string_equal(buf_str(&text),
			    "uhcw/paediatrics owes the reading of strategy-minutes " BUNDLE
			    " from csc/mash; since 2026-11-18T11:06:40Z, due 2026-11-22T21:04:04Z");
	buf_free(&text);
}

static void
fits_at_its_limits(void **state)
{
	struct notice n = sample(NOTICE_UNDELIVERED);
	struct buf text = {0};

	memset(n.to, 'a', sizeof n.to - 1);
	n.to[31] = '/';
	strcpy(n.from, n.to);
	strcpy(n.mailbox, n.to);
	memset(n.klass, 'k', sizeof n.klass - 1);
	n.owed = DEADLINE_ACTION;
	n.action = ACTIONS_MAX;
	notice_format(&n, &text);
	assert_in_range(text.len, 1, NOTICE_MAX_BYTES);
	buf_free(&text);
	n.to[31] = 'a';
	n.to[30] = '/';
	n.to[94] = '\0';
	strcpy(n.from, n.to);
	strcpy(n.mailbox, n.to);
	round_trips(&n);
}

/* the first `from` of a good text becomes `to`; the sentence must hold `names` */
static const struct {
	enum notice_kind kind;
	const char *from, *to, *names;
} faults[] = {
    {0, "{\"safehand_notice\":1,", "{", "missing"},
    {0, "notice\":1", "notice\":2", "version"},
    {0, ",\"id\"", ",\"x\":1,\"id\"", "unknown"},
    {0, "\"kind\":\"overdue\"", "\"kind\":\"overdue\",\"kind\":\"overdue\"", "kind"},
    {0, "-7000-", "-1000-", "notice.id"},
    {0, "21:04:05Z", "25:04:05Z", "notice.created"},
    {0, "21:04:05Z", "21:04:05.000Z", "notice.created"},
    {0, "\"overdue\"", "\"overdrawn\"", "notice.kind"},
    {0, "\"overdue\"", "\"missed\"", "notice.kind"},
    {NOTICE_MISSED, "\"missed\"", "\"overdue\"", "notice.kind"},
    {NOTICE_MISSED, "\"missed\"", "\"cover\"", "notice.kind"},
    {0, "\"to\":\"csc/mash\"", "\"to\":\"csc\"", "notice.to"},
    {0, "\"to\":\"csc/mash\"", "\"to\":null", "notice.to"},
    {0, "\"bundle\":\"019ab0c0-0000-7", "\"bundle\":\"019ab0c0-0000-4", "notice.bundle"},
    {0, "\"bundle\":\"" BUNDLE "\"", "\"bundle\":null", "notice.bundle"},
    {0, "\"expectation\":null", "\"expectation\":\"" EXPECTATION "\"", "notice.bundle"},
    {0, "\"expectation\":null", "\"expectation\":\"x\"", "notice.expectation"},
    {0, "strategy-minutes", "Strategy", "notice.class"},
    {0, "\"from\":\"csc/mash\"", "\"from\":\"csc/\"", "notice.from"},
    {0, "uhcw/paediatrics", "paediatrics", "notice.mailbox"},
    {0, "\"read\"", "\"rest\"", "notice.owed"},
    {0, "\"read\"", "\"arrive\"", "notice.owed"},
    {NOTICE_MISSED, "\"arrive\"", "\"read\"", "notice.owed"},
    {0, "\"read\"", "\"action\"", "notice.action"},
    {0, "\"action\":0", "\"action\":1", "notice.action"},
    {0, "\"action\":0", "\"action\":4294967296", "notice.action"},
    {0, "\"read\",\"action\":0", "\"action\",\"action\":65", "notice.action"},
    {0, "11:06:40.123Z", "11:06:40Z", "notice.start"},
    {0, "21:04:04.999Z", "21:04:64.999Z", "notice.due"},
    {0, "2026-11-22T21:04:04.999Z", "2026-11-18T11:06:40.122Z", "notice.due"},
    {0, ",\"id\"", ", \"id\"", "one form"},
    {0, "overdue", "\\u006fverdue", "one form"},
    {0, "overdue", "over\\u0000due", "notice"},
    {0, "csc/mash", "csc/mash\\u202e", "notice.to"},
    {0, "\"created\":\"2026-11-22T21:04:05Z\",\"kind\":\"overdue\"",
     "\"kind\":\"overdue\",\"created\":\"2026-11-22T21:04:05Z\"", "one form"},
};

static void
each_rule_refuses(void **state)
{
	struct notice out;

	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		struct notice in = sample(faults[i].kind);
		struct buf text = {0}, bad = {0};
		const char *at;

		notice_format(&in, &text);
		at = strstr(buf_str(&text), faults[i].from);
		if (at == NULL)
			fail_msg("row %zu: %s: not there", i, faults[i].from);
		buf_add(&bad, text.data, (size_t)(at - buf_str(&text)));
		buf_adds(&bad, faults[i].to);
		buf_adds(&bad, at + strlen(faults[i].from));
		assert_refused(notice_parse(bad.data, bad.len, &out, &e), &e, ERR_FORMAT);
		if (strstr(e.text, faults[i].names) == NULL)
			fail_msg("row %zu: \"%s\" does not name %s", i, e.text, faults[i].names);
		buf_free(&text);
		buf_free(&bad);
	}
}

static void
limits_are_kept(void **state)
{
	struct notice in = sample(NOTICE_COVER), out;
	struct buf text = {0};

	notice_format(&in, &text);
	while (text.len <= NOTICE_MAX_BYTES)
		buf_addc(&text, ' ');
	assert_refused(notice_parse(text.data, text.len, &out, &e), &e, ERR_LIMIT);
	buf_free(&text);
	assert_refused(notice_parse("", 0, &out, &e), &e, ERR_FORMAT);
	in.created_ms++;
	assert_refused(notice_check(&in, &e), &e, ERR_FORMAT);
	in = sample(NOTICE_COVER);
	in.due_ms = TIME_MAX_MS + 1;
	assert_refused(notice_check(&in, &e), &e, ERR_FORMAT);
	in = sample(NOTICE_KINDS);
	assert_refused(notice_check(&in, &e), &e, ERR_FORMAT);
}

static void
only_a_notice_is_one(void **state)
{
	assert_false(notice_is("", 0));
	assert_false(notice_is("{\"safehand\":1,\"id\":", 18));
	assert_false(notice_is("{\"safehand_notice\":", 19));
	assert_true(notice_is("{\"safehand_notice\":1", 20));
}

/* --- the framing, and who signed --- */

/* Signed by the keys of stems (second: NULL), framed. */
static struct buf
framed(const struct notice *n, const char *first, const char *second)
{
	struct signer *s[2] = {pki_signer(first), second != NULL ? pki_signer(second) : NULL};
	struct buf text = {0}, der = {0}, out = {0};

	notice_format(n, &text);
	assert_ok(signature_sign(text.data, text.len, s, second != NULL ? 2 : 1, &der, &e), &e);
	notice_file_format(text.data, text.len, der.data, der.len, &out);
	signer_free(s[0]);
	signer_free(s[1]);
	buf_free(&text);
	buf_free(&der);
	return out;
}

static void
only_the_gateway_signs(void **state)
{
	static const struct {
		const char *first, *second;
		enum err_code want;
	} rows[] = {
	    {"certs/gateway-sign/gw", NULL, ERR_OK},
	    {"certs/agency-sign/csc", NULL, ERR_PROFILE},
	    {"certs/gateway-tls/localhost", NULL, ERR_PROFILE},
	    {"certs/person-sign/csc_a.khan", NULL, ERR_PROFILE},
	    {"certs/gateway-sign/gw", "certs/agency-sign/csc", ERR_PROFILE},
	    {"certs/gateway-sign/gw", "certs/gateway-sign/gw-2", ERR_SIGNATURE},
	    {"foreign/certs/agency-sign/uhcw", NULL, ERR_CERTIFICATE},
	};
	struct notice in = sample(NOTICE_OVERDUE), out;
	struct trust *t = pki_trust();
	struct notice_file f;
	struct identity who;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf file = framed(&in, rows[i].first, rows[i].second);

		assert_true(notice_file_is(file.data));
		assert_ok(notice_file_parse(file.data, file.len, &f, &e), &e);
		if (rows[i].want == ERR_OK) {
			assert_ok(notice_verify(&f, t, time_now_ms(), TRUST_LIVE, &out, &who, &e),
				  &e);
			assert_memory_equal(&in, &out, sizeof in);
			assert_string_equal(who.by, "gateway/gw");
		} else {
			assert_refused(
			    notice_verify(&f, t, time_now_ms(), TRUST_LIVE, &out, &who, &e), &e,
			    rows[i].want);
		}
		buf_free(&file);
	}
	trust_free(t);
}

static void
no_byte_of_it_may_change(void **state)
{
	struct notice in = sample(NOTICE_OVERDUE), out;
	struct buf file = framed(&in, "certs/gateway-sign/gw", NULL);
	struct trust *t = pki_trust();
	struct notice_file f;
	struct identity who;

	for (size_t i = 0; i < file.len; i++) {
		file.data[i] ^= 1u << i % 8;
		if (notice_file_parse(file.data, file.len, &f, &e) == 0 &&
		    notice_verify(&f, t, time_now_ms(), TRUST_LIVE, &out, &who, &e) == 0)
			fail_msg("bit %zu of byte %zu: taken", i % 8, i);
		file.data[i] ^= 1u << i % 8;
	}
	for (size_t n = 0; n < file.len; n++)
		assert_int_equal(notice_file_parse(file.data, n, &f, &e), -1);
	trust_free(t);
	buf_free(&file);
}

static void
heads_are_strict(void **state)
{
	static const struct {
		uint32_t manifest, signature, slots;
		uint64_t payload;
		enum err_code want;
	} rows[] = {
	    {0, 9, 0, 0, ERR_FORMAT},	      {9, 0, 0, 0, ERR_FORMAT},
	    {9, 9, 80, 0, ERR_FORMAT},	      {9, 9, 0, 1, ERR_FORMAT},
	    {4097, 9, 0, 0, ERR_LIMIT},	      {9, SIGNATURE_MAX_BYTES + 1, 0, 0, ERR_LIMIT},
	    {9, 0x7fffffff, 0, 0, ERR_LIMIT}, {9, 9, 0, 0, ERR_FORMAT}, /* the text of a bundle */
	};
	uint8_t bytes[BUNDLE_FIXED_BYTES + 18] = {0};
	struct bundle_head head;
	struct notice_file f;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bundle_head h = {rows[i].manifest, rows[i].signature, rows[i].slots,
					rows[i].payload};

		bundle_head_format(&h, bytes);
		memcpy(bytes + BUNDLE_FIXED_BYTES, "{\"safehan", 9);
		assert_refused(notice_file_parse(bytes, sizeof bytes, &f, &e), &e, rows[i].want);
		if (rows[i].payload == 0) /* and no such head is a bundle's */
			assert_refused(bundle_head_parse(bytes, &head, &e), &e, ERR_FORMAT);
	}
	memcpy(bytes, "SHB2", 4);
	assert_false(notice_file_is(bytes));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_kind_round_trips),  cmocka_unit_test(the_text_is_just_this),
	    cmocka_unit_test(fits_at_its_limits),     cmocka_unit_test(each_rule_refuses),
	    cmocka_unit_test(limits_are_kept),	      cmocka_unit_test(only_a_notice_is_one),
	    cmocka_unit_test(only_the_gateway_signs), cmocka_unit_test(no_byte_of_it_may_change),
	    cmocka_unit_test(heads_are_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
