/* wait.c - how far a check of everything on disk is. Runs in: safehandctl. Owns: the terminal's
 * last line. Trusts: of the gateway's answer two numbers. */
#include "ctl/wait.h"

#include <stdio.h>

#include "ctl/show.h"
#include "ctl/wire.h"
#include "safehand/json.h"

#define STATUS_SECONDS 60 /* for an answer to status */
#define ABSENT_MAX     60 /* the answer to the check itself must be there by then */

static void
tell(struct checking *c, const struct json *status)
{
	struct buf text = {0};

	show_checking(status, &text);
	fprintf(stderr, "\r\033[K%s", buf_str(&text));
	fflush(stderr);
	c->told = true;
	buf_free(&text);
}

bool
wait_for_check(void *ctx)
{
	struct checking *c = ctx;
	struct buf line = {0}, answer = {0};
	struct json *doc = NULL;
	struct err e;

	buf_adds(&line, "status\n");
	if (wire_ask(c->socket, &line, STATUS_SECONDS, &answer, &e) < 0 ||
	    json_parse("answer", answer.data, answer.len, ANSWER_MAX_BYTES, &doc, &e) < 0 ||
	    json_has_no(doc, "fsck"))
		c->absent++;
	else
		c->absent = 0;
	if (c->absent == 0 && c->tells)
		tell(c, doc);
	json_free(doc);
	buf_free(&line);
	buf_free(&answer);
	return c->absent < ABSENT_MAX;
}

void
wait_end(struct checking *c)
{
	if (c->told)
		fprintf(stderr, "\r\033[K");
	c->told = false;
}
