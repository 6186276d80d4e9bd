/* key.h - private keys that are encrypted at rest for a process that has no terminal: PKCS#8 in PEM
 * (RFC 5958) under a passphrase (PBES2, RFC 8018), as pki/ and openssl-pkcs8(1) write it. */
#ifndef SAFEHAND_KEY_H
#define SAFEHAND_KEY_H

#include <stddef.h>

#include "safehand/buf.h"
#include "safehand/err.h"

#define KEY_PASSPHRASE_MAX 1024 /* bytes */
#define KEY_PEM_MAX	   6144 /* bytes that key_open appends at most */

/* Appends the key in PEM without encryption to pem_secret, which the caller wipes. passphrase: a
 * line, whose end is not part of it. Nothing is asked at a terminal. ERR_SECRET: the passphrase
 * does not open it, or it is no such key. */
int key_open(const struct buf *pem, const struct buf *passphrase, struct buf *pem_secret,
	     struct err *e) __attribute__((warn_unused_result));

#endif
