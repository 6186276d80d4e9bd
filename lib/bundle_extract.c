/* bundle_extract.c - a bundle opened: payload -> decrypted -> unpacked -> checked -> a folder. Runs
 * in: client. Owns: the folder under way. Trusts: nothing inside before its digest was compared. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ahead.h"
#include "file_in.h"
#include "safehand/bundle_file.h"
#include "safehand/lane.h"
#include "safehand/unpack.h"
#include "safehand/unseal.h"

#define SEALED_BYTES (CHUNK_BYTES + CHUNK_OVERHEAD)
#define ASIDE_BYTES  (1024 * 1024) /* a payload that is longer is unsealed by a thread */

_Static_assert(AHEAD_BYTES >= CHUNK_BYTES, "a chunk is a portion");

/* The payload on its way from the file to plaintext: the thread's of ahead.h. */
struct unsealing {
	const struct bundle_file *b;
	struct unseal *unseal;
	struct lane *content;
	uint64_t at;	/* bytes of the payload read so far */
	uint8_t *plain; /* where the next chunk of plaintext goes */
	size_t nplain;
	bool ended; /* unsealed to its end */
	uint8_t sealed[SEALED_BYTES];
};

struct opening {
	const struct bundle_file *b;
	const struct bundle_opening *o;
	struct unsealing u;
	struct ahead *ahead;
	bool broken; /* the payload cannot be unsealed */
	struct unpack *unpack;
	struct cover *cover;
	bool *found; /* heap: which documents of the cover sheet have come */
};

/* --- the payload as a source of plaintext --- */

static int
one_chunk(void *ctx, const void *p, size_t n, struct err *e)
{
	struct unsealing *u = ctx;

	lane_add(u->content, p, n);
	memcpy(u->plain, p, n);
	u->nplain = n;
	return 0;
}

/* The stream's header, then whole chunks: so each portion gives at most one chunk of plaintext. */
static int
read_sealed(struct unsealing *u, size_t *n, struct err *e)
{
	uint64_t left = u->b->head.payload_bytes - u->at;
	size_t want = u->at == 0 ? STREAM_HEADER_BYTES : SEALED_BYTES, have = 0;
	off_t start = (off_t)(bundle_head_bytes(&u->b->head) + u->at);

	want = left < want ? (size_t)left : want;
	while (have < want) {
		ssize_t r = pread(u->b->fd, u->sealed + have, want - have, start + (off_t)have);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? err_sys(e, "bundle")
				     : err_set(e, ERR_DIGEST, "bundle: its payload is cut short");
		have += (size_t)r;
	}
	file_forget(u->b->fd, (uint64_t)start, have);
	u->at += have;
	*n = have;
	return 0;
}

static int
unseal_some(struct unsealing *u, struct err *e)
{
	size_t n = 0;

	if (read_sealed(u, &n, e) < 0)
		return -1;
	u->ended = n == 0;
	return u->ended ? unseal_end(u->unseal, e) : unseal_add(u->unseal, u->sealed, n, e);
}

/* An ahead_make. */
static int
make_plain(void *ctx, uint8_t *out, size_t *n, uint64_t *mark, struct err *e)
{
	struct unsealing *u = ctx;

	u->plain = out;
	u->nplain = 0;
	while (u->nplain == 0 && !u->ended)
		if (unseal_some(u, e) < 0)
			return -1;
	*n = u->nplain;
	*mark = u->at;
	return 0;
}

static int
next_plain(void *ctx, const void **p, size_t *n, struct err *e)
{
	struct opening *x = ctx;
	const uint8_t *plain;
	uint64_t at;

	if (ahead_next(x->ahead, &plain, n, &at, e) < 0) {
		x->broken = true;
		return -1;
	}
	*p = plain;
	if (x->o->progress != NULL && x->o->progress(x->o->ctx, at, x->b->head.payload_bytes) < 0) {
		x->broken = true;
		return err_set(e, ERR_SYSTEM, "interrupted");
	}
	return 0;
}

/* What was refused inside is still authentic content, whose digest the recipient may sign. */
static bool
has_whole_content(struct opening *x, enum err_code why)
{
	const void *p;
	size_t n = 1;
	struct err none;

	if (why != ERR_ARCHIVE && why != ERR_DIGEST && why != ERR_FORMAT && why != ERR_LIMIT)
		return false;
	while (!x->broken && n > 0)
		if (next_plain(x, &p, &n, &none) < 0)
			return false;
	return !x->broken;
}

/* --- the archive against the cover sheet --- */

