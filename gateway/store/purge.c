/* purge.c - purge, erasure, quarantine. Runs in: store. Owns: nothing. Trusts: the ledger on what
 * is due. */
#include "store/purge.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "safehand/entry.h"
#include "safehand/log.h"
#include "safehand/time.h"
#include "store/deadline.h"
#include "store/group.h"

#define BATCH	 16 /* bundles at a time: some ms of the store's */
#define AGAIN_MS 50 /* then what came meanwhile has its turn */

struct act {
	struct change change;
	struct ledger_bundle bundle; /* n is asked for; the rest once applied */
	char why[ERR_TEXT_MAX];
	purge_done *done;
	void *ctx;
	size_t *outstanding; /* NULL: somebody asked for it; else one of a batch */
};

static struct act *
act_new(int64_t bundle, purge_done *done, void *ctx)
{
	struct act *a = mem_alloc(sizeof *a);

	a->bundle.n = bundle;
	a->done = done;
	a->ctx = ctx;
	return a;
}

static void
act_end(struct act *a, const struct err *refusal)
{
	if (a->done != NULL)
		a->done(a->ctx, refusal);
	if (a->outstanding != NULL)
		--*a->outstanding;
	free(a);
}

/* --- purge --- */

/* Deliveries whose key nobody has: for them the bundle is gone. Those who opened it keep their
 * state. */
struct lost {
	struct ledger_delivery *d;
	size_t n;
};

static void
collect_lost(void *ctx, const struct ledger_delivery *d)
{
	struct lost *w = ctx;

	if (d->state != DELIVERY_WAITING && d->state != DELIVERY_WITHHELD)
		return;
	w->d = mem_realloc(w->d, w->n + 1, sizeof *w->d);
	w->d[w->n++] = *d;
}

static void
enter_purged(struct store *s, const struct ledger_bundle *b, const char *mailbox)
{
	group_enter(s, &(struct group_entry){.event = EVENT_PURGED,
					     .bundle = b->n,
					     .id = b->id,
					     .manifest_sha256 = b->manifest_sha256,
					     .mailbox = mailbox,
					     .code = "ok"});
}

/* Who has not collected it hears of it in its feed: nothing vanishes in silence. */
static int
purge_apply(struct store *s, struct change *c, struct err *e)
{
	struct act *a = (struct act *)c;
	struct lost w = {0};

	if (!ledger_bundle_at(s->writer, a->bundle.n, &a->bundle) || a->bundle.state != BUNDLE_LIVE)
		return err_set(e, ERR_ORDER, "%s is purged already", a->bundle.id);
	if (ledger_is_held(s->writer, a->bundle.n))
		return err_set(e, ERR_ORDER, "%s is held: release it first", a->bundle.id);
	ledger_each_delivery(s->writer, a->bundle.n, collect_lost, &w);
	enter_purged(s, &a->bundle, NULL);
	for (size_t i = 0; i < w.n; i++) {
		if (w.d[i].state == DELIVERY_WAITING) /* the withheld never heard of it */
			enter_purged(s, &a->bundle, w.d[i].mailbox);
		ledger_set_delivery_state(s->writer, &w.d[i], DELIVERY_PURGED, false);
	}
	ledger_set_bundle_state(s->writer, &a->bundle, BUNDLE_PURGED);
	ledger_unquarantine(s->writer, a->bundle.n);
	deadline_close_bundle(s, &a->bundle, DEADLINE_PURGED);
	free(w.d);
	return 0;
}

static int
erased_apply(struct store *s, struct change *c, struct err *e)
{
	const struct act *a = (const struct act *)c;

	ledger_set_bundle_state(s->writer, &a->bundle, BUNDLE_ERASED);
	return 0;
}

static void
erased_done(struct store *s, struct change *c, const struct err *refusal)
{
	act_end((struct act *)c, refusal);
}

/* [8] The entry is committed: now the bytes. A crash in between leaves the row due for erasure, and
 * so does a disk that will not: tried again with each tick, until they are gone. */
static void
erase(struct store *s, struct act *a)
{
	struct err e = {0};

	if (s->still) {
		err_set(&e, ERR_BUSY, "purged; it is erased when the backup is made");
		act_end(a, &e);
		return;
	}
	if (spool_erase(s->spool, a->bundle.id, &a->bundle.place, &e) < 0) {
		log_err(LOG_LEVEL_WARN, "erase", &e);
		if (e.code != ERR_DIGEST) { /* that is: nothing there to erase, the aim */
			err_wrap(&e, "purged, and not yet erased");
			act_end(a, &e);
			return;
		}
	}
	log_info("purged", "bundle=%s", a->bundle.id);
	a->bundle.state = BUNDLE_PURGED;
	a->change = (struct change){.apply = erased_apply, .done = erased_done};
	group_add(s, &a->change);
}

static void
purged_done(struct store *s, struct change *c, const struct err *refusal)
{
	if (refusal != NULL)
		act_end((struct act *)c, refusal);
	else
		erase(s, (struct act *)c);
}

