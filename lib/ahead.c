/* ahead.c - portions made ahead by a thread. Runs in: client. Owns: the thread, and a ring of
 * portions. One is the thread's until it is counted, then the taker's until it asks for the next.
 */
#include "ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/buf.h"

struct portion {
	size_t n; /* 0: the last one */
	uint64_t mark;
	int rc;
	struct err why; /* of rc -1 */
	uint8_t bytes[AHEAD_BYTES];
};

struct ahead {
	ahead_make *make;
	void *ctx;
	struct portion *ring;  /* heap, portions of them */
	unsigned portions, at; /* at: the one that is read, or will be */
	bool threaded;
	bool reads, ended; /* at is read; it is the last one, and stays */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more, fewer; /* ready has grown; it has shrunk, or it stops */
	unsigned ready;		    /* under lock: made, with the one that is read */
	bool stop;		    /* under lock */
};

static void
make_one(struct ahead *a, struct portion *p)
{
	p->n = 0;
	p->rc = a->make(a->ctx, p->bytes, &p->n, &p->mark, &p->why);
	if (p->rc < 0)
		p->n = 0;
}

/* --- the thread --- */

/* false: it is to stop */
static bool
wait_for_room(struct ahead *a)
{
	bool stop;

	pthread_mutex_lock(&a->lock);
	while (a->ready == AHEAD_PORTIONS && !a->stop)
		pthread_cond_wait(&a->fewer, &a->lock);
	stop = a->stop;
	pthread_mutex_unlock(&a->lock);
	return !stop;
}

static void *
run(void *arg)
{
	struct ahead *a = arg;
	bool more = true;

	for (unsigned at = 0; more && wait_for_room(a); at = (at + 1) % AHEAD_PORTIONS) {
		make_one(a, &a->ring[at]);
		more = a->ring[at].n > 0;
		pthread_mutex_lock(&a->lock);
		a->ready++;
		pthread_mutex_unlock(&a->lock);
		pthread_cond_signal(&a->more);
	}
	return NULL;
}

/* Signals are for the thread that set handlers for them. */
static void
start(struct ahead *a)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	a->threaded = pthread_create(&a->thread, NULL, run, a) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct ahead *
ahead_new(ahead_make *make, void *ctx, bool aside)
{
	struct ahead *a = mem_alloc(sizeof *a);

	a->make = make;
	a->ctx = ctx;
	a->portions = aside ? AHEAD_PORTIONS : 1;
	a->ring = mem_alloc(a->portions * sizeof *a->ring);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->more, NULL);
	pthread_cond_init(&a->fewer, NULL);
	if (aside)
		start(a);
	return a;
}

void
ahead_stop(struct ahead *a)
{
	if (a->threaded) {
		pthread_mutex_lock(&a->lock);
		a->stop = true;
		pthread_mutex_unlock(&a->lock);
		pthread_cond_signal(&a->fewer);
		pthread_join(a->thread, NULL);
	}
	a->threaded = false;
}

void
ahead_free(struct ahead *a)
{
	if (a == NULL)
		return;
	ahead_stop(a);
	explicit_bzero(a->ring, a->portions * sizeof *a->ring); /* documents */
	free(a->ring);
	pthread_cond_destroy(&a->fewer);
	pthread_cond_destroy(&a->more);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* --- the taker --- */

/* The one that was read is the thread's again, and the next one is there. */
static void
wait_for_next(struct ahead *a)
{
	pthread_mutex_lock(&a->lock);
	if (a->reads) {
		a->at = (a->at + 1) % AHEAD_PORTIONS;
		a->ready--;
		pthread_cond_signal(&a->fewer);
	}
	while (a->ready == 0)
		pthread_cond_wait(&a->more, &a->lock);
	pthread_mutex_unlock(&a->lock);
	a->reads = true;
}

int
ahead_next(struct ahead *a, const uint8_t **p, size_t *n, uint64_t *mark, struct err *e)
{
	struct portion *now;

	if (!a->ended && a->threaded)
		wait_for_next(a);
	else if (!a->ended)
		make_one(a, &a->ring[0]);
	now = &a->ring[a->at];
	a->ended = now->n == 0;
	*p = now->bytes;
	*n = now->n;
	*mark = now->mark;
	if (now->rc < 0)
		*e = now->why;
	return now->rc;
}
