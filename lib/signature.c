/* signature.c - detached CMS signatures. Runs in: client (sign), verify and client (verify). A door
 * to OpenSSL. Trusts: no byte of a signature. Never decrypts: no CMS envelope is ever parsed for
 * content. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/pem.h>

#include "cms_shape_in.h"
#include "openssl_in.h"
#include "safehand/signature.h"
#include "safehand/time.h"

#define CERTIFICATES_MAX                                                                           \
	(3 * SIGNERS_MAX) /* inside one signature: each signer with a short chain */

struct signer {
	EVP_PKEY *key;
	X509 *cert;
	STACK_OF(X509) * chain;
	struct identity id;
};

static void
read_chain(struct signer *s, BIO *bio)
{
	X509 *x;

	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		sk_X509_push(s->chain, x);
}

int
signer_new(const void *key_pem, size_t key_len, const void *cert_pem, size_t cert_len,
	   struct signer **out, struct err *e)
{
	struct signer *s = mem_alloc(sizeof *s);
	BIO *cert = BIO_new_mem_buf(cert_pem, (int)cert_len);
	int rc = -1;

	s->chain = sk_X509_new_null();
	if (pkcs11_is_uri(key_pem, key_len)) {
		if ((s->key = pkcs11_key(key_pem, key_len, e)) == NULL)
			goto out;
	} else {
		s->key = openssl_private_key(key_pem, key_len);
	}
	s->cert = PEM_read_bio_X509(cert, NULL, NULL, NULL);
	if (s->key == NULL) {
		err_set(e, ERR_SECRET, "no private key in PEM (or an encrypted one)");
	} else if (s->cert == NULL) {
		err_set(e, ERR_CERTIFICATE, "no PEM certificate");
	} else if (X509_check_private_key(s->cert, s->key) != 1) {
		err_set(e, ERR_SECRET, "the private key is not the certificate's");
	} else {
		read_chain(s, cert);
		rc = identity_of_x509(s->cert, &s->id, e);
	}
out:
	BIO_free(cert);
	ERR_clear_error();
	if (rc < 0)
		signer_free(s);
	else
		*out = s;
	return rc;
}

void
signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	EVP_PKEY_free(s->key);
	X509_free(s->cert);
	sk_X509_pop_free(s->chain, X509_free);
	free(s);
}

const struct identity *
signer_identity(const struct signer *s)
{
	return &s->id;
}

/* --- sign --- */

#define SIGN_FLAGS (CMS_BINARY | CMS_DETACHED | CMS_CADES | CMS_NOSMIMECAP | CMS_PARTIAL)

static bool
add_certificate(CMS_ContentInfo *cms, X509 *x)
{
	STACK_OF(X509) *have = CMS_get1_certs(cms);
	bool there = false, ok;

	for (int i = 0; i < sk_X509_num(have); i++)
		there = there || X509_cmp(sk_X509_value(have, i), x) == 0;
	sk_X509_pop_free(have, X509_free);
	ok = there || CMS_add1_cert(cms, x) == 1;
	return ok;
}

static bool
add_signer(CMS_ContentInfo *cms, struct signer *s, unsigned flags)
{
	if (CMS_add1_signer(cms, s->cert, s->key, EVP_sha256(), flags | CMS_NOCERTS) == NULL ||
	    !add_certificate(cms, s->cert))
		return false;
	for (int i = 0; i < sk_X509_num(s->chain); i++)
		if (!add_certificate(cms, sk_X509_value(s->chain, i)))
			return false;
	return true;
}

static int
write_der(CMS_ContentInfo *cms, struct buf *der, struct err *e)
{
	unsigned char *out = NULL;
	int n = i2d_CMS_ContentInfo(cms, &out);

	if (n > 0 && n <= SIGNATURE_MAX_BYTES)
		buf_add(der, out, (size_t)n);
	OPENSSL_free(out);
	if (n <= 0)
		return err_set(e, ERR_SYSTEM, "sign: %s", openssl_reason());
	return n <= SIGNATURE_MAX_BYTES
		   ? 0
		   : err_set(e, ERR_LIMIT, "signature: %d bytes, limit %d", n, SIGNATURE_MAX_BYTES);
}

int
signature_sign(const void *content, size_t len, struct signer *const *signers, size_t n,
	       struct buf *der, struct err *e)
{
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, SIGN_FLAGS);
	BIO *bio = BIO_new_mem_buf(content, (int)len);
	bool ok = cms != NULL && bio != NULL && n > 0 && n <= SIGNERS_MAX;
	int rc = -1;

	for (size_t i = 0; ok && i < n; i++)
		ok = add_signer(cms, signers[i], SIGN_FLAGS);
	if (ok && CMS_final(cms, bio, NULL, CMS_BINARY | CMS_DETACHED) == 1)
		rc = write_der(cms, der, e);
	else
		err_set(e, ERR_SYSTEM, "sign: %s", openssl_reason());
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

