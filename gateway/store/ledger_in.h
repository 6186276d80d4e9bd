/* ledger_in.h - the ledger's insides, shared by ledger.c (bundles, deliveries, mailboxes) and
 * ledger_log.c (entries, tree, checkpoints and what else is written once). */
#ifndef SAFEHAND_STORE_LEDGER_IN_H
#define SAFEHAND_STORE_LEDGER_IN_H

#include "store/ledger.h"
#include "store/sql.h"

struct ledger {
	struct sql *sql;
};

enum query {
	Q_VALUE_SET,
	Q_VALUE,
	Q_VALUE_END,
	Q_VALUES,
	Q_AGENCY_ADD,
	Q_AGENCY,
	Q_MAILBOX_ADD,
	Q_MAILBOX_N,
	Q_MAILBOX_COUNT,
	Q_MAILBOXES,
	Q_BUNDLE_ADD,
	Q_BUNDLE_ID,
	Q_BUNDLE_QUIETLY,
	Q_BUNDLE_N,
	Q_BUNDLE_STATE,
	Q_BUNDLES,
	Q_PURGE_DUE,
	Q_ERASE_DUE,
	Q_DELIVERY_ADD,
	Q_DELIVERY,
	Q_DELIVERY_STATE,
	Q_DELIVERY_OPENED,
	Q_DELIVERY_CONTENT,
	Q_DELIVERY_WAITING,
	Q_DELIVERIES,
	Q_IS_RECIPIENT,
	Q_ENTRY_ADD,
	Q_ENTRY,
	Q_LINE,
	Q_ENTRY_FIND,
	Q_FETCH_LAST,
	Q_ENTRY_EXPECTED,
	Q_ENTRIES,
	Q_FEED,
	Q_HASH_ADD,
	Q_HASH,
	Q_CHECKPOINT_ADD,
	Q_CHECKPOINT_LAST,
	Q_CHECKPOINT_AT,
	Q_STAMP_ADD,
	Q_STATEMENT_ADD,
	Q_STATEMENT,
	Q_ROSTER_ADD,
	Q_ROSTER_LAST,
	Q_SUBSCRIBE,
	Q_UNSUBSCRIBE,
	Q_SUBSCRIPTIONS,
	Q_SUBSCRIBERS,
	Q_QUARANTINE,
	Q_UNQUARANTINE,
	Q_IS_QUARANTINED,
	Q_AUDIT,
	Q_REPORT,
	Q_QUARANTINED,
	Q_ABOUT_ADD,
	Q_ABOUTS,
	Q_IS_ABOUT,
	Q_SUPERSEDED,
	Q_FLAG_ADD,
	Q_FLAG_END,
	Q_FLAGS,
	Q_CONSENT,
	Q_ASK_CONSENT,
	Q_UNCONSENT,
	Q_HAS_CONSENT,
	Q_CONSENTS,
	Q_EXCLUSION_ADD,
	Q_EXCLUSION_END,
	Q_EXCLUSIONS,
	Q_IS_EXCLUSION,
	Q_EXCLUSION_EXPIRE,
	Q_EXCLUSION_COUNT,
	Q_EXCLUSION_OLDEST,
	Q_EXCLUDE,
	Q_IS_EXCLUDED,
	Q_EXPECTATION_ADD,
	Q_EXPECTATION_SET,
	Q_EXPECTATION_ID,
	Q_EXPECTATION_N,
	Q_EXPECTED,
	Q_EXPECTATIONS,
	Q_EXPECTATION_COUNT,
	Q_TOTALS,
	Q_RECOUNT_AGENCIES,
	Q_RECOUNT_MAILBOXES,
	/* ledger_deadline.c */
	Q_LADDER_FIND,
	Q_LADDER_ADD,
	Q_LADDER,
	Q_DEADLINE_ADD,
	Q_DEADLINE,
	Q_DEADLINE_SET,
	Q_DEADLINE_NEXT,
	Q_DEADLINE_COUNT,
	Q_DEADLINES_BUNDLE,
	Q_DEADLINES_EXPECTATION,
	Q_DEADLINES_DUE,
	Q_OWED_BY,
	Q_OWED_TO,
	Q_OVERDUE,
	Q_BUNDLE_PURGE,
	Q_AWAY_SET,
	Q_AWAY_END,
	Q_AWAY,
	Q_OUTBOX_ADD,
	Q_OUTBOX,
	Q_OUTBOX_NEXT,
	Q_OUTBOX_END,
	QUERIES
};

extern const struct sql_schema ledger_schema;

/* Columns of a bundle's and of an entry's part of a row. */
#define COLUMNS_BUNDLE 21
#define COLUMNS_ENTRY  9

/* The row of query q from column c on. */
void ledger_bundle_row(struct sql *s, unsigned q, int c, struct ledger_bundle *out);
void ledger_delivery_row(struct sql *s, unsigned q, int c, struct ledger_delivery *out);
/* The number of a mailbox, made if there is none. */
int64_t ledger_mailbox(struct ledger *l, const char *name);

/* The entry that starts at this column. */
void ledger_entry_row(struct sql *s, unsigned q, int c, struct ledger_entry *out);
const char *ledger_or_null(const char *s); /* NULL as what binds as NULL */

#endif
