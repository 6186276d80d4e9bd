/* withdraw.c - safehand withdraw: a sender takes a bundle back. Runs in: client. */
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
run(struct client *c, const struct args *a, struct err *e)
{
	struct statement s = {.kind = STATEMENT_WITHDRAWN, .code = "ok"};
	const char *id = args_operand(a, 0);

	if (args_want(a, 1, 1, "ID", e) < 0)
		return -1;
	if (!uuid_is_v7(id))
		return err_set(e, ERR_USAGE, "%s: want the id of a bundle", id);
	strcpy(s.bundle, id);
	return read_bundle(c, id, &s, e) < 0 ? -1
					     : receipt_say(c, &s, args_value(a, "as"), "system", e);
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
