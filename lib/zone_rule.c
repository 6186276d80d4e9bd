/* zone_rule.c - the rule of a time zone for the years to come: "GMT0BST,M3.5.0/1,M10.5.0" (POSIX.1
 * section 8.3, RFC 8536 section 3.3). Runs in: master. Pure. Trusts: no byte of it. */
#include <string.h>

#include "safehand/time.h"
#include "zone_in.h"

#define DAY 86400 /* seconds */

enum date_form { JULIAN, ZERO_BASED, MONTH_WEEK };

/* A day of each year and a time on it. */
struct rule_date {
	enum date_form form;
	int day; /* JULIAN 1..365 without 29 February, ZERO_BASED 0..365, or 0..6 (Sunday 0) */
	int month, week; /* MONTH_WEEK: 1..12, 1..5 (the last) */
	int32_t time;	 /* seconds of local time, may be negative or beyond the day */
};

struct rule {
	int32_t standard, summer; /* seconds east of UTC */
	bool has_summer;
	struct rule_date start, end;
};

/* --- reading: each takes its part off the text --- */

static bool
take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static int
take_number(const char **p, int min, int max, int *out)
{
	int v = 0, digits = 0;

	for (; **p >= '0' && **p <= '9' && digits < 4; (*p)++, digits++)
		v = v * 10 + (**p - '0');
	*out = v;
	return digits > 0 && v >= min && v <= max ? 0 : -1;
}

/* "EST" or "<+0330>": its letters are of no use to us. */
static int
take_name(const char **p)
{
	const char *start = *p;

	if (take_char(p, '<')) {
		while (**p != '\0' && **p != '>')
			(*p)++;
		return take_char(p, '>') ? 0 : -1;
	}
	while ((**p >= 'A' && **p <= 'Z') || (**p >= 'a' && **p <= 'z'))
		(*p)++;
	return *p - start >= 3 ? 0 : -1;
}

/* [+-]hh[:mm[:ss]] */
static int
take_time(const char **p, int hours, int32_t *out)
{
	int sign = 1, h, m = 0, s = 0;

	if (take_char(p, '-'))
		sign = -1;
	else
		(void)take_char(p, '+');
	if (take_number(p, 0, hours, &h) < 0)
		return -1;
	if (take_char(p, ':')) {
		if (take_number(p, 0, 59, &m) < 0)
			return -1;
		if (take_char(p, ':') && take_number(p, 0, 59, &s) < 0)
			return -1;
	}
	*out = sign * (h * 3600 + m * 60 + s);
	return 0;
}

static int
take_date(const char **p, struct rule_date *d)
{
	d->time = 2 * 3600;
	if (take_char(p, 'M')) {
		d->form = MONTH_WEEK;
		if (take_number(p, 1, 12, &d->month) < 0 || !take_char(p, '.') ||
		    take_number(p, 1, 5, &d->week) < 0 || !take_char(p, '.') ||
		    take_number(p, 0, 6, &d->day) < 0)
			return -1;
	} else {
		d->form = take_char(p, 'J') ? JULIAN : ZERO_BASED;
		if (take_number(p, d->form == JULIAN, 365, &d->day) < 0)
			return -1;
	}
	return take_char(p, '/') ? take_time(p, 167, &d->time) : 0;
}

static int
rule_parse(const char *p, struct rule *r)
{
	int32_t west;

	*r = (struct rule){0};
	if (take_name(&p) < 0 || take_time(&p, 24, &west) < 0)
		return -1;
	r->standard = r->summer = -west;
	if (*p == '\0')
		return 0;
	r->has_summer = true;
	r->summer = r->standard + 3600;
	if (take_name(&p) < 0)
		return -1;
	if (*p != ',') {
		if (take_time(&p, 24, &west) < 0)
			return -1;
		r->summer = -west;
	}
	if (!take_char(&p, ',') || take_date(&p, &r->start) < 0 || !take_char(&p, ',') ||
	    take_date(&p, &r->end) < 0)
		return -1;
	return *p == '\0' ? 0 : -1;
}

/* --- applying --- */

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t
first_day(int year, int month) /* days since 1970 */
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
	int y = year - 1;

	return 365LL * (year - 1970) + (y / 4 - y / 100 + y / 400) -
	       (1969 / 4 - 1969 / 100 + 1969 / 400) + before[month - 1] +
	       (month > 2 && is_leap(year));
}

/* Local seconds since 1970 at which the date falls in a year. */
static int64_t
date_in(const struct rule_date *d, int year)
{
	int64_t day = first_day(year, 1), next;

	if (d->form == ZERO_BASED)
		day += d->day;
	else if (d->form == JULIAN)
		day += d->day - 1 + (d->day > 59 && is_leap(year));
	else {
		day = first_day(year, d->month);
		next = first_day(year, d->month + 1);
		day += (d->day - (day + 4) % 7 + 7) % 7; /* 1970 began on a Thursday */
		day += 7LL * (d->week - 1);
		if (day >= next) /* "the fifth" is the last */
			day -= 7;
	}
	return day * DAY + d->time;
}

int
zone_rule_apply(const char *text, size_t len, int64_t last, int64_t from, int64_t to,
		struct zone *z, struct err *e)
{
	char copy[128];
	struct rule r;

	if (len == 0)
		return 0;
	if (len >= sizeof copy || memchr(text, 0, len) != NULL)
		return err_set(e, ERR_FORMAT, "a rule of %zu bytes", len);
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (rule_parse(copy, &r) < 0)
		return err_set(e, ERR_FORMAT, "%s: no rule", copy);
	if (!r.has_summer)
		return last <= to ? zone_add(z, last > from ? last : from, r.standard, from, e) : 0;
	for (int year = 1970; first_day(year, 1) * DAY <= to + 2 * DAY; year++) {
		struct zone_change a = {date_in(&r.start, year) - r.standard, r.summer};
		struct zone_change b = {date_in(&r.end, year) - r.summer, r.standard}, swap = a;

		if (b.at <= a.at)
			a = b, b = swap;
		if ((a.at > last && a.at <= to && zone_add(z, a.at, a.offset, from, e) < 0) ||
		    (b.at > last && b.at <= to && zone_add(z, b.at, b.offset, from, e) < 0))
			return -1;
	}
	return 0;
}
