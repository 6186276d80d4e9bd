/* outbox.h - what goes to mailboxes' contacts outside of the gateway, by the courier. */
#ifndef SAFEHAND_STORE_OUTBOX_H
#define SAFEHAND_STORE_OUTBOX_H

#include "safehand/notice.h"
#include "store/store.h"

struct outbox;

struct outbox *outbox_new(void);
void outbox_free(struct outbox *o); /* NULL is fine */

/* Inside apply: a row for each address that the mailbox has; none if it has none. */
void outbox_add(struct store *s, int64_t deadline, const char *mailbox, const struct notice *n);
/* Hands to the courier what is committed and not yet handed over: all of it after a start, since
 * twice is better than never. */
void outbox_tick(struct store *s);
/* The courier's word: an entry, and if it failed the deadline's next in line hears of it. */
void outbox_take_notified(void *env, struct chan *ch, const void *msg, int fd);

#endif
