/* writeback.c - large uploads on their way to the disk, ahead of their group. Runs in: store. Owns:
 * the list of them. Trusts: nothing; what is written after the last slice, the group's sync finds.
 *
 * The loop sleeps while a slice is written. As long as that took, it then does other things: a disk
 * that is slow takes half of its time, and never more than a slice at once. */
#include "store/writeback.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include <event2/event.h>

#include "safehand/buf.h"
#include "store/disk.h"

struct waiting {
	TAILQ_ENTRY(waiting) next;
	struct change *change;
	int fd;
	uint64_t at, end;
};

struct writeback {
	TAILQ_HEAD(, waiting) list; /* in turn: nobody waits for another's gigabytes */
	struct event *turn;
	void (*ready)(void *ctx, struct change *c);
	void *ctx;
};

static void on_turn(evutil_socket_t fd, short what, void *arg);

struct writeback *
writeback_new(struct event_base *base, void (*ready)(void *ctx, struct change *c), void *ctx)
{
	struct writeback *w = mem_alloc(sizeof *w);

	TAILQ_INIT(&w->list);
	w->ready = ready;
	w->ctx = ctx;
	if ((w->turn = evtimer_new(base, on_turn, w)) != NULL)
		return w;
	free(w);
	return NULL;
}

static void
drop(struct writeback *w, struct waiting *i)
{
	TAILQ_REMOVE(&w->list, i, next);
	free(i);
}

void
writeback_free(struct writeback *w)
{
	if (w == NULL)
		return;
	while (!TAILQ_EMPTY(&w->list))
		drop(w, TAILQ_FIRST(&w->list));
	event_free(w->turn);
	free(w);
}

bool
writeback_is_idle(const struct writeback *w)
{
	return TAILQ_EMPTY(&w->list);
}

void
writeback_add(struct writeback *w, struct change *c, int fd, uint64_t bytes)
{
	static const struct timeval at_once = {0, 0};
	struct waiting *i = mem_alloc(sizeof *i);

	*i = (struct waiting){.change = c, .fd = fd, .end = bytes};
	disk_start_sync(fd);
	if (writeback_is_idle(w))
		evtimer_add(w->turn, &at_once);
	TAILQ_INSERT_TAIL(&w->list, i, next);
}

/* Waits for the slice; how long that took. */
static struct timeval
write_slice(struct waiting *i)
{
	uint64_t n = i->end - i->at < WRITEBACK_SLICE ? i->end - i->at : WRITEBACK_SLICE;
	struct timespec from, to;
	int64_t us;

	clock_gettime(CLOCK_MONOTONIC, &from);
	if (n > 0) /* to sync_file_range 0 is all */
		disk_sync_range(i->fd, i->at, n, "a large upload");
	i->at += n;
	clock_gettime(CLOCK_MONOTONIC, &to);
	us = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
	return (struct timeval){us / 1000000, us % 1000000};
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct writeback *w = arg;
	struct waiting *i = TAILQ_FIRST(&w->list);
	struct timeval pause = write_slice(i);
	struct change *c = i->change;

	if (i->at < i->end) {
		TAILQ_REMOVE(&w->list, i, next);
		TAILQ_INSERT_TAIL(&w->list, i, next);
	} else {
		drop(w, i);
		w->ready(w->ctx, c);
	}
	if (!writeback_is_idle(w))
		evtimer_add(w->turn, &pause);
}
