/* limits.h - every limit of the formats, with unit and reason. A limit of one file only stands in
 * that file. */
#ifndef SAFEHAND_LIMITS_H
#define SAFEHAND_LIMITS_H

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define DIGEST_BYTES 32 /* SHA-256, BLAKE2b-256 */
#define KEY_BYTES    32 /* content key, X25519 keys, linking key */
#define SLOT_BYTES   80 /* crypto_box_seal of a content key: 32 + 48 */

/* Bundle (design: the head is parsed in memory, the payload never is) */
#define BUNDLE_FIXED_BYTES  24		/* magic and four lengths */
#define MANIFEST_MAX_BYTES  (64 * 1024) /* parsed whole by verify */
#define SIGNATURE_MAX_BYTES (64 * 1024) /* SIGNERS_MAX chains of three certificates fit */
#define RECIPIENTS_MAX	    400		/* so many "to" members fit a manifest */
#define SLOTS_MAX_BYTES	    (RECIPIENTS_MAX * SLOT_BYTES)
#define HEAD_MAX_BYTES                                                                             \
	(BUNDLE_FIXED_BYTES + MANIFEST_MAX_BYTES + SIGNATURE_MAX_BYTES + SLOTS_MAX_BYTES)
#define PAYLOAD_MAX_BYTES   (1024 * GIB) /* above any disk quota; keeps sums far from overflow */
#define CHUNK_BYTES	    65536	 /* plaintext of one secretstream chunk */
#define CHUNK_OVERHEAD	    17		 /* crypto_secretstream_xchacha20poly1305_ABYTES */
#define STREAM_HEADER_BYTES 24		 /* crypto_secretstream_xchacha20poly1305_HEADERBYTES */
#define ABOUT_MAX	    64		 /* children and households of one bundle */
#define ACTIONS_MAX	    64		 /* actions of one meeting */
#define SIGNERS_MAX	    8		 /* four eyes, with room */

/* Documents inside */
#define DOCUMENTS_MAX 1000 /* entries of one archive, cover sheet not counted */
#define DOCUMENT_NAME_MAX                                                                          \
	200 /* bytes: below NAME_MAX of every file system, with room for a suffix */
#define DOCUMENTS_TOTAL_MAX (64 * GIB) /* unpacked size; --max-size raises it */
#define EXPANSION_MAX                                                                              \
	200 /* unpacked to packed, above EXPANSION_FREE: text packs 20:1, bombs 1000:1 */
#define EXPANSION_FREE	(64 * MIB)    /* no ratio is judged below this */
#define COVER_MAX_BYTES (1024 * 1024) /* cover.json is parsed in memory */

/* Statements, rosters, evidence, log */
#define STATEMENT_MAX_BYTES   (16 * 1024)	 /* content of a statement */
#define ROSTER_MAX_BYTES      (16 * 1024 * 1024) /* some 10,000 mailboxes with certificates */
#define ROSTER_MAILBOXES_MAX  20000
#define ENTRY_MAX_BYTES	      (16 * 1024)	 /* one line of the log (design 3) */
#define NOTE_MAX_BYTES	      (16 * 1024)	 /* checkpoint with cosignatures */
#define PROOF_HASHES_MAX      64		 /* a tree of 2^63 leaves */
#define TOKEN_MAX_BYTES	      (16 * 1024)	 /* DER TimeStampToken with its certificates */
#define EVIDENCE_MAX_BYTES    (1024 * 1024)	 /* all parts at their limits in base64 fit */
#define CERTIFICATE_MAX_BYTES (16 * 1024)	 /* one DER certificate */
#define CRL_MAX_BYTES	      (16 * 1024 * 1024) /* PEM of all CRLs */

#endif
