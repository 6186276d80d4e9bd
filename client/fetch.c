/* fetch.c - bundles from the gateway into files, going on where an earlier try stopped. Runs in:
 * client. Owns: the folder fetched. Trusts: nothing; the file's head and digests are judged after.
 */
#include "fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "intake.h"
#include "progress.h"
#include "safehand/digest.h"
#include "safehand/enc.h"

#define READ_BYTES (256 * 1024) /* of what an earlier try left, at a time */

void
fetch_name(const char *mailbox, const char *id, struct buf *out)
{
	size_t start = out->len;

	buf_addf(out, "%s.%s.shb", id, mailbox);
	for (size_t i = start; i < out->len; i++)
		if (out->data[i] == '/')
			out->data[i] = '_';
}

/* The entity tag of a bundle is its manifest's digest: what has come so far says of what it is. 0:
 * too little has come to tell. */
static uint64_t
resume_from(int fd, char etag[static HEX_LEN(DIGEST_BYTES)])
{
	uint8_t fixed[BUNDLE_FIXED_BYTES], sha256[DIGEST_BYTES];
	struct bundle_head h;
	struct buf manifest = {0};
	struct err ignored;
	struct stat st;
	uint64_t at = 0;

	if (fstat(fd, &st) < 0 || pread(fd, fixed, sizeof fixed, 0) != sizeof fixed ||
	    bundle_head_parse(fixed, &h, &ignored) < 0)
		return 0;
	buf_reserve(&manifest, h.manifest_bytes);
	if ((uint64_t)st.st_size > bundle_head_bytes(&h) &&
	    (uint64_t)st.st_size < bundle_head_bytes(&h) + h.payload_bytes &&
	    pread(fd, manifest.data, h.manifest_bytes, sizeof fixed) == (ssize_t)h.manifest_bytes) {
		digest_of(manifest.data, h.manifest_bytes, sha256);
		hex_encode(etag, sha256, sizeof sha256);
		at = (uint64_t)st.st_size;
	}
	buf_free(&manifest);
	return at;
}

static void
came(void *ctx, uint64_t at, const void *p, size_t n)
{
	intake_add(ctx, at, p, n);
}

/* The bytes of an earlier try, up to end. Where they cannot be read the payload is read later, and
 * that failure told. */
static void
take_earlier(struct client *c, struct intake *in, int fd, uint64_t end)
{
	struct progress p = progress_begin(c, "checking");
	uint8_t *block = mem_alloc(READ_BYTES);
	uint64_t at = intake_at(in) <= end ? intake_at(in) : 0;

	while (at < end) {
		size_t want = end - at < READ_BYTES ? (size_t)(end - at) : READ_BYTES;
		ssize_t n = pread(fd, block, want, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || progress_tick(&p, at, end) < 0)
			break;
		intake_add(in, at, block, (size_t)n);
		at += (uint64_t)n;
	}
	progress_end(&p);
	free(block);
}

static int
get_once(struct client *c, struct http *h, const char *path, int fd, struct intake *in,
	 struct http_answer *a, struct err *e)
{
	struct progress p = progress_begin(c, "fetching");
	char etag[HEX_LEN(DIGEST_BYTES)] = "";
	struct http_call call = {.method = "GET",
				 .path = path,
				 .from_fd = -1,
				 .into_fd = fd,
				 .progress = progress_tick,
				 .ctx = &p,
				 .came = came,
				 .came_ctx = in};
	int rc;

	call.at = resume_from(fd, etag);
	take_earlier(c, in, fd, call.at);
	call.etag = call.at > 0 ? etag : NULL;
	rc = http_call(h, &call, a, e);
	progress_end(&p);
	return rc;
}

/* What has come is kept for the next try; nothing is not. */
static void
leave(int dir, const char *name, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size == 0)
		unlinkat(dir, name, 0);
	close(fd);
}

static void
take(struct intake *in, int fd, struct fetched *out)
{
	out->fd = fd;
	out->has_payload = intake_get(in, out->payload_sha256);
}

int
fetch_bundle(struct client *c, const char *mailbox, const char *id, struct fetched *out,
	     struct err *e)
{
	struct intake *in;
	struct retry r;
	struct http_answer a = {0};
	struct buf path = {0}, name = {0};
	struct http *h;
	int dir, file, rc;

	if (gate_open(c, false, &h, e) < 0 || client_folder(c, "fetched", &dir, e) < 0)
		return -1;
	in = intake_new();
	r = gate_retry(c);
	fetch_name(mailbox, id, &name);
	buf_addf(&path, "/v1/mailboxes/%s/bundles/%s", mailbox, id);
	file = openat(dir, buf_str(&name), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	rc = file < 0 ? err_sys(e, "%s", buf_str(&name)) : 0;
	if (rc == 0 && flock(file, LOCK_EX | LOCK_NB) < 0)
		rc = err_set(e, ERR_BUSY, "%s: another process is fetching it", id);
	while (rc == 0 && (rc = get_once(c, h, buf_str(&path), file, in, &a, e)) < 0)
		if (retry_again(&r, e, a.retry_after_s))
			rc = 0;
		else
			break;
	if (rc == 0)
		take(in, file, out);
	else if (file >= 0)
		leave(dir, buf_str(&name), file);
	close(dir);
	intake_free(in);
	http_clear(&a);
	buf_free(&path);
	buf_free(&name);
	return rc;
}

int
fetch_drop(struct client *c, const char *mailbox, const char *id, struct err *e)
{
	struct buf name = {0};
	int dir, rc;

	if (client_folder(c, "fetched", &dir, e) < 0)
		return -1;
	fetch_name(mailbox, id, &name);
	rc = files_remove(dir, buf_str(&name), e);
	close(dir);
	buf_free(&name);
	return rc;
}
