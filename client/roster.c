/* roster.c - safehand roster: fetches the roster, judges it, lists who can be reached. Runs in:
 * client. */
#include <string.h>

#include "commands.h"
#include "gate.h"
#include "safehand/time.h"

static void
add_json_mailbox(struct buf *out, const struct roster_mailbox *m)
{
	buf_addc(out, '{');
	buf_json_str(out, "mailbox", m->name);
	buf_json_str(out, "title", m->title);
	buf_json_str(out, "cover", m->cover[0] != '\0' ? m->cover : NULL);
	buf_json_str(out, "contact", m->contact);
	buf_addc(out, '}');
}

static void
add_json(const struct roster *r, struct buf *out)
{
	char text[TIME_TEXT];

	buf_addc(out, '{');
	buf_json_int(out, "serial", (int64_t)r->serial);
	time_format(text, r->issued_ms);
	buf_json_str(out, "issued", text);
	time_format(text, r->expires_ms);
	buf_json_str(out, "expires", text);
	buf_json_str(out, "area", r->area);
	buf_json_str(out, "log", r->log_text);
	buf_json_key(out, "mailboxes");
	buf_addc(out, '[');
	for (size_t i = 0; i < r->nmailboxes; i++) {
		if (i > 0)
			buf_addc(out, ',');
		add_json_mailbox(out, &r->mailboxes[i]);
	}
	buf_adds(out, "]}");
}

static void
add_text(const struct roster *r, struct buf *out)
{
	char issued[TIME_TEXT], expires[TIME_TEXT];

	time_format(issued, r->issued_ms);
	time_format(expires, r->expires_ms);
	buf_addf(out, "roster %llu%s%s, issued %s, good until %s\nlog %s\n\n",
		 (unsigned long long)r->serial, *r->area != '\0' ? " of " : "", r->area, issued,
		 expires, r->log_text);
	for (size_t i = 0; i < r->nmailboxes; i++) {
		const struct roster_mailbox *m = &r->mailboxes[i];

		buf_addf(out, "%-32s %s", m->name, m->title);
		if (m->cover[0] != '\0')
			buf_addf(out, " (cover: %s)", m->cover);
		buf_addc(out, '\n');
	}
}

static int
run(struct client *c, const struct args *a, struct err *e)
{
	const struct roster *r;
	struct buf text = {0};
	struct http *h;
	int rc;

	if (args_want(a, 0, 0, "", e) < 0)
		return -1;
	if (!args_has(a, "kept") && gate_open(c, true, &h, e) < 0)
		return -1;
	if (gate_kept_roster(c, &r, e) < 0)
		return -1;
	if (args_has(a, "vkey"))
		buf_addf(&text, "%s\n", r->log_text);
	else if (c->json)
		add_json(r, &text);
	else
		add_text(r, &text);
	rc = say(c, &text, e);
	buf_free(&text);
	return rc;
}

static const struct args_row options[] = {
    {"kept", NULL, "the one that was kept; nobody is asked", false},
    {"vkey", NULL, "only the log's verifier key, as a log.vkey file has it", false},
    {NULL, NULL, NULL, false},
};

const struct command roster_command = {
    .name = "roster",
    .operands = "",
    .summary = "fetch and verify the roster, list the mailboxes",
    .about = "Fetches the CRL and the roster. The roster must be signed by an administrator, be in "
	     "force, and\nnot be older than the one that was kept: an older one is refused (exit "
	     "9).\n",
    .options = options,
    .run = run,
};
