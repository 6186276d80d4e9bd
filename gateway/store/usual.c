/* usual.c - fetches of each mailbox by the hour, and its usual hour. Runs in: store. Owns: the
 * counts. Trusts: its caller that the mailbox is one of the roster. */
#include "store/usual.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "safehand/buf.h"
#include "safehand/name.h"

#define BUCKETS	   1024
#define HOUR_MS	   3600000
#define SCALE	   256 /* of usual: below one an hour counts too */
#define MEMORY	   8   /* an hour's weight in what is usual is one in so many */
#define HOURS_KEPT 200 /* after so many hours without a fetch nothing is left of what was usual */

struct rate {
	LIST_ENTRY(rate) next;
	char mailbox[NAME_MAILBOX];
	int64_t hour;
	uint32_t count;
	uint64_t usual; /* fetches an hour, times SCALE */
	bool told;
};

struct usual {
	LIST_HEAD(, rate) bucket[BUCKETS];
};

struct usual *
usual_new(void)
{
	return mem_alloc(sizeof(struct usual));
}

void
usual_free(struct usual *r)
{
	for (size_t i = 0; r != NULL && i < BUCKETS; i++)
		while (!LIST_EMPTY(&r->bucket[i])) {
			struct rate *first = LIST_FIRST(&r->bucket[i]);

			LIST_REMOVE(first, next);
			free(first);
		}
	free(r);
}

/* FNV-1a: names are the roster's, nobody gains by a collision. */
static size_t
bucket_of(const char *mailbox)
{
	uint32_t h = 2166136261u;

	for (; *mailbox != '\0'; mailbox++)
		h = (h ^ (uint8_t)*mailbox) * 16777619u;
	return h % BUCKETS;
}

static struct rate *
rate_of(struct usual *r, const char *mailbox, int64_t hour)
{
	size_t i = bucket_of(mailbox);
	struct rate *it;

	LIST_FOREACH(it, &r->bucket[i], next)
	if (strcmp(it->mailbox, mailbox) == 0)
		return it;
	it = mem_alloc(sizeof *it);
	it->hour = hour;
	strcpy(it->mailbox, mailbox);
	LIST_INSERT_HEAD(&r->bucket[i], it, next);
	return it;
}

/* The hours that have ended since go into what is usual; a clock that went back ends none. */
static void
roll(struct rate *it, int64_t hour)
{
	int64_t left = hour - it->hour < HOURS_KEPT ? hour - it->hour : HOURS_KEPT;

	if (left <= 0)
		return;
	for (; left > 0; left--, it->count = 0)
		it->usual = it->usual - it->usual / MEMORY + (uint64_t)it->count * SCALE / MEMORY;
	it->hour = hour;
	it->told = false;
}

bool
usual_add(struct usual *r, const char *mailbox, int64_t now_ms, uint32_t floor, uint32_t *count,
	  uint32_t *usual)
{
	struct rate *it = rate_of(r, mailbox, now_ms / HOUR_MS);

	roll(it, now_ms / HOUR_MS);
	it->count += it->count < UINT32_MAX;
	*count = it->count;
	*usual = (uint32_t)(it->usual / SCALE);
	if (it->told || it->count <= floor ||
	    (uint64_t)it->count * SCALE <= RATE_FACTOR * it->usual)
		return false;
	it->told = true;
	return true;
}
