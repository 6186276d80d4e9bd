/* range.h - one byte range (RFC 9110 section 14). Runs in: front. Pure. */
#ifndef FRONT_RANGE_H
#define FRONT_RANGE_H

#include <stddef.h>
#include <stdint.h>

/* A Range field's value against total bytes. 1: *from, *count within total. 0: none of ours
 * (several ranges, another unit, malformed): the field is ignored. -1: cannot be satisfied (416).
 */
int range_parse(const char *p, size_t n, uint64_t total, uint64_t *from, uint64_t *count);

#endif
