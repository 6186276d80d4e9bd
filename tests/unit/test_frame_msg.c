/* test_frame_msg.c - messages between roles: what goes in comes out, what is cut or made longer is
 * refused. */
#include "tap.h"

#include "frame/msg.h"
#include "safehand/enc.h"

static struct err e;

static struct buf
facts(void)
{
	static const struct fact_recipient to[2] = {
	    {.mailbox = "uhcw/paediatrics", .key = {1}},
	    {.mailbox = "csc/duty", .cover = 1, .covers = "schools/st-j.dsl", .key = {2}}};
	static const struct fact_name about[1] = {{"c:abc"}};
	static const struct fact_signer signers[1] = {
	    {.by = "agency/csc", .agency = "csc", .profile = 2, .cert = {9}}};
	struct msg_facts_head m = {.job = 7,
				   .id = "019ab0c0-0000-7000-8000-000000000000",
				   .from = "csc/mash",
				   .klass = "strategy-minutes",
				   .event_at_ms = TIME_NONE,
				   .created_ms = 5,
				   .payload_bytes = 1ull << 40,
				   .to = {to, 2},
				   .about = {about, 1},
				   .signers = {signers, 1}};
	struct buf out = {0};

	msg_encode(MSG_FACTS_HEAD, &m, &out);
	return out;
}

static void
what_goes_in_comes_out(void **state)
{
	struct buf wire = facts();
	const struct msg_row *row = msg_row(MSG_FACTS_HEAD);
	struct msg_facts_head m;
	const struct fact_recipient *to;

	assert_int_equal(be32_get(wire.data), MSG_FACTS_HEAD);
	assert_ok(msg_decode(row, wire.data + 4, wire.len - 4, &m, &e), &e);
	to = m.to.items;
	assert_int_equal(m.job, 7);
	assert_int_equal(m.event_at_ms, TIME_NONE);
	assert_int_equal(m.payload_bytes, 1ull << 40);
	assert_string_equal(m.klass, "strategy-minutes");
	assert_int_equal(m.to.n, 2);
	assert_string_equal(to[1].covers, "schools/st-j.dsl");
	assert_int_equal(to[1].key[0], 2);
	assert_int_equal(m.actions.n, 0);
	msg_free(row, &m);
	buf_free(&wire);
}

static void
any_other_length_is_refused(void **state)
{
	struct buf wire = facts();
	const struct msg_row *row = msg_row(MSG_FACTS_HEAD);
	struct msg_facts_head m;

	for (size_t n = 4; n < wire.len; n++)
		assert_refused(msg_decode(row, wire.data + 4, n - 4, &m, &e), &e, ERR_INTERNAL);
	buf_addc(&wire, 0);
	assert_refused(msg_decode(row, wire.data + 4, wire.len - 4, &m, &e), &e, ERR_INTERNAL);
	buf_free(&wire);
}

static void
hostile_lengths_are_refused(void **state)
{
	/* END's fields are fixed; ASK has strings: job, then the agency's length */
	struct buf wire = {0};
	struct msg_ask m;

	buf_be64(&wire, 1);
	buf_be32(&wire, 0xFFFFFFFF);
	assert_refused(msg_decode(msg_row(MSG_ASK), wire.data, wire.len, &m, &e), &e, ERR_INTERNAL);
	buf_clear(&wire);
	buf_be64(&wire, 1);
	buf_be32(&wire, 4);
	buf_add(&wire, "a\0bc", 4); /* a NUL inside a string */
	assert_refused(msg_decode(msg_row(MSG_ASK), wire.data, wire.len, &m, &e), &e, ERR_INTERNAL);
	assert_non_null(strstr(e.text, "agency"));
	buf_free(&wire);
}

static void
every_row_names_sender_and_taker(void **state)
{
	assert_null(msg_row(0));
	assert_null(msg_row(MSG_KINDS));
	for (uint32_t k = 1; k < MSG_KINDS; k++) {
		const struct msg_row *row = msg_row(k);

		assert_non_null(row);
		assert_true(row->from != 0 && row->to != 0 && (row->from & row->to) == 0);
	}
}

/* The fields of a notice, its two enums among them. */
static void
notices_come_out_as_they_went_in(void **state)
{
	struct msg_notify in = {.job = 9,
				.kind = NOTIFY_WEBHOOK,
				.address = "https://x.example/h",
				.pattern = "schools/*"},
			  out;
	struct buf wire = {0};

	in.notice = (struct notice){.id = "019ab0c0-0000-7000-8000-000000000000",
				    .created_ms = 5000,
				    .kind = NOTICE_MISSED,
				    .to = "csc/duty",
				    .expectation = "019ab0c0-0000-7000-8000-000000000001",
				    .klass = "strategy-minutes",
				    .from = "csc/mash",
				    .mailbox = "csc/duty",
				    .owed = DEADLINE_ARRIVE,
				    .action = 3,
				    .start_ms = -1,
				    .due_ms = 1ll << 40};
	msg_encode(MSG_NOTIFY, &in, &wire);
	assert_ok(msg_decode(msg_row(MSG_NOTIFY), wire.data + 4, wire.len - 4, &out, &e), &e);
	assert_int_equal(out.job, 9);
	assert_int_equal(out.kind, NOTIFY_WEBHOOK);
	assert_string_equal(out.address, in.address);
	assert_string_equal(out.pattern, in.pattern);
	assert_string_equal(out.notice.id, in.notice.id);
	assert_int_equal(out.notice.created_ms, 5000);
	assert_int_equal(out.notice.kind, NOTICE_MISSED);
	assert_string_equal(out.notice.to, "csc/duty");
	assert_string_equal(out.notice.bundle, "");
	assert_string_equal(out.notice.expectation, in.notice.expectation);
	assert_string_equal(out.notice.klass, "strategy-minutes");
	assert_string_equal(out.notice.from, "csc/mash");
	assert_string_equal(out.notice.mailbox, "csc/duty");
	assert_int_equal(out.notice.owed, DEADLINE_ARRIVE);
	assert_int_equal(out.notice.action, 3);
	assert_int_equal(out.notice.start_ms, -1);
	assert_int_equal(out.notice.due_ms, 1ll << 40);
	buf_free(&wire);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_goes_in_comes_out),
	    cmocka_unit_test(any_other_length_is_refused),
	    cmocka_unit_test(hostile_lengths_are_refused),
	    cmocka_unit_test(notices_come_out_as_they_went_in),
	    cmocka_unit_test(every_row_names_sender_and_taker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
