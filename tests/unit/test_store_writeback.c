/* test_store_writeback.c - a large upload that has come goes to the disk slice by slice, and
 * whoever comes after it with a small one need not wait for that. */
#include "store_rig.h"

#include "store/writeback.h"

#define RIG_ID3	    "019ab000-0000-7000-8000-000000000003"
#define LARGE_BYTES (24 * WRITEBACK_SLICE) /* more turns of the loop than a small one takes */

static int
setup(void **state)
{
	rig = (struct rig){.roster_serial = 3, .conf = rig_conf_large};
	return rig_setup_here();
}

/* All of it is there but the END. */
static struct msg_end
bring(const char *id, const char *payload)
{
	struct buf head = {0};
	struct msg_end end = {.length = strlen(payload)};

	rig_bundle(&head, id, payload, 1);
	rig_begin(&head, id, strlen(payload));
	assert_int_equal(rig.reply.kind, MSG_UPLOAD);
	rig_write(payload, 0, strlen(payload));
	digest_of(payload, strlen(payload), end.digest);
	end.job = rig.job;
	rig_reply_clear();
	buf_free(&head);
	return end;
}

static int64_t
accepted_at(const char *id)
{
	struct ledger_bundle b;
	struct ledger_entry e;

	assert_true(ledger_bundle(rig.store->reader, id, &b));
	assert_true(
	    ledger_find_entry(rig.store->reader, b.n, "", EVENT_SUBMISSION_ACCEPTANCE, 0, &e));
	return e.seq;
}

static char *
letters(char c, size_t n)
{
	char *p = mem_alloc(n + 1);

	memset(p, c, n);
	return p;
}

static void
a_small_one_is_not_held_up(void **state)
{
	char *large = letters('L', LARGE_BYTES);
	struct msg_end first = bring(RIG_ID, large), second = bring(RIG_ID2, "small");
	struct ledger_bundle b;

	chan_send(rig.front, MSG_END, &first, -1);
	chan_send(rig.front, MSG_END, &second, -1);
	while (rig.reply.kind == 0)
		rig_turns(1);
	rig_expect(201, ERR_OK);
	assert_int_equal(rig.reply.job, second.job);
	assert_false(ledger_bundle(rig.store->reader, RIG_ID, &b));
	rig_reply_clear();
	rig_settle();
	rig_expect(201, ERR_OK);
	assert_int_equal(rig.reply.job, first.job);
	assert_true(accepted_at(RIG_ID) > accepted_at(RIG_ID2));
	free(large);
}

/* Of two the shorter one is first, whichever came first. */
static void
large_ones_take_turns(void **state)
{
	char *large = letters('L', LARGE_BYTES), *larger = letters('M', 2 * WRITEBACK_SLICE + 1);
	struct msg_end first = bring(RIG_ID, large), second = bring(RIG_ID3, larger);

	chan_send(rig.front, MSG_END, &first, -1);
	chan_send(rig.front, MSG_END, &second, -1);
	rig_settle();
	assert_true(accepted_at(RIG_ID) > accepted_at(RIG_ID3));
	free(large);
	free(larger);
}

/* Its client leaves while it is written: it happens all the same, once. */
static void
left_while_it_is_written(void **state)
{
	char *large = letters('L', LARGE_BYTES);
	struct msg_end end = bring(RIG_ID, large);
	struct msg_cut cut = {.job = end.job, .received = end.length};

	chan_send(rig.front, MSG_END, &end, -1);
	chan_send(rig.front, MSG_CUT, &cut, -1);
	rig_settle();
	assert_int_equal(rig.reply.kind, 0);
	accepted_at(RIG_ID);
	rig_submit(RIG_ID2, "small", 1);
	rig_expect(201, ERR_OK);
	free(large);
}

/* A stop waits for it; a kill leaves it to be gone on with. */
static void
stopped_or_killed_while_it_is_written(void **state)
{
	char *large = letters('L', LARGE_BYTES);
	struct msg_end end = bring(RIG_ID, large);
	struct ledger_bundle b;

	chan_send(rig.front, MSG_END, &end, -1);
	/* pass by pass: a turn of the rig goes on for as long as something is ready, to the end */
	for (int i = 0; i < 1000 && group_is_idle(rig.store->group); i++)
		event_base_loop(rig.env.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_false(group_is_idle(rig.store->group));
	assert_false(ledger_bundle(rig.store->reader, RIG_ID, &b));
	rig_restart();
	assert_false(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_non_null(spool_stage_find(rig.store->spool, RIG_ID));
	rig_submit(RIG_ID, large, 1);
	rig_expect(201, ERR_OK);
	free(large);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_small_one_is_not_held_up),
	    T(large_ones_take_turns),
	    T(left_while_it_is_written),
	    T(stopped_or_killed_while_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