static int
write_cover(const struct buf *text, int dir_fd, struct err *e)
{
	int fd =
	    openat(dir_fd, COVER_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return err_sys(e, COVER_NAME);
	rc = file_write(fd, text->data, text->len, COVER_NAME, e);
	if (rc == 0 && fdatasync(fd) < 0)
		rc = err_sys(e, COVER_NAME);
	close(fd);
	return rc;
}

static int
take_cover(struct opening *x, int dir_fd, struct err *e)
{
	char name[DOCUMENT_NAME_MAX + 1];
	struct buf text = {0};
	uint64_t size;
	int rc = unpack_next(x->unpack, name, &size, e);

	if (rc == 0)
		rc = err_set(e, ERR_ARCHIVE, "archive: empty");
	if (rc == 1 && unpack_text(x->unpack, &text, e) == 0 &&
	    cover_parse(text.data, text.len, &x->cover, e) == 0 &&
	    cover_match(x->cover, x->b->manifest, e) == 0)
		rc = write_cover(&text, dir_fd, e);
	else
		rc = -1;
	buf_free(&text);
	return rc;
}

static int
find(const struct opening *x, const char *name, size_t *i, struct err *e)
{
	for (*i = 0; *i < cover_documents(x->cover); ++*i)
		if (strcmp(cover_document(x->cover, *i)->name, name) == 0)
			return 0;
	return err_set(e, ERR_ARCHIVE, "archive: '%s' is not on the cover sheet", name);
}

static int
take_document(struct opening *x, const char *name, uint64_t size, int dir_fd, struct err *e)
{
	const struct cover_document *d;
	uint8_t got[DIGEST_BYTES];
	size_t i;

	if (find(x, name, &i, e) < 0)
		return -1;
	d = cover_document(x->cover, i);
	x->found[i] = true;
	if (size != d->size)
		return err_set(e, ERR_DIGEST,
			       "archive: '%s': %llu bytes, its cover sheet says %llu", name,
			       (unsigned long long)size, (unsigned long long)d->size);
	if (unpack_file(x->unpack, dir_fd, got, e) < 0)
		return -1;
	if (memcmp(got, d->sha256, DIGEST_BYTES) != 0)
		return err_set(e, ERR_DIGEST,
			       "archive: '%s' is not the document of its cover sheet", name);
	return 0;
}

static int
take_documents(struct opening *x, int dir_fd, struct err *e)
{
	char name[DOCUMENT_NAME_MAX + 1];
	uint64_t size;
	int rc;

	x->found = mem_alloc(cover_documents(x->cover) * sizeof *x->found);
	while ((rc = unpack_next(x->unpack, name, &size, e)) == 1)
		if (take_document(x, name, size, dir_fd, e) < 0)
			return -1;
	for (size_t i = 0; rc == 0 && i < cover_documents(x->cover); i++)
		if (!x->found[i])
			return err_set(e, ERR_ARCHIVE,
				       "archive: '%s' of the cover sheet is missing",
				       cover_document(x->cover, i)->name);
	return rc;
}

/* --- the folder --- */

/* What an earlier try left behind when it was cut off: a flat folder of ours. */
static void
remove_folder(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (d != NULL) {
		while ((entry = readdir(d)) != NULL)
			unlinkat(fd, entry->d_name, 0); /* fails for "." and "..", as it should */
		closedir(d);
	} else if (fd >= 0) {
		close(fd);
	}
	unlinkat(dir_fd, name, AT_REMOVEDIR);
}

static int
make_folder(int dir_fd, const char *name, struct err *e)
{
	int fd;

	remove_folder(dir_fd, name);
	if (mkdirat(dir_fd, name, 0700) < 0)
		return err_sys(e, "%s", name);
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : err_sys(e, "%s", name);
}

static int
fill_folder(struct opening *x, int folder, struct err *e)
{
	if (take_cover(x, folder, e) < 0 || take_documents(x, folder, e) < 0)
		return -1;
	return fsync(folder) == 0 ? 0 : err_sys(e, "the new folder");
}

static int
extract(struct opening *x, int dir_fd, const char *name, struct err *e)
{
	char part[FILE_TEMP_TEXT];
	int folder, rc;

	snprintf(part, sizeof part, ".%s.part", name);
	if ((folder = make_folder(dir_fd, part, e)) < 0)
		return -1;
	rc = fill_folder(x, folder, e);
	close(folder);
	if (rc == 0)
		rc = file_rename(dir_fd, part, name, e);
	if (rc < 0) {
		remove_folder(dir_fd, part);
		return -1;
	}
	return fsync(dir_fd) == 0 ? 0 : err_sys(e, "the folder of %s", name);
}

static int
check_target(int dir_fd, const char *name, struct err *e)
{
	struct stat st;

	if (!name_is_document(name))
		return err_set(e, ERR_USAGE, "'%s' cannot be a folder's name", name);
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(e, ERR_CONFLICT, "%s: is there already", name);
	return 0;
}

/* Up to the first byte of the archive. */
static int
begin(struct opening *x, struct err *e)
{
	const struct bundle_opening *o = x->o;

	x->u.b = x->b;
	x->u.content = lane_new();
	if (unseal_begin(o->slot, o->x25519_secret, x->b->manifest->key_commitment, one_chunk,
			 &x->u, &x->u.unseal, e) < 0)
		return -1;
	x->ahead = ahead_new(make_plain, &x->u, x->b->head.payload_bytes > ASIDE_BYTES);
	return unpack_begin(next_plain, x, o->max_bytes, &x->unpack, e);
}

static void
finish(struct opening *x)
{
	unpack_free(x->unpack);
	ahead_free(x->ahead); /* before what its thread uses */
	unseal_free(x->u.unseal);
	lane_free(x->u.content);
	cover_free(x->cover);
	free(x->found);
	explicit_bzero(x->u.sealed, sizeof x->u.sealed);
	free(x);
}

int
bundle_file_extract(const struct bundle_file *b, const struct bundle_opening *o, int dir_fd,
		    const char *name, struct cover **cover,
		    uint8_t content_sha256[static DIGEST_BYTES], bool *has_content, struct err *e)
{
	struct opening *x = mem_alloc(sizeof *x);
	struct err why = {0};
	int rc = -1;

	x->b = b;
	x->o = o;
	*has_content = false;
	if (check_target(dir_fd, name, &why) == 0 && begin(x, &why) == 0) {
		rc = extract(x, dir_fd, name, &why);
		*has_content = rc == 0 || has_whole_content(x, why.code);
		ahead_stop(x->ahead);
		lane_get(x->u.content, content_sha256);
	}
	if (rc == 0) {
		*cover = x->cover;
		x->cover = NULL;
	} else if (e != NULL) {
		*e = why;
	}
	finish(x);
	return rc;
}
