/* deadline.c - what is owed: opened and closed, inside a group's changes. Runs in: store. Owns: how
 * many are open and overdue. Trusts: the policy and the calendars on what is owed until when. */
#include "store/deadline.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/log.h"
#include "store/away.h"
#include "store/desk.h"
#include "store/ladder.h"
#include "store/step.h"

#define CHAIN_MAX 64 /* provisionals before a final: nobody writes so many */

/* --- opening --- */

/* Is the owner closed, or away, until it is too late? */
static bool
is_absent(struct store *s, const struct ledger_deadline *d, int64_t now_ms)
{
	int64_t from = d->start_ms > now_ms ? d->start_ms : now_ms;
	struct ledger_away away;

	if (away_now(s->writer, d->mailbox, now_ms, &away) && away.until_ms > d->due_ms)
		return true;
	return from < d->due_ms &&
	       !calendar_open_between(desk_calendar(s->desks, d->mailbox), from, d->due_ms);
}

/* d says what, who and until when. */
static void
open_row(struct store *s, struct ledger_deadline *d, const struct ladder *ladder)
{
	struct buf text = {0};

	if (d->due_ms < d->start_ms)
		d->due_ms = d->start_ms; /* the date of an action may lie behind */
	ladder_format(ladder, &text);
	d->ladder = ledger_ladder_number(s->writer, buf_str(&text));
	buf_free(&text);
	d->cover_now = is_absent(s, d, s->now());
	d->next_ms = step_time(d, ladder, NULL);
	ledger_add_deadline(s->writer, d);
	ladders_changed(s, d, NULL);
}

/* A rule that the calendar has no day for any more is counted in days of the clock: late in a wrong
 * year is better than never. */
static int64_t
due_of(struct store *s, const struct deadline_rule *rule, const char *mailbox, int64_t start_ms)
{
	int64_t due = start_ms;
	struct err e = {0};

	if (deadline_due(rule, desk_calendar(s->desks, mailbox), start_ms, &due, &e) < 0) {
		log_err(LOG_LEVEL_WARN, "calendar-at-its-end", &e);
		due = start_ms +
		      (rule->unit == DEADLINE_CLOCK ? rule->n : (rule->n + 1) * INT64_C(86400000));
	}
	return due;
}

struct opening {
	struct store *s;
	const struct ledger_bundle *b;
	const struct policy_class *klass;
	int64_t start_ms;
};

static void
open_kind(const struct opening *o, enum deadline_kind kind, const char *mailbox,
	  const struct deadline_rule *rule, const char *by)
{
	struct ledger_deadline d = {
	    .kind = kind,
	    .bundle = o->b->n,
	    .start_ms = o->start_ms,
	    .due_ms = due_of(o->s, rule, mailbox, o->start_ms),
	};

	strcpy(d.mailbox, mailbox);
	strcpy(d.owed_to, o->b->from);
	strcpy(d.by, by);
	open_row(o->s, &d, &o->klass->ladder);
}

static void
open_recipient(const struct opening *o, const char *mailbox)
{
	const struct policy_class *k = o->klass;

	if (k->has_collect)
		open_kind(o, DEADLINE_COLLECT, mailbox, &k->collect, "");
	if (k->has_read)
		open_kind(o, DEADLINE_READ, mailbox, &k->read, "");
	if (k->answers == ANSWER_WITHIN)
		open_kind(o, DEADLINE_ANSWER, mailbox, &k->answer, k->answer_by);
}

static void
open_action(const struct opening *o, const struct fact_action *a)
{
	struct ledger_deadline d = {
	    .kind = DEADLINE_ACTION, .bundle = o->b->n, .part = a->n, .start_ms = o->start_ms};
	struct err e = {0};

	if (deadline_date_due(a->due, desk_calendar(o->s->desks, a->owner), &d.due_ms, &e) < 0) {
		log_err(LOG_LEVEL_WARN, "action-without-date", &e); /* verify judged the form */
		return;
	}
	strcpy(d.mailbox, a->owner);
	strcpy(d.owed_to, o->b->from);
	open_row(o->s, &d, &o->klass->ladder);
}

/* What the sender has to do itself is its own affair: it signs no receipt of it. */
static void
open_actions(const struct opening *o, const struct list *actions)
{
	const struct fact_action *a = actions->items;

	for (size_t i = 0; o->klass->answers == ANSWER_ACTIONS && i < actions->n; i++) {
		bool again = strcmp(a[i].owner, o->b->from) == 0;

		for (size_t k = 0; k < i && !again; k++)
			again = a[k].n == a[i].n; /* verify refuses it; the ledger would end us */
		if (!again)
			open_action(o, &a[i]);
	}
}

