/* subscribe.c - safehand subscribe, unsubscribe, subscriptions: of what a mailbox is to hear
 * without being named. Runs in: client. */
#include <string.h>

#include "commands.h"
#include "own.h"
#include "safehand/enc.h"

static int
change(struct client *c, const struct args *a, const char *method, const char *said, struct err *e)
{
	struct own_subject what;
	const char *mailbox;
	struct buf path = {0}, out = {0};
	int rc = -1;

	if (args_want(a, 0, 0, "", e) < 0 || own_mailbox(c, a, &mailbox, e) < 0 ||
	    own_subject(c, a, false, &what, e) < 0)
		return -1;
	buf_addf(&path, "/v1/subscriptions/%s/%s/%s", mailbox, what.kind, what.value);
	if (own_call(c, method, buf_str(&path), NULL, e) == 0) {
		if (c->json) {
			buf_addc(&out, '{');
			buf_json_str(&out, "mailbox", mailbox);
			buf_json_str(&out, "kind", what.kind);
			buf_json_str(&out, "value", what.value);
			buf_json_str(&out, "subscribed", strcmp(method, "PUT") == 0 ? "yes" : "no");
			buf_addc(&out, '}');
		} else {
			buf_addf(&out, "%s %s %s %s\n", mailbox, said, what.kind, what.value);
		}
		rc = say(c, &out, e);
	}
	buf_free(&path);
	buf_free(&out);
	return rc;
}

static int
subscribe_run(struct client *c, const struct args *a, struct err *e)
{
	return change(c, a, "PUT", "subscribes to", e);
}

static int
unsubscribe_run(struct client *c, const struct args *a, struct err *e)
{
	return change(c, a, "DELETE", "no longer subscribes to", e);
}

static const struct json_rule list_rules[] = {
    {"mailbox", JSON_T_STRING, false, false, NAME_MAILBOX - 1},
    {"subscriptions", JSON_T_ARRAY, false, false, 100000},
    {NULL, 0, false, false, 0},
};
static const struct json_rule row_rules[] = {
    {"kind", JSON_T_STRING, false, false, 15},
    {"value", JSON_T_STRING, false, false, NAME_CLASS - 1},
    {"since", JSON_T_STRING, false, false, 32},
    {NULL, 0, false, false, 0},
};

static void
row_text(const struct json *row, struct buf *out)
{
	char since[OWN_TIME];

	own_time(row, "since", since);
	buf_addf(out, "%-10s %-56s since %s\n", json_text(row, "kind"), json_text(row, "value"),
		 since);
}

static int
subscriptions_run(struct client *c, const struct args *a, struct err *e)
{
	static const struct own_list list = {"subscriptions", list_rules, row_rules, row_text,
					     "no subscription\n"};

	return own_list_run(c, a, &list, e);
}

static const struct args_row change_options[] = {
    OWN_CASE_OPTIONS,
    {"class", "CLASS", "all of this class that may come to the mailbox", false},
    {"area", "AREA", "all that agencies of this area send", false},
    OWN_MAILBOX_OPTION,
    {NULL, NULL, NULL, false},
};
static const struct args_row list_options[] = {OWN_MAILBOX_OPTION, {NULL, NULL, NULL, false}};

const struct command subscribe_command = {
    .name = "subscribe",
    .operands = "",
    .summary = "hear of a child, a household, a class or an area",
    .about = "From then on the mailbox is among the recipients of each bundle that is about it and "
	     "that may go\nto the mailbox. Where a class says so, the sender's agency must consent "
	     "first.\n",
    .options = change_options,
    .run = subscribe_run,
};

const struct command unsubscribe_command = {
    .name = "unsubscribe",
    .operands = "",
    .summary = "no longer hear of it",
    .about = "",
    .options = change_options,
    .run = unsubscribe_run,
};

const struct command subscriptions_command = {
    .name = "subscriptions",
    .operands = "",
    .summary = "what a mailbox subscribes to",
    .about = "Children and households are shown as their pseudonyms.\n",
    .options = list_options,
    .run = subscriptions_run,
};
