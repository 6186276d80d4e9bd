/* openssl_in.c - what the OpenSSL doors of the library share. Runs in: everything that meets keys
 * or certificates. A door to OpenSSL. Owns: nothing. */
#include <time.h>

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "openssl_in.h"

/* A daemon has no terminal, and OpenSSL would open one: a key that wants a passphrase is refused.
 */
static int
no_passphrase(char *buf, int size, int rwflag, void *u)
{
	return -1;
}

EVP_PKEY *
openssl_private_key(const void *pem, size_t len)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

	BIO_free(bio);
	ERR_clear_error();
	return key;
}

int
openssl_time_ms(const ASN1_TIME *t, int64_t *ms)
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return -1;
	*ms = (int64_t)timegm(&tm) * 1000;
	return 0;
}

X509 *
openssl_certificate(const void *der, size_t len)
{
	const unsigned char *p = der;
	unsigned char *again = NULL;
	X509 *x = len <= CERTIFICATE_MAX_BYTES ? d2i_X509(NULL, &p, (long)len) : NULL;
	int n = x != NULL ? i2d_X509(x, &again) : -1;

	if (n < 0 || (size_t)n != len || memcmp(again, der, len) != 0) {
		X509_free(x);
		x = NULL;
	}
	OPENSSL_free(again);
	ERR_clear_error();
	return x;
}

const char *
openssl_reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text != NULL ? text : "malformed";
}

bool
openssl_same_name(const X509_NAME *a, const X509_NAME *b)
{
	const unsigned char *p, *q;
	size_t n, m;

	return X509_NAME_get0_der(a, &p, &n) == 1 && X509_NAME_get0_der(b, &q, &m) == 1 && n == m &&
	       memcmp(p, q, n) == 0;
}

bool
openssl_algorithms_fit(const X509_ALGOR *digest, const X509_ALGOR *signature)
{
	int md = OBJ_obj2nid(digest->algorithm), with, key;

	return (md == NID_sha256 || md == NID_sha384 || md == NID_sha512) &&
	       OBJ_find_sigid_algs(OBJ_obj2nid(signature->algorithm), &with, &key) == 1 &&
	       with == md && key == NID_X9_62_id_ecPublicKey;
}
