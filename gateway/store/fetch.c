/* fetch.c - a mailbox fetches a bundle. Runs in: store. Owns: nothing. Trusts: front on who asks
 * for which part. Which part leaves is decided here and noted for the log before any of it does:
 * a front that were taken could fetch, and not unseen. */
#include "store/fetch.h"

#include <string.h>
#include <unistd.h>

#include "frame/range.h"
#include "safehand/enc.h"
#include "store/alarm.h"
#include "store/fetch_book.h"
#include "store/purge.h"

struct fetching {
	struct store *s;
	const struct asker *a;
	const struct msg_ask *m;
	struct ledger_bundle b;
	struct buf prefix;
	struct msg_body body;
	int fd;
	bool lent; /* bytes of it leave */
};

/* The framing with no slots: the key comes with the receipt. */
static int
read_prefix(struct fetching *f, struct err *e)
{
	const struct ledger_bundle *b = &f->b;

	if (spool_read(f->s->spool, b->id, &b->place, b->place.kept, &f->prefix, e) < 0)
		return -1;
	be32_put(f->prefix.data + 12, 0);
	f->body.prefix = (struct blob){f->prefix.data, f->prefix.len};
	return 0;
}

static int
allowed(struct store *s, const struct ledger_bundle *b, const struct ledger_delivery *d,
	struct err *e)
{
	if (d->state == DELIVERY_WITHHELD)
		return err_set(e, ERR_WITHHELD, "%s covers %s and is not called upon", d->mailbox,
			       d->covers);
	if (d->state == DELIVERY_WITHDRAWN)
		return err_set(e, ERR_UNKNOWN, "%s was withdrawn by its sender", b->id);
	if (b->state != BUNDLE_LIVE)
		return err_set(e, ERR_UNKNOWN, "%s was purged", b->id);
	if (ledger_is_quarantined(s->reader, b->n))
		return quarantine_refuse(b, e);
	return 0;
}

/* false: the range lies outside, as front is told. */
static bool
cut(struct fetching *f)
{
	const struct msg_ask *m = f->m;
	struct range range = {m->range, m->number, m->number2};
	uint64_t total = f->prefix.len + f->b.payload_bytes;

	if (m->range >= RANGE_KINDS || (*m->if_range && strcmp(m->if_range, f->body.etag) != 0))
		range.kind = RANGE_ALL;
	f->body.ranged = range.kind != RANGE_ALL;
	if (range_cut(&range, total, &f->body.from, &f->body.count) == 0)
		return true;
	reply_outside(f->a, total);
	return false;
}

static int
lend(struct fetching *f, struct err *e)
{
	const struct ledger_bundle *b = &f->b;
	struct fetch note = {.bundle = b,
			     .mailbox = f->m->mailbox,
			     .cert = f->m->cert,
			     .from = f->body.from,
			     .count = f->body.count,
			     .total = f->prefix.len + b->payload_bytes};

	return spool_lend(f->s->spool, b->id, &b->place, b->place.kept + b->slots_bytes, &f->fd,
			  &f->body.offset, e) < 0
		   ? -1
		   : fetch_note(f->s, &note, e);
}

static int
serve(struct fetching *f, struct err *e)
{
	f->body.job = f->a->job;
	f->body.length = f->b.payload_bytes;
	hex_encode(f->body.etag, f->b.manifest_sha256, DIGEST_BYTES);
	if (strcmp(f->m->have, f->body.etag) == 0) {
		reply_unchanged(f->a, f->body.etag);
		return 0;
	}
	if (read_prefix(f, e) < 0)
		return -1;
	if (!cut(f))
		return 0;
	if (!f->m->head_only && lend(f, e) < 0)
		return -1;
	f->lent = f->fd >= 0;
	chan_send(f->a->front, MSG_BODY, &f->body, f->fd);
	f->fd = -1;
	return 0;
}

static int
fetch(struct fetching *f, struct err *e)
{
	int rc = serve(f, e);

	if (rc < 0 && e->code == ERR_DIGEST) {
		quarantine_bundle(f->s, &f->b, e); /* [9] told, and out of everybody's way */
		err_set(e, ERR_SYSTEM, "%s is in quarantine: its bytes are damaged", f->b.id);
	}
	if (f->fd >= 0)
		close(f->fd);
	buf_free(&f->prefix);
	return rc;
}

void
fetch_answer(struct store *s, const struct asker *a, const struct msg_ask *m)
{
	struct fetching f = {.s = s, .a = a, .m = m, .fd = -1};
	struct ledger_delivery d;
	struct err e = {0};
	bool there = ledger_bundle_quietly(s->reader, m->id, &f.b);

	if (!ledger_delivery(s->reader, f.b.n, m->mailbox, &d) || !there)
		reply_unknown(a);
	else if (allowed(s, &f.b, &d, &e) < 0 || fetch(&f, &e) < 0)
		reply_refuse(a, &e);
	else if (f.lent)
		alarm_fetched(s, d.mailbox, f.b.id, "fetched");
	else
		alarm_touched(s, d.mailbox, f.b.id, "asked");
}
