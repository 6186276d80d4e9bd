/* room.h - memory for a secret: locked where the user's limit allows, in no core, wiped. Runs in:
 * roles that are given secrets. */
#ifndef FRAME_ROOM_H
#define FRAME_ROOM_H

#include "safehand/buf.h"

/* An empty buffer with room for n bytes, which must not grow beyond them. Ends the process without
 * memory. */
void room_new(struct buf *b, size_t n);
/* Wiped and given back, {0} after; {0} is fine. */
void room_drop(struct buf *b);

#endif
