/* ledger_deadline.c - deadlines, ladders, away, outbox in the ledger. Runs in: store. Owns: nothing
 * of its own. Trusts: the database, as ledger.c does. */
#include "store/ledger_deadline.h"

#include <assert.h>
#include <string.h>

#include "store/ledger_in.h"

const char *
deadline_state_name(enum deadline_state s)
{
	static const char *const names[DEADLINE_STATES] = {
	    "open", "met", "met by other", "superseded", "withdrawn", "purged"};

	assert((unsigned)s < DEADLINE_STATES);
	return names[s];
}

/* --- ladders --- */

int64_t
ledger_ladder_number(struct ledger *l, const char *text)
{
	int64_t n;

	sql_bind(l->sql, Q_LADDER_FIND, "b", text, strlen(text));
	if (sql_next(l->sql, Q_LADDER_FIND)) {
		n = sql_int(l->sql, Q_LADDER_FIND, 0);
		sql_done(l->sql, Q_LADDER_FIND);
		return n;
	}
	sql_do(l->sql, Q_LADDER_ADD, "b", text, strlen(text));
	return sql_last_id(l->sql);
}

bool
ledger_ladder(struct ledger *l, int64_t n, struct buf *text)
{
	sql_bind(l->sql, Q_LADDER, "i", n);
	if (!sql_next(l->sql, Q_LADDER))
		return false;
	sql_bytes(l->sql, Q_LADDER, 0, text);
	sql_done(l->sql, Q_LADDER);
	return true;
}

/* --- deadlines --- */

enum { FLAG_COVER_NOW = 1, FLAG_OVERDUE = 2, FLAG_UNDELIVERED = 4 };

static int64_t
flags_of(const struct ledger_deadline *d)
{
	return (d->cover_now ? FLAG_COVER_NOW : 0) | (d->overdue ? FLAG_OVERDUE : 0) |
	       (d->undelivered ? FLAG_UNDELIVERED : 0);
}

static void
deadline_row(struct sql *s, unsigned q, struct ledger_deadline *out)
{
	int64_t flags = sql_int(s, q, 11);

	*out = (struct ledger_deadline){.n = sql_int(s, q, 0),
					.kind = (enum deadline_kind)sql_int(s, q, 1),
					.bundle = sql_int(s, q, 2),
					.expectation = sql_int(s, q, 3),
					.part = sql_int(s, q, 6),
					.start_ms = sql_int(s, q, 8),
					.due_ms = sql_int(s, q, 9),
					.ladder = sql_int(s, q, 10),
					.cover_now = (flags & FLAG_COVER_NOW) != 0,
					.overdue = (flags & FLAG_OVERDUE) != 0,
					.undelivered = (flags & FLAG_UNDELIVERED) != 0,
					.fired = (uint32_t)sql_int(s, q, 12),
					.next_ms = sql_is_null(s, q, 13) ? DEADLINE_NEVER
									 : sql_int(s, q, 13),
					.state = (enum deadline_state)sql_int(s, q, 14),
					.closed_ms = sql_int(s, q, 15)};
	sql_text(s, q, 4, out->mailbox, sizeof out->mailbox);
	sql_text(s, q, 5, out->owed_to, sizeof out->owed_to);
	sql_text(s, q, 7, out->by, sizeof out->by);
}

void
ledger_add_deadline(struct ledger *l, struct ledger_deadline *d)
{
	sql_do(l->sql, Q_DEADLINE_ADD, "iiiiiitiiiiiiii", (int64_t)d->kind, d->bundle,
	       d->expectation, ledger_mailbox(l, d->mailbox), ledger_mailbox(l, d->owed_to),
	       d->part, d->by, d->start_ms, d->due_ms, d->ladder, flags_of(d), (int64_t)d->fired,
	       d->next_ms, (int64_t)d->state, d->closed_ms);
	d->n = sql_last_id(l->sql);
}

bool
ledger_deadline(struct ledger *l, int64_t n, struct ledger_deadline *out)
{
	sql_bind(l->sql, Q_DEADLINE, "i", n);
	if (!sql_next(l->sql, Q_DEADLINE))
		return false;
	deadline_row(l->sql, Q_DEADLINE, out);
	sql_done(l->sql, Q_DEADLINE);
	return true;
}

void
ledger_set_deadline(struct ledger *l, const struct ledger_deadline *d)
{
	sql_do(l->sql, Q_DEADLINE_SET, "iiiiii", flags_of(d), (int64_t)d->fired, d->next_ms,
	       (int64_t)d->state, d->closed_ms, d->n);
}

static void
each_row(struct ledger *l, unsigned q, ledger_deadline_row *each, void *ctx)
{
	struct ledger_deadline d;

	while (sql_next(l->sql, q)) {
		deadline_row(l->sql, q, &d);
		each(ctx, &d);
	}
}

void
ledger_each_deadline(struct ledger *l, int64_t bundle, ledger_deadline_row *each, void *ctx)
{
	sql_bind(l->sql, Q_DEADLINES_BUNDLE, "i", bundle);
	each_row(l, Q_DEADLINES_BUNDLE, each, ctx);
}

void
ledger_each_expectation_deadline(struct ledger *l, int64_t expectation, ledger_deadline_row *each,
				 void *ctx)
{
	sql_bind(l->sql, Q_DEADLINES_EXPECTATION, "i", expectation);
	each_row(l, Q_DEADLINES_EXPECTATION, each, ctx);
}

