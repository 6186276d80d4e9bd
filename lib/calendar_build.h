/* calendar_build.h - a calendar that is being compiled, for calendar_build.c and the door to
 * libical; not a public header. */
#ifndef LIB_CALENDAR_BUILD_H
#define LIB_CALENDAR_BUILD_H

#include "calendar_in.h"

struct calendar_build {
	struct calendar *c; /* its shut: as they came, until all have */
	size_t days;	    /* of this file that lie within the calendar's */
	size_t total;	    /* of all files, wherever they lie */
};

/* Days are closed, or belong to a term. -1: too many. */
int calendar_build_days(struct calendar_build *b, bool is_term, int64_t first, int64_t n);
/* Hours are closed, from and to an instant in seconds. -1: too many. */
int calendar_build_hours(struct calendar_build *b, int64_t from, int64_t to);
/* A zone of the system by its name. ERR_CONFIG. */
int calendar_build_zone(const char *name, struct zone *out, struct err *e);

/* calendar_ical.c: takes the events of a file. ERR_CONFIG "file:line: ...". */
int calendar_ical_take(struct calendar_build *b, const struct calendar_file *file, bool is_terms,
		       struct err *e);

#endif
