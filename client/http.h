/* http.h - calls to the gateway: mutual TLS 1.3 to our root only, resumable both ways, answers of
 * bounded size, problems as errors. */
#ifndef CLIENT_HTTP_H
#define CLIENT_HTTP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "answer_head.h"
#include "safehand/bundle_file.h"
#include "safehand/secret.h"

struct http_options {
	const char *url;		 /* https://HOST[:PORT] */
	const char *proxy;		 /* "": none */
	const struct buf *root;		 /* PEM; the only CA that is trusted */
	const struct buf *certificate;	 /* ours, with its chain, PEM */
	const struct secret *key_secret; /* its key, PEM; the caller's, kept until http_free */
	int64_t connect_ms, stall_ms;
	const volatile sig_atomic_t
	    *stop; /* a call ends within a second once it is not 0; may be NULL */
};

struct http;

int http_new(const struct http_options *o, struct http **out, struct err *e)
    __attribute__((warn_unused_result));
void http_free(struct http *h); /* NULL is fine */
/* By whom the gateway's certificate is judged ahead of each request on a new connection (chain,
 * revocation as mode says, profile gateway-tls). Must be said before the first call. */
void http_trust(struct http *h, struct trust *t, enum trust_mode mode);

struct http_call {
	const char *method; /* GET, HEAD, POST, PUT, DELETE */
	const char *path;   /* from /v1 on */
	const char *type;   /* media type of what is sent; NULL: nothing is */
	const void *body;   /* POST: sent from memory */
	size_t body_bytes;
	int from_fd; /* PUT: from here, bytes from..end; Upload-Offset: from */
	uint64_t from, end;
	int into_fd;		   /* GET: a 2xx body goes here from offset at on, else -1 */
	uint64_t at;		   /* > 0: Range from here, If-Range etag */
	const char *etag;	   /* with at; NULL: If-None-Match is not sent either */
	size_t max;		   /* bytes of an answer in memory */
	unsigned wait_s;	   /* a long poll: so long without a byte is no stall */
	bundle_progress *progress; /* may be NULL */
	void *ctx;		   /* of progress */
	/* What goes into into_fd, in its order, from offset at on: at, or 0 if no range came; may
	 * be NULL. */
	void (*came)(void *came_ctx, uint64_t at, const void *p, size_t n);
	void *came_ctx;
};

struct http_answer {
	long status;
	struct buf body; /* in memory: every body but that into into_fd */
	char etag[HTTP_ETAG];
	int64_t upload_offset; /* -1: none */
	bool upload_complete;
	uint64_t retry_after_s; /* 0: none */
	uint64_t bytes;		/* of the whole into into_fd */
};

/* 2xx and 304: 0. Else the problem's code and sentence (ERR_NETWORK if there is none in it).
 * ERR_NETWORK: no connection, cut, stalled; ERR_CERTIFICATE and what trust_check says: not our
 * gateway; ERR_LIMIT: the answer is larger than max. *a must be {0} or used before; http_clear it
 * at the end. retry_after_s is set on refusals too. */
int http_call(struct http *h, const struct http_call *call, struct http_answer *a, struct err *e)
    __attribute__((warn_unused_result));
void http_clear(struct http_answer *a);

/* May it work later without anybody doing anything? */
bool http_is_temporary(const struct err *e);

#endif
