/* fuzz_bundle.c - the framing of bundles and of signed files: what is taken has parts that lie
 * within what came, and is written again as it was. Runs in: tests. */
#include "fuzz.h"
#include "safehand/bundle.h"

static void
try_head(const uint8_t *p)
{
	uint8_t again[BUNDLE_FIXED_BYTES];
	struct bundle_head h;
	struct err e = {0};

	if (bundle_head_parse(p, &h, &e) < 0) {
		fuzz_refused(&e);
		return;
	}
	bundle_head_format(&h, again);
	assert(memcmp(again, p, sizeof again) == 0);
	assert(bundle_head_bytes(&h) <= HEAD_MAX_BYTES && h.payload_bytes <= PAYLOAD_MAX_BYTES);
	assert(h.slots_bytes % SLOT_BYTES == 0);
}

static void
try_signed(const uint8_t *p, size_t n, size_t max)
{
	struct signed_file f;
	struct buf again = {0};
	struct err e = {0};

	if (signed_parse(p, n, max, &f, &e) < 0) {
		fuzz_refused(&e);
		return;
	}
	assert(f.content_bytes <= max);
	assert(f.content >= p && f.content + f.content_bytes == f.signature);
	assert(f.signature + f.signature_bytes == p + n);
	signed_format(f.content, f.content_bytes, f.signature, f.signature_bytes, &again);
	assert(again.len == n && memcmp(again.data, p, n) == 0);
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n >= BUNDLE_FIXED_BYTES)
		try_head(p);
	try_signed(p, n, 256);
	try_signed(p, n, 1 << 20);
	return 0;
}
