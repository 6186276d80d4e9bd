/* upload.c - PUT of a bundle: its head to the store, then its payload to the store's descriptor.
 * Runs in: front. Owns: the staging descriptor until END or CUT. Trusts: no byte of the client; the
 * store's offsets after checking them.
 *
 * FIXED (24 bytes) -> HEAD -> BEGIN -> ASKED -> PAYLOAD -> END -> ENDED: upload_take,
 * upload_granted. Resumed: RESUME -> ASKED -> PREFIX (hash what is there) -> PAYLOAD. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "front/front.h"
#include "safehand/bundle.h"
#include "safehand/log.h"

#define WRITE_BACK                                                                                 \
	(8 * MIB) /* the kernel is told to write so often: the last fsync is short then */
/* The beginning of a payload that may stay in memory. What comes later is forgotten once it is so
 * far behind that it has reached the disk: it would drive everything else out, and fresh pages cost
 * more than pages that go round. */
#define KEEP_BYTES   (256 * MIB)
#define BEHIND_BYTES (64 * MIB)
#define PAGE_BYTES   4096
#define PREFIX_SLICE (2 * MIB) /* hashed in one turn of the loop: about a millisecond */

/* --- the head --- */

static void
fail(struct conn *c, const struct err *e)
{
	answer_error(c, 0, e->code, e->text);
}

/* RESUME instead of BEGIN: the store has the head, the body starts in the payload. */
static void
resume(struct conn *c, const struct http_head *head)
{
	struct request *r = c->request;
	struct msg_resume m = {.job = r->job, .offset = r->upload.offset};

	if (head->body == HTTP_LENGTH)
		m.total = m.offset + head->length;
	memcpy(m.agency, c->agency, sizeof m.agency);
	memcpy(m.cert, c->cert, sizeof m.cert);
	memcpy(m.id, r->call.id, sizeof m.id);
	r->upload.stage = UPLOAD_ASKED;
	job_send(r, MSG_RESUME, &m, -1);
}

void
upload_begin(struct conn *c, const struct http_head *head, const char *offset, size_t n)
{
	struct request *r = c->request;
	struct upload *u = &r->upload;

	if (offset != NULL && (http_decimal(offset, n, &u->offset) < 0 ||
			       u->offset > c->front->payload_max + HEAD_MAX_BYTES)) {
		answer_error(c, 0, ERR_USAGE, "Upload-Offset is malformed");
		return;
	}
	if (u->offset > 0) {
		resume(c, head);
		return;
	}
	u->stage = UPLOAD_FIXED;
	r->want = BUNDLE_FIXED_BYTES;
	request_continue(c); /* what says whether it may come is in the body itself */
}

/* All limits are checked here, before any of them sizes anything. */
static int
read_fixed(struct conn *c, struct err *e)
{
	struct request *r = c->request;
	struct upload *u = &r->upload;
	struct bundle_head h;
	uint64_t total, said = r->gathered.len + r->left;

	if (bundle_head_parse(r->gathered.data, &h, e) < 0)
		return -1;
	u->head_bytes = bundle_head_bytes(&h);
	u->payload_bytes = h.payload_bytes;
	total = u->head_bytes + u->payload_bytes;
	if (u->payload_bytes > c->front->payload_max)
		return err_set(e, ERR_LIMIT, "payload: %llu bytes, no class takes more than %llu",
			       (unsigned long long)u->payload_bytes,
			       (unsigned long long)c->front->payload_max);
	if (r->framing == HTTP_LENGTH && total != said)
		return err_set(e, ERR_FORMAT,
			       "the bundle says that it has %llu bytes, the request %llu",
			       (unsigned long long)total, (unsigned long long)said);
	return 0;
}

/* A small bundle of which every byte has come goes to the store in one message. Of no other is more
 * than the head taken before the store has said that it may come. n: bytes just taken of the input.
 */
static bool
is_at_hand(const struct conn *c, size_t n)
{
	const struct request *r = c->request;
	uint64_t total = r->upload.head_bytes + r->upload.payload_bytes;

	return r->framing == HTTP_LENGTH && !r->expects && total <= CARRY_MAX_BYTES &&
	       evbuffer_get_length(bufferevent_get_input(c->bev)) - n >= r->upload.payload_bytes;
}

static void
send_begin(struct conn *c)
{
	struct request *r = c->request;
	int fd;
	struct msg_begin m = {.job = r->job,
			      .head_bytes = r->upload.head_bytes,
			      .payload_bytes = r->upload.payload_bytes};

	memcpy(m.agency, c->agency, sizeof m.agency);
	memcpy(m.cert, c->cert, sizeof m.cert);
	memcpy(m.id, r->call.id, sizeof m.id);
	m.whole = r->upload.stage == UPLOAD_WHOLE;
	r->upload.stage = m.whole ? UPLOAD_ENDED : UPLOAD_ASKED;
	fd = role_carry("head", r->gathered.data, r->gathered.len, &m.bytes);
	job_send(r, MSG_BEGIN, &m, fd);
	buf_free(&r->gathered);
}

