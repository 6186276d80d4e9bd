/* ladder.h - the ladders of all deadlines: their texts by number, the timer, the steps under way.
 */
#ifndef SAFEHAND_STORE_LADDER_H
#define SAFEHAND_STORE_LADDER_H

#include "store/deadline.h"

/* A row was written: was NULL if it is new. Keeps the counts, and lets the next commit look at the
 * clock. */
void ladders_changed(struct store *s, const struct ledger_deadline *d,
		     const struct ledger_deadline *was);
/* After each commit: takes what came due, if a deadline changed. */
void ladders_committed(struct store *s);
/* The ladder of a deadline; the store's, for as long as it lives. */
const struct ladder *ladder_of(struct store *s, const struct ledger_deadline *d);
/* Nothing is taken any more: the store stops. */
void ladders_stop(struct store *s);

/* Of the notary: the notice that a step waits for, or that there will be none. */
void ladder_take_noticed(void *env, struct chan *ch, const void *msg, int fd);
void ladder_take_refused(struct store *s, const struct msg_refused *m);

#endif