void
ledger_each_due(struct ledger *l, int64_t now_ms, uint32_t limit, ledger_deadline_row *each,
		void *ctx)
{
	sql_bind(l->sql, Q_DEADLINES_DUE, "ii", now_ms, (int64_t)limit);
	each_row(l, Q_DEADLINES_DUE, each, ctx);
}

int64_t
ledger_next_deadline(struct ledger *l)
{
	int64_t next = DEADLINE_NEVER;

	sql_bind(l->sql, Q_DEADLINE_NEXT, "");
	if (sql_next(l->sql, Q_DEADLINE_NEXT)) {
		next = sql_int(l->sql, Q_DEADLINE_NEXT, 0);
		sql_done(l->sql, Q_DEADLINE_NEXT);
	}
	return next;
}

void
ledger_each_owed_by(struct ledger *l, const char *mailbox, uint32_t limit,
		    ledger_deadline_row *each, void *ctx)
{
	sql_bind(l->sql, Q_OWED_BY, "ti", mailbox, (int64_t)limit);
	each_row(l, Q_OWED_BY, each, ctx);
}

void
ledger_each_owed_to(struct ledger *l, const char *mailbox, uint32_t limit,
		    ledger_deadline_row *each, void *ctx)
{
	sql_bind(l->sql, Q_OWED_TO, "ti", mailbox, (int64_t)limit);
	each_row(l, Q_OWED_TO, each, ctx);
}

void
ledger_each_overdue(struct ledger *l, uint32_t limit, ledger_deadline_row *each, void *ctx)
{
	sql_bind(l->sql, Q_OVERDUE, "i", (int64_t)limit);
	each_row(l, Q_OVERDUE, each, ctx);
}

void
ledger_count_deadlines(struct ledger *l, int64_t *open, int64_t *overdue)
{
	sql_bind(l->sql, Q_DEADLINE_COUNT, "");
	sql_next(l->sql, Q_DEADLINE_COUNT);
	*open = sql_int(l->sql, Q_DEADLINE_COUNT, 0);
	*overdue = sql_int(l->sql, Q_DEADLINE_COUNT, 1);
	sql_done(l->sql, Q_DEADLINE_COUNT);
}

void
ledger_set_purge(struct ledger *l, int64_t bundle, int64_t purge_ms)
{
	sql_do(l->sql, Q_BUNDLE_PURGE, "ii", purge_ms, bundle);
}

/* --- away --- */

void
ledger_set_away(struct ledger *l, const struct ledger_away *a)
{
	sql_do(l->sql, Q_AWAY_SET, "ttii", a->mailbox, a->cover, a->since_ms, a->until_ms);
}

bool
ledger_end_away(struct ledger *l, const char *mailbox)
{
	return sql_do(l->sql, Q_AWAY_END, "t", mailbox) > 0;
}

bool
ledger_away(struct ledger *l, const char *mailbox, struct ledger_away *out)
{
	sql_bind(l->sql, Q_AWAY, "t", mailbox);
	if (!sql_next(l->sql, Q_AWAY))
		return false;
	sql_text(l->sql, Q_AWAY, 0, out->mailbox, sizeof out->mailbox);
	sql_text(l->sql, Q_AWAY, 1, out->cover, sizeof out->cover);
	out->since_ms = sql_int(l->sql, Q_AWAY, 2);
	out->until_ms = sql_int(l->sql, Q_AWAY, 3);
	sql_done(l->sql, Q_AWAY);
	return true;
}

/* --- outbox --- */

int64_t
ledger_add_outbox(struct ledger *l, const struct ledger_outbox *o)
{
	sql_do(l->sql, Q_OUTBOX_ADD, "iiiiti", (int64_t)o->kind, o->deadline,
	       ledger_mailbox(l, o->mailbox), (int64_t)o->notice, o->id, o->created_ms);
	return sql_last_id(l->sql);
}

static bool
outbox_one(struct ledger *l, unsigned q, struct ledger_outbox *o)
{
	if (!sql_next(l->sql, q))
		return false;
	o->n = sql_int(l->sql, q, 0);
	o->kind = (uint32_t)sql_int(l->sql, q, 1);
	o->deadline = sql_int(l->sql, q, 2);
	sql_text(l->sql, q, 3, o->mailbox, sizeof o->mailbox);
	o->notice = (uint32_t)sql_int(l->sql, q, 4);
	sql_text(l->sql, q, 5, o->id, sizeof o->id);
	o->created_ms = sql_int(l->sql, q, 6);
	sql_done(l->sql, q);
	return true;
}

bool
ledger_outbox(struct ledger *l, int64_t n, struct ledger_outbox *o)
{
	sql_bind(l->sql, Q_OUTBOX, "i", n);
	return outbox_one(l, Q_OUTBOX, o);
}

bool
ledger_next_outbox(struct ledger *l, int64_t after, struct ledger_outbox *o)
{
	sql_bind(l->sql, Q_OUTBOX_NEXT, "i", after);
	return outbox_one(l, Q_OUTBOX_NEXT, o);
}

void
ledger_end_outbox(struct ledger *l, int64_t n)
{
	sql_do(l->sql, Q_OUTBOX_END, "i", n);
}