void
deadline_open_cover(struct store *s, const struct ledger_bundle *b,
		    const struct ledger_delivery *cover, const struct policy_class *klass)
{
	struct opening o = {s, b, klass, s->now()};

	if (klass != NULL && b->state == BUNDLE_LIVE)
		open_recipient(&o, cover->mailbox);
}

int64_t
deadline_open_expectation(struct store *s, const struct deadline_expected *x)
{
	struct ledger_deadline d = {.kind = DEADLINE_ARRIVE,
				    .expectation = x->expectation,
				    .start_ms = x->start_ms,
				    .due_ms = x->due_ms};

	strcpy(d.mailbox, x->from);
	strcpy(d.owed_to, x->mailbox);
	open_row(s, &d, x->ladder);
	return d.n;
}

/* --- closing --- */

struct rows {
	struct ledger_deadline *d;
	size_t n;
};

static void
take_open(void *ctx, const struct ledger_deadline *d)
{
	struct rows *r = ctx;

	if (d->state != DEADLINE_OPEN)
		return;
	r->d = mem_realloc(r->d, r->n + 1, sizeof *r->d);
	r->d[r->n++] = *d;
}

static void
close_row(struct store *s, struct ledger_deadline *d, enum deadline_state why)
{
	struct ledger_deadline was = *d;

	d->state = why;
	d->closed_ms = s->now();
	d->next_ms = DEADLINE_NEVER;
	ledger_set_deadline(s->writer, d);
	ladders_changed(s, d, &was);
}

/* A mailbox and its cover stand for one another: what one did the other need not do. */
static const char *
stands_for(const struct ledger_delivery *d)
{
	return d->cover ? d->covers : d->mailbox;
}

static bool
is_same_desk(struct store *s, const struct ledger_delivery *did, const struct ledger_deadline *d)
{
	struct ledger_delivery owner;

	return strcmp(did->mailbox, d->mailbox) == 0 ||
	       (ledger_delivery(s->writer, d->bundle, d->mailbox, &owner) &&
		strcmp(stands_for(did), stands_for(&owner)) == 0);
}

/* Which kinds an event closes. */
struct done_what {
	unsigned kinds; /* mask */
	int64_t part;	/* of ACTION */
	const char *by; /* of ANSWER: the class that came, "": a statement */
	bool declined;	/* says that no answer will come */
};

static bool
is_done(const struct done_what *w, const struct ledger_deadline *d)
{
	if ((w->kinds & 1u << d->kind) == 0)
		return false;
	if (d->kind == DEADLINE_ACTION)
		return d->part == w->part;
	/* who says "accepted" to a referral still owes its outcome */
	return d->kind != DEADLINE_ANSWER || strcmp(d->by, w->by) == 0 || w->declined;
}

static void
close_done(struct store *s, const struct ledger_delivery *did, const struct done_what *w)
{
	struct rows r = {0};

	ledger_each_deadline(s->writer, did->bundle, take_open, &r);
	for (size_t i = 0; i < r.n; i++)
		if (is_done(w, &r.d[i]) && is_same_desk(s, did, &r.d[i]))
			close_row(s, &r.d[i],
				  strcmp(did->mailbox, r.d[i].mailbox) == 0 ? DEADLINE_MET
									    : DEADLINE_BY_OTHER);
	free(r.d);
}

/* Kept so long after the last answer, where the class says so. */
static void
keep_longer(struct store *s, const struct ledger_bundle *b)
{
	const struct policy_class *k = policy_find(s->policy, b->klass);

	if (k != NULL && k->retain_after_answer && s->now() + k->retain_ms > b->purge_ms)
		ledger_set_purge(s->writer, b->n, s->now() + k->retain_ms);
}

#define BIT(k) (1u << DEADLINE_##k)

void
deadline_said(struct store *s, const struct ledger_bundle *b, const struct ledger_delivery *d,
	      enum entry_event event, const char *code)
{
	const char *colon = strchr(code, ':');
	struct done_what w = {.by = ""};

