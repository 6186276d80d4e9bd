/* identity.c - whom a certificate names and for which act. Runs in: everything that meets
 * certificates. A door to OpenSSL. Trusts: nothing in a certificate; the chain is judged by
 * trust.c. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "openssl_in.h"
#include "safehand/buf.h"
#include "safehand/digest.h"
#include "safehand/identity.h"
#include "safehand/time.h"

/* The private arc: a UUID's own (ITU-T X.667), as in pki/common.sh. */
#define ARC "2.25.306450688074897223438439316723139715727.1."

static const struct row {
	const char *name, *kind; /* kind: first part of the SAN URI's path */
	const char *eku[2];	 /* exactly these */
	bool pair;		 /* name is agency/word, else one word */
	bool agreement;		 /* X25519 and keyAgreement, else P-256 and digitalSignature */
	bool critical;		 /* extended key usage must be critical (RFC 3161 section 2.3) */
} rows[PROFILES] = {
    [PROFILE_AGENCY_TLS] =
	{"agency-tls", "agency", {"1.3.6.1.5.5.7.3.2", ARC "1"}, false, false, false},
    [PROFILE_AGENCY_SEAL] = {"agency-seal", "mailbox", {ARC "2", NULL}, true, true, false},
    [PROFILE_AGENCY_SIGN] = {"agency-sign", "agency", {ARC "3", NULL}, false, false, false},
    [PROFILE_PERSON_SIGN] = {"person-sign", "person", {ARC "4", NULL}, true, false, false},
    [PROFILE_GATEWAY_TLS] =
	{"gateway-tls", "gateway", {"1.3.6.1.5.5.7.3.1", ARC "5"}, false, false, false},
    [PROFILE_GATEWAY_SIGN] = {"gateway-sign", "gateway", {ARC "6", NULL}, false, false, false},
    [PROFILE_TSA] = {"tsa", "tsa", {"1.3.6.1.5.5.7.3.8", NULL}, false, false, true},
    [PROFILE_ROSTER_SIGN] = {"roster-sign", "roster", {ARC "8", NULL}, false, false, false},
};

const char *
profile_name(enum profile p)
{
	return rows[p].name;
}

static bool
has_oid(const EXTENDED_KEY_USAGE *eku, const char *oid)
{
	char text[128];

	for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
		OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(eku, i), 1);
		if (strcmp(text, oid) == 0)
			return true;
	}
	return false;
}

static int
find_profile(X509 *x, enum profile *out, struct err *e)
{
	int critical = 0, n, found = -1;
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, &critical, NULL);

	n = eku != NULL ? sk_ASN1_OBJECT_num(eku) : 0;
	for (int p = 0; p < PROFILES && found < 0; p++) {
		const struct row *r = &rows[p];
		int want = r->eku[1] != NULL ? 2 : 1;

		if (n == want && has_oid(eku, r->eku[0]) &&
		    (want == 1 || has_oid(eku, r->eku[1])) && (!r->critical || critical == 1))
			found = p;
	}
	sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
	if (found < 0)
		return err_set(e, ERR_PROFILE,
			       "certificate: its extended key usage is of no profile of ours");
	*out = (enum profile)found;
	return 0;
}

/* The one SAN URI "safehand:KIND/NAME" (RFC 5280 section 4.2.1.6); other kinds of names are let be.
 */
static int
find_name(X509 *x, const struct row *r, struct identity *out, struct err *e)
{
	static const char scheme[] = "safehand:";
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int uris = 0, rc = -1;
	size_t kind = strlen(r->kind);

	for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		const char *text;
		size_t len;

		if (g->type != GEN_URI || uris++ > 0)
			continue;
		text = (const char *)ASN1_STRING_get0_data(g->d.uniformResourceIdentifier);
		len = (size_t)ASN1_STRING_length(g->d.uniformResourceIdentifier);
		if (len > sizeof scheme - 1 && len - (sizeof scheme - 1) < sizeof out->by &&
		    memcmp(text, scheme, sizeof scheme - 1) == 0 && memchr(text, 0, len) == NULL) {
			memcpy(out->by, text + sizeof scheme - 1, len - (sizeof scheme - 1));
			rc = 0;
		}
	}
	GENERAL_NAMES_free(names);
	if (rc < 0 || uris != 1)
		return err_set(e, ERR_PROFILE,
			       "certificate: wants one name of the form safehand:%s/NAME", r->kind);
	if (strncmp(out->by, r->kind, kind) != 0 || out->by[kind] != '/' ||
	    !(r->pair ? name_is_mailbox(out->by + kind + 1) : name_is_agency(out->by + kind + 1)))
		return err_set(e, ERR_PROFILE, "certificate: profile %s cannot be named %s",
			       r->name, out->by);
	snprintf(out->name, sizeof out->name, "%.*s", (int)sizeof out->name - 1,
		 out->by + kind + 1);
	if (r->pair || strcmp(r->kind, "agency") == 0)
		name_agency(out->agency, out->name);
	return 0;
}

