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

#define TRIES_MAX 2 /* bytes that two workers died of are refused */

struct worker {
	LIST_ENTRY(worker) next;
	struct chan *ch;
	size_t busy;
	bool retired; /* finishes what it has */
};

struct check_job {
	LIST_ENTRY(check_job) next;
	uint64_t job;
	enum check what;
	int64_t now_ms;
	int fd; /* sealed copy of the bytes, to be sent again */
	unsigned tries;
	struct worker *at; /* NULL: waits for a worker */
	worker_done *done;
	void *ctx;
};

struct workers {
	LIST_HEAD(, worker) list;
	LIST_HEAD(, check_job) checks;
	uint64_t last_job;
	size_t n, outstanding;
};

struct workers *
workers_new(void)
{
	return mem_alloc(sizeof(struct workers));
}

static void
check_free(struct workers *w, struct check_job *c)
{
	if (c->at != NULL)
		c->at->busy--;
	LIST_REMOVE(c, next);
	w->outstanding--;
	close(c->fd);
	free(c);
}

void
workers_free(struct workers *w)
{
	struct worker *i;

	if (w == NULL)
		return;
	while (!LIST_EMPTY(&w->checks))
		check_free(w, LIST_FIRST(&w->checks));
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
	if (!i->retired && (best == NULL || i->busy < best->busy))
		best = i;
	return best;
}

/* Waits in the list if there is no worker: one is on its way, or master ends us. */
static void
dispatch(struct workers *w, struct check_job *c)
{
	struct msg_check m = {.job = c->job, .what = c->what, .now_ms = c->now_ms};
	struct worker *to = least_busy(w);
	int fd;

	c->at = to;
	if (to == NULL)
		return;
	fd = dup(c->fd);
	if (fd < 0)
		log_fatal("worker", &(struct err){ERR_SYSTEM, "no descriptor for a check"});
	to->busy++;
	c->tries++;
	chan_send(to->ch, MSG_CHECK, &m, fd);
}

void
worker_check(struct workers *w, enum check what, const void *bytes, size_t n, int64_t now_ms,
	     worker_done *done, void *ctx)
{
	struct check_job *c = mem_alloc(sizeof *c);

	*c = (struct check_job){.job = ++w->last_job,
				.what = what,
				.now_ms = now_ms,
				.fd = role_memfd("check", bytes, n),
				.done = done,
				.ctx = ctx};
	LIST_INSERT_HEAD(&w->checks, c, next);
	w->outstanding++;
	dispatch(w, c);
}

static void
nobody(void *ctx, enum msg_kind kind, const void *facts, const struct err *why)
{
}

void
worker_forget(struct workers *w, const void *ctx)
{
	struct check_job *c;

	LIST_FOREACH(c, &w->checks, next)
	if (c->ctx == ctx)
		c->done = nobody;
}

void
worker_join(struct workers *w, struct chan *ch)
{
	struct worker *new = mem_alloc(sizeof *new);
	struct check_job *c;

	new->ch = ch;
	LIST_INSERT_HEAD(&w->list, new, next);
	w->n++;
	LIST_FOREACH(c, &w->checks, next)
	if (c->at == NULL)
		dispatch(w, c);
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
	for (c = LIST_FIRST(&w->checks); c != NULL; c = next) {
		next = LIST_NEXT(c, next);
		if (c->at != gone)
			continue;
		c->at = NULL;
		if (c->tries < TRIES_MAX)
			dispatch(w, c);
		else
			finish(w, c, MSG_REFUSED, NULL, &died);
	}
	free(gone);
}

/* The check that this worker was given under this number; anything else is a worker's fault, told
 * and dropped. */
static struct check_job *
check_find(struct workers *w, const struct chan *ch, uint64_t job, unsigned what)
{
	struct check_job *c;

	LIST_FOREACH(c, &w->checks, next)
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
