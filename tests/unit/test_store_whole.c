/* test_store_whole.c - bundles that come in one message, at the real store: the same answers, the
 * same evidence, the same refusals as those that come in parts. */
#include "store_rig.h"

#include "store/control.h"

static const char payload[] = "the payload, sealed";

static bool
is_accepted(const char *id, struct ledger_bundle *b)
{
	return ledger_bundle(rig.store->reader, id, b);
}

/* As front says it: head and payload, of which the head is so long. */
static void
say_whole(const struct buf *bytes, const char *id, uint64_t head_bytes, uint64_t payload_bytes,
	  bool beside)
{
	struct msg_begin m = {.job = ++rig.job,
			      .head_bytes = head_bytes,
			      .payload_bytes = payload_bytes,
			      .whole = 1,
			      .bytes = {bytes->data, beside ? 0 : bytes->len}};

	strcpy(m.agency, "csc");
	strcpy(m.id, id);
	memset(m.cert, 0xc5, DIGEST_BYTES);
	rig_reply_clear();
	chan_send(rig.front, MSG_BEGIN, &m,
		  beside ? role_memfd("whole", bytes->data, bytes->len) : -1);
	rig_settle();
}

static void
submit_whole(const char *id, const char *text, size_t recipients)
{
	struct buf bytes = {0};
	size_t head;

	rig_bundle(&bytes, id, text, recipients);
	head = bytes.len;
	buf_adds(&bytes, text);
	say_whole(&bytes, id, head, strlen(text), false);
	buf_free(&bytes);
}

static void
accepted_and_fetched(void **state)
{
	struct buf whole = {0}, parts = {0};
	struct ledger_bundle b;

	submit_whole(RIG_ID, payload, 2);
	rig_expect(201, ERR_OK);
	assert_true(is_accepted(RIG_ID, &b));
	assert_int_equal(b.place.segment, 1);
	assert_int_equal(b.payload_bytes, strlen(payload));
	assert_int_equal(spool_staged_bytes(rig.store->spool), 0);
	rig_submit(RIG_ID2, payload, 2);
	rig_expect(201, ERR_OK);
	rig_restart();
	is_sound();
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/emergency", RIG_ID);
	assert_int_equal(rig.reply.kind, MSG_BODY);
	buf_add(&whole, rig.reply.body.data, rig.reply.body.len);
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/emergency", RIG_ID2);
	buf_add(&parts, rig.reply.body.data, rig.reply.body.len);
	assert_int_equal(whole.len, parts.len);
	assert_memory_equal(whole.data + whole.len - strlen(payload), payload, strlen(payload));
	buf_free(&whole);
	buf_free(&parts);
}

/* The evidence made of what is in memory is, to the byte, that made of what is kept. */
static void
same_evidence_again(void **state)
{
	struct buf first = {0};

	submit_whole(RIG_ID, payload, 2);
	rig_expect(201, ERR_OK);
	buf_add(&first, rig.reply.body.data, rig.reply.body.len);
	submit_whole(RIG_ID, payload, 2);
	rig_expect(200, ERR_OK);
	assert_string_equal(buf_str(&rig.reply.body), buf_str(&first));
	rig_restart();
	submit_whole(RIG_ID2, payload, 1); /* the tree has grown */
	rig_expect(201, ERR_OK);
	submit_whole(RIG_ID, payload, 2);
	rig_expect(200, ERR_OK);
	assert_string_equal(buf_str(&rig.reply.body), buf_str(&first));
	buf_free(&first);
}

/* [3] Nothing leaves before the seal and the commit. */
static void
nothing_before_the_seal(void **state)
{
	struct ledger_bundle b;

	rig.hold = true;
	submit_whole(RIG_ID, payload, 1);
	assert_int_equal(rig.reply.kind, 0);
	assert_false(is_accepted(RIG_ID, &b));
	rig_reply_clear();
	rig.hold = false;
	rig_seal();
	rig_settle();
	rig_expect(201, ERR_OK);
	assert_true(is_accepted(RIG_ID, &b));
}

static void
payload_must_be_the_signed_one(void **state)
{
	struct buf bytes = {0};
	struct ledger_bundle b;
	size_t head;

	rig_bundle(&bytes, RIG_ID, payload, 1);
	head = bytes.len;
	buf_adds(&bytes, payload);
	bytes.data[bytes.len - 1] ^= 1;
	say_whole(&bytes, RIG_ID, head, strlen(payload), false);
	rig_expect((unsigned)err_http(ERR_DIGEST), ERR_DIGEST);
	assert_false(is_accepted(RIG_ID, &b));
	assert_null(spool_stage_find(rig.store->spool, RIG_ID));
	assert_int_equal(spool_staged_bytes(rig.store->spool), 0);
	bytes.data[bytes.len - 1] ^= 1;
	say_whole(&bytes, RIG_ID, head, strlen(payload), false);
	rig_expect(201, ERR_OK);
	buf_free(&bytes);
}

