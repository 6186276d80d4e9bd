/* unpack.c - documents out of an archive. Runs in: client. A door to libarchive. Owns: the files
 * that it makes. Trusts: no name, size or kind; libarchive only to keep to its own memory. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "safehand/cover.h"
#include "safehand/lane.h"
#include "safehand/name.h"
#include "safehand/unpack.h"
#include "file_in.h"
#include "zstd_frame.h"

/* Documents are written in whole pages: the archive's blocks begin anywhere in them, which makes
 * the kernel's copying ten times slower (measured). */
#define WRITE_BYTES (256 * 1024)
#define PAGE_BYTES  4096

struct unpack {
	struct archive *a;
	struct archive_entry *entry;
	unpack_source *source;
	void *ctx;
	struct zstd_frame frame;
	bool opened;	      /* the first bytes have been asked for */
	uint64_t packed;      /* bytes of source so far */
	uint64_t total, max;  /* bytes of all documents so far, and how many there may be */
	uint64_t size, taken; /* of the entry */
	char (*names)[DOCUMENT_NAME_MAX + 1]; /* heap, nnames of them */
	size_t nnames;
	struct err why; /* of the source */
	uint8_t *block; /* heap, WRITE_BYTES; the first waiting of it are not yet written */
	size_t waiting;
};

static int
check_expansion(const struct unpack *u, uint64_t unpacked, struct err *e)
{
	if (unpacked > EXPANSION_FREE && unpacked / EXPANSION_MAX > u->packed)
		return err_set(e, ERR_ARCHIVE,
			       "archive: %llu bytes unpack to more than %d times as many",
			       (unsigned long long)u->packed, EXPANSION_MAX);
	return 0;
}

/* The next bytes, after a look at what libarchive does not look at. */
static int
pull(struct unpack *u, const void **bytes, size_t *n)
{
	la_int64_t unpacked = u->opened ? archive_filter_bytes(u->a, 0) : 0;

	/* zeros behind the archive's end are no document's, but must be read through, too */
	if (unpacked > 0 && check_expansion(u, (uint64_t)unpacked, &u->why) < 0)
		return -1;
	if (u->source(u->ctx, bytes, n, &u->why) < 0)
		return -1;
	u->packed += *n;
	if (*n > 0)
		return zstd_frame_add(&u->frame, *bytes, *n, &u->why);
	if (!zstd_frame_is_done(&u->frame))
		return err_set(&u->why, ERR_ARCHIVE, "archive: ends too early");
	return 0;
}

static la_ssize_t
take(struct archive *a, void *ctx, const void **bytes)
{
	struct unpack *u = ctx;
	size_t n = 0;

	if (u->why.code != ERR_OK || pull(u, bytes, &n) < 0)
		return -1;
	return (la_ssize_t)n;
}

static int
failed(const struct unpack *u, struct err *e)
{
	const char *text = archive_error_string(u->a);

	if (u->why.code != ERR_OK)
		return err_set(e, u->why.code, "%s", u->why.text);
	return err_set(e, ERR_ARCHIVE, "archive: %s", text != NULL ? text : "refused");
}

int
unpack_begin(unpack_source *source, void *ctx, uint64_t max_bytes, struct unpack **out,
	     struct err *e)
{
	struct unpack *u = mem_alloc(sizeof *u);

	u->source = source;
	u->ctx = ctx;
	u->max = max_bytes > 0 ? max_bytes : DOCUMENTS_TOTAL_MAX;
	u->a = archive_read_new();
	u->block = aligned_alloc(PAGE_BYTES, WRITE_BYTES);
	/* just this filter, once: by default libarchive peels layer after layer. It reads on behind
	 * the archive's end, so that nothing hides there. */
	if (u->a == NULL || u->block == NULL ||
	    archive_read_support_format_tar(u->a) != ARCHIVE_OK ||
	    archive_read_set_format_option(u->a, "tar", "read_concatenated_archives", "1") !=
		ARCHIVE_OK ||
	    archive_read_append_filter(u->a, ARCHIVE_FILTER_ZSTD) != ARCHIVE_OK) {
		unpack_free(u);
		return err_set(e, ERR_SYSTEM, "archive: libarchive does not start");
	}
	*out = u;
	return 0;
}

