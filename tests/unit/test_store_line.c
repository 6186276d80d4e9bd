/* The straight line through the real store: bundles, statements, feeds, evidence, restarts; front,
 * verify and notary are the test's. Numbers in [brackets] are the facts of safehand-store(8). */
#include "store_rig.h"

#include <sys/wait.h>

#include "store/control.h"

static const char payload[] = "the payload, sealed";
static const char hex_of_3[] = "0303030303030303030303030303030303030303030303030303030303030303";

/* A payload that goes to a file of its own. */
static char *
large_payload(void)
{
	char *p = mem_alloc(100001);

	memset(p, 'L', 100000);
	return p;
}

static int64_t
evidence_seq(void)
{
	struct ledger_totals t;

	ledger_totals(rig.store->reader, &t);
	return t.entries - 1;
}

/* --- bundles --- */

static void
bundle_is_accepted(void **state)
{
	struct ledger_bundle b;
	struct ledger_entry e;

	rig_submit(RIG_ID, payload, 2);
	rig_expect(201, ERR_OK);
	assert_true(rig_body_has("\"safehand_evidence\":1"));
	assert_true(rig_body_has("c2sp.org/tlog-proof@v1"));
	assert_true(rig_body_has("\"manifest\":"));
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_int_equal(b.place.segment, 1);
	assert_true(
	    ledger_find_entry(rig.store->reader, b.n, "", EVENT_SUBMISSION_ACCEPTANCE, 0, &e));
	assert_true(ledger_find_entry(rig.store->reader, b.n, "uhcw/paediatrics",
				      EVENT_CONTENT_CONSIGNMENT, 0, &e));
	assert_int_equal(e.seq, evidence_seq());
	is_sound();
}

static void
large_is_accepted(void **state)
{
	char *large = large_payload();
	struct ledger_bundle b;

	rig_submit(RIG_ID, large, 1);
	rig_expect(201, ERR_OK);
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_int_equal(b.place.segment, 0);
	is_sound();
	rig_restart();
	is_sound();
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/emergency", RIG_ID);
	assert_int_equal(rig.reply.kind, MSG_BODY);
	assert_int_equal(rig.reply.body.len, 24 + 40 + 30 + 100000);
	free(large);
}

/* [3] Nothing leaves before the seal and the commit. */
static void
nothing_before_the_seal(void **state)
{
	struct ledger_bundle b;
	unsigned before = rig.replies;

	rig.hold = true;
	rig_submit(RIG_ID, payload, 1);
	assert_int_equal(rig.replies, before + 1); /* UPLOAD only */
	assert_int_equal(rig.reply.kind, 0);
	assert_false(ledger_bundle(rig.store->reader, RIG_ID, &b));
	rig_ask_mailbox(ASK_FEED, "uhcw", "uhcw/emergency", "");
	assert_true(rig_body_has("\"items\":[]"));
	rig_reply_clear();
	rig.hold = false;
	rig_seal();
	rig_settle();
	rig_expect(201, ERR_OK);
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
}

