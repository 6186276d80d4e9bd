/* tls.c - mutual TLS over bufferevents. Runs in: front. Owns: the contexts, the gateway's TLS key.
 * Trusts: the configured root; no client. The role's door to OpenSSL. */
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>

#include "front/tls.h"
#include "safehand/log.h"
#include "safehand/time.h"

#define GROUPS	    "X25519:P-256:P-384"
#define CHAIN_DEPTH 3 /* leaf, issuing CA, root, with one to spare */

struct tls {
	SSL_CTX *ctx;
	STACK_OF(X509_CRL) * crls;
	int64_t crl_until_ms, until_ms;
};

/* --- refusals at the handshake --- */

static enum err_code
code_of(int why)
{
	switch (why) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID: return ERR_EXPIRED;
	case X509_V_ERR_CERT_REVOKED:
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID: return ERR_REVOKED;
	case X509_V_ERR_INVALID_PURPOSE: return ERR_PROFILE;
	default: return ERR_CERTIFICATE;
	}
}

static void
free_why(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
	free(ptr);
}

/* Where an SSL keeps the sentence of its refusal (struct err, only once there is one). */
static int
why_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_why);
	return index;
}

static int
identity_of(X509 *x, struct identity *out, struct err *e)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der), rc;

	if (n <= 0)
		return err_set(e, ERR_CERTIFICATE, "certificate: cannot be encoded");
	rc = identity_parse(der, (size_t)n, out, e);
	OPENSSL_free(der);
	return rc;
}

static int64_t
crl_end_ms(const X509_CRL *crl)
{
	struct tm tm;

	if (X509_CRL_get0_nextUpdate(crl) == NULL ||
	    ASN1_TIME_to_tm(X509_CRL_get0_nextUpdate(crl), &tm) != 1)
		return 0; /* without an end it counts for nothing */
	return (int64_t)timegm(&tm) * 1000;
}

/* Asked at each fault of a chain: only an overdue list within its grace is none. The grace is the
 * context's own, which connections under way outlive a reload with. */
static int
forgive(int good, X509_STORE_CTX *ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	int64_t grace = (intptr_t)SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const X509_CRL *crl = X509_STORE_CTX_get0_current_crl(ctx);

	if (good || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_CRL_HAS_EXPIRED || crl == NULL ||
	    crl_end_ms(crl) + grace < time_now_ms())
		return good;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

static int
check_client(X509_STORE_CTX *ctx, struct err *e)
{
	X509 *x = X509_STORE_CTX_get0_cert(ctx);
	struct identity id;
	char subject[128];
	int why;

	X509_STORE_CTX_set_verify_cb(ctx, forgive);
	X509_NAME_oneline(X509_get_subject_name(x), subject, sizeof subject);
	if (X509_verify_cert(ctx) != 1) {
		why = X509_STORE_CTX_get_error(ctx);
		return err_set(e, code_of(why), "certificate of %s: %s", subject,
			       X509_verify_cert_error_string(why));
	}
	if (identity_of(x, &id, e) == 0 && id.profile != PROFILE_AGENCY_TLS)
		err_set(e, ERR_PROFILE, "certificate of %s: profile %s, wanted agency-tls", subject,
			profile_name(id.profile));
	else if (e->code == ERR_OK)
		return 0;
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_INVALID_PURPOSE);
	return -1;
}

static int
verify_client(X509_STORE_CTX *ctx, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct err e = {0};

	if (check_client(ctx, &e) == 0)
		return 1;
	free(SSL_get_ex_data(ssl, why_index()));
	SSL_set_ex_data(ssl, why_index(), mem_dup(&e, sizeof e));
	return 0;
}

void
tls_why(struct bufferevent *bev, struct err *e)
{
	const struct err *kept = SSL_get_ex_data(bufferevent_openssl_get_ssl(bev), why_index());
	unsigned long code = bufferevent_get_openssl_error(bev);
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

	if (kept != NULL)
		*e = *kept;
	else if (ERR_GET_REASON(code) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		err_set(e, ERR_CERTIFICATE, "the client has no certificate");
	else
		err_set(e, ERR_NETWORK, "%s", reason ? reason : "the client left");
	ERR_clear_error();
}

/* --- a context --- */

static int
load_certificate(SSL_CTX *ctx, const struct buf *pem, struct err *e)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	int rc = -1;

	if (x == NULL || SSL_CTX_use_certificate(ctx, x) != 1) {
		err_set(e, ERR_CERTIFICATE, "front certificate: no usable PEM certificate");
		goto out;
	}
	for (;;) {
		X509 *ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (ca == NULL)
			break;
		if (SSL_CTX_add0_chain_cert(ctx, ca) != 1)
			X509_free(ca);
	}
	rc = 0;
out:
	X509_free(x);
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

static int
load_key(SSL_CTX *ctx, const struct buf *pem, struct err *e)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	bool good = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
		    SSL_CTX_check_private_key(ctx) == 1;

	EVP_PKEY_free(key);
	BIO_free(bio);
	ERR_clear_error();
	return good ? 0 : err_set(e, ERR_SECRET, "front key: not that of the front certificate");
}

/* Of our own certificate: its profile and end. */
static int
check_own(struct tls *t, struct err *e)
{
	struct identity id;

	if (identity_of(SSL_CTX_get0_certificate(t->ctx), &id, e) < 0)
		return err_wrap(e, "front certificate");
	if (id.profile != PROFILE_GATEWAY_TLS)
		return err_set(e, ERR_PROFILE, "front certificate: profile %s, wanted gateway-tls",
			       profile_name(id.profile));
	t->until_ms = id.not_after_ms;
	return 0;
}

