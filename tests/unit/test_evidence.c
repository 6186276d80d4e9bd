/* test_evidence.c - evidence: good of each event, each part missing, each part wrong, each byte
 * flipped. */
#include "evidence_wrongs.h"

static struct err e;

static enum evidence_verdict
judge(const struct evidence *ev, struct evidence_result *out)
{
	evidence_verify(ev, trust, &log_key, out);
	return out->verdict;
}

static void
want(const struct rig_plan *p, enum evidence_verdict verdict, enum err_code code, const char *name)
{
	struct evidence_result r;
	struct evidence ev;

	rig_make(p, &ev);
	if (judge(&ev, &r) != verdict || r.why.code != code)
		fail_msg("%s: %s, %s (%s), want %s, %s", name, evidence_verdict_name(r.verdict),
			 err_name(r.why.code), r.why.text, evidence_verdict_name(verdict),
			 err_name(code));
	evidence_free(&ev);
}

/* --- good --- */

static const enum entry_event good[] = {
    EVENT_SUBMISSION_ACCEPTANCE,
    EVENT_CONTENT_CONSIGNMENT,
    EVENT_CONTENT_HANDOVER,
    EVENT_OPENED,
    EVENT_OPEN_FAILURE,
    EVENT_READ,
    EVENT_ANSWER,
    EVENT_WITHDRAWN,
    EVENT_FETCHED,
};

static void
each_event_is_shown(void **state)
{
	struct evidence_result r;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct rig_plan p = rig_plan(good[i]);
		struct evidence ev;

		rig_make(&p, &ev);
		if (judge(&ev, &r) != EVIDENCE_OK)
			fail_msg("%s: %s", event_name(good[i]), r.why.text);
		assert_int_equal(r.why.code, ERR_OK);
		assert_int_equal(r.entry.event, good[i]);
		assert_int_equal(r.stamped_ms, p.stamp_ms);
		assert_int_equal(r.checkpoint.size, RIG_LEAVES);
		assert_string_equal(r.from, "csc/mash");
		assert_string_equal(r.klass, "general");
		assert_int_equal(r.nsigners, 1);
		assert_string_equal(r.signers[0].by, "agency/csc");
		assert_int_equal(r.has_actor, !p.no_statement);
		if (r.has_actor)
			assert_string_equal(r.actor.by, p.statement.by);
		evidence_free(&ev);
	}
}

/* Its sender withdraws; that a recipient was told of it is shown without a statement. */
static void
withdrawals_are_the_senders(void **state)
{
	struct rig_plan told = rig_plan(EVENT_WITHDRAWN), another = told, person = told;
	struct evidence_result r;
	struct evidence ev;

	told.no_statement = told.no_actor = true;
	strcpy(told.entry.mailbox, "uhcw/emergency");
	rig_make(&told, &ev);
	if (judge(&ev, &r) != EVIDENCE_OK)
		fail_msg("%s", r.why.text);
	evidence_free(&ev);
	strcpy(told.entry.mailbox, "wmp/ppu");
	want(&told, EVIDENCE_FAIL, ERR_FAIL, "told, no recipient");
	strcpy(another.entry.mailbox, "uhcw/emergency");
	strcpy(another.statement.mailbox, "uhcw/emergency");
	strcpy(another.statement.by, "agency/uhcw");
	another.actor = "certs/agency-sign/uhcw";
	want(&another, EVIDENCE_FAIL, ERR_FAIL, "by a recipient");
	strcpy(person.statement.by, "person/csc/a.khan");
	person.actor = "certs/person-sign/csc_a.khan";
	want(&person, EVIDENCE_FAIL, ERR_PROFILE, "by a person");
}

