/* stage.c - uploads under way: small ones in memory, large ones as files of staging/, which outlive
 * a restart. Runs in: store. Owns: their descriptors. Trusts: nothing of a file's content: it may
 * be garbage after a power cut, and the signed digest decides at the end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safehand/enc.h"
#include "safehand/log.h"
#include "store/disk.h"
#include "store/spool_in.h"

void
stage_name(const struct stage *st, char out[static STAGE_NAME])
{
	snprintf(out, STAGE_NAME, "%s.%s.%s", st->id, st->digest, st->agency);
}

static struct stage *
stage_new(struct spool *s, const char *id, const char *digest, const char *agency, int64_t now_ms)
{
	struct stage *st = mem_alloc(sizeof *st);

	snprintf(st->id, sizeof st->id, "%s", id);
	snprintf(st->digest, sizeof st->digest, "%s", digest);
	snprintf(st->agency, sizeof st->agency, "%s", agency);
	st->fd = -1;
	st->used_ms = now_ms;
	st->next = s->stages;
	s->stages = st;
	return st;
}

void
stage_forget(struct spool *s, struct stage *st)
{
	struct stage **at = &s->stages;

	while (*at != st)
		at = &(*at)->next;
	*at = st->next;
	if (st->fd >= 0)
		close(st->fd);
	buf_free(&st->whole);
	s->staged -= st->reserved;
	free(st);
}

void
spool_stage_drop(struct spool *s, struct stage *st)
{
	char name[STAGE_NAME];

	stage_name(st, name);
	if (!st->small && unlinkat(s->staging, name, 0) < 0 && errno != ENOENT)
		log_warn("stage-not-removed", "file=%s", name);
	stage_forget(s, st);
}

/* One file of staging/ at start. What is not named as ours is left alone and told. */
static int
stage_found(void *ctx, const char *name)
{
	struct spool *s = ctx;
	char id[UUID_TEXT], digest[17], agency[NAME_AGENCY];
	struct stat st;

	if (sscanf(name, "%36[0-9a-f-].%16[0-9a-f].%31[a-z0-9-]", id, digest, agency) != 3 ||
	    strlen(name) != strlen(id) + strlen(digest) + strlen(agency) + 2 || !uuid_is_v7(id) ||
	    !name_is_agency(agency) || fstatat(s->staging, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		log_warn("stage-unknown-file", "file=%s", name);
		return 0;
	}
	stage_new(s, id, digest, agency, (int64_t)st.st_mtim.tv_sec * 1000);
	return 0;
}

int
stage_scan(struct spool *s, struct err *e)
{
	return disk_list(s->staging, stage_found, s, e);
}

struct stage *
spool_stage_find(struct spool *s, const char *id)
{
	struct stage *st = s->stages;

	while (st != NULL && strcmp(st->id, id) != 0)
		st = st->next;
	return st;
}

/* Idle ones go first when the memory for small ones is needed: they can be sent again. */
static int
memory_take(struct spool *s, struct stage *st, uint64_t bytes, struct err *e)
{
	struct stage *next;

	for (struct stage *i = s->stages; i != NULL && s->staged + bytes > s->conf.memory_max;
	     i = next) {
		next = i->next;
		if (i->small && !i->busy && i != st)
			spool_stage_drop(s, i);
	}
	if (s->staged + bytes > s->conf.memory_max)
		return err_set(e, ERR_BUSY, "%llu bytes of small uploads are under way",
			       (unsigned long long)s->staged);
	s->staged += bytes;
	st->reserved = bytes;
	return 0;
}

static int
head_write(struct stage *st, const struct buf *head, struct err *e)
{
	struct iovec iov = {head->data, head->len};

	return disk_write(st->fd, &iov, 1, 0, e);
}

static int
stage_open_small(struct spool *s, struct stage *st, const struct buf *head, struct err *e)
{
	if (memory_take(s, st, st->head_bytes + st->payload_bytes, e) < 0)
		return -1;
	st->small = true;
	st->fd = memfd_create("stage", MFD_CLOEXEC);
	if (st->fd < 0)
		return err_sys(e, "memory for an upload");
	return head_write(st, head, e);
}

/* The whole length is reserved on the disk now, so that it cannot run out half-way [10]; the size
 * of the file stays the number of bytes that came. */
static int
stage_open_large(struct spool *s, struct stage *st, const struct buf *head, struct err *e)
{
	uint64_t total = st->head_bytes + st->payload_bytes;
	char name[STAGE_NAME];
	struct stat sb;

	stage_name(st, name);
	if (st->fd < 0)
		st->fd = disk_open(s->staging, name, O_RDWR | O_CREAT);
	if (st->fd < 0 || fstat(st->fd, &sb) < 0)
		return err_sys(e, "staging");
	if ((uint64_t)sb.st_size > total && ftruncate(st->fd, 0) < 0)
		return err_sys(e, "staging");
	if (fallocate(st->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)total) < 0 && errno != EOPNOTSUPP)
		return err_sys(e, "staging");
	return head_write(st, head, e);
}