int
signature_attach(const void *content, size_t len, struct signer *s, struct buf *der, struct err *e)
{
	const unsigned flags = SIGN_FLAGS & ~(unsigned)CMS_DETACHED;
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
	BIO *bio = BIO_new_mem_buf(content, (int)len);
	int rc = -1;

	if (cms != NULL && bio != NULL && add_signer(cms, s, flags) &&
	    CMS_final(cms, bio, NULL, CMS_BINARY) == 1)
		rc = write_der(cms, der, e);
	else
		err_set(e, ERR_SYSTEM, "sign: %s", openssl_reason());
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

static CMS_ContentInfo *
parse(const void *der, size_t len)
{
	const unsigned char *p = der;
	CMS_ContentInfo *cms =
	    len <= SIGNATURE_MAX_BYTES ? d2i_CMS_ContentInfo(NULL, &p, (long)len) : NULL;

	if (cms != NULL && p != (const unsigned char *)der + len) {
		CMS_ContentInfo_free(cms);
		cms = NULL;
	}
	return cms;
}

int
signature_add(const void *old, size_t old_len, const void *content, size_t len, struct signer *s,
	      struct buf *der, struct err *e)
{
	CMS_ContentInfo *cms = parse(old, old_len);
	BIO *bio = BIO_new_mem_buf(content, (int)len);
	int rc = -1;

	/* CMS_REUSE_DIGEST takes the message digest of the signatures that are there; they were
	 * made over this content, which whoever countersigns has verified */
	if (cms == NULL)
		err_set(e, ERR_FORMAT, "signature: not one DER SignedData");
	else if (!add_signer(cms, s, (SIGN_FLAGS & ~(unsigned)CMS_PARTIAL) | CMS_REUSE_DIGEST))
		err_set(e, ERR_SYSTEM, "countersign: %s", openssl_reason());
	else
		rc = write_der(cms, der, e);
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

/* --- verify --- */

/* RFC 5035: the attribute must name the certificate whose key made the signature. */
static int
check_signing_certificate(CMS_SignerInfo *si, X509 *x, struct err *e)
{
	ASN1_OBJECT *oid = OBJ_nid2obj(NID_id_smime_aa_signingCertificateV2);
	ASN1_STRING *value = CMS_signed_get0_data_by_OBJ(si, oid, -3, V_ASN1_SEQUENCE);
	const unsigned char *p = value != NULL ? ASN1_STRING_get0_data(value) : NULL;
	ESS_SIGNING_CERT_V2 *ess =
	    p != NULL ? d2i_ESS_SIGNING_CERT_V2(NULL, &p, ASN1_STRING_length(value)) : NULL;
	STACK_OF(X509) *one = sk_X509_new_null();
	int rc = -1;

	sk_X509_push(one, x);
	if (ess == NULL)
		err_set(e, ERR_SIGNATURE,
			"signature: no signing-certificate-v2 attribute (RFC 5035)");
	else if (OSSL_ESS_check_signing_certs(NULL, ess, one, 1) != 1)
		err_set(e, ERR_SIGNATURE,
			"signature: signing-certificate-v2 names another certificate");
	else
		rc = 0;
	ESS_SIGNING_CERT_V2_free(ess);
	sk_X509_free(one);
	return rc;
}

static bool
is_strong(CMS_SignerInfo *si)
{
	X509_ALGOR *digest, *signature;

	CMS_SignerInfo_get0_algs(si, NULL, NULL, &digest, &signature);
	return openssl_algorithms_fit(digest, signature);
}

/* The certificate that a SignerInfo names, among those inside. */
static X509 *
find_certificate(CMS_SignerInfo *si, STACK_OF(X509) * certs)
{
	X509_NAME *issuer = NULL;

	if (CMS_SignerInfo_get0_signer_id(si, NULL, &issuer, NULL) != 1 || issuer == NULL)
		return NULL; /* by key id: none of ours */
	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *x = sk_X509_value(certs, i);

		if (CMS_SignerInfo_cert_cmp(si, x) == 0 &&
		    openssl_same_name(issuer, X509_get_issuer_name(x)))
			return x;
	}
	return NULL;
}

static int
check_digest(CMS_SignerInfo *si, BIO *chain, struct err *e)
{
	if (CMS_SignerInfo_verify_content(si, chain) != 1)
		return err_set(e, ERR_SIGNATURE, "signature: it is over other bytes");
	return 0;
}

static int
check_signer(CMS_SignerInfo *si, X509 *x, BIO *chain, struct err *e)
{
	if (x == NULL)
		return err_set(e, ERR_SIGNATURE,
			       "signature: the signer's certificate is not inside");
	if (!is_strong(si))
		return err_set(e, ERR_SIGNATURE, "signature: not ECDSA with SHA-256 or stronger");
	if (CMS_signed_get_attr_count(si) < 3 ||
	    CMS_signed_get_attr_by_NID(si, NID_pkcs9_contentType, -1) < 0 ||
	    CMS_signed_get_attr_by_NID(si, NID_pkcs9_messageDigest, -1) < 0)
		return err_set(e, ERR_SIGNATURE,
			       "signature: signed attributes are missing (RFC 5652 section 5.3)");
	if (CMS_unsigned_get_attr_count(si) > 0)
		return err_set(e, ERR_SIGNATURE,
			       "signature: unsigned attributes, which anyone could have added");
	CMS_SignerInfo_set1_signer_cert(si, x);
	if (CMS_SignerInfo_verify(si) != 1)
		return err_set(e, ERR_SIGNATURE, "signature: it does not hold");
	return check_signing_certificate(si, x, e) < 0 ? -1 : check_digest(si, chain, e);
}

/* RFC 5652 section 11.3: once, one value, a time. *has false: the signer does not say when. */
static int
read_signing_time(CMS_SignerInfo *si, int64_t *ms, bool *has, struct err *e)
{
	int at = CMS_signed_get_attr_by_NID(si, NID_pkcs9_signingTime, -1);
	X509_ATTRIBUTE *attribute;
	ASN1_TYPE *value;

	*has = at >= 0;
	if (!*has)
		return 0;
	attribute = CMS_signed_get_attr(si, at);
	value = X509_ATTRIBUTE_get0_type(attribute, 0);
	if (CMS_signed_get_attr_by_NID(si, NID_pkcs9_signingTime, at) >= 0 ||
	    X509_ATTRIBUTE_count(attribute) != 1 || value == NULL ||
	    (value->type != V_ASN1_UTCTIME && value->type != V_ASN1_GENERALIZEDTIME) ||
	    openssl_time_ms(value->value.utctime, ms) < 0)
		return err_set(e, ERR_SIGNATURE, "signature: the time of signing is no one time");
	return 0;
}

/* The claim decides nothing: who is judged is judged at at_ms. It may only not contradict that, or
 * the certificate that it names, which was not there before it was made. */
static int
check_dated(CMS_SignerInfo *si, const struct identity *id, int64_t at_ms, int64_t skew_ms,
	    struct err *e)
{
	char dated[TIME_TEXT], other[TIME_TEXT];
	int64_t ms;
	bool has;

	if (read_signing_time(si, &ms, &has, e) < 0)
		return -1;
	if (!has)
		return 0;
	time_format(dated, ms);
	if (ms > at_ms + skew_ms) {
		time_format(other, at_ms);
		return err_set(e, ERR_CLOCK, "signature of %s: dated %s, and it was there at %s",
			       id->by, dated, other);
	}
	if (ms < id->not_before_ms - skew_ms) {
		time_format(other, id->not_before_ms);
		return err_set(e, ERR_EXPIRED,
			       "signature of %s: dated %s, its certificate is valid from %s",
			       id->by, dated, other);
	}
	return 0;
}

static int
note_signer(struct identity ids[SIGNERS_MAX], size_t *n, const struct identity *id, struct err *e)
{
	for (size_t i = 0; i < *n; i++)
		if (memcmp(ids[i].cert, id->cert, DIGEST_BYTES) == 0)
			return err_set(e, ERR_SIGNATURE, "signature: %s signed twice", id->by);
	ids[(*n)++] = *id;
	return 0;
}

static int
check_shape(CMS_ContentInfo *cms, STACK_OF(X509) * certs, struct err *e)
{
	ASN1_OCTET_STRING **content;

	if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed ||
	    OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data)
		return err_set(e, ERR_SIGNATURE,
			       "signature: not SignedData over data (RFC 5652 section 5.1)");
	content = CMS_get0_content(cms);
	if (content == NULL || *content != NULL)
		return err_set(e, ERR_SIGNATURE, "signature: not detached");
	if (sk_X509_num(certs) > CERTIFICATES_MAX)
		return err_set(e, ERR_LIMIT, "signature: %d certificates, limit %d",
			       sk_X509_num(certs), CERTIFICATES_MAX);
	return 0;
}

