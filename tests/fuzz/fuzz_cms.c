/* fuzz_cms.c - a detached CMS signature over content, judged as the gateway does. Input: u16 length
 * of the content, the content, the signature. Runs in: tests. */
#include "fuzz.h"
#include "safehand/bundle.h"
#include "safehand/enc.h"
#include "safehand/signature.h"

#define ALL ((1u << PROFILES) - 1)

static void
judge(const uint8_t *p, size_t n, const uint8_t *der, size_t len, enum trust_mode mode)
{
	struct identity ids[SIGNERS_MAX];
	struct trust *t = fuzz_trust();
	size_t signers = 0;
	struct err e = {0};

	if (signature_verify(p, n, der, len, t, ALL, FUZZ_NOW_MS, mode, ids, &signers, &e) < 0) {
		fuzz_refused(&e);
	} else {
		assert(signers >= 1 && signers <= SIGNERS_MAX && len <= SIGNATURE_MAX_BYTES);
		for (size_t i = 0; i < signers; i++)
			for (size_t k = 0; k < i; k++)
				assert(memcmp(ids[i].cert, ids[k].cert, DIGEST_BYTES) != 0);
	}
	trust_free(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	size_t content;

	if (n < 2 || (content = (size_t)p[0] << 8 | p[1]) > n - 2)
		return 0;
	judge(p + 2, content, p + 2 + content, n - 2 - content, TRUST_HISTORIC);
	judge(p + 2, content, p + 2 + content, n - 2 - content, TRUST_LIVE);
	return 0;
}
