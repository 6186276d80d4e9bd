/* timestamp.c - RFC 3161 time-stamp tokens. Runs in: notary (makes), courier (asks), client
 * (verifies). A door to OpenSSL. Trusts: no byte of a token; time only from its caller. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ts.h>

#include "cms_shape_in.h"
#include "openssl_in.h"
#include "safehand/timestamp.h"

#define POLICY                                                                                     \
	"2.25.306450688074897223438439316723139715727.2.1" /* ours: the gateway's clock, as its    \
							      notary judged it */

struct tsa {
	TS_RESP_CTX *ctx;
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) * chain;
	int64_t now_ms;
};

static int
on_time(TS_RESP_CTX *ctx, void *data, long *sec, long *usec)
{
	const struct tsa *t = data;

	*sec = (long)(t->now_ms / 1000);
	*usec = (long)(t->now_ms % 1000 * 1000);
	return 1;
}

static ASN1_INTEGER *
on_serial(TS_RESP_CTX *ctx, void *data)
{
	unsigned char random[16];
	BIGNUM *n;
	ASN1_INTEGER *serial;

	if (RAND_bytes(random, sizeof random) != 1)
		return NULL;
	random[0] = (random[0] & 0x3F) | 0x40; /* positive, of one length */
	n = BN_bin2bn(random, sizeof random, NULL);
	serial = BN_to_ASN1_INTEGER(n, NULL);
	BN_free(n);
	return serial;
}

static bool
set_up(struct tsa *t)
{
	ASN1_OBJECT *policy = OBJ_txt2obj(POLICY, 1);
	bool ok;

	t->ctx = TS_RESP_CTX_new();
	ok = t->ctx != NULL && TS_RESP_CTX_set_signer_cert(t->ctx, t->cert) == 1 &&
	     TS_RESP_CTX_set_signer_key(t->ctx, t->key) == 1 &&
	     TS_RESP_CTX_set_signer_digest(t->ctx, EVP_sha256()) == 1 &&
	     TS_RESP_CTX_set_ess_cert_id_digest(t->ctx, EVP_sha256()) == 1 &&
	     TS_RESP_CTX_set_certs(t->ctx, t->chain) == 1 &&
	     TS_RESP_CTX_set_def_policy(t->ctx, policy) == 1 &&
	     TS_RESP_CTX_add_md(t->ctx, EVP_sha256()) == 1 &&
	     TS_RESP_CTX_set_clock_precision_digits(t->ctx, 3) == 1 &&
	     TS_RESP_CTX_set_accuracy(t->ctx, 1, 0, 0) == 1;
	if (ok) {
		TS_RESP_CTX_set_serial_cb(t->ctx, on_serial, t);
		TS_RESP_CTX_set_time_cb(t->ctx, on_time, t);
	}
	ASN1_OBJECT_free(policy);
	return ok;
}

int
tsa_new(const void *key_pem, size_t key_len, const void *cert_pem, size_t cert_len,
	struct tsa **out, struct err *e)
{
	BIO *cert = BIO_new_mem_buf(cert_pem, (int)cert_len);
	struct tsa *t = mem_alloc(sizeof *t);
	struct identity id;
	X509 *x;
	int rc = -1;

	if (pkcs11_is_uri(key_pem, key_len)) {
		if ((t->key = pkcs11_key(key_pem, key_len, e)) == NULL)
			goto out;
	} else {
		t->key = openssl_private_key(key_pem, key_len);
	}
	t->cert = PEM_read_bio_X509(cert, NULL, NULL, NULL);
	t->chain = sk_X509_new_null();
	while ((x = PEM_read_bio_X509(cert, NULL, NULL, NULL)) != NULL)
		sk_X509_push(t->chain, x);
	if (t->key == NULL || t->cert == NULL || X509_check_private_key(t->cert, t->key) != 1)
		err_set(e, ERR_SECRET, "time stamping authority: key and certificate do not fit");
	else if (identity_of_x509(t->cert, &id, e) < 0 || id.profile != PROFILE_TSA)
		err_set(e, ERR_PROFILE,
			"time stamping authority: the certificate is not of profile tsa");
	else if (!set_up(t))
		err_set(e, ERR_SYSTEM, "time stamping authority: %s", openssl_reason());
	else
		rc = 0;
out:
	BIO_free(cert);
	ERR_clear_error();
	if (rc < 0)
		tsa_free(t);
	else
		*out = t;
	return rc;
}

