/* zone.h - a time zone: the bytes of a TZif file (RFC 8536) as changes of the offset from UTC.
 * Pure. Used by: calendar (compiled by safehandd), tests. */
#ifndef SAFEHAND_ZONE_H
#define SAFEHAND_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/err.h"

#define ZONE_NAME	 64	     /* bytes of a name such as "Europe/London", NUL included */
#define ZONE_FILE_MAX	 (64 * 1024) /* bytes: the largest of the system's is under 4 KiB */
#define ZONE_CHANGES_MAX 512	     /* 50 years with four changes each (Ramadan), and room */
#define ZONE_OFFSET_MAX	 (26 * 3600) /* seconds either way (RFC 8536 section 3.2) */

struct zone_change {
	int64_t at;	/* seconds since 1970 */
	int32_t offset; /* seconds east of UTC from then on; another than before */
};

struct zone {
	int32_t first; /* offset before the first change */
	struct zone_change change[ZONE_CHANGES_MAX];
	size_t n;
};

/* Is it a zone's name: letters, digits, + - _ in parts between single slashes? It can name no file
 * outside of its folder. */
bool zone_is_name(const char *name);
/* The changes within from..to (seconds), those after the last one of the file by its rule (POSIX TZ
 * string). ERR_FORMAT naming the part: version 1, leap seconds, lengths that do not add up, a rule
 * that is none. Pure. */
int zone_parse(const void *bytes, size_t len, int64_t from, int64_t to, struct zone *out,
	       struct err *e) __attribute__((warn_unused_result));
/* Seconds east of UTC at an instant (seconds since 1970). */
int32_t zone_offset(const struct zone *z, int64_t at);
/* The instant at which the zone's clock shows local (seconds as if it were UTC): the first of two;
 * for a time that is skipped the end of the gap. */
int64_t zone_instant(const struct zone *z, int64_t local);

#endif
