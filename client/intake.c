/* intake.c - the digest of a bundle's payload, taken while the bundle comes in. Runs in: client.
 * Pure. Trusts: no length; what is no bundle has no digest here, and is judged elsewhere. */
#include "intake.h"

#include <stdlib.h>

#include "safehand/bundle.h"
#include "safehand/lane.h"

struct intake {
	struct buf fixed;	 /* its first BUNDLE_FIXED_BYTES, as far as they have come */
	struct bundle_head head; /* once fixed is whole */
	bool is_bundle;		 /* by its head, or as yet */
	uint64_t at;
	struct lane *payload;
};

static void
begin(struct intake *in)
{
	buf_clear(&in->fixed);
	lane_free(in->payload);
	in->payload = lane_new();
	in->is_bundle = true;
	in->at = 0;
}

struct intake *
intake_new(void)
{
	struct intake *in = mem_alloc(sizeof *in);

	begin(in);
	return in;
}

void
intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	buf_free(&in->fixed);
	lane_free(in->payload);
	free(in);
}

static void
add_fixed(struct intake *in, const uint8_t *p, size_t n)
{
	size_t want = BUNDLE_FIXED_BYTES - in->fixed.len;
	struct err ignored;

	buf_add(&in->fixed, p, n < want ? n : want);
	if (in->fixed.len == BUNDLE_FIXED_BYTES)
		in->is_bundle = bundle_head_parse(in->fixed.data, &in->head, &ignored) == 0;
}

void
intake_add(struct intake *in, uint64_t at, const void *p, size_t n)
{
	uint64_t end = at + n, start;

	if (at == 0)
		begin(in);
	if (at != in->at)
		return;
	if (in->is_bundle && in->fixed.len < BUNDLE_FIXED_BYTES)
		add_fixed(in, p, n);
	in->at = end;
	if (!in->is_bundle || in->fixed.len < BUNDLE_FIXED_BYTES)
		return;
	start = bundle_head_bytes(&in->head);
	if (end <= start)
		return;
	start = start > at ? start - at : 0; /* of p, where the payload begins */
	lane_add(in->payload, (const uint8_t *)p + start, n - (size_t)start);
}

uint64_t
intake_at(const struct intake *in)
{
	return in->at;
}

bool
intake_get(struct intake *in, uint8_t sha256[static DIGEST_BYTES])
{
	if (!in->is_bundle || in->fixed.len < BUNDLE_FIXED_BYTES ||
	    in->at != bundle_head_bytes(&in->head) + in->head.payload_bytes)
		return false;
	lane_get(in->payload, sha256);
	return true;
}
