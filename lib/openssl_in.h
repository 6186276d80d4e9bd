/* openssl_in.h - what the OpenSSL doors of the library share; not a public header. */
#ifndef LIB_OPENSSL_IN_H
#define LIB_OPENSSL_IN_H

#include <openssl/x509.h>

#include "safehand/identity.h"

/* identity_parse for a certificate that is an X509 already. */
int identity_of_x509(X509 *x, struct identity *out, struct err *e);

/* A private key in PEM without encryption; NULL if it is none: no passphrase is ever asked for. */
EVP_PKEY *openssl_private_key(const void *pem, size_t len);
/* An ASN.1 time in milliseconds since 1970; -1 if it is absent or malformed. */
int openssl_time_ms(const ASN1_TIME *t, int64_t *ms);
/* What OpenSSL says went wrong last, for a sentence. Static string. */
const char *openssl_reason(void);

#endif
