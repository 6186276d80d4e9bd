/* routing.c - to whom a bundle goes. Runs in: store. Owns: nothing. Trusts: the
 * roster and the policy; subscriptions only as far as the pairs allow them. */
#include "store/routing.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/enc.h"
#include "store/away.h"
#include "store/case.h"
#include "store/ledger_case.h"

static bool
in_list(const struct list *names, const char *mailbox)
{
	const struct fact_name *name = names->items;

	for (size_t i = 0; i < names->n; i++)
		if (strcmp(name[i].name, mailbox) == 0)
			return true;
	return false;
}

/* --- subscribers --- */

struct subscribers {
	const struct routing *r;
	const char *kind, *value; /* of a case, when consent is wanted; else NULL */
	bool without_consent;	  /* those are told, and nobody else */
	void (*each)(void *ctx, const char *mailbox);
	void (*each_without)(void *ctx, const char *kind, const char *value, const char *mailbox);
	void *ctx;
};

static bool
may_have(const struct routing *r, const char *mailbox)
{
	return strcmp(mailbox, r->from) != 0 && members_find(r->members, mailbox) != NULL &&
	       policy_allows(r->klass, r->from, mailbox);
}

static void
subscriber(void *ctx, const char *mailbox)
{
	const struct subscribers *s = ctx;

	if (may_have(s->r, mailbox))
		s->each(s->ctx, mailbox);
}

/* One's own agency needs no consent of itself. */
static void
case_subscriber(void *ctx, const char *mailbox)
{
	const struct subscribers *s = ctx;
	char sender[NAME_AGENCY], of[NAME_AGENCY];
	bool consent;

	if (!may_have(s->r, mailbox))
		return;
	name_agency(sender, s->r->from);
	name_agency(of, mailbox);
	consent = s->r->klass->subscribe != SUBSCRIBE_BY_CONSENT || strcmp(sender, of) == 0 ||
		  ledger_has_consent(s->r->ledger, sender, s->kind, s->value, mailbox);
	if (s->without_consent && !consent)
		s->each_without(s->ctx, s->kind, s->value, mailbox);
	else if (!s->without_consent && consent)
		s->each(s->ctx, mailbox);
}

static void
each_of_case(struct subscribers *s)
{
	const struct fact_name *about = s->r->about->items;

	for (size_t i = 0; i < s->r->about->n; i++) {
		s->kind = about[i].name[0] == 'c' ? "child" : "household";
		s->value = about[i].name;
		ledger_each_subscriber(s->r->ledger, s->kind, s->value, case_subscriber, s);
	}
}

void
routing_subscribers(const struct routing *r, void (*each)(void *ctx, const char *mailbox),
		    void *ctx)
{
	struct subscribers s = {.r = r, .each = each, .ctx = ctx};
	const struct member *from = members_find(r->members, r->from);

	for (size_t i = 0; i < r->klass->demand.n; i++)
		subscriber(&s, r->klass->demand.pattern[i]);
	if (r->klass->subscribe == SUBSCRIBE_NO)
		return;
	ledger_each_subscriber(r->ledger, "class", r->klass->name, subscriber, &s);
	if (from != NULL && from->area[0] != '\0')
		ledger_each_subscriber(r->ledger, "area", from->area, subscriber, &s);
	each_of_case(&s);
}

void
routing_without_consent(const struct routing *r,
			void (*each)(void *ctx, const char *kind, const char *value,
				     const char *mailbox),
			void *ctx)
{
	struct subscribers s = {.r = r, .without_consent = true, .each_without = each, .ctx = ctx};

	if (r->klass->subscribe == SUBSCRIBE_BY_CONSENT)
		each_of_case(&s);
}

/* --- the answer --- */

/* The recipients as they are found, each mailbox once; the index is its place in the answer. */
struct answer {
	const struct routing *r;
	const struct msg_facts_route *f;
	struct fact_recipient *to;
	size_t n;
};

static bool
answer_has(const struct answer *a, const char *mailbox)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->to[i].mailbox, mailbox) == 0)
			return true;
	return false;
}

static void
answer_add(struct answer *a, const char *mailbox, const char *covers)
{
	struct fact_recipient *new;

	if (answer_has(a, mailbox) || in_list(&a->f->exclude, mailbox) || a->n == RECIPIENTS_MAX)
		return;
	a->to = mem_realloc(a->to, a->n + 1, sizeof *a->to);
	new = &a->to[a->n++];
	*new = (struct fact_recipient){.cover = covers[0] != '\0'};
	strcpy(new->mailbox, mailbox);
	strcpy(new->covers, covers);
}

