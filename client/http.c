/* http.c - calls to the gateway. Runs in: client. The door to libcurl. Owns: one connection.
 * Trusts: a peer only after its certificate was judged, and then no byte of its answers. */
#include "answer_head.h"
#include "blocks.h"
#include "http.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "safehand/time.h"

#define TRANSFER_BUFFER (256 * 1024) /* bytes that curl moves at once */
#define HEADERS_MAX	100	     /* lines of an answer's head */
#define CERTIFICATES	8	     /* of a peer's chain that are looked at */

struct http {
	CURL *curl;
	struct buf url, proxy, root, certificate;
	const struct secret *key_secret;
	struct trust *trust;
	enum trust_mode mode;
	int64_t connect_ms, stall_ms;
	const volatile sig_atomic_t *stop;
	char said[CURL_ERROR_SIZE];
};

/* One call under way. */
struct transfer {
	struct http *h;
	const struct http_call *call;
	struct http_answer *a;
	uint64_t sent, written; /* offsets in the files */
	struct blocks blocks;	/* of the one file that is read or written */
	bool begun;		/* the first byte of a body has come */
	unsigned headers;
	struct answer_head head;
	struct err why; /* what a callback found wrong */
};

static int
curl_start(struct err *e)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == 0
		   ? 0
		   : err_set(e, ERR_SYSTEM, "libcurl does not start");
}

static struct curl_blob
blob(const void *p, size_t n)
{
	/* libcurl reads only: with NOCOPY a secret stays where it is guarded */
	return (struct curl_blob){(void *)(uintptr_t)p, n, CURL_BLOB_NOCOPY};
}

int
http_new(const struct http_options *o, struct http **out, struct err *e)
{
	struct http *h;

	if (curl_start(e) < 0)
		return -1;
	h = mem_alloc(sizeof *h);
	*h = (struct http){.key_secret = o->key_secret,
			   .connect_ms = o->connect_ms,
			   .stall_ms = o->stall_ms,
			   .stop = o->stop};
	if ((h->curl = curl_easy_init()) == NULL) {
		free(h);
		return err_set(e, ERR_SYSTEM, "libcurl does not start");
	}
	buf_adds(&h->url, o->url);
	buf_add(&h->root, o->root->data, o->root->len);
	buf_add(&h->certificate, o->certificate->data, o->certificate->len);
	buf_adds(&h->proxy, o->proxy);
	*out = h;
	return 0;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	curl_easy_cleanup(h->curl);
	buf_free(&h->url);
	buf_free(&h->proxy);
	buf_free(&h->root);
	buf_free(&h->certificate);
	free(h);
}

void
http_trust(struct http *h, struct trust *t, enum trust_mode mode)
{
	h->trust = t;
	h->mode = mode;
}

void
http_clear(struct http_answer *a)
{
	buf_free(&a->body);
	*a = (struct http_answer){.upload_offset = -1};
}

bool
http_is_temporary(const struct err *e)
{
	return e->code == ERR_NETWORK || e->code == ERR_BUSY || e->code == ERR_STORAGE ||
	       e->code == ERR_CLOCK;
}

/* --- the peer --- */

static const char *
pem_of(const struct curl_slist *lines)
{
	for (; lines != NULL; lines = lines->next)
		if (strncmp(lines->data, "Cert:", 5) == 0)
			return lines->data + 5;
	return NULL;
}

static int
judge_peer(struct transfer *t, const struct curl_certinfo *chain)
{
	struct identity id;
	struct buf der = {0};
	struct err ignored;
	int rc = -1;

	/* CAs first: what does not lead to the root is not taken in */
	for (int i = chain->num_of_certs - 1; i >= 0; i--) {
		const char *pem = i < CERTIFICATES ? pem_of(chain->certinfo[i]) : NULL;

		buf_clear(&der);
		if (pem == NULL ||
		    identity_pem_to_der(pem, strlen(pem), &der, i == 0 ? &t->why : &ignored) < 0)
			continue;
		if (i > 0)
			(void)!trust_add_issuing(t->h->trust, der.data, der.len, &ignored);
		else
			rc = trust_check(t->h->trust, der.data, der.len,
					 PROFILE_BIT(PROFILE_GATEWAY_TLS), time_now_ms(),
					 t->h->mode, &id, &t->why);
	}
	buf_free(&der);
	if (rc < 0 && t->why.code == ERR_OK)
		err_set(&t->why, ERR_CERTIFICATE, "no certificate");
	return rc < 0 ? err_wrap(&t->why, "the gateway's certificate") : 0;
}