/* Evidence of notices: what the gateway told, and that it was taken and read. */
static void
notices_are_shown(void **state)
{
	static const enum entry_event events[] = {EVENT_CONTENT_CONSIGNMENT, EVENT_CONTENT_HANDOVER,
						  EVENT_OPENED, EVENT_READ,
						  EVENT_NOTIFICATION_SENT};
	struct evidence_result r;

	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		struct rig_plan p = rig_notice(events[i]);
		struct evidence ev;

		p.no_statement = p.no_statement || events[i] == EVENT_NOTIFICATION_SENT;
		rig_make(&p, &ev);
		if (judge(&ev, &r) != EVIDENCE_OK)
			fail_msg("%s: %s", event_name(events[i]), r.why.text);
		assert_true(r.is_notice);
		assert_string_equal(r.notice.to, "uhcw/emergency");
		assert_string_equal(r.notice.bundle, RIG_OTHER);
		assert_string_equal(r.from, NOTICE_FROM);
		assert_string_equal(r.klass, NOTICE_CLASS);
		assert_int_equal(r.nsigners, 1);
		assert_string_equal(r.signers[0].by, "gateway/gw");
		evidence_free(&ev);
	}
}

/* Steps of a ladder: of a recipient, of a sender who owes a final, of whoever was told. */
static void
steps_are_of_whom_they_concern(void **state)
{
	static const struct {
		enum entry_event event;
		const char *mailbox;
		enum evidence_verdict want;
	} rows[] = {
	    {EVENT_OVERDUE, "uhcw/emergency", EVIDENCE_OK},
	    {EVENT_OVERDUE, "csc/mash", EVIDENCE_OK},
	    {EVENT_OVERDUE, "wmp/ppu", EVIDENCE_FAIL},
	    {EVENT_ESCALATION, "csc/mash", EVIDENCE_OK},
	    {EVENT_ESCALATION, "wmp/ppu", EVIDENCE_FAIL},
	    {EVENT_COVER_RELEASED, "uhcw/emergency", EVIDENCE_OK},
	    {EVENT_COVER_RELEASED, "csc/mash", EVIDENCE_FAIL},
	    {EVENT_NOTIFICATION_SENT, "wmp/ppu", EVIDENCE_OK},
	    {EVENT_NOTIFICATION_FAILURE, "wmp/ppu", EVIDENCE_OK},
	    {EVENT_CONTENT_CONSIGNMENT, "csc/mash", EVIDENCE_FAIL},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig_plan p = rig_plan(rows[i].event);

		p.no_statement = p.no_actor = true;
		strcpy(p.entry.code, "read");
		strcpy(p.entry.mailbox, rows[i].mailbox);
		want(&p, rows[i].want, rows[i].want == EVIDENCE_OK ? ERR_OK : ERR_FAIL,
		     event_name(rows[i].event));
	}
}

/* An administrator's: of the bundle, and of no mailbox. */
static void
held_and_released_are_shown(void **state)
{
	static const enum entry_event events[] = {EVENT_HELD, EVENT_RELEASED};

	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		struct rig_plan p = rig_plan(events[i]);

		p.no_statement = p.no_actor = true;
		p.entry.mailbox[0] = '\0';
		strcpy(p.entry.code, "ok");
		want(&p, EVIDENCE_OK, ERR_OK, event_name(events[i]));
		p.no_manifest = true;
		want(&p, EVIDENCE_FAIL, ERR_FORMAT, "of no manifest");
	}
}

/* The log tells of itself too: there the file has no more parts. */
static void
what_has_no_bundle_is_shown(void **state)
{
	static const enum entry_event events[] = {EVENT_ROSTER_CHANGE, EVENT_POLICY_CHANGE,
						  EVENT_KEY_CHANGE, EVENT_GATEWAY_START};

	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		struct rig_plan p = rig_plan(events[i]);

		p.no_bundle = p.no_manifest = p.no_statement = p.no_actor = true;
		p.entry.mailbox[0] = '\0';
		want(&p, EVIDENCE_OK, ERR_OK, event_name(events[i]));
	}
}

static void
drop_manifest_and_signature(struct evidence *ev)
{
	buf_free(&ev->manifest);
	buf_free(&ev->signature);
}

