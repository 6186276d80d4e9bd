/* secret.h - secrets in guarded memory; key files that only their owner may read; keys at rest,
 * encrypted with a passphrase (libsodium: Argon2id and secretbox). Links an opening: for clients,
 * not for the gateway. */
#ifndef SAFEHAND_SECRET_H
#define SAFEHAND_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"

#define SECRET_MAX_BYTES (64 * 1024) /* of a key file: PEM of any key of ours is below 1 KiB */

/* len bytes and a NUL in guarded memory (sodium_malloc), wiped by secret_free. */
struct secret {
	uint8_t *data;
	size_t len;
};

/* A copy of n bytes; wiping p is the caller's. ERR_SYSTEM: no guarded memory. */
int secret_new(const void *p, size_t n, struct secret **out, struct err *e)
    __attribute__((warn_unused_result));
void secret_free(struct secret *s); /* NULL is fine */

/* The file's bytes. ERR_SECRET, with the way out in the sentence: others may read it, it belongs to
 * another user, it is a link or no regular file, it is empty. ERR_LIMIT. */
int secret_read(const char *path, struct secret **out, struct err *e)
    __attribute__((warn_unused_result));
/* The same without a line's end at its end: a passphrase. */
int secret_read_line(const char *path, struct secret **out, struct err *e)
    __attribute__((warn_unused_result));
/* The n bytes that stand in the file as hex. ERR_FORMAT. */
int secret_read_hex(const char *path, size_t n, struct secret **out, struct err *e)
    __attribute__((warn_unused_result));
/* A line from the terminal, without echo. ERR_SECRET: there is no terminal, or nothing was typed.
 */
int secret_ask(const char *prompt, struct secret **out, struct err *e)
    __attribute__((warn_unused_result));

/* Encrypted at rest, all numbers big-endian:
 * "SHK1" | u64 opslimit | u64 memlimit | salt 16 | nonce 24 | secretbox(key)
 * where the secretbox's key is Argon2id (crypto_pwhash) of the passphrase. */
bool secret_is_sealed(const struct secret *s);
enum secret_cost { SECRET_INTERACTIVE, SECRET_MODERATE }; /* 64 MiB and 256 MiB of work */
int secret_seal(const struct secret *key, const struct secret *passphrase, enum secret_cost cost,
		struct buf *out, struct err *e) __attribute__((warn_unused_result));
/* ERR_FORMAT: cut, or limits that no file of ours has; ERR_SECRET: the passphrase does not open it.
 */
int secret_unseal(const struct secret *sealed, const struct secret *passphrase, struct secret **out,
		  struct err *e) __attribute__((warn_unused_result));

#endif
