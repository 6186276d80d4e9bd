/* test_verify_check.c - what verify makes of heads, statements and routes: facts, or the refusal of
 * just the rule that was broken. */
#include "pki_rig.h"

#include "safehand/bundle.h"
#include "safehand/digest.h"
#include "safehand/manifest.h"
#include "safehand/seal.h"
#include "safehand/signature.h"
#include "safehand/statement.h"
#include "safehand/time.h"
#include "verify/check.h"

static struct trust *trust;
static struct err e;

static int
setup(void **state)
{
	trust = pki_trust();
	return 0;
}

static int
teardown(void **state)
{
	trust_free(trust);
	return 0;
}

static struct buf
sign(const void *content, size_t n, const char *first, const char *second)
{
	struct signer *s[2] = {pki_signer(first), second != NULL ? pki_signer(second) : NULL};
	struct buf der = {0};

	assert_ok(signature_sign(content, n, s, second != NULL ? 2 : 1, &der, &e), &e);
	signer_free(s[0]);
	signer_free(s[1]);
	return der;
}

/* --- heads --- */

/* Two recipients, one of them a cover; what a test wants otherwise it changes before the text. */
struct draft {
	struct manifest m;
	struct recipient to[2];
	uint8_t slots[2 * SLOT_BYTES];
	size_t slots_bytes;
	uint64_t payload_bytes; /* as the fixed part says */
};

static void
draft_init(struct draft *d)
{
	*d = (struct draft){.slots_bytes = sizeof d->slots, .payload_bytes = 100};
	uuid_new(d->m.id, time_now_ms());
	d->m.created_ms = time_now_ms() / 1000 * 1000;
	d->m.event_at_ms = MANIFEST_NO_TIME;
	strcpy(d->m.from, "csc/mash");
	strcpy(d->m.klass, "strategy-minutes");
	d->m.provisional = true;
	d->m.concern = CONCERN_INCONCLUSIVE;
	d->m.nabout = 1;
	strcpy(d->m.about[0], "c:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	strcpy(d->to[0].mailbox, "uhcw/emergency");
	strcpy(d->to[1].mailbox, "uhcw/paediatrics");
	d->to[1].cover = true;
	strcpy(d->to[1].covers, "uhcw/emergency");
	memset(d->to[0].key, 1, DIGEST_BYTES);
	memset(d->to[1].key, 2, DIGEST_BYTES);
	d->m.to = d->to;
	d->m.nto = 2;
	d->m.nactions = 1;
	d->m.actions[0] = (struct action){.n = 1, .due = "2026-12-01"};
	strcpy(d->m.actions[0].owner, "uhcw/emergency");
	memset(d->slots, 7, sizeof d->slots);
	digest_of(d->slots, sizeof d->slots, d->m.slots_sha256);
	d->m.payload_bytes = 100;
}

static struct buf
head_of(const struct draft *d, const char *first, const char *second)
{
	struct buf text = {0}, der, out = {0};
	uint8_t fixed[BUNDLE_FIXED_BYTES];
	struct bundle_head h = {.slots_bytes = (uint32_t)d->slots_bytes,
				.payload_bytes = d->payload_bytes};

	assert_ok(manifest_format(&d->m, &text, &e), &e);
	der = sign(text.data, text.len, first, second);
	h.manifest_bytes = (uint32_t)text.len;
	h.signature_bytes = (uint32_t)der.len;
	bundle_head_format(&h, fixed);
	buf_add(&out, fixed, sizeof fixed);
	buf_add(&out, text.data, text.len);
	buf_add(&out, der.data, der.len);
	buf_add(&out, d->slots, d->slots_bytes);
	buf_free(&text);
	buf_free(&der);
	return out;
}

static int
check_bytes(const struct buf *head, struct head_facts *f)
{
	*f = (struct head_facts){0};
	return check_head(trust, head->data, head->len, time_now_ms(), f, &e);
}

#define KHAN "certs/person-sign/csc_a.khan"
#define LEE  "certs/person-sign/csc_r.lee"

static void
a_head_becomes_facts(void **state)
{
	struct head_facts *f = mem_alloc(sizeof *f);
	const struct fact_recipient *to;
	struct draft d;
	struct buf head;

	draft_init(&d);
	head = head_of(&d, KHAN, LEE);
	assert_ok(check_bytes(&head, f), &e);
	assert_string_equal(f->msg.id, d.m.id);
	assert_string_equal(f->msg.from, "csc/mash");
	assert_string_equal(f->msg.klass, "strategy-minutes");
	assert_int_equal(f->msg.provisional, 1);
	assert_int_equal(f->msg.concern, 1);
	assert_true(f->msg.event_at_ms == TIME_NONE);
	assert_true(f->msg.created_ms == d.m.created_ms);
	assert_int_equal(f->msg.to.n, 2);
	to = f->msg.to.items;
	assert_string_equal(to[1].covers, "uhcw/emergency");
	assert_int_equal(to[1].key[31], 2);
	assert_int_equal(f->msg.actions.n, 1);
	assert_string_equal(f->actions[0].due, "2026-12-01");
	assert_int_equal(f->msg.signers.n, 2);
	assert_int_equal(f->signers[0].profile, PROFILE_PERSON_SIGN);
	assert_string_equal(f->signers[0].agency, "csc");
	assert_int_equal(f->msg.manifest_bytes + f->msg.signature_bytes + 24 + 160, head.len);
	assert_int_equal(f->msg.payload_bytes, 100);
	check_head_free(f);
	free(f);
	buf_free(&head);
}

static void
signers_that_are_refused(void **state)
{
	static const struct {
		const char *base;
		enum err_code code;
	} rows[] = {
	    {"bad/expired-agency-sign", ERR_EXPIRED},
	    {"bad/notyet-agency-sign", ERR_EXPIRED},
	    {"bad/revoked-agency-sign", ERR_REVOKED},
	    {"foreign/certs/agency-sign/uhcw", ERR_CERTIFICATE},
	    {"certs/agency-tls/uhcw", ERR_PROFILE},
	    {"certs/gateway-sign/gw", ERR_PROFILE},
	    {"certs/roster-sign/admin", ERR_PROFILE},
	};
	struct head_facts *f = mem_alloc(sizeof *f);
	struct draft d;

	draft_init(&d);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf head = head_of(&d, rows[i].base, NULL);

		assert_refused(check_bytes(&head, f), &e, rows[i].code);
		buf_free(&head);
		head = head_of(&d, KHAN, rows[i].base); /* one bad of two is bad */
		assert_refused(check_bytes(&head, f), &e, rows[i].code);
		buf_free(&head);
	}
	free(f);
}