static void
drop_signature(struct evidence *ev)
{
	buf_free(&ev->signature);
}

static void
a_rejection_needs_no_manifest(void **state)
{
	struct rig_plan p = rig_plan(EVENT_SUBMISSION_REJECTION);

	want(&p, EVIDENCE_FAIL, ERR_FAIL, "rejection with a signature");
	p.retouch = drop_signature;
	want(&p, EVIDENCE_OK, ERR_OK, "rejection with its manifest");
	p.retouch = drop_manifest_and_signature;
	want(&p, EVIDENCE_OK, ERR_OK, "rejection alone");
}

static void
two_signers_are_named(void **state)
{
	struct rig_plan p = rig_plan(EVENT_SUBMISSION_ACCEPTANCE);
	struct evidence_result r;
	struct evidence ev;

	p.sender = "certs/person-sign/csc_a.khan";
	p.second = "certs/person-sign/csc_r.lee";
	rig_make(&p, &ev);
	assert_int_equal(judge(&ev, &r), EVIDENCE_OK);
	assert_int_equal(r.nsigners, 2);
	evidence_free(&ev);
}

static void
the_root_alone_suffices(void **state)
{
	struct rig_plan p = rig_plan(EVENT_READ);
	struct trust *root = rig_trust("", false, false);
	struct evidence_result r;
	struct evidence ev;

	rig_make(&p, &ev);
	evidence_verify(&ev, root, &log_key, &r);
	if (r.verdict != EVIDENCE_OK)
		fail_msg("%s", r.why.text);
	trust_free(root);
	evidence_free(&ev);
}

static void
text_comes_back(void **state)
{
	struct rig_plan p = rig_plan(EVENT_ANSWER);
	struct evidence ev, again;
	struct evidence_result r;
	struct buf text = {0}, twice = {0};

	rig_make(&p, &ev);
	evidence_format(&ev, &text);
	assert_ok(evidence_parse(text.data, text.len, &again, &e), &e);
	assert_int_equal(judge(&again, &r), EVIDENCE_OK);
	evidence_format(&again, &twice);
	assert_int_equal(text.len, twice.len);
	assert_memory_equal(text.data, twice.data, text.len);
	evidence_free(&ev);
	evidence_free(&again);
	buf_free(&text);
	buf_free(&twice);
}

/* --- missing --- */

static struct buf *
part(struct evidence *ev, size_t i)
{
	struct buf *const parts[] = {
	    &ev->entry,	    &ev->proof,	    &ev->timestamp,	     &ev->manifest,
	    &ev->signature, &ev->statement, &ev->statement_signature};

	return parts[i];
}

static const char *const part_names[] = {"entry",     "proof",	   "timestamp",		 "manifest",
					 "signature", "statement", "statement_signature"};
#define PARTS 7

/* Any choice of parts: what is absent and called for is named, and nothing else. */
static void
what_is_missing_is_named(void **state)
{
	struct rig_plan p = rig_plan(EVENT_READ);
	struct evidence_result r;
	struct evidence ev;

	rig_make(&p, &ev);
	for (unsigned mask = 1; mask < 1u << PARTS; mask++) {
		struct evidence less = ev;

		for (size_t i = 0; i < PARTS; i++)
			if (mask & 1u << i)
				*part(&less, i) = (struct buf){0};
		assert_int_equal(judge(&less, &r), EVIDENCE_INCOMPLETE);
		assert_int_equal(r.why.code, ERR_INCOMPLETE);
		for (size_t i = 0; i < PARTS; i++) {
			char list[ERR_TEXT_MAX + 2], word[64];
			bool called = !(mask & 1) || i < 3 ||
				      (mask & 3u << (i < 5 ? 3 : 5)) != 3u << (i < 5 ? 3 : 5);

			snprintf(list, sizeof list, "%s,", strchr(r.why.text, ':') + 1);
			snprintf(word, sizeof word, " %s,", part_names[i]);
			assert_int_equal(strstr(list, word) != NULL, called && mask & 1u << i);
		}
	}
	evidence_free(&ev);
}

