/* board.h - what is owed, by whom, to whom, since when: for mailboxes, senders and safehandctl. */
#ifndef SAFEHAND_STORE_BOARD_H
#define SAFEHAND_STORE_BOARD_H

#include "store/reply.h"
#include "store/store.h"

#define BOARD_ITEMS_MAX 500 /* of one answer, the most urgent */

/* What the mailbox owes, and what is owed to it; most urgent first. */
void board_answer(struct store *s, const struct asker *a, const char *mailbox);
/* {"items":[…]}: all that is overdue, or that the mailbox (NULL: all) owes. Appends. */
void board_json(struct store *s, const char *mailbox, uint32_t limit, struct buf *json);
/* "deadlines":[…] of a bundle: those of one mailbox, or, NULL, of its sender. Appends. */
void board_bundle_json(struct store *s, int64_t bundle, const char *mailbox, struct buf *json);

#endif
