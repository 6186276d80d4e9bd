/* inbox.c - safehand inbox: what lies in our mailboxes. Runs in: client. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "feed.h"

#define WAIT_MAX 300 /* seconds of one long poll, as the gateway allows */

static int
take_number(const char *what, const char *text, uint64_t max, uint64_t *out, struct err *e)
{
	char *end;

	*out = 0;
	if (text == NULL)
		return 0;
	*out = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || *out > max)
		return err_set(e, ERR_USAGE, "--%s %s: want 0 to %llu", what, text,
			       (unsigned long long)max);
	return 0;
}

struct listing {
	const char *mailbox;
	size_t listed;
	bool all, until; /* until: wait however long it takes */
	uint64_t after;
	unsigned wait_s;
	struct buf *out;
};

static int
take_wait(const char *text, struct listing *l, struct err *e)
{
	uint64_t wait_s = WAIT_MAX;

	l->until = text != NULL && *text == '\0';
	if (!l->until && take_number("wait", text, WAIT_MAX, &wait_s, e) < 0)
		return -1;
	l->wait_s = (unsigned)wait_s;
	return 0;
}

static void
list_page(const struct client *c, struct listing *l, const struct feed_page *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct feed_item *item = &p->items[i];

		if (!l->all && !feed_is_arrival(item))
			continue;
		if (c->json && l->listed > 0)
			buf_addc(l->out, ',');
		feed_tell(c, l->mailbox, item, l->out);
		l->listed++;
	}
}

/* Every page there is; the first may wait. */
static int
list_mailbox(struct client *c, struct listing *l, struct err *e)
{
	struct feed_page p;
	uint64_t after = l->after;
	unsigned wait_s = l->wait_s;
	size_t listed = l->listed;

	for (bool more = true; more;) {
		if (feed_ask(c, l->mailbox, after, wait_s, &p, e) < 0)
			return -1;
		list_page(c, l, &p);
		more = p.n > 0 && p.next > after;
		after = p.next;
		feed_free(&p);
		if (l->listed == listed && l->until)
			more = true;
		else
			wait_s = 0;
	}
	if (!c->json && l->listed == listed)
		buf_adds(l->out, "nothing has arrived\n");
	return 0;
}

static int
list_all(struct client *c, const char *mailbox, struct listing *l, struct err *e)
{
	const struct conf *conf;
	const char *name;

	if (mailbox != NULL) {
		l->mailbox = mailbox;
		return list_mailbox(c, l, e);
	}
	if (client_conf(c, &conf, e) < 0)
		return -1;
	if (l->wait_s > 0 && conf_instance(conf, "mailbox", 1) != NULL)
		return err_set(e, ERR_USAGE, "--wait: for which --mailbox?");
	for (size_t i = 0; (name = conf_instance(conf, "mailbox", i)) != NULL; i++) {
		if (!c->json)
			buf_addf(l->out, "%s\n", name);
		l->mailbox = name;
		if (list_mailbox(c, l, e) < 0)
			return -1;
	}
	return 0;
}

static int
run(struct client *c, const struct args *a, struct err *e)
{
	struct buf out = {0};
	struct listing l = {.all = args_has(a, "all"), .out = &out};
	int rc = -1;

	if (args_want(a, 0, 0, "", e) < 0 || take_wait(args_value(a, "wait"), &l, e) < 0 ||
	    take_number("after", args_value(a, "after"), INT64_MAX, &l.after, e) < 0)
		return -1;
	if (args_has(a, "mailbox") && !name_is_mailbox(args_value(a, "mailbox")))
		return err_set(e, ERR_USAGE, "--mailbox %s: want agency/role",
			       args_value(a, "mailbox"));
	if (c->json)
		buf_adds(&out, "{\"items\":[");
	if (list_all(c, args_value(a, "mailbox"), &l, e) == 0) {
		if (c->json)
			buf_adds(&out, "]}");
		rc = say(c, &out, e);
	}
	buf_free(&out);
	return rc;
}

static const struct args_row options[] = {
    {"mailbox", "MAILBOX", "only this one; default: all that are configured", false},
    {"wait", "[SECONDS]", "if there is nothing, wait for something to come, up to 300", false},
    {"after", "SEQ", "only what came after this entry of the log", false},
    {"all", NULL, "also what happened to the bundles since", false},
    {NULL, NULL, NULL, false},
};

const struct command inbox_command = {
    .name = "inbox",
    .operands = "",
    .summary = "list what has arrived in our mailboxes",
    .about = "A line for each bundle: when, its state, its id, what it is and from whom.\n",
    .options = options,
    .run = run,
};
