/* test_evidence_receipt.c - the store cannot make a receipt that no client signed: what it
 * composes, the notary seals and the authority stamps as if all were right, and nobody who checks
 * takes it. */
#include "evidence_rig.h"

/* The events that only a member's signature can make. */
static const enum entry_event receipts[] = {EVENT_CONTENT_HANDOVER, EVENT_OPENED,
					    EVENT_OPEN_FAILURE, EVENT_READ, EVENT_ANSWER};
#define RECEIPTS (sizeof receipts / sizeof *receipts)

static void
never_ok(struct rig_plan *p, const char *how)
{
	struct evidence_result r;
	struct evidence ev;

	rig_make(p, &ev);
	evidence_verify(&ev, trust, &log_key, &r);
	if (r.verdict == EVIDENCE_OK)
		fail_msg("%s, %s: taken for good", event_name(p->event), how);
	evidence_free(&ev);
}

static void
fails(struct rig_plan *p, const char *how)
{
	struct evidence_result r;
	struct evidence ev;

	rig_make(p, &ev);
	evidence_verify(&ev, trust, &log_key, &r);
	if (r.verdict != EVIDENCE_FAIL)
		fail_msg("%s, %s: %s", event_name(p->event), how, evidence_verdict_name(r.verdict));
	evidence_free(&ev);
}

static void
drop_signature(struct evidence *ev)
{
	buf_free(&ev->statement_signature);
}

/* The control: signed by whom it says, it is good. */
static void
signed_it_is_good(void **state)
{
	for (size_t i = 0; i < RECEIPTS; i++) {
		struct rig_plan p = rig_plan(receipts[i]);
		struct evidence_result r;
		struct evidence ev;

		rig_make(&p, &ev);
		evidence_verify(&ev, trust, &log_key, &r);
		if (r.verdict != EVIDENCE_OK)
			fail_msg("%s: %s", event_name(p.event), r.why.text);
		evidence_free(&ev);
	}
}

static void
store_cannot_make_a_receipt_that_no_client_signed(void **state)
{
	/* whose keys a gateway in strange hands could have: its own, and those of members who help
	 */
	static const char *const signers[] = {"certs/gateway-sign/gw",
					      "foreign/certs/agency-sign/uhcw",
					      "certs/agency-sign/csc", "bad/revoked-agency-sign"};

	for (size_t i = 0; i < RECEIPTS; i++) {
		struct rig_plan p = rig_plan(receipts[i]);

		p.no_statement = true;
		never_ok(&p, "no statement");
		p = rig_plan(receipts[i]);
		p.retouch = drop_signature;
		never_ok(&p, "a statement that nobody signed");
		for (size_t k = 0; k < sizeof signers / sizeof *signers; k++) {
			p = rig_plan(receipts[i]);
			p.actor = signers[k];
			fails(&p, signers[k]);
		}
		p = rig_plan(receipts[i]);
		strcpy(p.statement.bundle, RIG_OTHER);
		fails(&p, "a true statement about another bundle");
		p = rig_plan(receipts[i]);
		strcpy(p.statement.mailbox, "uhcw/paediatrics");
		fails(&p, "a true statement of another mailbox");
		p = rig_plan(receipts[i]);
		p.other_manifest_in_statement = true;
		fails(&p, "a true statement about other content");
	}
}

/* One kind of receipt is not another: what was collected was not read. */
static void
a_receipt_is_of_its_kind(void **state)
{
	for (size_t i = 0; i < RECEIPTS; i++)
		for (size_t k = 0; k < RECEIPTS; k++) {
			struct rig_plan p = rig_plan(receipts[i]), other = rig_plan(receipts[k]);

			if (other.statement.kind == p.statement.kind)
				continue;
			p.statement = other.statement;
			p.actor = other.actor;
			fails(&p, "a true statement of another kind");
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signed_it_is_good),
	    cmocka_unit_test(store_cannot_make_a_receipt_that_no_client_signed),
	    cmocka_unit_test(a_receipt_is_of_its_kind)};

	return cmocka_run_group_tests(tests, rig_trust_setup, rig_trust_teardown);
}