static int
refuse(const char *name, const char *why, struct err *e)
{
	return err_set(e, ERR_ARCHIVE, "archive: '%.*s': %s", DOCUMENT_NAME_MAX,
		       name != NULL ? name : "?", why);
}

static int
check_kind(struct archive_entry *entry, const char *name, struct err *e)
{
	if (name == NULL)
		return refuse(name, "a name that is no text (is LC_CTYPE a UTF-8 one?)", e);
	if (archive_entry_hardlink(entry) != NULL || archive_entry_symlink(entry) != NULL)
		return refuse(name, "a link", e);
	if (archive_entry_filetype(entry) != AE_IFREG)
		return refuse(name, "no regular file", e);
	if (archive_entry_sparse_count(entry) > 0)
		return refuse(name, "a sparse file", e);
	if (!archive_entry_size_is_set(entry) || archive_entry_size(entry) < 0)
		return refuse(name, "without a size", e);
	return 0;
}

static int
check_name(const struct unpack *u, const char *name, struct err *e)
{
	if (!name_is_document(name))
		return refuse(name, "no name for a document", e);
	if (u->nnames == 0 && strcmp(name, COVER_NAME) != 0)
		return refuse(name, "the first entry must be " COVER_NAME, e);
	if (u->nnames > DOCUMENTS_MAX)
		return err_set(e, ERR_ARCHIVE, "archive: more than %d documents", DOCUMENTS_MAX);
	for (size_t i = 0; i < u->nnames; i++)
		if (name_same_file(name, u->names[i]))
			return refuse(name, "stands twice", e);
	return 0;
}

static int
check_size(const struct unpack *u, const char *name, uint64_t size, struct err *e)
{
	if (u->nnames == 0 && size > COVER_MAX_BYTES)
		return refuse(name, "larger than a cover sheet may be", e);
	if (size > u->max - u->total)
		return err_set(e, ERR_ARCHIVE,
			       "archive: its documents have more than %llu bytes; a higher limit "
			       "must be asked for",
			       (unsigned long long)u->max);
	return 0;
}

/* The entry is as it should be: it counts from now on. */
static void
remember(struct unpack *u, const char *name, uint64_t size)
{
	u->names = mem_realloc(u->names, u->nnames + 1, sizeof *u->names);
	strcpy(u->names[u->nnames++], name); /* its length: name_is_document */
	u->size = size;
	u->taken = 0;
	u->total += size;
}

/* libarchive is at its end: so must the source be. */
static int
end(struct unpack *u, struct err *e)
{
	const void *p;
	size_t n;

	do {
		if (pull(u, &p, &n) < 0)
			return failed(u, e);
	} while (n > 0);
	return u->nnames > 0 ? 0 : err_set(e, ERR_ARCHIVE, "archive: empty");
}

static int
next_header(struct unpack *u, struct err *e)
{
	int r;

	if (!u->opened) {
		r = archive_read_open(u->a, u, NULL, take, NULL);
		u->opened = true;
		if (r != ARCHIVE_OK)
			return failed(u, e);
	}
	r = archive_read_next_header(u->a, &u->entry);
	if (r == ARCHIVE_EOF && u->why.code == ERR_OK)
		return 0;
	return r == ARCHIVE_OK ? 1 : failed(u, e);
}

int
unpack_next(struct unpack *u, char name[static DOCUMENT_NAME_MAX + 1], uint64_t *size,
	    struct err *e)
{
	const char *path;
	int r;

