/* ical_text.h - the outer form of an iCalendar file, before libical reads it; not a public header.
 */
#ifndef LIB_ICAL_TEXT_H
#define LIB_ICAL_TEXT_H

#include <stddef.h>

#include "safehand/err.h"

/* Is it lines of "NAME…:value" (RFC 5545 section 3.1) in UTF-8, in components that begin and end as
 * they should, VCALENDAR outermost? *events: the number of the line of each BEGIN:VEVENT, in order;
 * heap, the caller's, also on failure. ERR_CONFIG: "name:line: what". Pure. */
int ical_text_check(const char *name, const void *text, size_t len, size_t **events, size_t *n,
		    struct err *e);

#endif