/* Killed between the bytes' sync and the commit: as if it had never come; then it comes. */
static void
killed_before_the_commit(void **state)
{
	struct ledger_bundle b;
	char *large = large_payload();
	uint64_t sealed = rig.sealed_size;

	rig.hold = true;
	rig_submit(RIG_ID, payload, 1);
	rig_kill();
	rig.hold = false;
	rig_start(rig_conf_text);
	assert_false(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_true(rig.sealed_size > sealed); /* the entry of the start */
	is_sound();
	rig_submit(RIG_ID, payload, 1);
	rig_expect(201, ERR_OK);
	is_sound();
	rig.hold = true;
	rig_submit(RIG_ID2, large, 1);
	rig_kill();
	rig.hold = false;
	rig_start(rig_conf_text);
	assert_false(ledger_bundle(rig.store->reader, RIG_ID2, &b));
	is_sound();
	rig_submit(RIG_ID2, large, 1);
	rig_expect(201, ERR_OK);
	is_sound();
	free(large);
}

/* [4] */
static void
repeat_gets_the_first_answer(void **state)
{
	struct buf head = {0}, first = {0};

	rig_submit(RIG_ID, payload, 2);
	buf_add(&first, rig.reply.body.data, rig.reply.body.len);
	rig_bundle(&head, RIG_ID, payload, 2);
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_expect(200, ERR_OK);
	assert_string_equal(buf_str(&rig.reply.body), buf_str(&first));
	rig_restart();
	rig_submit(RIG_ID2, payload, 1); /* the tree has grown */
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_expect(200, ERR_OK);
	assert_string_equal(buf_str(&rig.reply.body), buf_str(&first));
	head.data[30] ^= 1;
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_expect(409, ERR_CONFLICT);
	buf_clear(&head);
	rig_bundle(&head, RIG_ID, payload, 2);
	rig_begin_as(&head, RIG_ID, strlen(payload), "uhcw");
	rig_expect(403, ERR_DENIED); /* not its own: as if it were new */
	buf_free(&head);
	buf_free(&first);
}

static void
payload_must_be_the_signed_one(void **state)
{
	struct buf head = {0};
	struct msg_ask ask;

	rig_bundle(&head, RIG_ID, payload, 1);
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_write("the payload, altere", 0, strlen(payload));
	rig_send_end("the payload, altere");
	rig_expect(422, ERR_DIGEST);
	ask = rig_question(ASK_UPLOAD, "csc");
	strcpy(ask.id, RIG_ID);
	rig_ask(&ask);
	rig_expect(404, ERR_UNKNOWN); /* going on with it would end there again */
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_write(payload, 0, strlen(payload) - 1); /* short on the disk, whatever front says */
	rig_send_end(payload);
	rig_expect(422, ERR_DIGEST);
	rig_submit(RIG_ID, payload, 1);
	rig_expect(201, ERR_OK);
	is_sound();
	buf_free(&head);
}

static void
verify_refuses(void **state)
{
	struct buf head = {0};
	struct ledger_entry e;

	rig_bundle(&head, RIG_ID, payload, 1);
	err_set(&rig.refusal, ERR_REVOKED, "signer: revoked");
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_expect(422, ERR_REVOKED);
	assert_string_equal(rig.reply.detail, "signer: revoked");
	assert_true(ledger_entry(rig.store->reader, evidence_seq(), &e));
	assert_int_equal(e.event, EVENT_SUBMISSION_REJECTION);
	assert_string_equal(e.code, "revoked");
	rig.refusal.code = ERR_OK;
	rig_begin(&head, RIG_ID, strlen(payload));
	assert_int_equal(rig.reply.kind, MSG_UPLOAD);
	buf_free(&head);
}

/* One sender that errs does not fill the log. */
static void
refusals_are_bounded(void **state)
{
	struct buf head = {0};
	int64_t before = evidence_seq();

	rig_bundle(&head, RIG_ID, payload, 1);
	err_set(&rig.refusal, ERR_SIGNATURE, "no");
	for (int i = 0; i < 70; i++)
		rig_begin_as(&head, RIG_ID, strlen(payload), "schools");
	assert_in_range(evidence_seq() - before, 30, 60); /* a minute may have ended meanwhile */
	buf_free(&head);
}

static void
no_room(void **state)
{
	struct buf head = {0};
	uint64_t most = 8 * MIB;

	rig_bundle(&head, RIG_ID, payload, 1);
	rig_begin(&head, RIG_ID, most);
	rig_expect(503, ERR_STORAGE);
	assert_in_range(rig.reply.retry_after, 1, 3600);
	for (unsigned i = 10; i < 14; i++) { /* four unfinished uploads, the limit */
		char id[UUID_TEXT];

		snprintf(id, sizeof id, "019ab000-0000-7000-8000-0000000000%02u", i);
		rig_bundle(&head, id, payload, 1);
		rig_begin(&head, id, strlen(payload));
		assert_int_equal(rig.reply.kind, MSG_UPLOAD);
	}
	rig_bundle(&head, RIG_ID, payload, 1);
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_expect(503, ERR_BUSY);
	rig_bundle(&head, "019ab000-0000-7000-8000-000000000010", payload, 1);
	rig_begin(&head, "019ab000-0000-7000-8000-000000000010", strlen(payload));
	rig_expect(503, ERR_BUSY); /* another connection is sending it */
	buf_free(&head);
}

/* [10] */
static void
low_disk(void **state)
{
	static const char tight[] =
	    "[gateway]\nlisten = 127.0.0.1:0\n[trust]\nroot = r\nissuing = i\ncrl = c\nroster = s\n"
	    "[front]\ncertificate = f\nkey = k\n[notary]\norigin = o\nlog-key = l\ntsa-key = t\n"
	    "tsa-certificate = u\n[store]\ndisk-reserve = 1000T\n"
	    "[class \"general\"]\nfrom = csc/*\nto = */*\n";
	struct buf head = {0};

	rig_kill();
	rig_start(tight);
	rig_bundle(&head, RIG_ID, payload, 1);
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_expect(503, ERR_STORAGE);
	assert_in_range(rig.reply.retry_after, 1, 3600);
	buf_free(&head);
}

/* --- resume --- */

static void
ask_upload(const char *agency, const char *id)
{
	struct msg_ask ask = rig_question(ASK_UPLOAD, agency);

	strcpy(ask.id, id);
	rig_ask(&ask);
}

static void
resume(const char *agency, const char *id, uint64_t offset)
{
	struct msg_resume m = {.job = ++rig.job, .offset = offset};

	strcpy(m.agency, agency);
	strcpy(m.id, id);
	rig_reply_clear();
	chan_send(rig.front, MSG_RESUME, &m, -1);
	rig_settle();
}

static void
cut(void)
{
	struct msg_cut m = {.job = rig.job};

	chan_send(rig.front, MSG_CUT, &m, -1);
	rig_settle();
}

static void
resumed(size_t size, bool restart)
{
	char *p = mem_alloc(size + 1);
	struct buf head = {0};
	size_t head_bytes, half = size / 2;

	memset(p, 'R', size);
	rig_bundle(&head, RIG_ID, p, 1);
	head_bytes = head.len;
	rig_begin(&head, RIG_ID, size);
	rig_write(p, 0, half);
	cut();
	if (restart)
		rig_restart();
	ask_upload("csc", RIG_ID);
	rig_expect(204, ERR_OK);
	assert_int_equal(rig.reply.upload_offset, head_bytes + half);
	assert_int_equal(rig.reply.upload_complete, 0);
	ask_upload("uhcw", RIG_ID);
	rig_expect(404, ERR_UNKNOWN);
	resume("uhcw", RIG_ID, head_bytes + half);
	rig_expect(404, ERR_UNKNOWN);
	resume("csc", RIG_ID, head_bytes + half - 1);
	rig_expect(409, ERR_ORDER);
	resume("csc", RIG_ID, head_bytes + half);
	assert_int_equal(rig.reply.kind, MSG_UPLOAD);
	assert_int_equal(rig.reply.upload.received, half);
	resume("csc", RIG_ID, head_bytes + half); /* while the first is at it */
	rig_expect(503, ERR_BUSY);
	rig.job--;
	cut();
	resume("csc", RIG_ID, head_bytes + half);
	rig_write(p, half, size - half);
	rig_send_end(p);
	rig_expect(201, ERR_OK);
	ask_upload("csc", RIG_ID);
	assert_int_equal(rig.reply.upload_offset, head_bytes + size);
	assert_int_equal(rig.reply.upload_complete, 1);
	resume("csc", RIG_ID, 5); /* the 201 was lost */
	rig_expect(200, ERR_OK);
	is_sound();
	buf_free(&head);
	free(p);
}

static void
resume_small(void **state)
{
	resumed(1000, false);
}

static void
resume_large(void **state)
{
	resumed(100000, false);
}

static void
resume_after_restart(void **state)
{
	resumed(100000, true);
}

static void
unknown_upload(void **state)
{
	ask_upload("csc", RIG_ID);
	rig_expect(404, ERR_UNKNOWN);
	resume("csc", RIG_ID, 0);
	rig_expect(404, ERR_UNKNOWN);
}

/* A whole PUT after a cut one starts at its first byte again. */
static void
begun_again(void **state)
{
	struct buf head = {0};

	rig_bundle(&head, RIG_ID, payload, 1);
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_write(payload, 0, 5);
	cut();
	rig_begin(&head, RIG_ID, strlen(payload));
	assert_int_equal(rig.reply.upload.received, 0);
	rig_write(payload, 0, strlen(payload));
	rig_send_end(payload);
	rig_expect(201, ERR_OK);
	buf_free(&head);
}

/* The client left while its bundle was committed: it is there, and a repeat tells so. */
static void
left_while_committing(void **state)
{
	struct buf head = {0};
	struct ledger_bundle b;

	rig.hold = true;
	rig_submit(RIG_ID, payload, 1);
	cut();
	rig.hold = false;
	rig_seal();
	rig_settle();
	assert_int_equal(rig.reply.kind, 0);
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	rig_bundle(&head, RIG_ID, payload, 1);
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_expect(200, ERR_OK);
	buf_free(&head);
}

/* A front that breaks the order of its messages harms nobody. */
static void
front_out_of_order(void **state)
{
	struct msg_end end = {.job = 77};
	struct msg_cut no = {.job = 78};

	chan_send(rig.front, MSG_END, &end, -1);
	chan_send(rig.front, MSG_CUT, &no, -1);
	rig_settle();
	rig_submit(RIG_ID, payload, 1);
	rig_expect(201, ERR_OK);
	rig_send_end(payload); /* a second time */
	assert_int_equal(rig.reply.kind, 0);
	is_sound();
}

/* --- statements --- */

static void
state_what(enum statement_kind kind, const char *code, const char *mailbox, char at)
{
	struct msg_facts_statement *f = &rig.statement;
	bool person = kind == STATEMENT_READ || kind == STATEMENT_ANSWERED;
	struct msg_statement m = {.job = ++rig.job};
	struct ledger_bundle b = {0};
	struct buf body = {0};

	ledger_bundle(rig.store->reader, RIG_ID, &b);
	*f = (struct msg_facts_statement){.kind = kind, .at_ms = time_now_ms()};
	strcpy(f->bundle, RIG_ID);
	strcpy(f->mailbox, mailbox);
	strcpy(f->code, code);
	memcpy(f->manifest_sha256, b.manifest_sha256, DIGEST_BYTES);
	rig.signer = (struct fact_signer){.by = "person/uhcw/j.patel", .agency = "uhcw"};
	rig.signer.profile = person ? PROFILE_PERSON_SIGN : PROFILE_AGENCY_SIGN;
	f->signers = (struct list){&rig.signer, 1};
	strcpy(m.agency, "uhcw");
	strcpy(m.mailbox, mailbox);
	strcpy(m.id, RIG_ID);
	buf_adds(&body, "SHS1");
	buf_be32(&body, 10);
	buf_be32(&body, 3);
	buf_addf(&body, "content %u%csig", (unsigned)kind, at);
	rig_reply_clear();
	chan_send(rig.front, MSG_STATEMENT, &m, role_memfd("s", body.data, body.len));
	buf_free(&body);
}

static void
state(enum statement_kind kind, const char *code)
{
	state_what(kind, code, "uhcw/emergency", 'a');
	rig_settle();
}

static void
whole_life(void **unused)
{
	static const char slot[] = "\"slot\":\"QUFBQUFB"; /* the first recipient's is of 'A' */

	rig_submit(RIG_ID, payload, 2);
	state(STATEMENT_COLLECTED, "ok");
	rig_expect(201, ERR_OK);
	assert_true(rig_body_has(slot));
	assert_true(rig_body_has("\"statement\":"));
	state(STATEMENT_OPENED, "ok");
	rig_expect(201, ERR_OK);
	assert_false(rig_body_has("\"slot\":"));
	state(STATEMENT_READ, "ok");
	rig_expect(201, ERR_OK);
	state(STATEMENT_ANSWERED, "accepted");
	rig_expect(201, ERR_OK);
	state(STATEMENT_ANSWERED, "done:1");
	rig_expect(201, ERR_OK);
	rig_ask_mailbox(ASK_BUNDLE, "csc", "", RIG_ID);
	rig_expect(200, ERR_OK);
	assert_true(rig_body_has("\"state\":\"answered\""));
	assert_true(rig_body_has("\"state\":\"waiting\"")); /* the other one */
	assert_true(rig_body_has("\"event\":\"Read\""));
	assert_true(rig_body_has("\"code\":\"done:1\""));
	is_sound();
}

/* [5] Each once: the same again is answered as the first time, other bytes are refused. */
static void
statement_twice(void **unused)
{
	struct buf first = {0};
	int64_t entries;

	rig_submit(RIG_ID, payload, 1);
	state(STATEMENT_COLLECTED, "ok");
	buf_add(&first, rig.reply.body.data, rig.reply.body.len);
	entries = evidence_seq();
	state(STATEMENT_COLLECTED, "ok");
	rig_expect(200, ERR_OK);
	assert_string_equal(buf_str(&rig.reply.body), buf_str(&first));
	state_what(STATEMENT_COLLECTED, "ok", "uhcw/emergency", 'b'); /* lost what it had */
	rig_settle();
	rig_expect(200, ERR_OK);
	assert_string_equal(buf_str(&rig.reply.body), buf_str(&first));
	state(STATEMENT_OPENED, "ok");
	rig_expect(201, ERR_OK);
	state(STATEMENT_OPENED, "ok");
	rig_expect(200, ERR_OK);
	state_what(STATEMENT_OPENED, "ok", "uhcw/emergency", 'b');
	rig_settle();
	rig_expect(409, ERR_REPEATED);
	assert_int_equal(evidence_seq(), entries + 1);
	buf_free(&first);
}

/* Two machines of one mailbox at the same time: one receipt, two keys. */
static void
two_machines_at_once(void **unused)
{
	int64_t before;

	rig_submit(RIG_ID, payload, 1);
	before = evidence_seq();
	state_what(STATEMENT_COLLECTED, "ok", "uhcw/emergency", 'a');
	state_what(STATEMENT_COLLECTED, "ok", "uhcw/emergency", 'b');
	rig_settle();
	assert_int_equal(evidence_seq(), before + 1);
	assert_true(rig_body_has("\"slot\":"));
	is_sound();
}

static void
out_of_order(void **unused)
{
	rig_submit(RIG_ID, payload, 1);
	state(STATEMENT_OPENED, "ok");
	rig_expect(409, ERR_ORDER);
	state(STATEMENT_READ, "ok");
	rig_expect(409, ERR_ORDER);
	state(STATEMENT_ANSWERED, "accepted");
	rig_expect(409, ERR_ORDER);
	state(STATEMENT_COLLECTED, "ok");
	rig_expect(201, ERR_OK);
	state(STATEMENT_READ, "ok");
	rig_expect(409, ERR_ORDER);
	state(STATEMENT_OPENED, "digest");
	rig_expect(201, ERR_OK); /* could not be opened; later it can */
	state(STATEMENT_OPENED, "ok");
	rig_expect(201, ERR_OK);
	rig_ask_mailbox(ASK_BUNDLE, "csc", "", RIG_ID);
	assert_true(rig_body_has("OpenFailure"));
}

static void
send_as(void (*spoil)(void))
{
	state_what(STATEMENT_COLLECTED, "ok", "uhcw/emergency", 'a');
	spoil();
	rig_settle();
}

static void
spoil_bundle(void)
{
	strcpy(rig.statement.bundle, RIG_ID2);
}

static void
spoil_mailbox(void)
{
	strcpy(rig.statement.mailbox, "uhcw/paediatrics");
}

static void
spoil_manifest(void)
{
	rig.statement.manifest_sha256[0] ^= 1;
}

static void
spoil_agency(void)
{
	strcpy(rig.signer.agency, "csc");
}

static void
spoil_profile(void)
{
	rig.signer.profile = PROFILE_PERSON_SIGN;
}

static void
spoil_early(void)
{
	rig.statement.at_ms -= 3600 * 1000;
}

static void
spoil_late(void)
{
	rig.statement.at_ms += 3600 * 1000;
}

static void
spoil_signers(void)
{
	rig.statement.signers.n = 0;
}

static void
statement_refusals(void **unused)
{
	static const struct {
		void (*spoil)(void);
		enum err_code code;
	} rows[] = {
	    {spoil_bundle, ERR_DIGEST}, {spoil_mailbox, ERR_DIGEST},  {spoil_manifest, ERR_DIGEST},
	    {spoil_agency, ERR_DENIED}, {spoil_profile, ERR_PROFILE}, {spoil_early, ERR_ORDER},
	    {spoil_late, ERR_CLOCK},	{spoil_signers, ERR_FORMAT},
	};
	int64_t before;

	rig_submit(RIG_ID, payload, 1);
	before = evidence_seq();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		send_as(rows[i].spoil);
		rig_expect((unsigned)err_http(rows[i].code), rows[i].code);
	}
	err_set(&rig.refusal, ERR_EXPIRED, "signer: expired");
	state(STATEMENT_COLLECTED, "ok");
	rig_expect(422, ERR_EXPIRED);
	rig.refusal.code = ERR_OK;
	assert_int_equal(evidence_seq(), before);
	state_what(STATEMENT_COLLECTED, "ok", "uhcw/paediatrics", 'a'); /* not its recipient */
	rig_settle();
	rig_expect(404, ERR_UNKNOWN);
	state_what(STATEMENT_COLLECTED, "ok", "csc/duty", 'a'); /* not its mailbox */
	rig_settle();
	rig_expect(404, ERR_UNKNOWN);
}

