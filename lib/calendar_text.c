/* calendar_text.c - the compiled calendar as text, and back. Runs in: master (formats), store
 * (parses). Pure. Trusts: nothing it reads.
 *
 *	calendar schools                    the name
 *	zone Europe/London
 *	week mon-fri
 *	hours 08:30-16:30
 *	offset 0                            seconds east of UTC at the beginning
 *	change 2026-03-29T01:00:00Z 3600    ... and from then on; as many as there are
 *	term 2026-09-01 2026-10-23          days, both included; with terms: school days
 *	closed 2026-12-25 2026-12-28
 *	shut 2026-12-24 12:00-16:30         closed hours of an open day
 *	end
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calendar_in.h"
#include "safehand/time.h"

#define LINE_BYTES 128 /* bytes: two names and a word */

static const char *const weeks[] = {[5] = "mon-fri", [6] = "mon-sat", [7] = "mon-sun"};

unsigned
calendar_week_parse(const char *text)
{
	for (unsigned i = 5; i <= 7; i++)
		if (strcmp(weeks[i], text) == 0)
			return i;
	return 0;
}

const char *
calendar_week_name(unsigned week)
{
	return weeks[week];
}

static int
clock_parse(const char *s, int *minute)
{
	for (int i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : s[i] < '0' || s[i] > '9')
			return -1;
	*minute = ((s[0] - '0') * 10 + s[1] - '0') * 60 + (s[3] - '0') * 10 + s[4] - '0';
	return s[3] < '6' && *minute <= DAY_MINUTES ? 0 : -1;
}

int
calendar_hours_parse(const char *text, int *from, int *to)
{
	if (strlen(text) != 11 || text[5] != '-' || clock_parse(text, from) < 0 ||
	    clock_parse(text + 6, to) < 0)
		return -1;
	return *from < *to ? 0 : -1;
}

/* --- writing --- */

static void
hours_text(int from, int to, struct buf *out)
{
	buf_addf(out, "%02d:%02d-%02d:%02d\n", from / 60, from % 60, to / 60, to % 60);
}

static void
days_text(const char *word, const bool *days, struct buf *out)
{
	char from[DATE_TEXT], to[DATE_TEXT];

	for (int i = 0, end; i < CALENDAR_DAYS; i = end + 1) {
		for (end = i; end < CALENDAR_DAYS && days[end]; end++)
			;
		if (end == i)
			continue;
		date_format(from, CALENDAR_FIRST_DAY + i);
		date_format(to, CALENDAR_FIRST_DAY + end - 1);
		buf_addf(out, "%s %s %s\n", word, from, to);
	}
}

void
calendar_format(const struct calendar *c, struct buf *text)
{
	char at[TIME_TEXT];

	buf_addf(text, "calendar %s\nzone %s\nweek %s\nhours ", c->name, c->zone_name,
		 calendar_week_name(c->week));
	hours_text(c->from, c->to, text);
	buf_addf(text, "offset %d\n", c->zone.first);
	for (size_t i = 0; i < c->zone.n; i++) {
		time_format(at, c->zone.change[i].at * 1000);
		buf_addf(text, "change %s %d\n", at, c->zone.change[i].offset);
	}
	days_text("term", c->term, text);
	days_text("closed", c->closed, text);
	for (size_t i = 0; i < c->nshut; i++) {
		date_format(at, c->shut[i].day);
		buf_addf(text, "shut %s ", at);
		hours_text(c->shut[i].from, c->shut[i].to, text);
	}
	buf_adds(text, "end\n");
}

/* --- reading --- */

struct reader {
	const char *p, *end;
	size_t line; /* number of the one in text */
	char text[LINE_BYTES];
	const char *rest; /* behind the first word and its blank */
	struct calendar *c;
	struct err *e;
};

static int
refuse(struct reader *r, const char *want)
{
	return err_set(r->e, ERR_FORMAT, "calendar: line %zu: %s: want %s", r->line, r->text, want);
}

/* The next line into text; what stands behind its first word. */
static int
next_line(struct reader *r)
{
	const char *nl = r->p < r->end ? memchr(r->p, '\n', (size_t)(r->end - r->p)) : NULL;
	size_t n = nl != NULL ? (size_t)(nl - r->p) : 0;

	r->line++;
	if (nl == NULL || n >= sizeof r->text || memchr(r->p, 0, n) != NULL)
		return err_set(r->e, ERR_FORMAT, "calendar: line %zu: no line of at most %zu bytes",
			       r->line, sizeof r->text - 1);
	memcpy(r->text, r->p, n);
	r->text[n] = '\0';
	r->rest = strchr(r->text, ' ');
	r->rest = r->rest != NULL ? r->rest + 1 : r->text + n;
	r->p = nl + 1;
	return 0;
}

static bool
is_word(const struct reader *r, const char *word)
{
	size_t n = strlen(word);

	return strncmp(r->text, word, n) == 0 && r->text[n] == ' ' && r->rest == r->text + n + 1;
}

/* A number in its one form: no plus, no zeros before it. */
static int
take_offset(const char *text, int32_t *out)
{
	char again[16], *end;
	long v = strtol(text, &end, 10);

	snprintf(again, sizeof again, "%d", (int)v);
	if (*end != '\0' || v < -ZONE_OFFSET_MAX || v > ZONE_OFFSET_MAX || strcmp(again, text) != 0)
		return -1;
	*out = (int32_t)v;
	return 0;
}

