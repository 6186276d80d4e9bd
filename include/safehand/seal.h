/* seal.h - secrecy of a bundle: content key, slots, payload stream, commitment, pseudonyms
 * (libsodium). Sealing only: what opens stands in unseal.h, in another object, so that a gateway
 * that links this cannot open anything. */
#ifndef SAFEHAND_SEAL_H
#define SAFEHAND_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "safehand/err.h"
#include "safehand/limits.h"
#include "safehand/name.h"

/* Takes sealed bytes; -1 with err stops the sealing. */
typedef int seal_sink(void *ctx, const void *p, size_t n, struct err *e);

struct seal; /* a payload under way: one content key in guarded memory, one chunk of plaintext */

/* A fresh content key and stream; the stream's header goes to sink first. */
int seal_begin(seal_sink *sink, void *ctx, struct seal **out, struct err *e);
/* crypto_box_seal of the content key for one recipient's X25519 key (RFC 7748). */
int seal_slot(const struct seal *s, const uint8_t x25519[static KEY_BYTES],
	      uint8_t slot[static SLOT_BYTES], struct err *e);
/* crypto_generichash(key, "safehand key commitment v1"): binds the signature to the one plaintext.
 */
void seal_commitment(const struct seal *s, uint8_t out[static DIGEST_BYTES]);
/* Plaintext of any length; goes out in chunks of CHUNK_BYTES. */
int seal_add(struct seal *s, const void *p, size_t n, struct err *e);
/* The last chunk, tagged FINAL. */
int seal_end(struct seal *s, struct err *e);
void seal_free(struct seal *s);

/* The pseudonym of an identifier: kind 'c' (child) or 'h' (household), keyed with the members'
 * linking key over the identifier in upper case without blanks and hyphens. ERR_FORMAT if nothing
 * is left. */
int seal_pseudonym(const uint8_t linking_key_secret[static KEY_BYTES], char kind,
		   const char *identifier, char out[static ABOUT_TEXT], struct err *e);

#endif
