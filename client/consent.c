/* consent.c - safehand consent, consents: whom we let hear of the cases that we send about. Runs
 * in: client. */
#include <string.h>

#include "commands.h"
#include "own.h"
#include "safehand/enc.h"

static int
consent_run(struct client *c, const struct args *a, struct err *e)
{
	const char *mailbox, *to = args_value(a, "to");
	bool back = args_has(a, "withdraw");
	struct own_subject what;
	struct buf path = {0}, out = {0};
	int rc = -1;

	if (to == NULL || !name_is_mailbox(to))
		return err_set(e, ERR_USAGE, "--to %s: want the mailbox that may hear of it",
			       to != NULL ? to : "");
	if (args_want(a, 0, 0, "", e) < 0 || own_mailbox(c, a, &mailbox, e) < 0 ||
	    own_subject(c, a, true, &what, e) < 0)
		return -1;
	buf_addf(&path, "/v1/consents/%s/%s/%s/%s", mailbox, what.kind, what.value, to);
	if (own_call(c, back ? "DELETE" : "PUT", buf_str(&path), NULL, e) == 0) {
		if (c->json) {
			buf_addc(&out, '{');
			buf_json_str(&out, "mailbox", to);
			buf_json_str(&out, "kind", what.kind);
			buf_json_str(&out, "value", what.value);
			buf_json_str(&out, "given", back ? "no" : "yes");
			buf_addc(&out, '}');
		} else {
			buf_addf(&out, "%s %s hear of %s %s\n", to, back ? "may no longer" : "may",
				 what.kind, what.value);
		}
		rc = say(c, &out, e);
	}
	buf_free(&path);
	buf_free(&out);
	return rc;
}

static const struct json_rule list_rules[] = {
    {"agency", JSON_T_STRING, false, false, NAME_AGENCY - 1},
    {"consents", JSON_T_ARRAY, false, false, 100000},
    {NULL, 0, false, false, 0},
};
static const struct json_rule row_rules[] = {
    {"kind", JSON_T_STRING, false, false, 15},
    {"value", JSON_T_STRING, false, false, NAME_CLASS - 1},
    {"mailbox", JSON_T_STRING, false, false, NAME_MAILBOX - 1},
    {"given_by", JSON_T_STRING, false, true, NAME_MAILBOX - 1},
    {"since", JSON_T_STRING, false, false, 32},
    {NULL, 0, false, false, 0},
};

static void
row_text(const struct json *row, struct buf *out)
{
	char since[OWN_TIME];

	own_time(row, "since", since);
	if (json_has_no(row, "given_by"))
		buf_addf(out, "%-24s asks to hear of %s %s, since %s\n", json_text(row, "mailbox"),
			 json_text(row, "kind"), json_text(row, "value"), since);
	else
		buf_addf(out, "%-24s may hear of %s %s, by %s, since %s\n",
			 json_text(row, "mailbox"), json_text(row, "kind"), json_text(row, "value"),
			 json_text(row, "given_by"), since);
}

static int
consents_run(struct client *c, const struct args *a, struct err *e)
{
	static const struct own_list list = {"consents", list_rules, row_rules, row_text,
					     "no consent, given or asked for\n"};

	return own_list_run(c, a, &list, e);
}

static const struct args_row consent_options[] = {
    OWN_CASE_OPTIONS,
    {"to", "MAILBOX", "who may hear of it", false},
    {"withdraw", NULL, "take the consent back", false},
    OWN_MAILBOX_OPTION,
    {NULL, NULL, NULL, false},
};
static const struct args_row list_options[] = {OWN_MAILBOX_OPTION, {NULL, NULL, NULL, false}};

const struct command consent_command = {
    .name = "consent",
    .operands = "",
    .summary = "let a mailbox hear of a case that we send about",
    .about = "Wanted where a class says subscribe = by-consent: who subscribed to the child or the "
	     "household is a\nrecipient only when the sender's agency consents.\n",
    .options = consent_options,
    .run = consent_run,
};

const struct command consents_command = {
    .name = "consents",
    .operands = "",
    .summary = "consents that our agency gave, and those it was asked for",
    .about = "",
    .options = list_options,
    .run = consents_run,
};
