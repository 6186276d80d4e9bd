/* fsck_owed.c - fact [11] of safehand-store(8) over all deadlines: each step that was taken has its
 * entry, none that was not; what is answered is closed, and what is closed takes no step any more.
 * Runs in: store, a slice at a time. Owns: nothing. Trusts: nothing of it. */
#include "store/deadline.h"
#include "store/fsck_in.h"
#include "store/group.h"
#include "store/ladder.h"
#include "store/step.h"

#define DEADLINES_A_SLICE 64

static bool
has_entry(struct fsck *f, const struct ledger_deadline *d, enum entry_event event, int64_t part)
{
	struct ledger *l = f->s->reader;
	struct ledger_entry entry;

	return d->bundle > 0
		   ? ledger_find_entry(l, d->bundle, d->mailbox, event, part, &entry)
		   : ledger_find_expected(l, d->expectation, d->mailbox, event, part, &entry);
}

static void
check_steps(struct fsck *f, const struct ledger_deadline *d, const struct ladder *ladder)
{
	for (unsigned i = 0; i < ladder->n; i++) {
		bool overdue = ladder->step[i].act == LADDER_OVERDUE;
		bool fired = (d->fired & 1u << i) != 0;
		bool entered = overdue ? has_entry(f, d, EVENT_OVERDUE, d->n)
				       : has_entry(f, d, EVENT_ESCALATION, step_part(d, i));

		if (fired != entered)
			fsck_problem(f, "deadline %lld: [11] step %u %s", (long long)d->n, i,
				     fired ? "was taken, without an entry"
					   : "has an entry, and was not taken");
		if (overdue && fired != d->overdue)
			fsck_problem(f, "deadline %lld: [11] overdue or not?", (long long)d->n);
	}
}

/* What would have closed it is not there. */
static void
check_open(struct fsck *f, const struct ledger_deadline *d, const struct ladder *ladder)
{
	int64_t when = step_time(d, ladder, NULL);

	if (d->next_ms < when || (when == DEADLINE_NEVER) != (d->next_ms == DEADLINE_NEVER))
		fsck_problem(f, "deadline %lld: [11] its next step is not the ladder's",
			     (long long)d->n);
	if ((d->kind == DEADLINE_COLLECT && has_entry(f, d, EVENT_CONTENT_HANDOVER, 0)) ||
	    (d->kind == DEADLINE_READ && has_entry(f, d, EVENT_READ, 0)))
		fsck_problem(f, "deadline %lld: [11] open, and done", (long long)d->n);
}

static void
check_row(struct fsck *f, const struct ledger_deadline *d)
{
	const struct ladder *ladder = ladder_of(f->s, d);

	f->deadlines++;
	check_steps(f, d, ladder);
	if (d->state == DEADLINE_OPEN)
		check_open(f, d, ladder);
	else if (d->next_ms != DEADLINE_NEVER || d->closed_ms == 0)
		fsck_problem(f, "deadline %lld: [11] closed, and takes steps", (long long)d->n);
}

static void
check_counts(struct fsck *f)
{
	int64_t open, overdue, kept_open, kept_overdue;

	if (!group_is_idle(f->s->group))
		return; /* what it changed is counted, and not committed */
	ledger_count_deadlines(f->s->reader, &open, &overdue);
	deadline_counts(f->s, &kept_open, &kept_overdue);
	if (open != kept_open || overdue != kept_overdue)
		fsck_problem(f, "[11] %lld deadlines open and %lld overdue, counted are %lld, %lld",
			     (long long)open, (long long)overdue, (long long)kept_open,
			     (long long)kept_overdue);
}

/* at: the last one that was looked at */
bool
fsck_owed(struct fsck *f)
{
	struct ledger_deadline d;

	for (unsigned i = 0; i < DEADLINES_A_SLICE; i++) {
		if (!ledger_deadline(f->s->reader, (int64_t)f->at + 1, &d)) {
			check_counts(f);
			return true;
		}
		f->at++;
		check_row(f, &d);
	}
	return false;
}
