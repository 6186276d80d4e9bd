/* digest.c - SHA-256 through EVP (it uses the processor's instructions). Runs in: everything. A
 * door to OpenSSL. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "safehand/buf.h"
#include "safehand/digest.h"
#include "safehand/err.h"
#include "safehand/log.h"

#define HMAC_BLOCK 64 /* bytes that SHA-256 takes at a time */

struct digest {
	EVP_MD_CTX *running, *copy;
};

/* Fetched once: EVP_sha256() looks the algorithm up at each use. */
static const EVP_MD *
sha256(void)
{
	static EVP_MD *md;

	if (md == NULL && (md = EVP_MD_fetch(NULL, "SHA2-256", NULL)) == NULL)
		log_fatal("digest", &(struct err){ERR_SYSTEM, "libcrypto has no SHA-256"});
	return md;
}

static void
must(int ok)
{
	if (ok != 1)
		log_fatal("digest", &(struct err){ERR_SYSTEM, "SHA-256 failed"});
}

struct digest *
digest_new(void)
{
	struct digest *d = mem_alloc(sizeof *d);

	d->running = EVP_MD_CTX_new();
	d->copy = EVP_MD_CTX_new();
	must(d->running != NULL && d->copy != NULL);
	digest_reset(d);
	return d;
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->running);
	EVP_MD_CTX_free(d->copy);
	free(d);
}

void
digest_reset(struct digest *d)
{
	must(EVP_DigestInit_ex2(d->running, sha256(), NULL));
}

void
digest_add(struct digest *d, const void *p, size_t n)
{
	must(EVP_DigestUpdate(d->running, p, n));
}

void
digest_get(const struct digest *d, uint8_t out[static DIGEST_BYTES])
{
	must(EVP_MD_CTX_copy_ex(d->copy, d->running));
	must(EVP_DigestFinal_ex(d->copy, out, NULL));
}

void
digest_of(const void *p, size_t n, uint8_t out[static DIGEST_BYTES])
{
	must(EVP_Digest(p, n, out, NULL, sha256(), NULL));
}

/* key XOR pad, a block long, begins the inner and the outer digest. */
static void
begin_padded(struct digest *d, const uint8_t key_secret[static HMAC_BLOCK], uint8_t pad)
{
	uint8_t block_secret[HMAC_BLOCK];

	for (size_t i = 0; i < HMAC_BLOCK; i++)
		block_secret[i] = key_secret[i] ^ pad;
	digest_reset(d);
	digest_add(d, block_secret, sizeof block_secret);
	explicit_bzero(block_secret, sizeof block_secret);
}

void
digest_hmac(const void *key_secret, size_t key_len, const void *p, size_t n,
	    uint8_t out[static DIGEST_BYTES])
{
	uint8_t block_secret[HMAC_BLOCK] = {0}, inner[DIGEST_BYTES];
	struct digest *d = digest_new();

	if (key_len > HMAC_BLOCK)
		digest_of(key_secret, key_len, block_secret);
	else if (key_len > 0)
		memcpy(block_secret, key_secret, key_len);
	begin_padded(d, block_secret, 0x36);
	digest_add(d, p, n);
	digest_get(d, inner);
	begin_padded(d, block_secret, 0x5c);
	digest_add(d, inner, sizeof inner);
	digest_get(d, out);
	digest_free(d);
	explicit_bzero(block_secret, sizeof block_secret);
}
