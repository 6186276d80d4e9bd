/* judge.c - the gateway's rules for a bundle whose signature holds. Runs in: store. Owns: nothing.
 * Trusts: verify's facts as facts; what they mean is decided here. */
#include "store/judge.h"

#include <assert.h>
#include <string.h>

#include "safehand/entry.h"
#include "safehand/identity.h"
#include "store/away.h"
#include "store/exclusion.h"
#include "store/ledger_case.h"

struct trial {
	const struct judge_case *c;
	const struct policy_class *klass;
};

static bool
of_agency(const char *mailbox, const char *agency)
{
	char of[NAME_AGENCY];

	name_agency(of, mailbox);
	return strcmp(of, agency) == 0;
}

static const struct fact_recipient *
recipient(const struct msg_facts_head *f, size_t i)
{
	return (const struct fact_recipient *)f->to.items + i;
}

static const struct fact_recipient *
recipient_find(const struct msg_facts_head *f, const char *mailbox)
{
	for (size_t i = 0; i < f->to.n; i++)
		if (strcmp(recipient(f, i)->mailbox, mailbox) == 0)
			return recipient(f, i);
	return NULL;
}

static int
rule_same_bundle(struct trial *t, struct err *e)
{
	const struct msg_facts_head *f = t->c->facts;

	if (strcmp(f->id, t->c->id) != 0)
		return err_set(e, ERR_FORMAT, "id: the manifest's is %s, the request's %s", f->id,
			       t->c->id);
	if (f->concern > 2 || f->provisional > 1)
		return err_set(e, ERR_FORMAT, "concern or status: of no known kind");
	if (f->to.n == 0 || f->to.n > RECIPIENTS_MAX)
		return err_set(e, ERR_LIMIT, "to: %zu recipients, limit %d", f->to.n,
			       RECIPIENTS_MAX);
	if (BUNDLE_FIXED_BYTES + f->manifest_bytes + f->signature_bytes + f->to.n * SLOT_BYTES !=
	    t->c->head_bytes)
		return err_set(e, ERR_FORMAT, "slots: not one for each of %zu recipients", f->to.n);
	if (f->payload_bytes != t->c->payload_bytes)
		return err_set(e, ERR_DIGEST, "payload_bytes: signed are %llu, announced %llu",
			       (unsigned long long)f->payload_bytes,
			       (unsigned long long)t->c->payload_bytes);
	return 0;
}

static int
rule_sender(struct trial *t, struct err *e)
{
	const struct msg_facts_head *f = t->c->facts;

	if (!of_agency(f->from, t->c->agency))
		return err_set(e, ERR_DENIED, "from: %s is not of %s, which sends", f->from,
			       t->c->agency);
	if (members_find(t->c->members, f->from) == NULL)
		return err_set(e, ERR_DENIED, "from: %s is not in the roster", f->from);
	return 0;
}

static int
rule_signers(struct trial *t, struct err *e)
{
	const struct fact_signer *s = t->c->facts->signers.items;

	if (t->c->facts->signers.n == 0)
		return err_set(e, ERR_SIGNATURE, "nobody signed");
	for (size_t i = 0; i < t->c->facts->signers.n; i++)
		if (strcmp(s[i].agency, t->c->agency) != 0)
			return err_set(e, ERR_DENIED, "signed by %s, sent by %s", s[i].by,
				       t->c->agency);
	return 0;
}

static int
rule_class(struct trial *t, struct err *e)
{
	const struct msg_facts_head *f = t->c->facts;

	t->klass = policy_find(t->c->policy, f->klass);
	if (t->klass == NULL)
		return err_set(e, ERR_DENIED, "class %s: there is none here", f->klass);
	if (!policy_may_send(t->klass, f->from))
		return err_set(e, ERR_DENIED, "class %s: %s may not send it", f->klass, f->from);
	if (f->payload_bytes > t->klass->max_bytes)
		return err_set(e, ERR_LIMIT, "class %s: %llu bytes, limit %llu", f->klass,
			       (unsigned long long)f->payload_bytes,
			       (unsigned long long)t->klass->max_bytes);
	return 0;
}

/* Four eyes are two persons: one person with two certificates is one. */
static int
rule_persons(struct trial *t, struct err *e)
{
	const struct fact_signer *s = t->c->facts->signers.items;
	unsigned persons = 0;

	if (t->klass->signatures < 2)
		return 0;
	for (size_t i = 0; i < t->c->facts->signers.n; i++) {
		bool again = s[i].profile != PROFILE_PERSON_SIGN;

		for (size_t k = 0; k < i && !again; k++)
			again = strcmp(s[i].by, s[k].by) == 0;
		persons += !again;
	}
	if (persons < t->klass->signatures)
		return err_set(e, ERR_SIGNATURE, "class %s: %u different persons must sign, %u did",
			       t->klass->name, t->klass->signatures, persons);
	return 0;
}

