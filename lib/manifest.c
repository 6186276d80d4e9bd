/* manifest.c - the manifest of a bundle. Runs in: verify, client. Pure. Trusts: no byte; it is
 * parsed only after its signature holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/enc.h"
#include "safehand/json.h"
#include "safehand/manifest.h"
#include "safehand/time.h"

#define HEX_MAX (2 * DIGEST_BYTES)

static const struct json_rule rules[] = {
    {.name = "safehand", .type = JSON_T_INT},
    {.name = "id", .type = JSON_T_STRING, .max = UUID_TEXT - 1},
    {.name = "created", .type = JSON_T_STRING, .max = TIME_TEXT},
    {.name = "event_at", .type = JSON_T_STRING, .nullable = true, .max = TIME_TEXT},
    {.name = "from", .type = JSON_T_STRING, .max = NAME_MAILBOX - 1},
    {.name = "class", .type = JSON_T_STRING, .max = NAME_CLASS - 1},
    {.name = "status", .type = JSON_T_STRING, .max = 16},
    {.name = "about", .type = JSON_T_ARRAY, .max = ABOUT_MAX},
    {.name = "to", .type = JSON_T_ARRAY, .max = RECIPIENTS_MAX},
    {.name = "actions", .type = JSON_T_ARRAY, .max = ACTIONS_MAX},
    {.name = "reply_to", .type = JSON_T_STRING, .nullable = true, .max = UUID_TEXT - 1},
    {.name = "supersedes", .type = JSON_T_STRING, .nullable = true, .max = UUID_TEXT - 1},
    {.name = "concern", .type = JSON_T_STRING, .nullable = true, .max = 16},
    {.name = "slots_sha256", .type = JSON_T_STRING, .max = HEX_MAX},
    {.name = "payload_sha256", .type = JSON_T_STRING, .max = HEX_MAX},
    {.name = "payload_bytes", .type = JSON_T_INT},
    {.name = "key_commitment", .type = JSON_T_STRING, .max = HEX_MAX},
    {.name = NULL},
};

static const struct json_rule to_rules[] = {
    {.name = "mailbox", .type = JSON_T_STRING, .max = NAME_MAILBOX - 1},
    {.name = "as", .type = JSON_T_STRING, .max = 8},
    {.name = "for", .type = JSON_T_STRING, .optional = true, .max = NAME_MAILBOX - 1},
    {.name = "key", .type = JSON_T_STRING, .max = HEX_MAX},
    {.name = NULL},
};

static const struct json_rule action_rules[] = {
    {.name = "n", .type = JSON_T_INT},
    {.name = "owner", .type = JSON_T_STRING, .max = NAME_MAILBOX - 1},
    {.name = "due", .type = JSON_T_STRING, .max = DUE_TEXT - 1},
    {.name = NULL},
};

const char *
concern_name(enum concern c)
{
	static const char *const names[] = {NULL, "inconclusive", "active"};

	return names[c];
}

static int
refuse(const char *member, const char *want, const char *have, struct err *e)
{
	return err_set(e, ERR_FORMAT, "manifest.%s: %s: want %s", member, have, want);
}

static int
take_digest(const struct json *o, const char *name, uint8_t out[static DIGEST_BYTES], struct err *e)
{
	const char *hex = json_text(o, name);

	return hex_decode(out, DIGEST_BYTES, hex) == 0
		   ? 0
		   : refuse(name, "64 hex digits in lower case", hex, e);
}

static int
take_id(const struct json *o, const char *name, char out[static UUID_TEXT], struct err *e)
{
	const char *text = json_text(o, name);

	if (text == NULL)
		return 0; /* null: out stays empty */
	if (!uuid_is_v7(text))
		return refuse(name, "a UUID of version 7 in lower case", text, e);
	memcpy(out, text, UUID_TEXT);
	return 0;
}

static int
take_time(const struct json *o, const char *name, int64_t *ms, struct err *e)
{
	const char *text = json_text(o, name);

	*ms = MANIFEST_NO_TIME;
	return text == NULL || time_parse(text, ms) == 0
		   ? 0
		   : refuse(name, "a time such as 2026-11-22T21:04:05Z", text, e);
}

static int
take_mailbox(const struct json *o, const char *name, char out[static NAME_MAILBOX], struct err *e)
{
	const char *text = json_text(o, name);

	if (!name_is_mailbox(text))
		return refuse(name, "agency/role", text, e);
	strcpy(out, text); /* its length was checked by the rule */
	return 0;
}

