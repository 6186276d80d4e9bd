/* lane.h - a SHA-256 taken aside: a thread digests what was added, in its order, while the one who
 * adds goes on with other work. For clients with much to digest, not for the gateway. */
#ifndef SAFEHAND_LANE_H
#define SAFEHAND_LANE_H

#include <stddef.h>
#include <stdint.h>

#include "safehand/limits.h"

struct lane; /* used by one thread */

/* No thread, and no memory for it, before LANE_ALONE bytes have come: fewer are digested by the
 * caller. Ends the process if the library has no SHA-256. */
struct lane *lane_new(void);
/* NULL is fine. What was added and not yet digested is dropped. */
void lane_free(struct lane *l);
/* n bytes more. They are copied: p is the caller's again. Waits while LANE_WAITING bytes wait. */
void lane_add(struct lane *l, const void *p, size_t n);
/* The digest of all that was added; l may go on taking bytes. */
void lane_get(struct lane *l, uint8_t out[static DIGEST_BYTES]);

#define LANE_ALONE   (1024 * 1024) /* bytes: digested sooner than a thread is there */
#define LANE_WAITING (1024 * 1024) /* bytes: few waits of one for the other */

#endif
