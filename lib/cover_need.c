/* cover_need.c - the fields of a cover sheet that a class can require: names, help, a draft to fill
 * in. Runs in: master, store (names), client. Pure. */
#include "safehand/cover_need.h"

#include <string.h>

/* Where the field stands in the draft: a member of the sheet, and one inside of it. */
static const struct need {
	const char *name, *member, *inside, *help;
} needs[] = {
    {"title", "title", NULL, "what it is, in a line: \"Strategy meeting: minutes\""},
    {"child", "people", "name", "a person whose role is \"child\", by name"},
    {"child.born", "people", "born", "the date of birth of each child: \"2021-03-14\""},
    {"child.identifiers", "people", "identifiers",
     "a number of each child: {\"kind\": \"NHS number\", \"value\": \"999 026 0419\"}"},
    {"household", "people", "household", "the household of each child, as your agency calls it"},
    {"meeting.at", "meeting", "at", "when the meeting was: \"2026-11-22T14:30:00Z\", or a date"},
    {"meeting.kind", "meeting", "kind", "what kind of meeting: \"strategy meeting\""},
    {"meeting.place", "meeting", "place", "where it was held: \"by video\""},
    {"meeting.chair", "meeting", "chair", "who chaired it: \"A. Khan\""},
    {"event.at", "event", "at", "when it happened: \"2026-11-21T13:05:00Z\", or a date"},
    {"event.kind", "event", "kind", "what happened: \"attendance\", \"domestic incident\""},
    {"event.place", "event", "place", "where it happened"},
    {"attendees", "attendees", NULL,
     "who was there: {\"name\": \"A. Khan\", \"role\": \"team manager\"}"},
    {"apologies", "apologies", NULL, "who sent apologies, as attendees; [] for nobody"},
    {"decisions", "decisions", NULL,
     "what was decided and why: {\"text\": \"…\", \"reason\": \"…\", \"dissent\": \"…\"}"},
    {"actions", "actions", NULL,
     "{\"n\": 1, \"owner\": \"uhcw/paediatrics\", \"due\": \"2026-11-24\", \"text\": \"…\"}; [] "
     "for none"},
    {"medical-opinion", "medical_opinion", NULL,
     "accidental, non-accidental, inconclusive or none"},
    {"language", "language", NULL, "the language spoken at home: \"Polish\""},
    {"interpreter", "interpreter", NULL, "who interprets, or \"not needed\""},
    {"measurements.height", "measurements", "height_mm", "height in millimetres and its date"},
    {"measurements.weight", "measurements", "weight_g", "weight in grams and its date"},
};
#define NEEDS (sizeof needs / sizeof *needs)

/* Members of the draft, in the order of a sheet. What each looks like when it is empty, around the
 * members inside. */
static const struct shape {
	const char *member, *open, *close;
} shapes[] = {
    {"title", "\"\"", ""},
    {"people", "[{\"role\": \"child\"", "}]"},
    {"meeting", "{", "}"},
    {"event", "{", "}"},
    {"attendees", "[{\"name\": \"\", \"role\": \"\"}]", ""},
    {"apologies", "[{\"name\": \"\", \"role\": \"\"}]", ""},
    {"decisions", "[{\"text\": \"\", \"reason\": \"\"}]", ""},
    {"actions", "[{\"n\": 1, \"owner\": \"\", \"due\": \"\", \"text\": \"\"}]", ""},
    {"medical_opinion", "\"\"", ""},
    {"language", "\"\"", ""},
    {"interpreter", "\"\"", ""},
    {"measurements", "[{\"date\": \"\"", "}]"},
};
#define SHAPES (sizeof shapes / sizeof *shapes)

static const struct need *
find(const char *field)
{
	for (size_t i = 0; i < NEEDS; i++)
		if (strcmp(needs[i].name, field) == 0)
			return &needs[i];
	return NULL;
}

bool
cover_need_is(const char *field)
{
	return find(field) != NULL;
}

const char *
cover_need_help(const char *field)
{
	const struct need *n = find(field);

	return n != NULL ? n->help : NULL;
}

const char *
cover_need_at(size_t n)
{
	return n < NEEDS ? needs[n].name : NULL;
}

static bool
is_wanted(const char *const *fields, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i], name) == 0)
			return true;
	return false;
}

/* One without which the others inside are refused: a person's name, the time of a meeting. */
static bool
is_basis(const struct need *need)
{
	return strcmp(need->name, "child") == 0 || strcmp(need->name, "meeting.at") == 0 ||
	       strcmp(need->name, "event.at") == 0;
}

static void
add_inside(const struct shape *s, const char *const *fields, size_t n, struct buf *text)
{
	const char *comma = strchr(s->open, ':') != NULL ? ", " : "";

	for (size_t i = 0; i < NEEDS; i++) {
		bool is_number = needs[i].inside != NULL && strchr(needs[i].inside, '_') != NULL;

		if (strcmp(needs[i].member, s->member) != 0 || needs[i].inside == NULL)
			continue;
		if (!is_basis(&needs[i]) && !is_wanted(fields, n, needs[i].name))
			continue;
		buf_addf(text, "%s\"%s\": ", comma, needs[i].inside);
		if (strcmp(needs[i].inside, "identifiers") == 0)
			buf_adds(text, "[{\"kind\": \"\", \"value\": \"\"}]");
		else
			buf_adds(text, is_number ? "0" : "\"\"");
		comma = ", ";
	}
}

void
cover_need_skeleton(const char *const *fields, size_t n, struct buf *text)
{
	buf_adds(text, "{\"safehand_cover\": 1");
	for (size_t i = 0; i < SHAPES; i++) {
		bool is_there = false;

		for (size_t k = 0; k < NEEDS; k++)
			is_there |= strcmp(needs[k].member, shapes[i].member) == 0 &&
				    is_wanted(fields, n, needs[k].name);
		if (!is_there)
			continue;
		buf_addf(text, ",\n \"%s\": %s", shapes[i].member, shapes[i].open);
		add_inside(&shapes[i], fields, n, text);
		buf_adds(text, shapes[i].close);
	}
	buf_adds(text, "}\n");
}
