/* expectation.c - bundles that must come. Runs in: store. Owns: nothing. Trusts: ask.c on the right
 * to the mailbox; the policy on what a class expects. */
#include "store/expectation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/log.h"
#include "safehand/time.h"
#include "store/deadline.h"
#include "store/desk.h"
#include "store/members.h"
#include "store/proof.h"

#define OPEN_MAX   1000	 /* open expectations of one mailbox: more is a mistake, not work */
#define LIST_MAX   1000	 /* shown at once, the newest */
#define MATCH_MAX  10000 /* looked at for one bundle: all that are open of its class */
#define AHEAD_DAYS 366	 /* how far ahead a bundle can be expected */

/* --- entries --- */

static void
enter(struct store *s, const struct ledger_expectation *x, enum entry_event event, const char *code,
      int64_t *seq)
{
	struct ledger_bundle b = {0};

	/* what a class expects is told to all who have the bundle that announced it */
	if (x->opened_by != 0)
		ledger_bundle_at(s->writer, x->opened_by, &b);
	*seq = group_enter(s, &(struct group_entry){
				  .event = event,
				  .bundle = x->opened_by,
				  .id = x->opened_by != 0 ? b.id : x->id,
				  .manifest_sha256 = x->opened_by != 0 ? b.manifest_sha256 : NULL,
				  .mailbox = x->opened_by != 0 ? NULL : x->mailbox,
				  .code = code,
				  .part = x->n});
}

void
expectation_missed(struct store *s, int64_t n)
{
	struct ledger_expectation x;

	if (!ledger_expectation_at(s->writer, n, &x) || x.state != EXPECTATION_OPEN)
		return;
	x.state = EXPECTATION_MISSED;
	enter(s, &x, EVENT_EXPECTATION_MISSED, x.klass, &x.missed_seq);
	ledger_set_expectation(s->writer, &x);
	log_info("expectation-missed", "expectation=%s class=%s from=%s", x.id, x.klass, x.from);
}

/* --- met --- */

struct matching {
	struct store *s;
	const struct ledger_bundle *b;
	const struct msg_facts_head *f;
	struct ledger_expectation *met;
	size_t n;
};

static bool
same_agency(const char *a, const char *b)
{
	char of_a[NAME_AGENCY], of_b[NAME_AGENCY];

	name_agency(of_a, a);
	name_agency(of_b, b);
	return strcmp(of_a, of_b) == 0;
}

static bool
is_recipient(const struct msg_facts_head *f, const char *mailbox)
{
	const struct fact_recipient *to = f->to.items;

	for (size_t i = 0; i < f->to.n; i++)
		if (!to[i].cover && strcmp(to[i].mailbox, mailbox) == 0)
			return true;
	return false;
}

struct told {
	const struct matching *m;
	bool all;
};

static void
told_delivery(void *ctx, const struct ledger_delivery *d)
{
	struct told *t = ctx;

	if (!d->cover && members_find(t->m->s->members, d->mailbox) != NULL &&
	    strcmp(d->mailbox, t->m->b->from) != 0 && !is_recipient(t->m->f, d->mailbox))
		t->all = false;
}

/* Minutes that do not reach everybody who was told of the meeting are not yet the minutes. */
static bool
reaches_all(const struct matching *m, const struct ledger_expectation *x)
{
	struct told t = {m, true};

	if (x->opened_by == 0)
		return is_recipient(m->f, x->mailbox);
	ledger_each_delivery(m->s->writer, x->opened_by, told_delivery, &t);
	return t.all;
}

static bool
is_about(const struct matching *m, const struct ledger_expectation *x)
{
	const struct fact_name *about = m->f->about.items;
	struct ledger_bundle opener;
	bool any = false;

	if (x->opened_by == 0 && x->about[0] == '\0')
		return true;
	if (x->opened_by != 0 && ledger_bundle_at(m->s->writer, x->opened_by, &opener) &&
	    strcmp(m->b->reply_to, opener.id) == 0)
		return true;
	for (size_t i = 0; i < m->f->about.n && !any; i++)
		any = x->opened_by == 0
			  ? strcmp(about[i].name, x->about) == 0
			  : ledger_is_about(m->s->writer, x->opened_by, about[i].name);
	return any;
}

static void
match(void *ctx, const struct ledger_expectation *x)
{
	struct matching *m = ctx;

	if (x->opened_by == m->b->n || !same_agency(x->from, m->b->from))
		return;
	m->met = mem_realloc(m->met, m->n + 1, sizeof *m->met);
	m->met[m->n++] = *x;
}

static void
meet(struct store *s, const struct ledger_bundle *b, const struct msg_facts_head *f)
{
	struct matching m = {.s = s, .b = b, .f = f};

	ledger_each_expected(s->writer, b->klass, MATCH_MAX, match, &m);
	for (size_t i = 0; i < m.n; i++) {
		struct ledger_expectation *x = &m.met[i];

		if (!is_about(&m, x) || !reaches_all(&m, x))
			continue;
		x->state = EXPECTATION_MET;
		x->met_by = b->n;
		enter(s, x, EVENT_EXPECTATION_MET, b->id, &x->met_seq);
		ledger_set_expectation(s->writer, x);
		deadline_close_expectation(s, x->n, DEADLINE_MET);
	}
	free(m.met);
}

