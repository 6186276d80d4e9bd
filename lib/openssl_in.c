/* openssl_in.c - what the OpenSSL doors of the library share. Runs in: everything that meets keys
 * or certificates. A door to OpenSSL. Owns: nothing. */
#include <time.h>

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

const char *
openssl_reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text != NULL ? text : "malformed";
}