static int
check_key(X509 *x, const struct row *r, struct identity *out, struct err *e)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	uint32_t usage = X509_get_key_usage(x);
	char group[32] = "";
	size_t n = KEY_BYTES;

	if (key == NULL)
		return err_set(e, ERR_CERTIFICATE, "certificate: no public key that we know");
	/* CA:TRUE without keyCertSign can sign nothing, and X509_check_ca calls it no CA */
	if (X509_check_ca(x) != 0 || X509_get_extension_flags(x) & EXFLAG_CA)
		return err_set(e, ERR_PROFILE, "certificate: a CA certificate, not one of %s",
			       r->name);
	if (X509_get_ext_by_NID(x, NID_basic_constraints, -1) < 0)
		return err_set(e, ERR_PROFILE, "certificate: does not say that it is no CA");
	if (r->agreement) {
		if (EVP_PKEY_get_id(key) != EVP_PKEY_X25519 || usage != KU_KEY_AGREEMENT ||
		    EVP_PKEY_get_raw_public_key(key, out->x25519, &n) != 1)
			return err_set(e, ERR_PROFILE,
				       "certificate: profile %s wants an X25519 key for agreement",
				       r->name);
		return 0;
	}
	EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
	if (EVP_PKEY_get_id(key) != EVP_PKEY_EC || strcmp(group, "prime256v1") != 0 ||
	    usage != KU_DIGITAL_SIGNATURE)
		return err_set(e, ERR_PROFILE,
			       "certificate: profile %s wants a P-256 key for signing", r->name);
	return 0;
}

int
identity_of_x509(X509 *x, struct identity *out, struct err *e)
{
	unsigned n = DIGEST_BYTES;

	*out = (struct identity){0};
	if (X509_digest(x, EVP_sha256(), out->cert, &n) != 1 ||
	    openssl_time_ms(X509_get0_notBefore(x), &out->not_before_ms) < 0 ||
	    openssl_time_ms(X509_get0_notAfter(x), &out->not_after_ms) < 0)
		return err_set(e, ERR_CERTIFICATE, "certificate: malformed");
	if (find_profile(x, &out->profile, e) < 0 || find_name(x, &rows[out->profile], out, e) < 0)
		return -1;
	return check_key(x, &rows[out->profile], out, e);
}

int
identity_parse(const void *der, size_t len, struct identity *out, struct err *e)
{
	X509 *x = openssl_certificate(der, len);
	int rc = -1;

	if (x == NULL)
		err_set(e, ERR_CERTIFICATE, "certificate: not one DER certificate");
	else
		rc = identity_of_x509(x, out, e);
	X509_free(x);
	ERR_clear_error();
	return rc;
}

int
identity_pem_to_der(const void *pem, size_t len, struct buf *der, struct err *e)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	unsigned char *out = NULL;
	int n = x != NULL ? i2d_X509(x, &out) : -1, rc = -1;

	if (n > 0) {
		buf_add(der, out, (size_t)n);
		rc = 0;
	} else {
		err_set(e, ERR_CERTIFICATE, "no PEM certificate");
	}
	OPENSSL_free(out);
	X509_free(x);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

static EVP_PKEY *
read_key(const void *pem, size_t len, struct err *e)
{
	EVP_PKEY *key = openssl_private_key(pem, len);

	if (key == NULL)
		err_set(e, ERR_SECRET, "no private key in PEM (or an encrypted one)");
	return key;
}

