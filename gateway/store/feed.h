/* feed.h - a mailbox's feed, and those who wait for its next item. */
#ifndef SAFEHAND_STORE_FEED_H
#define SAFEHAND_STORE_FEED_H

#include "store/reply.h"
#include "store/store.h"

#define FEED_ITEMS_MAX 200 /* of one answer; the next one goes on behind it */
#define FEED_WAIT_MAX  300 /* seconds */

struct waiters *waiters_new(void);
void waiters_free(struct waiters *w); /* without an answer */
size_t waiters_count(const struct waiters *w);

/* Answers at once if there is something behind `after`, or if wait_s is 0; else when there is, or
 * when the time is over. The asker's right to the mailbox is settled. */
void feed_ask(struct store *s, const struct asker *a, const char *mailbox, uint64_t after,
	      uint64_t wait_s);
/* The mailbox has news: those who wait for it are answered. */
void feed_wake(struct store *s, const char *mailbox);
/* The asker left; false if it did not wait. */
bool feed_cancel(struct store *s, const struct asker *a);
/* All who wait are answered now: the store stops. */
void feed_dismiss(struct store *s);

#endif
