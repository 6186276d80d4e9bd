/* cover.c - the cover sheet: read strictly, completed, compared with its manifest. Runs in: client.
 * Pure. Trusts: no byte; names of documents are judged before anything is called so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cover_in.h"
#include "safehand/enc.h"
#include "safehand/time.h"

#define WORD_BYTES 32	       /* a word of a fixed list */
#define LINE_BYTES 512	       /* a title, a name, a place: a line on a screen */
#define PARA_BYTES (16 * 1024) /* a decision with its reasons: some pages */
#define LIST_ITEMS 256	       /* people, attendees, decisions, measurements of one sheet */
#define HEIGHT_MAX 3000	       /* millimetres; nobody is taller */
#define WEIGHT_MAX 700000      /* grams; nobody is heavier */
#define HEX_MAX	   (2 * DIGEST_BYTES)
#define EMPTY	   "{\"safehand_cover\":1}"

static const struct json_rule rules[] = {
    {.name = "safehand_cover", .type = JSON_T_INT},
    {.name = "id", .type = JSON_T_STRING, .optional = true, .max = UUID_TEXT - 1},
    {.name = "from", .type = JSON_T_STRING, .optional = true, .max = NAME_MAILBOX - 1},
    {.name = "to", .type = JSON_T_ARRAY, .optional = true, .max = RECIPIENTS_MAX},
    {.name = "documents", .type = JSON_T_ARRAY, .optional = true, .max = DOCUMENTS_MAX},
    {.name = "title", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = "people", .type = JSON_T_ARRAY, .optional = true, .max = LIST_ITEMS},
    {.name = "meeting", .type = JSON_T_OBJECT, .optional = true},
    {.name = "event", .type = JSON_T_OBJECT, .optional = true},
    {.name = "attendees", .type = JSON_T_ARRAY, .optional = true, .max = LIST_ITEMS},
    {.name = "apologies", .type = JSON_T_ARRAY, .optional = true, .max = LIST_ITEMS},
    {.name = "decisions", .type = JSON_T_ARRAY, .optional = true, .max = LIST_ITEMS},
    {.name = "actions", .type = JSON_T_ARRAY, .optional = true, .max = ACTIONS_MAX},
    {.name = "medical_opinion", .type = JSON_T_STRING, .optional = true, .max = WORD_BYTES},
    {.name = "language", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = "interpreter", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = "measurements", .type = JSON_T_ARRAY, .optional = true, .max = LIST_ITEMS},
    {.name = NULL},
};

/* In a sheet that was sent, and in no draft: the sender's program writes them. */
static const char *const sent[] = {"id", "from", "to", "documents"};

static const struct json_rule person_rules[] = {
    {.name = "name", .type = JSON_T_STRING, .max = LINE_BYTES},
    {.name = "role", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = "born", .type = JSON_T_STRING, .optional = true, .max = WORD_BYTES},
    {.name = "identifiers", .type = JSON_T_ARRAY, .optional = true, .max = LIST_ITEMS},
    {.name = "household", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = NULL},
};

static const struct json_rule identifier_rules[] = {
    {.name = "kind", .type = JSON_T_STRING, .max = LINE_BYTES},
    {.name = "value", .type = JSON_T_STRING, .max = LINE_BYTES},
    {.name = NULL},
};

static const struct json_rule meeting_rules[] = {
    {.name = "at", .type = JSON_T_STRING, .max = WORD_BYTES},
    {.name = "kind", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = "place", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = "chair", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = NULL},
};

static const struct json_rule attendee_rules[] = {
    {.name = "name", .type = JSON_T_STRING, .max = LINE_BYTES},
    {.name = "role", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = NULL},
};

static const struct json_rule decision_rules[] = {
    {.name = "text", .type = JSON_T_TEXT, .max = PARA_BYTES},
    {.name = "reason", .type = JSON_T_TEXT, .optional = true, .max = PARA_BYTES},
    {.name = "dissent", .type = JSON_T_TEXT, .optional = true, .max = PARA_BYTES},
    {.name = NULL},
};

