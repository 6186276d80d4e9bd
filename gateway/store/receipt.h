/* receipt.h - signed statements: what a recipient says it did, and what it gets for it. */
#ifndef SAFEHAND_STORE_RECEIPT_H
#define SAFEHAND_STORE_RECEIPT_H

#include "store/reply.h"
#include "store/store.h"

struct receipts;

struct receipts *receipts_new(void);
void receipts_free(struct receipts *r);
/* Front's message, for the role's table; ctx is struct role_env whose state is the store. */
void receipt_take(void *env, struct chan *ch, const void *msg, int fd);
/* The client left: a statement that is being checked is recorded all the same, and not answered. */
void receipt_cancel(struct store *s, const struct asker *a);

#endif
