/* desk.c - calendars and addresses of mailboxes. Runs in: store. Owns: the parsed calendars.
 * Trusts: master, which compiled and checked them; parses all the same. */
#include "store/desk.h"

#include <stdlib.h>
#include <string.h>

struct desk {
	char *pattern, *address[NOTIFY_KINDS]; /* address NULL: none */
	const struct calendar *calendar;
};

struct desks {
	struct desk *list; /* in order of appearance */
	size_t n;
	struct calendar **calendars;
	size_t ncalendars;
};

void
desks_free(struct desks *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++) {
		free(c->list[i].pattern);
		for (size_t k = 0; k < NOTIFY_KINDS; k++)
			free(c->list[i].address[k]);
	}
	for (size_t i = 0; i < c->ncalendars; i++)
		calendar_free(c->calendars[i]);
	free(c->list);
	free(c->calendars);
	free(c);
}

static int
read_calendars(struct desks *c, const struct buf *text, struct err *e)
{
	size_t at = 0, taken = 0;

	for (; text != NULL && at < text->len; at += taken) {
		struct calendar *one = NULL;

		if (calendar_parse(text->data + at, text->len - at, &taken, &one, e) < 0)
			return err_wrap(e, "calendars");
		c->calendars = mem_realloc(c->calendars, c->ncalendars + 1, sizeof(*c->calendars));
		c->calendars[c->ncalendars++] = one;
	}
	return 0;
}

static int
find_calendar(const struct desks *c, const char *name, const struct calendar **out, struct err *e)
{
	*out = calendar_always();
	if (name[0] == '\0')
		return 0;
	for (size_t i = 0; i < c->ncalendars; i++)
		if (strcmp(calendar_name(c->calendars[i]), name) == 0) {
			*out = c->calendars[i];
			return 0;
		}
	return err_set(e, ERR_CONFIG, "calendar \"%s\": there is none", name);
}

static char *
given(const char *value)
{
	return value[0] == '\0' ? NULL : mem_strdup(value);
}

static int
read_section(struct desks *c, const struct conf *conf, const char *pattern, struct err *e)
{
	struct desk *one;

	c->list = mem_realloc(c->list, c->n + 1, sizeof *c->list);
	one = &c->list[c->n++];
	*one = (struct desk){.pattern = mem_strdup(pattern)};
	one->address[NOTIFY_MAIL] = given(conf_str(conf, "mailbox", pattern, "mail"));
	one->address[NOTIFY_WEBHOOK] = given(conf_str(conf, "mailbox", pattern, "webhook"));
	if (find_calendar(c, conf_str(conf, "mailbox", pattern, "calendar"), &one->calendar, e) < 0)
		return err_wrap(e, "mailbox \"%s\"", pattern);
	return 0;
}

int
desks_new(const struct conf *conf, const struct buf *calendars, struct desks **out, struct err *e)
{
	struct desks *c = mem_alloc(sizeof *c);
	const char *pattern;
	int rc = read_calendars(c, calendars, e);

	for (size_t i = 0; rc == 0 && (pattern = conf_instance(conf, "mailbox", i)) != NULL; i++)
		rc = read_section(c, conf, pattern, e);
	if (rc < 0) {
		desks_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

static const struct desk *
find(const struct desks *c, const char *mailbox)
{
	for (size_t i = 0; i < c->n; i++)
		if (name_matches(c->list[i].pattern, mailbox))
			return &c->list[i];
	return NULL;
}

const struct calendar *
desk_calendar(const struct desks *c, const char *mailbox)
{
	const struct desk *one = find(c, mailbox);

	return one == NULL ? calendar_always() : one->calendar;
}

bool
desk_address(const struct desks *c, const char *mailbox, enum notify_kind kind,
	     const char **address, const char **pattern)
{
	const struct desk *one = find(c, mailbox);

	if (one == NULL || one->address[kind] == NULL)
		return false;
	*address = one->address[kind];
	*pattern = one->pattern;
	return true;
}

static bool
is_used(const struct desks *c, const struct calendar *calendar)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->list[i].calendar == calendar)
			return true;
	return false;
}

void
desks_each_ending(const struct desks *c, int64_t now_ms,
		  void (*each)(void *ctx, const char *calendar, const char *what, int64_t until),
		  void *ctx)
{
	static const enum calendar_day kinds[] = {CALENDAR_WORKING, CALENDAR_SCHOOL};

	for (size_t i = 0; i < c->ncalendars; i++)
		for (size_t k = 0; is_used(c, c->calendars[i]) && k < 2; k++)
			if (calendar_is_ending(c->calendars[i], kinds[k], now_ms))
				each(ctx, calendar_name(c->calendars[i]),
				     kinds[k] == CALENDAR_SCHOOL ? "terms" : "closed",
				     calendar_known_until(c->calendars[i], kinds[k]));
}
