/* unseal.h - opens what seal.h sealed. Linked by the client only: no binary of the gateway may name
 * these. */
#ifndef SAFEHAND_UNSEAL_H
#define SAFEHAND_UNSEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/err.h"
#include "safehand/limits.h"

/* Takes plaintext; -1 with err stops. Plaintext of a payload is to be believed only after
 * unseal_end. */
typedef int unseal_sink(void *ctx, const void *p, size_t n, struct err *e);

struct unseal; /* a payload under way */

/* Opens the slot with the mailbox's X25519 private key, checks the key against the manifest's
 * commitment. ERR_SECRET: another key, or a slot or commitment that does not fit. */
int unseal_begin(const uint8_t slot[static SLOT_BYTES], const uint8_t secret[static KEY_BYTES],
		 const uint8_t commitment[static DIGEST_BYTES], unseal_sink *sink, void *ctx,
		 struct unseal **out, struct err *e);
/* Sealed bytes in any portions. ERR_SECRET altered; ERR_DIGEST bytes after the last chunk. */
int unseal_add(struct unseal *u, const void *p, size_t n, struct err *e);
/* ERR_DIGEST unless the last chunk, tagged FINAL, has come: catches a cut at a chunk's border. */
int unseal_end(struct unseal *u, struct err *e);
void unseal_free(struct unseal *u);

#endif