	if (event == EVENT_CONTENT_HANDOVER)
		w.kinds = BIT(COLLECT);
	if (event == EVENT_READ)
		w.kinds = BIT(COLLECT) | BIT(READ);
	if (event == EVENT_ANSWER) {
		w.kinds = BIT(COLLECT) | BIT(READ) | (colon == NULL ? BIT(ANSWER) : 0);
		w.declined = strcmp(code, "declined") == 0;
		if (colon != NULL && strncmp(code, "accepted", 8) != 0) {
			w.kinds |= BIT(ACTION); /* "done:3", "declined:3" */
			w.part = strtoll(colon + 1, NULL, 10);
		}
		keep_longer(s, b);
	}
	if (w.kinds != 0)
		close_done(s, d, &w);
}

void
deadline_close_bundle(struct store *s, const struct ledger_bundle *b, enum deadline_state why)
{
	struct rows r = {0};

	ledger_each_deadline(s->writer, b->n, take_open, &r);
	for (size_t i = 0; i < r.n; i++)
		if (r.d[i].kind != DEADLINE_FINAL || why == DEADLINE_WITHDRAWN)
			close_row(s, &r.d[i], why);
	free(r.d);
}

void
deadline_cover_now(struct store *s, const char *mailbox, int64_t until_ms)
{
	struct rows r = {0};

	ledger_each_owed_by(s->writer, mailbox, UINT32_MAX, take_open, &r);
	for (size_t i = 0; i < r.n; i++) {
		struct ledger_deadline was = r.d[i], *d = &r.d[i];

		if (d->cover_now || d->due_ms >= until_ms)
			continue;
		d->cover_now = true;
		d->next_ms = step_time(d, ladder_of(s, d), NULL);
		ledger_set_deadline(s->writer, d);
		ladders_changed(s, d, &was);
	}
	free(r.d);
}

void
deadline_close_expectation(struct store *s, int64_t expectation, enum deadline_state why)
{
	struct rows r = {0};

	ledger_each_expectation_deadline(s->writer, expectation, take_open, &r);
	for (size_t i = 0; i < r.n; i++)
		close_row(s, &r.d[i], why);
	free(r.d);
}

/* --- a bundle is accepted --- */

/* The final closes what each provisional before it owed. */
static void
close_finals(struct store *s, const struct ledger_bundle *b)
{
	struct ledger_bundle old = *b;

	for (int i = 0; i < CHAIN_MAX && old.supersedes[0] != '\0'; i++) {
		struct rows r = {0};

		if (!ledger_bundle(s->writer, old.supersedes, &old))
			return;
		ledger_each_deadline(s->writer, old.n, take_open, &r);
		for (size_t k = 0; k < r.n; k++)
			if (r.d[k].kind == DEADLINE_FINAL)
				close_row(s, &r.d[k], DEADLINE_MET);
		free(r.d);
	}
}

struct repliers {
	char agency[NAME_AGENCY];
	struct ledger_delivery *d;
	size_t n;
};

static void
take_replier(void *ctx, const struct ledger_delivery *d)
{
	struct repliers *r = ctx;
	char of[NAME_AGENCY];

	name_agency(of, d->mailbox);
	if (strcmp(of, r->agency) != 0)
		return;
	r->d = mem_realloc(r->d, r->n + 1, sizeof *r->d);
	r->d[r->n++] = *d;
}

/* A reply of the class that was asked for is the answer of all its agency's mailboxes. */
static void
close_answers(struct store *s, const struct ledger_bundle *b)
{
	struct done_what w = {.kinds = BIT(ANSWER), .by = b->klass};
	struct repliers r = {.n = 0};
	struct ledger_bundle asked;

	if (b->reply_to[0] == '\0' || !ledger_bundle(s->writer, b->reply_to, &asked))
		return;
	name_agency(r.agency, b->from);
	ledger_each_delivery(s->writer, asked.n, take_replier, &r);
	for (size_t i = 0; i < r.n; i++)
		close_done(s, &r.d[i], &w);
	if (r.n > 0)
		keep_longer(s, &asked);
	free(r.d);
}

void
deadline_open_bundle(struct store *s, const struct ledger_bundle *b,
		     const struct msg_facts_head *facts, const struct policy_class *klass)
{
	const struct fact_recipient *to = facts->to.items;
	struct opening o = {s, b, klass, b->accepted_ms};

	if (klass->clock_event && b->event_at_ms != TIME_NONE)
		o.start_ms = b->event_at_ms;
	for (size_t i = 0; i < facts->to.n; i++)
		if (!to[i].cover)
			open_recipient(&o, to[i].mailbox);
	open_actions(&o, &facts->actions);
	if (b->provisional && klass->has_provisional)
		open_kind(&o, DEADLINE_FINAL, b->from, &klass->provisional, "");
	if (!b->provisional)
		close_finals(s, b);
	close_answers(s, b);
}
