/* test_store_taken.c - front, verify and courier in somebody else's hands, at the real store: what
 * each says is lawful on its channel and a lie. The named invariants: front cannot release a slot,
 * verify cannot accept for another agency. (What is not lawful is tests/roles; the notary's and the
 * receipt's invariants are in test_notary_seal, tests/roles and test_evidence_receipt.) */
#include "store_rig.h"

static const char payload[] = "the payload, sealed";
static const char slots[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"; /* the first recipient's, of 80 */
static const char slots_b64[] = "QUFBQUFBQUFBQUFBQUFB";

static int64_t
entries(void)
{
	struct ledger_totals t;

	ledger_totals(rig.store->reader, &t);
	return t.entries;
}

static bool
is_accepted(const char *id)
{
	struct ledger_bundle b;

	return ledger_bundle(rig.store->reader, id, &b);
}

/* The good way still goes: nothing that was said broke it. */
static void
still_works(const char *id)
{
	rig_submit(id, payload, 1);
	rig_expect(201, ERR_OK);
	rig_restart(); /* and stands on the disk */
	rig_ask_mailbox(ASK_BUNDLE, "csc", "", id);
	rig_expect(200, ERR_OK);
}

/* --- front --- */

static void
no_slot_came(const char *after)
{
	if (rig_body_has(slots) || rig_body_has(slots_b64))
		fail_msg("%s: the slot was given out", after);
}

/* Every question, as every agency. */
static void
ask_everything(void)
{
	static const char *const agencies[] = {"uhcw", "csc", "schools", "gateway", "", "*"};
	static const char *const mailboxes[] = {"uhcw/emergency", "uhcw/paediatrics", "csc/mash",
						""};

	for (uint32_t what = 0; what < ASKS + 2; what++)
		for (size_t a = 0; a < sizeof agencies / sizeof *agencies; a++)
			for (size_t m = 0; m < sizeof mailboxes / sizeof *mailboxes; m++)
				for (uint64_t n = 0; n < 6; n++) {
					struct msg_ask q = rig_question(what, agencies[a]);

					strcpy(q.mailbox, mailboxes[m]);
					strcpy(q.id, RIG_ID);
					q.number = n;
					rig_reply_clear();
					chan_send(rig.front, MSG_ASK, &q, -1);
					rig_turns(6);
					no_slot_came("a question");
				}
	rig_settle();
}

static void
statement(const char *agency, const char *mailbox, const char *id, const char *bytes)
{
	struct msg_statement m = {.job = ++rig.job};

	strcpy(m.agency, agency);
	strcpy(m.mailbox, mailbox);
	strcpy(m.id, id);
	rig_reply_clear();
	chan_send(rig.front, MSG_STATEMENT, &m, role_memfd("s", bytes, strlen(bytes)));
	rig_settle();
}

static void
collected(const char *mailbox)
{
	struct msg_facts_statement *f = &rig.statement;
	struct ledger_bundle b = {0};

	ledger_bundle(rig.store->reader, RIG_ID, &b);
	*f = (struct msg_facts_statement){.kind = STATEMENT_COLLECTED, .at_ms = time_now_ms()};
	strcpy(f->bundle, RIG_ID);
	strcpy(f->mailbox, mailbox);
	strcpy(f->code, "ok");
	memcpy(f->manifest_sha256, b.manifest_sha256, DIGEST_BYTES);
	rig.signer = (struct fact_signer){
	    .by = "agency/uhcw", .agency = "uhcw", .profile = PROFILE_AGENCY_SIGN};
	f->signers = (struct list){&rig.signer, 1};
}

/* Signed by none, by another agency, for another mailbox or bundle: what verify finds is the truth
 * here, what front says is not. Then with a signature of the recipient, that front cannot make. */
static void
front_cannot_release_a_slot(void **state)
{
	static const char shs[] = "SHS1\1\1\1\1\1\1\1\1"; /* any bytes: verify judges them */
	struct ledger_entry seen;
	int64_t before;

	rig_submit(RIG_ID, payload, 1);
	before = entries();
	ask_everything();
	err_set(&rig.refusal, ERR_SIGNATURE, "signer: bad signature");
	collected("uhcw/emergency");
	statement("uhcw", "uhcw/emergency", RIG_ID, shs);
	rig_expect((unsigned)err_http(ERR_SIGNATURE), ERR_SIGNATURE);
	no_slot_came("no signature");
	rig.refusal.code = ERR_OK;
	strcpy(rig.signer.agency, "csc");
	statement("uhcw", "uhcw/emergency", RIG_ID, shs);
	no_slot_came("the sender's own signature");
	statement("csc", "uhcw/emergency", RIG_ID, shs);
	no_slot_came("the sender's own signature, as the sender");
	strcpy(rig.signer.agency, "uhcw");
	statement("uhcw", "uhcw/paediatrics", RIG_ID, shs);
	no_slot_came("another mailbox");
	statement("uhcw", "uhcw/emergency", RIG_ID2, shs);
	no_slot_came("another bundle");
	rig.signer.profile = PROFILE_AGENCY_TLS;
	statement("uhcw", "uhcw/emergency", RIG_ID, shs);
	no_slot_came("the key of the connection");
	assert_int_equal(entries(), before + 1); /* what it fetched it did not fetch unseen */
	assert_true(ledger_entry(rig.store->reader, before, &seen));
	assert_int_equal(seen.event, EVENT_FETCHED);
	still_works(RIG_ID2);
}

/* It holds the staging's descriptor and says what was written: the signed digest decides. */
static void
front_cannot_finish_another_payload(void **state)
{
	struct buf head = {0};
	struct msg_end m;

	for (int i = 0; i < 3; i++) {
		rig_bundle(&head, RIG_ID, payload, 1);
		rig_begin(&head, RIG_ID, strlen(payload));
		rig_write(payload, 0, strlen(payload));
		m = (struct msg_end){.job = rig.job, .length = strlen(payload) + (i == 1)};
		digest_of(payload, strlen(payload) - (i == 0), m.digest);
		if (i == 2)
			memset(m.digest, 0, sizeof m.digest);
		rig_reply_clear();
		chan_send(rig.front, MSG_END, &m, -1);
		rig_settle();
		rig_expect((unsigned)err_http(ERR_DIGEST), ERR_DIGEST);
		assert_false(is_accepted(RIG_ID));
	}
	buf_free(&head);
	still_works(RIG_ID2);
}

/* Messages of a job in every state but theirs: before BEGIN, while it is checked, after the end. */
static void
say_of_job(uint64_t job)
{
	struct msg_end end = {.job = job};
	struct msg_cut cut = {.job = job, .received = UINT64_MAX};
	struct msg_job cancel = {.job = job};

	chan_send(rig.front, MSG_END, &end, -1);
	chan_send(rig.front, MSG_CUT, &cut, -1);
	chan_send(rig.front, MSG_CANCEL, &cancel, -1);
	rig_settle();
}

static void
front_out_of_turn(void **state)
{
	struct buf head = {0};
	struct msg_begin m;

	say_of_job(1);
	rig_bundle(&head, RIG_ID, payload, 1);
	m = (struct msg_begin){.job = ++rig.job, .head_bytes = head.len};
	m.payload_bytes = strlen(payload);
	strcpy(m.agency, "csc");
	strcpy(m.id, RIG_ID);
	for (int i = 0; i < 3; i++) /* the same job three times at once */
		chan_send(rig.front, MSG_BEGIN, &m, role_memfd("h", head.data, head.len));
	say_of_job(rig.job);
	say_of_job(rig.job);
	assert_false(is_accepted(RIG_ID));
	m.head_bytes = UINT64_MAX;
	chan_send(rig.front, MSG_BEGIN, &m, role_memfd("h", head.data, head.len));
	m.payload_bytes = UINT64_MAX;
	m.head_bytes = head.len;
	chan_send(rig.front, MSG_BEGIN, &m, role_memfd("h", head.data, head.len));
	strcpy(m.id, "../../etc/passwd");
	m.payload_bytes = 1;
	chan_send(rig.front, MSG_BEGIN, &m, role_memfd("h", head.data, head.len));
	rig_settle();
	assert_false(is_accepted(RIG_ID));
	buf_free(&head);
	still_works(RIG_ID2);
}

/* --- verify --- */

static void
say_other_agency(void)
{
	strcpy(rig.head.from, "uhcw/emergency");
}

static void
say_other_signer(void)
{
	strcpy(rig.signers[0].agency, "uhcw");
}

static void
say_both(void)
{
	say_other_agency();
	say_other_signer();
}

static void
say_nobody(void)
{
	rig.head.signers.n = 0;
}

static void
say_other_bundle(void)
{
	strcpy(rig.head.id, RIG_ID2);
}

static void
say_other_manifest(void)
{
	rig.head.manifest_sha256[31] ^= 1;
}

static void
say_longer_manifest(void)
{
	rig.head.manifest_bytes = UINT64_MAX;
}

static void
say_fewer_recipients(void)
{
	rig.head.to.n--;
}

static void
say_longer_payload(void)
{
	rig.head.payload_bytes++;
}

/* csc is at the connection; whatever verify says of the head, it is no bundle of uhcw's, and none
 * of csc's with another manifest than the one that came. */
static void
verify_cannot_accept_for_another_agency(void **state)
{
	static void (*const lies[])(void) = {
	    say_other_agency,	 say_other_signer,     say_both,
	    say_nobody,		 say_other_bundle,     say_other_manifest,
	    say_longer_manifest, say_fewer_recipients, say_longer_payload};

	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		struct buf head = {0};

		rig_bundle(&head, RIG_ID, payload, 2);
		lies[i]();
		rig_begin(&head, RIG_ID, strlen(payload));
		if (rig.reply.kind != MSG_REPLY || rig.reply.status < 400)
			fail_msg("lie %zu: kind %d, status %u", i, rig.reply.kind,
				 rig.reply.status);
		assert_false(is_accepted(RIG_ID));
		assert_false(is_accepted(RIG_ID2));
		buf_free(&head);
	}
	still_works(RIG_ID2);
}