void
tsa_free(struct tsa *t)
{
	if (t == NULL)
		return;
	TS_RESP_CTX_free(t->ctx);
	X509_free(t->cert);
	EVP_PKEY_free(t->key);
	sk_X509_pop_free(t->chain, X509_free);
	free(t);
}

static TS_REQ *
new_request(const uint8_t *digest, bool nonce)
{
	TS_REQ *req = TS_REQ_new();
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	X509_ALGOR *alg = X509_ALGOR_new();
	uint64_t random;
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	bool ok;

	X509_ALGOR_set_md(alg, EVP_sha256());
	RAND_bytes((unsigned char *)&random, sizeof random);
	ok = TS_REQ_set_version(req, 1) == 1 && TS_MSG_IMPRINT_set_algo(imprint, alg) == 1 &&
	     TS_MSG_IMPRINT_set_msg(imprint, (unsigned char *)(uintptr_t)digest, DIGEST_BYTES) ==
		 1 &&
	     TS_REQ_set_msg_imprint(req, imprint) == 1 && TS_REQ_set_cert_req(req, 1) == 1 &&
	     (!nonce ||
	      (ASN1_INTEGER_set_uint64(n, random >> 1) == 1 && TS_REQ_set_nonce(req, n) == 1));
	TS_MSG_IMPRINT_free(imprint);
	X509_ALGOR_free(alg);
	ASN1_INTEGER_free(n);
	if (ok)
		return req;
	TS_REQ_free(req);
	return NULL;
}

static int
take_token(TS_RESP *resp, struct buf *token, struct err *e)
{
	PKCS7 *p7 = resp != NULL ? TS_RESP_get_token(resp) : NULL;
	unsigned char *der = NULL;
	int n = p7 != NULL ? i2d_PKCS7(p7, &der) : -1;

	if (n > 0 && n <= TOKEN_MAX_BYTES)
		buf_add(token, der, (size_t)n);
	OPENSSL_free(der);
	if (n <= 0)
		return err_set(e, ERR_SIGNATURE, "timestamp: not granted (%s)", openssl_reason());
	return n <= TOKEN_MAX_BYTES
		   ? 0
		   : err_set(e, ERR_LIMIT, "timestamp: %d bytes, limit %d", n, TOKEN_MAX_BYTES);
}

int
tsa_stamp(struct tsa *t, const uint8_t digest[static DIGEST_BYTES], int64_t now_ms,
	  struct buf *token, struct err *e)
{
	TS_REQ *req = new_request(digest, false);
	BIO *bio = BIO_new(BIO_s_mem());
	TS_RESP *resp = NULL;
	int rc;

	t->now_ms = now_ms;
	if (req != NULL && i2d_TS_REQ_bio(bio, req) == 1)
		resp = TS_RESP_create_response(t->ctx, bio);
	rc = take_token(resp, token, e);
	TS_RESP_free(resp);
	TS_REQ_free(req);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

int
timestamp_request(const uint8_t digest[static DIGEST_BYTES], struct buf *request, struct err *e)
{
	TS_REQ *req = new_request(digest, true);
	unsigned char *der = NULL;
	int n = req != NULL ? i2d_TS_REQ(req, &der) : -1;

	if (n > 0)
		buf_add(request, der, (size_t)n);
	OPENSSL_free(der);
	TS_REQ_free(req);
	return n > 0 ? 0 : err_set(e, ERR_SYSTEM, "timestamp request: %s", openssl_reason());
}

int
timestamp_response(const void *request, size_t request_len, const void *response, size_t len,
		   struct buf *token, struct err *e)
{
	const unsigned char *rq = request, *rs = response;
	TS_REQ *req = d2i_TS_REQ(NULL, &rq, (long)request_len);
	TS_RESP *resp = d2i_TS_RESP(NULL, &rs, (long)len);
	TS_VERIFY_CTX *ctx = req != NULL ? TS_REQ_to_TS_VERIFY_CTX(req, NULL) : NULL;
	int rc = -1;

