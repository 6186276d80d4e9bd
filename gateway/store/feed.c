/* feed.c - a mailbox's feed and its long poll. Runs in: store. Owns: those who wait. Trusts: the
 * reader, which sees what is committed only. */
#include "store/feed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "safehand/entry.h"
#include "safehand/log.h"
#include "safehand/time.h"
#include "store/bundle_json.h"
#include "store/case.h"

#define BUCKETS 4096 /* by mailbox, and by job: 10,000 wait at once */

/* Every waiter is in two lists: of its mailbox, to be woken, and of its job, to be cancelled. */
struct waiter {
	LIST_ENTRY(waiter) of_mailbox, of_job;
	struct store *store;
	struct asker asker;
	char mailbox[NAME_MAILBOX];
	uint64_t after;
	struct event *timer;
};

LIST_HEAD(bucket, waiter);

struct waiters {
	struct bucket mailbox[BUCKETS], job[BUCKETS];
	size_t n;
};

struct waiters *
waiters_new(void)
{
	return mem_alloc(sizeof(struct waiters));
}

size_t
waiters_count(const struct waiters *w)
{
	return w->n;
}

/* FNV-1a: names are our members' own, nobody gains by a collision. */
static struct bucket *
bucket_of_mailbox(struct waiters *w, const char *mailbox)
{
	uint32_t h = 2166136261u;

	for (; *mailbox != '\0'; mailbox++)
		h = (h ^ (uint8_t)*mailbox) * 16777619u;
	return &w->mailbox[h % BUCKETS];
}

static struct bucket *
bucket_of_job(struct waiters *w, const struct asker *a)
{
	return &w->job[(a->job + chan_index(a->front)) % BUCKETS];
}

/* --- one page --- */

struct page {
	struct ledger *ledger;
	struct buf items;
	uint64_t next;
	size_t n;
};

static void
page_item(void *ctx, const struct ledger_feed_item *i)
{
	struct page *p = ctx;
	struct buf *b = &p->items;
	char time[TIME_TEXT];

	if (p->n++ > 0)
		buf_addc(b, ',');
	p->next = (uint64_t)i->entry.seq;
	buf_addc(b, '{');
	buf_json_int(b, "seq", i->entry.seq);
	time_format_ms(time, i->entry.time_ms);
	buf_json_str(b, "time", time);
	buf_json_str(b, "event", event_name(i->entry.event));
	buf_json_str(b, "bundle", i->bundle.id);
	buf_json_str(b, "from", i->bundle.from);
	buf_json_str(b, "class", i->bundle.klass);
	buf_json_str(b, "status", i->bundle.provisional ? "provisional" : "final");
	buf_json_str(b, "concern", concern_text(i->bundle.concern));
	if (i->bundle.event_at_ms != TIME_NONE)
		time_format(time, i->bundle.event_at_ms);
	buf_json_str(b, "event_at", i->bundle.event_at_ms == TIME_NONE ? NULL : time);
	buf_json_int(b, "payload_bytes", (int64_t)i->bundle.payload_bytes);
	buf_json_str(b, "as", i->delivery.cover ? "cover" : "to");
	buf_json_str(b, "state", delivery_state_name(i->delivery.state));
	buf_json_str(b, "code", i->entry.code);
	case_bundle_flags_json(p->ledger, i->bundle.n, b);
	buf_addc(b, '}');
}

static void
page_answer(const struct asker *a, const char *mailbox, uint64_t after, const struct page *p)
{
	struct buf json = {0};

	buf_addc(&json, '{');
	buf_json_str(&json, "mailbox", mailbox);
	buf_json_int(&json, "after", (int64_t)after);
	buf_json_int(&json, "next", (int64_t)p->next);
	buf_json_key(&json, "items");
	buf_addf(&json, "[%s]}", buf_str(&p->items));
	reply_json(a, 200, &json);
	buf_free(&json);
}

static struct page
page_read(struct store *s, const char *mailbox, uint64_t after)
{
	struct page p = {.ledger = s->reader, .next = after};

	ledger_feed(s->reader, mailbox, (int64_t)after, FEED_ITEMS_MAX, page_item, &p);
	return p;
}

/* --- waiting --- */

static void
waiter_free(struct waiter *w)
{
	LIST_REMOVE(w, of_mailbox);
	LIST_REMOVE(w, of_job);
	w->store->waiters->n--;
	event_free(w->timer);
	free(w);
}

static void
waiter_answer(struct waiter *w)
{
	struct page p = page_read(w->store, w->mailbox, w->after);

	page_answer(&w->asker, w->mailbox, w->after, &p);
	buf_free(&p.items);
	waiter_free(w);
}

static void
on_time_over(evutil_socket_t fd, short what, void *arg)
{
	waiter_answer(arg);
}

static void
wait_for(struct store *s, const struct asker *a, const char *mailbox, uint64_t after,
	 uint64_t wait_s)
{
	struct timeval limit = {(time_t)wait_s, 0};
	struct waiter *w = mem_alloc(sizeof *w);

	*w = (struct waiter){.store = s, .asker = *a, .after = after};
	strcpy(w->mailbox, mailbox);
	w->timer = evtimer_new(s->env->base, on_time_over, w);
	if (w->timer == NULL || evtimer_add(w->timer, &limit) < 0)
		log_fatal("feed", &(struct err){ERR_SYSTEM, "no timer"});
	LIST_INSERT_HEAD(bucket_of_mailbox(s->waiters, mailbox), w, of_mailbox);
	LIST_INSERT_HEAD(bucket_of_job(s->waiters, a), w, of_job);
	s->waiters->n++;
}

void
waiters_free(struct waiters *w)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (!LIST_EMPTY(&w->job[i]))
			waiter_free(LIST_FIRST(&w->job[i]));
	free(w);
}

void
feed_ask(struct store *s, const struct asker *a, const char *mailbox, uint64_t after,
	 uint64_t wait_s)
{
	uint64_t from = after > INT64_MAX ? INT64_MAX : after;
	struct page p = page_read(s, mailbox, from);

	if (p.n > 0 || wait_s == 0 || s->env->stopping)
		page_answer(a, mailbox, from, &p);
	else
		wait_for(s, a, mailbox, from, wait_s > FEED_WAIT_MAX ? FEED_WAIT_MAX : wait_s);
	buf_free(&p.items);
}

void
feed_wake(struct store *s, const char *mailbox)
{
	struct waiter *w, *next;

	for (w = LIST_FIRST(bucket_of_mailbox(s->waiters, mailbox)); w != NULL; w = next) {
		next = LIST_NEXT(w, of_mailbox);
		if (strcmp(w->mailbox, mailbox) == 0)
			waiter_answer(w);
	}
}

bool
feed_cancel(struct store *s, const struct asker *a)
{
	struct waiter *w;

	LIST_FOREACH(w, bucket_of_job(s->waiters, a), of_job)
	{
		if (w->asker.job != a->job || w->asker.front != a->front)
			continue;
		waiter_free(w);
		return true;
	}
	return false;
}

void
feed_dismiss(struct store *s)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (!LIST_EMPTY(&s->waiters->job[i]))
			waiter_answer(LIST_FIRST(&s->waiters->job[i]));
}