static void
cover_is_withheld(void **unused)
{
	struct buf head = {0};

	rig_bundle(&head, RIG_ID, payload, 2);
	rig.to[1].cover = 1;
	strcpy(rig.to[1].covers, "uhcw/emergency");
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_write(payload, 0, strlen(payload));
	rig_send_end(payload);
	rig_expect(201, ERR_OK);
	state_what(STATEMENT_COLLECTED, "ok", "uhcw/paediatrics", 'a');
	rig_settle();
	rig_expect(403, ERR_WITHHELD);
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/paediatrics", RIG_ID);
	rig_expect(403, ERR_WITHHELD);
	rig_ask_mailbox(ASK_FEED, "uhcw", "uhcw/paediatrics", "");
	assert_true(rig_body_has("\"items\":[]")); /* it has not heard of it */
	rig_ask_mailbox(ASK_BUNDLE, "csc", "", RIG_ID);
	assert_true(rig_body_has("\"state\":\"withheld\""));
	is_sound();
	buf_free(&head);
}

/* --- asking --- */

static void
feed_and_fetch(void **unused)
{
	char seq[32];

	rig_submit(RIG_ID, payload, 2);
	rig_ask_mailbox(ASK_FEED, "uhcw", "uhcw/emergency", "");
	rig_expect(200, ERR_OK);
	assert_true(rig_body_has("\"event\":\"ContentConsignment\""));
	assert_true(rig_body_has("\"bundle\":\"" RIG_ID "\""));
	assert_true(rig_body_has("\"state\":\"waiting\""));
	snprintf(seq, sizeof seq, "\"next\":%lld", (long long)evidence_seq() - 1);
	assert_true(rig_body_has(seq));
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/emergency", RIG_ID);
	assert_int_equal(rig.reply.kind, MSG_BODY);
	assert_int_equal(rig.reply.body.len, 24 + 40 + 30 + strlen(payload));
	assert_int_equal(be32_get(rig.reply.body.data + 12), 0); /* no slots */
	assert_memory_equal(rig.reply.body.data + 94, payload, strlen(payload));
	assert_int_equal(strlen(rig.reply.etag), 64);
}

