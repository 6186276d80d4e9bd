/* time.c - instants in milliseconds and their RFC 3339 text. Runs in: everything. Pure, but for the
 * two clocks. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "safehand/time.h"

static int64_t
clock_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
time_now_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t
time_mono_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

void
time_format(char out[static TIME_TEXT], int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	assert(ms >= TIME_MIN_MS && ms <= TIME_MAX_MS);
	gmtime_r(&t, &tm);
	strftime(out, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void
time_format_ms(char out[static TIME_TEXT], int64_t ms)
{
	time_format(out, ms);
	snprintf(out + 19, TIME_TEXT - 19, ".%03dZ", (int)(ms % 1000));
}

/* The n digits at s as a number, -1 if one is none. */
static int
digits(const char *s, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

/* The 19 characters "2026-11-22T21:04:05" as seconds since 1970. */
static int
parse_seconds(const char *s, int64_t *out)
{
	struct tm tm = {0}, back;
	int year = digits(s, 4), month = digits(s + 5, 2), day = digits(s + 8, 2);
	int hour = digits(s + 11, 2), minute = digits(s + 14, 2), second = digits(s + 17, 2);
	time_t t;

	if (s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':')
		return -1;
	if (year < 1970 || month < 1 || day < 1 || hour < 0 || hour > 23 || minute < 0 ||
	    minute > 59 || second < 0 || second > 59)
		return -1;
	tm.tm_year = year - 1900, tm.tm_mon = month - 1, tm.tm_mday = day;
	tm.tm_hour = hour, tm.tm_min = minute, tm.tm_sec = second;
	t = timegm(&tm);
	/* timegm normalises the 31st of February: then it was no date */
	if (gmtime_r(&t, &back) == NULL || back.tm_mon != month - 1 || back.tm_mday != day)
		return -1;
	*out = (int64_t)t;
	return 0;
}

int
time_parse(const char *text, int64_t *ms)
{
	int64_t seconds;

	if (strnlen(text, 21) != 20 || text[19] != 'Z' || parse_seconds(text, &seconds) < 0)
		return -1;
	*ms = seconds * 1000;
	return 0;
}

int
time_parse_ms(const char *text, int64_t *ms)
{
	int64_t seconds;
	int milli;

	if (strnlen(text, 25) != 24 || text[19] != '.' || text[23] != 'Z')
		return -1;
	milli = digits(text + 20, 3);
	if (milli < 0 || parse_seconds(text, &seconds) < 0)
		return -1;
	*ms = seconds * 1000 + milli;
	return 0;
}

int
date_parse(const char *text, int64_t *day)
{
	char midnight[TIME_TEXT];
	int64_t ms;

	if (strnlen(text, DATE_TEXT) != DATE_TEXT - 1)
		return -1;
	snprintf(midnight, sizeof midnight, "%sT00:00:00Z", text);
	if (time_parse(midnight, &ms) < 0)
		return -1;
	*day = ms / TIME_DAY_MS;
	return 0;
}

void
date_format(char out[static DATE_TEXT], int64_t day)
{
	char text[TIME_TEXT];

	time_format(text, day * TIME_DAY_MS);
	memcpy(out, text, DATE_TEXT - 1);
	out[DATE_TEXT - 1] = '\0';
}
