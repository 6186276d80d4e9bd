/* worker.c - the pool of verify workers. Runs in: store. Owns: the checks under way and the sealed
 * memory that holds their bytes. Trusts: a worker's facts, not that it lives. */
#include "store/worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "frame/role.h"
#include "safehand/log.h"
#include "store/store.h"

#define DEPTH	  3 /* checks that a worker has at once: one done, the next at hand */
#define TRIES_MAX 2 /* bytes that two workers died of are refused */

struct worker {
	LIST_ENTRY(worker) next;
	struct chan *ch;
	size_t busy;
	bool retired; /* finishes what it has */
};

struct check_job {
	TAILQ_ENTRY(check_job) next;
	uint64_t job;
	enum check what;
	int64_t now_ms;
	struct buf few; /* the bytes, to be sent again: here, or */
	int fd;		/* a sealed copy; -1 */
	unsigned tries;
	struct worker *at; /* NULL: waits for a worker */
	struct turn *turn; /* of its agency */
	worker_done *done;
	void *ctx;
};

/* An agency that had a check done: who was served longest ago is next. */
struct turn {
	LIST_ENTRY(turn) next;
	char agency[NAME_AGENCY]; /* "": the gateway's own */
	uint64_t served;
};

struct workers {
	LIST_HEAD(, worker) list;
	TAILQ_HEAD(, check_job) checks; /* in the order in which they came */
	LIST_HEAD(, turn) turns;
	uint64_t turn;
	uint64_t last_job;
	size_t n, outstanding, waiting;
};

struct workers *
workers_new(void)
{
	struct workers *w = mem_alloc(sizeof *w);

	TAILQ_INIT(&w->checks);
	return w;
}

static void
check_free(struct workers *w, struct check_job *c)
{
	if (c->at != NULL)
		c->at->busy--;
	else
		w->waiting--;
	TAILQ_REMOVE(&w->checks, c, next);
	w->outstanding--;
	if (c->fd >= 0)
		close(c->fd);
	buf_free(&c->few);
	free(c);
}

void
workers_free(struct workers *w)
{
	struct worker *i;
	struct turn *t;

	if (w == NULL)
		return;
	while (!TAILQ_EMPTY(&w->checks))
		check_free(w, TAILQ_FIRST(&w->checks));
	while ((t = LIST_FIRST(&w->turns)) != NULL) {
		LIST_REMOVE(t, next);
		free(t);
	}
	while ((i = LIST_FIRST(&w->list)) != NULL) {
		LIST_REMOVE(i, next);
		free(i);
	}
	free(w);
}

static struct worker *
least_busy(struct workers *w)
{
	struct worker *best = NULL, *i;

	LIST_FOREACH(i, &w->list, next)
	if (!i->retired && i->busy < DEPTH && (best == NULL || i->busy < best->busy))
		best = i;
	return best;
}

static struct turn *
turn_of(struct workers *w, const char *agency)
{
	struct turn *t;

	LIST_FOREACH(t, &w->turns, next)
	if (strcmp(t->agency, agency) == 0)
		return t;
	t = mem_alloc(sizeof *t);
	strcpy(t->agency, agency);
	LIST_INSERT_HEAD(&w->turns, t, next);
	return t;
}

/* Of those that wait the oldest one of the agency whose turn it is: one that sends a thousand waits
 * for itself, not the others for it. */
static struct check_job *
next_waiting(struct workers *w)
{
	struct check_job *best = NULL, *c;

	if (w->waiting == 0)
		return NULL;
	TAILQ_FOREACH(c, &w->checks, next)
	if (c->at == NULL && (best == NULL || c->turn->served < best->turn->served))
		best = c;
	return best;
}

static void
give(struct workers *w, struct check_job *c, struct worker *to)
{
	struct msg_check m = {.job = c->job,
			      .what = c->what,
			      .now_ms = c->now_ms,
			      .bytes = {c->few.data, c->few.len}};
	int fd = c->fd < 0 ? -1 : dup(c->fd);

	if (fd < 0 && c->fd >= 0)
		log_fatal("worker", &(struct err){ERR_SYSTEM, "no descriptor for a check"});
	c->at = to;
	c->turn->served = ++w->turn;
	w->waiting--;
	to->busy++;
	c->tries++;
	chan_send(to->ch, MSG_CHECK, &m, fd);
}

/* As many as the workers take; the rest waits here, where it can be chosen from. Without a worker
 * one is on its way, or master ends us. */
static void
dispatch(struct workers *w)
{
	struct check_job *c;
	struct worker *to;

	while ((to = least_busy(w)) != NULL && (c = next_waiting(w)) != NULL)
		give(w, c, to);
}

int
worker_check(struct workers *w, enum check what, const char *agency, const void *bytes, size_t n,
	     int64_t now_ms, worker_done *done, void *ctx, struct err *e)
{
	bool few = n <= CARRY_MAX_BYTES;
	int fd = few ? -1 : role_memfd_try("check", bytes, n, e);
	struct check_job *c;

	if (fd < 0 && !few)
		return -1;
	c = mem_alloc(sizeof *c);
	*c = (struct check_job){.job = ++w->last_job,
				.what = what,
				.now_ms = now_ms,
				.fd = fd,
				.turn = turn_of(w, agency),
				.done = done,
				.ctx = ctx};
	if (few)
		buf_add(&c->few, bytes, n);
	TAILQ_INSERT_TAIL(&w->checks, c, next);
	w->outstanding++;
	w->waiting++;
	dispatch(w);
	return 0;
}

