/* signature.h - detached CMS signatures (RFC 5652), CAdES-BES with signing-certificate-v2 (RFC
 * 5035, ETSI EN 319 122-1). */
#ifndef SAFEHAND_SIGNATURE_H
#define SAFEHAND_SIGNATURE_H

#include "safehand/buf.h"
#include "safehand/identity.h"

/* A private key with its certificate and chain. */
struct signer;

/* key_pem: PKCS#8 without encryption, or the PKCS#11 URI of a key in a token
 * (pkcs11:…?module-path=/…); cert_pem: the certificate, then its issuing CA. ERR_SECRET,
 * ERR_CERTIFICATE. */
int signer_new(const void *key_pem, size_t key_len, const void *cert_pem, size_t cert_len,
	       struct signer **out, struct err *e);
void signer_free(struct signer *s);
const struct identity *signer_identity(const struct signer *s);

/* Signs content with n signers (1..SIGNERS_MAX), ECDSA and SHA-256; appends DER to der. */
int signature_sign(const void *content, size_t len, struct signer *const *signers, size_t n,
		   struct buf *der, struct err *e);
/* One signature with the content inside it: a request for a certificate whose key cannot sign. */
int signature_attach(const void *content, size_t len, struct signer *s, struct buf *der,
		     struct err *e) __attribute__((warn_unused_result));
/* Adds one more signer to an existing signature over the same content; the other signatures stay as
 * they are. */
int signature_add(const void *old, size_t old_len, const void *content, size_t len,
		  struct signer *s, struct buf *der, struct err *e);

/* Every SignerInfo must hold: over content, with signed attributes (content type, message digest,
 * signing-certificate-v2 that names the certificate), by a certificate inside that trust_check
 * accepts for one of profiles. No signer twice, no content inside, nothing after it, no unsigned
 * attributes; strictly DER. Other certificates inside must be CAs that lead to the root; t then
 * uses them (ERR_CERTIFICATE, ERR_LIMIT). The time of signing, if it is told, is a claim, see
 * trust_set_skew: ERR_CLOCK after at_ms, ERR_EXPIRED before the certificate was valid. ids takes
 * the signers, 1..SIGNERS_MAX of them; *n their number. ERR_SIGNATURE, or what trust_check says. */
int signature_verify(const void *content, size_t len, const void *der, size_t der_len,
		     struct trust *t, unsigned profiles, int64_t at_ms, enum trust_mode mode,
		     struct identity ids[SIGNERS_MAX], size_t *n, struct err *e);

#endif
