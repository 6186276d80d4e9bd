/* answer_head.h - what the client reads of an answer's head, and refusals (RFC 9457). Pure. */
#ifndef CLIENT_ANSWER_HEAD_H
#define CLIENT_ANSWER_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"

#define HTTP_ETAG	   128	       /* bytes of an entity tag without its quotes, NUL included */
#define ANSWER_PROBLEM_MAX (64 * 1024) /* bytes of a refusal's body */

struct answer_head {
	char etag[HTTP_ETAG];  /* "" none */
	int64_t upload_offset; /* -1 none, or not a number */
	bool upload_complete;
	int64_t range_from; /* first byte of Content-Range; -1 none */
};

void answer_head_init(struct answer_head *h);
/* One line, with or without its end; lines that are of no use are let be, malformed values too. */
void answer_line(const char *line, size_t n, struct answer_head *h);
/* The refusal in a body as code and sentence; always -1. A body that is no problem of ours becomes
 * ERR_UNKNOWN for 404, else ERR_NETWORK: something stands between us and the gateway. */
int answer_problem(const struct buf *body, long status, struct err *e);

#endif
