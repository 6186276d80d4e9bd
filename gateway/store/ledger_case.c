/* ledger_case.c - pseudonyms, flags, consents, expectations in the ledger. Runs in: store. Owns:
 * nothing of its own. Trusts: the database, as ledger.c does. */
#include "store/ledger_case.h"

#include <assert.h>

#include "store/ledger_in.h"

/* --- what bundles are about --- */

void
ledger_add_about(struct ledger *l, int64_t bundle, const char *about)
{
	sql_do(l->sql, Q_ABOUT_ADD, "it", bundle, about);
}

void
ledger_each_about(struct ledger *l, int64_t bundle, void (*each)(void *ctx, const char *about),
		  void *ctx)
{
	char about[ABOUT_TEXT];

	sql_bind(l->sql, Q_ABOUTS, "i", bundle);
	while (sql_next(l->sql, Q_ABOUTS)) {
		sql_text(l->sql, Q_ABOUTS, 0, about, sizeof about);
		each(ctx, about);
	}
}

/* Whether the query, bound, has a row. */
static bool
has_row(struct ledger *l, unsigned q)
{
	if (!sql_next(l->sql, q))
		return false;
	sql_done(l->sql, q);
	return true;
}

bool
ledger_is_about(struct ledger *l, int64_t bundle, const char *about)
{
	sql_bind(l->sql, Q_IS_ABOUT, "it", bundle, about);
	return has_row(l, Q_IS_ABOUT);
}

bool
ledger_superseded(struct ledger *l, const char *id, struct ledger_bundle *by)
{
	sql_bind(l->sql, Q_SUPERSEDED, "t", id);
	if (!sql_next(l->sql, Q_SUPERSEDED))
		return false;
	ledger_bundle_row(l->sql, Q_SUPERSEDED, 0, by);
	sql_done(l->sql, Q_SUPERSEDED);
	return true;
}

/* --- flags --- */

void
ledger_add_flag(struct ledger *l, const char *about, const struct ledger_bundle *b)
{
	sql_do(l->sql, Q_FLAG_ADD, "tiii", about, b->n, (int64_t)b->concern, b->accepted_ms);
}

int64_t
ledger_end_flags(struct ledger *l, const char *about, int64_t by_bundle)
{
	return sql_do(l->sql, Q_FLAG_END, "it", by_bundle, about);
}

void
ledger_each_flag(struct ledger *l, const char *about,
		 void (*each)(void *ctx, const struct ledger_flag *f), void *ctx)
{
	struct ledger_flag f;

	sql_bind(l->sql, Q_FLAGS, "t", about);
	while (sql_next(l->sql, Q_FLAGS)) {
		sql_text(l->sql, Q_FLAGS, 0, f.about, sizeof f.about);
		f.concern = (uint32_t)sql_int(l->sql, Q_FLAGS, 1);
		sql_text(l->sql, Q_FLAGS, 2, f.id, sizeof f.id);
		f.since_ms = sql_int(l->sql, Q_FLAGS, 3);
		each(ctx, &f);
	}
}

/* --- consents --- */

void
ledger_consent(struct ledger *l, const char *agency, const char *given_by, const char *kind,
	       const char *value, const char *mailbox, int64_t since_ms)
{
	sql_do(l->sql, Q_CONSENT, "ttttti", agency, kind, value, mailbox, given_by, since_ms);
}

void
ledger_ask_consent(struct ledger *l, const char *agency, const char *kind, const char *value,
		   const char *mailbox, int64_t since_ms)
{
	sql_do(l->sql, Q_ASK_CONSENT, "tttti", agency, kind, value, mailbox, since_ms);
}

void
ledger_unconsent(struct ledger *l, const char *agency, const char *kind, const char *value,
		 const char *mailbox)
{
	sql_do(l->sql, Q_UNCONSENT, "tttt", agency, kind, value, mailbox);
}