static void
heads_that_are_refused(void **state)
{
	struct head_facts *f = mem_alloc(sizeof *f);
	struct draft d;
	struct buf head;

	draft_init(&d);
	d.slots_bytes -= SLOT_BYTES; /* a slot too few */
	head = head_of(&d, KHAN, LEE);
	assert_refused(check_bytes(&head, f), &e, ERR_FORMAT);
	assert_non_null(strstr(e.text, "slots"));
	buf_free(&head);

	draft_init(&d);
	d.slots[100] ^= 1; /* not what the digest says */
	head = head_of(&d, KHAN, LEE);
	assert_refused(check_bytes(&head, f), &e, ERR_DIGEST);
	buf_free(&head);

	draft_init(&d);
	d.payload_bytes = 101;
	head = head_of(&d, KHAN, LEE);
	assert_refused(check_bytes(&head, f), &e, ERR_DIGEST);
	buf_free(&head);

	draft_init(&d);
	head = head_of(&d, KHAN, LEE);
	buf_addc(&head, 'x'); /* bytes after the slots */
	assert_refused(check_bytes(&head, f), &e, ERR_FORMAT);
	head.len -= 2; /* cut */
	assert_refused(check_bytes(&head, f), &e, ERR_FORMAT);
	head.len = 10;
	assert_refused(check_bytes(&head, f), &e, ERR_FORMAT);
	buf_free(&head);
	free(f);
}

/* Of every byte of manifest and signature. */
static void
any_flipped_byte_of_a_head_is_refused(void **state)
{
	struct head_facts *f = mem_alloc(sizeof *f);
	struct draft d;
	struct buf head;

	draft_init(&d);
	head = head_of(&d, KHAN, LEE);
	for (size_t i = 0; i < head.len; i++) {
		head.data[i] ^= 4;
		if (check_bytes(&head, f) == 0)
			fail_msg("byte %zu of %zu: flipped and accepted", i, head.len);
		head.data[i] ^= 4;
	}
	assert_ok(check_bytes(&head, f), &e);
	check_head_free(f);
	free(f);
	buf_free(&head);
}

