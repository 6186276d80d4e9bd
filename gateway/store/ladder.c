/* ladder.c - time: what came due is taken step by step, each in one change of a group. Runs in:
 * store. Owns: the timer, the steps under way, the counts. Trusts: the notary on the notices that
 * it signs; the clock only forwards: a step whose time is not there any more waits.
 *
 * So many steps are under way at once that what is accepted meanwhile is not held up: each group
 * takes a few of them, and the notary signs few notices between two seals. */
#include "store/ladder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "safehand/log.h"
#include "store/group.h"
#include "store/outbox.h"
#include "store/step.h"

#define UNDER_WAY_MAX 4	       /* steps, and so the most of them in one group */
#define NOTICES_MAX   2	       /* of them, with the notary: a millisecond of its time */
#define AGAIN_MS      60000    /* a step that could not be taken is tried again */
#define ARM_MAX_MS    86400000 /* a day: a timer need not be longer */

struct step {
	struct change change; /* first: a change of a step is the step */
	LIST_ENTRY(step) next;
	int64_t deadline;
	unsigned index;
	bool with_notice;
	uint64_t job; /* of the notary, while it signs; else 0 */
	struct signed_notice n;
	bool postpone; /* not taken, but put off */
};

struct numbered_ladder {
	int64_t n;
	struct ladder ladder;
};

struct ladders {
	LIST_HEAD(, step) steps;
	size_t under_way, signing;
	uint64_t job;
	struct event *timer;
	struct numbered_ladder **texts;
	size_t ntexts;
	int64_t open, overdue;
	bool dirty, stopped;
};

/* --- life --- */

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	deadline_tick(arg);
}

struct ladders *
ladders_new(struct store *s)
{
	struct ladders *l = mem_alloc(sizeof *l);

	l->timer = evtimer_new(s->env->base, on_timer, s);
	if (l->timer == NULL)
		log_fatal("ladder", &(struct err){ERR_SYSTEM, "no timer"});
	ledger_count_deadlines(s->reader, &l->open, &l->overdue);
	l->dirty = true;
	return l;
}

static void
step_free(struct ladders *l, struct step *t)
{
	LIST_REMOVE(t, next);
	l->under_way--;
	buf_free(&t->n.text);
	buf_free(&t->n.signature);
	free(t);
}

void
ladders_free(struct ladders *l)
{
	if (l == NULL)
		return;
	while (!LIST_EMPTY(&l->steps))
		step_free(l, LIST_FIRST(&l->steps));
	for (size_t i = 0; i < l->ntexts; i++)
		free(l->texts[i]);
	free(l->texts);
	event_free(l->timer);
	free(l);
}

void
ladders_stop(struct store *s)
{
	struct ladders *l = s->ladders;
	struct step *t, *after;

	l->stopped = true;
	evtimer_del(l->timer);
	for (t = LIST_FIRST(&l->steps); t != NULL; t = after) {
		after = LIST_NEXT(t, next);
		if (t->job != 0) {
			l->signing--;
			step_free(l, t); /* not begun: the next start does it */
		}
	}
}

void
deadline_counts(const struct store *s, int64_t *open, int64_t *overdue)
{
	*open = s->ladders->open;
	*overdue = s->ladders->overdue;
}

static int
is_open(const struct ledger_deadline *d)
{
	return d != NULL && d->state == DEADLINE_OPEN;
}

void
ladders_changed(struct store *s, const struct ledger_deadline *d, const struct ledger_deadline *was)
{
	struct ladders *l = s->ladders;

	l->open += is_open(d) - is_open(was);
	l->overdue += (is_open(d) && d->overdue) - (is_open(was) && was->overdue);
	l->dirty = true;
}

const struct ladder *
ladder_of(struct store *s, const struct ledger_deadline *d)
{
	struct ladders *l = s->ladders;
	struct numbered_ladder *new;
	struct buf text = {0};
	struct err e = {0};

	for (size_t i = 0; i < l->ntexts; i++)
		if (l->texts[i]->n == d->ladder)
			return &l->texts[i]->ladder;
	new = mem_alloc(sizeof *new);
	new->n = d->ladder;
	if (!ledger_ladder(s->writer, d->ladder, &text) ||
	    ladder_parse(buf_str(&text), &new->ladder, &e) < 0)
		log_fatal("ladder", &e); /* we wrote it */
	buf_free(&text);
	l->texts = mem_realloc(l->texts, l->ntexts + 1, sizeof(*l->texts));
	l->texts[l->ntexts++] = new;
	return &new->ladder;
}

/* --- in the group --- */

/* Read again, as it is now: what was answered meanwhile is not escalated, what the clock took back
 * is not early. */
static int
apply(struct store *s, struct change *c, struct err *e)
{
	struct step *t = (struct step *)c;
	struct ledger_deadline d;
	const struct ladder *ladder;
	unsigned index = 0;
	int64_t when;

	if (!ledger_deadline(s->writer, t->deadline, &d) || d.state != DEADLINE_OPEN)
		return err_set(e, ERR_ORDER, "deadline %lld is closed", (long long)t->deadline);
	ladder = ladder_of(s, &d);
	when = step_time(&d, ladder, &index);
	if (when > s->now() || index != t->index)
		return err_set(e, ERR_ORDER, "deadline %lld: not that step now",
			       (long long)t->deadline);
	if (!t->postpone)
		return step_take(s, &d, ladder, index, t->with_notice ? &t->n : NULL, e);
	d.next_ms = s->now() + AGAIN_MS;
	ledger_set_deadline(s->writer, &d);
	return 0;
}

