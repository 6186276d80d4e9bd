/* bundle_write.c - a bundle made from documents. Runs in: client. Owns: the file under way and its
 * payload, which has no name. Trusts: its caller for the recipients' certificates, no document to
 * stay as it was. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_in.h"
#include "safehand/bundle_file.h"
#include "safehand/digest.h"
#include "safehand/lane.h"
#include "safehand/media.h"
#include "safehand/pack.h"
#include "safehand/seal.h"

#define READ_BYTES (256 * 1024) /* of a document at a time */
#define SIGN_TRIES 64		/* a foreseen length comes up every second to fourth time */

/* A document as it was when its digest was taken. */
struct seen {
	struct stat st;
};

struct writing {
	const struct bundle_order *order;
	struct cover_document *documents; /* heap, order->ndocuments */
	struct seen *seen;		  /* heap, likewise */
	uint64_t done, total;		  /* bytes of documents packed, and of all */
	struct new_file payload; /* the payload, with room for a head of place bytes before it */
	size_t place, foreseen;	 /* foreseen: bytes of the manifest */
	struct lane *payload_digest;
	uint64_t payload_bytes;
	struct seal *seal;
	struct pack *pack;
	struct buf cover, slots, manifest, signature;
	uint8_t *block; /* heap, READ_BYTES */
};

/* --- the order --- */

static int
check_order(const struct bundle_order *o, struct err *e)
{
	if (o->ndocuments > DOCUMENTS_MAX)
		return err_set(e, ERR_LIMIT, "%zu documents, limit %d", o->ndocuments,
			       DOCUMENTS_MAX);
	if (o->nsigners < 1 || o->nsigners > SIGNERS_MAX)
		return err_set(e, ERR_USAGE, "%zu signers: want 1 to %d", o->nsigners, SIGNERS_MAX);
	if (o->manifest->nto < 1 || o->manifest->nto > RECIPIENTS_MAX)
		return err_set(e, ERR_USAGE, "%zu recipients: want 1 to %d", o->manifest->nto,
			       RECIPIENTS_MAX);
	for (size_t i = 0; i < o->manifest->nto; i++) /* sealed for another: given away */
		if (o->keys[i].profile != PROFILE_AGENCY_SEAL ||
		    strcmp(o->keys[i].name, o->manifest->to[i].mailbox) != 0)
			return err_set(e, ERR_PROFILE, "%s: its certificate is for %s",
				       o->manifest->to[i].mailbox, o->keys[i].by);
	return 0;
}

static int
take_names(const struct bundle_document *in, struct cover_document *out, struct err *e)
{
	const char *slash = strrchr(in->path, '/');
	const char *name = in->name != NULL ? in->name : slash != NULL ? slash + 1 : in->path;
	const char *type = in->type != NULL ? in->type : cover_media_type(name);

	if (!name_is_document(name))
		return err_set(e, ERR_ARCHIVE, "%s: '%s' cannot be a document's name", in->path,
			       name);
	if (strlen(type) >= sizeof out->type)
		return err_set(e, ERR_LIMIT, "%s: media type of %zu bytes, limit %zu", in->path,
			       strlen(type), sizeof out->type - 1);
	strcpy(out->name, name);
	strcpy(out->type, type);
	return 0;
}

