/* fetch_book.c - what of the fetches the log has not told yet. Runs in: store. Owns: the file
 * `fetches` in the data folder, a slot a fetch or a count. Trusts: no byte of the file: a slot
 * that its checksum or the ledger does not bear out is dropped.
 *
 * A slot is owed (its range is to be entered), counts (the range is in the log, later fetches are
 * summed here), or ends (the sum is to be entered); then it is free. What was entered is told by
 * the entry's part, so a slot that a crash left behind is entered once. */
#include "store/fetch_book.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "safehand/enc.h"
#include "safehand/fetched.h"
#include "safehand/log.h"
#include "store/crc.h"
#include "store/disk.h"
#include "store/group.h"

#define SLOTS	      4096 /* of one group and of an hour's repeats; 1 MiB of the disk */
#define SLOT_ON_DISK  256
#define SLOT_USED     245 /* its fields, then the checksum */
#define BOOK_BYTES    ((uint64_t)SLOTS * SLOT_ON_DISK)
#define BUCKETS	      1024
#define FILE_OF_NOTES "fetches"

enum slot_state { SLOT_FREE, SLOT_OWED, SLOT_COUNTS, SLOT_ENDS };

struct slot {
	struct change change;  /* first */
	LIST_ENTRY(slot) next; /* of its bucket, or of the free ones */
	enum slot_state state;
	int64_t part; /* even: of the range's entry; the sum's is the next number */
	int64_t bundle;
	char id[UUID_TEXT];
	char mailbox[NAME_MAILBOX];
	uint8_t cert[DIGEST_BYTES];
	struct fetched range, again;
};

LIST_HEAD(slots, slot);

struct fetch_book {
	int fd;
	struct slots bucket[BUCKETS], free;
	size_t used; /* slots from here on were never taken */
	struct slot slot[SLOTS];
};

/* --- a slot on disk --- */

static void
slot_format(const struct slot *w, struct buf *out)
{
	buf_be32(out, w->state);
	buf_be64(out, (uint64_t)w->part);
	buf_be64(out, (uint64_t)w->bundle);
	buf_add(out, w->id, sizeof w->id);
	buf_add(out, w->mailbox, sizeof w->mailbox);
	buf_add(out, w->cert, sizeof w->cert);
	buf_be64(out, (uint64_t)w->range.at_ms);
	buf_be64(out, w->range.from);
	buf_be64(out, w->range.to);
	buf_be64(out, w->range.total);
	buf_be64(out, w->again.times);
	buf_be64(out, w->again.bytes);
	buf_be64(out, (uint64_t)w->again.at_ms);
	buf_be32(out, crc32c(0, out->data, out->len));
}

static const uint8_t *
take_bytes(const uint8_t *p, void *out, size_t n)
{
	memcpy(out, p, n);
	return p + n;
}

/* false: damaged, or written by nobody. */
static bool
slot_parse(const uint8_t *p, struct slot *w)
{
	if (be32_get(p + SLOT_USED - 4) != crc32c(0, p, SLOT_USED - 4) || be32_get(p) > SLOT_ENDS)
		return false;
	*w = (struct slot){.state = (enum slot_state)be32_get(p),
			   .part = (int64_t)be64_get(p + 4),
			   .bundle = (int64_t)be64_get(p + 12)};
	p = take_bytes(p + 20, w->id, sizeof w->id);
	p = take_bytes(p, w->mailbox, sizeof w->mailbox);
	p = take_bytes(p, w->cert, sizeof w->cert);
	w->range = (struct fetched){.at_ms = (int64_t)be64_get(p),
				    .from = be64_get(p + 8),
				    .to = be64_get(p + 16),
				    .total = be64_get(p + 24)};
	w->again = (struct fetched){.again = true,
				    .times = be64_get(p + 32),
				    .bytes = be64_get(p + 40),
				    .at_ms = (int64_t)be64_get(p + 48)};
	return w->id[UUID_TEXT - 1] == '\0' && w->mailbox[NAME_MAILBOX - 1] == '\0';
}

/* Not synced: see the header. */
static int
slot_write(struct fetch_book *k, const struct slot *w, struct err *e)
{
	struct buf bytes = {0};
	struct iovec iov;
	int rc;

	slot_format(w, &bytes);
	iov = (struct iovec){bytes.data, bytes.len};
	rc = disk_write(k->fd, &iov, 1, (uint64_t)(w - k->slot) * SLOT_ON_DISK, e);
	buf_free(&bytes);
	return rc < 0 ? err_wrap(e, FILE_OF_NOTES) : 0;
}

/* --- taken and free --- */

static struct slots *
bucket_of(struct fetch_book *k, int64_t bundle)
{
	return &k->bucket[(uint64_t)bundle % BUCKETS];
}

static struct slot *
slot_take(struct fetch_book *k)
{
	struct slot *w = LIST_FIRST(&k->free);

	if (w != NULL)
		LIST_REMOVE(w, next);
	else if (k->used < SLOTS)
		w = &k->slot[k->used++];
	return w;
}