/* A stranger is told the same of what is there as of what is not. */
static void
strangers_learn_nothing(void **unused)
{
	static const struct {
		enum ask what;
		const char *mailbox;
	} rows[] = {
	    {ASK_UPLOAD, ""},
	    {ASK_BUNDLE, ""},
	    {ASK_EVIDENCE, ""},
	    {ASK_EVIDENCE_FILE, ""},
	    {ASK_FEED, "uhcw/emergency"},
	    {ASK_FETCH, "uhcw/emergency"},
	    {ASK_FETCH, "schools/st-j.dsl"},
	    {ASK_SUBSCRIPTIONS, "uhcw/emergency"},
	    {ASK_SUBSCRIBE, "uhcw/emergency"},
	    {ASK_UNSUBSCRIBE, "uhcw/emergency"},
	};

	rig_submit(RIG_ID, payload, 2);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig_reply known;
		struct msg_ask m = rig_question(rows[i].what, "schools");

		strcpy(m.mailbox, rows[i].mailbox);
		strcpy(m.id, RIG_ID);
		m.number = (uint64_t)evidence_seq();
		rig_ask(&m);
		rig_expect(404, ERR_UNKNOWN);
		known = rig.reply;
		m.job = known.job;
		strcpy(m.id, RIG_ID2);
		strcpy(m.mailbox, rows[i].mailbox[0] == '\0' ? "" : "uhcw/nobody");
		rig_ask(&m);
		rig_expect(404, ERR_UNKNOWN);
		assert_string_equal(known.detail, rig.reply.detail);
		assert_int_equal(known.retry_after, rig.reply.retry_after);
		assert_int_equal(known.upload_offset, rig.reply.upload_offset);
		assert_string_equal(known.etag, rig.reply.etag);
	}
	rig_ask_mailbox(ASK_BUNDLE, "uhcw", "", RIG_ID); /* a recipient is not its sender */
	rig_expect(404, ERR_UNKNOWN);
}

