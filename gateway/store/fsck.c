/* fsck.c - the walk over bundles, their bytes and the ledger's counts; fsck_log.c does the log.
 * Runs in: store. Owns: the walk under way. Trusts: nothing of what it looks at. */
#include "store/fsck_in.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "safehand/digest.h"
#include "safehand/entry.h"
#include "safehand/log.h"
#include "safehand/notice.h"
#include "store/upload.h"

#define PROBLEMS_MAX	100 /* told by name; the rest is counted */
#define BUNDLES_A_SLICE 16  /* of at most 1 MiB in the journal each */

void
fsck_problem(struct fsck *f, const char *fmt, ...)
{
	struct err e;
	char text[ERR_TEXT_MAX];
	va_list ap;

	if (f->found++ >= PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(&e, ERR_FAIL, "%s", text);
	if (f->problems.len > 0)
		buf_addc(&f->problems, ',');
	buf_json(&f->problems, e.text);
}

/* --- the database itself, and what is counted in it: quotas [10] stand on that --- */

static bool
step_ledger(struct fsck *f)
{
	struct buf text = {0};
	bool more = ledger_integrity(f->s->reader, (unsigned)f->at++, &text);

	if (text.len > 0)
		fsck_problem(f, "ledger: %s", buf_str(&text));
	buf_free(&text);
	return !more;
}

static bool
step_counts(struct fsck *f)
{
	char name[NAME_MAILBOX];

	if (!ledger_recount_agencies(f->s->reader, name))
		fsck_problem(f, "%s: [10] its bundles and bytes are counted wrong", name);
	if (!ledger_recount_mailboxes(f->s->reader, name))
		fsck_problem(f, "%s: what waits there is counted wrong", name);
	return true;
}

/* --- [1] no row without bytes, [4] of the head accepted, [5] each event once, [8], [9] --- */

static bool
has_entry(struct fsck *f, const char *mailbox, uint32_t event)
{
	struct ledger_entry entry;

	return ledger_find_entry(f->s->reader, f->bundle, mailbox, event, 0, &entry);
}

/* Which entries a state stands on. */
static const struct {
	uint32_t state, event;
} stands_on[] = {
    {DELIVERY_COLLECTED, EVENT_CONTENT_HANDOVER},
    {DELIVERY_OPENED, EVENT_CONTENT_HANDOVER},
    {DELIVERY_OPENED, EVENT_OPENED},
    {DELIVERY_FAILED, EVENT_OPEN_FAILURE},
    {DELIVERY_READ, EVENT_CONTENT_HANDOVER},
    {DELIVERY_READ, EVENT_OPENED},
    {DELIVERY_READ, EVENT_READ},
    {DELIVERY_ANSWERED, EVENT_CONTENT_HANDOVER},
};

static void
check_delivery(void *ctx, const struct ledger_delivery *d)
{
	struct fsck *f = ctx;
	bool consigned = has_entry(f, d->mailbox, EVENT_CONTENT_CONSIGNMENT);

	if (!d->cover && !consigned)
		fsck_problem(f, "%s: [5] no ContentConsignment to %s", f->id, d->mailbox);
	if (d->state == DELIVERY_WITHHELD && consigned)
		fsck_problem(f, "%s: [5] consigned to %s, which is withheld", f->id, d->mailbox);
	if (d->state == DELIVERY_WAITING && has_entry(f, d->mailbox, EVENT_CONTENT_HANDOVER))
		fsck_problem(f, "%s: [5] handed over to %s, where it waits", f->id, d->mailbox);
	for (size_t i = 0; i < sizeof stands_on / sizeof *stands_on; i++)
		if (stands_on[i].state == d->state && !has_entry(f, d->mailbox, stands_on[i].event))
			fsck_problem(f, "%s: [5] %s in %s without %s", f->id,
				     delivery_state_name((enum delivery_state)d->state), d->mailbox,
				     event_name((enum entry_event)stands_on[i].event));
}

static void
check_head(struct fsck *f, const struct ledger_bundle *b)
{
	bool live = b->state == BUNDLE_LIVE;
	uint64_t n = live ? b->place.kept + b->slots_bytes : b->place.kept;
	uint8_t digest[DIGEST_BYTES];
	struct buf head = {0};
	struct err e = {0};

	if (spool_read(f->s->spool, b->id, &b->place, n, &head, &e) < 0) {
		fsck_problem(f, "%s: [1] %s", b->id, e.text);
	} else {
		digest_of(head.data + BUNDLE_FIXED_BYTES, b->manifest_bytes, digest);
		if (memcmp(digest, b->manifest_sha256, DIGEST_BYTES) != 0)
			fsck_problem(f, "%s: [4] another manifest than was accepted", b->id);
		digest_of(head.data, head.len, digest);
		if (live && memcmp(digest, b->head_sha256, DIGEST_BYTES) != 0)
			fsck_problem(f, "%s: [4] another head than was accepted", b->id);
	}
	buf_free(&head);
}

static void
check_bundle(struct fsck *f, const struct ledger_bundle *b)
{
	bool quarantined = ledger_is_quarantined(f->s->reader, b->n), purged;
	struct err e = {0};

	f->bundles++;
	f->payload_total += fsck_payload_is_read(b) && !quarantined ? b->payload_bytes : 0;
	f->bundle = b->n;
	f->id = b->id;
	purged = has_entry(f, "", EVENT_PURGED);
	if (purged != (b->state != BUNDLE_LIVE))
		fsck_problem(f, "%s: [8] purged by its %s alone", b->id, purged ? "entry" : "row");
	if (quarantined && b->state != BUNDLE_LIVE)
		fsck_problem(f, "%s: [9] purged, and in quarantine", b->id);
	if (!quarantined &&
	    b->state != BUNDLE_PURGED) { /* in between the bytes may be there or not */
		if (spool_check(f->s->spool, b->id, &b->place, b->state == BUNDLE_ERASED, &e) < 0)
			fsck_problem(f, "%s: [%d] %s", b->id, b->state == BUNDLE_ERASED ? 8 : 1,
				     e.text);
		else
			check_head(f, b);
	}
	if (strcmp(b->from, NOTICE_FROM) != 0 && !has_entry(f, "", EVENT_SUBMISSION_ACCEPTANCE))
		fsck_problem(f, "%s: [5] no SubmissionAcceptance", b->id);
	ledger_each_delivery(f->s->reader, b->n, check_delivery, f);
}

/* at: the last one that was looked at */
static bool
step_bundles(struct fsck *f)
{
	struct ledger_bundle b;

	for (unsigned i = 0; i < BUNDLES_A_SLICE && (int64_t)f->at < f->last; i++)
		if (ledger_bundle_at(f->s->reader, (int64_t)++f->at, &b))
			check_bundle(f, &b);
	return (int64_t)f->at >= f->last;
}

/* --- [2] no bytes without a row --- */

static int
check_record(void *ctx, const char *id, const struct spool_place *at)
{
	struct fsck *f = ctx;
	struct ledger_bundle b;

	if (at->segment > f->segment || (at->segment == f->segment && at->offset > f->end))
		return 0; /* came after we began */
	f->records++;
	if (id[0] == '\0')
		fsck_problem(
		    f, "spool: segment %" PRIu32 " offset %" PRIu64 ": [2] damaged from here on",
		    at->segment, at->offset);
	else if (upload_is_committing(f->s, id))
		return 0;
	else if (!ledger_bundle(f->s->reader, id, &b) || b.place.segment != at->segment ||
		 b.place.offset != at->offset)
		fsck_problem(f, "%s: [2] bytes without a row", id);
	return 0;
}

static bool
step_spool(struct fsck *f)
{
	struct err e = {0};
	int more = spool_walk(f->s->spool, f->part++, check_record, f, &e);

	if (more < 0)
		fsck_problem(f, "spool: %s", e.text);
	return more <= 0;
}

/* --- the walk --- */

static bool (*const steps[])(struct fsck *f) = {
    step_ledger,  step_counts, step_bundles,	 fsck_owed,	step_spool,
    fsck_entries, fsck_nodes,  fsck_checkpoints, fsck_payloads,
};

static void
begin(struct fsck *f, struct store *s, bool deep)
{
	struct ledger_checkpoint last = {0};
	struct ledger_totals t;

	*f = (struct fsck){.s = s, .deep = deep};
	ledger_release(s->reader); /* what is there now, whoever wrote it */
	ledger_totals(s->reader, &t);
	ledger_last_checkpoint(s->reader, &last, NULL, NULL);
	ledger_tail(s->reader, &f->segment, &f->end);
	f->last = t.bundles;
	f->size = last.size;
	if ((uint64_t)t.entries != last.size)
		fsck_problem(f, "[3] %lld entries, the last checkpoint is of %" PRIu64,
			     (long long)t.entries, last.size);
}

/* A slice; true: that was all. */
static bool
slice(struct fsck *f)
{
	if (steps[f->step](f)) {
		f->step++;
		f->at = 0;
	}
	return f->step == sizeof steps / sizeof *steps;
}

static void
finish(struct fsck *f, struct buf *json)
{
	buf_addc(json, '{');
	buf_json_key(json, "ok");
	buf_adds(json, f->found == 0 ? "true" : "false");
	buf_json_int(json, "bundles", (int64_t)f->bundles);
	buf_json_int(json, "records", (int64_t)f->records);
	buf_json_int(json, "payloads", (int64_t)f->payloads);
	buf_json_int(json, "entries", (int64_t)f->entries);
	buf_json_int(json, "checkpoints", (int64_t)f->checkpoints);
	buf_json_int(json, "deadlines", (int64_t)f->deadlines);
	buf_json_int(json, "found", (int64_t)f->found);
	buf_json_key(json, "problems");
	buf_addf(json, "[%s]}", buf_str(&f->problems));
	buf_free(&f->problems);
	fsck_payload_free(f);
}

void
fsck_json(struct store *s, struct buf *json)
{
	struct fsck f;

	begin(&f, s, false);
	while (!slice(&f))
		;
	finish(&f, json);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval next = {0, 0};
	struct fsck *f = arg;
	struct store *s = f->s;
	struct buf json = {0};

	if (!slice(f)) {
		evtimer_add(f->turn, &next);
		return;
	}
	finish(f, &json);
	f->done(f->ctx, &json);
	buf_free(&json);
	fsck_stop(s);
}

int
fsck_start(struct store *s, bool deep, fsck_done *done, void *ctx, struct err *e)
{
	static const struct timeval next = {0, 0};

	if (s->fsck != NULL)
		return err_set(e, ERR_BUSY, "a check is under way");
	s->fsck = mem_alloc(sizeof *s->fsck);
	begin(s->fsck, s, deep);
	s->fsck->done = done;
	s->fsck->ctx = ctx;
	s->fsck->turn = evtimer_new(s->env->base, on_turn, s->fsck);
	if (s->fsck->turn == NULL || evtimer_add(s->fsck->turn, &next) < 0)
		log_fatal("fsck", &(struct err){ERR_SYSTEM, "no event"});
	return 0;
}

bool
fsck_progress(const struct store *s, uint64_t *done, uint64_t *total)
{
	if (s->fsck == NULL)
		return false;
	*done = s->fsck->payload_done;
	*total = s->fsck->deep ? s->fsck->payload_total : 0;
	return true;
}

void
fsck_stop(struct store *s)
{
	if (s->fsck == NULL)
		return;
	event_free(s->fsck->turn);
	buf_free(&s->fsck->problems);
	fsck_payload_free(s->fsck);
	free(s->fsck);
	s->fsck = NULL;
}