static int
take_change(struct reader *r)
{
	struct zone *z = &r->c->zone;
	struct zone_change change;
	int32_t last = z->n > 0 ? z->change[z->n - 1].offset : z->first;
	char at[TIME_TEXT];
	int64_t ms;

	snprintf(at, sizeof at, "%.20s", r->rest);
	if (time_parse(at, &ms) < 0 || r->rest[20] != ' ' ||
	    take_offset(r->rest + 21, &change.offset) < 0)
		return refuse(r, "a time and an offset");
	change.at = ms / 1000;
	if (change.at <= (z->n > 0 ? z->change[z->n - 1].at : ZONE_FROM) || change.at > ZONE_TO ||
	    change.offset == last)
		return refuse(r, "another offset, later");
	if (z->n == ZONE_CHANGES_MAX)
		return refuse(r, "no more changes");
	z->change[z->n++] = change;
	return 0;
}

static int
take_days(struct reader *r, bool *days)
{
	char first[DATE_TEXT];
	int64_t from, to;

	snprintf(first, sizeof first, "%.10s", r->rest);
	if (strlen(r->rest) != 21 || r->rest[10] != ' ' || date_parse(first, &from) < 0 ||
	    date_parse(r->rest + 11, &to) < 0)
		return refuse(r, "two dates");
	if (from < CALENDAR_FIRST_DAY || to > CALENDAR_LAST_DAY || from > to)
		return refuse(r, "the first not after the second, both within 2020 to 2069");
	for (int64_t day = from; day <= to; day++)
		days[day - CALENDAR_FIRST_DAY] = true;
	return 0;
}

static int
take_shut(struct reader *r)
{
	struct calendar *c = r->c;
	const struct shut *last = c->nshut > 0 ? &c->shut[c->nshut - 1] : NULL;
	char date[DATE_TEXT];
	int64_t day;
	int from, to;

	snprintf(date, sizeof date, "%.10s", r->rest);
	if (strlen(r->rest) != 22 || r->rest[10] != ' ' || date_parse(date, &day) < 0 ||
	    calendar_hours_parse(r->rest + 11, &from, &to) < 0)
		return refuse(r, "a date and hours");
	if (day < CALENDAR_FIRST_DAY || day > CALENDAR_LAST_DAY || from < c->from || to > c->to)
		return refuse(r, "hours within the office hours, of a day within 2020 to 2069");
	if (from == c->from && to == c->to)
		return refuse(r, "some hours left open");
	if (last != NULL && (last->day > day || (last->day == day && last->to >= from)))
		return refuse(r, "hours after those before, with open ones between");
	if (c->nshut == SHUTS_MAX)
		return refuse(r, "no more closed hours");
	c->shut = mem_realloc(c->shut, c->nshut + 1, sizeof *c->shut);
	c->shut[c->nshut++] = (struct shut){(int32_t)day, (int16_t)from, (int16_t)to};
	return 0;
}

static int
take_head(struct reader *r)
{
	struct calendar *c = r->c;

	if (next_line(r) < 0)
		return -1;
	if (!is_word(r, "calendar") || !calendar_is_name(r->rest))
		return refuse(r, "calendar NAME");
	strcpy(c->name, r->rest);
	if (next_line(r) < 0)
		return -1;
	if (!is_word(r, "zone") || !zone_is_name(r->rest))
		return refuse(r, "zone NAME");
	strcpy(c->zone_name, r->rest);
	if (next_line(r) < 0)
		return -1;
	if (!is_word(r, "week") || (c->week = calendar_week_parse(r->rest)) == 0)
		return refuse(r, "week mon-fri, mon-sat or mon-sun");
	if (next_line(r) < 0)
		return -1;
	if (!is_word(r, "hours") || calendar_hours_parse(r->rest, &c->from, &c->to) < 0)
		return refuse(r, "hours HH:MM-HH:MM");
	if (next_line(r) < 0)
		return -1;
	if (!is_word(r, "offset") || take_offset(r->rest, &c->zone.first) < 0)
		return refuse(r, "offset SECONDS");
	return 0;
}

static int
take_rest(struct reader *r)
{
	for (;;) {
		int rc;

		if (next_line(r) < 0)
			return -1;
		if (strcmp(r->text, "end") == 0)
			return 0;
		if (is_word(r, "change"))
			rc = take_change(r);
		else if (is_word(r, "term"))
			rc = take_days(r, r->c->term), r->c->has_terms = true;
		else if (is_word(r, "closed"))
			rc = take_days(r, r->c->closed);
		else if (is_word(r, "shut"))
			rc = take_shut(r);
		else
			rc = refuse(r, "change, term, closed, shut or end");
		if (rc < 0)
			return -1;
	}
}

/* One form only: what is written from what was read is what was read. */
static int
check_canonical(struct reader *r, const char *text)
{
	size_t len = (size_t)(r->p - text), i = 0, line = 1;
	struct buf again = {0};
	bool is_same;

	calendar_format(r->c, &again);
	while (i < len && i < again.len && (char)again.data[i] == text[i])
		line += text[i++] == '\n';
	is_same = i == len && i == again.len;
	buf_free(&again);
	if (is_same)
		return 0;
	return err_set(r->e, ERR_FORMAT, "calendar: line %zu: out of order, or not in its one form",
		       line);
}

int
calendar_parse(const void *text, size_t len, size_t *taken, struct calendar **out, struct err *e)
{
	struct reader r = {.p = text, .end = (const char *)text + len, .e = e};
	int rc = -1;

	r.c = mem_alloc(sizeof *r.c);
	if (take_head(&r) < 0 || take_rest(&r) < 0 || check_canonical(&r, text) < 0)
		goto out;
	*taken = (size_t)(r.p - (const char *)text);
	*out = r.c;
	r.c = NULL;
	rc = 0;
out:
	calendar_free(r.c);
	return rc;
}