/* Roots and issuing CAs; only self-issued ones end a chain (no X509_V_FLAG_PARTIAL_CHAIN). */
static int
load_cas(struct tls *t, const struct buf *pem, const char *name, struct err *e)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509 *x;
	int n = 0;

	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_cert(SSL_CTX_get_cert_store(t->ctx), x) == 1;
		SSL_CTX_add_client_CA(t->ctx, x); /* tells the client which of its certificates */
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	return n > 0 ? 0 : err_set(e, ERR_CERTIFICATE, "%s: no PEM certificate", name);
}

static int
load_crls(struct tls *t, const struct buf *pem, struct err *e)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509_CRL *crl;

	t->crls = sk_X509_CRL_new_null();
	t->crl_until_ms = TIME_MAX_MS;
	while ((crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
		X509_STORE_add_crl(SSL_CTX_get_cert_store(t->ctx), crl);
		if (crl_end_ms(crl) < t->crl_until_ms)
			t->crl_until_ms = crl_end_ms(crl);
		sk_X509_CRL_push(t->crls, crl);
	}
	BIO_free(bio);
	ERR_clear_error();
	return sk_X509_CRL_num(t->crls) > 0 ? 0 : err_set(e, ERR_CERTIFICATE, "crl: no PEM CRL");
}

static int
select_protocol(SSL *ssl, const unsigned char **out, unsigned char *n, const unsigned char *in,
		unsigned int in_n, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	if (SSL_select_next_proto(&chosen, n, ours, sizeof ours - 1, in, in_n) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static void
set_rules(SSL_CTX *ctx, bool allow_12)
{
	SSL_CTX_set_min_proto_version(ctx, allow_12 ? TLS1_2_VERSION : TLS1_3_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20"); /* of TLS 1.2 */
	SSL_CTX_set_security_level(ctx, 2);
	/* no finite fields: 2048 bits of one are 112 bits of strength, 8192 a client's way to load
	 * us */
	SSL_CTX_set1_groups_list(ctx, GROUPS);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
				     SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* no resumption: it would skip the look at the revocation lists */
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS); /* an idle connection keeps none */
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_verify_depth(ctx, CHAIN_DEPTH);
	SSL_CTX_set_cert_verify_callback(ctx, verify_client, NULL);
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx),
				    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL |
					X509_V_FLAG_X509_STRICT | X509_V_FLAG_POLICY_CHECK);
	SSL_CTX_set_alpn_select_cb(ctx, select_protocol, NULL);
}

int
tls_new(const struct tls_files *files, bool allow_12, struct tls **out, struct err *e)
{
	struct tls *t = mem_alloc(sizeof *t);
	int rc = -1;

	if ((t->ctx = SSL_CTX_new(TLS_server_method())) == NULL) {
		err_set(e, ERR_SYSTEM, "no TLS context");
		goto out;
	}
	set_rules(t->ctx, allow_12);
	SSL_CTX_set_app_data(t->ctx, (void *)(intptr_t)files->crl_grace_ms);
	if (load_certificate(t->ctx, files->certificate, e) < 0 ||
	    load_key(t->ctx, files->key, e) < 0 || check_own(t, e) < 0 ||
	    load_cas(t, files->root, "root", e) < 0 ||
	    load_cas(t, files->issuing, "issuing", e) < 0 || load_crls(t, files->crl, e) < 0)
		goto out;
	*out = t;
	t = NULL;
	rc = 0;
out:
	tls_free(t);
	return rc;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx); /* live connections hold their own reference */
	sk_X509_CRL_pop_free(t->crls, X509_CRL_free);
	free(t);
}

int64_t
tls_crl_until_ms(const struct tls *t)
{
	return t->crl_until_ms;
}

int64_t
tls_until_ms(const struct tls *t)
{
	return t->until_ms;
}

/* --- a connection --- */

struct bufferevent *
tls_accept(struct tls *t, struct event_base *base, int fd)
{
	SSL *ssl = SSL_new(t->ctx);
	struct bufferevent *bev = NULL;

	if (ssl != NULL)
		bev = bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
						     BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL) {
		SSL_free(ssl);
		close(fd);
	}
	ERR_clear_error();
	return bev;
}

int
tls_peer(struct bufferevent *bev, struct identity *out, struct err *e)
{
	X509 *x = SSL_get0_peer_certificate(bufferevent_openssl_get_ssl(bev));

	return x != NULL ? identity_of(x, out, e)
			 : err_set(e, ERR_CERTIFICATE, "the client has no certificate");
}

static bool
is_listed(const struct tls *t, X509 *x)
{
	for (int i = 0; i < sk_X509_CRL_num(t->crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(t->crls, i);
		X509_REVOKED *entry;

		if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(x)) == 0 &&
		    X509_CRL_get0_by_cert(crl, &entry, x) == 1)
			return true;
	}
	return false;
}

bool
tls_is_revoked(const struct tls *t, struct bufferevent *bev)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(bufferevent_openssl_get_ssl(bev));

	for (int i = 0; i < sk_X509_num(chain); i++)
		if (is_listed(t, sk_X509_value(chain, i)))
			return true;
	return false;
}

void
tls_shutdown(struct bufferevent *bev)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);

	if (SSL_is_init_finished(ssl))
		SSL_shutdown(ssl);
	ERR_clear_error();
}
