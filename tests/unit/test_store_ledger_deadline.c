/* The ledger's part on what is owed: rows come back as they went in; what is due, owed and overdue
 * is found in its order; a number of the outbox is never used again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/ledger_deadline.h"

static char folder[] = "/tmp/safehand-ledger-XXXXXX";
static int datafd = -1;
static struct ledger *w;

static int
setup(void **state)
{
	struct ledger_bundle b = {.from = "csc/mash", .klass = "general"};
	struct err e = {0};

	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	datafd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(datafd >= 0);
	if (ledger_open(datafd, true, &w, &e) < 0)
		fail_msg("%s", e.text);
	ledger_begin(w);
	strcpy(b.id, "019ab000-0000-7000-8000-000000000001");
	ledger_add_bundle(w, &b);
	strcpy(b.id, "019ab000-0000-7000-8000-000000000002");
	ledger_add_bundle(w, &b);
	return 0;
}

static int
teardown(void **state)
{
	char command[64];

	ledger_commit(w);
	ledger_close(w);
	close(datafd);
	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static struct ledger_deadline
open_one(int64_t bundle, enum deadline_kind kind, const char *mailbox, int64_t due)
{
	struct ledger_deadline d = {.kind = kind,
				    .bundle = bundle,
				    .owed_to = "csc/mash",
				    .start_ms = due - 100,
				    .due_ms = due,
				    .next_ms = due - 50,
				    .ladder = ledger_ladder_number(w, "remind at 50%")};

	strcpy(d.mailbox, mailbox);
	ledger_add_deadline(w, &d);
	return d;
}

struct rows {
	struct ledger_deadline d[8];
	size_t n;
};

static void
row(void *ctx, const struct ledger_deadline *d)
{
	struct rows *r = ctx;

	r->d[r->n++] = *d;
}

static void
same(const struct ledger_deadline *a, const struct ledger_deadline *b)
{
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->bundle, b->bundle);
	assert_int_equal(a->expectation, b->expectation);
	assert_string_equal(a->mailbox, b->mailbox);
	assert_string_equal(a->owed_to, b->owed_to);
	assert_int_equal(a->part, b->part);
	assert_string_equal(a->by, b->by);
	assert_int_equal(a->start_ms, b->start_ms);
	assert_int_equal(a->due_ms, b->due_ms);
	assert_int_equal(a->ladder, b->ladder);
	assert_int_equal(a->cover_now, b->cover_now);
	assert_int_equal(a->fired, b->fired);
	assert_int_equal(a->overdue, b->overdue);
	assert_int_equal(a->undelivered, b->undelivered);
	assert_int_equal(a->next_ms, b->next_ms);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->closed_ms, b->closed_ms);
}

static void
rows_come_back(void **state)
{
	struct ledger_deadline d = open_one(1, DEADLINE_COLLECT, "uhcw/emergency", 1000), got;
	struct ledger_deadline x = {.kind = DEADLINE_ARRIVE,
				    .expectation = 7,
				    .mailbox = "csc/mash",
				    .owed_to = "uhcw/emergency",
				    .start_ms = 5,
				    .due_ms = 6,
				    .ladder = d.ladder,
				    .next_ms = DEADLINE_NEVER};
	struct ledger_deadline a = {.kind = DEADLINE_ACTION,
				    .bundle = 1,
				    .mailbox = "uhcw/emergency",
				    .owed_to = "csc/mash",
				    .part = 3,
				    .by = "referral-outcome",
				    .ladder = d.ladder,
				    .cover_now = true};

	ledger_add_deadline(w, &x);
	ledger_add_deadline(w, &a);
	assert_true(ledger_deadline(w, d.n, &got));
	same(&got, &d);
	assert_true(ledger_deadline(w, x.n, &got));
	same(&got, &x);
	assert_true(ledger_deadline(w, a.n, &got));
	same(&got, &a);
	d.fired = 5;
	d.overdue = d.undelivered = true;
	d.next_ms = 77;
	ledger_set_deadline(w, &d);
	assert_true(ledger_deadline(w, d.n, &got));
	same(&got, &d);
	d.state = DEADLINE_BY_OTHER;
	d.closed_ms = 99;
	d.next_ms = DEADLINE_NEVER;
	ledger_set_deadline(w, &d);
	assert_true(ledger_deadline(w, d.n, &got));
	same(&got, &d);
	assert_false(ledger_deadline(w, 99, &got));
}

static void
ladders_are_kept_once(void **state)
{
	int64_t a = ledger_ladder_number(w, "remind at 50%"), b = ledger_ladder_number(w, "");
	struct buf text = {0};

	assert_int_equal(ledger_ladder_number(w, "remind at 50%"), a);
	assert_int_equal(ledger_ladder_number(w, ""), b);
	assert_true(ledger_ladder(w, a, &text));
	assert_string_equal(buf_str(&text), "remind at 50%");
	buf_clear(&text);
	assert_true(ledger_ladder(w, b, &text));
	assert_string_equal(buf_str(&text), "");
	assert_false(ledger_ladder(w, 99, &text));
	buf_free(&text);
}

static void
found_in_their_order(void **state)
{
	struct ledger_deadline late = open_one(1, DEADLINE_COLLECT, "uhcw/emergency", 3000),
			       soon = open_one(1, DEADLINE_READ, "uhcw/emergency", 1000),
			       other = open_one(2, DEADLINE_COLLECT, "csc/duty", 2000);
	struct rows r = {.n = 0};
	int64_t open, overdue;

	assert_int_equal(ledger_next_deadline(w), 950);
	ledger_each_due(w, 1950, 9, row, &r);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.d[0].n, soon.n);
	assert_int_equal(r.d[1].n, other.n);
	r.n = 0;
	ledger_each_due(w, INT64_MAX, 1, row, &r);
	assert_int_equal(r.n, 1);
	r.n = 0;
	ledger_each_due(w, 949, 9, row, &r);
	assert_int_equal(r.n, 0);
	ledger_each_owed_by(w, "uhcw/emergency", 9, row, &r);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.d[0].n, soon.n);
	assert_int_equal(r.d[1].n, late.n);
	r.n = 0;
	ledger_each_owed_to(w, "csc/mash", 9, row, &r);
	assert_int_equal(r.n, 3);
	r.n = 0;
	ledger_each_deadline(w, 1, row, &r);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.d[0].n, late.n);
	soon.overdue = other.overdue = true;
	ledger_set_deadline(w, &soon);
	ledger_set_deadline(w, &other);
	r.n = 0;
	ledger_each_overdue(w, 9, row, &r);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.d[0].n, soon.n);
	soon.state = DEADLINE_MET;
	soon.next_ms = DEADLINE_NEVER;
	ledger_set_deadline(w, &soon);
	ledger_count_deadlines(w, &open, &overdue);
	assert_int_equal(open, 2);
	assert_int_equal(overdue, 1);
	assert_int_equal(ledger_next_deadline(w), 1950);
}

static void
away_is_one_row(void **state)
{
	struct ledger_away a = {.mailbox = "uhcw/emergency", .since_ms = 1, .until_ms = 9}, got;

	assert_false(ledger_away(w, "uhcw/emergency", &got));
	ledger_set_away(w, &a);
	strcpy(a.cover, "csc/duty");
	a.until_ms = 10;
	ledger_set_away(w, &a);
	assert_true(ledger_away(w, "uhcw/emergency", &got));
	assert_string_equal(got.cover, "csc/duty");
	assert_int_equal(got.since_ms, 1);
	assert_int_equal(got.until_ms, 10);
	assert_true(ledger_end_away(w, "uhcw/emergency"));
	assert_false(ledger_end_away(w, "uhcw/emergency"));
}

static void
outbox_numbers_are_new(void **state)
{
	struct ledger_deadline d = open_one(1, DEADLINE_COLLECT, "uhcw/emergency", 3000);
	struct ledger_outbox o = {.kind = 1,
				  .deadline = d.n,
				  .mailbox = "csc/duty",
				  .notice = 2,
				  .id = "019ab000-0000-7000-8000-000000000009",
				  .created_ms = 77000},
			     got = {0};
	int64_t first, second;

	first = ledger_add_outbox(w, &o);
	assert_true(ledger_next_outbox(w, 0, &got));
	assert_int_equal(got.n, first);
	assert_int_equal(got.kind, 1);
	assert_int_equal(got.deadline, d.n);
	assert_string_equal(got.mailbox, "csc/duty");
	assert_int_equal(got.notice, 2);
	assert_string_equal(got.id, o.id);
	assert_int_equal(got.created_ms, 77000);
	ledger_end_outbox(w, first);
	second = ledger_add_outbox(w, &o);
	assert_true(second > first);
	assert_false(ledger_outbox(w, first, &got));
	assert_false(ledger_next_outbox(w, second, &got));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(rows_come_back),	T(ladders_are_kept_once),  T(found_in_their_order),
	    T(away_is_one_row), T(outbox_numbers_are_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
