/* receipt.c - statements. Runs in: client. Owns: the folder pending. Trusts: its own signed bytes;
 * the gateway's answers once they are judged. */
#include "receipt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feed.h"
#include "files.h"
#include "proof.h"
#include "safehand/enc.h"
#include "safehand/json.h"
#include "safehand/time.h"

#define FOLDER	   "pending"
#define ANSWER_MAX (EVIDENCE_MAX_BYTES + 4096) /* evidence and a slot */
#define LIST_MAX   (1024 * 1024)	       /* bytes of a list of evidence */
#define EVENTS_MAX 10000		       /* entries about one bundle */

static void
add_name(const struct statement *s, struct buf *out)
{
	size_t start = out->len;

	buf_addf(out, "%s.%s.%s.%s.shs", s->bundle, s->mailbox, statement_kind_name(s->kind),
		 s->kind == STATEMENT_ANSWERED ? s->code : "ok");
	for (size_t i = start; i < out->len; i++)
		if (out->data[i] == '/' || out->data[i] == ':')
			out->data[i] = '_';
}

/* --- pending --- */

static int
sign(struct statement *s, struct signer *signer, struct buf *out, struct err *e)
{
	struct buf text = {0}, der = {0};
	int rc;

	snprintf(s->by, sizeof s->by, "%s", signer_identity(signer)->by);
	s->at_ms = time_now_ms() / 1000 * 1000;
	rc = statement_check_signer(s, signer_identity(signer), e);
	if (rc == 0) {
		statement_format(s, &text);
		rc = signature_sign(text.data, text.len, &signer, 1, &der, e);
	}
	if (rc == 0)
		signed_format(text.data, text.len, der.data, der.len, out);
	buf_free(&text);
	buf_free(&der);
	return rc;
}

int
receipt_prepare(struct client *c, struct statement *s, struct signer *signer, struct err *e)
{
	struct buf file = {0}, name = {0};
	int dir, rc = -1;

	if (client_folder(c, FOLDER, &dir, e) < 0)
		return -1;
	add_name(s, &name);
	if (sign(s, signer, &file, e) == 0)
		rc = files_write(dir, buf_str(&name), file.data, file.len, e);
	close(dir);
	buf_free(&file);
	buf_free(&name);
	return rc;
}

static int
read_pending(struct client *c, const struct statement *s, struct buf *out, struct err *e)
{
	struct buf name = {0};
	int dir, rc;

	if (client_folder(c, FOLDER, &dir, e) < 0)
		return -1;
	add_name(s, &name);
	rc = files_read(dir, buf_str(&name),
			SIGNED_FIXED_BYTES + STATEMENT_MAX_BYTES + SIGNATURE_MAX_BYTES, out, e);
	close(dir);
	buf_free(&name);
	return rc;
}

static int
drop_pending(struct client *c, const struct statement *s, struct err *e)
{
	struct buf name = {0};
	int dir, rc;

	if (client_folder(c, FOLDER, &dir, e) < 0)
		return -1;
	add_name(s, &name);
	rc = files_remove(dir, buf_str(&name), e);
	close(dir);
	buf_free(&name);
	return rc;
}

/* What is pending may have been signed by an earlier call: it is what is said. */
static int
read_said(const struct buf *file, struct statement *out, struct err *e)
{
	struct signed_file parts;

	if (signed_parse(file->data, file->len, STATEMENT_MAX_BYTES, &parts, e) < 0)
		return -1;
	return statement_parse(parts.content, parts.content_bytes, out, e);
}

bool
receipt_pending(struct client *c, enum statement_kind kind, const char *bundle, const char *mailbox,
		struct statement *out)
{
	struct statement s = {.kind = kind, .code = "ok"};
	struct buf file = {0};
	struct err ignored;
	bool is;

	strcpy(s.bundle, bundle);
	strcpy(s.mailbox, mailbox);
	is = read_pending(c, &s, &file, &ignored) == 0 && read_said(&file, out, &ignored) == 0;
	buf_free(&file);
	return is;
}

/* --- the gateway's answer --- */

static const struct json_rule answer_rules[] = {
    {"evidence", JSON_T_OBJECT, false, false, 0},
    {"slot", JSON_T_STRING, true, false, SLOT_BYTES * 2},
    {"flags", JSON_T_ARRAY, true, false, 1000},
    {NULL, 0, false, false, 0},
};
static const struct json_rule evidence_rules[] = {
    {"safehand_evidence", JSON_T_INT, false, false, 0},
    {"entry", JSON_T_STRING, true, false, 0},
    {"proof", JSON_T_TEXT, true, false, 0},
    {"timestamp", JSON_T_STRING, true, false, 0},
    {"manifest", JSON_T_STRING, true, false, 0},
    {"signature", JSON_T_STRING, true, false, 0},
    {"statement", JSON_T_STRING, true, false, 0},
    {"statement_signature", JSON_T_STRING, true, false, 0},
    {NULL, 0, false, false, 0},
};