/* Whoever altered a certificate that nobody looks at would be none the wiser for it, but a file
 * that is not what it was must not pass. */
static int
take_along(CMS_ContentInfo *cms, STACK_OF(X509) * certs, struct trust *t, struct err *e)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	STACK_OF(X509) *signers = sk_X509_new_null();
	int rc;

	for (int i = 0; i < sk_CMS_SignerInfo_num(infos); i++) {
		X509 *x = find_certificate(sk_CMS_SignerInfo_value(infos, i), certs);

		if (x != NULL)
			sk_X509_push(signers, x);
	}
	rc = trust_take_issuing(t, certs, signers, e);
	sk_X509_free(signers);
	return rc;
}

static int
verify_all(CMS_ContentInfo *cms, STACK_OF(X509) * certs, BIO *chain, struct trust *t,
	   unsigned profiles, int64_t at_ms, enum trust_mode mode, struct identity ids[SIGNERS_MAX],
	   size_t *n, struct err *e)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	int count = infos != NULL ? sk_CMS_SignerInfo_num(infos) : 0;

	if (count < 1 || count > SIGNERS_MAX)
		return err_set(e, ERR_SIGNATURE, "signature: %d signers, want 1 to %d", count,
			       SIGNERS_MAX);
	if (take_along(cms, certs, t, e) < 0)
		return -1;
	for (int i = 0; i < count; i++) {
		CMS_SignerInfo *si = sk_CMS_SignerInfo_value(infos, i);
		X509 *x = find_certificate(si, certs);
		struct identity id;

		if (check_signer(si, x, chain, e) < 0 ||
		    trust_check_x509(t, x, profiles, at_ms, mode, &id, e) < 0 ||
		    check_dated(si, &id, at_ms, trust_skew(t), e) < 0 ||
		    note_signer(ids, n, &id, e) < 0)
			return -1;
	}
	return 0;
}