/* After the connection, before the request. A connection that is used again brings no chain: it was
 * judged when it was made. */
static int
on_connected(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
	struct transfer *t = ctx;
	struct curl_certinfo *chain = NULL;

	if (curl_easy_getinfo(t->h->curl, CURLINFO_CERTINFO, &chain) != CURLE_OK)
		return CURL_PREREQFUNC_ABORT;
	if (chain == NULL || chain->num_of_certs == 0)
		return CURL_PREREQFUNC_OK;
	return judge_peer(t, chain) < 0 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* --- heads --- */

static size_t
on_header(char *line, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	if (++t->headers > HEADERS_MAX) {
		err_set(&t->why, ERR_LIMIT, "the answer's head has more than %d lines",
			HEADERS_MAX);
		return 0;
	}
	answer_line(line, n, &t->head);
	return n;
}

/* --- bodies --- */

static size_t
keep(struct transfer *t, const char *p, size_t n, size_t max)
{
	if (n > max || t->a->body.len > max - n) {
		err_set(&t->why, ERR_LIMIT, "the gateway's answer has more than %zu bytes", max);
		return 0;
	}
	buf_add(&t->a->body, p, n);
	return n;
}

/* Where the first byte of a download belongs: the whole begins anew if no range came. */
static int
begin_file(struct transfer *t, long status)
{
	t->begun = true;
	t->written = status == 206 ? t->call->at : 0;
	if (status == 206 && t->head.range_from != (int64_t)t->call->at)
		return err_set(&t->why, ERR_NETWORK, "the gateway sends another range than asked");
	if (status != 206 && ftruncate(t->call->into_fd, 0) < 0)
		return err_sys(&t->why, "download");
	return 0;
}

static size_t
on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	long status = 0;

	curl_easy_getinfo(t->h->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 300)
		return keep(t, p, n, ANSWER_PROBLEM_MAX);
	if (t->call->into_fd < 0)
		return keep(t, p, n, t->call->max);
	if (!t->begun && begin_file(t, status) < 0)
		return 0;
	if (n > HEAD_MAX_BYTES + PAYLOAD_MAX_BYTES - t->written) {
		err_set(&t->why, ERR_LIMIT, "the gateway sends more than any bundle has");
		return 0;
	}
	if (blocks_write(&t->blocks, t->call->into_fd, t->written, p, n, &t->why) < 0)
		return 0;
	if (t->call->came != NULL)
		t->call->came(t->call->came_ctx, t->written, p, n);
	t->written += n;
	return n;
}

static size_t
on_send(char *out, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	uint64_t left = t->call->end - t->sent, room = (uint64_t)size * n;
	size_t got = (size_t)(left < room ? left : room);

	if (left == 0)
		return 0;
	if (blocks_read(&t->blocks, t->call->from_fd, t->sent, out, &got, &t->why) < 0)
		return CURL_READFUNC_ABORT;
	if (got == 0) {
		err_set(&t->why, ERR_DIGEST, "the file shrinks while it is sent");
		return CURL_READFUNC_ABORT;
	}
	t->sent += got;
	return got;
}

/* After a refusal of a connection that was kept, curl sends again from the start. */
static int
on_seek(void *ctx, curl_off_t at, int origin)
{
	struct transfer *t = ctx;

	if (origin != SEEK_SET || at < 0 || (uint64_t)at > t->call->end - t->call->from)
		return CURL_SEEKFUNC_FAIL;
	t->sent = t->call->from + (uint64_t)at;
	return CURL_SEEKFUNC_OK;
}

