/* quota.c - limits of one agency: bytes, bundles, bundles a minute; and the disk's reserve, which
 * is everybody's. Runs in: store. Owns: the agencies' buckets. Trusts: the ledger's counts. */
#include "store/quota.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define MINUTE_MS	60000
#define BURST_PART	6 /* a bucket holds a sixth of a minute's bundles: so many may come at once */
#define STORAGE_AFTER_S 60 /* room comes with a purge or an administrator, not with seconds */

struct bucket {
	LIST_ENTRY(bucket) next;
	char agency[NAME_AGENCY];
	int64_t filled_ms;
	int64_t level; /* bundles times MINUTE_MS, so that a millisecond's part is whole */
};

struct rates {
	LIST_HEAD(, bucket) list;
};

struct rates *
rates_new(void)
{
	return mem_alloc(sizeof(struct rates));
}

void
rates_free(struct rates *r)
{
	struct bucket *b;

	while (r != NULL && (b = LIST_FIRST(&r->list)) != NULL) {
		LIST_REMOVE(b, next);
		free(b);
	}
	free(r);
}

/* --- rate: a bucket that fills with time, up to a burst --- */

static int64_t
burst(int64_t rate)
{
	int64_t bundles = rate / BURST_PART;

	return (bundles > 0 ? bundles : 1) * MINUTE_MS;
}

static struct bucket *
bucket_of(struct rates *r, const char *agency, int64_t full, int64_t now_ms)
{
	struct bucket *b;

	LIST_FOREACH(b, &r->list, next)
	if (strcmp(b->agency, agency) == 0)
		return b;
	b = mem_alloc(sizeof *b);
	strcpy(b->agency, agency);
	b->level = full;
	b->filled_ms = now_ms;
	LIST_INSERT_HEAD(&r->list, b, next);
	return b;
}

/* A clock that was set back fills nothing; one that was set ahead fills no more than a burst. */
static void
fill(struct bucket *b, int64_t rate, int64_t now_ms)
{
	int64_t passed = now_ms - b->filled_ms, full = burst(rate);

	b->filled_ms = now_ms;
	if (passed <= 0)
		return;
	if (passed > MINUTE_MS)
		passed = MINUTE_MS;
	b->level += passed * rate;
	b->level = b->level > full ? full : b->level;
}

static int
rate_take(struct store *s, const char *agency, uint32_t *after_s, struct err *e)
{
	int64_t rate = s->settings.rate, lacks, now = s->now();
	struct bucket *b;

	if (rate == 0)
		return 0;
	b = bucket_of(s->rates, agency, burst(rate), now);
	fill(b, rate, now);
	if (b->level >= MINUTE_MS) {
		b->level -= MINUTE_MS;
		return 0;
	}
	lacks = (MINUTE_MS - b->level + rate - 1) / rate; /* ms */
	*after_s = (uint32_t)((lacks + 999) / 1000);
	return err_set(e, ERR_BUSY, "%s: more than %lld bundles a minute", agency, (long long)rate);
}

/* --- what is stored --- */

static int
stored_room(struct store *s, const char *agency, const char *id, uint64_t bytes, struct err *e)
{
	const struct store_settings *set = &s->settings;
	const struct stage *own = spool_stage_find(s->spool, id);
	uint64_t staged, unfinished = spool_stage_count(s->spool, agency, &staged);
	int64_t bundles, stored;

	if (own != NULL && strcmp(own->agency, agency) == 0) { /* it is this one */
		staged -= own->head_bytes + own->payload_bytes;
		unfinished--;
	} else if (unfinished >= set->uploads_per_agency) {
		return err_set(e, ERR_BUSY, "%s: %llu uploads are unfinished, the limit", agency,
			       (unsigned long long)set->uploads_per_agency);
	}
	ledger_agency(s->reader, agency, &bundles, &stored);
	if ((uint64_t)stored + staged + bytes > set->quota)
		return err_set(e, ERR_STORAGE, "%s: the quota of %llu bytes is used up", agency,
			       (unsigned long long)set->quota);
	if ((uint64_t)bundles + unfinished >= set->quota_bundles)
		return err_set(e, ERR_STORAGE, "%s: the quota of %llu bundles is used up", agency,
			       (unsigned long long)set->quota_bundles);
	return 0;
}

int
quota_take(struct store *s, const char *agency, const char *id, uint64_t bytes, bool resumed,
	   uint32_t *after_s, struct err *e)
{
	int rc = stored_room(s, agency, id, bytes, e);

	*after_s = 0;
	if (rc == 0)
		rc = spool_room(s->spool, bytes, e);
	if (rc < 0 && e->code == ERR_STORAGE)
		*after_s = STORAGE_AFTER_S;
	return rc < 0 || resumed ? rc : rate_take(s, agency, after_s, e);
}