int
identity_key_fits(const void *key_pem, size_t key_len, const void *der, size_t der_len,
		  struct err *e)
{
	const unsigned char *p = der;
	X509 *x = d2i_X509(NULL, &p, (long)der_len);
	EVP_PKEY *key = read_key(key_pem, key_len, e);
	int rc = -1;

	if (x == NULL)
		err_set(e, ERR_CERTIFICATE, "certificate: not one DER certificate");
	else if (key != NULL)
		rc = EVP_PKEY_eq(key, X509_get0_pubkey(x)) == 1;
	X509_free(x);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}

int
identity_public_fits(const void *public_pem, size_t len, const void *der, size_t der_len,
		     struct err *e)
{
	const unsigned char *p = der;
	X509 *x = d2i_X509(NULL, &p, (long)der_len);
	BIO *bio = BIO_new_mem_buf(public_pem, (int)len);
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	int rc = -1;

	if (x == NULL)
		err_set(e, ERR_CERTIFICATE, "certificate: not one DER certificate");
	else if (key == NULL)
		err_set(e, ERR_FORMAT, "no public key in PEM");
	else
		rc = EVP_PKEY_eq(key, X509_get0_pubkey(x)) == 1;
	X509_free(x);
	EVP_PKEY_free(key);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

int
identity_x25519_secret(const void *key_pem, size_t len, uint8_t out[static KEY_BYTES],
		       struct err *e)
{
	EVP_PKEY *key = read_key(key_pem, len, e);
	size_t n = KEY_BYTES;
	int rc = -1;

	if (key == NULL)
		return -1;
	if (EVP_PKEY_get_id(key) != EVP_PKEY_X25519 ||
	    EVP_PKEY_get_raw_private_key(key, out, &n) != 1)
		err_set(e, ERR_SECRET, "not an X25519 private key");
	else
		rc = 0;
	EVP_PKEY_free(key);
	return rc;
}

int
identity_new_key(const char *kind, struct buf *key_pem_secret, struct err *e)
{
	bool x25519 = strcmp(kind, "X25519") == 0;
	EVP_PKEY *key = x25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "X25519")
			       : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text;
	long n = 0;

	if (key != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
		n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		buf_add(key_pem_secret, text, (size_t)n);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return n > 0 ? 0 : err_set(e, ERR_SYSTEM, "no %s key could be made", kind);
}

static int
take_bio(BIO *bio, bool ok, struct buf *out, const char *what, struct err *e)
{
	char *text;
	long n = ok ? BIO_get_mem_data(bio, &text) : 0;

	if (n > 0)
		buf_add(out, text, (size_t)n);
	BIO_free(bio);
	ERR_clear_error();
	return n > 0 ? 0 : err_set(e, ERR_SYSTEM, "%s", what);
}

int
identity_request(const void *key_pem, size_t len, const char *subject, struct buf *pem,
		 struct err *e)
{
	EVP_PKEY *key = read_key(key_pem, len, e);
	X509_REQ *req;
	BIO *bio;
	bool ok;

	if (key == NULL)
		return -1;
	req = X509_REQ_new();
	bio = BIO_new(BIO_s_mem());
	ok = X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_UTF8,
					(const unsigned char *)subject, -1, -1, 0) == 1 &&
	     X509_REQ_set_pubkey(req, key) == 1 && X509_REQ_sign(req, key, EVP_sha256()) > 0 &&
	     PEM_write_bio_X509_REQ(bio, req) == 1;
	X509_REQ_free(req);
	EVP_PKEY_free(key);
	return take_bio(bio, ok, pem, "no request could be made of this key", e);
}

int
identity_public_key(const void *key_pem, size_t len, struct buf *pem, struct err *e)
{
	EVP_PKEY *key = read_key(key_pem, len, e);
	BIO *bio;
	bool ok;

	if (key == NULL)
		return -1;
	bio = BIO_new(BIO_s_mem());
	ok = PEM_write_bio_PUBKEY(bio, key) == 1;
	EVP_PKEY_free(key);
	return take_bio(bio, ok, pem, "no public key could be had of this key", e);
}
