/* board.c - safehand board: what is owed, the most urgent first. Runs in: client. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "own.h"
#include "timeline.h"

#define BOARD_MAX 100000       /* rows of an answer */
#define RED	  "\033[1;31m" /* overdue */
#define YELLOW	  "\033[33m"   /* a step of its ladder was taken already */
#define PLAIN	  "\033[0m"

static const struct json_rule list_rules[] = {
    {"mailbox", JSON_T_STRING, false, false, NAME_MAILBOX - 1},
    {"items", JSON_T_ARRAY, false, false, BOARD_MAX},
    {NULL, 0, false, false, 0},
};
static const struct json_rule row_rules[] = {
    {"bundle", JSON_T_STRING, true, true, UUID_TEXT - 1},
    {"expectation", JSON_T_STRING, true, true, UUID_TEXT - 1},
    {"class", JSON_T_STRING, false, false, NAME_CLASS - 1},
    {"from", JSON_T_STRING, false, false, NAME_MAILBOX - 1},
    {"mailbox", JSON_T_STRING, false, false, NAME_MAILBOX - 1},
    {"owed_to", JSON_T_STRING, false, false, NAME_MAILBOX - 1},
    {"owed", JSON_T_STRING, false, false, 32},
    {"start", JSON_T_STRING, false, false, 32},
    {"due", JSON_T_STRING, false, false, 32},
    {"overdue_ms", JSON_T_INT, false, true, 0},
    {"next_step", JSON_T_STRING, false, true, NAME_MAILBOX + 64},
    {"next_at", JSON_T_STRING, false, true, 32},
    {"registered", JSON_T_BOOL, false, false, 0},
    {NULL, 0, false, false, 0},
};

/* The longest overdue first, then what is due first; times sort as their texts do. */
static int
by_urgency(const void *a, const void *b)
{
	const struct json *x = *(const struct json *const *)a, *y = *(const struct json *const *)b;
	int64_t late_x = json_number(x, "overdue_ms"), late_y = json_number(y, "overdue_ms");

	if (late_x != late_y)
		return late_x > late_y ? -1 : 1;
	return strcmp(json_text(x, "due"), json_text(y, "due"));
}

static void
tell_row(const struct json *row, bool colour, struct buf *out)
{
	const char *bundle = json_text(row, "bundle"), *next = json_text(row, "next_step");
	int64_t late = json_number(row, "overdue_ms");

	buf_adds(out, colour && late > 0 ? RED : "");
	if (late > 0) {
		buf_adds(out, "overdue ");
		timeline_span(late, out);
	} else {
		buf_addf(out, "due %s", json_text(row, "due"));
	}
	buf_adds(out, colour && late > 0 ? PLAIN : "");
	buf_addf(out, "  %s owes %s to %s: %s from %s  %s", json_text(row, "mailbox"),
		 json_text(row, "owed"), json_text(row, "owed_to"), json_text(row, "class"),
		 json_text(row, "from"), bundle != NULL ? bundle : json_text(row, "expectation"));
	if (next != NULL)
		buf_addf(out, "\n    then %s, %s", next,
			 json_has_no(row, "next_at") ? "now" : json_text(row, "next_at"));
	if (json_flag(row, "registered"))
		buf_addf(out, "\n    %son the register%s", colour ? YELLOW : "",
			 colour ? PLAIN : "");
	buf_addc(out, '\n');
}

static int
tell(const struct json *doc, bool colour, struct buf *out, struct err *e)
{
	const struct json **rows, *list;
	size_t n;
	int rc = 0;

	if (json_check(doc, list_rules, "board", e) < 0)
		return -1;
	list = json_member(doc, "items");
	n = json_count(list);
	rows = mem_alloc((n + 1) * sizeof *rows);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rows[i] = json_item(list, i);
		rc = json_check(rows[i], row_rules, "board.items", e);
	}
	if (rc == 0) {
		qsort(rows, n, sizeof *rows, by_urgency);
		for (size_t i = 0; i < n; i++)
			tell_row(rows[i], colour, out);
		if (n == 0)
			buf_addf(out, "nothing is owed by %s or to it\n",
				 json_text(doc, "mailbox"));
	}
	free(rows);
	return rc;
}

static int
ask(struct client *c, const char *mailbox, struct buf *text, struct json **doc, struct err *e)
{
	struct buf path = {0};
	struct http_call call = {
	    .method = "GET", .from_fd = -1, .into_fd = -1, .max = OWN_ANSWER_MAX};
	struct http_answer a = {0};
	int rc;

	buf_addf(&path, "/v1/board?mailbox=%s", mailbox);
	call.path = buf_str(&path);
	rc = gate_call(c, &call, &a, e);
	if (rc == 0)
		rc = json_parse("board", a.body.data, a.body.len, OWN_ANSWER_MAX, doc, e);
	buf_add(text, a.body.data, a.body.len);
	http_clear(&a);
	buf_free(&path);
	return rc;
}

static int
run(struct client *c, const struct args *a, struct err *e)
{
	bool colour = isatty(STDOUT_FILENO) != 0 && getenv("NO_COLOR") == NULL;
	struct buf text = {0}, out = {0};
	struct json *doc = NULL;
	const char *mailbox;
	int rc = -1;

	if (args_want(a, 0, 0, "", e) < 0 || own_mailbox(c, a, &mailbox, e) < 0)
		return -1;
	if (ask(c, mailbox, &text, &doc, e) == 0 && tell(doc, colour, &out, e) == 0)
		rc = say(c, c->json ? &text : &out, e);
	json_free(doc);
	buf_free(&text);
	buf_free(&out);
	return rc;
}

static const struct args_row options[] = {
    OWN_MAILBOX_OPTION,
    {NULL, NULL, NULL, false},
};

const struct command board_command = {
    .name = "board",
    .operands = "",
    .summary = "what a mailbox owes and is owed, the most urgent first",
    .about = "What is overdue, by whom, for how long, and the next step of its ladder; in colour "
	     "on a terminal,\nunless NO_COLOR is set.\n",
    .options = options,
    .run = run,
};