/* What a front that is not ours any more might say: refused as such, and nothing is kept. */
static void
lengths_must_fit(void **state)
{
	struct buf bytes = {0};
	struct ledger_bundle b;
	size_t head;

	rig_bundle(&bytes, RIG_ID, payload, 1);
	head = bytes.len;
	buf_adds(&bytes, payload);
	const struct {
		uint64_t head, payload;
	} wrong[] = {{head + 1, strlen(payload)},
		     {head, strlen(payload) - 1},
		     {0, bytes.len},
		     {bytes.len, 0},
		     {head - 1, strlen(payload) + 1},
		     {UINT64_MAX, strlen(payload) + head + 1},
		     {head, UINT64_MAX}};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		say_whole(&bytes, RIG_ID, wrong[i].head, wrong[i].payload, i % 2 == 0);
		assert_int_equal(rig.reply.kind, MSG_REPLY);
		assert_true(rig.reply.status >= 400);
		assert_false(is_accepted(RIG_ID, &b));
		assert_int_equal(spool_staged_bytes(rig.store->spool), 0);
	}
	say_whole(&bytes, RIG_ID, head, strlen(payload), true); /* beside the message: as good */
	rig_expect(201, ERR_OK);
	buf_free(&bytes);
}

/* A part of it was here already: the whole takes its place; of another agency: neither harms. */
static void
after_a_part(void **state)
{
	struct buf head = {0};
	struct ledger_bundle b;

	rig_bundle(&head, RIG_ID, payload, 1);
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_write(payload, 0, 5);
	submit_whole(RIG_ID, payload, 1);
	rig_expect(503, ERR_BUSY); /* that one is still under way */
	chan_send(rig.front, MSG_CUT, &(struct msg_cut){rig.job - 1, 5}, -1);
	rig_settle();
	assert_non_null(spool_stage_find(rig.store->spool, RIG_ID));
	submit_whole(RIG_ID, payload, 1);
	rig_expect(201, ERR_OK);
	assert_true(is_accepted(RIG_ID, &b));
	assert_null(spool_stage_find(rig.store->spool, RIG_ID));
	assert_int_equal(spool_staged_bytes(rig.store->spool), 0);
	is_sound();
	buf_free(&head);
}

/* Too large for the journal as it is configured: a file, which a fetch gives back. */
static void
to_a_file(void **state)
{
	static char large[20001];
	struct ledger_bundle b;

	memset(large, 'L', sizeof large - 1);
	submit_whole(RIG_ID, large, 1);
	rig_expect(201, ERR_OK);
	assert_true(is_accepted(RIG_ID, &b));
	assert_int_equal(b.place.segment, 0);
	rig_restart();
	is_sound();
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/emergency", RIG_ID);
	assert_int_equal(rig.reply.kind, MSG_BODY);
	assert_memory_equal(rig.reply.body.data + rig.reply.body.len - 20000, large, 20000);
}

static int
setup_small_journal(void **state)
{
	static char text[4096], *at;

	snprintf(text, sizeof text, "%s", rig_conf_text);
	at = strstr(text, "small = 64K");
	assert_non_null(at);
	memcpy(at, "small = 16K", 11);
	rig = (struct rig){.roster_serial = 3, .conf = text};
	return rig_setup_here();
}

/* Killed with the group under way: as if it had never come; then it comes. */
static void
killed_before_the_commit(void **state)
{
	struct ledger_bundle b;

	rig.hold = true;
	submit_whole(RIG_ID, payload, 1);
	rig_kill();
	rig.hold = false;
	rig_start(rig.conf);
	assert_false(is_accepted(RIG_ID, &b));
	submit_whole(RIG_ID, payload, 1);
	rig_expect(201, ERR_OK);
	is_sound();
}

static int
by_salt(const void *a, const void *b)
{
	return memcmp(a, b, ENTRY_SALT);
}

/* They are fetched many at once: still each entry has its own, and none is of zeros. */
static void
each_entry_has_a_salt_of_its_own(void **state)
{
	static uint8_t salts[1 + 600][ENTRY_SALT]; /* the first: zeros */
	struct buf line = {0};
	struct entry entry;
	size_t n = 1;
	struct err e;
	char id[UUID_TEXT];

	for (int i = 0; i < 140; i++) { /* two entries each, and more than are fetched at once */
		snprintf(id, sizeof id, "019ab000-0000-7000-8000-%012x", i);
		submit_whole(id, payload, 1);
		rig_expect(201, ERR_OK);
	}
	for (int64_t seq = 0; n < sizeof salts / sizeof *salts; seq++) {
		struct ledger_entry row;

		if (!ledger_entry(rig.store->reader, seq, &row))
			break;
		buf_clear(&line);
		ledger_line(rig.store->reader, seq, &line);
		assert_int_equal(entry_parse(line.data, line.len, &entry, &e), 0);
		memcpy(salts[n++], entry.salt, ENTRY_SALT);
	}
	assert_true(n > 280);
	qsort(salts, n, sizeof *salts, by_salt);
	for (size_t i = 1; i < n; i++)
		assert_memory_not_equal(salts[i - 1], salts[i], ENTRY_SALT);
	buf_free(&line);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(accepted_and_fetched),
	    T(same_evidence_again),
	    T(nothing_before_the_seal),
	    T(payload_must_be_the_signed_one),
	    T(lengths_must_fit),
	    T(after_a_part),
	    cmocka_unit_test_setup_teardown(to_a_file, setup_small_journal, rig_teardown),
	    T(killed_before_the_commit),
	    T(each_entry_has_a_salt_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
