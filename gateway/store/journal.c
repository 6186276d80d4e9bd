/* journal.c - small bundles in preallocated segments. Runs in: store. Owns: the segments' folder
 * and the descriptor of the one that grows. Trusts: nothing it reads back. */
#include "store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safehand/enc.h"
#include "safehand/log.h"
#include "store/crc.h"
#include "store/disk.h"

/* A record's header, big-endian:
 *  0 "SHJ1"  4 crc of bytes 8..63  8 length  16 kept  24 crc of the kept part  28 crc of the rest
 * 32 id (16 bytes)  48 segment  52 zero  56 offset of the .shb: so a record knows where it belongs.
 */
#define MAGIC "SHJ1"

struct journal {
	int dir;
	int fd; /* of the growing segment; -1: none yet */
	uint32_t segment;
	uint64_t end, size;
	uint64_t segment_bytes;
	bool dirty;
	int erased_fd; /* of the segment in which something was erased since the last sync; -1 */
	uint32_t erased;
};

struct record {
	uint64_t length, kept, offset;
	uint32_t crc_kept, crc_rest, segment;
	char id[UUID_TEXT];
};

static uint64_t
round_up(uint64_t n)
{
	return (n + 7) & ~UINT64_C(7);
}

static void
segment_name(char out[static 16], uint32_t segment)
{
	snprintf(out, 16, "%08" PRIx32 ".seg", segment);
}

/* --- headers --- */

static void
id_pack(uint8_t out[static 16], const char *id)
{
	char hex[33];
	size_t n = 0;

	for (; *id != '\0' && n < 32; id++)
		if (*id != '-')
			hex[n++] = *id;
	hex[n] = '\0';
	if (hex_decode(out, 16, hex) < 0)
		memset(out, 0, 16); /* not a canonical id: matches no record */
}

static void
id_unpack(char out[static UUID_TEXT], const uint8_t *id)
{
	char hex[33];

	hex_encode(hex, id, 16);
	snprintf(out, UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
		 hex + 20);
}

static void
header_make(uint8_t h[static JOURNAL_HEADER], const char *id, const struct buf *shb,
	    const struct spool_place *at)
{
	memset(h, 0, JOURNAL_HEADER);
	memcpy(h, MAGIC, 4);
	be64_put(h + 8, at->length);
	be64_put(h + 16, at->kept);
	be32_put(h + 24, crc32c(0, shb->data, at->kept));
	be32_put(h + 28, crc32c(0, shb->data + at->kept, at->length - at->kept));
	id_pack(h + 32, id);
	be32_put(h + 48, at->segment);
	be64_put(h + 56, at->offset);
	be32_put(h + 4, crc32c(0, h + 8, JOURNAL_HEADER - 8));
}

static int
header_parse(const uint8_t *h, struct record *out, struct err *e)
{
	if (memcmp(h, MAGIC, 4) != 0 || be32_get(h + 4) != crc32c(0, h + 8, JOURNAL_HEADER - 8))
		return err_set(e, ERR_DIGEST, "record header damaged");
	out->length = be64_get(h + 8);
	out->kept = be64_get(h + 16);
	out->crc_kept = be32_get(h + 24);
	out->crc_rest = be32_get(h + 28);
	id_unpack(out->id, h + 32);
	out->segment = be32_get(h + 48);
	out->offset = be64_get(h + 56);
	return 0;
}

/* --- segments --- */

static int
segment_remove_after(void *ctx, const char *name)
{
	struct journal *j = ctx;
	char wanted[16];
	uint32_t n = (uint32_t)strtoul(name, NULL, 16);

	segment_name(wanted, n);
	if (strcmp(wanted, name) != 0 || n <= j->segment)
		return 0;
	log_info("journal-swept", "segment=%s", name);
	return unlinkat(j->dir, name, 0);
}

/* The group that wrote behind end was never answered for: its bytes go, so that no later walk takes
 * them for records [2]. */
static int
segment_continue(struct journal *j, struct err *e)
{
	struct stat st;
	char name[16];

	segment_name(name, j->segment);
	j->fd = disk_open(j->dir, name, O_RDWR);
	if (j->fd < 0 && errno == ENOENT) {
		log_error("journal-segment-missing", "segment=%s", name);
		return 0; /* its bundles are quarantined as they are asked for [9] */
	}
	if (j->fd < 0 || fstat(j->fd, &st) < 0)
		return err_sys(e, "%s", name);
	j->size = (uint64_t)st.st_size;
	if (j->end < j->size && disk_zero(j->fd, j->end, j->size - j->end, e) < 0)
		return -1;
	disk_datasync(j->fd, name);
	return 0;
}

