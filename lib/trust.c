/* trust.c - whether a certificate leads to the root, at a time, unrevoked (RFC 5280 section 6).
 * Runs in: everything that meets certificates. A door to OpenSSL. Owns: root, issuing CAs, CRLs,
 * kept verdicts. Trusts: the root. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "openssl_in.h"
#include "safehand/buf.h"
#include "safehand/time.h"

#define KEPT 512 /* verdicts on chains: more than an area has signing certificates in daily use */

#define ISSUING_MAX 64 /* CAs of one area over the years: two or three */

/* A chain that was found good: only validity in time and revocation need be judged again. */
struct kept {
	struct identity id;
	bool used;
	int64_t from_ms, until_ms; /* the validity of the whole chain */
	STACK_OF(X509) * chain;
};

/* A CRL, and the CA whose signature on it was found good: checked once, not at each use. */
struct crl {
	X509_CRL *crl;
	const X509 *ca;
};

struct trust {
	X509_STORE *store;
	STACK_OF(X509) * issuing;
	struct crl *crls;
	size_t ncrls;
	int64_t crl_grace_ms, skew_ms;
	struct known *known;
	struct kept kept[KEPT];
};

static int
add_roots(struct trust *t, const struct buf *pem, struct err *e)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509 *x;
	int n = 0;

	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_cert(t->store, x);
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	return n > 0 ? 0 : err_set(e, ERR_CERTIFICATE, "root: no PEM certificate");
}

static int
add_issuing(struct trust *t, const struct buf *pem)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509 *x;

	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		sk_X509_push(t->issuing, x);
	BIO_free(bio);
	ERR_clear_error();
	return 0;
}

static int
add_crls(struct trust *t, const struct buf *pem, struct err *e)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509_CRL *crl;

	while ((crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		t->crls = mem_realloc(t->crls, t->ncrls + 1, sizeof *t->crls);
		t->crls[t->ncrls++] = (struct crl){crl, NULL};
	}
	BIO_free(bio);
	ERR_clear_error();
	return t->ncrls > 0 ? 0 : err_set(e, ERR_CERTIFICATE, "crl: no PEM CRL");
}

int
trust_new(const struct buf *root, const struct buf *issuing, const struct buf *crl,
	  struct trust **out, struct err *e)
{
	struct trust *t = mem_alloc(sizeof *t);

	t->store = X509_STORE_new();
	t->issuing = sk_X509_new_null();
	t->known = known_new();
	t->skew_ms = SIGNING_SKEW_MS;
	if (add_roots(t, root, e) < 0 ||
	    (issuing != NULL && issuing->len > 0 && add_issuing(t, issuing) < 0) ||
	    (crl != NULL && crl->len > 0 && add_crls(t, crl, e) < 0)) {
		trust_free(t);
		return -1;
	}
	*out = t;
	return 0;
}

void
trust_free(struct trust *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < KEPT; i++)
		if (t->kept[i].used)
			sk_X509_pop_free(t->kept[i].chain, X509_free);
	X509_STORE_free(t->store);
	known_free(t->known);
	sk_X509_pop_free(t->issuing, X509_free);
	for (size_t i = 0; i < t->ncrls; i++)
		X509_CRL_free(t->crls[i].crl);
	free(t->crls);
	free(t);
}

void
trust_set_crl_grace(struct trust *t, int64_t ms)
{
	t->crl_grace_ms = ms;
}

void
trust_set_skew(struct trust *t, int64_t ms)
{
	t->skew_ms = ms;
}

int64_t
trust_skew(const struct trust *t)
{
	return t->skew_ms;
}

int
trust_crls_end(const void *pem, size_t len, int64_t *end_ms)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	X509_CRL *crl;
	int64_t ms;
	int n = 0, rc = 0;

	*end_ms = TIME_MAX_MS;
	for (; (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL; n++) {
		if (openssl_time_ms(X509_CRL_get0_nextUpdate(crl), &ms) < 0)
			rc = -1;
		else if (ms < *end_ms)
			*end_ms = ms;
		X509_CRL_free(crl);
	}
	BIO_free(bio);
	ERR_clear_error();
	return n > 0 ? rc : -1;
}

struct known *
trust_known(struct trust *t)
{
	return t->known;
}

int
trust_add_issuing(struct trust *t, const void *der, size_t len, struct err *e)
{
	X509 *x = openssl_certificate(der, len);

	if (x == NULL || X509_check_ca(x) != 1) {
		X509_free(x);
		return err_set(e, ERR_CERTIFICATE, "issuing CA: not one DER certificate of a CA");
	}
	sk_X509_push(t->issuing, x);
	return 0;
}

/* --- revocation --- */

/* Is it signed by ca? The chain holds a reference to the CA, so its address stays its own. */
static bool
is_of(struct crl *c, X509 *ca)
{
	if (c->ca == ca)
		return true;
	if (X509_NAME_cmp(X509_CRL_get_issuer(c->crl), X509_get_subject_name(ca)) != 0 ||
	    X509_CRL_verify(c->crl, X509_get0_pubkey(ca)) != 1)
		return false;
	c->ca = ca;
	return true;
}

