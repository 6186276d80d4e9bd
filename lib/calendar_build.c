/* calendar_build.c - compiles a calendar: week, hours, zone, closed days, terms. Runs in: master.
 * Owns: the calendar until it is whole. Trusts: nothing that the configuration says. */
#include "calendar_build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONE_FOLDER "/usr/share/zoneinfo/" /* of Debian's tzdata */

static int
read_zone(int fd, struct buf *bytes)
{
	struct stat st;
	ssize_t n = 1;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > ZONE_FILE_MAX)
		return -1;
	while (n > 0 && bytes->len <= ZONE_FILE_MAX) {
		buf_reserve(bytes, 4096);
		if ((n = read(fd, bytes->data + bytes->len, 4096)) > 0)
			bytes->len += (size_t)n;
	}
	return n < 0 ? -1 : 0;
}

int
calendar_build_zone(const char *name, struct zone *out, struct err *e)
{
	char path[sizeof ZONE_FOLDER + ZONE_NAME];
	struct buf bytes = {0};
	struct err why;
	int fd, rc = -1;

	if (name == NULL || !zone_is_name(name))
		return err_set(e, ERR_CONFIG, "%s: no zone's name: want one such as Europe/London",
			       name != NULL ? name : "");
	strcpy(stpcpy(path, ZONE_FOLDER), name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) < 0 ||
	    read_zone(fd, &bytes) < 0)
		err_set(e, ERR_CONFIG, "%s: unknown zone: no file of that name in %s", name,
			ZONE_FOLDER);
	else if (zone_parse(bytes.data, bytes.len, ZONE_FROM, ZONE_TO, out, &why) < 0)
		err_set(e, ERR_CONFIG, "%s: unknown zone: %s: %s", name, path, why.text);
	else
		rc = 0;
	if (fd >= 0)
		close(fd);
	buf_free(&bytes);
	return rc;
}

int
calendar_build_days(struct calendar_build *b, bool is_term, int64_t first, int64_t n)
{
	if (n > CALENDAR_DAYS_MAX || (b->total += (size_t)n) > CALENDAR_DAYS_MAX)
		return -1;
	for (int64_t day = first; day < first + n; day++) {
		if (day < CALENDAR_FIRST_DAY || day > CALENDAR_LAST_DAY)
			continue;
		(is_term ? b->c->term : b->c->closed)[day - CALENDAR_FIRST_DAY] = true;
		b->days++;
	}
	return 0;
}

static void
add_shut(struct calendar *c, int64_t day, int64_t from, int64_t to)
{
	from = from > c->from ? from : c->from;
	to = to < c->to ? to : c->to;
	if (from >= to)
		return;
	c->shut = mem_realloc(c->shut, c->nshut + 1, sizeof *c->shut);
	c->shut[c->nshut++] = (struct shut){(int32_t)day, (int16_t)from, (int16_t)to};
}

/* Hours are local wall times. A minute that is begun is a whole one. */
int
calendar_build_hours(struct calendar_build *b, int64_t from, int64_t to)
{
	int64_t begin = from + zone_offset(&b->c->zone, from);
	int64_t end = to + zone_offset(&b->c->zone, to);
	int64_t last;

	if (end <= begin) /* within the hour that comes twice */
		end = begin + (to - from);
	last = (end - 1) / 86400;
	if (last - begin / 86400 >= CALENDAR_DAYS_MAX ||
	    (b->total += (size_t)(last - begin / 86400 + 1)) > CALENDAR_DAYS_MAX)
		return -1;
	for (int64_t day = begin / 86400; day <= last; day++) {
		if (day < CALENDAR_FIRST_DAY || day > CALENDAR_LAST_DAY)
			continue;
		add_shut(b->c, day, (begin - day * 86400) / 60, (end - day * 86400 + 59) / 60);
		b->days++;
	}
	return 0;
}

static int
by_time(const void *a, const void *b)
{
	const struct shut *x = a, *y = b;

	return x->day != y->day ? (x->day > y->day) - (x->day < y->day)
				: (x->from > y->from) - (x->from < y->from);
}

/* Sorted, merged; a day that has no hour left is a closed day. */
static void
settle_shut(struct calendar *c)
{
	size_t n = 0;

	if (c->nshut > 0)
		qsort(c->shut, c->nshut, sizeof *c->shut, by_time);
	for (size_t i = 0; i < c->nshut; i++) {
		struct shut *last = n > 0 ? &c->shut[n - 1] : NULL, s = c->shut[i];

		if (last != NULL && last->day == s.day && s.from <= last->to)
			last->to = last->to > s.to ? last->to : s.to;
		else
			c->shut[n++] = s;
	}
	c->nshut = n;
	n = 0;
	for (size_t i = 0; i < c->nshut; i++) {
		if (c->shut[i].from == c->from && c->shut[i].to == c->to)
			c->closed[c->shut[i].day - CALENDAR_FIRST_DAY] = true;
		else
			c->shut[n++] = c->shut[i];
	}
	c->nshut = n;
}

static int
take_head(const struct calendar_source *src, struct calendar *c, struct err *e)
{
	if (!calendar_is_name(src->name))
		return err_set(e, ERR_CONFIG,
			       "%s: not a calendar's name: want [a-z0-9][a-z0-9-]{0,62}",
			       src->name);
	strcpy(c->name, src->name);
	if (calendar_build_zone(src->zone, &c->zone, e) < 0)
		return err_wrap(e, "zone");
	strcpy(c->zone_name, src->zone);
	if ((c->week = calendar_week_parse(src->week)) == 0)
		return err_set(e, ERR_CONFIG, "week: %s: want mon-fri, mon-sat or mon-sun",
			       src->week);
	if (calendar_hours_parse(src->hours, &c->from, &c->to) < 0)
		return err_set(
		    e, ERR_CONFIG,
		    "hours: %s: want HH:MM-HH:MM, the end after the beginning, up to 24:00",
		    src->hours);
	return 0;
}

int
calendar_compile(const struct calendar_source *src, struct calendar **out, struct err *e)
{
	struct calendar_build b = {.c = mem_alloc(sizeof *b.c)};
	int rc = -1;

	if (take_head(src, b.c, e) < 0)
		goto out;
	for (size_t i = 0; i < src->nclosed; i++)
		if (calendar_ical_take(&b, &src->closed[i], false, e) < 0)
			goto out;
	for (size_t i = 0; i < src->nterms; i++)
		if (calendar_ical_take(&b, &src->terms[i], true, e) < 0)
			goto out;
	b.c->has_terms = src->nterms > 0;
	settle_shut(b.c);
	*out = b.c;
	b.c = NULL;
	rc = 0;
out:
	calendar_free(b.c);
	return rc;
}
