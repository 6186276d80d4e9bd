/* evidence_parse.c - evidence files as text. Runs in: client, tests. Pure. Trusts: no byte of a
 * file. */
#include <stddef.h>
#include <string.h>

#include "safehand/enc.h"
#include "safehand/evidence.h"
#include "safehand/json.h"

static const struct part {
	const char *name;
	size_t offset; /* of its buf in struct evidence */
	size_t max;    /* bytes, decoded */
} parts[] = {
    {"entry", offsetof(struct evidence, entry), ENTRY_MAX_BYTES},
    {"proof", offsetof(struct evidence, proof), EVIDENCE_PROOF_MAX},
    {"timestamp", offsetof(struct evidence, timestamp), TOKEN_MAX_BYTES},
    {"manifest", offsetof(struct evidence, manifest), MANIFEST_MAX_BYTES},
    {"signature", offsetof(struct evidence, signature), SIGNATURE_MAX_BYTES},
    {"statement", offsetof(struct evidence, statement), STATEMENT_MAX_BYTES},
    {"statement_signature", offsetof(struct evidence, statement_signature), SIGNATURE_MAX_BYTES},
};

#define PARTS (sizeof parts / sizeof *parts)

static const struct json_rule rules[] = {
    {.name = "safehand_evidence", .type = JSON_T_INT},
    {.name = "entry", .type = JSON_T_STRING, .optional = true},
    {.name = "proof", .type = JSON_T_TEXT, .optional = true},
    {.name = "timestamp", .type = JSON_T_STRING, .optional = true},
    {.name = "manifest", .type = JSON_T_STRING, .optional = true},
    {.name = "signature", .type = JSON_T_STRING, .optional = true},
    {.name = "statement", .type = JSON_T_STRING, .optional = true},
    {.name = "statement_signature", .type = JSON_T_STRING, .optional = true},
    {.name = NULL},
};

static struct buf *
part_of(struct evidence *ev, const struct part *p)
{
	return (struct buf *)(void *)((char *)ev + p->offset);
}

/* The proof is text as it stands, all else base64. */
static bool
is_text(const struct part *p)
{
	return p->offset == offsetof(struct evidence, proof);
}

static int
take_part(const struct json *o, const struct part *p, struct buf *out, struct err *e)
{
	const char *text = json_text(o, p->name);
	size_t len;

	if (text == NULL)
		return 0;
	len = strlen(text);
	if (len == 0)
		return err_set(e, ERR_FORMAT, "evidence.%s: empty", p->name);
	if ((is_text(p) ? len : len / 4 * 3) > p->max + 2) /* 2: what padding stands for */
		return err_set(e, ERR_LIMIT, "evidence.%s: limit %zu bytes", p->name, p->max);
	if (is_text(p))
		buf_add(out, text, len);
	else if (base64_decode(out, text, len, p->max) < 0)
		return err_set(e, ERR_FORMAT,
			       "evidence.%s: not base64 in its one form of at most %zu bytes",
			       p->name, p->max);
	return 0;
}

static int
take_all(const struct json *o, struct evidence *out, struct err *e)
{
	if (json_check(o, rules, "evidence", e) < 0)
		return -1;
	if (json_number(o, "safehand_evidence") != 1)
		return err_set(e, ERR_FORMAT, "evidence.safehand_evidence: want version 1");
	for (size_t i = 0; i < PARTS; i++)
		if (take_part(o, &parts[i], part_of(out, &parts[i]), e) < 0)
			return -1;
	return 0;
}

int
evidence_parse(const void *text, size_t len, struct evidence *out, struct err *e)
{
	struct json *doc = NULL;
	int rc = -1;

	*out = (struct evidence){0};
	if (json_parse("evidence", text, len, EVIDENCE_MAX_BYTES, &doc, e) == 0)
		rc = take_all(doc, out, e);
	json_free(doc);
	return rc;
}

void
evidence_format(const struct evidence *in, struct buf *text)
{
	buf_addc(text, '{');
	buf_json_int(text, "safehand_evidence", 1);
	for (size_t i = 0; i < PARTS; i++) {
		const struct buf *b =
		    (const struct buf *)(const void *)((const char *)in + parts[i].offset);

		if (b->len > 0 && is_text(&parts[i]))
			buf_json_str(text, parts[i].name, buf_str(b));
		else if (b->len > 0)
			buf_json_b64(text, parts[i].name, b->data, b->len);
	}
	buf_addc(text, '}');
}

void
evidence_free(struct evidence *ev)
{
	for (size_t i = 0; i < PARTS; i++)
		buf_free(part_of(ev, &parts[i]));
}