/* Answers that nobody asked for, of every kind, for jobs that are and are not. */
static void
verify_unasked(void **state)
{
	struct fact_certificate c = {.not_after_ms = TIME_MAX_MS};
	struct msg_roster_row row = {.certificates = {&c, 1}, .mailbox = "csc/mash"};
	struct msg_roster_end end = {.serial = 99, .rows = 1};
	struct buf head = {0};
	int64_t before = entries();

	rig_bundle(&head, RIG_ID, payload, 1);
	for (uint64_t job = 0; job < 5; job++) {
		rig.head.job = rig.statement.job = rig.route.job = row.job = end.job = job;
		chan_send(rig.verify, MSG_FACTS_HEAD, &rig.head, -1);
		chan_send(rig.verify, MSG_FACTS_STATEMENT, &rig.statement, -1);
		chan_send(rig.verify, MSG_FACTS_ROUTE, &rig.route, -1);
		chan_send(rig.verify, MSG_ROSTER_ROW, &row, -1);
		chan_send(rig.verify, MSG_ROSTER_END, &end, -1);
		for (uint32_t code = 0; code < ERR_CODES + 3; code++) {
			struct msg_refused no = {.job = job, .code = code};

			chan_send(rig.verify, MSG_REFUSED, &no, -1);
		}
		rig_settle();
	}
	assert_int_equal(entries(), before);
	assert_false(is_accepted(RIG_ID));
	buf_free(&head);
	still_works(RIG_ID2);
}