static void
flip_in_signature(struct evidence *ev)
{
	ev->signature.data[ev->signature.len - 10] ^= 1;
	buf_free(&ev->timestamp);
	buf_free(&ev->statement);
}

static void
flip_without_entry(struct evidence *ev)
{
	ev->statement_signature.data[ev->statement_signature.len - 10] ^= 1;
	buf_free(&ev->entry);
}

static void
wrong_wins_over_missing(void **state)
{
	struct rig_plan p = rig_plan(EVENT_READ);

	p.retouch = flip_in_signature;
	want(&p, EVIDENCE_FAIL, ERR_SIGNATURE, "bad signature, no timestamp, no statement");
	p.retouch = flip_without_entry;
	want(&p, EVIDENCE_FAIL, ERR_SIGNATURE, "bad signature, no entry");
}

/* --- wrong: each signed as if it were right (evidence_wrongs.h) --- */

static void
each_wrong_part_has_its_refusal(void **state)
{
	for (size_t i = 0; i < WRONGS; i++) {
		struct rig_plan p = rig_plan(EVENT_READ);

		wrong_make(&p, &wrongs[i]);
		want(&p, EVIDENCE_FAIL, wrongs[i].code, wrongs[i].name);
	}
}

/* What was signed before a revocation stays good: the stamp says when. */
static void
revoked_after_the_stamp(void **state)
{
	struct rig_plan p = rig_plan(EVENT_SUBMISSION_ACCEPTANCE);
	struct buf pem = pki_file("certs/tsa/gw.pem"), der = {0};
	struct identity tsa;

	assert_ok(identity_pem_to_der(pem.data, pem.len, &der, &e), &e);
	assert_ok(identity_parse(der.data, der.len, &tsa, &e), &e);
	sender_revoked(&p);
	p.entry_ms = p.stamp_ms = tsa.not_before_ms; /* some moments before the revocation */
	want(&p, EVIDENCE_OK, ERR_OK, "revoked after the stamp");
	buf_free(&pem);
	buf_free(&der);
}

static void
add_statement(struct evidence *ev)
{
	buf_adds(&ev->statement, "{}");
}

static void
add_statement_signature(struct evidence *ev)
{
	buf_adds(&ev->statement_signature, "{}");
}

static void
add_extra_line(struct evidence *ev)
{
	struct buf text = {0};

	buf_adds(&text, "c2sp.org/tlog-proof@v1\nextra AAAA\n");
	buf_adds(&text, strchr(buf_str(&ev->proof), '\n') + 1);
	buf_free(&ev->proof);
	ev->proof = text;
}

static void
what_is_not_spoken_of_is_wrong(void **state)
{
	struct rig_plan p = rig_plan(EVENT_CONTENT_CONSIGNMENT);

	p.retouch = add_statement;
	want(&p, EVIDENCE_FAIL, ERR_FAIL, "consignment with a statement");
	p.retouch = add_statement_signature;
	want(&p, EVIDENCE_FAIL, ERR_FAIL, "consignment with a signature of a statement");
	p.retouch = add_extra_line;
	want(&p, EVIDENCE_FAIL, ERR_FORMAT, "proof with an extra line");
}

static void
strangers_trust_nothing_of_it(void **state)
{
	struct rig_plan p = rig_plan(EVENT_READ);
	struct trust *foreign = rig_trust("foreign/", true, true);
	struct note_key other = rig_log_key("foreign/log/log.vkey");
	struct evidence_result r;
	struct evidence ev;

	rig_make(&p, &ev);
	evidence_verify(&ev, foreign, &log_key, &r);
	assert_int_equal(r.verdict, EVIDENCE_FAIL);
	assert_int_equal(r.why.code, ERR_CERTIFICATE);
	evidence_verify(&ev, trust, &other, &r);
	assert_int_equal(r.verdict, EVIDENCE_FAIL);
	assert_int_equal(r.why.code, ERR_SIGNATURE);
	trust_free(foreign);
	evidence_free(&ev);
}

