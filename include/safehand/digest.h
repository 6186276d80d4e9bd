/* digest.h - SHA-256 (FIPS 180-4), incrementally. Used by: everything that hashes. */
#ifndef SAFEHAND_DIGEST_H
#define SAFEHAND_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "safehand/limits.h"

struct digest; /* a running SHA-256 */

struct digest *digest_new(void); /* ends the process if the library has no SHA-256 */
/* NULL is fine. */
void digest_free(struct digest *d);
/* Begins anew. */
void digest_reset(struct digest *d);
/* n bytes more; a failure of the library ends the process. */
void digest_add(struct digest *d, const void *p, size_t n);
/* The digest so far; d may go on taking bytes. */
void digest_get(const struct digest *d, uint8_t out[static DIGEST_BYTES]);
/* The digest of n bytes at once. */
void digest_of(const void *p, size_t n, uint8_t out[static DIGEST_BYTES]);
/* HMAC-SHA-256 (RFC 2104) of n bytes under a key of any length. */
void digest_hmac(const void *key_secret, size_t key_len, const void *p, size_t n,
		 uint8_t out[static DIGEST_BYTES]);

#endif