	if (u->taken != u->size)
		return err_set(e, ERR_INTERNAL, "archive: the entry before was not taken");
	r = next_header(u, e);
	if (r <= 0)
		return r < 0 ? -1 : end(u, e);
	path = archive_entry_pathname(u->entry);
	if (check_kind(u->entry, path, e) < 0 || check_name(u, path, e) < 0 ||
	    check_size(u, path, (uint64_t)archive_entry_size(u->entry), e) < 0)
		return -1;
	remember(u, path, (uint64_t)archive_entry_size(u->entry));
	strcpy(name, path);
	*size = u->size;
	return 1;
}

/* The entry's next bytes; *n = 0 at its end, when all have come. */
static int
block(struct unpack *u, const void **bytes, size_t *n, struct err *e)
{
	la_int64_t at = 0;
	int r = archive_read_data_block(u->a, bytes, n, &at);

	if (r == ARCHIVE_EOF) {
		*n = 0;
		return u->taken == u->size && u->why.code == ERR_OK ? 0 : failed(u, e);
	}
	if (r != ARCHIVE_OK)
		return failed(u, e);
	if (at < 0 || (uint64_t)at != u->taken || *n > u->size - u->taken)
		return err_set(e, ERR_ARCHIVE, "archive: a sparse file");
	u->taken += *n;
	return check_expansion(u, u->total - u->size + u->taken, e);
}

int
unpack_text(struct unpack *u, struct buf *out, struct err *e)
{
	const void *p;
	size_t n;

	do {
		if (block(u, &p, &n, e) < 0)
			return -1;
		buf_add(out, p, n);
	} while (u->taken < u->size);
	return 0;
}

static int
flush(struct unpack *u, int fd, uint64_t at, struct err *e)
{
	if (file_write(fd, u->block, u->waiting, "a document", e) < 0)
		return -1;
	file_start_sync(fd, at, u->waiting);
	u->waiting = 0;
	return 0;
}

/* n bytes more of the document, of which at are written or waiting. */
static int
put(struct unpack *u, int fd, const uint8_t *p, size_t n, uint64_t at, struct err *e)
{
	while (n > 0) {
		size_t room = WRITE_BYTES - u->waiting, take = n < room ? n : room;

		memcpy(u->block + u->waiting, p, take);
		u->waiting += take;
		p += take;
		n -= take;
		at += take;
		if (u->waiting == WRITE_BYTES && flush(u, fd, at - WRITE_BYTES, e) < 0)
			return -1;
	}
	return 0;
}

/* All blocks of the entry into fd (-1: nowhere) and d. */
static int
copy(struct unpack *u, int fd, struct lane *d, struct err *e)
{
	const void *p;
	size_t n;

	u->waiting = 0;
	while (u->taken < u->size) {
		if (block(u, &p, &n, e) < 0)
			return -1;
		lane_add(d, p, n);
		if (fd >= 0 && put(u, fd, p, n, u->taken - n, e) < 0)
			return -1;
	}
	if (fd < 0)
		return 0;
	if (flush(u, fd, u->size - u->waiting, e) < 0)
		return -1;
	return fdatasync(fd) == 0 ? 0 : err_sys(e, "a document cannot be synced");
}

int
unpack_file(struct unpack *u, int dir_fd, uint8_t sha256[static DIGEST_BYTES], struct err *e)
{
	const char *name = u->names[u->nnames - 1];
	struct lane *d;
	int fd = -1, rc;

	if (dir_fd >= 0 &&
	    (fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			 0600)) < 0)
		return err_sys(e, "%s", name);
	d = lane_new();
	rc = copy(u, fd, d, e);
	lane_get(d, sha256);
	lane_free(d);
	if (fd >= 0)
		close(fd);
	return rc;
}

void
unpack_free(struct unpack *u)
{
	if (u == NULL)
		return;
	archive_read_free(u->a);
	if (u->block != NULL)
		explicit_bzero(u->block, WRITE_BYTES);
	free(u->block);
	free(u->names);
	free(u);
}