static bool
is_current(X509_CRL *crl, int64_t at_ms, int64_t grace_ms)
{
	int64_t from, until;

	return openssl_time_ms(X509_CRL_get0_lastUpdate(crl), &from) == 0 &&
	       openssl_time_ms(X509_CRL_get0_nextUpdate(crl), &until) == 0 &&
	       from <= at_ms + 60000 &&
	       at_ms <= until + grace_ms; /* a minute for clocks that differ */
}

static int
check_revoked(X509_CRL *crl, X509 *x, int64_t at_ms, enum trust_mode mode, struct err *e)
{
	X509_REVOKED *r = NULL;
	char when[TIME_TEXT];
	int64_t ms = 0;

	if (X509_CRL_get0_by_cert(crl, &r, x) != 1)
		return 0;
	if (openssl_time_ms(X509_REVOKED_get0_revocationDate(r), &ms) == 0 &&
	    mode == TRUST_HISTORIC && ms > at_ms)
		return 0; /* what was signed before stays verifiable */
	time_format(when, ms < TIME_MIN_MS ? 0 : ms);
	return err_set(e, ERR_REVOKED, "certificate revoked at %s", when);
}

/* One link of a chain: x, issued by ca. */
static int
check_link(struct trust *t, X509 *x, X509 *ca, int64_t at_ms, enum trust_mode mode, struct err *e)
{
	bool current = mode == TRUST_HISTORIC;

	for (size_t i = 0; i < t->ncrls; i++) {
		struct crl *c = &t->crls[i];

		if (!is_of(c, ca))
			continue;
		current = current || is_current(c->crl, at_ms, t->crl_grace_ms);
		if (check_revoked(c->crl, x, at_ms, mode, e) < 0)
			return -1;
	}
	return current ? 0
		       : err_set(e, ERR_REVOKED,
				 "no current CRL of the CA that issued the certificate");
}

static int
check_revocation(struct trust *t, STACK_OF(X509) * chain, int64_t at_ms, enum trust_mode mode,
		 struct err *e)
{
	for (int i = 0; i + 1 < sk_X509_num(chain); i++)
		if (check_link(t, sk_X509_value(chain, i), sk_X509_value(chain, i + 1), at_ms, mode,
			       e) < 0)
			return -1;
	return 0;
}

/* --- chain --- */

static int
refuse_chain(int why, struct err *e)
{
	bool time = why == X509_V_ERR_CERT_HAS_EXPIRED || why == X509_V_ERR_CERT_NOT_YET_VALID;

	return err_set(e, time ? ERR_EXPIRED : ERR_CERTIFICATE, "certificate: %s",
		       X509_verify_cert_error_string(why));
}

/* Signatures, names, constraints, unknown critical extensions, key strength. Time is judged by
 * check_validity, so that the verdict can be kept. */
static int
build_chain(struct trust *t, X509 *x, STACK_OF(X509) * *out, struct err *e)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int rc = -1;

	if (ctx == NULL || X509_STORE_CTX_init(ctx, t->store, x, t->issuing) != 1) {
		err_set(e, ERR_SYSTEM, "certificate: no context");
		goto out;
	}
	param = X509_STORE_CTX_get0_param(ctx);
	/* POLICY_CHECK: without it a CA's critical policyConstraints would be passed over */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_X509_STRICT |
					       X509_V_FLAG_POLICY_CHECK);
	X509_VERIFY_PARAM_set_auth_level(param, 2); /* 112 bits and more: no SHA-1, no small keys */
	X509_VERIFY_PARAM_set_depth(param, 4);
	if (X509_verify_cert(ctx) != 1) {
		refuse_chain(X509_STORE_CTX_get_error(ctx), e);
		goto out;
	}
	*out = X509_STORE_CTX_get1_chain(ctx);
	rc = 0;
out:
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

static int
check_validity(const struct kept *k, int64_t at_ms, struct err *e)
{
	char when[TIME_TEXT], at[TIME_TEXT];

	if (at_ms >= k->from_ms && at_ms <= k->until_ms)
		return 0;
	time_format(at, at_ms);
	time_format(when, at_ms < k->from_ms ? k->from_ms : k->until_ms);
	return err_set(e, ERR_EXPIRED, "certificate of %s: %s %s, and it was used at %s", k->id.by,
		       at_ms < k->from_ms ? "not valid before" : "expired at", when, at);
}

static int
chain_validity(struct kept *k, struct err *e)
{
	k->from_ms = TIME_MIN_MS;
	k->until_ms = TIME_MAX_MS;
	for (int i = 0; i < sk_X509_num(k->chain); i++) {
		const X509 *x = sk_X509_value(k->chain, i);
		int64_t from, until;

		if (openssl_time_ms(X509_get0_notBefore(x), &from) < 0 ||
		    openssl_time_ms(X509_get0_notAfter(x), &until) < 0)
			return err_set(e, ERR_CERTIFICATE, "certificate: malformed validity");
		k->from_ms = from > k->from_ms ? from : k->from_ms;
		k->until_ms = until < k->until_ms ? until : k->until_ms;
	}
	return 0;
}

