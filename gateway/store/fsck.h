/* fsck.h - walks the numbered facts of safehand-store(8) over all that is on disk: a slice of it
 * for each turn of the loop, so that the gateway goes on serving. What a group under way has
 * written and not committed is none of it. Fact 7 leaves nothing on disk to look at. */
#ifndef SAFEHAND_STORE_FSCK_H
#define SAFEHAND_STORE_FSCK_H

#include "store/store.h"

/* json: one object, what was looked at and what is wrong; the caller's to read, until it returns.
 */
typedef void fsck_done(void *ctx, const struct buf *json);

/* Begins; done is called from the loop, unless the store ends before. deep: every payload in a file
 * of its own is read and compared with its digest, last of all. ERR_BUSY: one is under way. */
int fsck_start(struct store *s, bool deep, fsck_done *done, void *ctx, struct err *e)
    __attribute__((warn_unused_result));
/* Gives up what is under way, without a word. */
void fsck_stop(struct store *s);
/* Is one under way? How many bytes of payloads it has read, of how many (as far as it knows). */
bool fsck_progress(const struct store *s, uint64_t *done, uint64_t *total);
/* All of it at once, but not deep; appended. */
void fsck_json(struct store *s, struct buf *json);

#endif