int
judge_clock(int64_t at_ms, int64_t now_ms, int64_t skew_ms, const char *what, struct err *e)
{
	if (at_ms > now_ms + skew_ms)
		return err_set(e, ERR_CLOCK, "%s: %lld s ahead of the gateway's clock", what,
			       (long long)((at_ms - now_ms) / 1000));
	return 0;
}

static int
rule_created(struct trial *t, struct err *e)
{
	int64_t created = t->c->facts->created_ms, now = t->c->now_ms;

	if (judge_clock(created, now, t->c->settings->clock_skew_ms, "created", e) < 0)
		return -1;
	if (created < now - t->c->settings->created_age_ms) /* for good: no clock will mend it */
		return err_set(e, ERR_LIMIT,
			       "created: %lld h ago, the limit is %lld h: seal it anew",
			       (long long)((now - created) / 3600000),
			       (long long)(t->c->settings->created_age_ms / 3600000));
	return 0;
}

static int
rule_recipients(struct trial *t, struct err *e)
{
	const struct msg_facts_head *f = t->c->facts;

	for (size_t i = 0; i < f->to.n; i++) {
		const struct fact_recipient *to = recipient(f, i);

		if (recipient_find(f, to->mailbox) != to)
			return err_set(e, ERR_FORMAT, "to %s: there twice", to->mailbox);
		if (members_find(t->c->members, to->mailbox) == NULL)
			return err_set(e, ERR_UNKNOWN, "to %s: not in the roster", to->mailbox);
		if (!policy_allows(t->klass, f->from, to->mailbox))
			return err_set(e, ERR_DENIED, "class %s may not go from %s to %s",
				       t->klass->name, f->from, to->mailbox);
	}
	return 0;
}

static int
rule_keys(struct trial *t, struct err *e)
{
	const struct msg_facts_head *f = t->c->facts;

	for (size_t i = 0; i < f->to.n; i++) {
		const struct fact_recipient *to = recipient(f, i);
		const struct member *m = members_find(t->c->members, to->mailbox);

		assert(m != NULL); /* rule_recipients stands before */
		if (members_key(t->c->members, m, to->key, t->c->now_ms, e) < 0)
			return -1;
	}
	return 0;
}

/* A deputy is whom the roster names, for one who is addressed. */
static int
rule_covers(struct trial *t, struct err *e)
{
	const struct msg_facts_head *f = t->c->facts;

	for (size_t i = 0; i < f->to.n; i++) {
		const struct fact_recipient *to = recipient(f, i), *covered;
		const struct member *m;
		char now[NAME_MAILBOX];

		if (!to->cover)
			continue;
		covered = recipient_find(f, to->covers);
		m = members_find(t->c->members, to->covers);
		if (covered == NULL || covered->cover || m == NULL)
			return err_set(e, ERR_DENIED, "to %s: covers %s, which is not addressed",
				       to->mailbox, to->covers);
		away_cover(t->c->ledger, m, t->c->now_ms, now);
		if (strcmp(m->cover, to->mailbox) != 0 && strcmp(now, to->mailbox) != 0)
			return err_set(e, ERR_ROUTE, "to %s: is not the cover of %s", to->mailbox,
				       to->covers);
	}
	return 0;
}

struct missing {
	const struct trial *t;
	char mailbox[NAME_MAILBOX]; /* "": nobody is */
};

static void
subscriber(void *ctx, const char *mailbox)
{
	struct missing *m = ctx;
	const struct msg_facts_head *f = m->t->c->facts;
	const struct fact_recipient *to = recipient_find(f, mailbox);

	if (to != NULL && !to->cover)
		return;
	if (!exclusion_has(m->t->c->ledger, f->from, f->klass, &f->about, mailbox))
		strcpy(m->mailbox, mailbox);
}

/* Nobody subscribed is left out, nor whom the class demands, unless the sender excluded it. */
static int
rule_subscribers(struct trial *t, struct err *e)
{
	const struct msg_facts_head *f = t->c->facts;
	struct routing r = {t->c->ledger, t->c->members, t->klass, f->from, &f->about};
	struct missing m = {.t = t};

	routing_subscribers(&r, subscriber, &m);
	if (m.mailbox[0] != '\0')
		return err_set(e, ERR_ROUTE,
			       "to: %s subscribed or is demanded, and is not among the recipients",
			       m.mailbox);
	return 0;
}

/* The clock of some classes runs from the event: it must be said, and lie behind. */
static int
rule_event(struct trial *t, struct err *e)
{
	int64_t at = t->c->facts->event_at_ms;

	if (!t->klass->clock_event && !t->klass->has_expects)
		return 0;
	if (at == TIME_NONE)
		return err_set(e, ERR_FORMAT,
			       "event_at: class %s counts from it: say when it happened",
			       t->klass->name);
	if (!t->klass->clock_event)
		return 0; /* what is announced lies ahead */
	return judge_clock(at, t->c->now_ms, t->c->settings->clock_skew_ms, "event_at", e);
}

