/* entry_parse.c - reads an entry of the log. Runs in: client. Pure; apart from entry.c, so that
 * what only writes entries links no JSON reader. Trusts: no byte of a line. */
#include <string.h>

#include "safehand/enc.h"
#include "safehand/entry.h"
#include "safehand/json.h"
#include "safehand/time.h"

#define HEX_MAX (2 * DIGEST_BYTES)

static const struct json_rule rules[] = {
    {.name = "safehand_entry", .type = JSON_T_INT},
    {.name = "seq", .type = JSON_T_INT},
    {.name = "time", .type = JSON_T_STRING, .max = TIME_TEXT},
    {.name = "event", .type = JSON_T_STRING, .max = 64},
    {.name = "bundle", .type = JSON_T_STRING, .optional = true, .max = UUID_TEXT - 1},
    {.name = "manifest_sha256", .type = JSON_T_STRING, .optional = true, .max = HEX_MAX},
    {.name = "mailbox", .type = JSON_T_STRING, .optional = true, .max = NAME_MAILBOX - 1},
    {.name = "actor", .type = JSON_T_STRING, .optional = true, .max = HEX_MAX},
    {.name = "statement_sha256", .type = JSON_T_STRING, .optional = true, .max = HEX_MAX},
    {.name = "code", .type = JSON_T_STRING, .max = ENTRY_CODE - 1},
    {.name = "salt", .type = JSON_T_STRING, .max = 2 * ENTRY_SALT},
    {.name = NULL},
};

static int
take_hex(const struct json *o, const char *name, uint8_t *out, size_t n, bool *has, struct err *e)
{
	const char *hex = json_text(o, name);

	*has = hex != NULL;
	if (hex == NULL || hex_decode(out, n, hex) == 0)
		return 0;
	return err_set(e, ERR_FORMAT, "entry.%s: want %zu hex digits in lower case", name, 2 * n);
}

static int
take_names(const struct json *o, struct entry *out, struct err *e)
{
	const char *bundle = json_text(o, "bundle"), *mailbox = json_text(o, "mailbox");

	if (bundle != NULL && !uuid_is_v7(bundle))
		return err_set(e, ERR_FORMAT, "entry.bundle: %s is no id", bundle);
	if (mailbox != NULL && !name_is_mailbox(mailbox))
		return err_set(e, ERR_FORMAT, "entry.mailbox: %s is no mailbox", mailbox);
	strcpy(out->bundle, bundle != NULL ? bundle : "");
	strcpy(out->mailbox, mailbox != NULL ? mailbox : "");
	strcpy(out->code, json_text(o, "code"));
	return 0;
}

static int
take_all(const struct json *o, struct entry *out, struct err *e)
{
	bool salted;

	if (json_check(o, rules, "entry", e) < 0 || take_names(o, out, e) < 0)
		return -1;
	if (json_number(o, "safehand_entry") != 1)
		return err_set(e, ERR_FORMAT, "entry.safehand_entry: want version 1");
	out->seq = (uint64_t)json_number(o, "seq");
	if (time_parse_ms(json_text(o, "time"), &out->time_ms) < 0)
		return err_set(e, ERR_FORMAT, "entry.time: %s", json_text(o, "time"));
	if ((out->event = event_by_name(json_text(o, "event"))) == EVENT_NONE)
		return err_set(e, ERR_FORMAT, "entry.event: %s is none", json_text(o, "event"));
	if (take_hex(o, "manifest_sha256", out->manifest_sha256, DIGEST_BYTES, &out->has_manifest,
		     e) < 0 ||
	    take_hex(o, "actor", out->actor, DIGEST_BYTES, &out->has_actor, e) < 0 ||
	    take_hex(o, "statement_sha256", out->statement_sha256, DIGEST_BYTES,
		     &out->has_statement, e) < 0)
		return -1;
	return take_hex(o, "salt", out->salt, ENTRY_SALT, &salted, e);
}

int
entry_parse(const void *line, size_t len, struct entry *out, struct err *e)
{
	struct json *doc = NULL;
	int rc = -1;

	*out = (struct entry){0};
	if (memchr(line, '\n', len) != NULL)
		return err_set(e, ERR_FORMAT, "entry: more than one line");
	if (json_parse("entry", line, len, ENTRY_MAX_BYTES, &doc, e) == 0)
		rc = take_all(doc, out, e);
	json_free(doc);
	return rc;
}