static int
segment_next(struct journal *j, struct err *e)
{
	uint32_t segment = j->segment + 1;
	char name[16];
	int fd;

	segment_name(name, segment);
	/* one that is there is of an attempt that failed: no row names it */
	fd = disk_open(j->dir, name, O_RDWR | O_CREAT | O_TRUNC);
	if (fd < 0 || fallocate(fd, 0, 0, (off_t)j->segment_bytes) < 0) {
		err_sys(e, "%s", name);
		if (fd >= 0) {
			unlinkat(j->dir, name, 0);
			close(fd);
		}
		return -1;
	}
	disk_sync(fd, name);
	disk_sync(j->dir, "journal");
	if (j->fd >= 0) {
		disk_datasync(j->fd, "journal"); /* the last records of the full one */
		close(j->fd);
	}
	j->fd = fd;
	j->segment = segment;
	j->end = 0;
	j->size = j->segment_bytes;
	return 0;
}

int
journal_open(int dir, uint64_t segment_bytes, uint32_t segment, uint64_t end, struct journal **out,
	     struct err *e)
{
	struct journal *j = mem_alloc(sizeof *j);

	*j = (struct journal){.dir = dir,
			      .fd = -1,
			      .erased_fd = -1,
			      .segment = segment,
			      .end = end,
			      .segment_bytes = segment_bytes};
	if (disk_list(dir, segment_remove_after, j, e) < 0 ||
	    (segment > 0 && segment_continue(j, e) < 0)) {
		err_wrap(e, "journal");
		journal_close(j);
		return -1;
	}
	disk_sync(dir, "journal");
	*out = j;
	return 0;
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	if (j->fd >= 0)
		close(j->fd);
	if (j->erased_fd >= 0)
		close(j->erased_fd);
	close(j->dir);
	free(j);
}

/* What was written of a record that could not be written whole would stand behind the next one, if
 * that is shorter, and be taken for a damaged record. */
static void
record_undo(struct journal *j, uint64_t n)
{
	uint64_t left = j->size - j->end;
	struct err e = {0};

	if (disk_zero(j->fd, j->end, n < left ? n : left, &e) < 0)
		log_fatal("journal", &e); /* the next start erases it */
}

int
journal_append(struct journal *j, const char *id, const struct buf *shb, uint64_t kept,
	       struct spool_place *out, struct err *e)
{
	uint8_t header[JOURNAL_HEADER];
	struct iovec iov[] = {{header, sizeof header}, {shb->data, shb->len}};
	struct spool_place at = {.length = shb->len, .kept = kept};

	if ((j->fd < 0 || j->end + JOURNAL_HEADER + shb->len > j->size) && segment_next(j, e) < 0)
		return -1;
	at.segment = j->segment;
	at.offset = j->end + JOURNAL_HEADER;
	header_make(header, id, shb, &at);
	if (disk_write(j->fd, iov, 2, j->end, e) < 0) {
		record_undo(j, JOURNAL_HEADER + shb->len);
		return err_wrap(e, "journal");
	}
	j->end = round_up(at.offset + at.length);
	j->dirty = true;
	*out = at;
	return 0;
}

/* Of the erasures so far. */
static void
sync_erased(struct journal *j)
{
	if (j->erased_fd < 0)
		return;
	disk_datasync(j->erased_fd, "journal");
	close(j->erased_fd);
	j->erased_fd = -1;
}

void
journal_sync(struct journal *j)
{
	if (j->dirty)
		disk_datasync(j->fd, "journal");
	j->dirty = false;
	sync_erased(j);
}

void
journal_tail(const struct journal *j, uint32_t *segment, uint64_t *end)
{
	*segment = j->segment;
	*end = j->end;
}

/* --- reading back --- */

static int
segment_open(struct journal *j, uint32_t segment, int flags, int *fd, struct err *e)
{
	char name[16];

	segment_name(name, segment);
	*fd = disk_open(j->dir, name, flags);
	return *fd < 0 ? disk_missing(e, "journal", name) : 0;
}

static int
record_matches(const struct record *r, const char *id, const struct spool_place *at, struct err *e)
{
	if (strcmp(r->id, id) != 0 || r->segment != at->segment || r->offset != at->offset ||
	    r->length != at->length || r->kept != at->kept)
		return err_set(e, ERR_DIGEST, "the record there is not that of %s", id);
	return 0;
}

