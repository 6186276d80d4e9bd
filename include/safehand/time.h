/* time.h - instants as int64_t milliseconds since 1970-01-01T00:00:00Z. Pure, but for time_now_ms.
 */
#ifndef SAFEHAND_TIME_H
#define SAFEHAND_TIME_H

#include <stddef.h>
#include <stdint.h>

#define TIME_TEXT   32			     /* room for either text form, NUL included */
#define TIME_MIN_MS INT64_C(0)		     /* 1970 */
#define TIME_MAX_MS INT64_C(253402300799999) /* the end of 9999 */

int64_t time_now_ms(void);  /* CLOCK_REALTIME */
int64_t time_mono_ms(void); /* CLOCK_BOOTTIME: for durations */
/* RFC 3339 in UTC: "2026-11-22T21:04:05Z" and "2026-11-22T21:04:05.412Z". ms within
 * TIME_MIN_MS..TIME_MAX_MS. */
void time_format(char out[static TIME_TEXT], int64_t ms);
void time_format_ms(char out[static TIME_TEXT], int64_t ms);
/* Exactly one of the two forms (upper-case T and Z, real calendar date, no leap second), else -1.
 */
int time_parse(const char *text, int64_t *ms);
int time_parse_ms(const char *text, int64_t *ms);

#define TIME_DAY_MS INT64_C(86400000)
#define DATE_TEXT   11 /* "2026-11-22" and the NUL */
/* A calendar date and its number of days since 1970-01-01, 1970 to 9999; -1 if it is none. */
int date_parse(const char *text, int64_t *day);
void date_format(char out[static DATE_TEXT], int64_t day);

#endif