static int
stage_open(struct spool *s, struct stage *st, const struct buf *head, struct err *e)
{
	uint64_t total = st->head_bytes + st->payload_bytes;

	if (st->small)
		return 0; /* in memory since it came */
	if (total <= s->conf.small_max && st->fd < 0)
		return stage_open_small(s, st, head, e);
	if (spool_room(s, total - st->head_bytes - spool_stage_received(st), e) < 0)
		return -1;
	return stage_open_large(s, st, head, e);
}

/* One more descriptor. Idle small ones go first: they can be sent again. */
static int
descriptor_take(struct spool *s, struct err *e)
{
	struct stage *next;
	size_t n = 0;

	for (const struct stage *st = s->stages; st != NULL; st = st->next)
		n++;
	for (struct stage *i = s->stages; i != NULL && n >= s->conf.stages_max; i = next) {
		next = i->next;
		if (!i->small || i->busy)
			continue;
		spool_stage_drop(s, i);
		n--;
	}
	return n < s->conf.stages_max
		   ? 0
		   : err_set(e, ERR_BUSY, "%zu uploads are unfinished, as many as can be", n);
}

int
spool_stage(struct spool *s, const char *id, const char *agency, const struct buf *head,
	    const uint8_t head_sha256[static DIGEST_BYTES], uint64_t payload_bytes, int64_t now_ms,
	    struct stage **out, struct err *e)
{
	struct stage *st = spool_stage_find(s, id);
	char digest[17];

	hex_encode(digest, head_sha256, 8);
	if (st != NULL && st->busy)
		return err_set(e, ERR_BUSY, "another connection is sending %s", id);
	if (st != NULL && (strcmp(st->digest, digest) != 0 || strcmp(st->agency, agency) != 0)) {
		spool_stage_drop(s, st);
		st = NULL;
	}
	if (st == NULL && descriptor_take(s, e) < 0)
		return -1;
	if (st == NULL)
		st = stage_new(s, id, digest, agency, now_ms);
	st->head_bytes = head->len;
	st->payload_bytes = payload_bytes;
	if (stage_open(s, st, head, e) < 0) {
		spool_stage_drop(s, st);
		return -1;
	}
	st->busy = true;
	*out = st;
	return 0;
}

/* Its buffer becomes the stage's; what evidence will show stays with the caller. */
static int
whole_keep(struct spool *s, struct stage *st, struct buf *bytes, struct err *e)
{
	uint64_t kept =
	    BUNDLE_FIXED_BYTES + (uint64_t)be32_get(bytes->data + 4) + be32_get(bytes->data + 8);

	if (kept > st->head_bytes)
		return err_set(e, ERR_DIGEST, "the head is garbage");
	if (memory_take(s, st, bytes->len, e) < 0)
		return -1;
	st->small = true;
	st->whole = *bytes;
	*bytes = (struct buf){0};
	buf_add(bytes, st->whole.data, kept);
	return 0;
}

/* Too large for the journal: a file, as if it had come in parts. */
static int
whole_write(struct spool *s, struct stage *st, const struct buf *bytes, struct err *e)
{
	struct buf head = {.data = bytes->data, .len = st->head_bytes};
	struct iovec rest = {bytes->data + st->head_bytes, bytes->len - st->head_bytes};

	return stage_open(s, st, &head, e) < 0 || spool_stage_restart(st, e) < 0
		   ? -1
		   : disk_write(st->fd, &rest, 1, st->head_bytes, e);
}

