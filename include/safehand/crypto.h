/* crypto.h - the libcrypto that is there. */
#ifndef SAFEHAND_CRYPTO_H
#define SAFEHAND_CRYPTO_H

#include <stddef.h>

#include "safehand/err.h"

/* The oldest OpenSSL that is taken: the CMS faults of 2026 are mended in it (Debian 12:
 * 3.0.22-1~deb12u1). Older headers are refused when this is built; an older library at run time is
 * said. */
#define CRYPTO_OLDEST	   0x30000160L
#define CRYPTO_OLDEST_TEXT "3.0.22"

/* version: as OPENSSL_VERSION_NUMBER: 0xMNN00PP0. NULL if it is new enough, else the sentence that
 * says what to do. Pure. */
const char *crypto_judge(unsigned long version);
/* The same of the library that runs here. */
const char *crypto_old(void);
/* For a process that holds private keys, ahead of anything else that it does with libcrypto: keys
 * lie in a heap of their own of so many bytes (a power of two), which is locked where the user's
 * limit allows, in no core, and does not grow; whatever libcrypto gives back is wiped. ERR_SYSTEM:
 * too late, or no memory. */
int crypto_guard(size_t heap, struct err *e) __attribute__((warn_unused_result));
/* A warning in the log if it is old, or if that heap could not be locked. */
void crypto_tell(void);

#endif
