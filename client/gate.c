/* gate.c - the gateway as the commands see it. Runs in: client. Owns: connection, trust, roster.
 * Trusts: the root certificate; the gateway only with what an administrator or a CA has signed. */
#include "gate.h"

#include <fcntl.h>
#include <string.h>

#include "files.h"
#include "past.h"
#include "safehand/time.h"

#define CRL	    "crl.pem" /* as fetched */
#define ROSTER	    "roster.shr"
#define ROSTER_ETAG "roster.etag"
#define PAUSE_MAX   (30 * 1000) /* ms between the tries of one command */

/* --- trust --- */

static int
read_optional(const char *path, struct buf *out, struct err *e)
{
	return *path == '\0' ? 0 : files_read(AT_FDCWD, path, CRL_MAX_BYTES, out, e);
}

static int
read_crl(struct client *c, const struct conf *conf, struct buf *out, struct err *e)
{
	const char *path = conf_str(conf, "gateway", NULL, "crl");
	int state;

	if (*path != '\0')
		return files_read(AT_FDCWD, path, CRL_MAX_BYTES, out, e);
	if (client_state(c, &state, e) < 0)
		return -1;
	return files_exists(state, CRL) ? files_read(state, CRL, CRL_MAX_BYTES, out, e) : 0;
}

/* crl NULL: the one that is kept. */
static int
make_trust(struct client *c, const struct buf *crl, struct trust **out, struct err *e)
{
	struct buf root = {0}, issuing = {0}, kept = {0};
	const struct conf *conf;
	int rc = -1;

	if (client_conf(c, &conf, e) == 0 &&
	    files_read(AT_FDCWD, conf_str(conf, "gateway", NULL, "root"), CRL_MAX_BYTES, &root,
		       e) == 0 &&
	    read_optional(conf_str(conf, "gateway", NULL, "issuing"), &issuing, e) == 0 &&
	    (crl != NULL || read_crl(c, conf, &kept, e) == 0))
		rc = trust_new(&root, &issuing, crl != NULL ? crl : &kept, out, e);
	buf_free(&root);
	buf_free(&issuing);
	buf_free(&kept);
	return rc;
}

int
gate_trust(struct client *c, struct trust **out, struct err *e)
{
	if (c->trust == NULL && make_trust(c, NULL, &c->trust, e) < 0)
		return -1;
	*out = c->trust;
	return 0;
}

/* --- the connection --- */

static int
read_own(struct client *c, const struct conf *conf, struct buf *root, struct buf *cert,
	 struct err *e)
{
	if (files_read(AT_FDCWD, conf_str(conf, "gateway", NULL, "root"), CRL_MAX_BYTES, root, e) <
		0 ||
	    files_read(AT_FDCWD, conf_str(conf, "agency", NULL, "tls-certificate"), CRL_MAX_BYTES,
		       cert, e) < 0)
		return -1;
	if (c->tls_key_secret != NULL)
		return 0;
	return keys_read(c, conf_str(conf, "agency", NULL, "tls-key"),
			 conf_str(conf, "agency", NULL, "passphrase"), &c->tls_key_secret, e);
}

static int
connect_new(struct client *c, enum trust_mode mode, struct err *e)
{
	struct buf root = {0}, cert = {0};
	const struct conf *conf;
	struct http_options o = {.root = &root, .certificate = &cert, .stop = c->stop};
	int rc = -1;

	http_free(c->http);
	c->http = NULL;
	if (client_conf(c, &conf, e) == 0 && read_own(c, conf, &root, &cert, e) == 0) {
		o.url = conf_str(conf, "gateway", NULL, "url");
		o.proxy = conf_str(conf, "gateway", NULL, "proxy");
		o.key_secret = c->tls_key_secret;
		o.connect_ms = conf_int(conf, "gateway", NULL, "connect-timeout");
		o.stall_ms = conf_int(conf, "gateway", NULL, "stall-timeout");
		rc = http_new(&o, &c->http, e);
	}
	if (rc == 0)
		http_trust(c->http, c->trust, mode);
	buf_free(&root);
	buf_free(&cert);
	return rc;
}

struct retry
gate_retry(const struct client *c)
{
	return (struct retry){.most = (unsigned)conf_int(c->conf, "gateway", NULL, "retries"),
			      .cap_ms = PAUSE_MAX,
			      .stop = c->stop};
}

