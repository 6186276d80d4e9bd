/* backup.h - what the store does while safehandctl copies the data folder: nothing is erased, and
 * the ledger's file stays as it is (what comes stands in its log). So the copy has the rows of that
 * moment and at least their bytes; what it has beside those is swept when a store starts on it. */
#ifndef SAFEHAND_STORE_BACKUP_H
#define SAFEHAND_STORE_BACKUP_H

#include "store/purge.h"

/* done, after a commit: from now on; refusal ERR_BUSY: another backup is being made, or ask again.
 */
void backup_begin(struct store *s, purge_done *done, void *ctx);
void backup_end(struct store *s);
/* Appends an object: size and note of the last checkpoint. */
void backup_json(struct store *s, struct buf *json);

/* A start on a folder that was restored: everything is checked before anything is served.
 * ERR_HISTORY: it does not hold. Afterwards it is a folder like any other. */
int backup_prove(struct store *s, struct err *e) __attribute__((warn_unused_result));

#endif