/* --- opened --- */

static void
open_one(struct store *s, struct ledger_expectation *x, int64_t start_ms,
	 const struct ladder *ladder)
{
	char code[ENTRY_CODE];

	snprintf(code, sizeof code, "%.*s", (int)sizeof x->klass - 1, x->klass);
	ledger_add_expectation(s->writer, x);
	enter(s, x, EVENT_EXPECTATION_OPENED, code, &x->opened_seq);
	ledger_set_expectation(s->writer, x);
	deadline_open_expectation(s, &(struct deadline_expected){.expectation = x->n,
								 .mailbox = x->mailbox,
								 .from = x->from,
								 .start_ms = start_ms,
								 .due_ms = x->due_ms,
								 .ladder = ladder});
}

/* The clock of an announced meeting starts with the meeting, whenever it was announced. */
static void
open_by_class(struct store *s, const struct ledger_bundle *b, const struct policy_class *klass)
{
	struct ledger_expectation x = {
	    .opened_by = b->n, .opened_ms = b->accepted_ms, .missed_seq = -1, .met_seq = -1};
	struct err e = {0};

	uuid_new(x.id, b->accepted_ms);
	strcpy(x.mailbox, b->from);
	strcpy(x.from, b->from);
	strcpy(x.klass, klass->expects_class);
	if (deadline_due(&klass->expects, desk_calendar(s->desks, b->from), b->event_at_ms,
			 &x.due_ms, &e) < 0) {
		log_err(LOG_LEVEL_WARN, "expectation", &e);
		x.due_ms = b->event_at_ms; /* the calendar ends: sooner is safe, never is not */
	}
	open_one(s, &x, b->event_at_ms, &klass->expect_ladder);
}

void
expectation_accept(struct store *s, const struct ledger_bundle *b, const struct acceptance *a)
{
	meet(s, b, a->facts);
	if (a->klass->has_expects)
		open_by_class(s, b, a->klass);
}

/* --- questions --- */

static void
seq_json(struct buf *json, const char *name, int64_t seq)
{
	if (seq >= 0)
		buf_json_int(json, name, seq);
}

static void
expectation_json(void *ctx, const struct ledger_expectation *x)
{
	struct buf *json = ctx;
	char time[TIME_TEXT];

	buf_json_item(json);
	buf_addc(json, '{');
	buf_json_str(json, "id", x->id);
	buf_json_str(json, "class", x->klass);
	buf_json_str(json, "from", x->from);
	buf_json_str(json, "about", x->about[0] == '\0' ? NULL : x->about);
	time_format_ms(time, x->opened_ms);
	buf_json_str(json, "opened", time);
	time_format_ms(time, x->due_ms);
	buf_json_str(json, "due", time);
	buf_json_str(json, "state", expectation_state_name(x->state));
	seq_json(json, "opened_seq", x->opened_seq);
	seq_json(json, "missed_seq", x->missed_seq);
	seq_json(json, "met_seq", x->met_seq);
	buf_addc(json, '}');
}

void
expectation_list(struct store *s, const struct asker *a, const char *mailbox)
{
	struct buf json = {0};

	buf_addc(&json, '{');
	buf_json_str(&json, "mailbox", mailbox);
	buf_json_key(&json, "expectations");
	buf_addc(&json, '[');
	ledger_each_expectation(s->reader, mailbox, LIST_MAX, expectation_json, &json);
	buf_adds(&json, "]}");
	reply_json(a, 200, &json);
	buf_free(&json);
}

static bool
own(struct ledger *l, const struct msg_ask *m, struct ledger_expectation *x)
{
	return ledger_expectation(l, m->id, x) && strcmp(x->mailbox, m->mailbox) == 0;
}

void
expectation_evidence(struct store *s, const struct asker *a, const struct msg_ask *m)
{
	struct ledger_expectation x;
	struct buf json = {0};
	struct err e = {0};
	int64_t seq = m->number > INT64_MAX ? -1 : (int64_t)m->number;

	if (!own(s->reader, m, &x) || seq < 0 ||
	    (seq != x.opened_seq && seq != x.missed_seq && seq != x.met_seq))
		reply_unknown(a);
	else if (proof_evidence(s, seq, &json, &e) < 0)
		reply_refuse(a, &e);
	else
		reply_json(a, 200, &json);
	buf_free(&json);
}

struct wish {
	struct change change;
	struct asker asker;
	struct msg_ask m;
	bool withdraw, first;
};