static int
call_again(struct client *c, const struct http_call *call, struct http_answer *a, struct err *e)
{
	struct retry r = gate_retry(c);

	while (http_call(c->http, call, a, e) < 0)
		if (!retry_again(&r, e, a->retry_after_s))
			return -1;
	return 0;
}

static int
fetch(struct client *c, const char *path, const char *etag, size_t max, struct http_answer *a,
      struct err *e)
{
	struct http_call call = {
	    .method = "GET", .path = path, .from_fd = -1, .into_fd = -1, .etag = etag, .max = max};

	return call_again(c, &call, a, e);
}

/* --- CRL --- */

/* It must serve today: our own certificate is judged by it. */
static int
take_crl(struct client *c, int state, const struct buf *crl, struct err *e)
{
	struct buf pem = {0}, der = {0};
	struct trust *t = NULL;
	struct identity own;
	int rc = -1;

	if (make_trust(c, crl, &t, e) == 0 &&
	    files_read(AT_FDCWD, conf_str(c->conf, "agency", NULL, "tls-certificate"),
		       CRL_MAX_BYTES, &pem, e) == 0 &&
	    identity_pem_to_der(pem.data, pem.len, &der, e) == 0) {
		const char *second = memmem(pem.data + 1, pem.len - 1, "-----BEGIN", 10);
		struct buf ca = {0};
		struct err ignored;

		if (second != NULL && /* its chain stands behind it */
		    identity_pem_to_der(second,
					pem.len - (size_t)((const uint8_t *)second - pem.data), &ca,
					&ignored) == 0)
			(void)!trust_add_issuing(t, ca.data, ca.len, &ignored);
		buf_free(&ca);
		rc = trust_check(t, der.data, der.len, PROFILE_BIT(PROFILE_AGENCY_TLS),
				 time_now_ms(), TRUST_LIVE, &own, e);
	}
	if (rc < 0)
		err_wrap(e, "the CRL that the gateway serves");
	else
		rc = files_write(state, CRL, crl->data, crl->len, e);
	trust_free(t);
	buf_free(&pem);
	buf_free(&der);
	return rc;
}

static int
freshen_crl(struct client *c, int state, struct err *e)
{
	struct http_answer a = {0};
	int rc = -1;

	if (connect_new(c, TRUST_HISTORIC, e) == 0 &&
	    fetch(c, "/v1/crl", NULL, CRL_MAX_BYTES, &a, e) == 0)
		rc = take_crl(c, state, &a.body, e);
	http_clear(&a);
	return rc;
}

/* By the list that is kept now: another process of ours may have fetched it. */
static int
trust_anew(struct client *c, struct err *e)
{
	if (c->roster != NULL) { /* judged anew by it */
		roster_free(c->last_roster);
		c->last_roster = c->roster;
		c->roster = NULL;
	}
	trust_free(c->last_trust);
	c->last_trust = c->trust;
	c->trust = NULL;
	return gate_trust(c, &c->trust, e);
}

/* --- roster --- */

static void
trust_issuers(struct client *c, const struct roster *r)
{
	struct err ignored; /* one that does not lead to the root serves nobody */

	for (size_t i = 0; i < r->nissuers; i++)
		(void)!trust_add_issuing(c->trust, r->issuers[i].der, r->issuers[i].len, &ignored);
}

int
gate_kept_roster(struct client *c, const struct roster **out, struct err *e)
{
	struct buf bytes = {0};
	struct trust *t;
	int state, rc = -1;

	if (c->roster == NULL) {
		if (client_state(c, &state, e) == 0 && gate_trust(c, &t, e) == 0 &&
		    files_read(state, ROSTER, ROSTER_MAX_BYTES + SIGNATURE_MAX_BYTES, &bytes, e) ==
			0)
			rc = roster_verify(bytes.data, bytes.len, t, time_now_ms(), TRUST_LIVE,
					   &c->roster, NULL, c->roster_sha256, e);
		buf_free(&bytes);
		if (rc < 0)
			return err_wrap(e, "roster");
		trust_issuers(c, c->roster);
	}
	*out = c->roster;
	return 0;
}

/* Never an older one, never another of the same number: who serves one hides what changed. */
static int
check_serial(const struct client *c, const struct roster *new, const uint8_t *sha256, struct err *e)
{
	if (c->roster == NULL)
		return 0;
	if (new->serial < c->roster->serial)
		return err_set(e, ERR_HISTORY,
			       "the gateway serves roster %llu, older than roster %llu which we "
			       "have",
			       (unsigned long long)new->serial,
			       (unsigned long long)c->roster->serial);
	if (new->serial == c->roster->serial && memcmp(sha256, c->roster_sha256, DIGEST_BYTES) != 0)
		return err_set(e, ERR_HISTORY,
			       "the gateway serves another roster %llu than we have",
			       (unsigned long long)new->serial);
	return 0;
}

