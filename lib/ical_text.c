/* ical_text.c - the outer form of an iCalendar file: lines and components. Runs in: master. Pure.
 * Trusts: nothing it reads; libical, which forgives much, sees only what passed here. */
#include "ical_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "safehand/buf.h"
#include "safehand/enc.h"

#define DEPTH_MAX 4  /* VCALENDAR, VTIMEZONE or VEVENT, STANDARD or VALARM */
#define WORD_MAX  32 /* bytes of a component's name */

struct scan {
	const char *name;
	size_t line; /* first line of what is in content */
	struct buf content;
	char open[DEPTH_MAX][WORD_MAX];
	size_t depth;
	size_t *events, nevents;
	struct err *e;
};

static int
refuse(struct scan *s, const char *what)
{
	return err_set(s->e, ERR_CONFIG, "%s:%zu: %s", s->name, s->line, what);
}

static int
begin(struct scan *s, const char *what)
{
	if (s->depth == DEPTH_MAX || strlen(what) >= WORD_MAX)
		return refuse(s, "components deeper, or with longer names, than iCalendar has any");
	if ((s->depth == 0) != (strcasecmp(what, "VCALENDAR") == 0))
		return refuse(s, "want BEGIN:VCALENDAR outermost, and there only");
	if (strcasecmp(what, "VEVENT") == 0) {
		if (s->depth != 1)
			return refuse(s, "an event inside of something else");
		s->events = mem_realloc(s->events, s->nevents + 1, sizeof *s->events);
		s->events[s->nevents++] = s->line;
	}
	strcpy(s->open[s->depth++], what);
	return 0;
}

static int
end(struct scan *s, const char *what)
{
	if (s->depth == 0 || strcasecmp(s->open[s->depth - 1], what) != 0)
		return refuse(s, "ends what is not begun");
	s->depth--;
	return 0;
}

/* One content line, unfolded. */
static int
take_content(struct scan *s)
{
	const char *text = buf_str(&s->content);
	size_t n = 0;

	if (s->content.len == 0)
		return 0;
	while (isalnum((unsigned char)text[n]) || text[n] == '-')
		n++;
	if (n == 0 || (text[n] != ':' && text[n] != ';') || strchr(text, ':') == NULL)
		return refuse(s, "want NAME:VALUE");
	if (strncasecmp(text, "BEGIN;", 6) == 0 || strncasecmp(text, "END;", 4) == 0)
		return refuse(s, "a parameter where none can be");
	if (strncasecmp(text, "BEGIN:", 6) == 0)
		return begin(s, text + 6);
	if (strncasecmp(text, "END:", 4) == 0)
		return end(s, text + 4);
	return s->depth > 0 ? 0 : refuse(s, "stands outside of BEGIN:VCALENDAR");
}

static bool
is_plain(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
			return false;
	return utf8_is_valid(line, n);
}

/* A line of the file; one that begins with white space goes on the one before. */
static int
take_line(struct scan *s, const char *line, size_t n, size_t number)
{
	bool is_folded = n > 0 && (*line == ' ' || *line == '\t');

	if (!is_folded) {
		if (take_content(s) < 0)
			return -1;
		buf_clear(&s->content);
		s->line = number;
	}
	if (!is_plain(line, n)) {
		s->line = number;
		return refuse(s, "control characters, or not UTF-8");
	}
	if (n == 0 && s->depth > 0)
		return refuse(s, "an empty line");
	if (is_folded && s->content.len == 0)
		return refuse(s, "goes on from a line that is not there");
	buf_add(&s->content, line + is_folded, n - is_folded);
	return 0;
}

int
ical_text_check(const char *name, const void *text, size_t len, size_t **events, size_t *n,
		struct err *e)
{
	struct scan s = {.name = name, .line = 1, .e = e};
	const char *p = text, *stop = p + len;
	int rc = 0;

	for (size_t number = 1; p < stop && rc == 0; number++) {
		const char *nl = memchr(p, '\n', (size_t)(stop - p));
		size_t bytes = (size_t)((nl != NULL ? nl : stop) - p);

		rc =
		    take_line(&s, p, bytes > 0 && p[bytes - 1] == '\r' ? bytes - 1 : bytes, number);
		p = nl != NULL ? nl + 1 : stop;
	}
	if (rc == 0)
		rc = take_content(&s);
	if (rc == 0 && s.depth > 0)
		rc = refuse(&s, "ends before END:VCALENDAR");
	else if (rc == 0 && s.nevents == 0)
		rc = err_set(e, ERR_CONFIG, "%s: no event in it", name);
	buf_free(&s.content);
	*events = s.events;
	*n = s.nevents;
	return rc;
}