/* What fails here is told again at the next start, and found to be entered. */
static void
slot_drop(struct fetch_book *k, struct slot *w)
{
	struct err e = {0};

	LIST_REMOVE(w, next);
	w->state = SLOT_FREE;
	if (slot_write(k, w, &e) < 0)
		log_err(LOG_LEVEL_WARN, "fetch-note", &e);
	LIST_INSERT_HEAD(&k->free, w, next);
}

static struct slot *
slot_find(struct fetch_book *k, const struct fetch *f)
{
	struct slot *w;

	LIST_FOREACH(w, bucket_of(k, f->bundle->n), next)
	if (w->state != SLOT_ENDS && w->bundle == f->bundle->n &&
	    strcmp(w->mailbox, f->mailbox) == 0 && memcmp(w->cert, f->cert, DIGEST_BYTES) == 0)
		return w;
	return NULL;
}

/* --- in the group --- */

static int
apply(struct store *s, struct change *c, struct err *e)
{
	const struct slot *w = (const struct slot *)c;
	bool ends = w->state == SLOT_ENDS;
	struct ledger_bundle b;
	char code[ENTRY_CODE];

	if (!ledger_bundle_at(s->writer, w->bundle, &b))
		return err_set(e, ERR_INTERNAL, "no bundle %lld", (long long)w->bundle);
	fetched_format(ends ? &w->again : &w->range, code);
	group_enter(s, &(struct group_entry){.event = EVENT_FETCHED,
					     .bundle = b.n,
					     .id = b.id,
					     .manifest_sha256 = b.manifest_sha256,
					     .mailbox = w->mailbox,
					     .actor = w->cert,
					     .code = code,
					     .part = w->part + ends});
	return 0;
}

/* The range is in the log; what was fetched again meanwhile goes on being counted. */
static void
done(struct store *s, struct change *c, const struct err *refusal)
{
	struct slot *w = (struct slot *)c;
	struct err e = {0};

	if (refusal != NULL)
		log_err(LOG_LEVEL_ERROR, "fetch-note", refusal);
	if (refusal != NULL || w->state == SLOT_ENDS || w->again.times == 0) {
		slot_drop(s->fetches, w);
		return;
	}
	w->state = SLOT_COUNTS;
	if (slot_write(s->fetches, w, &e) < 0)
		log_err(LOG_LEVEL_WARN, "fetch-note", &e);
}

static void
owe(struct store *s, struct slot *w)
{
	w->change = (struct change){.apply = apply, .done = done};
	group_add(s, &w->change);
}

static void
end_count(struct store *s, struct slot *w)
{
	struct err e = {0};

	w->state = SLOT_ENDS;
	if (slot_write(s->fetches, w, &e) < 0)
		log_err(LOG_LEVEL_WARN, "fetch-note", &e);
	owe(s, w);
}

static bool
is_over(const struct store *s, const struct slot *w)
{
	return w->state == SLOT_COUNTS && s->now() - w->range.at_ms >= FETCH_QUIET_MS;
}

/* --- a fetch --- */

/* No slot is left: the oldest count ends before its hour, and the client comes again. */
static int
make_room(struct store *s, struct err *e)
{
	struct slot *oldest = NULL;

	for (struct slot *w = s->fetches->slot; w < s->fetches->slot + SLOTS; w++)
		if (w->state == SLOT_COUNTS &&
		    (oldest == NULL || w->range.at_ms < oldest->range.at_ms))
			oldest = w;
	if (oldest != NULL)
		end_count(s, oldest);
	return err_set(e, ERR_BUSY, "%d fetches are still to be entered in the log", SLOTS);
}

static void
count_again(struct slot *w, const struct fetch *f, int64_t now_ms)
{
	w->again.again = true;
	w->again.times++;
	w->again.bytes += f->count;
	w->again.at_ms = now_ms;
}

static int64_t
fresh_part(void)
{
	uint64_t r;

	arc4random_buf(&r, sizeof r);
	return (int64_t)(r >> 1 & ~UINT64_C(1));
}

static struct slot *
slot_start(struct store *s, const struct fetch *f)
{
	struct fetch_book *k = s->fetches;
	struct slot *w = slot_take(k);
	int64_t now = s->now(), before;

	if (w == NULL)
		return NULL;
	*w = (struct slot){.state = SLOT_OWED, .part = fresh_part(), .bundle = f->bundle->n};
	strcpy(w->id, f->bundle->id);
	strcpy(w->mailbox, f->mailbox);
	memcpy(w->cert, f->cert, DIGEST_BYTES);
	w->range = (struct fetched){
	    .from = f->from, .to = f->from + f->count - 1, .total = f->total, .at_ms = now};
	if (ledger_last_fetch(s->reader, w->bundle, w->mailbox, w->cert, &before) &&
	    now - before < FETCH_QUIET_MS) {
		w->state = SLOT_COUNTS;
		w->range.at_ms = before;
		count_again(w, f, now);
	}
	LIST_INSERT_HEAD(bucket_of(k, w->bundle), w, next);
	return w;
}

