/* fuzz_timestamp.c - RFC 3161 tokens and responses of other authorities. Runs in: tests. */
#include "fuzz.h"
#include "safehand/digest.h"
#include "safehand/timestamp.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct buf root, request, note;
	struct trust *t = fuzz_trust();
	uint8_t digest[DIGEST_BYTES];
	struct buf token = {0};
	struct identity tsa;
	struct err e = {0};
	int64_t at;

	if (root.len == 0) {
		fuzz_read("root.pem", &root);
		fuzz_read("request.tsq", &request);
		fuzz_read("stamped", &note); /* what the corpus's good tokens are over */
	}
	digest_of(note.data, note.len, digest);
	if (timestamp_verify(p, n, digest, t, &at, &tsa, &e) == 0)
		assert(tsa.profile == PROFILE_TSA && at >= tsa.not_before_ms &&
		       at <= tsa.not_after_ms);
	else
		fuzz_refused(&e);
	e = (struct err){0};
	if (timestamp_verify_external(p, n, digest, &root, &at, &e) < 0)
		fuzz_refused(&e);
	e = (struct err){0};
	if (timestamp_response(request.data, request.len, p, n, &token, &e) < 0)
		fuzz_refused(&e);
	else
		assert(token.len > 0 && token.len <= n);
	buf_free(&token);
	trust_free(t);
	return 0;
}