static void
take_head(struct conn *c, const uint8_t *p, size_t n)
{
	struct request *r = c->request;
	struct err e;

	buf_add(&r->gathered, p, n);
	if (r->gathered.len < r->want)
		return;
	if (r->upload.stage == UPLOAD_WHOLE) {
		return; /* to be sent when the body is done */
	} else if (r->upload.stage == UPLOAD_HEAD && is_at_hand(c, n)) {
		r->upload.stage = UPLOAD_WHOLE;
		r->want = (size_t)(r->upload.head_bytes + r->upload.payload_bytes);
	} else if (r->upload.stage == UPLOAD_HEAD) {
		send_begin(c);
	} else if (read_fixed(c, &e) < 0) {
		fail(c, &e);
	} else {
		r->upload.stage = UPLOAD_HEAD;
		r->want = (size_t)r->upload.head_bytes;
	}
}

/* --- the payload --- */

/* Hints, of which none waits. */
static void
write_back(struct upload *u)
{
	uint64_t end = u->base + u->flushed, n = u->written - u->flushed;

	sync_file_range(u->staging, (off_t)end, (off_t)n, SYNC_FILE_RANGE_WRITE);
	if (end > KEEP_BYTES + BEHIND_BYTES)
		posix_fadvise(u->staging, (off_t)(end - BEHIND_BYTES), (off_t)n,
			      POSIX_FADV_DONTNEED);
	u->flushed = u->written;
}

static void
empty(struct upload *u)
{
	u->block_from = u->block_n = 0;
}

/* A block ends where a page of the file does, and lies in its own pages as in the file's: where the
 * two differ by a few bytes the kernel copies several times slower. */
static void
make_block(struct upload *u, uint64_t left)
{
	size_t lead = (size_t)((u->base + u->written) % PAGE_BYTES);

	u->block_size = left < BLOCK - lead && u->written == 0 ? lead + (size_t)left : BLOCK;
	u->block = aligned_alloc(PAGE_BYTES, (u->block_size / PAGE_BYTES + 1) * PAGE_BYTES);
	if (u->block == NULL)
		log_fatal("memory", &(struct err){ERR_SYSTEM, "no memory for an upload"});
	u->block_from = u->block_n = lead;
}

/* Writes what the block holds. -1: the staging file does not take it. */
static int
flush(struct upload *u, struct err *e)
{
	for (size_t done = u->block_from; done < u->block_n;) {
		ssize_t k = pwrite(u->staging, u->block + done, u->block_n - done,
				   (off_t)(u->base + u->written));

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return err_sys(e, "payload");
		digest_add(u->digest, u->block + done, (size_t)k);
		done += (size_t)k;
		u->written += (size_t)k;
	}
	u->hashed = u->written;
	empty(u);
	if (u->written - u->flushed >= WRITE_BACK)
		write_back(u);
	return 0;
}

static void
take_payload(struct conn *c, const uint8_t *p, size_t n)
{
	struct upload *u = &c->request->upload;
	struct err e;

	if (n > u->payload_bytes - u->written - (u->block_n - u->block_from)) {
		answer_error(c, 0, ERR_DIGEST, "the payload is longer than the bundle says");
		return;
	}
	while (n > 0) {
		size_t k = u->block_size - u->block_n;

		k = k < n ? k : n;
		memcpy(u->block + u->block_n, p, k);
		u->block_n += k;
		p += k;
		n -= k;
		if (u->block_n == u->block_size && flush(u, &e) < 0) {
			empty(u);
			fail(c, &e);
			return;
		}
	}
}

size_t
upload_room(const struct request *r)
{
	switch (r->upload.stage) {
	case UPLOAD_FIXED:
	case UPLOAD_HEAD:
	case UPLOAD_WHOLE: return r->want - r->gathered.len;
	case UPLOAD_PAYLOAD: return BLOCK;
	case UPLOAD_NONE:
	case UPLOAD_ASKED:
	case UPLOAD_PREFIX:
	case UPLOAD_ENDED: return 0;
	}
	return 0;
}

void
upload_take(struct conn *c, const uint8_t *p, size_t n)
{
	if (c->request->upload.stage == UPLOAD_PAYLOAD)
		take_payload(c, p, n);
	else
		take_head(c, p, n);
}

/* The payload's descriptor and block are not needed while the store commits. */
static void
let_go(struct upload *u)
{
	close(u->staging);
	u->staging = -1;
	free(u->block);
	u->block = NULL;
	u->stage = UPLOAD_ENDED;
}

