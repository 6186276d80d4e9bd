/* timestamp.h - RFC 3161 time-stamp tokens: asked for, made, verified. */
#ifndef SAFEHAND_TIMESTAMP_H
#define SAFEHAND_TIMESTAMP_H

#include "safehand/buf.h"
#include "safehand/identity.h"

/* A time stamping authority: key, certificate, chain. */
struct tsa;

int tsa_new(const void *key_pem, size_t key_len, const void *cert_pem, size_t cert_len,
	    struct tsa **out, struct err *e);
void tsa_free(struct tsa *t);
/* A TimeStampToken (DER, with certificates) over the digest (SHA-256) at now_ms; appended to token.
 */
int tsa_stamp(struct tsa *t, const uint8_t digest[static DIGEST_BYTES], int64_t now_ms,
	      struct buf *token, struct err *e);

/* A TimeStampReq (DER) with a random nonce and certReq, for an external authority. */
int timestamp_request(const uint8_t digest[static DIGEST_BYTES], struct buf *request,
		      struct err *e);
/* The token of a TimeStampResp that grants exactly this request; its signature is not judged here.
 */
int timestamp_response(const void *request, size_t request_len, const void *response, size_t len,
		       struct buf *token, struct err *e);

/* The token holds over the digest; its signer has the profile tsa and leads to the root at the
 * token's own time. *time_ms: that time. ERR_SIGNATURE, ERR_DIGEST, or what trust_check says. */
int timestamp_verify(const void *token, size_t len, const uint8_t digest[static DIGEST_BYTES],
		     struct trust *t, int64_t *time_ms, struct identity *signer, struct err *e);
/* The same for an external authority, judged by its own roots (PEM) and RFC 3161 alone. */
int timestamp_verify_external(const void *token, size_t len,
			      const uint8_t digest[static DIGEST_BYTES], const struct buf *roots,
			      int64_t *time_ms, struct err *e);

#endif