/* A statement that verify calls signed is recorded with the digest of the bytes that came. */
static void
verify_cannot_name_other_bytes(void **state)
{
	static const char file[] = "SHS1\0\0\0\7\0\0\0\3contentsig";
	struct msg_statement m = {.job = 1000};
	uint8_t digest[DIGEST_BYTES];
	struct buf line = {0}, hex = {0};

	rig_submit(RIG_ID, payload, 1);
	collected("uhcw/emergency");
	memset(rig.statement.statement_sha256, 0xee, DIGEST_BYTES);
	strcpy(m.agency, "uhcw");
	strcpy(m.mailbox, "uhcw/emergency");
	strcpy(m.id, RIG_ID);
	chan_send(rig.front, MSG_STATEMENT, &m, role_memfd("s", file, sizeof file - 1));
	rig_settle();
	rig_expect(201, ERR_OK);
	ledger_line(rig.store->reader, entries() - 1, &line);
	digest_of("content", 7, digest);
	buf_json_hex(&hex, "statement_sha256", digest, sizeof digest);
	if (strstr(buf_str(&line), buf_str(&hex) + (buf_str(&hex)[0] == ',')) == NULL)
		fail_msg("%s: not %s", buf_str(&line), buf_str(&hex));
	buf_free(&line);
	buf_free(&hex);
}

/* --- courier --- */

static void
on_stamp(void *ctx, struct chan *ch, const void *msg, int fd)
{
}

static struct chan *
courier_join(struct chan **stores)
{
	static const struct chan_handler takes[] = {{MSG_STAMP, on_stamp}, {0, NULL}};
	int fds[2];

	chan_pair(fds);
	*stores = chan_new(rig.env.base, fds[0], ROLE_STORE, ROLE_COURIER, 0, store_role.handlers,
			   rig_gone, &rig.env);
	store_role.peer(&rig.env, *stores);
	return chan_new(rig.env.base, fds[1], ROLE_COURIER, ROLE_STORE, 0, takes, rig_gone, NULL);
}

static void
courier_stamps_only_what_was_asked(void **state)
{
	static const char with_tsa[] = "[tsa \"known\"]\nurl = http://127.0.0.1/\nroot = x\n";
	struct chan *courier, *stores;
	struct buf conf = {0};
	struct ledger_checkpoint last;

	buf_adds(&conf, rig_conf_text);
	buf_adds(&conf, with_tsa);
	rig_kill();
	rig_start(buf_str(&conf));
	courier = courier_join(&stores);
	rig_submit(RIG_ID, payload, 1);
	assert_true(ledger_last_checkpoint(rig.store->reader, &last, NULL, NULL));
	for (int i = 0; i < 5; i++) {
		struct msg_stamped m = {.size = last.size, .tsa = "known"};

		m.token = (struct blob){(const uint8_t *)"token", 5};
		if (i == 0)
			m.tsa[0] = '\0';
		else if (i == 1)
			strcpy(m.tsa, "unknown");
		else if (i == 2)
			m.token.n = 0;
		else if (i == 3)
			m.size = last.size + 1000;
		else
			m.size = UINT64_MAX;
		chan_send(courier, MSG_STAMPED, &m, -1);
		rig_settle();
	}
	rig_submit(RIG_ID2, payload, 1);
	rig_expect(201, ERR_OK);
	chan_free(courier);
	chan_free(stores);
	buf_free(&conf);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {T(front_cannot_release_a_slot),
					   T(front_cannot_finish_another_payload),
					   T(front_out_of_turn),
					   T(verify_cannot_accept_for_another_agency),
					   T(verify_unasked),
					   T(verify_cannot_name_other_bytes),
					   T(courier_stamps_only_what_was_asked)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
