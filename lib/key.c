/* key.c - private keys encrypted at rest. Runs in: front, notary. A door to OpenSSL. Owns: nothing.
 * Trusts: the owner of the file, not its bytes. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "safehand/key.h"

#define BEGIN	"-----BEGIN PRIVATE KEY-----\n"
#define END	"-----END PRIVATE KEY-----\n"
#define DER_MAX 4096 /* bytes: a P-256 key has 138, RSA of 4096 bits 2,400 */
#define LINE	48   /* bytes of DER in a line of PEM (RFC 7468) */

_Static_assert(sizeof BEGIN + sizeof END + DER_MAX * 4 / 3 + DER_MAX / LINE + 8 <= KEY_PEM_MAX,
	       "KEY_PEM_MAX");

/* In lines, straight into memory that is wiped: OpenSSL's own writer leaves the last line behind.
 */
static void
write_pem(const unsigned char *der, size_t n, struct buf *out)
{
	buf_reserve(out, strlen(BEGIN) + strlen(END) + n * 4 / 3 + n / LINE + 8); /* never moves */
	buf_adds(out, BEGIN);
	for (size_t at = 0; at < n; at += LINE) {
		buf_base64(out, der + at, n - at < LINE ? n - at : LINE);
		buf_addc(out, '\n');
	}
	buf_adds(out, END);
}

int
key_open(const struct buf *pem, const struct buf *passphrase, struct buf *pem_secret, struct err *e)
{
	const char *word = buf_str(passphrase);
	int n = (int)strcspn(word, "\r\n");
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509_SIG *sealed = PEM_read_bio_PKCS8(bio, NULL, NULL, NULL);
	PKCS8_PRIV_KEY_INFO *key = NULL;
	unsigned char *der = NULL;
	int size = 0, rc = -1;

	if (sealed == NULL) {
		err_set(e, ERR_SECRET, "no encrypted private key (PKCS#8) in PEM");
	} else if ((key = PKCS8_decrypt(sealed, word, n)) == NULL ||
		   (size = i2d_PKCS8_PRIV_KEY_INFO(key, &der)) <= 0 || size > DER_MAX) {
		err_set(e, ERR_SECRET, "the passphrase does not open it");
	} else {
		write_pem(der, (size_t)size, pem_secret);
		rc = 0;
	}
	OPENSSL_clear_free(der, size > 0 ? (size_t)size : 0);
	PKCS8_PRIV_KEY_INFO_free(key);
	X509_SIG_free(sealed);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}