static int
take_words(const struct json *o, struct manifest *m, struct err *e)
{
	const char *status = json_text(o, "status"), *concern = json_text(o, "concern"),
		   *klass = json_text(o, "class");

	if (!name_is_class(klass))
		return refuse("class", "[a-z0-9][a-z0-9-]*", klass, e);
	strcpy(m->klass, klass);
	m->provisional = strcmp(status, "provisional") == 0;
	if (!m->provisional && strcmp(status, "final") != 0)
		return refuse("status", "final or provisional", status, e);
	m->concern = concern == NULL		      ? CONCERN_NONE
		     : strcmp(concern, "active") == 0 ? CONCERN_ACTIVE
						      : CONCERN_INCONCLUSIVE;
	if (concern != NULL && strcmp(concern, concern_name(m->concern)) != 0)
		return refuse("concern", "inconclusive, active or null", concern, e);
	return 0;
}

static int
take_about(const struct json *o, struct manifest *m, struct err *e)
{
	const struct json *list = json_member(o, "about");

	for (size_t i = 0; i < json_count(list); i++) {
		const char *text = json_item_string(list, i, ABOUT_TEXT - 1, "manifest.about", e);

		if (text == NULL)
			return -1;
		if (!name_is_about(text))
			return refuse("about", "c: or h: and 52 characters of base32", text, e);
		for (size_t k = 0; k < i; k++)
			if (strcmp(m->about[k], text) == 0)
				return refuse("about", "each once", text, e);
		strcpy(m->about[i], text);
	}
	m->nabout = json_count(list);
	return 0;
}

static int
take_recipient(const struct json *o, struct recipient *r, struct err *e)
{
	const char *as;

	if (json_check(o, to_rules, "manifest.to", e) < 0 ||
	    take_mailbox(o, "mailbox", r->mailbox, e) < 0 || take_digest(o, "key", r->key, e) < 0)
		return -1;
	as = json_text(o, "as");
	r->cover = strcmp(as, "cover") == 0;
	if (!r->cover && strcmp(as, "to") != 0)
		return refuse("to.as", "to or cover", as, e);
	if (r->cover != (json_text(o, "for") != NULL))
		return refuse("to.for", "it with cover, and only with cover", r->mailbox, e);
	return r->cover ? take_mailbox(o, "for", r->covers, e) : 0;
}

/* Each mailbox once; each cover for one that is named as "to". */
static int
check_recipients(const struct manifest *m, struct err *e)
{
	for (size_t i = 0; i < m->nto; i++) {
		bool found = !m->to[i].cover;

		for (size_t k = 0; k < m->nto; k++) {
			if (k < i && strcmp(m->to[k].mailbox, m->to[i].mailbox) == 0)
				return refuse("to", "each mailbox once", m->to[i].mailbox, e);
			found = found ||
				(!m->to[k].cover && strcmp(m->to[k].mailbox, m->to[i].covers) == 0);
		}
		if (!found)
			return refuse("to.for", "a mailbox that is a recipient itself",
				      m->to[i].covers, e);
	}
	return m->nto > 0 && !m->to[0].cover
		   ? 0
		   : refuse("to", "a recipient that is no cover, first", "the list", e);
}

static int
take_to(const struct json *o, struct manifest *m, struct err *e)
{
	const struct json *list = json_member(o, "to");

	m->nto = json_count(list);
	m->to = mem_alloc(m->nto * sizeof *m->to);
	for (size_t i = 0; i < m->nto; i++)
		if (take_recipient(json_item(list, i), &m->to[i], e) < 0)
			return -1;
	return check_recipients(m, e);
}

static int
take_action(const struct json *o, struct action *a, struct err *e)
{
	char midnight[TIME_TEXT];
	const char *due;
	int64_t ms;

	if (json_check(o, action_rules, "manifest.actions", e) < 0 ||
	    take_mailbox(o, "owner", a->owner, e) < 0)
		return -1;
	due = json_text(o, "due");
	a->n = json_number(o, "n");
	snprintf(midnight, sizeof midnight, "%sT00:00:00Z", due);
	if (time_parse(midnight, &ms) < 0)
		return refuse("actions.due", "a date such as 2026-11-24", due, e);
	strcpy(a->due, due);
	return a->n >= 1 && a->n <= ACTIONS_MAX
		   ? 0
		   : err_set(e, ERR_FORMAT, "manifest.actions.n: want 1 to %d", ACTIONS_MAX);
}

