/* expect.c - safehand expect, expectations: bundles that must come, and what became of them. Runs
 * in: client. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "own.h"
#include "safehand/enc.h"
#include "safehand/time.h"

static const struct json_rule row_rules[] = {
    {"id", JSON_T_STRING, false, false, UUID_TEXT - 1},
    {"class", JSON_T_STRING, false, false, NAME_CLASS - 1},
    {"from", JSON_T_STRING, false, false, NAME_MAILBOX - 1},
    {"about", JSON_T_STRING, false, true, ABOUT_TEXT - 1},
    {"opened", JSON_T_STRING, false, false, 32},
    {"due", JSON_T_STRING, false, false, 32},
    {"state", JSON_T_STRING, false, false, 15},
    {"opened_seq", JSON_T_INT, true, false, 0},
    {"missed_seq", JSON_T_INT, true, false, 0},
    {"met_seq", JSON_T_INT, true, false, 0},
    {NULL, 0, false, false, 0},
};

static void
row_text(const struct json *row, struct buf *out)
{
	char due[OWN_TIME];

	own_time(row, "due", due);
	buf_addf(out, "%-9s %s from %s by %s  %s", json_text(row, "state"), json_text(row, "class"),
		 json_text(row, "from"), due, json_text(row, "id"));
	if (strcmp(json_text(row, "state"), "met") == 0 && !json_has_no(row, "missed_seq"))
		buf_adds(out, "  (late)");
	buf_addc(out, '\n');
}

static int
row_say(struct client *c, const struct json *row, struct err *e)
{
	struct buf out = {0};
	int rc;

	if (json_check(row, row_rules, "expectation", e) < 0)
		return -1;
	if (c->json)
		own_row_json(row, row_rules, &out);
	else
		row_text(row, &out);
	rc = say(c, &out, e);
	buf_free(&out);
	return rc;
}

/* --- expect --- */

struct wish {
	const char *mailbox, *klass, *from;
	int64_t due_ms;
	char about[ABOUT_TEXT]; /* "": any */
};

static int
read_wish(struct client *c, const struct args *a, struct wish *w, struct err *e)
{
	const char *about = args_value(a, "about"), *by = args_value(a, "by");

	w->klass = args_value(a, "class");
	w->from = args_value(a, "from");
	if (w->klass == NULL || !name_is_class(w->klass))
		return err_set(e, ERR_USAGE, "--class %s: want the class that must come",
			       w->klass != NULL ? w->klass : "");
	if (w->from == NULL || !name_is_mailbox(w->from))
		return err_set(e, ERR_USAGE, "--from %s: want the mailbox that it must come from",
			       w->from != NULL ? w->from : "");
	if (by == NULL)
		return err_set(e, ERR_USAGE, "--by is wanted: the day by which it must be here");
	if (own_instant("by", by, &w->due_ms, e) < 0 || own_mailbox(c, a, &w->mailbox, e) < 0)
		return -1;
	return about == NULL ? 0 : keys_pseudonym(c, 'c', about, w->about, e);
}

/* --id makes a repeat the same expectation, as a program wants it that does not know whether the
 * answer was lost. */
static int
wish_id(const struct args *a, char out[static UUID_TEXT], struct err *e)
{
	const char *id = args_value(a, "id");

	if (id != NULL && !uuid_is_v7(id))
		return err_set(e, ERR_USAGE, "--id %s: want a UUID of version 7", id);
	if (id != NULL)
		strcpy(out, id);
	else
		uuid_new(out, time_now_ms());
	return 0;
}

static int
expect_run(struct client *c, const struct args *a, struct err *e)
{
	struct json *doc = NULL;
	struct wish w = {0};
	char id[UUID_TEXT];
	struct buf path = {0};
	int rc = -1;

	if (args_want(a, 0, 0, "", e) < 0 || read_wish(c, a, &w, e) < 0 || wish_id(a, id, e) < 0)
		return -1;
	buf_addf(&path, "/v1/expectations/%s/%s?class=%s&from=%s&due=%" PRId64, w.mailbox, id,
		 w.klass, w.from, w.due_ms);
	if (w.about[0] != '\0')
		buf_addf(&path, "&about=%s", w.about);
	if (own_call(c, "PUT", buf_str(&path), &doc, e) == 0)
		rc = row_say(c, doc, e);
	json_free(doc);
	buf_free(&path);
	return rc;
}

/* --- expectations --- */

static const struct json_rule list_rules[] = {
    {"mailbox", JSON_T_STRING, false, false, NAME_MAILBOX - 1},
    {"expectations", JSON_T_ARRAY, false, false, 1000},
    {NULL, 0, false, false, 0},
};

static const struct own_list list = {"expectations", list_rules, row_rules, row_text,
				     "nothing is expected\n"};

static int
expectations_run(struct client *c, const struct args *a, struct err *e)
{
	const char *withdraw = args_value(a, "withdraw"), *mailbox;
	struct json *doc = NULL;
	struct buf path = {0};
	int rc = -1;

	if (args_want(a, 0, 0, "", e) < 0 || own_mailbox(c, a, &mailbox, e) < 0)
		return -1;
	if (withdraw != NULL && !uuid_is_v7(withdraw))
		return err_set(e, ERR_USAGE, "--withdraw %s: want the id of an expectation",
			       withdraw);
	if (withdraw != NULL)
		buf_addf(&path, "/v1/expectations/%s/%s", mailbox, withdraw);
	else
		buf_addf(&path, "/v1/expectations?mailbox=%s", mailbox);
	if (own_call(c, withdraw != NULL ? "DELETE" : "GET", buf_str(&path), &doc, e) == 0)
		rc = withdraw != NULL ? row_say(c, doc, e) : own_list_say(c, doc, &list, e);
	json_free(doc);
	buf_free(&path);
	return rc;
}

static const struct args_row expect_options[] = {
    {"class", "CLASS", "what must come", false},
    {"from", "MAILBOX", "from whom; any mailbox of its agency will do", false},
    {"by", "DAY", "until the end of that day, or 2026-12-01T09:00:00Z", false},
    {"about", "NUMBER", "only if it is about this child", false},
    {"id", "UUID", "the expectation's own; the same again is the same one", false},
    OWN_MAILBOX_OPTION,
    {NULL, NULL, NULL, false},
};
static const struct args_row list_options[] = {
    {"withdraw", "ID", "it is not expected any more", false},
    OWN_MAILBOX_OPTION,
    {NULL, NULL, NULL, false},
};

const struct command expect_command = {
    .name = "expect",
    .operands = "",
    .summary = "say that a bundle must come by a day",
    .about = "If it does not, the mailbox is given a signed notice, and the log has it. A bundle "
	     "that comes late\nstill meets it; that it was missed stays.\n",
    .options = expect_options,
    .run = expect_run,
};

const struct command expectations_command = {
    .name = "expectations",
    .operands = "",
    .summary = "what a mailbox expects, and what became of it",
    .about = "",
    .options = list_options,
    .run = expectations_run,
};
