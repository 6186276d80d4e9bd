/* bundle_read.c - a bundle in a file: its head, its signatures, its payload's digest, one more
 * signer. Runs in: client. Owns: the file's descriptor. Trusts: no length. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_in.h"
#include "safehand/bundle_file.h"
#include "safehand/digest.h"
#include "safehand/lane.h"

#define READ_BYTES (256 * 1024) /* of the payload at a time */
#define SENDERS	   (PROFILE_BIT(PROFILE_AGENCY_SIGN) | PROFILE_BIT(PROFILE_PERSON_SIGN))

/* n bytes of the file from at, appended to out. */
static int
take(int fd, off_t at, size_t n, struct buf *out, struct err *e)
{
	buf_reserve(out, n);
	while (n > 0) {
		ssize_t r = pread(fd, out->data + out->len, n, at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(e, "bundle");
		if (r == 0)
			return err_set(e, ERR_DIGEST, "bundle: cut short while it was read");
		out->len += (size_t)r;
		at += r;
		n -= (size_t)r;
	}
	return 0;
}

/* The fixed part, and whether the file is as long as it says. */
static int
take_fixed(struct bundle_file *b, struct err *e)
{
	struct buf fixed = {0};
	struct stat st;
	int rc;

	if (fstat(b->fd, &st) < 0)
		return err_sys(e, "bundle");
	if (!S_ISREG(st.st_mode) || st.st_size < BUNDLE_FIXED_BYTES)
		return err_set(e, ERR_FORMAT, "bundle: no file, or shorter than its head");
	rc = take(b->fd, 0, BUNDLE_FIXED_BYTES, &fixed, e);
	if (rc == 0)
		rc = bundle_head_parse(fixed.data, &b->head, e);
	buf_free(&fixed);
	if (rc < 0)
		return -1;
	b->bytes = bundle_head_bytes(&b->head) + b->head.payload_bytes;
	if (b->bytes != (uint64_t)st.st_size)
		return err_set(e, ERR_DIGEST, "bundle: %llu bytes, its head says %llu",
			       (unsigned long long)st.st_size, (unsigned long long)b->bytes);
	return 0;
}

static int
check_slots(const struct bundle_file *b, struct err *e)
{
	uint8_t got[DIGEST_BYTES];

	if (b->slots.len == 0) /* as fetched from a mailbox */
		return 0;
	if (b->slots.len != b->manifest->nto * SLOT_BYTES)
		return err_set(e, ERR_FORMAT, "bundle: %zu slots for %zu recipients",
			       b->slots.len / SLOT_BYTES, b->manifest->nto);
	digest_of(b->slots.data, b->slots.len, got);
	if (memcmp(got, b->manifest->slots_sha256, DIGEST_BYTES) != 0)
		return err_set(e, ERR_DIGEST, "bundle: its slots are not those that were signed");
	return 0;
}

static int
take_parts(struct bundle_file *b, struct err *e)
{
	off_t at = BUNDLE_FIXED_BYTES;

	if (take(b->fd, at, b->head.manifest_bytes, &b->manifest_text, e) < 0)
		return -1;
	at += b->head.manifest_bytes;
	if (take(b->fd, at, b->head.signature_bytes, &b->signature, e) < 0)
		return -1;
	at += b->head.signature_bytes;
	if (take(b->fd, at, b->head.slots_bytes, &b->slots, e) < 0 ||
	    manifest_parse(b->manifest_text.data, b->manifest_text.len, &b->manifest, e) < 0)
		return -1;
	digest_of(b->manifest_text.data, b->manifest_text.len, b->manifest_sha256);
	if (b->head.payload_bytes != b->manifest->payload_bytes)
		return err_set(e, ERR_DIGEST, "bundle: payload of %llu bytes, signed are %llu",
			       (unsigned long long)b->head.payload_bytes,
			       (unsigned long long)b->manifest->payload_bytes);
	return check_slots(b, e);
}

int
bundle_file_open(int fd, struct bundle_file **out, struct err *e)
{
	struct bundle_file *b = mem_alloc(sizeof *b);

	b->fd = fd;
	if (take_fixed(b, e) < 0 || take_parts(b, e) < 0) {
		bundle_file_close(b);
		return -1;
	}
	*out = b;
	return 0;
}

void
bundle_file_close(struct bundle_file *b)
{
	if (b == NULL)
		return;
	close(b->fd);
	buf_free(&b->manifest_text);
	buf_free(&b->signature);
	buf_free(&b->slots);
	manifest_free(b->manifest);
	free(b);
}

int
bundle_file_check(const struct bundle_file *b, struct trust *t, int64_t at_ms, enum trust_mode mode,
		  struct identity ids[SIGNERS_MAX], size_t *n, struct err *e)
{
	char agency[NAME_AGENCY];

	if (signature_verify(b->manifest_text.data, b->manifest_text.len, b->signature.data,
			     b->signature.len, t, SENDERS, at_ms, mode, ids, n, e) < 0)
		return -1;
	name_agency(agency, b->manifest->from);
	for (size_t i = 0; i < *n; i++)
		if (strcmp(ids[i].agency, agency) != 0)
			return err_set(e, ERR_PROFILE, "bundle: from %s, but signed by %s",
				       b->manifest->from, ids[i].by);
	return 0;
}

static int
digest_payload(const struct bundle_file *b, struct lane *d, uint8_t *block,
	       bundle_progress *progress, void *ctx, struct err *e)
{
	off_t start = (off_t)bundle_head_bytes(&b->head);
	uint64_t done = 0, total = b->head.payload_bytes;

	while (done < total) {
		size_t want = total - done < READ_BYTES ? (size_t)(total - done) : READ_BYTES;
		ssize_t r = pread(b->fd, block, want, start + (off_t)done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? err_sys(e, "bundle")
				     : err_set(e, ERR_DIGEST, "bundle: its payload is cut short");
		lane_add(d, block, (size_t)r);
		file_forget(b->fd, (uint64_t)start + done, (uint64_t)r);
		done += (uint64_t)r;
		if (progress != NULL && progress(ctx, done, total) < 0)
			return err_set(e, ERR_SYSTEM, "interrupted");
	}
	return 0;
}

int
bundle_file_is_payload(const struct bundle_file *b, const uint8_t sha256[static DIGEST_BYTES],
		       struct err *e)
{
	if (memcmp(sha256, b->manifest->payload_sha256, DIGEST_BYTES) == 0)
		return 0;
	return err_set(e, ERR_DIGEST, "bundle: its payload is not the one that was signed");
}

int
bundle_file_check_payload(const struct bundle_file *b, bundle_progress *progress, void *ctx,
			  struct err *e)
{
	uint8_t *block = mem_alloc(READ_BYTES), got[DIGEST_BYTES];
	struct lane *d = lane_new();
	int rc = digest_payload(b, d, block, progress, ctx, e);

	lane_get(d, got);
	if (rc == 0)
		rc = bundle_file_is_payload(b, got, e);
	lane_free(d);
	free(block);
	return rc;
}

int
bundle_file_slot(const struct bundle_file *b, const char *mailbox)
{
	for (size_t i = 0; i < b->manifest->nto; i++)
		if (strcmp(b->manifest->to[i].mailbox, mailbox) == 0)
			return (int)i;
	return -1;
}

static int
write_signed(const struct bundle_file *b, const struct buf *signature, struct new_file *f,
	     const char *name, struct err *e)
{
	struct bundle_head head = b->head;
	uint8_t fixed[BUNDLE_FIXED_BYTES];

	head.signature_bytes = (uint32_t)signature->len;
	bundle_head_format(&head, fixed);
	if (bundle_head_parse(fixed, &head, e) < 0)
		return -1;
	if (file_write(f->fd, fixed, sizeof fixed, name, e) < 0 ||
	    file_write(f->fd, b->manifest_text.data, b->manifest_text.len, name, e) < 0 ||
	    file_write(f->fd, signature->data, signature->len, name, e) < 0 ||
	    file_write(f->fd, b->slots.data, b->slots.len, name, e) < 0 ||
	    file_copy(b->fd, bundle_head_bytes(&b->head), f->fd, b->head.payload_bytes, e) < 0)
		return -1;
	return file_commit(f, name, true, e);
}

int
bundle_file_sign(const struct bundle_file *b, struct signer *s, int dir_fd, const char *name,
		 struct err *e)
{
	struct new_file f = {.fd = -1};
	struct buf signature = {0};
	int rc = -1;

	if (signature_add(b->signature.data, b->signature.len, b->manifest_text.data,
			  b->manifest_text.len, s, &signature, e) == 0 &&
	    file_begin(&f, dir_fd, name, e) == 0)
		rc = write_signed(b, &signature, &f, name, e);
	file_abort(&f);
	buf_free(&signature);
	return rc;
}