static void
evidence_for_whom_it_concerns(void **unused)
{
	struct msg_ask m;
	int64_t acceptance;

	rig_submit(RIG_ID, payload, 3); /* emergency, paediatrics, csc/duty */
	acceptance = evidence_seq() - 3;
	rig_ask_mailbox(ASK_EVIDENCE, "csc", "", RIG_ID);
	assert_true(rig_body_has("uhcw/emergency"));
	assert_true(rig_body_has("SubmissionAcceptance"));
	rig_ask_mailbox(ASK_EVIDENCE, "uhcw", "", RIG_ID);
	assert_true(rig_body_has("uhcw/emergency"));
	assert_false(rig_body_has("csc/duty"));
	for (int64_t k = 0; k < 4; k++) {
		m = rig_question(ASK_EVIDENCE_FILE, "uhcw");
		strcpy(m.id, RIG_ID);
		m.number = (uint64_t)(acceptance + k);
		rig_ask(&m);
		if (k < 3)
			rig_expect(200, ERR_OK);
		else
			rig_expect(404, ERR_UNKNOWN); /* of csc/duty */
	}
	m = rig_question(ASK_EVIDENCE_FILE, "csc");
	strcpy(m.id, RIG_ID2); /* of another bundle */
	m.number = (uint64_t)acceptance;
	rig_ask(&m);
	rig_expect(404, ERR_UNKNOWN);
}

static void
long_poll(void **unused)
{
	struct msg_ask m = rig_question(ASK_FEED, "uhcw"), other;
	struct msg_job cancel;
	uint64_t first = m.job;

	strcpy(m.mailbox, "uhcw/emergency");
	m.number2 = 300;
	rig_ask(&m);
	assert_int_equal(rig.reply.kind, 0);
	other = rig_question(ASK_FEED, "uhcw");
	strcpy(other.mailbox, "uhcw/paediatrics");
	other.number2 = 300;
	rig_ask(&other);
	cancel.job = other.job;
	chan_send(rig.front, MSG_CANCEL, &cancel, -1);
	rig.replies = 0;
	rig_submit(RIG_ID, payload, 2);
	assert_int_equal(rig.replies, 3); /* upload, the poll, the acceptance; not who left */
	assert_true(rig.reply.job == first || rig.reply.status == 201);
	m.job = ++rig.job;
	m.number = (uint64_t)evidence_seq();
	m.number2 = 1;
	rig_ask(&m);
	for (int i = 0; i < 300 && rig.reply.kind == 0; i++) {
		usleep(10000);
		rig_turns(1);
	}
	assert_true(rig_body_has("\"items\":[]"));
}