static int
take_roster(struct client *c, int state, const struct http_answer *a, struct err *e)
{
	struct roster *new = NULL;
	uint8_t sha256[DIGEST_BYTES];

	if (roster_verify(a->body.data, a->body.len, c->trust, time_now_ms(), TRUST_LIVE, &new,
			  NULL, sha256, e) < 0)
		return err_wrap(e, "the roster that the gateway serves");
	if (check_serial(c, new, sha256, e) < 0 ||
	    files_write(state, ROSTER, a->body.data, a->body.len, e) < 0 ||
	    files_write(state, ROSTER_ETAG, a->etag, strlen(a->etag), e) < 0) {
		roster_free(new);
		return -1;
	}
	roster_free(c->roster); /* the kept one, read anew just now: nobody else has it */
	c->roster = new;
	memcpy(c->roster_sha256, sha256, DIGEST_BYTES);
	trust_issuers(c, new);
	return 0;
}

static int
freshen_roster(struct client *c, int state, struct err *e)
{
	struct buf etag = {0};
	const struct roster *kept;
	struct http_answer a = {0};
	struct err ignored;
	int rc = -1;

	if (gate_kept_roster(c, &kept, &ignored) == 0) /* else it is asked for without condition */
		(void)!files_read(state, ROSTER_ETAG, HTTP_ETAG, &etag, &ignored);
	if (fetch(c, "/v1/roster", etag.len > 0 ? buf_str(&etag) : NULL,
		  ROSTER_MAX_BYTES + SIGNATURE_MAX_BYTES, &a, e) == 0)
		rc = a.status == 304 ? files_write(state, ROSTER_ETAG, etag.data, etag.len, e)
				     : take_roster(c, state, &a, e);
	http_clear(&a);
	buf_free(&etag);
	return rc;
}

/* --- both --- */

/* What is kept serves while the gateway is away; what the gateway serves wrongly stops us. */
static int
freshen(struct client *c, int state, bool fresh, struct err *e)
{
	int64_t most = fresh ? -1 : conf_int(c->conf, "gateway", NULL, "crl-age");
	bool fetches = *conf_str(c->conf, "gateway", NULL, "crl") == '\0';
	const struct roster *kept;

	if (fetches && files_age_ms(state, CRL) > most && freshen_crl(c, state, e) < 0 &&
	    (!http_is_temporary(e) || !files_exists(state, CRL)))
		return -1;
	if (trust_anew(c, e) < 0 || connect_new(c, TRUST_LIVE, e) < 0)
		return -1;
	if (files_age_ms(state, ROSTER_ETAG) <= most && gate_kept_roster(c, &kept, e) == 0)
		return 0;
	if (freshen_roster(c, state, e) == 0)
		return 0;
	return http_is_temporary(e) && gate_kept_roster(c, &kept, e) == 0 ? 0 : -1;
}

int
gate_open(struct client *c, bool fresh, struct http **out, struct err *e)
{
	int64_t age = time_mono_ms() - c->opened_ms;
	struct trust *t;
	int state;

	if (client_state(c, &state, e) < 0 || gate_trust(c, &t, e) < 0)
		return -1;
	if (c->opened_ms == 0 || fresh || age > conf_int(c->conf, "gateway", NULL, "crl-age")) {
		c->opened_ms = 0;
		if (freshen(c, state, fresh, e) < 0)
			return -1;
		c->opened_ms = time_mono_ms();
		if (past_renew(c, e) < 0) {
			c->opened_ms = 0;
			return -1;
		}
	}
	*out = c->http;
	return 0;
}

int
gate_roster(struct client *c, const struct roster **out, struct err *e)
{
	struct http *h;

	return gate_open(c, false, &h, e) < 0 ? -1 : gate_kept_roster(c, out, e);
}

int
gate_call(struct client *c, const struct http_call *call, struct http_answer *a, struct err *e)
{
	struct http *h;

	return gate_open(c, false, &h, e) < 0 ? -1 : call_again(c, call, a, e);
}

void
gate_close(struct client *c)
{
	http_free(c->http);
	roster_free(c->roster);
	roster_free(c->last_roster);
	trust_free(c->trust);
	trust_free(c->last_trust);
	secret_free(c->tls_key_secret);
}