int
spool_stage_whole(struct spool *s, const char *id, const char *agency, struct buf *bytes,
		  uint64_t head_bytes, const uint8_t head_sha256[static DIGEST_BYTES],
		  int64_t now_ms, struct stage **out, struct err *e)
{
	struct stage *st = spool_stage_find(s, id);
	char digest[17];
	int rc;

	if (st != NULL && st->busy)
		return err_set(e, ERR_BUSY, "another connection is sending %s", id);
	if (st != NULL)
		spool_stage_drop(s, st); /* a part of it, or of another of this id */
	if (descriptor_take(s, e) < 0)
		return -1;
	hex_encode(digest, head_sha256, 8);
	st = stage_new(s, id, digest, agency, now_ms);
	st->head_bytes = head_bytes;
	st->payload_bytes = bytes->len - head_bytes;
	rc = bytes->len <= s->conf.small_max ? whole_keep(s, st, bytes, e)
					     : whole_write(s, st, bytes, e);
	if (rc < 0) {
		spool_stage_drop(s, st);
		return -1;
	}
	st->busy = true;
	*out = st;
	return 0;
}

/* Four lengths in front: only as far as they could be a head's. */
static int
lengths_read(struct stage *st, struct err *e)
{
	struct buf b = {0};
	int rc = disk_read(st->fd, 0, BUNDLE_FIXED_BYTES, &b, e);

	if (rc == 0) {
		st->head_bytes = BUNDLE_FIXED_BYTES + (uint64_t)be32_get(b.data + 4) +
				 be32_get(b.data + 8) + be32_get(b.data + 12);
		st->payload_bytes = be64_get(b.data + 16);
		if (st->head_bytes > HEAD_MAX_BYTES || st->payload_bytes > PAYLOAD_MAX_BYTES)
			rc = err_set(e, ERR_FORMAT, "the head is garbage");
	}
	buf_free(&b);
	return rc;
}

int
spool_stage_head(struct spool *s, struct stage *st, struct buf *head, struct err *e)
{
	char name[STAGE_NAME];

	stage_name(st, name);
	if (st->fd < 0 && (st->fd = disk_open(s->staging, name, O_RDWR)) < 0)
		return err_sys(e, "staging");
	if (lengths_read(st, e) < 0 || disk_read(st->fd, 0, st->head_bytes, head, e) < 0)
		return err_set(e, ERR_FORMAT, "no whole head is there");
	return 0;
}

int
spool_stage_restart(struct stage *st, struct err *e)
{
	return ftruncate(st->fd, (off_t)st->head_bytes) < 0 ? err_sys(e, "staging") : 0;
}

size_t
spool_stage_count(const struct spool *s, const char *agency, uint64_t *bytes)
{
	size_t n = 0;

	*bytes = 0;
	for (const struct stage *st = s->stages; st != NULL; st = st->next) {
		if (strcmp(st->agency, agency) != 0)
			continue;
		*bytes += st->head_bytes + st->payload_bytes;
		n++;
	}
	return n;
}

uint64_t
spool_stage_received(const struct stage *st)
{
	struct stat sb;

	if (st->fd < 0 || fstat(st->fd, &sb) < 0 || (uint64_t)sb.st_size <= st->head_bytes)
		return 0;
	return (uint64_t)sb.st_size - st->head_bytes;
}

void
spool_stage_leave(struct stage *st, int64_t now_ms)
{
	st->busy = false;
	st->used_ms = now_ms;
}

size_t
spool_stage_expire(struct spool *s, int64_t before_ms)
{
	struct stage *next;
	size_t n = 0;

	for (struct stage *st = s->stages; st != NULL; st = next) {
		next = st->next;
		if (st->busy || st->used_ms >= before_ms)
			continue;
		log_info("stage-expired", "bundle=%s agency=%s", st->id, st->agency);
		spool_stage_drop(s, st);
		n++;
	}
	return n;
}