/* The certificates inside, of those that came before the same objects; NULL: one is none. */
static STACK_OF(X509) * take_certificates(struct der inside, struct trust *t)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	struct der one;

	while (cms_shape_certificate(&inside, &one)) {
		X509 *x = known_get(trust_known(t), one.p, one.n);

		if (x == NULL) {
			sk_X509_pop_free(certs, X509_free);
			return NULL;
		}
		sk_X509_push(certs, x);
	}
	return certs;
}

/* OpenSSL gets the structure without its certificates: it would make keys of all of them. */
static CMS_ContentInfo *
parse_stripped(const void *der, size_t len, struct trust *t, STACK_OF(X509) * *certs)
{
	CMS_ContentInfo *cms = NULL;
	struct buf stripped = {0};
	struct cms_shape shape;

	*certs = NULL;
	if (len > SIGNATURE_MAX_BYTES || cms_shape_check(der, len, 1, &shape) < 0 ||
	    (*certs = take_certificates(shape.certificates, t)) == NULL)
		return NULL;
	cms_shape_strip(&shape, &stripped);
	cms = parse(stripped.data, stripped.len);
	buf_free(&stripped);
	return cms;
}

int
signature_verify(const void *content, size_t len, const void *der, size_t der_len, struct trust *t,
		 unsigned profiles, int64_t at_ms, enum trust_mode mode,
		 struct identity ids[SIGNERS_MAX], size_t *n, struct err *e)
{
	STACK_OF(X509) * certs;
	CMS_ContentInfo *cms = parse_stripped(der, der_len, t, &certs);
	BIO *data = BIO_new_mem_buf(content, (int)len), *chain = NULL, *sink;
	char drain[4096];
	int rc = -1;

	*n = 0;
	if (cms == NULL) {
		err_set(e, ERR_SIGNATURE, "signature: not one DER structure of CMS");
		goto out;
	}
	if (check_shape(cms, certs, e) < 0)
		goto out;
	/* the digests of all signers are computed as the content runs through the chain */
	if ((chain = CMS_dataInit(cms, data)) == NULL) {
		err_set(e, ERR_SIGNATURE, "signature: %s", openssl_reason());
		goto out;
	}
	while (BIO_read(chain, drain, sizeof drain) > 0)
		continue;
	rc = verify_all(cms, certs, chain, t, profiles, at_ms, mode, ids, n, e);
	for (int i = 0; rc == 0 && i < sk_X509_num(certs); i++)
		known_keep(trust_known(t), sk_X509_value(certs, i));
out:
	/* the digest filters stand above our memory BIO, which we free ourselves */
	while (chain != NULL && chain != data) {
		sink = BIO_pop(chain);
		BIO_free(chain);
		chain = sink;
	}
	BIO_free(data);
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return rc;
}