static const struct json_rule action_rules[] = {
    {.name = "n", .type = JSON_T_INT},
    {.name = "owner", .type = JSON_T_STRING, .max = NAME_MAILBOX - 1},
    {.name = "due", .type = JSON_T_STRING, .max = DUE_TEXT - 1},
    {.name = "text", .type = JSON_T_TEXT, .max = PARA_BYTES},
    {.name = NULL},
};

static const struct json_rule measurement_rules[] = {
    {.name = "date", .type = JSON_T_STRING, .max = WORD_BYTES},
    {.name = "height_mm", .type = JSON_T_INT, .optional = true},
    {.name = "weight_g", .type = JSON_T_INT, .optional = true},
    {.name = "person", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = NULL},
};

static const struct json_rule document_rules[] = {
    {.name = "name", .type = JSON_T_STRING, .max = 2 * DOCUMENT_NAME_MAX},
    {.name = "type", .type = JSON_T_STRING, .max = MEDIA_TYPE_TEXT - 1},
    {.name = "size", .type = JSON_T_INT},
    {.name = "sha256", .type = JSON_T_STRING, .max = HEX_MAX},
    {.name = NULL},
};

static int
refuse(const char *member, const char *want, const char *have, struct err *e)
{
	return err_set(e, ERR_FORMAT, COVER_NAME ".%s: %s: want %s", member, have, want);
}

static bool
is_date(const char *text)
{
	char midnight[TIME_TEXT + WORD_BYTES];
	int64_t ms;

	snprintf(midnight, sizeof midnight, "%sT00:00:00Z", text);
	return time_parse(midnight, &ms) == 0;
}

static int
check_date(const struct json *o, const char *name, const char *path, struct err *e)
{
	const char *text = json_text(o, name);

	return text == NULL || is_date(text) ? 0
					     : refuse(path, "a date such as 2026-11-24", text, e);
}

static int
check_person(const struct json *o, struct err *e)
{
	const struct json *list;

	if (json_check(o, person_rules, COVER_NAME ".people", e) < 0 ||
	    check_date(o, "born", "people.born", e) < 0)
		return -1;
	list = json_member(o, "identifiers");
	for (size_t i = 0; i < json_count(list); i++)
		if (json_check(json_item(list, i), identifier_rules,
			       COVER_NAME ".people.identifiers", e) < 0)
			return -1;
	return 0;
}

static int
check_attendee(const struct json *o, struct err *e)
{
	return json_check(o, attendee_rules, COVER_NAME ".attendees", e);
}

static int
check_apology(const struct json *o, struct err *e)
{
	return json_check(o, attendee_rules, COVER_NAME ".apologies", e);
}

static int
check_decision(const struct json *o, struct err *e)
{
	return json_check(o, decision_rules, COVER_NAME ".decisions", e);
}

static int
check_action(const struct json *o, struct err *e)
{
	if (json_check(o, action_rules, COVER_NAME ".actions", e) < 0 ||
	    check_date(o, "due", "actions.due", e) < 0)
		return -1;
	if (!name_is_mailbox(json_text(o, "owner")))
		return refuse("actions.owner", "agency/role", json_text(o, "owner"), e);
	if (json_number(o, "n") < 1 || json_number(o, "n") > ACTIONS_MAX)
		return err_set(e, ERR_FORMAT, COVER_NAME ".actions.n: want 1 to %d", ACTIONS_MAX);
	return 0;
}

