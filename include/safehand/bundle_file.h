/* bundle_file.h - whole bundles as files: made from documents and a cover sheet; read, judged,
 * opened. Memory does not grow with size. Links unseal.c: for clients, not for the gateway. */
#ifndef SAFEHAND_BUNDLE_FILE_H
#define SAFEHAND_BUNDLE_FILE_H

#include "safehand/bundle.h"
#include "safehand/cover.h"
#include "safehand/manifest.h"
#include "safehand/signature.h"

/* Told as the work goes on: bytes done of total. -1 stops the work (ERR_SYSTEM "interrupted"). May
 * be NULL. */
typedef int bundle_progress(void *ctx, uint64_t done, uint64_t total);

struct bundle_document {
	const char *path; /* read from here */
	const char *name; /* inside the archive; NULL: the last part of path */
	const char *type; /* media type; NULL: by the name's suffix */
};

struct bundle_order {
	/* All but the digests, sizes and keys, which are filled in. to[]: mailbox, cover, covers.
	 */
	struct manifest *manifest;
	const struct identity
	    *keys; /* manifest->nto agency-seal certificates, judged by the caller */
	const struct cover *cover; /* what people wrote; id, from, to, documents are filled in */
	const struct bundle_document *documents;
	size_t ndocuments;
	struct signer *const *signers; /* 1..SIGNERS_MAX, of the sender's agency */
	size_t nsigners;
	bundle_progress *progress;
	void *ctx;
};

/* Packs, seals, signs; the file appears under name in dir_fd, whole and synced, or not at all
 * (ERR_CONFLICT if there is one already). ERR_FORMAT: a document that is not what its media type
 * says (media.h). manifest is filled in. */
int bundle_write(const struct bundle_order *order, int dir_fd, const char *name, struct err *e)
    __attribute__((warn_unused_result));

/* A bundle in a file, its head read and parsed; with or without slots (as fetched from a mailbox).
 */
struct bundle_file {
	int fd; /* owned */
	struct bundle_head head;
	struct buf manifest_text, signature, slots;
	struct manifest *manifest;
	uint8_t manifest_sha256[DIGEST_BYTES];
	uint64_t bytes; /* of the file, which is what the head says */
};

/* fd is taken over at once, on failure too. ERR_FORMAT, ERR_LIMIT; ERR_DIGEST: longer or shorter
 * than its head says, or slots other than their digest. */
int bundle_file_open(int fd, struct bundle_file **out, struct err *e)
    __attribute__((warn_unused_result));
void bundle_file_close(struct bundle_file *b); /* NULL is fine */
/* Signature, chain, profile; all signers of the agency that the manifest is from. */
int bundle_file_check(const struct bundle_file *b, struct trust *t, int64_t at_ms,
		      enum trust_mode mode, struct identity ids[SIGNERS_MAX], size_t *n,
		      struct err *e) __attribute__((warn_unused_result));
/* The payload has the digest that was signed (ERR_DIGEST). */
int bundle_file_check_payload(const struct bundle_file *b, bundle_progress *progress, void *ctx,
			      struct err *e) __attribute__((warn_unused_result));
/* The same, where the digest was taken of all payload bytes as they came. */
int bundle_file_is_payload(const struct bundle_file *b, const uint8_t sha256[static DIGEST_BYTES],
			   struct err *e) __attribute__((warn_unused_result));
/* The place of a mailbox among the recipients, or -1. */
int bundle_file_slot(const struct bundle_file *b, const char *mailbox);
/* One more signer; the file under name is replaced whole (the payload is copied, not read again).
 */
int bundle_file_sign(const struct bundle_file *b, struct signer *s, int dir_fd, const char *name,
		     struct err *e) __attribute__((warn_unused_result));

struct bundle_opening {
	uint8_t slot[SLOT_BYTES];
	const uint8_t *x25519_secret; /* KEY_BYTES; of the mailbox */
	uint64_t max_bytes;	      /* unpacked; 0: DOCUMENTS_TOTAL_MAX */
	bundle_progress *progress;
	void *ctx;
};
/* Decrypts and unpacks into the new folder name under dir_fd: the cover sheet as cover.json and the
 * documents, each checked against the cover sheet, which is compared with the manifest. The folder
 * appears whole and synced, or not at all. *cover is the caller's to cover_free; content_sha256
 * takes the digest of the decrypted archive, also when a check after decryption fails (then
 * *has_content is true and the refusal is ERR_ARCHIVE, ERR_DIGEST or ERR_FORMAT). */
int bundle_file_extract(const struct bundle_file *b, const struct bundle_opening *o, int dir_fd,
			const char *name, struct cover **cover,
			uint8_t content_sha256[static DIGEST_BYTES], bool *has_content,
			struct err *e) __attribute__((warn_unused_result));

#endif
