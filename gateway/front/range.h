/* range.h - a Range field (RFC 9110 section 14): one range of bytes. Runs in: front. Pure. */
#ifndef FRONT_RANGE_H
#define FRONT_RANGE_H

#include <stddef.h>

#include "frame/range.h"

/* RANGE_ALL: none of ours (several ranges, another unit, malformed): the field is ignored. */
struct range range_parse(const char *p, size_t n);

#endif