/* A manifest that is wrong in itself is refused after its signature: the signer is known then. */
static void
a_signed_text_that_is_no_manifest(void **state)
{
	static const char text[] = "{\"safehand\":1,\"extra\":2}";
	struct head_facts *f = mem_alloc(sizeof *f);
	struct bundle_head h = {
	    .manifest_bytes = sizeof text - 1, .payload_bytes = 1, .slots_bytes = SLOT_BYTES};
	uint8_t fixed[BUNDLE_FIXED_BYTES], slot[SLOT_BYTES] = {0};
	struct buf der = sign(text, sizeof text - 1, KHAN, NULL), head = {0};

	h.signature_bytes = (uint32_t)der.len;
	bundle_head_format(&h, fixed);
	buf_add(&head, fixed, sizeof fixed);
	buf_adds(&head, text);
	buf_add(&head, der.data, der.len);
	buf_add(&head, slot, sizeof slot);
	assert_refused(check_bytes(&head, f), &e, ERR_FORMAT);
	assert_non_null(strstr(e.text, "manifest"));
	free(f);
	buf_free(&der);
	buf_free(&head);
}

/* --- statements --- */

static void
statement_init(struct statement *s, enum statement_kind kind, const char *by)
{
	*s = (struct statement){.kind = kind,
				.at_ms = time_now_ms() / 1000 * 1000,
				.has_content = kind != STATEMENT_COLLECTED};
	uuid_new(s->bundle, time_now_ms());
	strcpy(s->mailbox, "uhcw/emergency");
	strcpy(s->by, by);
	strcpy(s->code, kind == STATEMENT_ANSWERED ? "accepted" : "ok");
}

static struct buf
statement_bytes(const struct statement *s, const char *first, const char *second)
{
	struct buf text = {0}, der, out = {0};

	statement_format(s, &text);
	der = sign(text.data, text.len, first, second);
	signed_format(text.data, text.len, der.data, der.len, &out);
	buf_free(&text);
	buf_free(&der);
	return out;
}

#define UHCW  "certs/agency-sign/uhcw"
#define PATEL "certs/person-sign/uhcw_j.patel"

static const struct statement_row {
	enum statement_kind kind;
	const char *by, *first, *second;
	enum err_code code;
} statement_rows[] = {
    {STATEMENT_COLLECTED, "agency/uhcw", UHCW, NULL, ERR_OK},
    {STATEMENT_OPENED, "agency/uhcw", UHCW, NULL, ERR_OK},
    {STATEMENT_READ, "person/uhcw/j.patel", PATEL, NULL, ERR_OK},
    {STATEMENT_ANSWERED, "person/uhcw/j.patel", PATEL, NULL, ERR_OK},
    {STATEMENT_COLLECTED, "agency/uhcw", UHCW, PATEL, ERR_SIGNATURE}, /* two signers */
    {STATEMENT_READ, "agency/uhcw", UHCW, NULL, ERR_PROFILE},	      /* no person */
    {STATEMENT_READ, "person/csc/a.khan", KHAN, NULL, ERR_DENIED},    /* another agency's */
    {STATEMENT_READ, "person/uhcw/a.other", PATEL, NULL, ERR_DENIED}, /* not who signed */
    {STATEMENT_COLLECTED, "agency/uhcw", "bad/revoked-agency-sign", NULL, ERR_REVOKED},
    {STATEMENT_COLLECTED, "agency/uhcw", "bad/expired-agency-sign", NULL, ERR_EXPIRED},
    {STATEMENT_COLLECTED, "agency/uhcw", "foreign/certs/agency-sign/uhcw", NULL, ERR_CERTIFICATE},
};

static void
statements(void **state)
{
	for (size_t i = 0; i < sizeof statement_rows / sizeof *statement_rows; i++) {
		const struct statement_row *r = &statement_rows[i];
		struct statement_facts f = {0};
		struct statement s;
		struct buf bytes;
		int rc;

		statement_init(&s, r->kind, r->by);
		bytes = statement_bytes(&s, r->first, r->second);
		rc = check_statement(trust, bytes.data, bytes.len, time_now_ms(), &f, &e);
		if ((rc == 0) != (r->code == ERR_OK) || (rc < 0 && e.code != r->code))
			fail_msg("row %zu: %d %s %s", i, rc, rc < 0 ? err_name(e.code) : "",
				 rc < 0 ? e.text : "");
		if (rc == 0) {
			assert_int_equal(f.msg.kind, r->kind);
			assert_string_equal(f.msg.bundle, s.bundle);
			assert_string_equal(f.signer.by, r->by);
			assert_int_equal(f.msg.signers.n, 1);
		}
		buf_free(&bytes);
	}
}

