/* statement.c - what a recipient signs. Runs in: verify, client. Pure. Trusts: no byte; parsed
 * after its signature holds. */
#include <stdio.h>
#include <string.h>

#include "safehand/enc.h"
#include "safehand/json.h"
#include "safehand/statement.h"
#include "safehand/time.h"

#define HEX_MAX (2 * DIGEST_BYTES)

static const struct json_rule rules[] = {
    {.name = "safehand_statement", .type = JSON_T_INT},
    {.name = "kind", .type = JSON_T_STRING, .max = 16},
    {.name = "bundle", .type = JSON_T_STRING, .max = UUID_TEXT - 1},
    {.name = "manifest_sha256", .type = JSON_T_STRING, .max = HEX_MAX},
    {.name = "mailbox", .type = JSON_T_STRING, .max = NAME_MAILBOX - 1},
    {.name = "content_sha256", .type = JSON_T_STRING, .nullable = true, .max = HEX_MAX},
    {.name = "at", .type = JSON_T_STRING, .max = TIME_TEXT},
    {.name = "by", .type = JSON_T_STRING, .max = NAME_BY - 1},
    {.name = "code", .type = JSON_T_STRING, .max = STATEMENT_CODE - 1},
    {.name = "reply", .type = JSON_T_STRING, .nullable = true, .max = UUID_TEXT - 1},
    {.name = NULL},
};

static const char *const kinds[STATEMENT_KINDS] = {"collected", "opened", "read", "answered",
						   "withdrawn"};

const char *
statement_kind_name(enum statement_kind k)
{
	return kinds[k];
}

static int
refuse(const char *member, const char *want, const char *have, struct err *e)
{
	return err_set(e, ERR_FORMAT, "statement.%s: %s: want %s", member,
		       have != NULL ? have : "null", want);
}

static int
take_kind(const struct json *o, struct statement *out, struct err *e)
{
	const char *text = json_text(o, "kind");

	for (int k = 0; k < STATEMENT_KINDS; k++)
		if (strcmp(kinds[k], text) == 0) {
			out->kind = (enum statement_kind)k;
			return 0;
		}
	return refuse("kind", "collected, opened, read, answered or withdrawn", text, e);
}

/* accepted, declined or done, then nothing or ":N" with N from 1 to ACTIONS_MAX */
static bool
is_answer(const char *code)
{
	static const char *const words[] = {"accepted", "declined", "done"};
	char want[STATEMENT_CODE];

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(code, words[i]) == 0)
			return true;
		for (int n = 1; n <= ACTIONS_MAX; n++) {
			snprintf(want, sizeof want, "%s:%d", words[i], n);
			if (strcmp(code, want) == 0)
				return true;
		}
	}
	return false;
}

static int
take_code(const struct json *o, struct statement *out, struct err *e)
{
	const char *code = json_text(o, "code");
	bool ok = strcmp(code, "ok") == 0;

	if (out->kind == STATEMENT_ANSWERED) {
		if (!is_answer(code))
			return refuse("code", "accepted, declined or done, and :N for action N",
				      code, e);
	} else if (out->kind == STATEMENT_OPENED) {
		if (err_by_name(code) == ERR_CODES)
			return refuse("code", "ok or the name of an error", code, e);
	} else if (!ok) {
		return refuse("code", "ok", code, e);
	}
	strcpy(out->code, code);
	return 0;
}

/* Collected says nothing of the content yet; an opening that failed knows none; all else must. */
static int
take_content(const struct json *o, struct statement *out, struct err *e)
{
	const char *hex = json_text(o, "content_sha256");
	bool failed = out->kind == STATEMENT_OPENED && strcmp(out->code, "ok") != 0;

	out->has_content =
	    out->kind != STATEMENT_COLLECTED && out->kind != STATEMENT_WITHDRAWN && !failed;
	if (out->has_content != (hex != NULL))
		return refuse("content_sha256",
			      out->has_content ? "the digest of the content" : "null here", hex, e);
	return hex == NULL || hex_decode(out->content_sha256, DIGEST_BYTES, hex) == 0
		   ? 0
		   : refuse("content_sha256", "64 hex digits in lower case", hex, e);
}

static int
take_reply(const struct json *o, struct statement *out, struct err *e)
{
	const char *reply = json_text(o, "reply");

	if (reply == NULL)
		return 0;
	if (out->kind != STATEMENT_ANSWERED || !uuid_is_v7(reply))
		return refuse("reply", "the id of a bundle, and only with answered", reply, e);
	strcpy(out->reply, reply);
	return 0;
}

