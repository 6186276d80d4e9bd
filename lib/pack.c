/* pack.c - documents into a tar with zstd. Runs in: client. A door to libarchive. Owns: nothing but
 * the archive under way; its bytes leave through the sink as they come. */
#include <stdbool.h>
#include <stdlib.h>

#include <archive.h>
#include <archive_entry.h>

#include "safehand/buf.h"
#include "safehand/name.h"
#include "safehand/pack.h"

/* Scans and recordings do not compress: level 1 passes them on at a gigabyte a second and packs
 * text nearly as well as the default, 3. */
#define LEVEL	 "1"
#define MODE	 0644
#define FILL_MAX (16 * 1024 * 1024) /* bytes of zeros: some milliseconds */

struct pack {
	struct archive *a;
	struct archive_entry *entry;
	pack_sink *sink;
	void *ctx;
	uint64_t left;	/* bytes that the entry still lacks */
	struct err why; /* of the sink */
	bool given_up;	/* nothing more goes to the sink */
};

static la_ssize_t
give(struct archive *a, void *ctx, const void *bytes, size_t n)
{
	struct pack *p = ctx;

	if (p->given_up)
		return (la_ssize_t)n;
	return p->sink(p->ctx, bytes, n, &p->why) == 0 ? (la_ssize_t)n : -1;
}

/* What stopped it: the sink, or libarchive. A warning counts: it says that a header is not as told.
 */
static int
failed(const struct pack *p, const char *what, struct err *e)
{
	const char *text = archive_error_string(p->a);

	if (p->why.code != ERR_OK)
		return err_set(e, p->why.code, "%s", p->why.text);
	return err_set(e, ERR_ARCHIVE, "%s: %s", what, text != NULL ? text : "refused");
}

int
pack_begin(pack_sink *sink, void *ctx, struct pack **out, struct err *e)
{
	struct pack *p = mem_alloc(sizeof *p);

	p->sink = sink;
	p->ctx = ctx;
	p->a = archive_write_new();
	p->entry = archive_entry_new();
	/* blocks of 0 bytes: unbuffered, and no padding after the zstd frame */
	if (p->a == NULL || p->entry == NULL ||
	    archive_write_set_format_pax_restricted(p->a) != ARCHIVE_OK ||
	    archive_write_add_filter_zstd(p->a) != ARCHIVE_OK ||
	    archive_write_set_filter_option(p->a, "zstd", "compression-level", LEVEL) !=
		ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(p->a, 0) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(p->a, 1) != ARCHIVE_OK ||
	    archive_write_open2(p->a, p, NULL, give, NULL, NULL) != ARCHIVE_OK) {
		pack_free(p);
		return err_set(e, ERR_SYSTEM, "archive: libarchive does not start");
	}
	*out = p;
	return 0;
}

static int
entry_is_whole(const struct pack *p, struct err *e)
{
	return p->left == 0 ? 0
			    : err_set(e, ERR_DIGEST,
				      "archive: %llu bytes fewer than the entry's size: the file "
				      "changed while it was read",
				      (unsigned long long)p->left);
}

int
pack_entry(struct pack *p, const char *name, uint64_t size, struct err *e)
{
	if (entry_is_whole(p, e) < 0)
		return -1;
	if (!name_is_document(name))
		return err_set(e, ERR_ARCHIVE,
			       "'%s' cannot be a document's name: want 1 to %d "
			       "bytes of UTF-8 without slashes and control characters",
			       name, DOCUMENT_NAME_MAX);
	if (size > INT64_MAX)
		return err_set(e, ERR_LIMIT, "%s: too long", name);
	archive_entry_clear(p->entry);
	archive_entry_set_pathname(p->entry, name);
	archive_entry_set_filetype(p->entry, AE_IFREG);
	archive_entry_set_perm(p->entry, MODE);
	archive_entry_set_size(p->entry, (la_int64_t)size);
	archive_entry_set_mtime(p->entry, 0, 0);
	if (archive_write_header(p->a, p->entry) != ARCHIVE_OK)
		return failed(p, name, e);
	p->left = size;
	return 0;
}

int
pack_data(struct pack *p, const void *bytes, size_t n, struct err *e)
{
	if (n > p->left)
		return err_set(e, ERR_DIGEST,
			       "archive: more bytes than the entry's size: the file "
			       "changed while it was read");
	if (n > 0 && archive_write_data(p->a, bytes, n) != (la_ssize_t)n)
		return failed(p, "archive", e);
	p->left -= n;
	return 0;
}

int
pack_end(struct pack *p, struct err *e)
{
	if (entry_is_whole(p, e) < 0)
		return -1;
	return archive_write_close(p->a) == ARCHIVE_OK ? 0 : failed(p, "archive", e);
}

/* libarchive ends on its own what was not ended: to nowhere. Where it would have much to fill up,
 * it is made to fail instead, which costs 33 bytes that it forgets to free. */
void
pack_free(struct pack *p)
{
	if (p == NULL)
		return;
	p->given_up = true;
	if (p->a != NULL && p->left > FILL_MAX)
		archive_write_fail(p->a);
	archive_write_free(p->a);
	archive_entry_free(p->entry);
	free(p);
}