static void
ten_thousand_wait(void **unused)
{
	struct msg_ask m = rig_question(ASK_FEED, "uhcw");

	strcpy(m.mailbox, "uhcw/emergency");
	m.number2 = 300;
	for (int i = 0; i < 10000; i++) {
		m.job = ++rig.job;
		chan_send(rig.front, MSG_ASK, &m, -1);
		if (i % 50 == 0)
			rig_turns(2);
	}
	rig_settle();
	rig.replies = 0;
	rig_submit(RIG_ID, payload, 1);
	rig_turns(1000);
	assert_int_equal(rig.replies, 10002);
}

static void
the_log(void **unused)
{
	struct msg_ask m;
	struct buf first = {0};

	rig_ask_mailbox(ASK_CHECKPOINT, "csc", "", "");
	rig_expect(200, ERR_OK);
	buf_add(&first, rig.reply.body.data, rig.reply.body.len);
	assert_memory_equal(first.data, "test/log\n", 9);
	rig_submit(RIG_ID, payload, 2);
	m = rig_question(ASK_CONSISTENCY, "csc");
	m.number = 2;
	rig_ask(&m);
	rig_expect(200, ERR_OK);
	assert_memory_equal(rig.reply.body.data, "old 2\n", 6);
	assert_true(rig_body_has("\n\ntest/log\n"));
	m.number = 1000;
	rig_ask(&m);
	rig_expect(409, ERR_HISTORY);
	m = rig_question(ASK_TILE, "csc");
	strcpy(m.value, "3");
	rig_ask(&m);
	rig_expect(200, ERR_OK);
	assert_int_equal(rig.reply.body.len, 3 * DIGEST_BYTES);
	strcpy(m.value, "200");
	rig_ask(&m);
	rig_expect(404, ERR_UNKNOWN);
	m.number = 99;
	rig_ask(&m);
	rig_expect(404, ERR_UNKNOWN);
	buf_free(&first);
}

static void
roster_and_crl(void **unused)
{
	rig_ask_mailbox(ASK_ROSTER, "csc", "", "");
	rig_expect(200, ERR_OK);
	assert_string_equal(buf_str(&rig.reply.body), "the roster's bytes");
	assert_int_equal(strlen(rig.reply.etag), 64);
	rig_ask_mailbox(ASK_CRL, "csc", "", "");
	assert_string_equal(buf_str(&rig.reply.body), "the lists");
}

static void
subscribe(enum ask what, const char *kind, const char *value)
{
	struct msg_ask m = rig_question(what, "uhcw");

	strcpy(m.mailbox, "uhcw/paediatrics");
	strcpy(m.kind, kind);
	strcpy(m.value, value);
	rig_ask(&m);
}

#define CHILD "c:abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst"

static void
subscriptions(void **unused)
{
	struct buf head = {0};

	subscribe(ASK_SUBSCRIBE, "class", "general");
	rig_expect(204, ERR_OK);
	subscribe(ASK_SUBSCRIBE, "class", "general");
	rig_expect(204, ERR_OK);
	subscribe(ASK_SUBSCRIBE, "class", "no-such");
	rig_expect(404, ERR_UNKNOWN);
	subscribe(ASK_SUBSCRIBE, "town", "coventry");
	rig_expect(400, ERR_USAGE);
	subscribe(ASK_SUBSCRIBE, "household", CHILD);
	rig_expect(400, ERR_USAGE);
	rig_ask_mailbox(ASK_SUBSCRIPTIONS, "uhcw", "uhcw/paediatrics", "");
	assert_true(rig_body_has("\"kind\":\"class\",\"value\":\"general\""));
	rig_bundle(&head, RIG_ID, payload, 1); /* leaves the subscriber out */
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_expect(409, ERR_ROUTE);
	rig_bundle(&head, RIG_ID, payload, 2);
	rig_begin(&head, RIG_ID, strlen(payload));
	assert_int_equal(rig.reply.kind, MSG_UPLOAD);
	cut();
	subscribe(ASK_UNSUBSCRIBE, "class", "general");
	rig_expect(204, ERR_OK);
	subscribe(ASK_UNSUBSCRIBE, "class", "general");
	rig_expect(404, ERR_UNKNOWN);
	subscribe(ASK_SUBSCRIBE, "child", CHILD);
	rig_bundle(&head, RIG_ID, payload, 1);
	rig_begin(&head, RIG_ID, strlen(payload));
	assert_int_equal(rig.reply.kind, MSG_UPLOAD); /* about another child */
	cut();
	strcpy(rig.about[0].name, CHILD);
	rig.head.about = (struct list){rig.about, 1};
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_expect(409, ERR_ROUTE);
	buf_free(&head);
}