/* The object inside as a text of its own, which is what a file holds. */
static int
take_object(const struct json *o, struct buf *out, struct err *e)
{
	if (json_check(o, evidence_rules, "evidence", e) < 0)
		return -1;
	buf_addc(out, '{');
	buf_json_int(out, "safehand_evidence", json_number(o, "safehand_evidence"));
	for (const struct json_rule *r = evidence_rules + 1; r->name != NULL; r++)
		if (json_text(o, r->name) != NULL)
			buf_json_str(out, r->name, json_text(o, r->name));
	buf_addc(out, '}');
	return 0;
}

static int
take_given(const struct json *o, struct receipt_given *given, struct err *e)
{
	const char *text = json_text(o, "slot");
	struct buf raw = {0}, items = {0};
	int rc = 0;

	if (given == NULL)
		return 0;
	if (text == NULL || base64_decode(&raw, text, strlen(text), SLOT_BYTES) < 0 ||
	    raw.len != SLOT_BYTES)
		rc = err_set(e, ERR_FORMAT, "the gateway's answer: no slot, or not one of %d bytes",
			     SLOT_BYTES);
	else
		memcpy(given->slot, raw.data, SLOT_BYTES);
	if (rc == 0 && !json_has_no(o, "flags"))
		rc = feed_flags(json_member(o, "flags"), "answer.flags", &given->flags, &items, e);
	buf_free(&raw);
	buf_free(&items);
	return rc;
}

static int
take_answer(struct client *c, const struct statement *s, const struct http_answer *a,
	    struct receipt_given *given, char **evidence, struct err *e)
{
	struct evidence_result r = {0};
	struct json *doc = NULL;
	struct buf text = {0};
	char *name = NULL;
	int rc = -1;

	if (json_parse("answer", a->body.data, a->body.len, ANSWER_MAX, &doc, e) == 0 &&
	    json_check(doc, answer_rules, "answer", e) == 0 &&
	    take_object(json_member(doc, "evidence"), &text, e) == 0 &&
	    proof_check(c, text.data, text.len, statement_event(s), s->bundle, s->mailbox,
			s->manifest_sha256, &r, e) == 0 &&
	    take_given(doc, given, e) == 0)
		rc = proof_keep(c, text.data, text.len, &r.entry, &name, e);
	if (rc == 0 && evidence != NULL) {
		*evidence = name;
		name = NULL;
	}
	free(name);
	json_free(doc);
	buf_free(&text);
	return rc;
}

/* *refused: by the gateway, and for good. What fails here, on the way or over there leaves the
 * question open: the same statement is then said again. */
static int
post(struct client *c, const struct statement *s, const struct buf *file,
     struct receipt_given *given, char **evidence, bool *refused, struct err *e)
{
	struct http_call call = {.method = "POST",
				 .type = "application/vnd.safehand.statement",
				 .body = file->data,
				 .body_bytes = file->len,
				 .from_fd = -1,
				 .into_fd = -1,
				 .max = ANSWER_MAX};
	struct http_answer a = {0};
	struct buf path = {0};
	int rc;

	if (s->kind == STATEMENT_WITHDRAWN) /* of our own bundle, not of one in our mailbox */
		buf_addf(&path, "/v1/bundles/%s/statements", s->bundle);
	else
		buf_addf(&path, "/v1/mailboxes/%s/bundles/%s/statements", s->mailbox, s->bundle);
	call.path = buf_str(&path);
	rc = gate_call(c, &call, &a, e);
	*refused = rc < 0 && a.status >= 400 && a.status < 500 && !http_is_temporary(e);
	if (rc == 0)
		rc = take_answer(c, s, &a, given, evidence, e);
	http_clear(&a);
	buf_free(&path);
	return rc;
}

/* What is pending, else s, which is kept as such from here on. Only if there is none: what cannot
 * be read now may say more than s does, and must be said as it is. */
static int
to_be_said(struct client *c, struct statement *s, struct signer *signer, struct buf *file,
	   struct err *e)
{
	if (read_pending(c, s, file, e) == 0)
		return 0;
	if (e->code != ERR_UNKNOWN || receipt_prepare(c, s, signer, e) < 0)
		return -1;
	return read_pending(c, s, file, e);
}

int
receipt_post(struct client *c, struct statement *s, struct signer *signer,
	     struct receipt_given *given, char **evidence, struct err *e)
{
	struct statement said;
	struct buf file = {0};
	bool refused = false;
	struct err ignored;
	int rc = -1;

	/* a collection may be said again with other bytes: the gateway gives the first evidence */
	if (s->kind == STATEMENT_COLLECTED)
		rc = sign(s, signer, &file, e);
	else
		rc = to_be_said(c, s, signer, &file, e);
	if (rc == 0 && (rc = read_said(&file, &said, e)) == 0) {
		rc = post(c, &said, &file, given, evidence, &refused, e);
		if (s->kind != STATEMENT_COLLECTED && rc == 0)
			rc = drop_pending(c, s, e);
		else if (refused) /* it may be said otherwise */
			(void)!drop_pending(c, s, &ignored);
	}
	buf_free(&file);
	return rc;
}

