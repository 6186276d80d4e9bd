/* deadline.c - by when something is owed: rules and their dates. Runs in: master, store, client.
 * Pure. */
#include "safehand/deadline.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "safehand/time.h"

#define WORDS_MAX 8 /* of a rule: "before HH:MM of the next working-day" has six */
#define TEXT_MAX  64

static const char *const kinds[DEADLINE_KINDS] = {
    [DEADLINE_COLLECT] = "collect", [DEADLINE_READ] = "read",	[DEADLINE_ANSWER] = "answer",
    [DEADLINE_ACTION] = "action",   [DEADLINE_FINAL] = "final", [DEADLINE_ARRIVE] = "arrive",
};

const char *
deadline_kind_name(enum deadline_kind k)
{
	assert(k < DEADLINE_KINDS);
	return kinds[k];
}

/* Largest first: what is written is in the largest that has no remainder. */
static const struct {
	const char *one, *many;
	int64_t ms;
} units[] = {
    {"day", "days", INT64_C(86400000)},
    {"hour", "hours", 3600000},
    {"minute", "minutes", 60000},
    {"second", "seconds", 1000},
};
#define UNITS (sizeof units / sizeof *units)

static int
refuse(const char *text, struct err *e)
{
	return err_set(
	    e, ERR_CONFIG,
	    "%s: want within N seconds, minutes, hours, days, working-days or school-days; "
	    "same working-day or school-day; before HH:MM of the next working-day or "
	    "school-day",
	    text);
}

/* A number in its one form, 1..max. */
static int
number_parse(const char *s, int64_t max, int64_t *out)
{
	int64_t v = 0;

	if (*s < '1' || *s > '9' || strlen(s) > 12)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (*s - '0');
	}
	*out = v;
	return v <= max ? 0 : -1;
}

static int
minute_parse(const char *s, int *minute)
{
	if (strlen(s) != 5 || s[2] != ':')
		return -1;
	for (int i = 0; i < 5; i++)
		if (i != 2 && (s[i] < '0' || s[i] > '9'))
			return -1;
	*minute = ((s[0] - '0') * 10 + s[1] - '0') * 60 + (s[3] - '0') * 10 + s[4] - '0';
	return s[3] < '6' && *minute < 24 * 60 ? 0 : -1;
}

/* One of a pair of units by its word: "working-day" or "school-day", with s if it is wanted. */
static int
day_unit(const char *word, bool plural, enum deadline_unit working, enum deadline_unit school,
	 enum deadline_unit *out)
{
	size_t n = strlen(word);

	if (plural && n > 0 && word[n - 1] == 's')
		n--;
	if (n == 11 && strncmp(word, "working-day", n) == 0)
		*out = working;
	else if (n == 10 && strncmp(word, "school-day", n) == 0)
		*out = school;
	else
		return -1;
	return 0;
}

static int
within_parse(const char *number, const char *unit, struct deadline_rule *out)
{
	if (day_unit(unit, true, DEADLINE_WORKING_DAYS, DEADLINE_SCHOOL_DAYS, &out->unit) == 0)
		return number_parse(number, DEADLINE_DAYS_MAX, &out->n);
	out->unit = DEADLINE_CLOCK;
	for (size_t i = 0; i < UNITS; i++)
		if (strcmp(unit, units[i].one) == 0 || strcmp(unit, units[i].many) == 0) {
			if (number_parse(number, DEADLINE_CLOCK_MAX / units[i].ms, &out->n) < 0)
				return -1;
			out->n *= units[i].ms;
			return 0;
		}
	return -1;
}

static bool
is_words(char *const *word, size_t n, const char *first, size_t want)
{
	return n == want && strcmp(word[0], first) == 0;
}

int
deadline_rule_parse(const char *text, struct deadline_rule *out, struct err *e)
{
	struct deadline_rule r = {0};
	char copy[TEXT_MAX], *word[WORDS_MAX], *next = copy;
	size_t n = 0;
	int rc = -1;

	if (strlen(text) >= sizeof copy)
		return refuse(text, e);
	strcpy(copy, text);
	while (n < WORDS_MAX && next != NULL)
		word[n++] = strsep(&next, " ");
	if (next != NULL)
		return refuse(text, e);
	if (is_words(word, n, "within", 3))
		rc = within_parse(word[1], word[2], &r);
	else if (is_words(word, n, "same", 2))
		rc = day_unit(word[1], false, DEADLINE_SAME_WORKING, DEADLINE_SAME_SCHOOL, &r.unit);
	else if (is_words(word, n, "before", 6) && strcmp(word[2], "of") == 0 &&
		 strcmp(word[3], "the") == 0 && strcmp(word[4], "next") == 0 &&
		 minute_parse(word[1], &r.minute) == 0)
		rc = day_unit(word[5], false, DEADLINE_NEXT_WORKING, DEADLINE_NEXT_SCHOOL, &r.unit);
	if (rc < 0)
		return refuse(text, e);
	*out = r;
	return 0;
}