static void
any_flipped_byte_of_a_statement_is_refused(void **state)
{
	struct statement_facts f = {0};
	struct statement s;
	struct buf bytes;

	statement_init(&s, STATEMENT_COLLECTED, "agency/uhcw");
	bytes = statement_bytes(&s, UHCW, NULL);
	for (size_t i = 0; i < bytes.len; i++) {
		bytes.data[i] ^= 2;
		if (check_statement(trust, bytes.data, bytes.len, time_now_ms(), &f, &e) == 0)
			fail_msg("byte %zu of %zu: flipped and accepted", i, bytes.len);
		bytes.data[i] ^= 2;
	}
	buf_free(&bytes);
}

/* --- routes --- */

static const struct {
	const char *text, *words;
} route_rows[] = {
    {"{\"class\":\"general\",\"from\":\"csc/mash\",\"to\":[\"uhcw/emergency\"]}", NULL},
    {"{\"class\":\"general\",\"from\":\"csc/mash\",\"to\":[],\"about\":[],\"exclude\":[\"a/b\"]}",
     NULL},
    {"{\"class\":\"general\",\"from\":\"csc/mash\"}", "to"},
    {"{\"class\":\"General\",\"from\":\"csc/mash\",\"to\":[]}", "class"},
    {"{\"class\":\"general\",\"from\":\"csc\",\"to\":[]}", "from"},
    {"{\"class\":\"general\",\"from\":\"csc/mash\",\"to\":[\"csc\"]}", "route.to"},
    {"{\"class\":\"general\",\"from\":\"csc/mash\",\"to\":[7]}", "route.to"},
    {"{\"class\":\"general\",\"from\":\"csc/mash\",\"to\":[],\"about\":[\"x\"]}", "route.about"},
    {"{\"class\":\"general\",\"from\":\"csc/mash\",\"to\":[],\"exclude\":[\"x\"]}",
     "route.exclude"},
    {"{\"class\":\"general\",\"from\":\"csc/mash\",\"to\":[],\"cc\":[]}", "cc"},
    {"[]", "route"},
    {"", "route"},
};

static void
routes(void **state)
{
	for (size_t i = 0; i < sizeof route_rows / sizeof *route_rows; i++) {
		struct route_facts f = {0};
		int rc = check_route(route_rows[i].text, strlen(route_rows[i].text), &f, &e);

		if ((rc == 0) != (route_rows[i].words == NULL) ||
		    (rc < 0 && (e.code != ERR_FORMAT || !strstr(e.text, route_rows[i].words))))
			fail_msg("row %zu: %d %s", i, rc, rc < 0 ? e.text : "");
		check_route_free(&f);
	}
}

/* --- roster rows --- */

static void
certificates_of_a_roster_are_judged_one_by_one(void **state)
{
	struct buf file = pki_file("roster.shr");
	struct fact_certificate facts[8];
	struct msg_roster_row row = {0};
	struct roster_mailbox other;
	struct roster *r = NULL;

	assert_ok(roster_verify(file.data, file.len, trust, time_now_ms(), TRUST_LIVE, &r, NULL,
				NULL, &e),
		  &e);
	check_roster_row(trust, &r->mailboxes[0], time_now_ms(), facts, &row);
	assert_int_equal(row.certificates.n, 1);
	assert_int_equal(facts[0].code, ERR_OK);
	assert_true(facts[0].not_before_ms < facts[0].not_after_ms);
	other = r->mailboxes[1];
	other.certificates = r->mailboxes[0].certificates;
	check_roster_row(trust, &other, time_now_ms(), facts, &row);
	assert_int_equal(facts[0].code, ERR_PROFILE);
	other.certificates = r->issuers; /* a CA is no mailbox */
	check_roster_row(trust, &other, time_now_ms(), facts, &row);
	assert_int_equal(facts[0].code, ERR_PROFILE);
	roster_free(r);
	buf_free(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_head_becomes_facts),
	    cmocka_unit_test(signers_that_are_refused),
	    cmocka_unit_test(heads_that_are_refused),
	    cmocka_unit_test(any_flipped_byte_of_a_head_is_refused),
	    cmocka_unit_test(a_signed_text_that_is_no_manifest),
	    cmocka_unit_test(statements),
	    cmocka_unit_test(any_flipped_byte_of_a_statement_is_refused),
	    cmocka_unit_test(routes),
	    cmocka_unit_test(certificates_of_a_roster_are_judged_one_by_one),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