static void
answer_subscriber(void *ctx, const char *mailbox)
{
	answer_add(ctx, mailbox, "");
}

static void
answer_holder(void *ctx, const struct ledger_delivery *d)
{
	struct answer *a = ctx;

	if (!d->cover && may_have(a->r, d->mailbox))
		answer_add(a, d->mailbox, "");
}

/* Who had what this one replaces has this one too. */
static void
answer_superseded(struct answer *a)
{
	struct ledger_bundle old;
	char sender[NAME_AGENCY], of[NAME_AGENCY];

	if (a->f->supersedes[0] == '\0' || !ledger_bundle(a->r->ledger, a->f->supersedes, &old))
		return;
	name_agency(sender, a->r->from);
	name_agency(of, old.from);
	if (strcmp(sender, of) == 0)
		ledger_each_delivery(a->r->ledger, old.n, answer_holder, a);
}

static int
answer_named(struct answer *a, struct err *e)
{
	const struct fact_name *to = a->f->to.items;

	for (size_t i = 0; i < a->f->to.n; i++) {
		if (members_find(a->r->members, to[i].name) == NULL)
			return err_set(e, ERR_UNKNOWN, "to %s: not in the roster", to[i].name);
		if (!policy_allows(a->r->klass, a->r->from, to[i].name))
			return err_set(e, ERR_DENIED, "class %s may not go from %s to %s",
				       a->r->klass->name, a->r->from, to[i].name);
		answer_add(a, to[i].name, "");
	}
	return 0;
}

static bool
may_cover(const struct answer *a, const char *cover)
{
	return cover[0] != '\0' && strcmp(cover, a->r->from) != 0 &&
	       members_find(a->r->members, cover) != NULL &&
	       policy_allows(a->r->klass, a->r->from, cover);
}

/* Whom it named when it went away, if it may have it; else whom the roster names. */
static void
answer_covers(struct answer *a, int64_t now_ms)
{
	size_t n = a->n;

	for (size_t i = 0; i < n; i++) {
		const struct member *m = members_find(a->r->members, a->to[i].mailbox);
		char now[NAME_MAILBOX];

		away_cover(a->r->ledger, m, now_ms, now);
		if (may_cover(a, now))
			answer_add(a, now, m->mailbox);
		else if (may_cover(a, m->cover))
			answer_add(a, m->cover, m->mailbox);
	}
}

/* Who of the answer covers the mailbox; "": nobody. */
static const char *
answer_cover(const struct answer *a, const char *mailbox)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->to[i].covers, mailbox) == 0)
			return a->to[i].mailbox;
	return "";
}

static void
recipient_json(const struct answer *a, const struct fact_recipient *to, int64_t now_ms,
	       struct buf *json)
{
	const struct member *m = members_find(a->r->members, to->mailbox);
	struct ledger_away away;

	buf_addc(json, '{');
	buf_json_str(json, "mailbox", to->mailbox);
	buf_json_str(json, "as", to->cover ? "cover" : "to");
	if (to->cover)
		buf_json_str(json, "for", to->covers);
	buf_json_key(json, "keys");
	buf_addc(json, '[');
	for (size_t i = 0, shown = 0; i < m->n; i++) {
		if (!member_key_holds(&m->certificates[i], now_ms))
			continue;
		buf_adds(json, shown++ > 0 ? ",\"" : "\"");
		buf_hex(json, m->certificates[i].cert, DIGEST_BYTES);
		buf_addc(json, '"');
	}
	buf_addc(json, ']');
	if (away_now(a->r->ledger, to->mailbox, now_ms, &away)) {
		buf_json_key(json, "away");
		away_json(&away, answer_cover(a, to->mailbox), json);
	}
	buf_addc(json, '}');
}

int
routing_answer(const struct routing *r, const struct msg_facts_route *f, int64_t now_ms,
	       struct buf *json, struct err *e)
{
	struct answer a = {.r = r, .f = f};
	int rc = answer_named(&a, e);

	if (rc == 0) {
		answer_superseded(&a);
		routing_subscribers(r, answer_subscriber, &a);
		answer_covers(&a, now_ms);
		buf_addc(json, '{');
		buf_json_str(json, "class", r->klass->name);
		buf_json_key(json, "to");
		buf_addc(json, '[');
		for (size_t i = 0; i < a.n; i++) {
			buf_json_item(json);
			recipient_json(&a, &a.to[i], now_ms, json);
		}
		buf_addc(json, ']');
		case_flags_json(r->ledger, r->about, json);
		buf_addc(json, '}');
	}
	free(a.to);
	return rc;
}
