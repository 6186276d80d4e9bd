/* cover.c - the cover sheet: read strictly, completed, compared with its manifest. Runs in: client.
 * Pure. Trusts: no byte; names of documents are judged before anything is called so. */
#include <stdlib.h>
#include <string.h>

#include "cover_in.h"
#include "safehand/enc.h"

#define HEX_MAX (2 * DIGEST_BYTES)
#define EMPTY	"{\"safehand_cover\":1}"

/* In a sheet that was sent, and in no draft: the sender's program writes them. */
static const char *const sent[] = {"id", "from", "to", "documents"};

static const struct json_rule document_rules[] = {
    {.name = "name", .type = JSON_T_STRING, .max = 2 * DOCUMENT_NAME_MAX},
    {.name = "type", .type = JSON_T_STRING, .max = MEDIA_TYPE_TEXT - 1},
    {.name = "size", .type = JSON_T_INT},
    {.name = "sha256", .type = JSON_T_STRING, .max = HEX_MAX},
    {.name = NULL},
};

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
		return cover_refuse("documents.type", "type/subtype", type, e);
	if (hex_decode(d->sha256, DIGEST_BYTES, hex) < 0)
		return cover_refuse("documents.sha256", "64 hex digits in lower case", hex, e);
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
		return cover_refuse("id", "a UUID of version 7 in lower case", id, e);
	if (!name_is_mailbox(from))
		return cover_refuse("from", "agency/role", from, e);
	for (size_t i = 0; i < json_count(to); i++) {
		const char *name = json_item_string(to, i, NAME_MAILBOX - 1, COVER_NAME ".to", e);

		if (name == NULL)
			return -1;
		if (!name_is_mailbox(name))
			return cover_refuse("to", "agency/role", name, e);
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
	    cover_check_written(c->doc, e) < 0 || (draft ? take_draft(c, e) : take_sent(c, e)) < 0)
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

const char *
cover_media_type(const char *name)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
	    {".pdf", "application/pdf"},
	    {".fhir.json", "application/fhir+json"},
	    {".json", "application/json"},
	    {".odt", "application/vnd.oasis.opendocument.text"},
	    {".png", "image/png"},
	    {".jpg", "image/jpeg"},
	    {".jpeg", "image/jpeg"},
	    {".tif", "image/tiff"},
	    {".tiff", "image/tiff"},
	    {".wav", "audio/wav"},
	    {".mp3", "audio/mpeg"},
	    {".mp4", "video/mp4"},
	    {".txt", "text/plain"},
	    {".xml", "application/xml"},
	    {".dcm", "application/dicom"},
	    {".eml", "message/rfc822"},
	    {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	    {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	};
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		size_t k = strlen(types[i].suffix);

		if (n > k && name_same_file(name + n - k, types[i].suffix))
			return types[i].type;
	}
	return "application/octet-stream";
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
