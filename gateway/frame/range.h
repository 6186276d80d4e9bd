/* range.h - which part of a bundle is asked for: front reads it from the wire, the store, which
 * knows the bundle, cuts it out and keeps it in the log. Runs in: front, store. Pure. */
#ifndef FRAME_RANGE_H
#define FRAME_RANGE_H

#include <stdint.h>

enum range_kind {
	RANGE_ALL,
	RANGE_FROM, /* from byte a to byte b, both within */
	RANGE_LAST, /* the last a bytes */
	RANGE_KINDS
};

struct range {
	uint32_t kind;
	uint64_t a, b;
};

/* Of total bytes. 0: *from, *count within total, count at least one unless total is 0 and all of it
 * is asked for. -1: the range lies outside (416). */
int range_cut(const struct range *r, uint64_t total, uint64_t *from, uint64_t *count);

#endif