static int
check_measurement(const struct json *o, struct err *e)
{
	if (json_check(o, measurement_rules, COVER_NAME ".measurements", e) < 0 ||
	    check_date(o, "date", "measurements.date", e) < 0)
		return -1;
	if (json_has_no(o, "height_mm") && json_has_no(o, "weight_g"))
		return refuse("measurements", "height_mm or weight_g", json_text(o, "date"), e);
	if (json_number(o, "height_mm") > HEIGHT_MAX || json_number(o, "weight_g") > WEIGHT_MAX)
		return err_set(e, ERR_FORMAT,
			       COVER_NAME ".measurements: want at most %d mm and %d g", HEIGHT_MAX,
			       WEIGHT_MAX);
	return 0;
}

static const struct {
	const char *name;
	int (*check)(const struct json *item, struct err *e);
} lists[] = {
    {"people", check_person},	  {"attendees", check_attendee},
    {"apologies", check_apology}, {"decisions", check_decision},
    {"actions", check_action},	  {"measurements", check_measurement},
};

static int
check_lists(const struct json *o, struct err *e)
{
	for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
		const struct json *list = json_member(o, lists[k].name);

		for (size_t i = 0; i < json_count(list); i++)
			if (lists[k].check(json_item(list, i), e) < 0)
				return -1;
	}
	return 0;
}

static int
check_numbers(const struct json *o, struct err *e)
{
	const struct json *list = json_member(o, "actions");
	bool seen[ACTIONS_MAX + 1] = {false};

	for (size_t i = 0; i < json_count(list); i++) {
		int64_t n = json_number(json_item(list, i), "n");

		if (seen[n])
			return err_set(e, ERR_FORMAT, COVER_NAME ".actions.n: %d stands twice",
				       (int)n);
		seen[n] = true;
	}
	return 0;
}

static int
check_meeting(const struct json *o, const char *name, const char *path, struct err *e)
{
	const struct json *m = json_member(o, name);
	const char *at;
	int64_t ms;

	if (m == NULL)
		return 0;
	if (json_check(m, meeting_rules, path, e) < 0)
		return -1;
	at = json_text(m, "at");
	if (!is_date(at) && time_parse(at, &ms) < 0)
		return err_set(e, ERR_FORMAT,
			       "%s.at: %s: want a date, or a time such as 2026-11-22T21:04:05Z",
			       path, at);
	return 0;
}

static int
check_written(const struct json *o, struct err *e)
{
	const char *opinion = json_text(o, "medical_opinion");

	if (json_check(o, rules, COVER_NAME, e) < 0)
		return -1;
	if (json_number(o, "safehand_cover") != 1)
		return err_set(e, ERR_FORMAT, COVER_NAME ".safehand_cover: want version 1");
	if (opinion != NULL && strcmp(opinion, "accidental") != 0 &&
	    strcmp(opinion, "non-accidental") != 0 && strcmp(opinion, "inconclusive") != 0)
		return refuse("medical_opinion", "accidental, non-accidental or inconclusive",
			      opinion, e);
	return check_meeting(o, "meeting", COVER_NAME ".meeting", e) < 0 ||
		       check_meeting(o, "event", COVER_NAME ".event", e) < 0 ||
		       check_lists(o, e) < 0 || check_numbers(o, e) < 0
		   ? -1
		   : 0;
}

/* RFC 6838 section 4.2: two restricted names, no parameters. */
static bool
is_media_type(const char *s)
{
	static const char other[] = "!#$&-^_.+";
	size_t slashes = 0, part = 0;

	for (; *s != '\0'; s++) {
		bool first = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
			     (*s >= '0' && *s <= '9');

		if (*s == '/' && part > 0) {
			slashes++;
			part = 0;
		} else if (first || (part > 0 && strchr(other, *s) != NULL)) {
			part++;
		} else {
			return false;
		}
	}
	return slashes == 1 && part > 0;
}