static void postpone(struct store *s, struct step *t, const struct err *why);

static void
done(struct store *s, struct change *c, const struct err *refusal)
{
	struct step *t = (struct step *)c;

	s->ladders->dirty = true;
	if (refusal != NULL && refusal->code != ERR_ORDER && !t->postpone)
		postpone(s, t, refusal);
	else
		step_free(s->ladders, t);
}

static void
commit(struct store *s, struct step *t)
{
	t->change = (struct change){
	    .apply = apply, .done = done, .bytes = t->n.text.len + t->n.signature.len};
	group_add(s, &t->change);
}

/* One that cannot be taken stands in nobody's way. */
static void
postpone(struct store *s, struct step *t, const struct err *why)
{
	log_warn("step-postponed", "deadline=%lld step=%u error=%s", (long long)t->deadline,
		 t->index, why->text);
	t->postpone = true;
	commit(s, t);
}

/* --- the notary --- */

static void
ask_notary(struct store *s, struct step *t)
{
	struct msg_notice m = {.job = ++s->ladders->job, .notice = t->n.notice};

	t->job = m.job;
	s->ladders->signing++;
	chan_send(s->notary, MSG_NOTICE, &m, -1);
}

static struct step *
signed_by(struct ladders *l, uint64_t job)
{
	struct step *t;

	LIST_FOREACH(t, &l->steps, next)
	if (t->job == job && job != 0) {
		t->job = 0;
		l->signing--;
		return t;
	}
	return NULL; /* given up when the store began to stop */
}

void
ladder_take_noticed(void *env, struct chan *ch, const void *msg, int fd)
{
	const struct msg_noticed *m = msg;
	struct store *s = ((struct role_env *)env)->state;
	struct step *t = signed_by(s->ladders, m->job);

	if (t == NULL)
		return;
	buf_add(&t->n.text, m->text.p, m->text.n);
	buf_add(&t->n.signature, m->signature.p, m->signature.n);
	commit(s, t);
}

void
ladder_take_refused(struct store *s, const struct msg_refused *m)
{
	struct step *t = signed_by(s->ladders, m->job);
	struct err why = {0};

	err_set(&why, ERR_INTERNAL, "notary: %s", m->text);
	if (t != NULL)
		postpone(s, t, &why);
}

/* --- the clock --- */

static bool
is_under_way(const struct ladders *l, int64_t deadline)
{
	const struct step *t;

	LIST_FOREACH(t, &l->steps, next)
	if (t->deadline == deadline)
		return true;
	return false;
}

struct due {
	struct ledger_deadline d[2 * UNDER_WAY_MAX];
	size_t n;
};

static void
take_due(void *ctx, const struct ledger_deadline *d)
{
	struct due *due = ctx;

	due->d[due->n++] = *d;
}

static void
begin(struct store *s, const struct ledger_deadline *d)
{
	struct ladders *l = s->ladders;
	const struct ladder *ladder = ladder_of(s, d);
	struct notice notice;
	struct step *t;
	unsigned index;
	bool with_notice;

	if (step_time(d, ladder, &index) == DEADLINE_NEVER)
		return;
	with_notice = step_notice(s, s->reader, d, ladder, index, &notice);
	if (with_notice && l->signing >= NOTICES_MAX)
		return;
	t = mem_alloc(sizeof *t);
	*t = (struct step){.deadline = d->n, .index = index, .with_notice = with_notice};
	LIST_INSERT_HEAD(&l->steps, t, next);
	l->under_way++;
	if (with_notice) {
		t->n.notice = notice;
		ask_notary(s, t);
	} else {
		commit(s, t);
	}
}

static void
arm(struct store *s, int64_t now_ms)
{
	struct ladders *l = s->ladders;
	int64_t next = ledger_next_deadline(s->reader), wait;
	struct timeval tv;

	if (next == DEADLINE_NEVER || (next <= now_ms && l->under_way > 0))
		return; /* what is under way calls again when it is done */
	wait = next <= now_ms ? 0 : next - now_ms;
	if (wait > ARM_MAX_MS)
		wait = ARM_MAX_MS;
	tv = (struct timeval){(time_t)(wait / 1000), (suseconds_t)(wait % 1000 * 1000)};
	evtimer_add(l->timer, &tv);
}

void
deadline_tick(struct store *s)
{
	struct ladders *l = s->ladders;
	int64_t now = s->now();
	struct due due;

	l->dirty = false;
	if (l->stopped)
		return;
	due.n = 0;
	if (l->under_way < UNDER_WAY_MAX)
		ledger_each_due(s->reader, now, 2 * UNDER_WAY_MAX, take_due, &due);
	for (size_t i = 0; i < due.n && l->under_way < UNDER_WAY_MAX; i++)
		if (!is_under_way(l, due.d[i].n))
			begin(s, &due.d[i]);
	arm(s, now);
	outbox_tick(s);
}

void
ladders_committed(struct store *s)
{
	if (s->ladders != NULL && s->ladders->dirty)
		deadline_tick(s);
}