bool
ledger_has_consent(struct ledger *l, const char *agency, const char *kind, const char *value,
		   const char *mailbox)
{
	sql_bind(l->sql, Q_HAS_CONSENT, "tttt", agency, kind, value, mailbox);
	return has_row(l, Q_HAS_CONSENT);
}

void
ledger_each_consent(struct ledger *l, const char *agency,
		    void (*each)(void *ctx, const struct ledger_consent *c), void *ctx)
{
	struct ledger_consent c;

	sql_bind(l->sql, Q_CONSENTS, "t", agency);
	while (sql_next(l->sql, Q_CONSENTS)) {
		sql_text(l->sql, Q_CONSENTS, 0, c.given_by, sizeof c.given_by);
		sql_text(l->sql, Q_CONSENTS, 1, c.kind, sizeof c.kind);
		sql_text(l->sql, Q_CONSENTS, 2, c.value, sizeof c.value);
		sql_text(l->sql, Q_CONSENTS, 3, c.mailbox, sizeof c.mailbox);
		c.since_ms = sql_int(l->sql, Q_CONSENTS, 4);
		each(ctx, &c);
	}
}

/* What the query, bound, counts. */
static int64_t
counted(struct ledger *l, unsigned q)
{
	int64_t n;

	sql_next(l->sql, q);
	n = sql_int(l->sql, q, 0);
	sql_done(l->sql, q);
	return n;
}

/* --- exclusions --- */

void
ledger_add_exclusion(struct ledger *l, const char *from, const uint8_t route[static DIGEST_BYTES],
		     const char *mailbox, int64_t asked_ms)
{
	sql_do(l->sql, Q_EXCLUSION_ADD, "tdti", from, route, mailbox, asked_ms);
}

void
ledger_end_exclusion(struct ledger *l, const char *from, const uint8_t route[static DIGEST_BYTES])
{
	sql_do(l->sql, Q_EXCLUSION_END, "td", from, route);
}

void
ledger_each_exclusion(struct ledger *l, const char *from, const uint8_t route[static DIGEST_BYTES],
		      void (*each)(void *ctx, const char *mailbox, int64_t asked_ms), void *ctx)
{
	char mailbox[NAME_MAILBOX];

	sql_bind(l->sql, Q_EXCLUSIONS, "td", from, route);
	while (sql_next(l->sql, Q_EXCLUSIONS)) {
		sql_text(l->sql, Q_EXCLUSIONS, 0, mailbox, sizeof mailbox);
		each(ctx, mailbox, sql_int(l->sql, Q_EXCLUSIONS, 1));
	}
}

bool
ledger_is_exclusion(struct ledger *l, const char *from, const uint8_t route[static DIGEST_BYTES],
		    const char *mailbox)
{
	sql_bind(l->sql, Q_IS_EXCLUSION, "tdt", from, route, mailbox);
	return has_row(l, Q_IS_EXCLUSION);
}

void
ledger_trim_exclusions(struct ledger *l, const char *from, int64_t before_ms, int64_t max)
{
	sql_do(l->sql, Q_EXCLUSION_EXPIRE, "i", before_ms);
	sql_bind(l->sql, Q_EXCLUSION_COUNT, "t", from);
	for (int64_t n = counted(l, Q_EXCLUSION_COUNT); n > max;)
		n -= sql_do(l->sql, Q_EXCLUSION_OLDEST, "t", from);
}

void
ledger_exclude(struct ledger *l, const struct ledger_bundle *b,
	       const uint8_t route[static DIGEST_BYTES])
{
	sql_do(l->sql, Q_EXCLUDE, "itd", b->n, b->from, route);
}

bool
ledger_is_excluded(struct ledger *l, int64_t bundle, const char *mailbox)
{
	sql_bind(l->sql, Q_IS_EXCLUDED, "it", bundle, mailbox);
	return has_row(l, Q_IS_EXCLUDED);
}

/* --- expectations --- */