static void
parts_of_another_are_wrong(void **state)
{
	struct rig_plan p = rig_plan(EVENT_READ), q = rig_plan(EVENT_READ);
	struct evidence_result r;
	struct evidence ev, other;

	strcpy(q.manifest_id, RIG_OTHER);
	strcpy(q.entry.bundle, RIG_OTHER);
	strcpy(q.statement.bundle, RIG_OTHER);
	rig_make(&p, &ev);
	rig_make(&q, &other);
	assert_int_equal(judge(&other, &r), EVIDENCE_OK);
	for (size_t i = 0; i < PARTS; i++) {
		struct evidence mixed = ev;

		*part(&mixed, i) = *part(&other, i);
		if (judge(&mixed, &r) != EVIDENCE_FAIL)
			fail_msg("another's %s: %s", part_names[i],
				 evidence_verdict_name(r.verdict));
	}
	evidence_free(&ev);
	evidence_free(&other);
}

/* --- flipped --- */

#define FILE_STEP 5 /* each byte of the parts is flipped; of their base64 each fifth is enough */

static void
any_flipped_byte_of_a_part_fails(void **state)
{
	struct rig_plan p = rig_plan(EVENT_READ);
	struct evidence_result r;
	struct evidence ev;

	rig_make(&p, &ev);
	for (size_t i = 0; i < PARTS; i++)
		for (size_t k = 0; k < part(&ev, i)->len; k++) {
			uint8_t *byte = part(&ev, i)->data + k, was = *byte;

			*byte ^= 1u << k % 8;
			if (judge(&ev, &r) != EVIDENCE_FAIL)
				fail_msg("%s, bit %zu of byte %zu: %s", part_names[i], k % 8, k,
					 evidence_verdict_name(r.verdict));
			*byte = was;
		}
	assert_int_equal(judge(&ev, &r), EVIDENCE_OK);
	evidence_free(&ev);
}

static bool
is_same(struct evidence *a, struct evidence *b)
{
	for (size_t i = 0; i < PARTS; i++)
		if (part(a, i)->len != part(b, i)->len ||
		    memcmp(part(a, i)->data, part(b, i)->data, part(a, i)->len) != 0)
			return false;
	return true;
}

static void
any_flipped_byte_of_the_file_is_caught(void **state)
{
	struct rig_plan p = rig_plan(EVENT_READ);
	struct evidence_result r;
	struct evidence ev, read;
	struct buf text = {0};

	rig_make(&p, &ev);
	evidence_format(&ev, &text);
	for (size_t i = 0; i < text.len; i += FILE_STEP) {
		text.data[i] ^= 1u << i % 8;
		if (evidence_parse(text.data, text.len, &read, &e) == 0 &&
		    judge(&read, &r) == EVIDENCE_OK && !is_same(&ev, &read))
			fail_msg("bit %zu of byte %zu: OK", i % 8, i);
		evidence_free(&read);
		text.data[i] ^= 1u << i % 8;
	}
	evidence_free(&ev);
	buf_free(&text);
}

/* --- the file's form --- */

