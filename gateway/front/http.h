/* http.h - the head of an HTTP/1.1 request, strictly (RFC 9112, RFC 9110): what two readers could
 * read in two ways is refused. Runs in: front. Pure. */
#ifndef FRONT_HTTP_H
#define FRONT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX	 (16 * 1024) /* bytes of a head, its empty line included */
#define HTTP_TARGET_MAX	 2048	     /* bytes of path and query */
#define HTTP_METHOD_MAX	 16
#define HTTP_HEADERS_MAX 64

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_PUT, HTTP_POST, HTTP_DELETE, HTTP_OTHER };

/* The fields that we act on. Each may stand once; all others are checked for form and forgotten. */
enum http_field {
	HTTP_HOST,
	HTTP_CONTENT_LENGTH,
	HTTP_TRANSFER_ENCODING,
	HTTP_EXPECT,
	HTTP_CONNECTION,
	HTTP_RANGE,
	HTTP_IF_RANGE,
	HTTP_IF_NONE_MATCH,
	HTTP_UPLOAD_OFFSET,
	HTTP_FIELDS
};

/* A part of the head, by its place in it; at 0: absent (the first byte is the method's). */
struct http_text {
	uint32_t at, n;
};

enum http_body { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED };

struct http_head {
	enum http_method method;
	struct http_text path, query; /* origin form, no percent-encoding; query without '?' */
	struct http_text field[HTTP_FIELDS]; /* values without surrounding white space */
	enum http_body body;
	uint64_t length; /* with HTTP_LENGTH */
	bool close;	 /* Connection: close */
	bool expects;	 /* Expect: 100-continue */
	size_t bytes;	 /* of the whole head */
};

/* Reads a head piece by piece, each byte once. {0} is ready for a new one. */
struct http_reader {
	struct http_head head;
	size_t line, scanned; /* start of the line being read; bytes looked at */
	unsigned headers;
	bool started;	    /* the request line is read */
	int status;	    /* of a refusal: 400, 414, 417, 431, 501, 505 */
	const char *reason; /* static string */
};

/* p: the n bytes of the head that are there, always from its first. 1: whole, see r->head; what
 * follows head.bytes is not looked at. 0: more is needed. -1: refused, see r->status, r->reason. */
int http_read(struct http_reader *r, const uint8_t *p, size_t n);

const char *http_method_name(enum http_method m);

/* Digits only, no leading zero, at most INT64_MAX; else -1. */
int http_decimal(const char *p, size_t n, uint64_t *out);

/* ASCII without regard to case; word is in lower case. */
bool http_is(const char *p, size_t n, const char *word);

/* RFC 9110 section 5.6.2 */
bool http_is_token_char(uint8_t b);

#endif