static int
on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	struct transfer *t = ctx;
	const struct http_call *c = t->call;
	bool sends = c->from_fd >= 0;
	uint64_t base = sends ? c->from : c->at;

	if (t->h->stop != NULL && *t->h->stop != 0)
		return err_set(&t->why, ERR_NETWORK, "interrupted");
	if (c->progress == NULL || (sends ? up_total : down_total) == 0)
		return 0;
	return c->progress(c->ctx, base + (uint64_t)(sends ? up : down),
			   base + (uint64_t)(sends ? up_total : down_total));
}

/* What came before a connection was cut is gone on with. */
static void
end_files(struct transfer *t)
{
	struct err e;

	if (t->begun && blocks_flush(&t->blocks, t->call->into_fd, &e) < 0 && t->why.code == ERR_OK)
		t->why = e;
	blocks_free(&t->blocks);
}

/* --- one call --- */

static void
set_tls(struct http *h)
{
	struct curl_blob root = blob(h->root.data, h->root.len),
			 cert = blob(h->certificate.data, h->certificate.len),
			 key = blob(h->key_secret->data, h->key_secret->len);

	curl_easy_setopt(h->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	/* our root and nobody else's: the system's are in both a file and a folder */
	curl_easy_setopt(h->curl, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(h->curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(h->curl, CURLOPT_CAINFO_BLOB, &root);
	curl_easy_setopt(h->curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(h->curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(h->curl, CURLOPT_SSLCERTTYPE, "PEM");
	curl_easy_setopt(h->curl, CURLOPT_SSLCERT_BLOB, &cert);
	curl_easy_setopt(h->curl, CURLOPT_SSLKEYTYPE, "PEM");
	curl_easy_setopt(h->curl, CURLOPT_SSLKEY_BLOB, &key);
	curl_easy_setopt(h->curl, CURLOPT_CERTINFO, 1L);
}

static void
set_callbacks(struct transfer *t)
{
	CURL *c = t->h->curl;

	curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(c, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, on_send);
	curl_easy_setopt(c, CURLOPT_READDATA, t);
	curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(c, CURLOPT_SEEKDATA, t);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
}

static void
set_general(struct transfer *t)
{
	struct http *h = t->h;
	struct buf url = {0};
	long stall = (long)(h->stall_ms / 1000) + (long)t->call->wait_s;

	buf_addf(&url, "%s%s", buf_str(&h->url), t->call->path);
	curl_easy_setopt(h->curl, CURLOPT_URL, buf_str(&url)); /* copied */
	buf_free(&url);
	curl_easy_setopt(h->curl, CURLOPT_PROXY, buf_str(&h->proxy));
	curl_easy_setopt(h->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)h->connect_ms);
	curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(h->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->curl, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(h->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(h->curl, CURLOPT_LOW_SPEED_TIME, stall > 0 ? stall : 1L);
	curl_easy_setopt(h->curl, CURLOPT_BUFFERSIZE, (long)TRANSFER_BUFFER);
	curl_easy_setopt(h->curl, CURLOPT_UPLOAD_BUFFERSIZE, (long)TRANSFER_BUFFER);
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->said);
	curl_easy_setopt(h->curl, CURLOPT_USERAGENT, "safehand/" SAFEHAND_VERSION);
}

static void
set_method(const struct transfer *t)
{
	CURL *c = t->h->curl;
	const struct http_call *call = t->call;

	if (strcmp(call->method, "POST") == 0) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_bytes);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, call->body);
	} else if (strcmp(call->method, "PUT") == 0) {
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)(call->end - call->from));
	} else if (strcmp(call->method, "HEAD") == 0) {
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	} else if (strcmp(call->method, "DELETE") == 0) {
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "DELETE");
	} else {
		curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	}
}