static void
route(void **unused)
{
	struct buf head = {0};

	subscribe(ASK_SUBSCRIBE, "child", CHILD);
	strcpy(rig.route.klass, "general");
	strcpy(rig.route.from, "csc/mash");
	strcpy(rig.route_names[0].name, "uhcw/emergency");
	strcpy(rig.route_names[1].name, CHILD);
	rig.route.to = (struct list){&rig.route_names[0], 1};
	rig_ask_route("csc");
	rig_expect(200, ERR_OK);
	assert_true(rig_body_has("{\"mailbox\":\"uhcw/emergency\",\"as\":\"to\",\"keys\":[\""));
	assert_true(rig_body_has(hex_of_3));
	assert_true(
	    rig_body_has("\"uhcw/paediatrics\",\"as\":\"cover\",\"for\":\"uhcw/emergency\""));
	assert_true(rig_body_has("\"flags\":[]"));
	rig.route.about = (struct list){&rig.route_names[1], 1};
	rig_ask_route("csc");
	assert_true(rig_body_has("\"uhcw/paediatrics\",\"as\":\"to\"")); /* subscribed now */
	/* excluded: in the answer neither as subscriber nor as cover, at the bundle not demanded */
	strcpy(rig.route_names[2].name, "uhcw/paediatrics");
	rig.route.exclude = (struct list){&rig.route_names[2], 1};
	rig_ask_route("csc");
	assert_false(rig_body_has("paediatrics"));
	rig_bundle(&head, RIG_ID, payload, 1);
	strcpy(rig.about[0].name, CHILD);
	rig.head.about = (struct list){rig.about, 1};
	rig_begin(&head, RIG_ID, strlen(payload));
	assert_int_equal(rig.reply.kind, MSG_UPLOAD);
	rig_kill(); /* what was answered is remembered */
	rig_start(rig.conf);
	rig_begin(&head, RIG_ID, strlen(payload));
	assert_int_equal(rig.reply.kind, MSG_UPLOAD);
	rig_ask_route("uhcw");
	rig_expect(403, ERR_DENIED);
	strcpy(rig.route_names[0].name, "uhcw/nobody");
	rig_ask_route("csc");
	rig_expect(404, ERR_UNKNOWN);
	strcpy(rig.route.klass, "minutes");
	strcpy(rig.route_names[0].name, "schools/st-j.dsl");
	rig_ask_route("csc");
	rig_expect(403, ERR_DENIED);
	strcpy(rig.route.klass, "nothing");
	rig_ask_route("csc");
	rig_expect(403, ERR_DENIED);
	buf_free(&head);
}

/* --- what does not go well --- */

static void
damage_bytes(const struct ledger_bundle *b, uint64_t at)
{
	int fd = openat(rig.data_fd, "journal/00000001.seg", O_RDWR);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)(b->place.offset + at)), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)(b->place.offset + at)), 1);
	close(fd);
}

/* [9] The damaged one is told, and stops nothing. */
static void
quarantine(void **unused)
{
	struct ledger_bundle b;

	rig_submit(RIG_ID, payload, 1);
	rig_submit(RIG_ID2, payload, 1);
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	damage_bytes(&b, b.place.length - 1);
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/emergency", RIG_ID);
	rig_expect(500, ERR_SYSTEM);
	assert_true(ledger_is_quarantined(rig.store->reader, b.n));
	state(STATEMENT_COLLECTED, "ok");
	rig_expect(500, ERR_SYSTEM); /* no receipt for what cannot be opened */
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/emergency", RIG_ID2);
	assert_int_equal(rig.reply.kind, MSG_BODY);
	rig_ask_mailbox(ASK_FEED, "uhcw", "uhcw/emergency", "");
	assert_true(rig_body_has(RIG_ID2));
}

/* Damage of the slots shows when the receipt comes: then too there is no receipt. */
static void
damaged_head(void **unused)
{
	struct ledger_bundle b;
	int64_t before;

	rig_submit(RIG_ID, payload, 1);
	before = evidence_seq();
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	damage_bytes(&b, 30);
	state(STATEMENT_COLLECTED, "ok");
	rig_expect(422, ERR_DIGEST);
	rig_settle();
	assert_int_equal(evidence_seq(), before);
	assert_true(ledger_is_quarantined(rig.store->reader, b.n));
}

/* Who signs for other documents than were opened errs himself: the bundle is not damaged. */
static void
other_documents(void **unused)
{
	struct ledger_bundle b;

	rig_submit(RIG_ID, payload, 1);
	state(STATEMENT_COLLECTED, "ok");
	state(STATEMENT_OPENED, "ok");
	state_what(STATEMENT_READ, "ok", "uhcw/emergency", 'a');
	rig.statement.content_sha256[0] ^= 1;
	rig_settle();
	rig_expect(422, ERR_DIGEST);
	rig_settle();
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_false(ledger_is_quarantined(rig.store->reader, b.n));
	is_sound();
}

/* A gateway that has just started knows of no mailbox yet: that is told as such, not as "none". */
static void
before_the_roster(void **unused)
{
	struct members *members = rig.store->members;

	rig_submit(RIG_ID, payload, 1);
	rig.store->members = NULL;
	state(STATEMENT_COLLECTED, "ok");
	rig_expect(503, ERR_BUSY);
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/emergency", RIG_ID);
	rig_expect(503, ERR_BUSY);
	rig_ask_mailbox(ASK_FEED, "uhcw", "uhcw/emergency", "");
	rig_expect(503, ERR_BUSY);
	rig.store->members = members;
	state(STATEMENT_COLLECTED, "ok");
	rig_expect(201, ERR_OK);
}

/* Verify dies with a check: another takes it; a second death refuses it. */
static void
verify_dies(void **unused)
{
	struct buf head = {0};
	struct msg_begin m = {.job = ++rig.job, .agency = "csc", .payload_bytes = strlen(payload)};

	rig_bundle(&head, RIG_ID, payload, 1);
	m.head_bytes = head.len;
	strcpy(m.id, RIG_ID);
	store_role.gone(&rig.env, rig.s_verify);
	rig.s_verify = NULL;
	rig_reply_clear();
	chan_send(rig.front, MSG_BEGIN, &m, role_memfd("head", head.data, head.len));
	rig_settle();
	assert_int_equal(rig.reply.kind, 0); /* waits for a worker */
	chan_free(rig.verify);
	rig.verify = rig_pair(ROLE_VERIFY, &rig.s_verify);
	rig_settle();
	assert_int_equal(rig.reply.kind, MSG_UPLOAD);
	buf_free(&head);
}