int
fetch_note(struct store *s, const struct fetch *f, struct err *e)
{
	struct slot *w = slot_find(s->fetches, f);
	bool fresh;

	if (w != NULL && is_over(s, w)) {
		end_count(s, w);
		w = NULL;
	}
	fresh = w == NULL;
	if (!fresh)
		count_again(w, f, s->now());
	else if ((w = slot_start(s, f)) == NULL)
		return make_room(s, e);
	if (slot_write(s->fetches, w, e) < 0) {
		if (fresh)
			slot_drop(s->fetches, w);
		return -1;
	}
	if (fresh && w->state == SLOT_OWED)
		owe(s, w);
	return 0;
}

void
fetch_book_tick(struct store *s)
{
	struct fetch_book *k = s->fetches;

	for (size_t i = 0; !s->env->stopping && i < k->used; i++)
		if (is_over(s, &k->slot[i]))
			end_count(s, &k->slot[i]);
}

/* --- life --- */

static bool
is_entered(struct store *s, const struct slot *w, int64_t part)
{
	struct ledger_entry entry;

	return ledger_find_entry(s->reader, w->bundle, w->mailbox, EVENT_FETCHED, part, &entry);
}

/* A ledger that was restored may know less than the book beside it. */
static bool
is_known(struct store *s, const struct slot *w)
{
	struct ledger_bundle b;
	struct ledger_delivery d;

	return ledger_bundle_at(s->reader, w->bundle, &b) && strcmp(b.id, w->id) == 0 &&
	       ledger_delivery(s->reader, b.n, w->mailbox, &d);
}

static void
slot_resume(struct store *s, struct slot *w)
{
	struct fetch_book *k = s->fetches;

	LIST_INSERT_HEAD(bucket_of(k, w->bundle), w, next);
	if (w->state == SLOT_OWED && is_entered(s, w, w->part))
		w->state = w->again.times > 0 ? SLOT_COUNTS : SLOT_FREE;
	if (!is_known(s, w)) {
		log_warn("fetch-note", "dropped=%s mailbox=%s", w->id, w->mailbox);
		w->state = SLOT_FREE;
	}
	if (w->state == SLOT_FREE || is_entered(s, w, w->part + 1))
		slot_drop(k, w);
	else if (w->state != SLOT_COUNTS)
		owe(s, w);
}

static void
read_back(struct store *s, const struct buf *bytes)
{
	struct fetch_book *k = s->fetches;
	size_t damaged = 0, end = SLOTS;

	while (end > 0 && be32_get(bytes->data + (end - 1) * SLOT_ON_DISK) == SLOT_FREE)
		end--;
	for (; k->used < end; k->used++) {
		const uint8_t *p = bytes->data + k->used * SLOT_ON_DISK;
		struct slot *w = &k->slot[k->used];
		bool whole = slot_parse(p, w);

		if (whole && w->state != SLOT_FREE) {
			slot_resume(s, w);
			continue;
		}
		damaged += !whole && be32_get(p) != SLOT_FREE;
		*w = (struct slot){.state = SLOT_FREE};
		LIST_INSERT_HEAD(&k->free, w, next);
	}
	if (damaged > 0) /* a power cut between two sectors */
		log_warn("fetch-note", "damaged=%zu", damaged);
}

int
fetch_book_open(struct store *s, struct err *e)
{
	struct fetch_book *k = mem_alloc(sizeof *k);
	struct buf bytes = {0};
	struct stat st;
	int rc = -1;

	s->fetches = k;
	k->fd = disk_open(s->env->data_fd, FILE_OF_NOTES, O_RDWR | O_CREAT);
	if (k->fd < 0 || fstat(k->fd, &st) < 0 ||
	    ((uint64_t)st.st_size < BOOK_BYTES && ftruncate(k->fd, (off_t)BOOK_BYTES) < 0))
		return err_sys(e, FILE_OF_NOTES);
	/* room for all of it now: a full disk keeps nobody from fetching */
	if (((uint64_t)st.st_size == BOOK_BYTES || disk_zero(k->fd, 0, BOOK_BYTES, e) == 0) &&
	    disk_read(k->fd, 0, BOOK_BYTES, &bytes, e) == 0)
		rc = 0;
	if (rc == 0)
		read_back(s, &bytes);
	buf_free(&bytes);
	return rc < 0 ? err_wrap(e, FILE_OF_NOTES) : 0;
}

void
fetch_book_close(struct store *s)
{
	struct fetch_book *k = s->fetches;

	if (k == NULL)
		return;
	if (k->fd >= 0)
		close(k->fd);
	free(k);
	s->fetches = NULL;
}