static int
take_document(const struct json *o, struct cover_document *d, struct err *e)
{
	const char *name, *type, *hex;

	if (json_check(o, document_rules, COVER_NAME ".documents", e) < 0)
		return -1;
	name = json_text(o, "name");
	type = json_text(o, "type");
	hex = json_text(o, "sha256");
	if (!name_is_document(name))
		return err_set(e, ERR_ARCHIVE, COVER_NAME ".documents.name: '%s' is no file name",
			       name);
	if (!is_media_type(type))
		return refuse("documents.type", "type/subtype", type, e);
	if (hex_decode(d->sha256, DIGEST_BYTES, hex) < 0)
		return refuse("documents.sha256", "64 hex digits in lower case", hex, e);
	strcpy(d->name, name); /* lengths were checked by rule and name_is_document */
	strcpy(d->type, type);
	d->size = (uint64_t)json_number(o, "size");
	return 0;
}

static int
take_documents(const struct json *list, struct cover *c, struct err *e)
{
	c->ndocuments = json_count(list);
	c->documents = mem_alloc(c->ndocuments * sizeof *c->documents);
	for (size_t i = 0; i < c->ndocuments; i++) {
		struct cover_document *d = &c->documents[i];

		if (take_document(json_item(list, i), d, e) < 0)
			return -1;
		if (name_same_file(d->name, COVER_NAME))
			return err_set(e, ERR_ARCHIVE,
				       COVER_NAME ".documents.name: '%s' is the cover sheet's own",
				       d->name);
		for (size_t k = 0; k < i; k++)
			if (name_same_file(d->name, c->documents[k].name))
				return err_set(e, ERR_ARCHIVE,
					       COVER_NAME ".documents.name: '%s' stands twice",
					       d->name);
	}
	return 0;
}

static int
take_sent(struct cover *c, struct err *e)
{
	const char *id, *from;
	const struct json *to;

	for (size_t i = 0; i < sizeof sent / sizeof *sent; i++)
		if (json_has_no(c->doc, sent[i]))
			return err_set(e, ERR_FORMAT, COVER_NAME ".%s: missing", sent[i]);
	id = json_text(c->doc, "id");
	from = json_text(c->doc, "from");
	to = json_member(c->doc, "to");
	if (!uuid_is_v7(id))
		return refuse("id", "a UUID of version 7 in lower case", id, e);
	if (!name_is_mailbox(from))
		return refuse("from", "agency/role", from, e);
	for (size_t i = 0; i < json_count(to); i++) {
		const char *name = json_item_string(to, i, NAME_MAILBOX - 1, COVER_NAME ".to", e);

		if (name == NULL)
			return -1;
		if (!name_is_mailbox(name))
			return refuse("to", "agency/role", name, e);
	}
	return take_documents(json_member(c->doc, "documents"), c, e);
}

static int
take_draft(const struct cover *c, struct err *e)
{
	for (size_t i = 0; i < sizeof sent / sizeof *sent; i++)
		if (!json_has_no(c->doc, sent[i]))
			return err_set(e, ERR_FORMAT,
				       COVER_NAME ".%s: not in a draft: it is filled in when sent",
				       sent[i]);
	return 0;
}

static int
parse(const void *text, size_t len, bool draft, struct cover **out, struct err *e)
{
	struct cover *c = mem_alloc(sizeof *c);
	int rc = -1;

	if (json_parse(COVER_NAME, text, len, COVER_MAX_BYTES, &c->doc, e) < 0 ||
	    check_written(c->doc, e) < 0 || (draft ? take_draft(c, e) : take_sent(c, e)) < 0)
		goto out;
	buf_add(&c->text, text, len);
	*out = c;
	c = NULL;
	rc = 0;
out:
	cover_free(c);
	return rc;
}

int
cover_parse(const void *text, size_t len, struct cover **out, struct err *e)
{
	return parse(text, len, false, out, e);
}

int
cover_parse_draft(const void *text, size_t len, struct cover **out, struct err *e)
{
	return parse(text, len, true, out, e);
}

struct cover *
cover_new(void)
{
	struct cover *c = NULL;
	int rc = cover_parse_draft(EMPTY, sizeof EMPTY - 1, &c, NULL);

	return rc == 0 ? c : NULL; /* EMPTY is a draft: test_cover.c */
}

