/* note.h - signed notes (c2sp.org/signed-note), checkpoints (c2sp.org/tlog-checkpoint) and proofs
 * as text (c2sp.org/tlog-proof@v1). Ed25519 (RFC 8032). */
#ifndef SAFEHAND_NOTE_H
#define SAFEHAND_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"
#include "safehand/merkle.h"

#define NOTE_NAME_MAX 128 /* bytes of a key's name, which is the log's origin; NUL included */

/* A verifier key: NAME+HEX8+BASE64(0x01 | 32 bytes). */
struct note_key {
	char name[NOTE_NAME_MAX];
	uint8_t id[4];
	uint8_t ed25519[32];
};

/* One line without or with its newline. ERR_FORMAT. Pure. */
int note_key_parse(const char *text, size_t len, struct note_key *out, struct err *e);

/* A signing key, from PEM (PKCS#8, Ed25519) and the name that it signs under. */
struct note_signer;
int note_signer_new(const char *name, const void *key_pem, size_t len, struct note_signer **out,
		    struct err *e);
void note_signer_free(struct note_signer *s);
const struct note_key *note_signer_key(const struct note_signer *s);
/* Appends text (ends in a newline), an empty line and the signature line. */
int note_sign(const struct note_signer *s, const char *text, size_t len, struct buf *note,
	      struct err *e);

/* The note's text, *text_len bytes with its last newline, if key signed it; lines of other keys are
 * let be. ERR_FORMAT not a note; ERR_SIGNATURE no line of this key, or one that does not hold. */
int note_verify(const void *note, size_t len, const struct note_key *key, size_t *text_len,
		struct err *e);
/* How many bytes of a note are its text, without judging signatures. ERR_FORMAT. */
int note_text(const void *note, size_t len, size_t *text_len, struct err *e);

struct checkpoint {
	char origin[NOTE_NAME_MAX];
	uint64_t size;
	uint8_t root[DIGEST_BYTES];
};

/* The three lines; extension lines are allowed by the format and let be. */
void checkpoint_format(const struct checkpoint *c, struct buf *text);
int checkpoint_parse(const void *text, size_t len, struct checkpoint *out, struct err *e);
/* A checkpoint of this log: signed by key, and its origin is the key's name. */
int checkpoint_verify(const void *note, size_t len, const struct note_key *key,
		      struct checkpoint *out, struct err *e);

/* A proof as text; note is the signed checkpoint, verbatim. */
void tlog_proof_format(uint64_t index, const struct merkle_proof *proof, const void *note,
		       size_t note_len, struct buf *text);
/* *note points into text. The optional "extra" line is let be: nothing of ours is in it.
 * ERR_FORMAT. Pure. */
int tlog_proof_parse(const void *text, size_t len, uint64_t *index, struct merkle_proof *proof,
		     const char **note, size_t *note_len, struct err *e);

/* A consistency proof as text: the body of an add-checkpoint request (c2sp.org/tlog-witness): "old
 * N", the hashes, an empty line, the signed checkpoint. */
void tlog_consistency_format(uint64_t old, const struct merkle_proof *proof, const void *note,
			     size_t note_len, struct buf *text);
/* *note points into text. ERR_FORMAT. Pure. */
int tlog_consistency_parse(const void *text, size_t len, uint64_t *old, struct merkle_proof *proof,
			   const char **note, size_t *note_len, struct err *e);

#endif
