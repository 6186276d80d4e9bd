/* fsck_payload.c - payloads in files of their own, read anew and compared with the digests that
 * were signed. (The journal's records have checksums, which are looked at with their bundles.) Runs
 * in: store. Owns: the payload under way. Trusts: a manifest whose digest is the ledger's. */
#include "store/fsck_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "safehand/digest.h"
#include "safehand/enc.h"

#define READ_BYTES (256 * 1024) /* in a turn of the loop: a millisecond, ten on a slow disk */

struct fsck_payload {
	char id[UUID_TEXT]; /* "": none is under way */
	int fd;
	uint64_t at, end; /* of the file */
	struct digest *digest;
	uint8_t want[DIGEST_BYTES];
	uint8_t block[READ_BYTES];
};

void
fsck_payload_free(struct fsck *f)
{
	struct fsck_payload *p = f->payload;

	f->payload = NULL;
	if (p == NULL)
		return;
	if (p->id[0] != '\0')
		close(p->fd);
	digest_free(p->digest);
	free(p);
}

bool
fsck_payload_is_read(const struct ledger_bundle *b)
{
	return b->state == BUNDLE_LIVE && b->place.segment == 0 &&
	       b->place.length == b->place.kept + b->slots_bytes + b->payload_bytes;
}

/* The member as verify let it through: its name cannot stand inside a string, where its quotes
 * would be escaped, and no other object has it. */
static bool
find_signed(const struct buf *head, uint32_t manifest_bytes, uint8_t out[static DIGEST_BYTES])
{
	static const char name[] = "\"payload_sha256\"";
	const char *text = (const char *)head->data + BUNDLE_FIXED_BYTES;
	const char *end = text + manifest_bytes;
	const char *at = memmem(text, manifest_bytes, name, sizeof name - 1);
	char hex[HEX_LEN(DIGEST_BYTES)];

	if (at == NULL)
		return false;
	for (at += sizeof name - 1; at < end && strchr(" \t\r\n:", *at) != NULL; at++)
		;
	if (end - at < (ptrdiff_t)sizeof hex || *at != '"')
		return false;
	memcpy(hex, at + 1, sizeof hex - 1);
	hex[sizeof hex - 1] = '\0';
	return hex_decode(out, DIGEST_BYTES, hex) == 0;
}

/* What is damaged in its head has been told by the walk over bundles. */
static void
begin(struct fsck *f, const struct ledger_bundle *b)
{
	struct fsck_payload *p = f->payload;
	struct buf head = {0};
	struct err e = {0};
	uint64_t from = b->place.kept + b->slots_bytes;

	if (spool_read(f->s->spool, b->id, &b->place, b->place.kept, &head, &e) < 0)
		goto out;
	if (!find_signed(&head, b->manifest_bytes, p->want))
		fsck_problem(f, "%s: [4] its manifest names no payload", b->id);
	else if (spool_lend(f->s->spool, b->id, &b->place, from, &p->fd, &p->at, &e) < 0)
		fsck_problem(f, "%s: [1] %s", b->id, e.text);
	else
		strcpy(p->id, b->id);
	p->end = p->at + b->payload_bytes;
	digest_reset(p->digest);
out:
	buf_free(&head);
}

/* It may have been purged while it was read. */
static bool
is_live(struct fsck *f)
{
	struct ledger_bundle b;

	return ledger_bundle(f->s->reader, f->payload->id, &b) && b.state == BUNDLE_LIVE;
}

static void
end(struct fsck *f, const char *wrong)
{
	struct fsck_payload *p = f->payload;

	if (wrong != NULL && is_live(f))
		fsck_problem(f, "%s: [1] %s", p->id, wrong);
	close(p->fd);
	p->id[0] = '\0';
	f->payloads++;
}

/* Some bytes more of the payload under way, which are then not for the machine's memory. */
static void
read_some(struct fsck *f)
{
	struct fsck_payload *p = f->payload;
	uint64_t left = p->end - p->at;
	uint8_t got[DIGEST_BYTES];
	ssize_t n =
	    pread(p->fd, p->block, left < READ_BYTES ? (size_t)left : READ_BYTES, (off_t)p->at);

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		end(f, n < 0 ? strerror(errno) : "its payload is cut short");
		return;
	}
	digest_add(p->digest, p->block, (size_t)n);
	posix_fadvise(p->fd, (off_t)p->at, n, POSIX_FADV_DONTNEED);
	p->at += (uint64_t)n;
	f->payload_done += (uint64_t)n;
	if (p->at < p->end)
		return;
	digest_get(p->digest, got);
	end(f, memcmp(got, p->want, DIGEST_BYTES) == 0
		   ? NULL
		   : "its payload is not the one that was signed");
}

/* at: the last bundle that was looked at */
static bool
next(struct fsck *f)
{
	struct ledger_bundle b;

	while ((int64_t)f->at < f->last)
		if (ledger_bundle_at(f->s->reader, (int64_t)++f->at, &b) &&
		    fsck_payload_is_read(&b) && !ledger_is_quarantined(f->s->reader, b.n)) {
			begin(f, &b);
			return true;
		}
	return false;
}

bool
fsck_payloads(struct fsck *f)
{
	if (!f->deep)
		return true;
	if (f->payload == NULL) {
		f->payload = mem_alloc(sizeof *f->payload);
		f->payload->digest = digest_new();
	}
	if (f->payload->id[0] == '\0')
		return !next(f);
	read_some(f);
	return false;
}
