/* http.c - the head of an HTTP/1.1 request. Runs in: front. Owns: nothing. Trusts: no byte. */
#include <string.h>

#include "front/http.h"

static int
refuse(struct http_reader *r, int status, const char *reason)
{
	r->status = status;
	r->reason = reason;
	return -1;
}

/* --- characters --- */

bool
http_is_token_char(uint8_t b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
	       (b != 0 && strchr("!#$%&'*+-.^_`|~", b) != NULL);
}

/* RFC 3986 section 3.3 and 3.4 without percent-encoding: no name of ours needs it, and two decoders
 * of it may differ. */
static bool
is_target_char(uint8_t b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
	       (b != 0 && strchr("-._~!$&'()*+,;=:@/?", b) != NULL);
}

static bool
is_host_char(uint8_t b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
	       (b != 0 && strchr("-._:[]", b) != NULL);
}

static bool
all(const uint8_t *p, size_t n, bool (*is)(uint8_t))
{
	for (size_t i = 0; i < n; i++)
		if (!is(p[i]))
			return false;
	return true;
}

bool
http_is(const char *p, size_t n, const char *word)
{
	size_t i = 0;

	for (; i < n && word[i] != '\0'; i++) {
		char c = p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] + ('a' - 'A')) : p[i];

		if (c != word[i])
			return false;
	}
	return i == n && word[i] == '\0';
}

int
http_decimal(const char *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	if (n == 0 || n > 19 || (n > 1 && p[0] == '0'))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (uint64_t)(p[i] - '0'); /* 19 digits cannot overflow 64 bits */
	}
	if (v > INT64_MAX)
		return -1;
	*out = v;
	return 0;
}

/* --- request line (RFC 9112 section 3) --- */

static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "?"};

const char *
http_method_name(enum http_method m)
{
	return methods[m];
}

static int
read_method(struct http_reader *r, const uint8_t *p, size_t n)
{
	if (n == 0 || n > HTTP_METHOD_MAX || !all(p, n, http_is_token_char))
		return refuse(r, 400, "the method is malformed");
	r->head.method = HTTP_GET;
	while (r->head.method < HTTP_OTHER &&
	       (strlen(methods[r->head.method]) != n || memcmp(methods[r->head.method], p, n) != 0))
		r->head.method++;
	return 0;
}

static int
read_target(struct http_reader *r, const uint8_t *p, size_t at, size_t n)
{
	const uint8_t *question;
	size_t path = n;

	if (n > HTTP_TARGET_MAX)
		return refuse(r, 414, "the target is too long");
	if (n == 0 || p[at] != '/')
		return refuse(r, 400, "the target must be a path");
	if (!all(p + at, n, is_target_char))
		return refuse(r, 400, "the target has a character that no target here has");
	if ((question = memchr(p + at, '?', n)) != NULL) {
		path = (size_t)(question - (p + at));
		r->head.query =
		    (struct http_text){(uint32_t)(at + path + 1), (uint32_t)(n - path - 1)};
	}
	r->head.path = (struct http_text){(uint32_t)at, (uint32_t)path};
	return 0;
}

static int
read_version(struct http_reader *r, const uint8_t *p, size_t n)
{
	if (n != 8 || memcmp(p, "HTTP/", 5) != 0 || p[5] < '0' || p[5] > '9' || p[6] != '.' ||
	    p[7] < '0' || p[7] > '9')
		return refuse(r, 400, "the protocol version is malformed");
	if (p[5] != '1' || p[7] != '1')
		return refuse(r, 505, "only HTTP/1.1 is spoken here");
	return 0;
}

static int
read_request_line(struct http_reader *r, const uint8_t *p, size_t n)
{
	const uint8_t *method_end = memchr(p, ' ', n), *target, *target_end;

	if (method_end == NULL)
		return refuse(r, 400, "the request line is malformed");
	target = method_end + 1;
	target_end = memchr(target, ' ', n - (size_t)(target - p));
	if (target_end == NULL)
		return refuse(r, 400, "the request line is malformed");
	r->started = true;
	if (read_method(r, p, (size_t)(method_end - p)) < 0 ||
	    read_version(r, target_end + 1, n - (size_t)(target_end + 1 - p)) < 0)
		return -1;
	return read_target(r, p, (size_t)(target - p), (size_t)(target_end - target));
}

/* --- fields (RFC 9112 section 5) --- */

static const char *const fields[HTTP_FIELDS] = {
    [HTTP_HOST] = "host",
    [HTTP_CONTENT_LENGTH] = "content-length",
    [HTTP_TRANSFER_ENCODING] = "transfer-encoding",
    [HTTP_EXPECT] = "expect",
    [HTTP_CONNECTION] = "connection",
    [HTTP_RANGE] = "range",
    [HTTP_IF_RANGE] = "if-range",
    [HTTP_IF_NONE_MATCH] = "if-none-match",
    [HTTP_UPLOAD_OFFSET] = "upload-offset",
};

static int
keep_field(struct http_reader *r, const uint8_t *p, size_t name_n, struct http_text value)
{
	for (int i = 0; i < HTTP_FIELDS; i++) {
		if (!http_is((const char *)p, name_n, fields[i]))
			continue;
		if (r->head.field[i].at != 0)
			return refuse(r, 400, "a field stands twice");
		r->head.field[i] = value;
	}
	return 0;
}

