/* deadline.h - what is owed: opened, closed, and each step of its ladder taken when its time comes.
 * All of it is rows of the ledger; nothing but their count is kept in memory. */
#ifndef SAFEHAND_STORE_DEADLINE_H
#define SAFEHAND_STORE_DEADLINE_H

#include "frame/msg.h"
#include "safehand/policy.h"
#include "store/ledger_deadline.h"
#include "store/store.h"

/* --- inside apply of a group's change --- */

/* At the acceptance of a bundle, its rows written: opens what its recipients owe (collect, read,
 * answer, each action of theirs) and, of a provisional one, the final that its sender owes. Closes
 * what this bundle is the answer to: the FINAL of each bundle before it on the line of `supersedes`
 * (if it is a final itself), the ANSWER to the bundle that it is a reply to. */
void deadline_open_bundle(struct store *s, const struct ledger_bundle *b,
			  const struct msg_facts_head *facts, const struct policy_class *klass);
/* The cover's slot is released: from now on it owes as a recipient does. klass NULL: the class is
 * gone from the policy, nothing is owed. */
void deadline_open_cover(struct store *s, const struct ledger_bundle *b,
			 const struct ledger_delivery *cover, const struct policy_class *klass);
/* A bundle of the class is to arrive from `from` by due. expectation: its row; mailbox: who expects
 * it. Returns the deadline's number. */
struct deadline_expected {
	int64_t expectation;
	const char *mailbox, *from;
	int64_t start_ms, due_ms;
	const struct ladder *ladder;
};
int64_t deadline_open_expectation(struct store *s, const struct deadline_expected *x);

/* The mailbox said so in a statement: closes what it owed, and the same of its cover, or of whom it
 * covers. ContentHandover closes COLLECT, Read that and READ, Answer both and ANSWER or, by a code
 * "done:3", "declined:3", that ACTION; where a bundle of a class must answer, only "declined" does.
 * What is not open is no error: an event may come after the end, or nothing was owed. An answer
 * keeps the bundle longer where its class says so. */
void deadline_said(struct store *s, const struct ledger_bundle *b, const struct ledger_delivery *d,
		   enum entry_event event, const char *code);
/* The bundle is of no use any more: what its recipients owe ends. why: SUPERSEDED, WITHDRAWN,
 * PURGED; only WITHDRAWN ends the FINAL that its sender owes. */
void deadline_close_bundle(struct store *s, const struct ledger_bundle *b, enum deadline_state why);
/* The mailbox is away until then: what it owes before goes to its cover at once. */
void deadline_cover_now(struct store *s, const char *mailbox, int64_t until_ms);
/* why: MET, WITHDRAWN. */
void deadline_close_expectation(struct store *s, int64_t expectation, enum deadline_state why);

/* --- time --- */

struct ladders *ladders_new(struct store *s); /* the ledger is open */
void ladders_free(struct ladders *l);	      /* NULL is fine */
/* Takes the steps whose time has come, in bounded batches, and arms the timer for the next one.
 * Called after each commit that changed a deadline, by the timer, and at each tick: the clock may
 * have been set. */
void deadline_tick(struct store *s);

/* For status and metrics. */
void deadline_counts(const struct store *s, int64_t *open, int64_t *overdue);

#endif