static int
tell(const struct client *c, const struct statement *s, const char *evidence, struct err *e)
{
	struct buf out = {0};
	int rc;

	if (c->json) {
		buf_addc(&out, '{');
		buf_json_str(&out, "id", s->bundle);
		buf_json_str(&out, "kind", statement_kind_name(s->kind));
		buf_json_str(&out, "mailbox", s->mailbox);
		buf_json_str(&out, "code", s->code);
		buf_json_str(&out, "evidence", evidence);
		buf_addc(&out, '}');
	} else {
		buf_addf(&out, "%s %s for %s (%s)\nevidence %s\n", statement_kind_name(s->kind),
			 s->bundle, s->mailbox, s->code, evidence);
	}
	rc = say(c, &out, e);
	buf_free(&out);
	return rc;
}

int
receipt_say(struct client *c, struct statement *s, const char *as, const char *kind, struct err *e)
{
	struct signer *signer = NULL;
	char *evidence = NULL;
	int rc = -1;

	if (keys_signer(c, as, kind, &signer, e) == 0 &&
	    receipt_post(c, s, signer, NULL, &evidence, e) == 0)
		rc = tell(c, s, evidence, e);
	signer_free(signer);
	free(evidence);
	return rc;
}

/* --- what was opened --- */

static int
statement_of(const struct buf *text, struct statement *out, struct err *e)
{
	struct evidence ev = {0};
	int rc = -1;

	if (evidence_parse(text->data, text->len, &ev, e) == 0)
		rc = statement_parse(ev.statement.data, ev.statement.len, out, e);
	evidence_free(&ev);
	return rc;
}

static const struct json_rule list_rules[] = {
    {"bundle", JSON_T_STRING, false, false, UUID_TEXT - 1},
    {"evidence", JSON_T_ARRAY, false, false, EVENTS_MAX},
    {NULL, 0, false, false, 0},
};
static const struct json_rule row_rules[] = {
    {"seq", JSON_T_INT, false, false, 0},
    {"event", JSON_T_STRING, false, false, 64},
    {"mailbox", JSON_T_STRING, true, false, NAME_MAILBOX - 1},
    {"time", JSON_T_STRING, false, false, TIME_TEXT},
    {"code", JSON_T_STRING, false, false, ENTRY_CODE},
    {NULL, 0, false, false, 0},
};

/* The number of the entry that says so; -1 with err if there is none. */
static int64_t
find_row(const struct json *doc, enum entry_event event, const char *mailbox, struct err *e)
{
	const struct json *list = json_member(doc, "evidence");

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *row = json_item(list, i);

		if (json_check(row, row_rules, "evidence", e) < 0)
			return -1;
		if (strcmp(json_text(row, "event"), event_name(event)) == 0 &&
		    !json_has_no(row, "mailbox") && strcmp(json_text(row, "mailbox"), mailbox) == 0)
			return json_number(row, "seq");
	}
	return err_set(e, ERR_ORDER, "%s has not opened it yet; say: safehand open", mailbox);
}

static int
get(struct client *c, const char *path, size_t max, struct http_answer *a, struct err *e)
{
	struct http_call call = {
	    .method = "GET", .path = path, .from_fd = -1, .into_fd = -1, .max = max};

	return gate_call(c, &call, a, e);
}

static int
fetch_opened(struct client *c, const char *bundle, const char *mailbox, struct buf *text,
	     struct err *e)
{
	struct evidence_result r = {0};
	struct http_answer a = {0};
	struct json *doc = NULL;
	struct buf path = {0};
	char *name = NULL;
	int64_t seq = -1;
	int rc = -1;

	buf_addf(&path, "/v1/bundles/%s/evidence", bundle);
	if (get(c, buf_str(&path), LIST_MAX, &a, e) == 0 &&
	    json_parse("evidence", a.body.data, a.body.len, LIST_MAX, &doc, e) == 0 &&
	    json_check(doc, list_rules, "evidence", e) == 0)
		seq = find_row(doc, EVENT_OPENED, mailbox, e);
	buf_addf(&path, "/%lld", (long long)seq);
	if (seq >= 0 && get(c, buf_str(&path), EVIDENCE_MAX_BYTES, &a, e) == 0 &&
	    proof_check(c, a.body.data, a.body.len, EVENT_OPENED, bundle, mailbox, NULL, &r, e) ==
		0 &&
	    proof_keep(c, a.body.data, a.body.len, &r.entry, &name, e) == 0) {
		buf_add(text, a.body.data, a.body.len);
		rc = 0;
	}
	free(name);
	json_free(doc);
	http_clear(&a);
	buf_free(&path);
	return rc;
}

int
receipt_opened(struct client *c, const char *bundle, const char *mailbox, struct statement *out,
	       struct err *e)
{
	struct buf text = {0};
	struct err ignored;
	int rc = proof_find(c, EVENT_OPENED, bundle, mailbox, &text, &ignored);

	if (rc < 0) {
		buf_clear(&text);
		rc = fetch_opened(c, bundle, mailbox, &text, e);
	}
	if (rc == 0)
		rc = statement_of(&text, out, e);
	buf_free(&text);
	return rc;
}