static int
open_document(const char *path, struct stat *st, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a fifo must not hold us up */

	if (fd < 0 || fstat(fd, st) < 0) {
		err_sys(e, "%s", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (S_ISREG(st->st_mode))
		return fd;
	close(fd);
	return err_set(e, ERR_USAGE, "%s: no regular file", path);
}

static int
tell(const struct writing *w, struct err *e)
{
	const struct bundle_order *o = w->order;

	if (o->progress != NULL && o->progress(o->ctx, w->done, w->total) < 0)
		return err_set(e, ERR_SYSTEM, "interrupted");
	return 0;
}

/* Gives all bytes of fd to take. */
static int
each_block(struct writing *w, int fd, const char *path,
	   int (*take)(struct writing *w, const void *p, size_t n, void *ctx, struct err *e),
	   void *ctx, struct err *e)
{
	ssize_t n;

	while ((n = read(fd, w->block, READ_BYTES)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "%s", path);
		if (take(w, w->block, (size_t)n, ctx, e) < 0 || tell(w, e) < 0)
			return -1;
	}
	return 0;
}

/* What a first reading finds out of a document. */
struct look {
	struct lane *digest;
	struct media *media;
};

static int
to_look(struct writing *w, const void *p, size_t n, void *ctx, struct err *e)
{
	struct look *look = ctx;

	lane_add(look->digest, p, n);
	media_add(look->media, p, n);
	return 0;
}

/* Size and digest: the cover sheet, which goes ahead, names them. And it is what its type says. */
static int
survey_one(struct writing *w, size_t i, struct err *e)
{
	const struct bundle_document *in = &w->order->documents[i];
	struct cover_document *out = &w->documents[i];
	struct look look;
	int fd, rc;

	if (take_names(in, out, e) < 0 || (fd = open_document(in->path, &w->seen[i].st, e)) < 0)
		return -1;
	look = (struct look){lane_new(), media_new(out->type)};
	rc = each_block(w, fd, in->path, to_look, &look, e);
	if (rc == 0)
		rc = media_end(look.media, in->path, e);
	lane_get(look.digest, out->sha256);
	lane_free(look.digest);
	media_free(look.media);
	close(fd);
	out->size = (uint64_t)w->seen[i].st.st_size;
	w->total += out->size;
	return rc;
}

static int
survey(struct writing *w, struct err *e)
{
	size_t n = w->order->ndocuments;

	w->documents = mem_alloc(n * sizeof *w->documents);
	w->seen = mem_alloc(n * sizeof *w->seen);
	for (size_t i = 0; i < n; i++)
		if (survey_one(w, i, e) < 0)
			return -1;
	if (w->total > DOCUMENTS_TOTAL_MAX)
		return err_set(e, ERR_LIMIT, "documents of %llu bytes, limit %llu",
			       (unsigned long long)w->total,
			       (unsigned long long)DOCUMENTS_TOTAL_MAX);
	return cover_complete(w->order->cover, w->order->manifest, w->documents, n, &w->cover, e);
}

/* --- the payload: documents -> pack -> seal -> file --- */

static int
to_payload(void *ctx, const void *p, size_t n, struct err *e)
{
	struct writing *w = ctx;

	lane_add(w->payload_digest, p, n);
	if (file_write(w->payload.fd, p, n, "the payload", e) < 0)
		return -1;
	file_start_sync(w->payload.fd, w->place + w->payload_bytes, n);
	w->payload_bytes += n;
	return 0;
}

static int
to_seal(void *ctx, const void *p, size_t n, struct err *e)
{
	struct writing *w = ctx;

	return seal_add(w->seal, p, n, e);
}

static int
to_pack(struct writing *w, const void *p, size_t n, void *ctx, struct err *e)
{
	w->done += n;
	return pack_data(w->pack, p, n, e);
}

static bool
is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int
pack_document(struct writing *w, size_t i, struct err *e)
{
	const char *path = w->order->documents[i].path;
	struct stat now;
	int fd, rc;

	if ((fd = open_document(path, &now, e)) < 0)
		return -1;
	rc = pack_entry(w->pack, w->documents[i].name, w->documents[i].size, e);
	if (rc == 0)
		rc = each_block(w, fd, path, to_pack, NULL, e);
	if (rc == 0 && fstat(fd, &now) < 0)
		rc = err_sys(e, "%s", path);
	if (rc == 0 && !is_unchanged(&w->seen[i].st, &now))
		rc = err_set(e, ERR_DIGEST, "%s: changed while it was read: send again", path);
	close(fd);
	return rc;
}

static int
pack_all(struct writing *w, struct err *e)
{
	if (pack_begin(to_seal, w, &w->pack, e) < 0 ||
	    pack_entry(w->pack, COVER_NAME, w->cover.len, e) < 0 ||
	    pack_data(w->pack, w->cover.data, w->cover.len, e) < 0)
		return -1;
	for (size_t i = 0; i < w->order->ndocuments; i++)
		if (pack_document(w, i, e) < 0)
			return -1;
	return pack_end(w->pack, e) < 0 || seal_end(w->seal, e) < 0 ? -1 : 0;
}

static int
seal_slots(struct writing *w, struct err *e)
{
	const struct bundle_order *o = w->order;
	uint8_t slot[SLOT_BYTES];

	for (size_t i = 0; i < o->manifest->nto; i++) {
		if (seal_slot(w->seal, o->keys[i].x25519, slot, e) < 0)
			return err_wrap(e, "%s", o->manifest->to[i].mailbox);
		buf_add(&w->slots, slot, sizeof slot);
		memcpy(o->manifest->to[i].key, o->keys[i].cert, DIGEST_BYTES);
	}
	return 0;
}

/* --- where the payload begins --- */

/* The length of a signature varies by some bytes: one that came twice running comes again. */
static int
usual_signature(const struct writing *w, const struct buf *text, size_t *usual, struct err *e)
{
	struct buf der = {0};
	size_t last;
	int rc = 0;

	for (int i = 0; i < SIGN_TRIES && rc == 0; i++) {
		last = der.len;
		buf_clear(&der);
		rc = signature_sign(text->data, text->len, w->order->signers, w->order->nsigners,
				    &der, e);
		if (der.len == last)
			break;
	}
	*usual = der.len;
	buf_free(&der);
	return rc;
}

/* The head's likely length. The payload is written behind it, and need not be copied if it comes
 * true: recordings do not compress, so the digits of payload_bytes can be told, too. */
static int
foresee(struct writing *w, struct err *e)
{
	struct manifest *m = w->order->manifest;
	struct buf text = {0};
	size_t signature = 0;
	int rc;

	m->payload_bytes = w->total + w->total / CHUNK_BYTES * CHUNK_OVERHEAD + w->cover.len;
	rc = manifest_format(m, &text, e);
	if (rc == 0)
		rc = usual_signature(w, &text, &signature, e);
	w->foreseen = text.len;
	w->place = BUNDLE_FIXED_BYTES + text.len + signature + m->nto * SLOT_BYTES;
	buf_free(&text);
	return rc;
}

static int
make_payload(struct writing *w, int dir_fd, const char *name, struct err *e)
{
	w->payload_digest = lane_new();
	if (foresee(w, e) < 0 || file_begin(&w->payload, dir_fd, name, e) < 0)
		return -1;
	if (lseek(w->payload.fd, (off_t)w->place, SEEK_SET) < 0)
		return err_sys(e, "%s", name);
	if (seal_begin(to_payload, w, &w->seal, e) < 0)
		return -1;
	return seal_slots(w, e) < 0 || pack_all(w, e) < 0 ? -1 : 0;
}

/* --- the head, and all together --- */

static size_t
head_bytes(const struct writing *w)
{
	return BUNDLE_FIXED_BYTES + w->manifest.len + w->signature.len + w->slots.len;
}

/* Signed again, unless in vain, until the payload is where it should be. */
static int
sign(struct writing *w, struct err *e)
{
	for (int i = 0; i < SIGN_TRIES; i++) {
		buf_clear(&w->signature);
		if (signature_sign(w->manifest.data, w->manifest.len, w->order->signers,
				   w->order->nsigners, &w->signature, e) < 0)
			return -1;
		if (head_bytes(w) == w->place || w->manifest.len != w->foreseen)
			break;
	}
	return 0;
}

static int
make_head(struct writing *w, struct err *e)
{
	struct manifest *m = w->order->manifest, *again = NULL;

	digest_of(w->slots.data, w->slots.len, m->slots_sha256);
	lane_get(w->payload_digest, m->payload_sha256);
	seal_commitment(w->seal, m->key_commitment);
	m->payload_bytes = w->payload_bytes;
	/* what the gateway would refuse is refused here, before anybody signs it */
	if (manifest_format(m, &w->manifest, e) < 0 ||
	    manifest_parse(w->manifest.data, w->manifest.len, &again, e) < 0)
		return -1;
	manifest_free(again);
	return sign(w, e);
}

static int
write_head(const struct writing *w, int fd, const char *name, struct err *e)
{
	struct bundle_head head = {(uint32_t)w->manifest.len, (uint32_t)w->signature.len,
				   (uint32_t)w->slots.len, w->payload_bytes};
	uint8_t fixed[BUNDLE_FIXED_BYTES];

	bundle_head_format(&head, fixed);
	if (bundle_head_parse(fixed, &head, e) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "%s", name);
	return file_write(fd, fixed, sizeof fixed, name, e) < 0 ||
		       file_write(fd, w->manifest.data, w->manifest.len, name, e) < 0 ||
		       file_write(fd, w->signature.data, w->signature.len, name, e) < 0 ||
		       file_write(fd, w->slots.data, w->slots.len, name, e) < 0
		   ? -1
		   : 0;
}

static int
assemble(struct writing *w, int dir_fd, const char *name, struct err *e)
{
	struct new_file f = {.fd = -1};
	int rc = -1;

	if (head_bytes(w) == w->place)
		return write_head(w, w->payload.fd, name, e) < 0
			   ? -1
			   : file_commit(&w->payload, name, false, e);
	if (file_begin(&f, dir_fd, name, e) < 0)
		return -1;
	if (write_head(w, f.fd, name, e) == 0 &&
	    file_copy(w->payload.fd, w->place, f.fd, w->payload_bytes, e) == 0)
		rc = file_commit(&f, name, false, e);
	file_abort(&f);
	return rc;
}

int
bundle_write(const struct bundle_order *order, int dir_fd, const char *name, struct err *e)
{
	struct writing w = {.order = order, .payload = {.fd = -1}};
	int rc = -1;

	if (check_order(order, e) < 0)
		return -1;
	if (faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) /* before the work */
		return err_set(e, ERR_CONFLICT, "%s: is there already", name);
	w.block = mem_alloc(READ_BYTES);
	if (survey(&w, e) == 0 && make_payload(&w, dir_fd, name, e) == 0 && make_head(&w, e) == 0)
		rc = assemble(&w, dir_fd, name, e);
	file_abort(&w.payload);
	pack_free(w.pack);
	seal_free(w.seal);
	lane_free(w.payload_digest);
	buf_free(&w.cover);
	buf_free(&w.slots);
	buf_free(&w.manifest);
	buf_free(&w.signature);
	free(w.documents);
	free(w.seen);
	explicit_bzero(w.block, READ_BYTES);
	free(w.block);
	return rc;
}
