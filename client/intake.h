/* intake.h - the digest of a bundle's payload, taken while the bundle comes in. */
#ifndef CLIENT_INTAKE_H
#define CLIENT_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/limits.h"

struct intake;

struct intake *intake_new(void);
void intake_free(struct intake *in); /* NULL is fine */
/* n bytes of the file, from offset at on, which is where the last ones ended; at 0 it begins anew.
 * Bytes for elsewhere are not looked at: intake_at tells. */
void intake_add(struct intake *in, uint64_t at, const void *p, size_t n);
/* Up to here all bytes have been looked at. */
uint64_t intake_at(const struct intake *in);
/* The payload's digest, if what came was a whole bundle by its own head, and nothing more. */
bool intake_get(struct intake *in, uint8_t sha256[static DIGEST_BYTES]);

#endif
