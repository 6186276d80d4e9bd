/* calendar.c - working days, school days, office hours of a compiled calendar. Runs in: store,
 * master. Owns: the calendar. Pure. */
#include <stdlib.h>
#include <string.h>

#include "calendar_in.h"
#include "safehand/name.h"
#include "safehand/time.h"

static const struct calendar always = {
    .name = "", .zone_name = "UTC", .week = 7, .from = 0, .to = DAY_MINUTES};

const struct calendar *
calendar_always(void)
{
	return &always;
}

void
calendar_free(struct calendar *c)
{
	if (c == NULL)
		return;
	free(c->shut);
	free(c);
}

const char *
calendar_name(const struct calendar *c)
{
	return c->name;
}

bool
calendar_has_terms(const struct calendar *c)
{
	return c->has_terms;
}

bool
calendar_is_name(const char *name)
{
	return name_is_class(name) && strlen(name) < CALENDAR_NAME;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t
calendar_local_day(const struct calendar *c, int64_t at_ms, int *minute)
{
	int64_t at = floor_div(at_ms, 1000), local = at + zone_offset(&c->zone, at);
	int64_t day = floor_div(local, 86400);

	if (minute != NULL)
		*minute = (int)((local - day * 86400) / 60);
	return day;
}

int64_t
calendar_instant(const struct calendar *c, int64_t day, int minute)
{
	return zone_instant(&c->zone, day * 86400 + minute * 60) * 1000;
}

bool
calendar_is_day(const struct calendar *c, int64_t day, enum calendar_day kind)
{
	int64_t i = day - CALENDAR_FIRST_DAY;

	if (i < 0 || i >= CALENDAR_DAYS)
		return false;
	if ((day + 3) % 7 >= c->week || c->closed[i]) /* 1970 began on a Thursday */
		return false;
	return kind == CALENDAR_WORKING || !c->has_terms || c->term[i];
}

int64_t
calendar_next_day(const struct calendar *c, int64_t day, enum calendar_day kind)
{
	for (day = day > CALENDAR_FIRST_DAY ? day : CALENDAR_FIRST_DAY; day <= CALENDAR_LAST_DAY;
	     day++)
		if (calendar_is_day(c, day, kind))
			return day;
	return -1;
}

/* The first closed hours of a day or of one after it. */
static size_t
first_shut(const struct calendar *c, int64_t day)
{
	size_t low = 0, high = c->nshut;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (c->shut[mid].day < day)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void
calendar_hours(const struct calendar *c, int64_t day, int *from, int *to)
{
	*from = c->from;
	*to = c->to;
	for (size_t i = first_shut(c, day); i < c->nshut && c->shut[i].day == day; i++) {
		if (c->shut[i].from == c->from)
			*from = c->shut[i].to;
		if (c->shut[i].to == c->to)
			*to = c->shut[i].from;
	}
}

static int64_t
last_marked(const bool *days)
{
	for (int64_t i = CALENDAR_DAYS - 1; i >= 0; i--)
		if (days[i])
			return CALENDAR_FIRST_DAY + i;
	return -1;
}

static int64_t
year_end(int64_t day)
{
	char text[DATE_TEXT];

	date_format(text, day);
	memcpy(text + 4, "-12-31", 6);
	return date_parse(text, &day) < 0 ? -1 : day;
}

/* Days in term say themselves where they end; of closed days only whole years are known. */
int64_t
calendar_known_until(const struct calendar *c, enum calendar_day kind)
{
	int64_t last = last_marked(kind == CALENDAR_SCHOOL ? c->term : c->closed);

	if (kind == CALENDAR_SCHOOL)
		return last;
	if (c->nshut > 0 && c->shut[c->nshut - 1].day > last)
		last = c->shut[c->nshut - 1].day;
	return last < 0 ? -1 : year_end(last);
}

bool
calendar_is_ending(const struct calendar *c, enum calendar_day kind, int64_t now_ms)
{
	int64_t until = calendar_known_until(c, kind);

	return until >= 0 && until - calendar_local_day(c, now_ms, NULL) < CALENDAR_WARN_DAYS;
}

static bool
is_open_part(const struct calendar *c, int64_t day, int from, int to, int64_t from_ms,
	     int64_t to_ms)
{
	int64_t begin = calendar_instant(c, day, from), end = calendar_instant(c, day, to);

	begin = begin > from_ms ? begin : from_ms;
	end = end < to_ms ? end : to_ms;
	return from < to && begin < end;
}

static bool
is_open_on(const struct calendar *c, int64_t day, int64_t from_ms, int64_t to_ms)
{
	int from = c->from;

	for (size_t i = first_shut(c, day); i < c->nshut && c->shut[i].day == day; i++) {
		if (is_open_part(c, day, from, c->shut[i].from, from_ms, to_ms))
			return true;
		from = c->shut[i].to;
	}
	return is_open_part(c, day, from, c->to, from_ms, to_ms);
}

bool
calendar_open_between(const struct calendar *c, int64_t from_ms, int64_t to_ms)
{
	enum calendar_day kind = c->has_terms ? CALENDAR_SCHOOL : CALENDAR_WORKING;
	int64_t last = calendar_local_day(c, to_ms, NULL) + 1;

	/* a day about it on either side: an offset may have changed in between */
	for (int64_t day = calendar_local_day(c, from_ms, NULL) - 1;
	     (day = calendar_next_day(c, day, kind)) >= 0 && day <= last; day++)
		if (is_open_on(c, day, from_ms, to_ms))
			return true;
	return false;
}