	/* version, digest and nonce must be the request's; who signed is judged by
	 * timestamp_verify_external */
	if (ctx != NULL && resp != NULL) {
		TS_VERIFY_CTX_set_flags(ctx, TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_NONCE);
		if (TS_RESP_verify_response(ctx, resp) == 1)
			rc = take_token(resp, token, e);
		else
			err_set(e, ERR_SIGNATURE,
				"timestamp: the response does not answer the request (%s)",
				openssl_reason());
	} else {
		err_set(e, ERR_FORMAT, "timestamp: not a TimeStampResp");
	}
	TS_VERIFY_CTX_free(ctx);
	TS_REQ_free(req);
	TS_RESP_free(resp);
	ERR_clear_error();
	return rc;
}

/* --- verify --- */

static int
token_time(TS_TST_INFO *info, int64_t *ms)
{
	const ASN1_GENERALIZEDTIME *gt = TS_TST_INFO_get_time(info);
	const char *text = (const char *)ASN1_STRING_get0_data(gt), *dot;
	char whole[16] = "";
	struct tm tm = {0};

	/* YYYYMMDDhhmmss[.f...]Z, RFC 3161 section 2.4.2; OpenSSL parsed it as GeneralizedTime */
	if (ASN1_STRING_length(gt) < 15 ||
	    strptime((memcpy(whole, text, 14), whole), "%Y%m%d%H%M%S", &tm) == NULL)
		return -1;
	*ms = (int64_t)timegm(&tm) * 1000;
	dot = memchr(text, '.', (size_t)ASN1_STRING_length(gt));
	for (int64_t unit = 100; dot != NULL && unit > 0 && dot[1] >= '0' && dot[1] <= '9';
	     unit /= 10, dot++)
		*ms += (dot[1] - '0') * unit;
	return 0;
}

/* The signature of the token itself, its ESS attribute, the digest: all but the chain. */
static int
check_token(PKCS7 *p7, const uint8_t *digest, X509_STORE *store, struct err *e)
{
	TS_VERIFY_CTX *ctx = TS_VERIFY_CTX_new();
	unsigned char *imprint = OPENSSL_memdup(digest, DIGEST_BYTES);
	TS_TST_INFO *info = PKCS7_to_TS_TST_INFO(p7);
	int rc = -1;

	if (info == NULL) {
		err_set(e, ERR_SIGNATURE, "timestamp: no TSTInfo inside");
		OPENSSL_free(imprint);
	} else {
		ASN1_OCTET_STRING *msg = TS_MSG_IMPRINT_get_msg(TS_TST_INFO_get_msg_imprint(info));

		TS_VERIFY_CTX_set_flags(ctx, TS_VFY_VERSION | TS_VFY_SIGNATURE | TS_VFY_IMPRINT);
		TS_VERIFY_CTX_set_imprint(ctx, imprint, DIGEST_BYTES);
		TS_VERIFY_CTX_set_store(ctx, store);
		if (ASN1_STRING_length(msg) != DIGEST_BYTES ||
		    memcmp(ASN1_STRING_get0_data(msg), digest, DIGEST_BYTES) != 0)
			err_set(e, ERR_DIGEST, "timestamp: it is over other bytes");
		else if (TS_RESP_verify_token(ctx, p7) != 1)
			err_set(e, ERR_SIGNATURE, "timestamp: %s", openssl_reason());
		else
			rc = 0;
	}
	if (store != NULL)
		TS_VERIFY_CTX_set_store(ctx, NULL); /* the caller's, not ctx's to free */
	TS_TST_INFO_free(info);
	TS_VERIFY_CTX_free(ctx);
	return rc;
}

static PKCS7 *
parse_token(const void *token, size_t len, int64_t *time_ms, struct err *e)
{
	const unsigned char *p = token;
	PKCS7 *p7 = len <= TOKEN_MAX_BYTES ? d2i_PKCS7(NULL, &p, (long)len) : NULL;
	TS_TST_INFO *info = NULL;
	bool ok;

	ok = p7 != NULL && p == (const unsigned char *)token + len && PKCS7_type_is_signed(p7) &&
	     (info = PKCS7_to_TS_TST_INFO(p7)) != NULL && token_time(info, time_ms) == 0;
	TS_TST_INFO_free(info);
	if (ok)
		return p7;
	PKCS7_free(p7);
	err_set(e, ERR_FORMAT, "timestamp: not one DER TimeStampToken");
	return NULL;
}

/* Anchors for check_token: the chain is judged by trust_check at the token's time, so here each
 * certificate that came along may stand for itself; what remains is the token's own signature. */
static X509_STORE *
store_of(PKCS7 *p7)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *certs = p7->d.sign->cert;