/* [6] A notary that refuses a head ends the process. */
static void
notary_refuses(void **unused)
{
	int status = 0;
	pid_t pid;

	rig.refuse_seal = true;
	pid = fork();
	if (pid == 0) {
		rig_submit(RIG_ID, payload, 1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	rig.refuse_seal = false;
}

/* --- roster and policy --- */

static int64_t
count_entries(enum entry_event event)
{
	struct ledger_entry e;
	int64_t n = 0;

	for (int64_t seq = 0; ledger_entry(rig.store->reader, seq, &e); seq++)
		n += e.event == event;
	return n;
}

static void
changes_are_told_once(void **unused)
{
	assert_int_equal(count_entries(EVENT_ROSTER_CHANGE), 1);
	assert_int_equal(count_entries(EVENT_POLICY_CHANGE), 1);
	rig_restart();
	assert_int_equal(count_entries(EVENT_GATEWAY_START), 2);
	assert_int_equal(count_entries(EVENT_ROSTER_CHANGE), 1);
	assert_int_equal(count_entries(EVENT_POLICY_CHANGE), 1);
	rig.roster_serial = 4;
	rig.roster_digest = 9;
	rig_restart();
	assert_int_equal(count_entries(EVENT_ROSTER_CHANGE), 2);
}

static const char policy_days[] =
    "calendar office\nzone UTC\nweek mon-fri\nhours 08:00-17:00\noffset 0\n%send\n";

/* A start with other calendars or other mailboxes is another policy, and a start with the same is
 * none: each change is one entry, whose digest is of the text that a reader makes anew. */
static void
each_part_of_the_policy_is_told(void **unused)
{
	static const char closed[] = "closed 2026-12-25 2026-12-25\n";
	struct buf conf = {0}, text = {0}, told = {0};
	const char *const days[] = {"", closed, closed, closed};
	static const int64_t changes[] = {2, 3, 3, 4};
	char hex[HEX_LEN(DIGEST_BYTES)];
	uint8_t digest[DIGEST_BYTES];

	buf_adds(&conf, rig_conf_text);
	for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
		rig_kill();
		buf_clear(&rig.calendars);
		buf_addf(&rig.calendars, policy_days, days[i]);
		if (i == 3)
			buf_adds(&conf, "[mailbox \"schools/*\"]\ncalendar = office\n");
		rig_start(buf_str(&conf));
		assert_int_equal(count_entries(EVENT_POLICY_CHANGE), changes[i]);
	}
	policy_whole_text(rig.store->policy, &rig.calendars, rig.env.conf, &text);
	digest_of(text.data, text.len, digest);
	hex_encode(hex, digest, sizeof digest);
	assert_true(ledger_value(rig.store->reader, "policy", &told));
	assert_string_equal(buf_str(&told), hex);
	buf_free(&conf);
	buf_free(&text);
	buf_free(&told);
}

static void
reload(void)
{
	struct err e = {0};

	assert_int_equal(store_role.reload(&rig.env, &e), 0);
	rig_settle();
}

static void
old_roster_is_refused(void **unused)
{
	rig.roster_serial = 2; /* older */
	reload();
	assert_int_equal(members_about(rig.store->members)->serial, 3);
	rig.roster_serial = 3;
	rig.roster_digest = 1; /* another of the same serial */
	reload();
	assert_int_equal(members_about(rig.store->members)->content_sha256[0], 0);
	rig.roster_serial = 4;
	reload();
	assert_int_equal(members_about(rig.store->members)->serial, 4);
	assert_int_equal(count_entries(EVENT_ROSTER_CHANGE), 2);
}

/* The same roster, but a certificate was revoked: judged anew. */
static void
revoked_at_reload(void **unused)
{
	struct buf head = {0};

	rig.roster_bad_key = true;
	reload();
	rig_bundle(&head, RIG_ID, payload, 1);
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_expect(422, ERR_REVOKED);
	buf_free(&head);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(bundle_is_accepted),
	    T(large_is_accepted),
	    T(nothing_before_the_seal),
	    T(killed_before_the_commit),
	    T(repeat_gets_the_first_answer),
	    T(payload_must_be_the_signed_one),
	    T(verify_refuses),
	    T(refusals_are_bounded),
	    T(no_room),
	    T(low_disk),
	    T(resume_small),
	    T(resume_large),
	    T(resume_after_restart),
	    T(unknown_upload),
	    T(begun_again),
	    T(left_while_committing),
	    T(front_out_of_order),
	    T(whole_life),
	    T(statement_twice),
	    T(two_machines_at_once),
	    T(out_of_order),
	    T(statement_refusals),
	    T(cover_is_withheld),
	    T(feed_and_fetch),
	    T(strangers_learn_nothing),
	    T(evidence_for_whom_it_concerns),
	    T(long_poll),
	    T(ten_thousand_wait),
	    T(the_log),
	    T(roster_and_crl),
	    T(subscriptions),
	    T(route),
	    T(quarantine),
	    T(damaged_head),
	    T(other_documents),
	    T(before_the_roster),
	    T(verify_dies),
	    T(notary_refuses),
	    T(changes_are_told_once),
	    T(each_part_of_the_policy_is_told),
	    T(old_roster_is_refused),
	    T(revoked_at_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
