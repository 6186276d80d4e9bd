/* cover_show.c - the cover sheet for a person at a terminal. Runs in: client. Pure. Trusts: that
 * cover.c let only clean text through; newlines inside are indented, so that none fakes a line. */
#include <string.h>

#include "cover_in.h"

#define INDENT "    "

static void
para(struct buf *b, const char *label, const char *s)
{
	if (s == NULL)
		return;
	buf_addf(b, "%s: ", label);
	for (; *s != '\0'; s++) {
		buf_addc(b, *s);
		if (*s == '\n')
			buf_adds(b, INDENT);
	}
	buf_addc(b, '\n');
}

/* ", label value" in a line that goes on */
static void
more(struct buf *b, const char *label, const char *s)
{
	if (s != NULL)
		buf_addf(b, ", %s%s", label, s);
}

static void
show_person(struct buf *b, const struct json *o)
{
	const struct json *list = json_member(o, "identifiers");

	buf_addf(b, "Person: %s", json_text(o, "name"));
	more(b, "", json_text(o, "role"));
	more(b, "born ", json_text(o, "born"));
	for (size_t i = 0; i < json_count(list); i++)
		buf_addf(b, ", %s %s", json_text(json_item(list, i), "kind"),
			 json_text(json_item(list, i), "value"));
	more(b, "household ", json_text(o, "household"));
	buf_addc(b, '\n');
}

static void
show_meeting(struct buf *b, const char *label, const struct json *o)
{
	if (o == NULL)
		return;
	buf_addf(b, "%s: %s", label, json_text(o, "at"));
	more(b, "", json_text(o, "kind"));
	more(b, "", json_text(o, "place"));
	more(b, "chair ", json_text(o, "chair"));
	buf_addc(b, '\n');
}

static void
show_names(struct buf *b, const char *label, const struct json *list)
{
	for (size_t i = 0; i < json_count(list); i++) {
		buf_addf(b, "%s: %s", label, json_text(json_item(list, i), "name"));
		more(b, "", json_text(json_item(list, i), "role"));
		buf_addc(b, '\n');
	}
}

static void
show_decision(struct buf *b, const struct json *o)
{
	para(b, "Decision", json_text(o, "text"));
	para(b, "  Reason", json_text(o, "reason"));
	para(b, "  Dissent", json_text(o, "dissent"));
}

static void
show_action(struct buf *b, const struct json *o)
{
	buf_addf(b, "Action %lld, %s, due %s", (long long)json_number(o, "n"),
		 json_text(o, "owner"), json_text(o, "due"));
	para(b, "", json_text(o, "text"));
}

static void
show_measurement(struct buf *b, const struct json *o)
{
	long long mm = json_number(o, "height_mm"), g = json_number(o, "weight_g");

	buf_addf(b, "Measured: %s", json_text(o, "date"));
	more(b, "", json_text(o, "person"));
	if (!json_has_no(o, "height_mm"))
		buf_addf(b, ", %lld.%lld cm", mm / 10, mm % 10);
	if (!json_has_no(o, "weight_g"))
		buf_addf(b, ", %lld.%03lld kg", g / 1000, g % 1000);
	buf_addc(b, '\n');
}

static void
each(struct buf *b, const struct json *list, void (*show)(struct buf *, const struct json *))
{
	for (size_t i = 0; i < json_count(list); i++)
		show(b, json_item(list, i));
}

void
cover_show(const struct cover *c, struct buf *text)
{
	const struct json *o = c->doc;

	para(text, "Title", json_text(o, "title"));
	each(text, json_member(o, "people"), show_person);
	show_meeting(text, "Meeting", json_member(o, "meeting"));
	show_meeting(text, "Event", json_member(o, "event"));
	show_names(text, "Present", json_member(o, "attendees"));
	show_names(text, "Apologies", json_member(o, "apologies"));
	each(text, json_member(o, "decisions"), show_decision);
	each(text, json_member(o, "actions"), show_action);
	para(text, "Medical opinion", json_text(o, "medical_opinion"));
	each(text, json_member(o, "measurements"), show_measurement);
	para(text, "Language", json_text(o, "language"));
	para(text, "Interpreter", json_text(o, "interpreter"));
	for (size_t i = 0; i < c->ndocuments; i++)
		buf_addf(text, "Document: %s, %s, %llu bytes\n", c->documents[i].name,
			 c->documents[i].type, (unsigned long long)c->documents[i].size);
}
