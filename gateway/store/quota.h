/* quota.h - what one agency may have stored and hand in, so that none takes the room of the others.
 * Asked before a byte is taken [10]. */
#ifndef SAFEHAND_STORE_QUOTA_H
#define SAFEHAND_STORE_QUOTA_H

#include "store/store.h"

/* One bundle more of so many bytes. 0: it may come, and is counted against the rate. Else
 * ERR_STORAGE (bytes, bundles, the disk's reserve) or ERR_BUSY (rate), and *after_s: seconds until
 * it may well be taken. resumed: it was counted when it began. */
int quota_take(struct store *s, const char *agency, const char *id, uint64_t bytes, bool resumed,
	       uint32_t *after_s, struct err *e) __attribute__((warn_unused_result));

struct rates; /* how fast each agency hands in; forgotten with the process */
struct rates *rates_new(void);
void rates_free(struct rates *r);

#endif