static void
clock_format(int64_t ms, struct buf *text)
{
	size_t i = 0;

	while (i + 1 < UNITS && ms % units[i].ms != 0)
		i++;
	buf_addf(text, "within %" PRId64 " %s", ms / units[i].ms,
		 ms == units[i].ms ? units[i].one : units[i].many);
}

void
deadline_rule_format(const struct deadline_rule *r, struct buf *text)
{
	const char *s = r->n == 1 ? "" : "s";

	switch (r->unit) {
	case DEADLINE_CLOCK: clock_format(r->n, text); break;
	case DEADLINE_WORKING_DAYS:
		buf_addf(text, "within %" PRId64 " working-day%s", r->n, s);
		break;
	case DEADLINE_SCHOOL_DAYS:
		buf_addf(text, "within %" PRId64 " school-day%s", r->n, s);
		break;
	case DEADLINE_SAME_WORKING: buf_adds(text, "same working-day"); break;
	case DEADLINE_SAME_SCHOOL: buf_adds(text, "same school-day"); break;
	case DEADLINE_NEXT_WORKING:
	case DEADLINE_NEXT_SCHOOL:
		buf_addf(text, "before %02d:%02d of the next %s", r->minute / 60, r->minute % 60,
			 r->unit == DEADLINE_NEXT_WORKING ? "working-day" : "school-day");
		break;
	}
}

static enum calendar_day
day_kind(enum deadline_unit unit)
{
	return unit == DEADLINE_SCHOOL_DAYS || unit == DEADLINE_SAME_SCHOOL ||
		       unit == DEADLINE_NEXT_SCHOOL
		   ? CALENDAR_SCHOOL
		   : CALENDAR_WORKING;
}

static int64_t
close_of(const struct calendar *c, int64_t day)
{
	int from, to;

	calendar_hours(c, day, &from, &to);
	return calendar_instant(c, day, to);
}

static int64_t
nth_day(const struct calendar *c, int64_t start_ms, int64_t n, enum calendar_day kind)
{
	int64_t day = calendar_local_day(c, start_ms, NULL);

	for (; n > 0 && day >= 0; n--)
		day = calendar_next_day(c, day + 1, kind);
	return day;
}

/* The first day whose moment - its close, or a minute of it - is after the start. */
static int64_t
next_moment(const struct deadline_rule *r, const struct calendar *c, int64_t start_ms)
{
	bool by_close = r->unit == DEADLINE_SAME_WORKING || r->unit == DEADLINE_SAME_SCHOOL;
	int64_t day = calendar_local_day(c, start_ms, NULL), at;

	while ((day = calendar_next_day(c, day, day_kind(r->unit))) >= 0) {
		at = by_close ? close_of(c, day) : calendar_instant(c, day, r->minute);
		if (at > start_ms)
			return at;
		day++;
	}
	return -1;
}

int
deadline_due(const struct deadline_rule *r, const struct calendar *owner, int64_t start_ms,
	     int64_t *due_ms, struct err *e)
{
	int64_t day, due = -1;

	switch (r->unit) {
	case DEADLINE_CLOCK: due = start_ms + r->n; break;
	case DEADLINE_WORKING_DAYS:
	case DEADLINE_SCHOOL_DAYS:
		day = nth_day(owner, start_ms, r->n, day_kind(r->unit));
		due = day >= 0 ? close_of(owner, day) : -1;
		break;
	case DEADLINE_SAME_WORKING:
	case DEADLINE_SAME_SCHOOL:
	case DEADLINE_NEXT_WORKING:
	case DEADLINE_NEXT_SCHOOL: due = next_moment(r, owner, start_ms); break;
	}
	if (due < 0)
		return err_set(e, ERR_LIMIT, "calendar %s: no such day any more: its %s end",
			       calendar_name(owner), calendar_has_terms(owner) ? "terms" : "days");
	*due_ms = due;
	return 0;
}

int
deadline_date_due(const char *date, const struct calendar *owner, int64_t *due_ms, struct err *e)
{
	int64_t day;

	if (date_parse(date, &day) < 0)
		return err_set(e, ERR_FORMAT, "%s: want a date such as 2026-11-24", date);
	*due_ms = calendar_instant(owner, day, 24 * 60);
	return 0;
}
