/* ahead.h - portions of bytes made ahead of need, by a thread, in their order. For bundle_extract.
 */
#ifndef AHEAD_H
#define AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/err.h"

#define AHEAD_BYTES    (64 * 1024) /* of a portion at most */
#define AHEAD_PORTIONS 8	   /* that are ready, at most */

struct ahead; /* used by one thread beside its own */

/* The next portion into out; *n: its bytes, 0 when there are no more; *mark goes with it. -1 is the
 * end, too. Called by the thread, one call after the other: what ctx leads to is the thread's until
 * ahead_stop. */
typedef int ahead_make(void *ctx, uint8_t *out, size_t *n, uint64_t *mark, struct err *e);

/* aside: by a thread, if there is one to be had; else each when it is asked for. */
struct ahead *ahead_new(ahead_make *make, void *ctx, bool aside);
/* The next portion: *p is good until the next call. At the end *n is 0, and again 0; what make
 * refused is refused, and again. */
int ahead_next(struct ahead *a, const uint8_t **p, size_t *n, uint64_t *mark, struct err *e)
    __attribute__((warn_unused_result));
/* Nothing more is made; ctx is the caller's again. Twice is fine. */
void ahead_stop(struct ahead *a);
void ahead_free(struct ahead *a); /* wipes what was made; NULL is fine */

#endif
