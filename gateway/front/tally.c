/* tally.c - counts by key. Runs in: front. Owns: its entries. Trusts: its callers; keys may be
 * chosen by strangers, so the buckets are keyed at random. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "front/tally.h"
#include "safehand/buf.h"

#define BUCKETS 1024 /* a few per bucket with thousands of addresses */

struct entry {
	LIST_ENTRY(entry) next;
	size_t count, n;
	uint8_t key[TALLY_KEY];
};

struct tally {
	uint64_t secret;
	LIST_HEAD(, entry) buckets[BUCKETS];
};

struct tally *
tally_new(void)
{
	struct tally *t = mem_alloc(sizeof *t);

	arc4random_buf(&t->secret, sizeof t->secret);
	return t;
}

void
tally_free(struct tally *t)
{
	for (size_t i = 0; t != NULL && i < BUCKETS; i++)
		while (!LIST_EMPTY(&t->buckets[i])) {
			struct entry *e = LIST_FIRST(&t->buckets[i]);

			LIST_REMOVE(e, next);
			free(e);
		}
	free(t);
}

static size_t
bucket_of(const struct tally *t, const uint8_t *key, size_t n)
{
	uint64_t h = t->secret;

	for (size_t i = 0; i < n; i++) {
		h = (h ^ key[i]) * UINT64_C(0x9E3779B97F4A7C15);
		h ^= h >> 29;
	}
	return h % BUCKETS;
}

static struct entry *
find(const struct tally *t, const void *key, size_t n)
{
	struct entry *e;

	assert(n <= TALLY_KEY);
	LIST_FOREACH(e, &t->buckets[bucket_of(t, key, n)], next)
	if (e->n == n && memcmp(e->key, key, n) == 0)
		return e;
	return NULL;
}

size_t
tally_add(struct tally *t, const void *key, size_t n)
{
	struct entry *e = find(t, key, n);

	if (e == NULL) {
		e = mem_alloc(sizeof *e);
		e->n = n;
		memcpy(e->key, key, n);
		LIST_INSERT_HEAD(&t->buckets[bucket_of(t, key, n)], e, next);
	}
	return ++e->count;
}

void
tally_sub(struct tally *t, const void *key, size_t n)
{
	struct entry *e = find(t, key, n);

	assert(e != NULL && e->count > 0);
	if (--e->count > 0)
		return;
	LIST_REMOVE(e, next);
	free(e);
}

size_t
tally_get(const struct tally *t, const void *key, size_t n)
{
	const struct entry *e = find(t, key, n);

	return e != NULL ? e->count : 0;
}
