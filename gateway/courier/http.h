/* http.h - one POST to a configured URL. Runs in: courier. */
#ifndef COURIER_HTTP_H
#define COURIER_HTTP_H

#include "courier/call.h"

/* What is asked. body must live until the call ends, the rest until http_begin returns. */
struct http_post {
	const char *url;	    /* http: or https:, no user in it */
	const char *type, *accept;  /* media types of what is sent, and of the only answer taken;
				       accept NULL: any answer of 200 to 299, which nobody reads */
	const char *const *headers; /* more of them, "name: value"; ends with NULL; may be NULL */
	const struct buf *body;
	const struct buf *roots; /* PEM that certificates are judged by; NULL: the system's */
	int64_t timeout_ms;	 /* from the first packet to the last byte */
	size_t answer_max;	 /* bytes of the answer's body */
};

/* Redirects are not followed, no proxy is used whatever the environment says. done is called later,
 * never from in here. Lasting is a status of 300 to 499 but for 408, 409, 425 and 429, and a
 * certificate that does not lead to the roots. ERR_USAGE: the URL. */
int http_begin(struct calls *c, const struct http_post *post, call_done *done, void *ctx,
	       struct call **out, struct err *e) __attribute__((warn_unused_result));

#endif
