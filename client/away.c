/* away.c - safehand away, safehand back: nobody is at a mailbox for a while. Runs in: client. */
#include <stdlib.h>
#include <string.h>

#include "away.h"
#include "commands.h"
#include "own.h"
#include "safehand/time.h"

/* A sentence, or with --json {"done":true}. */
static int
tell_done(struct client *c, const char *sentence, struct err *e)
{
	struct buf out = {0};
	int rc;

	buf_adds(&out, c->json ? "{\"done\":true}" : sentence);
	rc = say(c, &out, e);
	buf_free(&out);
	return rc;
}

static int
set_away(struct client *c, const struct args *a, const char *mailbox, struct err *e)
{
	const char *cover = args_value(a, "cover");
	char until[TIME_TEXT];
	struct buf path = {0}, told = {0};
	int64_t ms;
	int rc = -1;

	if (own_instant("until", args_value(a, "until"), &ms, e) < 0)
		return -1;
	if (cover != NULL && !name_is_mailbox(cover))
		return err_set(e, ERR_USAGE, "--cover %s: want agency/role", cover);
	time_format(until, ms);
	buf_addf(&path, "/v1/away/%s?until=%lld", mailbox, (long long)ms);
	if (cover != NULL)
		buf_addf(&path, "&cover=%s", cover);
	buf_addf(&told, "%s is away until %s%s%s", mailbox, until,
		 cover != NULL ? ", covered by " : "", cover != NULL ? cover : "");
	if (own_call(c, "PUT", buf_str(&path), NULL, e) == 0)
		rc = tell_done(c, buf_str(&told), e);
	buf_free(&path);
	buf_free(&told);
	return rc;
}

/* --- how it stands --- */

static const struct json_rule rules[] = {
    {"mailbox", JSON_T_STRING, false, false, NAME_MAILBOX - 1},
    {"away", JSON_T_OBJECT, false, true, 0},
    {NULL, 0, false, false, 0},
};
static const struct json_rule away_rules[] = {
    {"since", JSON_T_STRING, false, false, TIME_TEXT - 1},
    {"until", JSON_T_STRING, false, false, TIME_TEXT - 1},
    {"cover", JSON_T_STRING, false, true, NAME_MAILBOX - 1},
    {NULL, 0, false, false, 0},
};

int
away_check(const struct json *away, const char *path, struct err *e)
{
	return json_check(away, away_rules, path, e);
}

void
away_text(const struct json *away, struct buf *out)
{
	const char *cover = json_text(away, "cover");

	buf_addf(out, "away until %s%s%s", json_text(away, "until"),
		 cover != NULL ? ", covered by " : "", cover != NULL ? cover : "");
}

void
away_members(const struct json *away, struct buf *out)
{
	for (const struct json_rule *r = away_rules; r->name != NULL; r++)
		buf_json_str(out, r->name, json_text(away, r->name));
}

void
away_json(const struct json *away, struct buf *out)
{
	buf_addc(out, '{');
	away_members(away, out);
	buf_addc(out, '}');
}

static int
tell(const struct client *c, const struct json *doc, struct buf *out, struct err *e)
{
	bool there;

	if (json_check(doc, rules, "away", e) < 0)
		return -1;
	there = json_has_no(doc, "away");
	if (!there && away_check(json_member(doc, "away"), "away.away", e) < 0)
		return -1;
	if (!c->json) {
		buf_addf(out, "%s is ", json_text(doc, "mailbox"));
		if (there)
			buf_adds(out, "there");
		else
			away_text(json_member(doc, "away"), out);
		buf_addc(out, '\n');
		return 0;
	}
	buf_addc(out, '{');
	buf_json_str(out, "mailbox", json_text(doc, "mailbox"));
	buf_json_key(out, "away");
	if (there)
		buf_adds(out, "null");
	else
		away_json(json_member(doc, "away"), out);
	buf_addc(out, '}');
	return 0;
}

static int
show_away(struct client *c, const char *mailbox, struct err *e)
{
	struct buf path = {0}, out = {0};
	struct json *doc = NULL;
	int rc = -1;

	buf_addf(&path, "/v1/away?mailbox=%s", mailbox);
	if (own_call(c, "GET", buf_str(&path), &doc, e) == 0 && tell(c, doc, &out, e) == 0)
		rc = say(c, &out, e);
	json_free(doc);
	buf_free(&path);
	buf_free(&out);
	return rc;
}

static int
away_run(struct client *c, const struct args *a, struct err *e)
{
	const char *mailbox;

	if (args_want(a, 0, 0, "", e) < 0 || own_mailbox(c, a, &mailbox, e) < 0)
		return -1;
	if (args_has(a, "cover") && !args_has(a, "until"))
		return err_set(e, ERR_USAGE, "--cover wants --until TIME beside it");
	return args_has(a, "until") ? set_away(c, a, mailbox, e) : show_away(c, mailbox, e);
}

static int
back_run(struct client *c, const struct args *a, struct err *e)
{
	struct buf path = {0}, told = {0};
	const char *mailbox;
	int rc = -1;

	if (args_want(a, 0, 0, "", e) < 0 || own_mailbox(c, a, &mailbox, e) < 0)
		return -1;
	buf_addf(&path, "/v1/away/%s", mailbox);
	buf_addf(&told, "%s is back", mailbox);
	if (own_call(c, "DELETE", buf_str(&path), NULL, e) == 0)
		rc = tell_done(c, buf_str(&told), e);
	buf_free(&path);
	buf_free(&told);
	return rc;
}

static const struct args_row away_options[] = {
    {"until", "TIME", "until when: 2026-01-31T12:00:00Z, or a day, until its end", false},
    {"cover", "MAILBOX", "who covers meanwhile; default: as the roster says", false},
    OWN_MAILBOX_OPTION,
    {NULL, NULL, NULL, false},
};
static const struct args_row back_options[] = {
    OWN_MAILBOX_OPTION,
    {NULL, NULL, NULL, false},
};

const struct command away_command = {
    .name = "away",
    .operands = "",
    .summary = "nobody is at a mailbox: its cover is given the key at once",
    .about = "Without --until: says how it stands.\n",
    .options = away_options,
    .run = away_run,
};

const struct command back_command = {
    .name = "back",
    .operands = "",
    .summary = "end an absence",
    .about = "What the cover was given meanwhile it keeps.\n",
    .options = back_options,
    .run = back_run,
};
