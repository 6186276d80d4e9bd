/* subscription.h - which mailboxes are to hear of which classes, children, households. */
#ifndef SAFEHAND_STORE_SUBSCRIPTION_H
#define SAFEHAND_STORE_SUBSCRIPTION_H

#include "store/reply.h"
#include "store/store.h"

/* The mailbox's own. The asker's right to it is settled, in both. */
void subscription_list(struct store *s, const struct asker *a, const char *mailbox);
/* kind: class, child, household. Durable before the answer; repeating is harmless. ERR_USAGE: not a
 * kind, or not a value of it; ERR_UNKNOWN: no such class, or no such subscription to end. */
void subscription_change(struct store *s, const struct asker *a, const char *mailbox,
			 const char *kind, const char *value, bool subscribe);

#endif
