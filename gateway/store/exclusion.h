/* exclusion.h - whom a sender left out on purpose. Exclusions are not in the manifest (that would
 * tell them to the recipients): the store remembers what a sender asked a route for, so that it
 * does not demand at the bundle whom the sender excluded, and nobody tells an excluded mailbox of
 * the bundle. All of it is rows of the ledger. */
#ifndef SAFEHAND_STORE_EXCLUSION_H
#define SAFEHAND_STORE_EXCLUSION_H

#include "frame/msg.h"
#include "store/ledger_deadline.h"

/* What a sender asked for: the same class and case, in any order of its pseudonyms. */
struct exclusion {
	char from[NAME_MAILBOX];
	uint8_t route[DIGEST_BYTES];
	struct fact_name *mailbox; /* heap; exclusion_clear */
	size_t n;
};

/* about, exclude: struct fact_name, as in the messages. */
void exclusion_init(struct exclusion *x, const char *from, const char *klass,
		    const struct list *about, const struct list *exclude);
void exclusion_clear(struct exclusion *x);

/* Is just this remembered, and need not be written again? */
bool exclusion_is_kept(struct ledger *l, const struct exclusion *x, int64_t now_ms);
/* Inside a group's change: in place of what the sender asked for before. What is older than
 * EXCLUSION_KEPT_MS is forgotten, and the oldest of a sender that has more than EXCLUSIONS_MAX. */
void exclusion_keep(struct ledger *l, const struct exclusion *x, int64_t now_ms);

bool exclusion_has(struct ledger *l, const char *from, const char *klass, const struct list *about,
		   const char *mailbox);
/* Inside the acceptance, its deliveries written: whom the sender excluded is so for this bundle
 * from now on, whatever is asked later; a recipient of it is not. */
void exclusion_accept(struct ledger *l, const struct ledger_bundle *b, const struct list *about);
/* Is the mailbox not to be told of what is owed? Of an expectation: as the bundle that opened it.
 */
bool exclusion_hides(struct ledger *l, const struct ledger_deadline *d, const char *mailbox);

#endif