void
upload_body_done(struct conn *c)
{
	struct request *r = c->request;
	struct upload *u = &r->upload;
	struct msg_end m = {.job = r->job};
	struct err e;

	if (u->stage == UPLOAD_WHOLE) {
		send_begin(c);
		return;
	}
	if (u->stage != UPLOAD_PAYLOAD) {
		answer_error(c, 0, ERR_FORMAT, "the body ends within the bundle's head");
		return;
	}
	if (flush(u, &e) < 0) {
		empty(u);
		fail(c, &e);
		return;
	}
	if (u->written != u->payload_bytes) {
		answer_error(c, 0, ERR_DIGEST, "the payload is shorter than the bundle says");
		return;
	}
	m.length = u->written;
	digest_get(u->digest, m.digest);
	let_go(u);
	job_send(r, MSG_END, &m, -1);
}

void
upload_cut(struct conn *c)
{
	struct request *r = c->request;
	struct upload *u = r != NULL ? &r->upload : NULL;
	struct msg_cut m;
	struct err e;

	if (u == NULL || (u->stage != UPLOAD_PAYLOAD && u->stage != UPLOAD_PREFIX))
		return;
	if (u->stage == UPLOAD_PAYLOAD && flush(u, &e) < 0)
		log_err(LOG_LEVEL_WARN, "upload-cut", &e);
	m.job = r->job;
	m.received = u->written > u->received ? u->written : u->received;
	let_go(u);
	chan_send(c->front->store, MSG_CUT, &m, -1);
}

/* --- the store lets it come --- */

static void
start_payload(struct conn *c)
{
	c->request->upload.stage = UPLOAD_PAYLOAD;
	request_continue(c);
	conn_feed(c);
}

/* What an earlier connection brought goes into the digest, a slice per turn of the loop. */
static void
on_prefix(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct upload *u = &c->request->upload;
	uint64_t stop = u->hashed + PREFIX_SLICE;

	while (u->hashed < u->written && u->hashed < stop) {
		uint64_t left = u->written - u->hashed;
		ssize_t n = pread(u->staging, u->block, left < BLOCK ? (size_t)left : BLOCK,
				  (off_t)(u->base + u->hashed));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			answer_error(c, 0, ERR_SYSTEM, "what had been received cannot be read");
			return;
		}
		digest_add(u->digest, u->block, (size_t)n);
		u->hashed += (size_t)n;
	}
	if (u->hashed == u->written)
		start_payload(c);
	else
		event_active(u->again, EV_TIMEOUT, 0);
}

static void
start_prefix(struct conn *c)
{
	struct upload *u = &c->request->upload;

	u->stage = UPLOAD_PREFIX;
	u->again = event_new(c->front->env->base, -1, 0, on_prefix, c);
	if (u->again == NULL)
		log_fatal("memory", &(struct err){ERR_SYSTEM, "no memory for an event"});
	event_active(u->again, EV_TIMEOUT, 0);
}

/* Does the resumed body fit what the store has? */
static int
check_resumed(const struct request *r, struct err *e)
{
	const struct upload *u = &r->upload;
	uint64_t total = u->head_bytes + u->payload_bytes;

	if (u->offset < u->head_bytes || u->offset > u->head_bytes + u->received)
		return err_set(e, ERR_ORDER, "Upload-Offset %llu, but %llu bytes are here",
			       (unsigned long long)u->offset,
			       (unsigned long long)(u->head_bytes + u->received));
	if (r->framing == HTTP_LENGTH && u->offset + r->left != total)
		return err_set(e, ERR_FORMAT, "the bundle ends at %llu bytes, the request at %llu",
			       (unsigned long long)total,
			       (unsigned long long)(u->offset + r->left));
	return 0;
}

/* What the store says must agree with itself and with the head that it was sent. */
static bool
is_sane(const struct upload *u, const struct msg_upload *m)
{
	bool same = u->offset > 0 ||
		    (m->head_bytes == u->head_bytes && m->payload_bytes == u->payload_bytes);

	return same && m->received <= m->payload_bytes && m->payload_bytes <= PAYLOAD_MAX_BYTES &&
	       m->head_bytes <= HEAD_MAX_BYTES && m->offset < INT64_MAX / 2;
}

void
upload_granted(struct conn *c, const struct msg_upload *m, int fd)
{
	struct request *r = c->request;
	struct upload *u = &r->upload;
	uint64_t left;
	struct err e;

	if (!is_sane(u, m))
		log_fatal("bad-message",
			  &(struct err){ERR_INTERNAL, "store: upload out of bounds"});
	u->staging = fd;
	u->base = m->offset;
	u->received = m->received;
	u->head_bytes = m->head_bytes;
	u->payload_bytes = m->payload_bytes;
	u->stage = UPLOAD_PREFIX; /* from here on a CUT is owed */
	if (u->offset > 0 && check_resumed(r, &e) < 0) {
		fail(c, &e);
		return;
	}
	u->written = u->flushed = u->offset > 0 ? u->offset - u->head_bytes : 0;
	left = u->payload_bytes - u->written;
	make_block(u, left);
	u->digest = digest_new();
	if (u->written > 0)
		start_prefix(c);
	else
		start_payload(c);
}