static int
take_actions(const struct json *o, struct manifest *m, struct err *e)
{
	const struct json *list = json_member(o, "actions");

	m->nactions = json_count(list);
	for (size_t i = 0; i < m->nactions; i++) {
		if (take_action(json_item(list, i), &m->actions[i], e) < 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (m->actions[k].n == m->actions[i].n)
				return err_set(e, ERR_FORMAT, "manifest.actions.n: %d stands twice",
					       (int)m->actions[i].n);
	}
	return 0;
}

static int
take_all(const struct json *o, struct manifest *m, struct err *e)
{
	if (json_check(o, rules, "manifest", e) < 0)
		return -1;
	if (json_number(o, "safehand") != 1)
		return err_set(e, ERR_FORMAT, "manifest.safehand: want version 1");
	m->payload_bytes = (uint64_t)json_number(o, "payload_bytes");
	if (m->payload_bytes > PAYLOAD_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "manifest.payload_bytes: over the limit");
	if (take_id(o, "id", m->id, e) < 0 || take_id(o, "reply_to", m->reply_to, e) < 0 ||
	    take_id(o, "supersedes", m->supersedes, e) < 0 ||
	    take_time(o, "created", &m->created_ms, e) < 0 ||
	    take_time(o, "event_at", &m->event_at_ms, e) < 0 ||
	    take_mailbox(o, "from", m->from, e) < 0)
		return -1;
	if (take_words(o, m, e) < 0 || take_about(o, m, e) < 0 || take_to(o, m, e) < 0 ||
	    take_actions(o, m, e) < 0)
		return -1;
	return take_digest(o, "slots_sha256", m->slots_sha256, e) < 0 ||
		       take_digest(o, "payload_sha256", m->payload_sha256, e) < 0 ||
		       take_digest(o, "key_commitment", m->key_commitment, e) < 0
		   ? -1
		   : 0;
}

int
manifest_parse(const void *text, size_t len, struct manifest **out, struct err *e)
{
	struct manifest *m = mem_alloc(sizeof *m);
	struct json *doc = NULL;
	int rc = -1;

	if (json_parse("manifest", text, len, MANIFEST_MAX_BYTES, &doc, e) < 0 ||
	    take_all(doc, m, e) < 0)
		goto out;
	*out = m;
	m = NULL;
	rc = 0;
out:
	json_free(doc);
	manifest_free(m);
	return rc;
}

void
manifest_free(struct manifest *m)
{
	if (m != NULL)
		free(m->to);
	free(m);
}

static void
put_time(struct buf *b, const char *name, int64_t ms)
{
	char text[TIME_TEXT];

	if (ms != MANIFEST_NO_TIME)
		time_format(text, ms);
	buf_json_str(b, name, ms != MANIFEST_NO_TIME ? text : NULL);
}

static void
put_to(struct buf *b, const struct manifest *m)
{
	buf_json_key(b, "to");
	buf_addc(b, '[');
	for (size_t i = 0; i < m->nto; i++) {
		const struct recipient *r = &m->to[i];

		buf_adds(b, i > 0 ? ",{" : "{");
		buf_json_str(b, "mailbox", r->mailbox);
		buf_json_str(b, "as", r->cover ? "cover" : "to");
		if (r->cover)
			buf_json_str(b, "for", r->covers);
		buf_json_hex(b, "key", r->key, sizeof r->key);
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
}

static void
put_actions(struct buf *b, const struct manifest *m)
{
	buf_json_key(b, "actions");
	buf_addc(b, '[');
	for (size_t i = 0; i < m->nactions; i++) {
		buf_adds(b, i > 0 ? ",{" : "{");
		buf_json_int(b, "n", m->actions[i].n);
		buf_json_str(b, "owner", m->actions[i].owner);
		buf_json_str(b, "due", m->actions[i].due);
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
}

int
manifest_format(const struct manifest *m, struct buf *text, struct err *e)
{
	size_t start = text->len;

	buf_addc(text, '{');
	buf_json_int(text, "safehand", 1);
	buf_json_str(text, "id", m->id);
	put_time(text, "created", m->created_ms);
	put_time(text, "event_at", m->event_at_ms);
	buf_json_str(text, "from", m->from);
	buf_json_str(text, "class", m->klass);
	buf_json_str(text, "status", m->provisional ? "provisional" : "final");
	buf_json_key(text, "about");
	buf_addc(text, '[');
	for (size_t i = 0; i < m->nabout; i++) {
		buf_adds(text, i > 0 ? "," : "");
		buf_json(text, m->about[i]);
	}
	buf_addc(text, ']');
	put_to(text, m);
	put_actions(text, m);
	buf_json_str(text, "reply_to", m->reply_to[0] ? m->reply_to : NULL);
	buf_json_str(text, "supersedes", m->supersedes[0] ? m->supersedes : NULL);
	buf_json_str(text, "concern", concern_name(m->concern));
	buf_json_hex(text, "slots_sha256", m->slots_sha256, DIGEST_BYTES);
	buf_json_hex(text, "payload_sha256", m->payload_sha256, DIGEST_BYTES);
	buf_json_int(text, "payload_bytes", (int64_t)m->payload_bytes);
	buf_json_hex(text, "key_commitment", m->key_commitment, DIGEST_BYTES);
	buf_addc(text, '}');
	if (text->len - start > MANIFEST_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "manifest: %zu bytes, limit %d", text->len - start,
			       MANIFEST_MAX_BYTES);
	return 0;
}
