/* openssl_in.h - what the OpenSSL doors of the library share; not a public header. */
#ifndef LIB_OPENSSL_IN_H
#define LIB_OPENSSL_IN_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "safehand/identity.h"

/* identity_parse for a certificate that is an X509 already. */
int identity_of_x509(X509 *x, struct identity *out, struct err *e);

/* Certificates that came along with a signature, the signers' own aside: each must be the root or a
 * CA that leads to it (ERR_CERTIFICATE); it then serves to build chains. At most as many CAs as an
 * area will ever have are taken in (ERR_LIMIT). */
int trust_take_issuing(struct trust *t, STACK_OF(X509) * certs, STACK_OF(X509) * signers,
		       struct err *e);

/* The one certificate that these bytes are, strictly in DER: what OpenSSL would write otherwise is
 * none, since the fingerprint would not be that of the bytes. NULL if it is none. */
X509 *openssl_certificate(const void *der, size_t len);

/* Certificates by their bytes. */
struct known;
struct known *known_new(void);
void known_free(struct known *k); /* NULL is fine */
/* One whole DER certificate: the kept one, or parsed; X509_free it. NULL: it is none. */
X509 *known_get(struct known *k, const void *der, size_t len);
/* Of a signature that was found good: strangers' certificates do not push out members'. */
void known_keep(struct known *k, X509 *x);
struct known *trust_known(struct trust *t); /* lives as long as t */
/* By how much the clocks of signers may differ, ms. */
int64_t trust_skew(const struct trust *t);

/* A private key in PEM without encryption; NULL if it is none: no passphrase is ever asked for. */
EVP_PKEY *openssl_private_key(const void *pem, size_t len);
/* An ASN.1 time in milliseconds since 1970; -1 if it is absent or malformed. */
int openssl_time_ms(const ASN1_TIME *t, int64_t *ms);
/* The same name in the same bytes: X509_NAME_cmp folds case. */
bool openssl_same_name(const X509_NAME *a, const X509_NAME *b);
/* The signature algorithm is ECDSA with this digest, SHA-256 or stronger: OpenSSL goes by the key
 * and does not look. */
bool openssl_algorithms_fit(const X509_ALGOR *digest, const X509_ALGOR *signature);
/* What OpenSSL says went wrong last, for a sentence. Static string. */
const char *openssl_reason(void);

/* pkcs11.c: a key file may hold the URI (RFC 7512) of a key in a token instead of the key: one
 * line, pkcs11:token=…;object=…;type=private?module-path=/…&pin-value=…. ERR_SECRET: no engine,
 * module, key, or the PIN is wrong. */
bool pkcs11_is_uri(const void *text, size_t len);
EVP_PKEY *pkcs11_key(const void *text, size_t len, struct err *e);

#endif