	for (int i = 0; i < sk_X509_num(certs); i++)
		X509_STORE_add_cert(store, sk_X509_value(certs, i));
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
	return store;
}

/* What OpenSSL lets be: how the signer is named, which algorithm it says. */
static bool
is_signer_exact(const PKCS7 *p7, const X509 *signer)
{
	const PKCS7_SIGNER_INFO *si = sk_PKCS7_SIGNER_INFO_value(p7->d.sign->signer_info, 0);

	return openssl_same_name(si->issuer_and_serial->issuer, X509_get_issuer_name(signer)) &&
	       openssl_algorithms_fit(si->digest_alg, si->digest_enc_alg);
}

int
timestamp_verify(const void *token, size_t len, const uint8_t digest[static DIGEST_BYTES],
		 struct trust *t, int64_t *time_ms, struct identity *signer, struct err *e)
{
	PKCS7 *p7 = parse_token(token, len, time_ms, e);
	STACK_OF(X509) *signers = NULL;
	struct cms_shape shape;
	X509_STORE *store;
	int rc = -1;

	if (p7 == NULL)
		goto out;
	store = store_of(p7);
	signers = PKCS7_get0_signers(p7, NULL, 0);
	if (cms_shape_check(token, len, 3, &shape) < 0)
		err_set(e, ERR_SIGNATURE, "timestamp: not SignedData of version 3 in DER");
	else if (sk_X509_num(signers) != 1 || !is_signer_exact(p7, sk_X509_value(signers, 0)))
		err_set(e, ERR_SIGNATURE, "timestamp: its signer's certificate is not inside");
	else if (check_token(p7, digest, store, e) == 0 &&
		 trust_take_issuing(t, p7->d.sign->cert, signers, e) == 0)
		rc = trust_check_x509(t, sk_X509_value(signers, 0), PROFILE_BIT(PROFILE_TSA),
				      *time_ms, TRUST_HISTORIC, signer, e);
	X509_STORE_free(store);
out:
	sk_X509_free(signers);
	PKCS7_free(p7);
	ERR_clear_error();
	return rc;
}

int
timestamp_verify_external(const void *token, size_t len, const uint8_t digest[static DIGEST_BYTES],
			  const struct buf *roots, int64_t *time_ms, struct err *e)
{
	PKCS7 *p7 = parse_token(token, len, time_ms, e);
	BIO *bio = BIO_new_mem_buf(roots->data, (int)roots->len);
	X509_STORE *store = X509_STORE_new();
	X509 *x;
	int rc = -1;

	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		X509_STORE_add_cert(store, x);
		X509_free(x);
	}
	if (p7 != NULL)
		rc = check_token(p7, digest, store, e);
	X509_STORE_free(store);
	BIO_free(bio);
	PKCS7_free(p7);
	ERR_clear_error();
	return rc;
}