static void
add(struct curl_slist **list, struct buf *line)
{
	struct curl_slist *more = curl_slist_append(*list, buf_str(line));

	if (more != NULL)
		*list = more;
	buf_clear(line);
}

static struct curl_slist *
headers(const struct http_call *call)
{
	struct curl_slist *list = NULL;
	struct buf line = {0};

	if (call->type != NULL) {
		buf_addf(&line, "Content-Type: %s", call->type);
		add(&list, &line);
	}
	if (call->from_fd >= 0 && call->from > 0) {
		buf_addf(&line, "Upload-Offset: %" PRIu64, call->from);
		add(&list, &line);
	}
	if (call->into_fd >= 0 && call->at > 0) {
		buf_addf(&line, "Range: bytes=%" PRIu64 "-", call->at);
		add(&list, &line);
		if (call->etag != NULL) {
			buf_addf(&line, "If-Range: \"%s\"", call->etag);
			add(&list, &line);
		}
	} else if (call->etag != NULL && *call->etag != '\0') {
		buf_addf(&line, "If-None-Match: \"%s\"", call->etag);
		add(&list, &line);
	}
	buf_free(&line);
	return list;
}

/* --- what came of it --- */

static int
read_failure(const struct http *h, CURLcode rc, struct err *e)
{
	const char *said = h->said[0] != '\0' ? h->said : curl_easy_strerror(rc);

	switch (rc) {
	case CURLE_PEER_FAILED_VERIFICATION:
		return err_set(e, ERR_CERTIFICATE, "%s: the gateway's certificate: %s",
			       buf_str(&h->url), said);
	case CURLE_SSL_CERTPROBLEM:
		return err_set(e, ERR_SECRET, "our TLS certificate and key: %s", said);
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(e, ERR_NETWORK, "%s: no answer in time: %s", buf_str(&h->url), said);
	case CURLE_SEND_ERROR: /* TLS 1.3 judges our certificate after the handshake */
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
		return err_set(e, ERR_NETWORK,
			       "%s: the connection ended before an answer; the gateway stopped, or "
			       "our certificate is revoked or expired: %s",
			       buf_str(&h->url), said);
	default: return err_set(e, ERR_NETWORK, "%s: %s", buf_str(&h->url), said);
	}
}

static int
read_result(struct transfer *t, CURLcode rc, struct err *e)
{
	struct http_answer *a = t->a;
	curl_off_t after = 0;

	curl_easy_getinfo(t->h->curl, CURLINFO_RESPONSE_CODE, &a->status);
	if (curl_easy_getinfo(t->h->curl, CURLINFO_RETRY_AFTER, &after) == CURLE_OK && after > 0)
		a->retry_after_s = (uint64_t)after;
	a->bytes = t->written;
	a->upload_offset = t->head.upload_offset;
	a->upload_complete = t->head.upload_complete;
	memcpy(a->etag, t->head.etag, sizeof a->etag);
	if (t->why.code != ERR_OK) {
		*e = t->why;
		return -1;
	}
	/* a refusal may come while we still send, and the connection then ends under us */
	if (a->status >= 400 && a->body.len > 0)
		return answer_problem(&a->body, a->status, e);
	if (rc != CURLE_OK)
		return read_failure(t->h, rc, e);
	return a->status < 300 || a->status == 304 ? 0 : answer_problem(&a->body, a->status, e);
}

int
http_call(struct http *h, const struct http_call *call, struct http_answer *a, struct err *e)
{
	struct transfer t = {.h = h, .call = call, .a = a, .sent = call->from};

	struct curl_slist *list = headers(call);
	CURLcode code;
	int rc;

	answer_head_init(&t.head);
	http_clear(a);
	h->said[0] = '\0';
	curl_easy_reset(h->curl); /* options only: the connection stays */
	set_tls(h);
	set_callbacks(&t);
	set_general(&t);
	set_method(&t);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, list);
	code = curl_easy_perform(h->curl);
	end_files(&t);
	rc = read_result(&t, code, e);
	curl_slist_free_all(list);
	return rc;
}
