/* step.h - one step of a ladder: which is next, what it tells, what it writes. */
#ifndef SAFEHAND_STORE_STEP_H
#define SAFEHAND_STORE_STEP_H

#include "store/ledger_deadline.h"
#include "store/store.h"
#include "store/subject.h"

/* Beside the ladder's own: that a notification about the deadline could not be delivered. Goes
 * before them. */
#define STEP_UNDELIVERED LADDER_MAX

/* When the next step of an open deadline is due, and which it is (index may be NULL);
 * DEADLINE_NEVER: none is left. Pure. */
int64_t step_time(const struct ledger_deadline *d, const struct ladder *l, unsigned *index);
/* "cover", "notify csc/duty", "overdue". Pure. */
#define STEP_TEXT (NAME_MAILBOX + 16)
void step_name(const struct ladder *l, unsigned index, char out[static STEP_TEXT]);

/* The part of its Escalation entry. Pure. */
int64_t step_part(const struct ledger_deadline *d, unsigned index);

/* The notice that goes out with the step; false: none. Reads only. */
bool step_notice(struct store *s, struct ledger *l, const struct ledger_deadline *d,
		 const struct ladder *ladder, unsigned index, struct notice *out);

/* A notice with the notary's signature. */
struct signed_notice {
	struct notice notice;
	struct buf text, signature;
};

/* Inside apply: entries, deliveries, notice, outbox; and d with its next step. n: the notice that
 * step_notice asked for, NULL if none. ERR_STORAGE, ERR_BUSY: its bytes could not be put; nothing
 * was written then. */
int step_take(struct store *s, struct ledger_deadline *d, const struct ladder *l, unsigned index,
	      const struct signed_notice *n, struct err *e) __attribute__((warn_unused_result));

#endif