/* Who is to act by a date must have the document that says so. */
static int
rule_actions(struct trial *t, struct err *e)
{
	const struct msg_facts_head *f = t->c->facts;
	const struct fact_action *a = f->actions.items;

	for (size_t i = 0; i < f->actions.n; i++) {
		const struct fact_recipient *to = recipient_find(f, a[i].owner);

		if (t->klass->answers == ANSWER_ACTIONS && strcmp(a[i].owner, f->from) != 0 &&
		    (to == NULL || to->cover))
			return err_set(e, ERR_FORMAT,
				       "action %u: its owner %s is not among the recipients",
				       a[i].n, a[i].owner);
	}
	return 0;
}

static void
left_out(void *ctx, const struct ledger_delivery *d)
{
	struct missing *m = ctx;

	const struct trial *t = m->t;

	if (!d->cover && strcmp(d->mailbox, t->c->facts->from) != 0 &&
	    members_find(t->c->members, d->mailbox) != NULL &&
	    policy_allows(t->klass, t->c->facts->from, d->mailbox))
		subscriber(ctx, d->mailbox);
}

/* What replaces a bundle is the same sender's, of the same class, once, and for all who had it. */
static int
rule_supersedes(struct trial *t, struct err *e)
{
	const struct msg_facts_head *f = t->c->facts;
	struct missing m = {.t = t};
	struct ledger_bundle old, by;

	if (f->supersedes[0] == '\0')
		return 0;
	if (!ledger_bundle(t->c->ledger, f->supersedes, &old) || !of_agency(old.from, t->c->agency))
		return err_set(e, ERR_UNKNOWN, "supersedes: %s is none of yours", f->supersedes);
	if (strcmp(old.klass, f->klass) != 0)
		return err_set(e, ERR_DENIED, "supersedes: %s is of class %s, not of %s",
			       f->supersedes, old.klass, f->klass);
	if (!old.provisional && f->provisional)
		return err_set(e, ERR_ORDER,
			       "supersedes: %s is final, a provisional one cannot "
			       "replace it",
			       f->supersedes);
	if (ledger_superseded(t->c->ledger, f->supersedes, &by))
		return err_set(e, ERR_CONFLICT, "supersedes: %s is replaced already, by %s",
			       f->supersedes, by.id);
	ledger_each_delivery(t->c->ledger, old.n, left_out, &m);
	if (m.mailbox[0] != '\0')
		return err_set(e, ERR_ROUTE,
			       "to: %s had what this replaces, and is not among "
			       "the recipients",
			       m.mailbox);
	return 0;
}

struct seen_by {
	const char *agency;
	bool is;
};

static void
seen_by_delivery(void *ctx, const struct ledger_delivery *d)
{
	struct seen_by *s = ctx;

	s->is |= of_agency(d->mailbox, s->agency) && d->state != DELIVERY_WITHHELD;
}

/* A flag ends on evidence: the bundle that discounts the concern answers one that its sender knows.
 */
static int
rule_discount(struct trial *t, struct err *e)
{
	const struct msg_facts_head *f = t->c->facts;
	struct seen_by s = {.agency = t->c->agency};
	struct ledger_bundle b;

	if (!t->klass->discounts)
		return 0;
	if (f->about.n == 0)
		return err_set(e, ERR_FORMAT, "about: class %s is about a child", t->klass->name);
	if (f->reply_to[0] == '\0')
		return err_set(e, ERR_FORMAT,
			       "reply_to: class %s names the evidence: the bundle that it answers",
			       t->klass->name);
	if (ledger_bundle(t->c->ledger, f->reply_to, &b)) {
		s.is = of_agency(b.from, t->c->agency);
		ledger_each_delivery(t->c->ledger, b.n, seen_by_delivery, &s);
	}
	return s.is ? 0
		    : err_set(e, ERR_UNKNOWN, "reply_to: there is no %s that you may know of",
			      f->reply_to);
}

/* In this order: each may rely on those before it. */
static int (*const rules[])(struct trial *t, struct err *e) = {
    rule_same_bundle, rule_sender,  rule_signers,    rule_class,    rule_persons,
    rule_created,     rule_event,   rule_recipients, rule_keys,	    rule_covers,
    rule_subscribers, rule_actions, rule_supersedes, rule_discount,
};

int
judge_bundle(const struct judge_case *c, const struct policy_class **klass, struct err *e)
{
	struct trial t = {.c = c};

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (rules[i](&t, e) < 0)
			return -1;
	*klass = t.klass;
	return 0;
}
