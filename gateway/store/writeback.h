/* writeback.h - changes with many bytes wait here until these are on disk: one slice of them at a
 * time is waited for, and in between the loop goes on with everybody else. */
#ifndef SAFEHAND_STORE_WRITEBACK_H
#define SAFEHAND_STORE_WRITEBACK_H

#include <stdbool.h>
#include <stdint.h>

struct change;
struct event_base;
struct writeback;

/* What a slow disk takes in 10 ms. */
#define WRITEBACK_SLICE (1024 * 1024)

/* ready is told of each change when all its bytes are written. NULL: no memory for an event. */
struct writeback *writeback_new(struct event_base *base, void (*ready)(void *ctx, struct change *c),
				void *ctx);
void
writeback_free(struct writeback *w); /* changes and descriptors are their owners'; NULL is fine */
/* The first bytes of fd, which stays open until ready is told. A failure to write them ends the
 * process [7]. What the file system knows of the file (its length, where it lies) is not yet on
 * disk then: that is for the sync of the group. */
void writeback_add(struct writeback *w, struct change *c, int fd, uint64_t bytes);
bool writeback_is_idle(const struct writeback *w);

#endif