static int
record_check(const struct record *r, const uint8_t *shb, uint64_t n, struct err *e)
{
	if (n >= r->kept && crc32c(0, shb, r->kept) != r->crc_kept)
		return err_set(e, ERR_DIGEST, "manifest or signature damaged");
	if (n == r->length && crc32c(0, shb + r->kept, n - r->kept) != r->crc_rest)
		return err_set(e, ERR_DIGEST, "slots or payload damaged");
	return 0;
}

int
journal_read(struct journal *j, const char *id, const struct spool_place *at, uint64_t n,
	     struct buf *out, struct err *e)
{
	struct buf b = {0};
	struct record r;
	int fd = j->fd, rc = -1;
	bool grows = at->segment == j->segment && j->fd >= 0; /* open already */

	if (at->offset < JOURNAL_HEADER || n > at->length)
		return err_set(e, ERR_DIGEST, "no such place in the journal");
	if (!grows && segment_open(j, at->segment, O_RDONLY, &fd, e) < 0)
		return -1;
	if (disk_read(fd, at->offset - JOURNAL_HEADER, JOURNAL_HEADER + n, &b, e) < 0 ||
	    header_parse(b.data, &r, e) < 0 || record_matches(&r, id, at, e) < 0 ||
	    record_check(&r, b.data + JOURNAL_HEADER, n, e) < 0) {
		err_wrap(e, "journal: segment %" PRIu32 " offset %" PRIu64, at->segment,
			 at->offset);
		goto out;
	}
	buf_add(out, b.data + JOURNAL_HEADER, n);
	rc = 0;
out:
	if (!grows)
		close(fd);
	buf_free(&b);
	return rc;
}

int
journal_erase(struct journal *j, const struct spool_place *at, struct err *e)
{
	if (j->erased_fd >= 0 && j->erased != at->segment)
		sync_erased(j);
	if (j->erased_fd < 0 && segment_open(j, at->segment, O_RDWR, &j->erased_fd, e) < 0) {
		j->erased_fd = -1;
		return -1;
	}
	j->erased = at->segment;
	return disk_punch(j->erased_fd, at->offset + at->kept, at->length - at->kept, e);
}

int
journal_erased(struct journal *j, const struct spool_place *at, struct err *e)
{
	struct buf rest = {0};
	int fd, rc;

	if (segment_open(j, at->segment, O_RDONLY, &fd, e) < 0)
		return -1;
	rc = disk_read(fd, at->offset + at->kept, (size_t)(at->length - at->kept), &rest, e);
	for (size_t i = 0; rc == 0 && i < rest.len; i++)
		if (rest.data[i] != 0)
			rc = err_set(e, ERR_DIGEST,
				     "journal: byte %zu of slots and payload is there still", i);
	close(fd);
	buf_free(&rest);
	return rc;
}

struct walk {
	struct journal *j;
	int (*row)(void *, const char *, const struct spool_place *);
	void *ctx;
	struct err *e;
};

static int
walk_records(struct walk *w, int fd, uint32_t segment, struct buf *b)
{
	static const uint8_t zero[JOURNAL_HEADER];
	struct spool_place at = {.segment = segment};
	struct record r;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(w->e, "journal");
	for (uint64_t pos = 0; pos + JOURNAL_HEADER <= (uint64_t)st.st_size;) {
		buf_clear(b);
		if (disk_read(fd, pos, JOURNAL_HEADER, b, w->e) < 0)
			return -1;
		if (memcmp(b->data, zero, sizeof zero) == 0)
			return 0; /* the rest was never written */
		at.offset = pos + JOURNAL_HEADER;
		if (header_parse(b->data, &r, NULL) < 0 || r.segment != segment ||
		    r.offset != at.offset || r.length > (uint64_t)st.st_size)
			return w->row(w->ctx, "", &at);
		at.length = r.length;
		at.kept = r.kept;
		if (w->row(w->ctx, r.id, &at) < 0)
			return -1;
		pos = round_up(at.offset + at.length);
	}
	return 0;
}

int
journal_walk(struct journal *j, uint32_t segment,
	     int (*row)(void *, const char *, const struct spool_place *), void *ctx, struct err *e)
{
	struct walk w = {j, row, ctx, e};
	struct buf b = {0};
	int fd, rc;

	if (segment_open(j, segment, O_RDONLY, &fd, e) < 0)
		return -1;
	rc = walk_records(&w, fd, segment, &b);
	close(fd);
	buf_free(&b);
	return rc;
}