static void
nobody(void *ctx, enum msg_kind kind, const void *facts, const struct err *why)
{
}

void
worker_forget(struct workers *w, const void *ctx)
{
	struct check_job *c;

	TAILQ_FOREACH(c, &w->checks, next)
	if (c->ctx == ctx)
		c->done = nobody;
}

void
worker_join(struct workers *w, struct chan *ch)
{
	struct worker *new = mem_alloc(sizeof *new);

	new->ch = ch;
	LIST_INSERT_HEAD(&w->list, new, next);
	w->n++;
	dispatch(w);
}

static struct worker *
worker_of(struct workers *w, const struct chan *ch)
{
	struct worker *i;

	LIST_FOREACH(i, &w->list, next)
	if (i->ch == ch)
		return i;
	return NULL;
}

/* A worker that asked to go and owes nothing more is let go: it ends when its channel closes, and
 * master sends another. */
static void
release(struct workers *w, struct worker *i)
{
	if (!i->retired || i->busy > 0)
		return;
	LIST_REMOVE(i, next);
	w->n--;
	chan_free(i->ch);
	free(i);
}

static void
finish(struct workers *w, struct check_job *c, enum msg_kind kind, const void *facts,
       const struct err *why)
{
	worker_done *done = c->done;
	struct worker *at = c->at;
	void *ctx = c->ctx;

	check_free(w, c);
	done(ctx, kind, facts, why);
	if (at != NULL)
		release(w, at);
	dispatch(w);
}

void
worker_leave(struct workers *w, struct chan *ch)
{
	struct err died = {ERR_INTERNAL, "the check could not be finished"};
	struct worker *gone = worker_of(w, ch);
	struct check_job *c, *next;

	if (gone == NULL)
		return;
	LIST_REMOVE(gone, next);
	w->n--;
	for (c = TAILQ_FIRST(&w->checks); c != NULL; c = next) {
		next = TAILQ_NEXT(c, next);
		if (c->at != gone)
			continue;
		c->at = NULL;
		w->waiting++;
		if (c->tries >= TRIES_MAX)
			finish(w, c, MSG_REFUSED, NULL, &died);
	}
	free(gone);
	dispatch(w);
}

/* The check that this worker was given under this number; anything else is a worker's fault, told
 * and dropped. */
static struct check_job *
check_find(struct workers *w, const struct chan *ch, uint64_t job, unsigned what)
{
	struct check_job *c;

	TAILQ_FOREACH(c, &w->checks, next)
	if (c->job == job && c->at != NULL && c->at->ch == ch && (what >> c->what & 1) != 0)
		return c;
	log_warn("worker-answer-unasked", "worker=%u job=%llu", chan_index(ch),
		 (unsigned long long)job);
	return NULL;
}

static struct workers *
pool(void *env)
{
	return ((struct store *)((struct role_env *)env)->state)->workers;
}

static void
take(void *env, struct chan *ch, uint64_t job, enum check what, enum msg_kind kind,
     const void *facts)
{
	struct workers *w = pool(env);
	struct check_job *c = check_find(w, ch, job, 1u << what);

	if (c == NULL)
		return;
	if (kind == MSG_ROSTER_ROW)
		c->done(c->ctx, kind, facts, NULL); /* more to come */
	else
		finish(w, c, kind, facts, NULL);
}

void
worker_take_facts_head(void *env, struct chan *ch, const void *msg, int fd)
{
	take(env, ch, ((const struct msg_facts_head *)msg)->job, CHECK_HEAD, MSG_FACTS_HEAD, msg);
}

void
worker_take_facts_statement(void *env, struct chan *ch, const void *msg, int fd)
{
	take(env, ch, ((const struct msg_facts_statement *)msg)->job, CHECK_STATEMENT,
	     MSG_FACTS_STATEMENT, msg);
}

void
worker_take_facts_route(void *env, struct chan *ch, const void *msg, int fd)
{
	take(env, ch, ((const struct msg_facts_route *)msg)->job, CHECK_ROUTE, MSG_FACTS_ROUTE,
	     msg);
}

void
worker_take_roster_row(void *env, struct chan *ch, const void *msg, int fd)
{
	take(env, ch, ((const struct msg_roster_row *)msg)->job, CHECK_ROSTER, MSG_ROSTER_ROW, msg);
}

void
worker_take_roster_end(void *env, struct chan *ch, const void *msg, int fd)
{
	take(env, ch, ((const struct msg_roster_end *)msg)->job, CHECK_ROSTER, MSG_ROSTER_END, msg);
}

void
worker_take_refused(struct workers *w, struct chan *ch, const struct msg_refused *m)
{
	struct check_job *c = check_find(w, ch, m->job, ~0u);
	struct err why = {0};

	if (c == NULL)
		return;
	err_set(&why, m->code > ERR_OK && m->code < ERR_CODES ? m->code : ERR_FAIL, "%s", m->text);
	finish(w, c, MSG_REFUSED, NULL, &why);
}

void
worker_take_retire(void *env, struct chan *ch, const void *msg, int fd)
{
	struct workers *w = pool(env);
	struct worker *i = worker_of(w, ch);

	if (i == NULL)
		return;
	i->retired = true;
	release(w, i);
}

size_t
worker_count(const struct workers *w)
{
	return w->n;
}

size_t
worker_outstanding(const struct workers *w)
{
	return w->outstanding;
}
