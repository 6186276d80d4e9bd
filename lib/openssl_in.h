/* openssl_in.h - what the OpenSSL doors of the library share; not a public header. */
#ifndef LIB_OPENSSL_IN_H
#define LIB_OPENSSL_IN_H

#include <openssl/x509.h>

#include "safehand/identity.h"

int identity_of_x509(X509 *x, struct identity *out, struct err *e);

#endif
