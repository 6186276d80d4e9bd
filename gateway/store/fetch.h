/* fetch.h - a mailbox fetches a bundle: manifest, signature and payload, without slots. Runs in:
 * store. */
#ifndef STORE_FETCH_H
#define STORE_FETCH_H

#include "store/reply.h"
#include "store/store.h"

/* m: ASK_FETCH of a mailbox of the asker's own. */
void fetch_answer(struct store *s, const struct asker *a, const struct msg_ask *m);

#endif
