/* ledger_oversight.c - the ledger asked across bundles: entries by who and when, deadlines by
 * whether they were kept. Runs in: store. Owns: nothing of its own. Trusts: the database. */
#include "store/ledger_in.h"

void
ledger_each_audited(struct ledger *l, const struct ledger_audit *a,
		    void (*each)(void *ctx, const struct ledger_entry *entry, const char *bundle,
				 const char *sender),
		    void *ctx)
{
	char bundle[UUID_TEXT], sender[NAME_MAILBOX];
	struct ledger_entry entry;

	sql_bind(l->sql, Q_AUDIT, "iiiitti", a->before, a->since_ms, a->until_ms, (int64_t)a->event,
		 ledger_or_null(a->mailbox), ledger_or_null(a->agency), (int64_t)a->limit);
	while (sql_next(l->sql, Q_AUDIT)) {
		ledger_entry_row(l->sql, Q_AUDIT, 0, &entry);
		sql_text(l->sql, Q_AUDIT, COLUMNS_ENTRY, bundle, sizeof bundle);
		sql_text(l->sql, Q_AUDIT, COLUMNS_ENTRY + 1, sender, sizeof sender);
		each(ctx, &entry, bundle, sender);
	}
}

void
ledger_each_report(struct ledger *l, enum ledger_report_by by, int64_t since_ms, int64_t until_ms,
		   int64_t now_ms, void (*each)(void *ctx, const struct ledger_report *r),
		   void *ctx)
{
	struct ledger_report r;

	sql_bind(l->sql, Q_REPORT, "iiii", since_ms, until_ms, now_ms, (int64_t)by);
	while (sql_next(l->sql, Q_REPORT)) {
		sql_text(l->sql, Q_REPORT, 0, r.who, sizeof r.who);
		r.kind = (uint32_t)sql_int(l->sql, Q_REPORT, 1);
		r.due = sql_int(l->sql, Q_REPORT, 2);
		r.in_time = sql_int(l->sql, Q_REPORT, 3);
		r.late = sql_int(l->sql, Q_REPORT, 4);
		r.by_other = sql_int(l->sql, Q_REPORT, 5);
		r.never = sql_int(l->sql, Q_REPORT, 6);
		r.mean_ms = sql_int(l->sql, Q_REPORT, 7);
		r.latest_ms = sql_int(l->sql, Q_REPORT, 8);
		each(ctx, &r);
	}
}