const char *
expectation_state_name(enum expectation_state s)
{
	static const char *const names[EXPECTATION_STATES] = {"open", "missed", "met", "withdrawn"};

	assert((unsigned)s < EXPECTATION_STATES);
	return names[s];
}

void
ledger_add_expectation(struct ledger *l, struct ledger_expectation *x)
{
	sql_do(l->sql, Q_EXPECTATION_ADD, "tttttiiii", x->id, x->mailbox, x->from, x->klass,
	       x->about, x->opened_by, x->opened_ms, x->due_ms, (int64_t)x->state);
	x->n = sql_last_id(l->sql);
}

void
ledger_set_expectation(struct ledger *l, const struct ledger_expectation *x)
{
	sql_do(l->sql, Q_EXPECTATION_SET, "iiiiii", (int64_t)x->state, x->opened_seq, x->missed_seq,
	       x->met_seq, x->met_by, x->n);
}

static void
expectation_row(struct ledger *l, unsigned q, struct ledger_expectation *x)
{
	struct sql *s = l->sql;

	*x = (struct ledger_expectation){.n = sql_int(s, q, 0)};
	sql_text(s, q, 1, x->id, sizeof x->id);
	sql_text(s, q, 2, x->mailbox, sizeof x->mailbox);
	sql_text(s, q, 3, x->from, sizeof x->from);
	sql_text(s, q, 4, x->klass, sizeof x->klass);
	sql_text(s, q, 5, x->about, sizeof x->about);
	x->opened_by = sql_int(s, q, 6);
	x->opened_ms = sql_int(s, q, 7);
	x->due_ms = sql_int(s, q, 8);
	x->state = (enum expectation_state)sql_int(s, q, 9);
	x->opened_seq = sql_int(s, q, 10);
	x->missed_seq = sql_int(s, q, 11);
	x->met_seq = sql_int(s, q, 12);
	x->met_by = sql_int(s, q, 13);
}

static bool
expectation_one(struct ledger *l, unsigned q, struct ledger_expectation *out)
{
	if (!sql_next(l->sql, q))
		return false;
	expectation_row(l, q, out);
	sql_done(l->sql, q);
	return true;
}

bool
ledger_expectation(struct ledger *l, const char *id, struct ledger_expectation *out)
{
	sql_bind(l->sql, Q_EXPECTATION_ID, "t", id);
	return expectation_one(l, Q_EXPECTATION_ID, out);
}

bool
ledger_expectation_at(struct ledger *l, int64_t n, struct ledger_expectation *out)
{
	sql_bind(l->sql, Q_EXPECTATION_N, "i", n);
	return expectation_one(l, Q_EXPECTATION_N, out);
}

static void
each_expectation(struct ledger *l, unsigned q,
		 void (*each)(void *ctx, const struct ledger_expectation *x), void *ctx)
{
	struct ledger_expectation x;

	while (sql_next(l->sql, q)) {
		expectation_row(l, q, &x);
		each(ctx, &x);
	}
}

void
ledger_each_expected(struct ledger *l, const char *klass, uint32_t limit,
		     void (*each)(void *ctx, const struct ledger_expectation *x), void *ctx)
{
	sql_bind(l->sql, Q_EXPECTED, "ti", klass, (int64_t)limit);
	each_expectation(l, Q_EXPECTED, each, ctx);
}

void
ledger_each_expectation(struct ledger *l, const char *mailbox, uint32_t limit,
			void (*each)(void *ctx, const struct ledger_expectation *x), void *ctx)
{
	sql_bind(l->sql, Q_EXPECTATIONS, "ti", mailbox, (int64_t)limit);
	each_expectation(l, Q_EXPECTATIONS, each, ctx);
}

int64_t
ledger_count_expectations(struct ledger *l, const char *mailbox)
{
	sql_bind(l->sql, Q_EXPECTATION_COUNT, "t", mailbox);
	return counted(l, Q_EXPECTATION_COUNT);
}