void
cover_free(struct cover *c)
{
	if (c == NULL)
		return;
	json_free(c->doc);
	buf_free(&c->text);
	free(c->documents);
	free(c);
}

static void
put_documents(const struct cover_document *documents, size_t n, struct buf *text)
{
	buf_json_key(text, "documents");
	buf_addc(text, '[');
	for (size_t i = 0; i < n; i++) {
		buf_adds(text, i > 0 ? ",{" : "{");
		buf_json_str(text, "name", documents[i].name);
		buf_json_str(text, "type", documents[i].type);
		buf_json_int(text, "size", (int64_t)documents[i].size);
		buf_json_hex(text, "sha256", documents[i].sha256, DIGEST_BYTES);
		buf_addc(text, '}');
	}
	buf_addc(text, ']');
}

/* The draft's object, which has at least its version, is reopened at its closing brace. */
int
cover_complete(const struct cover *draft, const struct manifest *m,
	       const struct cover_document *documents, size_t n, struct buf *text, struct err *e)
{
	const char *brace = memrchr(draft->text.data, '}', draft->text.len);
	struct cover *whole = NULL;
	size_t start = text->len;

	buf_add(text, draft->text.data, (size_t)(brace - (const char *)draft->text.data));
	buf_json_str(text, "id", m->id);
	buf_json_str(text, "from", m->from);
	buf_json_key(text, "to");
	buf_addc(text, '[');
	for (size_t i = 0; i < m->nto; i++) {
		buf_adds(text, i > 0 ? "," : "");
		buf_json(text, m->to[i].mailbox);
	}
	buf_addc(text, ']');
	put_documents(documents, n, text);
	buf_addc(text, '}');
	/* what a recipient would refuse is refused here */
	if (cover_parse(text->data + start, text->len - start, &whole, e) < 0)
		return -1;
	cover_free(whole);
	return 0;
}

int
cover_match(const struct cover *c, const struct manifest *m, struct err *e)
{
	const struct json *to = json_member(c->doc, "to");
	bool same = json_count(to) == m->nto;
	struct err none;

	if (strcmp(json_text(c->doc, "id"), m->id) != 0)
		return err_set(e, ERR_DIGEST, COVER_NAME ".id: %s, but the manifest says %s",
			       json_text(c->doc, "id"), m->id);
	if (strcmp(json_text(c->doc, "from"), m->from) != 0)
		return err_set(e, ERR_DIGEST, COVER_NAME ".from: %s, but the manifest says %s",
			       json_text(c->doc, "from"), m->from);
	for (size_t i = 0; i < m->nto && same; i++) {
		const char *name =
		    json_item_string(to, i, NAME_MAILBOX - 1, COVER_NAME ".to", &none);

		same = name != NULL && strcmp(name, m->to[i].mailbox) == 0;
	}
	return same
		   ? 0
		   : err_set(e, ERR_DIGEST, COVER_NAME ".to: other recipients than the manifest's");
}

size_t
cover_documents(const struct cover *c)
{
	return c->ndocuments;
}

const struct cover_document *
cover_document(const struct cover *c, size_t i)
{
	return &c->documents[i];
}

size_t
cover_actions(const struct cover *c, struct action out[static ACTIONS_MAX])
{
	const struct json *list = json_member(c->doc, "actions");

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *o = json_item(list, i);

		out[i] = (struct action){.n = json_number(o, "n")};
		strcpy(out[i].owner, json_text(o, "owner")); /* lengths: action_rules */
		strcpy(out[i].due, json_text(o, "due"));
	}
	return json_count(list);
}

const char *
cover_opinion(const struct cover *c)
{
	return json_text(c->doc, "medical_opinion");
}

void
cover_text(const struct cover *c, struct buf *text)
{
	buf_add(text, c->text.data, c->text.len);
}