static void
malformed_files_are_refused(void **state)
{
	static const struct {
		const char *text;
		enum err_code code;
	} rows[] = {
	    {"", ERR_FORMAT},
	    {"[]", ERR_FORMAT},
	    {"{}", ERR_FORMAT},
	    {"{\"safehand_evidence\":2}", ERR_FORMAT},
	    {"{\"safehand_evidence\":1,\"entry\":1}", ERR_FORMAT},
	    {"{\"safehand_evidence\":1,\"entry\":null}", ERR_FORMAT},
	    {"{\"safehand_evidence\":1,\"entry\":\"\"}", ERR_FORMAT},
	    {"{\"safehand_evidence\":1,\"entry\":\"e30\"}", ERR_FORMAT},
	    {"{\"safehand_evidence\":1,\"entry\":\"e31=\"}", ERR_FORMAT},
	    {"{\"safehand_evidence\":1,\"entry\":\"e30=\",\"entry\":\"e30=\"}", ERR_FORMAT},
	    {"{\"safehand_evidence\":1,\"more\":\"e30=\"}", ERR_FORMAT},
	    {"{\"safehand_evidence\":1} ,", ERR_FORMAT},
	};
	struct evidence ev;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (evidence_parse(rows[i].text, strlen(rows[i].text), &ev, &e) == 0)
			fail_msg("%s: taken", rows[i].text);
		assert_int_equal(e.code, rows[i].code);
		evidence_free(&ev);
	}
	assert_ok(evidence_parse("{\"safehand_evidence\":1}", 23, &ev, &e), &e);
	evidence_free(&ev);
}

static void
each_part_has_its_limit(void **state)
{
	static const size_t max[PARTS] = {
	    ENTRY_MAX_BYTES,	 EVIDENCE_PROOF_MAX,  TOKEN_MAX_BYTES,	  MANIFEST_MAX_BYTES,
	    SIGNATURE_MAX_BYTES, STATEMENT_MAX_BYTES, SIGNATURE_MAX_BYTES};

	for (size_t i = 0; i < PARTS; i++)
		for (size_t more = 0; more < 5; more += 4) {
			struct evidence ev = {0}, read;
			struct buf text = {0};

			for (size_t n = 0; n < max[i] + more; n++)
				buf_addc(part(&ev, i), 'x');
			evidence_format(&ev, &text);
			if (more == 0)
				assert_ok(evidence_parse(text.data, text.len, &read, &e), &e);
			else
				assert_refused(evidence_parse(text.data, text.len, &read, &e), &e,
					       ERR_LIMIT);
			evidence_free(&ev);
			evidence_free(&read);
			buf_free(&text);
		}
}

static void
a_file_has_its_limit(void **state)
{
	struct evidence ev;
	struct buf text = {0};

	buf_adds(&text, "{\"safehand_evidence\":1}");
	while (text.len <= EVIDENCE_MAX_BYTES)
		buf_addc(&text, ' ');
	assert_refused(evidence_parse(text.data, text.len, &ev, &e), &e, ERR_LIMIT);
	assert_ok(evidence_parse(text.data, EVIDENCE_MAX_BYTES, &ev, &e), &e);
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_event_is_shown),
	    cmocka_unit_test(withdrawals_are_the_senders),
	    cmocka_unit_test(notices_are_shown),
	    cmocka_unit_test(steps_are_of_whom_they_concern),
	    cmocka_unit_test(what_has_no_bundle_is_shown),
	    cmocka_unit_test(held_and_released_are_shown),
	    cmocka_unit_test(a_rejection_needs_no_manifest),
	    cmocka_unit_test(two_signers_are_named),
	    cmocka_unit_test(the_root_alone_suffices),
	    cmocka_unit_test(text_comes_back),
	    cmocka_unit_test(what_is_missing_is_named),
	    cmocka_unit_test(wrong_wins_over_missing),
	    cmocka_unit_test(each_wrong_part_has_its_refusal),
	    cmocka_unit_test(revoked_after_the_stamp),
	    cmocka_unit_test(what_is_not_spoken_of_is_wrong),
	    cmocka_unit_test(strangers_trust_nothing_of_it),
	    cmocka_unit_test(parts_of_another_are_wrong),
	    cmocka_unit_test(any_flipped_byte_of_a_part_fails),
	    cmocka_unit_test(any_flipped_byte_of_the_file_is_caught),
	    cmocka_unit_test(malformed_files_are_refused),
	    cmocka_unit_test(each_part_has_its_limit),
	    cmocka_unit_test(a_file_has_its_limit),
	};

	return cmocka_run_group_tests(tests, rig_trust_setup, rig_trust_teardown);
}
