/* spool.c - sealed bundles on their way out. Runs in: client. Owns: the folder spool. Trusts: a
 * gateway's evidence once it is judged. */
#include <assert.h>
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "progress.h"
#include "proof.h"
#include "safehand/time.h"

#define SMALL                                                                                      \
	(1024 * 1024) /* bytes that are sent whole sooner than it is asked how much is there */

int
spool_folder(struct client *c, int *fd, struct err *e)
{
	return client_folder(c, "spool", fd, e);
}

static int
open_locked(int dir_fd, const char *name, struct bundle_file **out, struct err *e)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_UNKNOWN, "%s: there is no such file", name);
	if (fd < 0)
		return err_sys(e, "%s", name);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) { /* held until the bundle is closed */
		close(fd);
		return err_set(e, ERR_BUSY, "%s: another process is sending it", name);
	}
	if (bundle_file_open(fd, out, e) < 0)
		return err_wrap(e, "%s", name);
	if ((*out)->head.slots_bytes == 0) {
		bundle_file_close(*out);
		*out = NULL;
		return err_set(e, ERR_FORMAT, "%s: a bundle as it was fetched, without its slots",
			       name);
	}
	return 0;
}

/* Where the gateway stands with it: 0 if it has nothing. */
static int
ask_offset(struct http *h, const char *path, uint64_t size, uint64_t *offset, struct http_answer *a,
	   struct err *e)
{
	struct http_call call = {.method = "HEAD", .path = path, .from_fd = -1, .into_fd = -1};

	*offset = 0;
	if (http_call(h, &call, a, e) < 0)
		return e->code == ERR_UNKNOWN ? 0 : -1;
	if (a->upload_offset > 0 && (uint64_t)a->upload_offset <= size)
		*offset = (uint64_t)a->upload_offset;
	return 0;
}

/* One try: what the gateway has already is not sent again. */
static int
put_once(struct client *c, struct http *h, const struct bundle_file *b, bool first,
	 struct http_answer *a, struct err *e)
{
	struct progress p = progress_begin(c, "sending");
	struct buf path = {0};
	struct http_call call = {.method = "PUT",
				 .type = "application/vnd.safehand.bundle",
				 .from_fd = b->fd,
				 .end = b->bytes,
				 .into_fd = -1,
				 .max = EVIDENCE_MAX_BYTES,
				 .progress = progress_tick,
				 .ctx = &p};
	int rc = -1;

	buf_addf(&path, "/v1/bundles/%s", b->manifest->id);
	call.path = buf_str(&path);
	if ((first && b->bytes <= SMALL) ||
	    ask_offset(h, call.path, b->bytes, &call.from, a, e) == 0)
		rc = http_call(h, &call, a, e);
	progress_end(&p);
	buf_free(&path);
	return rc;
}

/* The upload stands elsewhere than we thought (another try of ours was still under way). */
static bool
moved(const struct err *e, unsigned *times)
{
	return e->code == ERR_ORDER && (*times)++ < 3;
}

static int
put(struct client *c, const struct bundle_file *b, struct http_answer *a, struct err *e)
{
	unsigned times = 0;
	struct retry r;
	struct http *h;

	assert(b != NULL);
	if (gate_open(c, false, &h, e) < 0)
		return -1;
	r = gate_retry(c);
	for (bool first = true; put_once(c, h, b, first, a, e) < 0; first = false)
		if (!moved(e, &times) && !retry_again(&r, e, a->retry_after_s))
			return -1;
	return 0;
}

static int
take_evidence(struct client *c, const struct bundle_file *b, const struct http_answer *a,
	      struct spool_result *out, struct err *e)
{
	struct evidence_result r = {0};

	assert(b != NULL);
	if (proof_check(c, a->body.data, a->body.len, EVENT_SUBMISSION_ACCEPTANCE, b->manifest->id,
			"", b->manifest_sha256, &r, e) < 0 ||
	    proof_keep(c, a->body.data, a->body.len, &r.entry, &out->evidence, e) < 0)
		return -1;
	strcpy(out->id, b->manifest->id);
	strcpy(out->from, b->manifest->from);
	strcpy(out->klass, b->manifest->klass);
	out->bytes = b->bytes;
	out->seq = r.entry.seq;
	out->stamped_ms = r.stamped_ms;
	out->known = a->status == 200;
	return 0;
}

int
spool_submit(struct client *c, int dir_fd, const char *name, struct spool_result *out,
	     struct err *e)
{
	struct bundle_file *b = NULL;
	struct http_answer a = {0};
	int rc = -1;

	*out = (struct spool_result){.known = false};
	if (open_locked(dir_fd, name, &b, e) == 0 && put(c, b, &a, e) == 0)
		rc = take_evidence(c, b, &a, out, e);
	http_clear(&a);
	bundle_file_close(b);
	return rc;
}

void
spool_tell(const struct client *c, const struct spool_result *r, const char *more, struct buf *out)
{
	char when[TIME_TEXT];

	time_format(when, r->stamped_ms);
	if (!c->json) {
		buf_addf(out, "%s %s from %s (%s), %" PRIu64 " bytes, accepted %s\n",
			 r->known ? "known" : "sent", r->id, r->from, r->klass, r->bytes, when);
		buf_addf(out, "evidence %s\n", r->evidence);
		return;
	}
	buf_addc(out, '{');
	buf_json_str(out, "id", r->id);
	buf_json_str(out, "from", r->from);
	buf_json_str(out, "class", r->klass);
	buf_json_int(out, "bytes", (int64_t)r->bytes);
	buf_json_str(out, "accepted", when);
	buf_json_int(out, "seq", (int64_t)r->seq);
	buf_json_str(out, "evidence", r->evidence);
	buf_json_key(out, "known");
	buf_adds(out, r->known ? "true" : "false");
	buf_addf(out, "%s%s}", *more != '\0' ? "," : "", more);
}
