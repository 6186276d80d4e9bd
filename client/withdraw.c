/* withdraw.c - safehand withdraw: a sender takes a bundle back. Runs in: client. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "own.h"
#include "receipt.h"
#include "safehand/enc.h"

/* What the gateway keeps of our bundle: which manifest, from which mailbox. */
static int
read_bundle(struct client *c, const char *id, struct statement *s, struct err *e)
{
	struct json *doc = NULL;
	struct buf path = {0};
	const char *from, *digest;
	int rc = -1;

	buf_addf(&path, "/v1/bundles/%s", id);
	if (own_call(c, "GET", buf_str(&path), &doc, e) == 0) {
		from = doc != NULL ? json_text(doc, "from") : NULL;
		digest = doc != NULL ? json_text(doc, "manifest_sha256") : NULL;
		if (from == NULL || !name_is_mailbox(from) || digest == NULL ||
		    hex_decode(s->manifest_sha256, DIGEST_BYTES, digest) < 0)
			err_set(e, ERR_FORMAT, "the gateway's answer: no sender or no digest");
		else {
			strcpy(s->mailbox, from);
			rc = 0;
		}
	}
	json_free(doc);
	buf_free(&path);
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
		buf_json_str(&out, "kind", "withdrawn");
		buf_json_str(&out, "evidence", evidence);
		buf_addc(&out, '}');
	} else {
		buf_addf(&out, "withdrawn %s\nevidence %s\n", s->bundle, evidence);
	}
	rc = say(c, &out, e);
	buf_free(&out);
	return rc;
}

static int
run(struct client *c, const struct args *a, struct err *e)
{
	struct statement s = {.kind = STATEMENT_WITHDRAWN, .code = "ok"};
	const char *id = args_operand(a, 0);
	struct signer *signer = NULL;
	char *evidence = NULL;
	int rc = -1;

	if (args_want(a, 1, 1, "ID", e) < 0)
		return -1;
	if (!uuid_is_v7(id))
		return err_set(e, ERR_USAGE, "%s: want the id of a bundle", id);
	strcpy(s.bundle, id);
	if (read_bundle(c, id, &s, e) == 0 &&
	    keys_signer(c, args_value(a, "as"), "system", &signer, e) == 0 &&
	    receipt_post(c, &s, signer, NULL, &evidence, e) == 0)
		rc = tell(c, &s, evidence, e);
	signer_free(signer);
	free(evidence);
	return rc;
}

static const struct args_row options[] = {
    {"as", "IDENTITY", "the system that signs; default: the only one configured", false},
    {NULL, NULL, NULL, false},
};

const struct command withdraw_command = {
    .name = "withdraw",
    .operands = "ID",
    .summary = "take back a bundle that we sent",
    .about = "Whoever has not collected it never can; if nobody has, its bytes are erased. Whoever "
	     "has is told.\n",
    .options = options,
    .run = run,
};