static int
take_names(const struct json *o, struct statement *out, struct err *e)
{
	const char *bundle = json_text(o, "bundle"), *mailbox = json_text(o, "mailbox"),
		   *by = json_text(o, "by");
	const char *digest = json_text(o, "manifest_sha256");

	if (!uuid_is_v7(bundle))
		return refuse("bundle", "a UUID of version 7 in lower case", bundle, e);
	if (!name_is_mailbox(mailbox))
		return refuse("mailbox", "agency/role", mailbox, e);
	if (!(strncmp(by, "agency/", 7) == 0 && name_is_agency(by + 7)) &&
	    !(strncmp(by, "person/", 7) == 0 && name_is_mailbox(by + 7)))
		return refuse("by", "agency/NAME or person/AGENCY/NAME", by, e);
	if (hex_decode(out->manifest_sha256, DIGEST_BYTES, digest) < 0)
		return refuse("manifest_sha256", "64 hex digits in lower case", digest, e);
	strcpy(out->bundle, bundle);
	strcpy(out->mailbox, mailbox);
	strcpy(out->by, by);
	return 0;
}

static int
take_all(const struct json *o, struct statement *out, struct err *e)
{
	if (json_check(o, rules, "statement", e) < 0)
		return -1;
	if (json_number(o, "safehand_statement") != 1)
		return err_set(e, ERR_FORMAT, "statement.safehand_statement: want version 1");
	if (time_parse(json_text(o, "at"), &out->at_ms) < 0)
		return refuse("at", "a time such as 2026-11-22T21:04:05Z", json_text(o, "at"), e);
	return take_kind(o, out, e) < 0 || take_names(o, out, e) < 0 || take_code(o, out, e) < 0 ||
		       take_content(o, out, e) < 0 || take_reply(o, out, e) < 0
		   ? -1
		   : 0;
}

int
statement_parse(const void *text, size_t len, struct statement *out, struct err *e)
{
	struct json *doc = NULL;
	int rc = -1;

	*out = (struct statement){0};
	if (json_parse("statement", text, len, STATEMENT_MAX_BYTES, &doc, e) == 0)
		rc = take_all(doc, out, e);
	json_free(doc);
	return rc;
}

void
statement_format(const struct statement *in, struct buf *text)
{
	char at[TIME_TEXT], hex[HEX_LEN(DIGEST_BYTES)];

	time_format(at, in->at_ms);
	hex_encode(hex, in->content_sha256, DIGEST_BYTES);
	buf_addc(text, '{');
	buf_json_int(text, "safehand_statement", 1);
	buf_json_str(text, "kind", kinds[in->kind]);
	buf_json_str(text, "bundle", in->bundle);
	buf_json_hex(text, "manifest_sha256", in->manifest_sha256, DIGEST_BYTES);
	buf_json_str(text, "mailbox", in->mailbox);
	buf_json_str(text, "content_sha256", in->has_content ? hex : NULL);
	buf_json_str(text, "at", at);
	buf_json_str(text, "by", in->by);
	buf_json_str(text, "code", in->code);
	buf_json_str(text, "reply", in->reply[0] != '\0' ? in->reply : NULL);
	buf_addc(text, '}');
}

int
statement_check_signer(const struct statement *s, const struct identity *signer, struct err *e)
{
	bool person = s->kind == STATEMENT_READ || s->kind == STATEMENT_ANSWERED;
	enum profile want = person ? PROFILE_PERSON_SIGN : PROFILE_AGENCY_SIGN;
	char agency[NAME_AGENCY];

	name_agency(agency, s->mailbox);
	if (signer->profile != want)
		return err_set(e, ERR_PROFILE, "%s is signed by %s, not by %s", kinds[s->kind],
			       profile_name(want), profile_name(signer->profile));
	if (strcmp(signer->agency, agency) != 0)
		return err_set(e, ERR_DENIED, "%s may not sign for mailbox %s", signer->by,
			       s->mailbox);
	return strcmp(signer->by, s->by) == 0
		   ? 0
		   : err_set(e, ERR_DENIED, "signed by %s, says %s", signer->by, s->by);
}

enum entry_event
statement_event(const struct statement *s)
{
	switch (s->kind) {
	case STATEMENT_COLLECTED: return EVENT_CONTENT_HANDOVER;
	case STATEMENT_OPENED: return s->has_content ? EVENT_OPENED : EVENT_OPEN_FAILURE;
	case STATEMENT_READ: return EVENT_READ;
	case STATEMENT_ANSWERED: return EVENT_ANSWER;
	case STATEMENT_WITHDRAWN: return EVENT_WITHDRAWN;
	case STATEMENT_KINDS: break;
	}
	return EVENT_NONE;
}
