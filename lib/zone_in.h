/* zone_in.h - what zone.c and zone_rule.c share; not a public header. */
#ifndef LIB_ZONE_IN_H
#define LIB_ZONE_IN_H

#include "safehand/zone.h"

/* Adds a change, in order of time; one at or before from only says how it begins. */
int zone_add(struct zone *z, int64_t at, int32_t offset, int64_t from, struct err *e);
/* The rule of a TZif file's last line (POSIX TZ string, RFC 8536 section 3.3), for the time after
 * its last change. Empty: there is none. */
int zone_rule_apply(const char *text, size_t len, int64_t last, int64_t from, int64_t to,
		    struct zone *z, struct err *e);

#endif
