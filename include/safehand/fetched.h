/* fetched.h - what the code of a Fetched entry says: which bytes of a bundle left for whom the
 * entry names. An entry tells of a fetch that began
 * ("range:0-73833/73834@2026-11-22T21:04:06.412Z": first and last byte, and of how many, of what is
 * served: the bundle without its slots), or, later, of those that came after it from the same
 * certificate ("again:3:221502@…": how many, their bytes together, when the last of them began). */
#ifndef SAFEHAND_FETCHED_H
#define SAFEHAND_FETCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "safehand/entry.h"

struct fetched {
	bool again;
	uint64_t from, to, total; /* not again: from <= to < total */
	uint64_t times, bytes;	  /* again: one at least */
	int64_t at_ms;
};

void fetched_format(const struct fetched *in, char code[static ENTRY_CODE]);
/* The one form of it. ERR_FORMAT. Pure. */
int fetched_parse(const char *code, struct fetched *out, struct err *e)
    __attribute__((warn_unused_result));

#endif
