/* lane.c - a SHA-256 taken aside, by a thread. Runs in: client. Owns: the thread, and a ring of
 * blocks between the two. A block is the adder's until it is counted, then the thread's until it is
 * counted off: only the counts are under the lock. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/buf.h"
#include "safehand/digest.h"
#include "safehand/lane.h"

#define BLOCKS	    4
#define BLOCK_BYTES (LANE_WAITING / BLOCKS)

struct block {
	size_t n;
	uint8_t bytes[BLOCK_BYTES];
};

struct lane {
	struct digest *digest; /* the thread's while blocks wait */
	uint64_t alone;	       /* bytes that the adder digested itself */
	bool refused;	       /* there is no thread to be had: alone to the end */
	struct block *ring;    /* heap, BLOCKS of them; NULL: no thread yet */
	unsigned next;	       /* of the ring: the one being filled */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more, fewer; /* wait has grown, or it ends; wait has shrunk */
	unsigned wait;		    /* under lock: whole blocks that are not yet digested */
	bool ending;		    /* under lock */
};

struct lane *
lane_new(void)
{
	struct lane *l = mem_alloc(sizeof *l);

	l->digest = digest_new();
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->more, NULL);
	pthread_cond_init(&l->fewer, NULL);
	return l;
}

/* --- the thread --- */

static void *
run(void *arg)
{
	struct lane *l = arg;
	unsigned at = 0;

	pthread_mutex_lock(&l->lock);
	for (;;) {
		while (l->wait == 0 && !l->ending)
			pthread_cond_wait(&l->more, &l->lock);
		if (l->ending)
			break;
		pthread_mutex_unlock(&l->lock);
		digest_add(l->digest, l->ring[at].bytes, l->ring[at].n);
		at = (at + 1) % BLOCKS;
		pthread_mutex_lock(&l->lock);
		l->wait--;
		pthread_cond_signal(&l->fewer);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* Signals are for the thread that set handlers for them. */
static void
start(struct lane *l)
{
	sigset_t all, before;

	l->ring = mem_alloc(BLOCKS * sizeof *l->ring);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	l->refused = pthread_create(&l->thread, NULL, run, l) != 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (l->refused) {
		free(l->ring);
		l->ring = NULL;
	}
}

void
lane_free(struct lane *l)
{
	if (l == NULL)
		return;
	if (l->ring != NULL) {
		pthread_mutex_lock(&l->lock);
		l->ending = true;
		pthread_cond_signal(&l->more);
		pthread_mutex_unlock(&l->lock);
		pthread_join(l->thread, NULL);
		explicit_bzero(l->ring, BLOCKS * sizeof *l->ring); /* documents, perhaps */
	}
	free(l->ring);
	pthread_cond_destroy(&l->fewer);
	pthread_cond_destroy(&l->more);
	pthread_mutex_destroy(&l->lock);
	digest_free(l->digest);
	free(l);
}

/* --- the adder --- */

static void
wait_until(struct lane *l, unsigned most)
{
	pthread_mutex_lock(&l->lock);
	while (l->wait > most)
		pthread_cond_wait(&l->fewer, &l->lock);
	pthread_mutex_unlock(&l->lock);
}

/* The block that was filled is the thread's; the next is free. */
static void
hand_over(struct lane *l)
{
	pthread_mutex_lock(&l->lock);
	l->wait++;
	pthread_mutex_unlock(&l->lock);
	pthread_cond_signal(&l->more);
	l->next = (l->next + 1) % BLOCKS;
	wait_until(l, BLOCKS - 1);
	l->ring[l->next].n = 0;
}

void
lane_add(struct lane *l, const void *p, size_t n)
{
	const uint8_t *from = p;

	if (l->ring == NULL && !l->refused && l->alone + n > LANE_ALONE)
		start(l);
	if (l->ring == NULL) {
		digest_add(l->digest, p, n);
		l->alone += n;
		return;
	}
	while (n > 0) {
		struct block *b = &l->ring[l->next];
		size_t room = BLOCK_BYTES - b->n, take = n < room ? n : room;

		memcpy(b->bytes + b->n, from, take);
		b->n += take;
		from += take;
		n -= take;
		if (b->n == BLOCK_BYTES)
			hand_over(l);
	}
}

void
lane_get(struct lane *l, uint8_t out[static DIGEST_BYTES])
{
	if (l->ring != NULL) {
		hand_over(l);
		wait_until(l, 0);
	}
	digest_get(l->digest, out);
}