static void
wish_answer(struct store *s, const struct wish *w)
{
	struct ledger_expectation x;
	struct buf json = {0};

	if (!own(s->reader, &w->m, &x)) {
		reply_unknown(&w->asker);
		return;
	}
	expectation_json(&json, &x);
	reply_json(&w->asker, w->first ? 201 : 200, &json);
	buf_free(&json);
}

static void
wish_done(struct store *s, struct change *c, const struct err *refusal)
{
	struct wish *w = (struct wish *)c;

	if (refusal != NULL)
		reply_refuse(&w->asker, refusal);
	else
		wish_answer(s, w);
	free(w);
}

static void
wish_add(struct store *s, const struct asker *a, const struct msg_ask *m, bool withdraw,
	 int (*apply)(struct store *s, struct change *c, struct err *e))
{
	struct wish *w = mem_alloc(sizeof *w);

	*w = (struct wish){.change = {.apply = apply, .done = wish_done},
			   .asker = *a,
			   .m = *m,
			   .withdraw = withdraw};
	group_add(s, &w->change);
}

static int
wish_check(const struct store *s, const struct msg_ask *m, struct err *e)
{
	const struct policy_class *klass = policy_find(s->policy, m->value);
	int64_t now = s->now();

	if (klass == NULL)
		return err_set(e, ERR_UNKNOWN, "class %s: there is none here", m->value);
	if (members_find(s->members, m->other) == NULL)
		return err_set(e, ERR_UNKNOWN, "from %s: not in the roster", m->other);
	if (same_agency(m->other, m->mailbox) || !policy_allows(klass, m->other, m->mailbox))
		return err_set(e, ERR_DENIED, "class %s may not go from %s to %s", m->value,
			       m->other, m->mailbox);
	if (m->number > INT64_MAX || (int64_t)m->number <= now ||
	    (int64_t)m->number > now + AHEAD_DAYS * INT64_C(86400000))
		return err_set(e, ERR_LIMIT, "due: not within the next %d days", AHEAD_DAYS);
	return 0;
}

static bool
same_wish(const struct ledger_expectation *x, const struct msg_ask *m)
{
	return strcmp(x->klass, m->value) == 0 && strcmp(x->from, m->other) == 0 &&
	       strcmp(x->about, m->about) == 0 && x->due_ms == (int64_t)m->number;
}

static int
open_apply(struct store *s, struct change *c, struct err *e)
{
	struct wish *w = (struct wish *)c;
	const struct msg_ask *m = &w->m;
	struct ledger_expectation x;
	struct ladder ladder;

	if (ledger_expectation(s->writer, m->id, &x))
		return strcmp(x.mailbox, m->mailbox) == 0 && same_wish(&x, m)
			   ? 0
			   : err_set(e, ERR_CONFLICT, "%s is known with another content", m->id);
	if (ledger_count_expectations(s->writer, m->mailbox) >= OPEN_MAX)
		return err_set(e, ERR_LIMIT, "%s: %d expectations are open, the limit", m->mailbox,
			       OPEN_MAX);
	ladder_clear(&ladder);
	if (ladder_add(&ladder, "notify sender at 100%", e) < 0 ||
	    ladder_add(&ladder, "register at 100%", e) < 0)
		return -1;
	x = (struct ledger_expectation){
	    .opened_ms = s->now(), .due_ms = (int64_t)m->number, .missed_seq = -1, .met_seq = -1};
	strcpy(x.id, m->id);
	strcpy(x.mailbox, m->mailbox);
	strcpy(x.from, m->other);
	strcpy(x.klass, m->value);
	strcpy(x.about, m->about);
	open_one(s, &x, x.opened_ms, &ladder);
	w->first = true;
	return 0;
}

void
expectation_open(struct store *s, const struct asker *a, const struct msg_ask *m)
{
	struct ledger_expectation x;
	struct err e = {0};

	/* a repeat is answered even when its time is over */
	if (!ledger_expectation(s->reader, m->id, &x) && wish_check(s, m, &e) < 0)
		reply_refuse(a, &e);
	else
		wish_add(s, a, m, false, open_apply);
}

static int
withdraw_apply(struct store *s, struct change *c, struct err *e)
{
	const struct wish *w = (const struct wish *)c;
	struct ledger_expectation x;

	if (!own(s->writer, &w->m, &x))
		return err_set(e, ERR_UNKNOWN, "there is none that you may know of");
	if (x.state == EXPECTATION_WITHDRAWN)
		return 0;
	if (x.state != EXPECTATION_OPEN || x.opened_by != 0)
		return err_set(e, ERR_ORDER, "%s is %s", x.id,
			       x.opened_by != 0 ? "of its class, not yours to withdraw"
						: expectation_state_name(x.state));
	x.state = EXPECTATION_WITHDRAWN;
	ledger_set_expectation(s->writer, &x);
	deadline_close_expectation(s, x.n, DEADLINE_WITHDRAWN);
	return 0;
}

void
expectation_withdraw(struct store *s, const struct asker *a, const struct msg_ask *m)
{
	wish_add(s, a, m, true, withdraw_apply);
}
