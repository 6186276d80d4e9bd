/* http.h - one POST to a configured URL, its answer bounded. Runs in: courier. The door to curl. */
#ifndef COURIER_HTTP_H
#define COURIER_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"

struct event_base;
struct http;
struct http_call; /* one under way */

/* What is asked. All of it must live until the call ends. */
struct http_post {
	const char *url;	   /* http: or https:, no user in it */
	const char *type, *accept; /* media types of what is sent, and of the only answer taken */
	const struct buf *body;
	int64_t timeout_ms; /* from the first packet to the last byte */
	size_t answer_max;  /* bytes of the answer's body */
};

/* The end of a call: e NULL and the whole body of a 200, else why there is none (ERR_NETWORK,
 * ERR_LIMIT, ERR_FORMAT). The call is gone when this returns; new ones may be begun in it. */
typedef void http_done(void *ctx, const struct err *e, const struct buf *answer);

/* Before the jail: what curl loads lazily. ERR_SYSTEM. */
int http_prepare(struct err *e);

struct http *http_new(struct event_base *base); /* ends the process on failure */
void http_free(struct http *h);			/* after its calls; NULL is fine */

/* Redirects are not followed, no proxy is used whatever the environment says, certificates of https
 * are judged by the system's roots. done is called later, never from in here. ERR_USAGE: the URL.
 */
int http_begin(struct http *h, const struct http_post *post, http_done *done, void *ctx,
	       struct http_call **out, struct err *e);
void http_cancel(struct http_call *call); /* without done; NULL is fine */

#endif
