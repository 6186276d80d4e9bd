/* away.c - mailboxes that nobody looks into for a while. Runs in: store. Owns: nothing. Trusts:
 * ask.c on the right to the mailbox. */
#include "store/away.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/log.h"
#include "safehand/time.h"
#include "store/deadline.h"
#include "store/group.h"

#define AWAY_MAX_MS (INT64_C(366) * TIME_DAY_MS) /* longer is a mailbox to take off the roster */

bool
away_now(struct ledger *l, const char *mailbox, int64_t now_ms, struct ledger_away *out)
{
	return ledger_away(l, mailbox, out) && out->until_ms > now_ms;
}

void
away_cover(struct ledger *l, const struct member *m, int64_t now_ms, char out[static NAME_MAILBOX])
{
	struct ledger_away a;

	if (away_now(l, m->mailbox, now_ms, &a) && a.cover[0] != '\0')
		strcpy(out, a.cover);
	else
		strcpy(out, m->cover);
}

void
away_json(const struct ledger_away *a, const char *cover, struct buf *json)
{
	char time[TIME_TEXT];

	buf_addc(json, '{');
	time_format_ms(time, a->since_ms);
	buf_json_str(json, "since", time);
	time_format_ms(time, a->until_ms);
	buf_json_str(json, "until", time);
	buf_json_str(json, "cover", cover[0] == '\0' ? NULL : cover);
	buf_addc(json, '}');
}

void
away_show(struct store *s, const struct asker *a, const char *mailbox)
{
	struct ledger_away away;
	struct buf json = {0};

	buf_addc(&json, '{');
	buf_json_str(&json, "mailbox", mailbox);
	buf_json_key(&json, "away");
	if (away_now(s->reader, mailbox, s->now(), &away))
		away_json(&away, away.cover, &json);
	else
		buf_adds(&json, "null");
	buf_addc(&json, '}');
	reply_json(a, 200, &json);
	buf_free(&json);
}

struct leave {
	struct change change; /* first: a change of a leave is the leave */
	struct asker asker;
	struct ledger_away away;
	bool end;
};

static int
check(const struct store *s, const struct ledger_away *a, struct err *e)
{
	int64_t now = s->now();

	if (a->until_ms <= now)
		return err_set(e, ERR_USAGE, "until: is not ahead of the gateway's clock");
	if (a->until_ms > now + AWAY_MAX_MS)
		return err_set(e, ERR_LIMIT, "until: more than 366 days ahead");
	if (a->cover[0] == '\0')
		return 0;
	if (strcmp(a->cover, a->mailbox) == 0)
		return err_set(e, ERR_USAGE, "cover: %s cannot cover itself", a->cover);
	if (members_find(s->members, a->cover) == NULL)
		return err_set(e, ERR_UNKNOWN, "cover: %s is not in the roster", a->cover);
	return 0;
}

static int
apply(struct store *s, struct change *c, struct err *e)
{
	struct leave *v = (struct leave *)c;

	if (v->end)
		return ledger_end_away(s->writer, v->away.mailbox)
			   ? 0
			   : err_set(e, ERR_UNKNOWN, "%s is not away", v->away.mailbox);
	v->away.since_ms = s->now();
	ledger_set_away(s->writer, &v->away);
	deadline_cover_now(s, v->away.mailbox, v->away.until_ms);
	return 0;
}

static void
done(struct store *s, struct change *c, const struct err *refusal)
{
	struct leave *v = (struct leave *)c;

	if (refusal != NULL)
		reply_refuse(&v->asker, refusal);
	else
		reply_empty(&v->asker, 204);
	if (refusal == NULL)
		log_info(v->end ? "back" : "away", "mailbox=%s cover=%s", v->away.mailbox,
			 v->away.cover);
	free(v);
}

static void
change_it(struct store *s, const struct asker *a, const struct ledger_away *away, bool end)
{
	struct leave *v = mem_alloc(sizeof *v);

	*v = (struct leave){
	    .change = {.apply = apply, .done = done}, .asker = *a, .away = *away, .end = end};
	group_add(s, &v->change);
}

void
away_set(struct store *s, const struct asker *a, const struct msg_ask *m)
{
	struct ledger_away away = {.until_ms =
				       m->number > INT64_MAX ? INT64_MAX : (int64_t)m->number};
	struct err e = {0};

	strcpy(away.mailbox, m->mailbox);
	strcpy(away.cover, m->other);
	if (check(s, &away, &e) < 0)
		reply_refuse(a, &e);
	else
		change_it(s, a, &away, false);
}

void
away_end(struct store *s, const struct asker *a, const char *mailbox)
{
	struct ledger_away away = {.cover = ""};

	strcpy(away.mailbox, mailbox);
	change_it(s, a, &away, true);
}
