/* class.c - safehand class, safehand cover: what a kind of document wants, and a cover sheet to
 * fill in. Runs in: client. */
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "commands.h"
#include "safehand/cover_need.h"

static void
tell_list(const struct json *k, const char *member, const char *before, struct buf *out)
{
	const struct json *list = json_member(k, member);
	struct err ignored;

	for (size_t i = 0; i < json_count(list); i++)
		buf_addf(out, "%s%s", i == 0 ? before : ", ",
			 json_item_string(list, i, NAME_MAILBOX + MEDIA_TYPE_TEXT, "", &ignored));
	buf_adds(out, json_count(list) > 0 ? "\n" : "");
}

static void
tell_text(const struct json *k, const char *member, const char *before, struct buf *out)
{
	if (!json_has_no(k, member))
		buf_addf(out, "%s%s\n", before, json_text(k, member));
}

static void
tell_required(const struct json *k, struct buf *out)
{
	const struct json *list = json_member(k, "require");
	struct err ignored;

	for (size_t i = 0; i < json_count(list); i++) {
		const char *field = json_item_string(list, i, NAME_CLASS, "", &ignored);
		const char *help = field != NULL ? cover_need_help(field) : NULL;

		buf_addf(out, "  %-20s %s\n", field != NULL ? field : "", help != NULL ? help : "");
	}
}

static void
tell_class(const struct json *k, struct buf *out)
{
	buf_addf(out, "%s\n", json_text(k, "name"));
	tell_list(k, "from", "sent by             ", out);
	tell_list(k, "to", "to                  ", out);
	tell_list(k, "demand", "always also to      ", out);
	if (json_number(k, "signatures") > 1)
		buf_addf(out, "signed by           %lld different persons of the sender's agency\n",
			 (long long)json_number(k, "signatures"));
	if (strcmp(json_text(k, "clock"), "event") == 0)
		buf_adds(out, "its clock starts    when it happened: --event-at is wanted\n");
	tell_list(k, "media", "documents of types  ", out);
	buf_addf(out, "at most             %lld bytes\n", (long long)json_number(k, "max_bytes"));
	tell_text(k, "collect", "to be collected     ", out);
	tell_text(k, "read", "to be read          ", out);
	tell_text(k, "answer", "to be answered      ", out);
	tell_text(k, "provisional", "a provisional one   ", out);
	tell_text(k, "expects", "opens expectation   ", out);
	tell_text(k, "ladder", "if it is not        ", out);
	tell_text(k, "expect_ladder", "if that is not met  ", out);
	buf_addf(out, "subscriptions       %s\n", json_text(k, "subscribe"));
	if (strcmp(json_text(k, "discounts"), "yes") == 0)
		buf_adds(out, "it ends the flags of its children\n");
	if (json_count(json_member(k, "require")) > 0)
		buf_adds(out, "its cover sheet wants:\n");
	tell_required(k, out);
}

/* One line a class. */
static void
tell_all(const struct json *doc, struct buf *out)
{
	const struct json *list = json_member(doc, "classes");

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *k = json_item(list, i);
		const struct json *require = json_member(k, "require");
		struct err ignored;

		buf_addf(out, "%-26s %lld signature%s", json_text(k, "name"),
			 (long long)json_number(k, "signatures"),
			 json_number(k, "signatures") == 1 ? "" : "s");
		for (size_t n = 0; n < json_count(require); n++)
			buf_addf(out, "%s%s", n == 0 ? "; wants " : ", ",
				 json_item_string(require, n, NAME_CLASS, "", &ignored));
		buf_addc(out, '\n');
	}
}

static int
find_class(const struct json *doc, const char *name, const struct json **k, struct err *e)
{
	*k = classes_find(doc, name);
	return *k != NULL ? 0
			  : err_set(e, ERR_UNKNOWN,
				    "%s: there is no such class; safehand class lists them", name);
}

static int
class_run(struct client *c, const struct args *a, struct err *e)
{
	const char *name = args_operand(a, 0);
	struct buf text = {0}, out = {0};
	const struct json *k = NULL;
	struct json *doc = NULL;
	int rc = -1;

	if (args_want(a, 0, 1, "CLASS", e) < 0)
		return -1;
	if (classes_get(c, args_has(a, "offline"), &doc, &text, e) == 0 &&
	    (name == NULL || find_class(doc, name, &k, e) == 0)) {
		if (k != NULL)
			tell_class(k, &out);
		else
			tell_all(doc, &out);
		rc = say(c, c->json ? &text : &out, e);
	}
	json_free(doc);
	buf_free(&text);
	buf_free(&out);
	return rc;
}

static int
cover_run(struct client *c, const struct args *a, struct err *e)
{
	const struct json *k, *require;
	struct json *doc = NULL;
	struct buf out = {0};
	const char **fields;
	int rc = -1;

	if (args_want(a, 1, 1, "CLASS", e) < 0)
		return -1;
	if (classes_get(c, args_has(a, "offline"), &doc, NULL, e) == 0 &&
	    find_class(doc, args_operand(a, 0), &k, e) == 0) {
		require = json_member(k, "require");
		fields = mem_alloc((json_count(require) + 1) * sizeof *fields);
		rc = 0;
		for (size_t i = 0; i < json_count(require) && rc == 0; i++) {
			fields[i] = json_item_string(require, i, NAME_CLASS, "classes.require", e);
			rc = fields[i] != NULL ? 0 : -1;
		}
		if (rc == 0) {
			cover_need_skeleton(fields, json_count(require), &out);
			rc = say(c, &out, e);
		}
		free(fields);
	}
	json_free(doc);
	buf_free(&out);
	return rc;
}

static const struct args_row options[] = {
    {"offline", NULL, "nobody is asked: the classes as they were last told", false},
    {NULL, NULL, NULL, false},
};

const struct command class_command = {
    .name = "class",
    .operands = "[CLASS]",
    .summary = "what a class of documents wants; without one, all of them",
    .about = "Who may send it to whom, what its cover sheet must say, by when it is to be "
	     "collected, read and\nanswered, and what happens if it is not. With --json: all "
	     "classes, as the gateway tells them.\n",
    .options = options,
    .run = class_run,
};

const struct command cover_command = {
    .name = "cover",
    .operands = "CLASS",
    .summary = "a cover sheet to fill in, with what the class wants",
    .about = "JSON on standard output: save it, fill it in, give it to safehand send --cover.\n",
    .options = options,
    .run = cover_run,
};