/* Where the verdict on this certificate is kept, or would be. */
static struct kept *
place(struct trust *t, const uint8_t cert[static DIGEST_BYTES])
{
	return &t->kept[(cert[0] << 8 | cert[1]) % KEPT];
}

static bool
is_kept(const struct kept *k, const uint8_t cert[static DIGEST_BYTES])
{
	return k->used && memcmp(k->id.cert, cert, DIGEST_BYTES) == 0;
}

/* The slot where the verdict on this certificate is kept; made anew if another one or none is
 * there. */
static struct kept *
verdict(struct trust *t, X509 *x, struct err *e)
{
	struct kept made = {0}, *k;
	uint8_t cert[DIGEST_BYTES];
	unsigned n = DIGEST_BYTES;

	if (X509_digest(x, EVP_sha256(), cert, &n) == 1 && is_kept(place(t, cert), cert))
		return place(t, cert);
	if (identity_of_x509(x, &made.id, e) < 0 && e->code != ERR_PROFILE)
		return NULL;
	if (made.id.by[0] == '\0' ||
	    e->code == ERR_PROFILE) { /* a stranger's certificate is "no chain" before it is "wrong
					 profile" */
		struct err profile = *e;

		if (build_chain(t, x, &made.chain, e) == 0) {
			sk_X509_pop_free(made.chain, X509_free);
			*e = profile;
		}
		return NULL;
	}
	if (build_chain(t, x, &made.chain, e) < 0)
		return NULL;
	if (chain_validity(&made, e) < 0) {
		sk_X509_pop_free(made.chain, X509_free);
		return NULL;
	}
	k = place(t, made.id.cert);
	if (k->used)
		sk_X509_pop_free(k->chain, X509_free);
	made.used = true;
	*k = made;
	return k;
}

int
trust_check_x509(struct trust *t, struct x509_st *x, unsigned profiles, int64_t at_ms,
		 enum trust_mode mode, struct identity *out, struct err *e)
{
	struct kept *k;

	err_clear(e);
	if ((k = verdict(t, x, e)) == NULL || check_validity(k, at_ms, e) < 0 ||
	    check_revocation(t, k->chain, at_ms, mode, e) < 0)
		return -1;
	if (!(profiles & PROFILE_BIT(k->id.profile)))
		return err_set(e, ERR_PROFILE,
			       "certificate of %s has profile %s, which may not do this", k->id.by,
			       profile_name(k->id.profile));
	*out = k->id;
	return 0;
}

int
trust_check(struct trust *t, const void *der, size_t len, unsigned profiles, int64_t at_ms,
	    enum trust_mode mode, struct identity *out, struct err *e)
{
	X509 *x = openssl_certificate(der, len);
	int rc = -1;

	if (x == NULL)
		err_set(e, ERR_CERTIFICATE, "certificate: not one DER certificate");
	else
		rc = trust_check_x509(t, x, profiles, at_ms, mode, out, e);
	X509_free(x);
	ERR_clear_error();
	return rc;
}

/* --- what came along with a signature --- */

static bool
is_among(STACK_OF(X509) * list, const X509 *x)
{
	for (int i = 0; i < sk_X509_num(list); i++)
		if (X509_cmp(sk_X509_value(list, i), x) == 0)
			return true;
	return false;
}

static bool
is_root(const struct trust *t, const X509 *x)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(t->store);

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		const X509 *root = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

		if (root != NULL && X509_cmp(root, x) == 0)
			return true;
	}
	return false;
}

static int
take_issuing(struct trust *t, X509 *x, struct err *e)
{
	STACK_OF(X509) * chain;

	if (is_among(t->issuing, x) || is_root(t, x))
		return 0;
	if (X509_check_ca(x) != 1)
		return err_set(e, ERR_CERTIFICATE,
			       "certificate: inside, and neither a signer's nor a CA's");
	if (sk_X509_num(t->issuing) >= ISSUING_MAX)
		return err_set(e, ERR_LIMIT, "certificate: more than %d issuing CAs", ISSUING_MAX);
	if (build_chain(t, x, &chain, e) < 0)
		return -1;
	sk_X509_pop_free(chain, X509_free);
	X509_up_ref(x);
	sk_X509_push(t->issuing, x);
	return 0;
}

int
trust_take_issuing(struct trust *t, STACK_OF(X509) * certs, STACK_OF(X509) * signers, struct err *e)
{
	for (int i = 0; i < sk_X509_num(certs); i++)
		if (!is_among(signers, sk_X509_value(certs, i)) &&
		    take_issuing(t, sk_X509_value(certs, i), e) < 0)
			return -1;
	return 0;
}
