/* answer.c - safehand read, safehand answer: what a person signs about a bundle. Runs in: client.
 */
#include <string.h>

#include "commands.h"
#include "receipt.h"

static int
find_opened(struct client *c, const char *id, const char *mailbox, struct statement *out,
	    struct err *e)
{
	const struct conf *conf;
	const char *name;

	if (!uuid_is_v7(id))
		return err_set(e, ERR_USAGE, "%s: want the id of a bundle", id);
	if (mailbox != NULL && !name_is_mailbox(mailbox))
		return err_set(e, ERR_USAGE, "--mailbox %s: want agency/role", mailbox);
	if (client_conf(c, &conf, e) < 0)
		return -1;
	if (mailbox != NULL)
		return receipt_opened(c, id, mailbox, out, e);
	if (conf_instance(conf, "mailbox", 0) == NULL)
		return err_set(e, ERR_USAGE, "--mailbox is wanted: none is configured");
	for (size_t i = 0; (name = conf_instance(conf, "mailbox", i)) != NULL; i++) {
		if (receipt_opened(c, id, name, out, e) == 0)
			return 0;
		if (e->code != ERR_ORDER)
			return -1;
	}
	return -1;
}

/* Says it with the digests that the mailbox's system signed. */
static int
say_statement(struct client *c, const struct args *a, struct statement *s, struct err *e)
{
	struct statement opened;

	if (args_want(a, 1, 1, "ID", e) < 0 ||
	    find_opened(c, args_operand(a, 0), args_value(a, "mailbox"), &opened, e) < 0)
		return -1;
	strcpy(s->bundle, opened.bundle);
	strcpy(s->mailbox, opened.mailbox);
	memcpy(s->manifest_sha256, opened.manifest_sha256, DIGEST_BYTES);
	memcpy(s->content_sha256, opened.content_sha256, DIGEST_BYTES);
	s->has_content = opened.has_content;
	return receipt_say(c, s, args_value(a, "as"), "person", e);
}

static int
read_run(struct client *c, const struct args *a, struct err *e)
{
	struct statement s = {.kind = STATEMENT_READ, .code = "ok"};

	return say_statement(c, a, &s, e);
}

/* accepted, declined, done, done:N */
static bool
is_code(const char *code)
{
	const char *digits = strncmp(code, "done:", 5) == 0 ? code + 5 : NULL;

	if (digits != NULL)
		return *digits >= '1' && *digits <= '9' && strlen(digits) <= 4 &&
		       strspn(digits, "0123456789") == strlen(digits);
	return strcmp(code, "accepted") == 0 || strcmp(code, "declined") == 0 ||
	       strcmp(code, "done") == 0;
}

static int
answer_run(struct client *c, const struct args *a, struct err *e)
{
	const char *code = args_value(a, "code"), *reply = args_value(a, "reply");
	struct statement s = {.kind = STATEMENT_ANSWERED};

	if (code == NULL || !is_code(code))
		return err_set(e, ERR_USAGE, "--code %s: want accepted, declined, done or done:N",
			       code != NULL ? code : "");
	if (reply != NULL && !uuid_is_v7(reply))
		return err_set(e, ERR_USAGE, "--reply %s: want the id of a bundle", reply);
	strcpy(s.code, code);
	strcpy(s.reply, reply != NULL ? reply : "");
	return say_statement(c, a, &s, e);
}

#define PERSON_OPTIONS                                                                             \
	{"as", "IDENTITY", "the person who signs; default: the only one configured", false},       \
	{                                                                                          \
		"mailbox", "MAILBOX", "for which of our mailboxes; default: which opened it",      \
		    false                                                                          \
	}

static const struct args_row read_options[] = {PERSON_OPTIONS, {NULL, NULL, NULL, false}};

static const struct args_row answer_options[] = {
    {"code", "CODE", "accepted, declined, done, or done:N for action N", false},
    {"reply", "ID", "the bundle that answers", false},
    PERSON_OPTIONS,
    {NULL, NULL, NULL, false},
};

const struct command read_command = {
    .name = "read",
    .operands = "ID",
    .summary = "sign, as a person, that a bundle was read",
    .about = "The bundle must have been opened by the mailbox's system, here or on another "
	     "machine.\n",
    .options = read_options,
    .run = read_run,
};

const struct command answer_command = {
    .name = "answer",
    .operands = "ID",
    .summary = "sign, as a person, what is answered to a bundle",
    .about = "Once for the bundle, and once for each of its actions.\n",
    .options = answer_options,
    .run = answer_run,
};