/* The line p[at..at+n) without its CRLF. */
static int
read_field(struct http_reader *r, const uint8_t *p, size_t at, size_t n)
{
	const uint8_t *line = p + at, *colon = memchr(line, ':', n);
	size_t from, to = n;

	if (++r->headers > HTTP_HEADERS_MAX)
		return refuse(r, 431, "too many header lines");
	if (colon == NULL || colon == line ||
	    !all(line, (size_t)(colon - line), http_is_token_char))
		return refuse(r, 400, "a header line is malformed"); /* folded lines as well */
	from = (size_t)(colon - line) + 1;
	while (from < to && line[from] == ' ')
		from++;
	while (to > from && line[to - 1] == ' ')
		to--;
	return keep_field(r, line, (size_t)(colon - line),
			  (struct http_text){(uint32_t)(at + from), (uint32_t)(to - from)});
}

/* --- what the fields mean together --- */

static int
check_host(struct http_reader *r, const uint8_t *p)
{
	const struct http_text *host = &r->head.field[HTTP_HOST];

	if (host->at == 0 || host->n == 0 || !all(p + host->at, host->n, is_host_char))
		return refuse(r, 400, "one Host is wanted");
	return 0;
}

/* RFC 9112 section 6: one framing, said once, in one form. */
static int
check_framing(struct http_reader *r, const uint8_t *p)
{
	const struct http_text *te = &r->head.field[HTTP_TRANSFER_ENCODING];
	const struct http_text *cl = &r->head.field[HTTP_CONTENT_LENGTH];

	if (te->at != 0 && cl->at != 0)
		return refuse(r, 400, "Content-Length and Transfer-Encoding exclude each other");
	if (te->at != 0) {
		if (!http_is((const char *)p + te->at, te->n, "chunked"))
			return refuse(r, 501, "of transfer codings only chunked is known here");
		r->head.body = HTTP_CHUNKED;
	} else if (cl->at != 0) {
		if (http_decimal((const char *)p + cl->at, cl->n, &r->head.length) < 0)
			return refuse(r, 400, "Content-Length is malformed");
		r->head.body = HTTP_LENGTH;
	}
	if (r->head.body == HTTP_NO_BODY || (r->head.body == HTTP_LENGTH && r->head.length == 0))
		return 0;
	if (r->head.method == HTTP_GET || r->head.method == HTTP_HEAD ||
	    r->head.method == HTTP_DELETE)
		return refuse(r, 400, "a request of this method has no body");
	return 0;
}

static int
check_expect(struct http_reader *r, const uint8_t *p)
{
	const struct http_text *expect = &r->head.field[HTTP_EXPECT];

	if (expect->at == 0)
		return 0;
	if (!http_is((const char *)p + expect->at, expect->n, "100-continue"))
		return refuse(r, 417, "only 100-continue can be expected");
	r->head.expects = r->head.body != HTTP_NO_BODY;
	return 0;
}

/* A comma-separated list (RFC 9110 section 7.6.1) of which only "close" matters. */
static void
read_connection(struct http_reader *r, const uint8_t *p)
{
	const struct http_text *field = &r->head.field[HTTP_CONNECTION];
	const char *text = (const char *)p + field->at, *end = text + field->n;

	while (field->at != 0 && text < end) {
		size_t n = 0;

		text += *text == ' ' || *text == ',';
		while (text + n < end && text[n] != ',' && text[n] != ' ')
			n++;
		r->head.close = r->head.close || http_is(text, n, "close");
		text += n;
	}
}

static int
finish(struct http_reader *r, const uint8_t *p)
{
	if (check_host(r, p) < 0 || check_framing(r, p) < 0 || check_expect(r, p) < 0)
		return -1;
	read_connection(r, p);
	r->head.bytes = r->scanned;
	return 1;
}

/* --- lines --- */

/* Looks for the end of the line that starts at r->line. Tabs are refused too, where RFC 9110 allows
 * them in values: other readers do not agree on them. 1: p[r->line .. r->scanned) is a line with
 * its CRLF. */
static int
find_line(struct http_reader *r, const uint8_t *p, size_t n)
{
	for (; r->scanned < n; r->scanned++) {
		uint8_t b = p[r->scanned];
		bool after_cr = r->scanned > r->line && p[r->scanned - 1] == '\r';

		if (after_cr && b == '\n') {
			r->scanned++;
			return 1;
		}
		if (after_cr || b == '\n')
			return refuse(r, 400, "a line must end with CR LF");
		if ((b < 0x20 && b != '\r') || b > 0x7e)
			return refuse(r, 400, "the head has a character outside ASCII's printable");
	}
	return 0;
}

static int
too_long(struct http_reader *r)
{
	size_t most = HTTP_METHOD_MAX + 1 + HTTP_TARGET_MAX + 1 + strlen("HTTP/1.1\r\n");

	if (!r->started && r->scanned > most)
		return refuse(r, 414, "the request line is too long");
	return r->scanned >= HTTP_HEAD_MAX ? refuse(r, 431, "the head is too large") : 0;
}

int
http_read(struct http_reader *r, const uint8_t *p, size_t n)
{
	size_t most = n < HTTP_HEAD_MAX ? n : HTTP_HEAD_MAX;
	int found;

	while ((found = find_line(r, p, most)) > 0) {
		size_t at = r->line, length = r->scanned - at - 2;

		r->line = r->scanned;
		if (!r->started) {
			if (too_long(r) < 0 || read_request_line(r, p, length) < 0)
				return -1;
		} else if (length == 0) {
			return finish(r, p);
		} else if (read_field(r, p, at, length) < 0) {
			return -1;
		}
	}
	return found < 0 ? -1 : too_long(r);
}
