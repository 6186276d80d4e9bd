/* fuzz_certificate.c - a certificate in DER or PEM: who it names, and whether it leads to the root.
 * Runs in: tests. */
#include "fuzz.h"
#include "safehand/digest.h"

static void
check(const uint8_t *p, size_t n, const struct identity *id)
{
	uint8_t digest[DIGEST_BYTES];

	digest_of(p, n, digest);
	assert(memcmp(digest, id->cert, DIGEST_BYTES) == 0); /* all of it, and nothing after it */
	assert((unsigned)id->profile < PROFILES && id->name[0] != '\0' && id->by[0] != '\0');
	assert(id->not_before_ms <= id->not_after_ms);
}

static void
try_der(const uint8_t *p, size_t n)
{
	struct trust *t = fuzz_trust();
	struct identity id, again;
	struct err e = {0};

	if (identity_parse(p, n, &id, &e) < 0)
		fuzz_refused(&e);
	else
		check(p, n, &id);
	for (int mode = 0; mode < 2; mode++) {
		e = (struct err){0};
		if (trust_check(t, p, n, (1u << PROFILES) - 1, FUZZ_NOW_MS, (enum trust_mode)mode,
				&again, &e) < 0)
			fuzz_refused(&e);
		else
			check(p, n, &again);
	}
	if (trust_add_issuing(t, p, n, &e) < 0)
		fuzz_refused(&e);
	trust_free(t);
}

/* Revocation lists, which a client takes from the gateway: refused, or they have an end. */
static void
try_crls(const uint8_t *p, size_t n)
{
	struct buf list = {0};
	struct trust *t = NULL;
	struct err e = {0};
	int64_t end;

	buf_add(&list, p, n);
	if (trust_crls_end(p, n, &end) == 0)
		assert(end > INT64_MIN);
	if (fuzz_trust_with(&list, &t, &e) < 0)
		fuzz_refused(&e);
	trust_free(t);
	buf_free(&list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf der = {0};
	struct err e = {0};

	try_der(p, n);
	if (identity_pem_to_der(p, n, &der, &e) == 0)
		try_der(der.data, der.len);
	else
		fuzz_refused(&e);
	buf_free(&der);
	try_crls(p, n);
	return 0;
}
