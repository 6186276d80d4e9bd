/* notice_parse.c - reads a notice's text back. Runs in: client, tests. Pure. Trusts: no byte; it is
 * parsed only after its signature holds. */
#include <string.h>

#include "safehand/json.h"
#include "safehand/notice.h"
#include "safehand/time.h"

#define WORD_MAX 16 /* bytes of a kind: longer than any */

static const struct json_rule rules[] = {
    {.name = "safehand_notice", .type = JSON_T_INT},
    {.name = "id", .type = JSON_T_STRING, .max = UUID_TEXT - 1},
    {.name = "created", .type = JSON_T_STRING, .max = TIME_TEXT},
    {.name = "kind", .type = JSON_T_STRING, .max = WORD_MAX},
    {.name = "to", .type = JSON_T_STRING, .max = NAME_MAILBOX - 1},
    {.name = "bundle", .type = JSON_T_STRING, .nullable = true, .max = UUID_TEXT - 1},
    {.name = "expectation", .type = JSON_T_STRING, .nullable = true, .max = UUID_TEXT - 1},
    {.name = "class", .type = JSON_T_STRING, .max = NAME_CLASS - 1},
    {.name = "from", .type = JSON_T_STRING, .max = NAME_MAILBOX - 1},
    {.name = "mailbox", .type = JSON_T_STRING, .max = NAME_MAILBOX - 1},
    {.name = "owed", .type = JSON_T_STRING, .max = WORD_MAX},
    {.name = "action", .type = JSON_T_INT},
    {.name = "start", .type = JSON_T_STRING, .max = TIME_TEXT},
    {.name = "due", .type = JSON_T_STRING, .max = TIME_TEXT},
    {.name = NULL},
};

/* The strings are within the sizes of struct notice: the rules saw to it. */
static void
take_names(const struct json *o, struct notice *out)
{
	const char *bundle = json_text(o, "bundle"), *expectation = json_text(o, "expectation");

	strcpy(out->id, json_text(o, "id"));
	strcpy(out->to, json_text(o, "to"));
	strcpy(out->bundle, bundle != NULL ? bundle : "");
	strcpy(out->expectation, expectation != NULL ? expectation : "");
	strcpy(out->klass, json_text(o, "class"));
	strcpy(out->from, json_text(o, "from"));
	strcpy(out->mailbox, json_text(o, "mailbox"));
}

static int
take_times(const struct json *o, struct notice *out, struct err *e)
{
	static const char *const names[] = {"start", "due"};
	int64_t *const to[] = {&out->start_ms, &out->due_ms};

	if (time_parse(json_text(o, "created"), &out->created_ms) < 0)
		return err_set(e, ERR_FORMAT,
			       "notice.created: %s: want a time such as 2026-11-22T21:04:05Z",
			       json_text(o, "created"));
	for (int i = 0; i < 2; i++)
		if (time_parse_ms(json_text(o, names[i]), to[i]) < 0)
			return err_set(e, ERR_FORMAT,
				       "notice.%s: %s: want a time such as "
				       "2026-11-22T21:04:05.000Z",
				       names[i], json_text(o, names[i]));
	return 0;
}

static int
take_kinds(const struct json *o, struct notice *out, struct err *e)
{
	const char *kind = json_text(o, "kind"), *owed = json_text(o, "owed");
	int k = 0, d = 0;

	while (k < NOTICE_KINDS && strcmp(notice_kind_name((enum notice_kind)k), kind) != 0)
		k++;
	if (k == NOTICE_KINDS)
		return err_set(e, ERR_FORMAT, "notice.kind: %s: there is none such", kind);
	while (d < DEADLINE_KINDS && strcmp(deadline_kind_name((enum deadline_kind)d), owed) != 0)
		d++;
	if (d == DEADLINE_KINDS)
		return err_set(e, ERR_FORMAT, "notice.owed: %s: there is none such", owed);
	out->kind = (enum notice_kind)k;
	out->owed = (enum deadline_kind)d;
	return 0;
}

static int
take_all(const struct json *o, struct notice *out, struct err *e)
{
	if (json_check(o, rules, "notice", e) < 0)
		return -1;
	if (json_number(o, "safehand_notice") != 1)
		return err_set(e, ERR_FORMAT, "notice.safehand_notice: want version 1");
	if (json_number(o, "action") > UINT32_MAX)
		return err_set(e, ERR_FORMAT, "notice.action: out of bounds");
	out->action = (uint32_t)json_number(o, "action");
	take_names(o, out);
	if (take_kinds(o, out, e) < 0 || take_times(o, out, e) < 0)
		return -1;
	return notice_check(out, e);
}

/* One text for one notice: members in their order, no blanks, no needless escapes. */
static int
check_form(const struct notice *n, const void *text, size_t len, struct err *e)
{
	struct buf again = {0};
	bool same;

	notice_format(n, &again);
	same = again.len == len && memcmp(again.data, text, len) == 0;
	buf_free(&again);
	return same ? 0 : err_set(e, ERR_FORMAT, "notice: not in its one form");
}

int
notice_parse(const void *text, size_t len, struct notice *out, struct err *e)
{
	struct json *doc = NULL;
	int rc = -1;

	*out = (struct notice){0};
	if (json_parse("notice", text, len, NOTICE_MAX_BYTES, &doc, e) == 0 &&
	    take_all(doc, out, e) == 0)
		rc = check_form(out, text, len, e);
	json_free(doc);
	return rc;
}
