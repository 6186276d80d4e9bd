/* calendar.h - when a mailbox is open: working days, school days, office hours, in its own time
 * zone. iCalendar (RFC 5545) is read once, by whoever checks the configuration; what is computed
 * with is the compiled form, which is pure text. Used by: safehandd (compiles), store (computes),
 * tests. */
#ifndef SAFEHAND_CALENDAR_H
#define SAFEHAND_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"

#define CALENDAR_NAME 64 /* bytes of a calendar's name, NUL included */
#define CALENDAR_FILE_MAX                                                                          \
	(4 * 1024 * 1024)	 /* bytes of one iCalendar file: a century of closed days */
#define CALENDAR_DAYS_MAX  20000 /* closed or term days of one calendar: 50 years */
#define CALENDAR_FIRST_DAY 18262 /* 2020-01-01, days since 1970: nothing before is judged */
#define CALENDAR_LAST_DAY  36524 /* 2069-12-31: nothing after is judged */

#define CALENDAR_WARN_DAYS                                                                         \
	90 /* days before its dates end that it is warned of: a term to get the next ones */

enum calendar_day { CALENDAR_WORKING, CALENDAR_SCHOOL };

struct calendar; /* compiled; immutable */

/* An iCalendar file: its name stands in sentences. */
struct calendar_file {
	const char *name;
	struct buf text;
};

/* What a section [calendar "…"] says. */
struct calendar_source {
	const char *name, *zone; /* IANA zone: "Europe/London", "UTC" */
	const char *week;	 /* "mon-fri", "mon-sat", "mon-sun" */
	const char *hours;	 /* "HH:MM-HH:MM", "00:00-24:00": the whole day */
	const struct calendar_file *closed, *terms;
	size_t nclosed, nterms;
};

/* Compiles. ERR_CONFIG, the sentence naming FILE:LINE of the event: malformed, no event in it, no
 * day of it within FIRST..LAST, an RRULE without COUNT or UNTIL, one that repeats more often than
 * daily, an unknown zone, hours that end before they begin, more than CALENDAR_DAYS_MAX days.
 * Events of whole days (VALUE=DATE) close (or, of terms, open) each of their days, RRULE, RDATE,
 * EXDATE, changed occurrences (RECURRENCE-ID) and multi-day events included; events with times
 * close those hours, and a day whose office hours are all closed is a closed day. Reads the
 * system's zone files (tzdata). */
int calendar_compile(const struct calendar_source *src, struct calendar **out, struct err *e)
    __attribute__((warn_unused_result));

/* The compiled text, and back. calendar_parse is strict and pure: ERR_FORMAT naming the line. It
 * reads one calendar from the start of text and says how many bytes it took. */
void calendar_format(const struct calendar *c, struct buf *text);
int calendar_parse(const void *text, size_t len, size_t *taken, struct calendar **out,
		   struct err *e) __attribute__((warn_unused_result));
void calendar_free(struct calendar *c); /* NULL is fine */
const char *calendar_name(const struct calendar *c);

/* Always open, every day, in UTC: of mailboxes without a calendar. Static. */
const struct calendar *calendar_always(void);

/* Local date (days since 1970-01-01) and minute of the day of an instant. */
int64_t calendar_local_day(const struct calendar *c, int64_t at_ms, int *minute);
/* The instant of a local wall time; minute 0..1440. A time that does not exist (spring) gives the
 * first instant after the gap; one that exists twice its first. */
int64_t calendar_instant(const struct calendar *c, int64_t day, int minute);
bool calendar_has_terms(const struct calendar *c);
/* Is that local day one of the kind? Days outside FIRST..LAST are none. */
bool calendar_is_day(const struct calendar *c, int64_t day, enum calendar_day kind);
/* Opening and close of an open day in minutes, after its closed hours are taken off the ends. */
void calendar_hours(const struct calendar *c, int64_t day, int *from, int *to);
/* The first day of the kind that is >= day; -1: none before LAST. */
int64_t calendar_next_day(const struct calendar *c, int64_t day, enum calendar_day kind);
/* The last local day of which the calendar's dates speak: of WORKING the last one of the year of
 * its last closed day or hours, of SCHOOL its last day in term; -1: it has no such dates. */
int64_t calendar_known_until(const struct calendar *c, enum calendar_day kind);
/* Are less than CALENDAR_WARN_DAYS left of that? Without such dates none come to an end. */
bool calendar_is_ending(const struct calendar *c, enum calendar_day kind, int64_t now_ms);
/* Is there any open time in [from_ms, to_ms)? Open: inside the hours of a school day if the
 * calendar has terms, else of a working day. */
bool calendar_open_between(const struct calendar *c, int64_t from_ms, int64_t to_ms);

#endif
