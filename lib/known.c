/* known.c - certificates that come along with signatures, parsed once: OpenSSL 3.0 takes some 200
 * us to make a public key of a certificate, and four times what the signature itself costs is spent
 * on two that came with each of the last thousand as well. Runs in: verify, client. A door to
 * OpenSSL. Owns: the kept certificates. Trusts: nothing: what is kept was judged by others, and is
 * found by the digest of all its bytes. */
#include <stdlib.h>
#include <string.h>

#include "openssl_in.h"
#include "safehand/buf.h"
#include "safehand/digest.h"

#define KEPT 1024 /* more than an area has in daily use; some 4 KiB each */

struct known {
	struct {
		uint8_t digest[DIGEST_BYTES];
		X509 *x; /* NULL: none */
	} kept[KEPT];
};

struct known *
known_new(void)
{
	return mem_alloc(sizeof(struct known));
}

void
known_free(struct known *k)
{
	for (size_t i = 0; k != NULL && i < KEPT; i++)
		X509_free(k->kept[i].x);
	free(k);
}

static size_t
place(const uint8_t digest[static DIGEST_BYTES])
{
	return (size_t)(digest[0] << 8 | digest[1]) % KEPT;
}

X509 *
known_get(struct known *k, const void *der, size_t len)
{
	uint8_t digest[DIGEST_BYTES];
	X509 *x;

	digest_of(der, len, digest);
	x = k->kept[place(digest)].x;
	if (x != NULL && memcmp(k->kept[place(digest)].digest, digest, DIGEST_BYTES) == 0) {
		X509_up_ref(x);
		return x;
	}
	return openssl_certificate(der, len);
}

void
known_keep(struct known *k, X509 *x)
{
	uint8_t digest[DIGEST_BYTES];
	unsigned n = DIGEST_BYTES;
	size_t at;

	if (X509_digest(x, EVP_sha256(), digest, &n) != 1)
		return;
	at = place(digest);
	if (k->kept[at].x == x)
		return;
	X509_free(k->kept[at].x);
	X509_up_ref(x);
	k->kept[at].x = x;
	memcpy(k->kept[at].digest, digest, DIGEST_BYTES);
}
