/* calendar_in.h - the compiled form of a calendar, for calendar.c, calendar_text.c and the door to
 * libical; not a public header. */
#ifndef LIB_CALENDAR_IN_H
#define LIB_CALENDAR_IN_H

#include "safehand/calendar.h"
#include "safehand/zone.h"

#define DAY_MINUTES   1440
#define CALENDAR_DAYS (CALENDAR_LAST_DAY - CALENDAR_FIRST_DAY + 1)
#define SHUTS_MAX     20000 /* parts of days: as many as a calendar may have days */
/* What of the zone is kept: all local days of the calendar, wherever on earth, and the times about
 * them. */
#define ZONE_FROM ((CALENDAR_FIRST_DAY - 2) * INT64_C(86400))
#define ZONE_TO	  ((CALENDAR_LAST_DAY + 2) * INT64_C(86400))

/* Closed hours of a day: minutes, within its office hours and never all of them. */
struct shut {
	int32_t day;
	int16_t from, to;
};

struct calendar {
	char name[CALENDAR_NAME], zone_name[ZONE_NAME];
	struct zone zone;
	unsigned week; /* of open days: 5, 6 or 7 from Monday on */
	int from, to;  /* office hours, minutes */
	bool has_terms;
	bool closed[CALENDAR_DAYS], term[CALENDAR_DAYS]; /* by day - CALENDAR_FIRST_DAY */
	struct shut *shut; /* heap; by day and minute, none touching another */
	size_t nshut;
};

bool calendar_is_name(const char *name);
/* "mon-fri" … as 5, 6, 7; 0: none of them. And back. */
unsigned calendar_week_parse(const char *text);
const char *calendar_week_name(unsigned week);
/* "HH:MM-HH:MM" with the end after the beginning, up to 24:00; -1. */
int calendar_hours_parse(const char *text, int *from, int *to);

#endif