static void
purge(struct store *s, struct act *a)
{
	a->change = (struct change){.apply = purge_apply, .done = purged_done};
	group_add(s, &a->change);
}

void
purge_bundle(struct store *s, int64_t bundle, purge_done *done, void *ctx)
{
	purge(s, act_new(bundle, done, ctx));
}

/* --- by itself --- */

static struct act *
act_of_batch(struct store *s, int64_t bundle)
{
	struct act *a = act_new(bundle, NULL, NULL);

	a->outstanding = &s->purges;
	s->purges++;
	return a;
}

void
purge_resume(struct store *s)
{
	int64_t due[BATCH];
	size_t n = s->still ? 0 : ledger_erase_due(s->reader, due, BATCH);

	for (size_t i = 0; i < n; i++) {
		struct act *a = act_of_batch(s, due[i]);

		ledger_bundle_at(s->reader, due[i], &a->bundle);
		erase(s, a);
	}
}

void
purge_tick(struct store *s, int64_t now_ms)
{
	static const struct timeval again = {0, AGAIN_MS * 1000};
	int64_t due[BATCH];
	size_t n;

	if (s->env->stopping)
		return;
	if (s->purges == 0) { /* not twice the same */
		purge_resume(s);
		n = ledger_purge_due(s->reader, now_ms, due, BATCH);
		for (size_t i = 0; i < n; i++)
			purge(s, act_of_batch(s, due[i]));
	}
	if (s->purges > 0) /* then the next, until none is due */
		evtimer_add(s->purge_again, &again);
}

/* --- quarantine --- */

static int
quarantine_apply(struct store *s, struct change *c, struct err *e)
{
	struct act *a = (struct act *)c;

	ledger_quarantine(s->writer, a->bundle.n, s->now(), a->why);
	return 0;
}

static void
quarantine_done(struct store *s, struct change *c, const struct err *refusal)
{
	free(c);
}

void
quarantine_bundle(struct store *s, const struct ledger_bundle *b, const struct err *why)
{
	struct act *a = act_new(b->n, NULL, NULL);

	log_error("quarantined", "bundle=%s error=%s", b->id, why->text);
	strcpy(a->why, why->text);
	a->change = (struct change){.apply = quarantine_apply, .done = quarantine_done};
	group_add(s, &a->change);
}

int
quarantine_refuse(const struct ledger_bundle *b, struct err *e)
{
	return err_set(
	    e, ERR_SYSTEM,
	    "%s is in quarantine: its bytes are damaged, or the gateway's administrators "
	    "hold it back",
	    b->id);
}

/* --- hold --- */

static void
enter_hold(struct store *s, const struct ledger_bundle *b, enum entry_event event)
{
	group_enter(s, &(struct group_entry){.event = event,
					     .bundle = b->n,
					     .id = b->id,
					     .manifest_sha256 = b->manifest_sha256,
					     .code = "ok",
					     .part = (int64_t)group_size(s->group)});
}

static int
hold_apply(struct store *s, struct change *c, struct err *e)
{
	struct act *a = (struct act *)c;

	if (!ledger_bundle_at(s->writer, a->bundle.n, &a->bundle) || a->bundle.state != BUNDLE_LIVE)
		return err_set(e, ERR_ORDER, "%s is purged", a->bundle.id);
	if (ledger_is_quarantined(s->writer, a->bundle.n))
		return err_set(e, ERR_CONFLICT, "%s is in quarantine already", a->bundle.id);
	ledger_quarantine(s->writer, a->bundle.n, s->now(), QUARANTINE_HELD);
	enter_hold(s, &a->bundle, EVENT_HELD);
	log_info("held", "bundle=%s", a->bundle.id);
	return 0;
}

void
hold_bundle(struct store *s, int64_t bundle, purge_done *done, void *ctx)
{
	struct act *a = act_new(bundle, done, ctx);

	a->change = (struct change){.apply = hold_apply, .done = erased_done};
	group_add(s, &a->change);
}

static int
release_apply(struct store *s, struct change *c, struct err *e)
{
	struct act *a = (struct act *)c;

	if (!ledger_is_quarantined(s->writer, a->bundle.n) ||
	    !ledger_bundle_at(s->writer, a->bundle.n, &a->bundle))
		return err_set(e, ERR_UNKNOWN, "the bundle is not in quarantine");
	if (spool_check(s->spool, a->bundle.id, &a->bundle.place, false, e) < 0)
		return -1;
	if (ledger_is_held(s->writer, a->bundle.n))
		enter_hold(s, &a->bundle, EVENT_RELEASED);
	log_info("released", "bundle=%s", a->bundle.id);
	ledger_unquarantine(s->writer, a->bundle.n);
	return 0;
}

void
quarantine_release(struct store *s, int64_t bundle, purge_done *done, void *ctx)
{
	struct act *a = act_new(bundle, done, ctx);

	a->change = (struct change){.apply = release_apply, .done = erased_done};
	group_add(s, &a->change);
}
