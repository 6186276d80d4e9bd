/* fuzz_http.c - our HTTP reader against llhttp 8 in strict mode: what ours takes, llhttp must take
 * as the same request: method, target, framing, body, end. (The reverse is not asked: ours is
 * stricter.) Runs in: tests. As a libFuzzer target, or with its own main (FUZZ_MAIN): fuzz_http
 * [ROUNDS [SEED]] mutates its seeds. Needs node-llhttp's C: /usr/share/llhttp, with
 * -DLLHTTP_STRICT_MODE=1. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* llhttp's enumerators have the names of ours */
#define HTTP_GET    LLHTTP_GET
#define HTTP_HEAD   LLHTTP_HEAD
#define HTTP_PUT    LLHTTP_PUT
#define HTTP_POST   LLHTTP_POST
#define HTTP_DELETE LLHTTP_DELETE
#include <llhttp.h>
#undef HTTP_GET
#undef HTTP_HEAD
#undef HTTP_PUT
#undef HTTP_POST
#undef HTTP_DELETE

#include "front/chunk.h"
#include "front/http.h"
#include "safehand/buf.h"

#define INPUT_MAX (32 * 1024)

/* One request as either reader saw it. */
struct seen {
	bool whole;
	char method[HTTP_METHOD_MAX + 1];
	struct buf target, body;
	bool chunked, close;
	size_t end; /* bytes of the whole message */
};

static void
seen_clear(struct seen *s)
{
	buf_free(&s->target);
	buf_free(&s->body);
	*s = (struct seen){0};
}

/* --- ours --- */

static size_t
take_chunks(const uint8_t *p, size_t n, struct seen *out)
{
	struct chunk c = {0};
	size_t at = 0, used, len;
	const uint8_t *data;
	int rc;

	while ((rc = chunk_decode(&c, p + at, n - at, SIZE_MAX, &used, &data, &len)) == 1) {
		buf_add(&out->body, data, len);
		at += used;
	}
	out->whole = rc == 0 && chunk_is_done(&c);
	return at + used;
}

static void
see_ours(const uint8_t *p, size_t n, struct seen *out)
{
	struct http_reader r = {0};
	const struct http_head *h = &r.head;
	size_t to_query = 0;

	if (http_read(&r, p, n) != 1)
		return;
	snprintf(out->method, sizeof out->method, "%.*s",
		 (int)((const uint8_t *)memchr(p, ' ', n) - p), (const char *)p);
	if (h->query.at != 0)
		to_query = h->query.n + 1;
	buf_add(&out->target, p + h->path.at, h->path.n + to_query);
	out->chunked = h->body == HTTP_CHUNKED;
	out->close = h->close;
	out->end = h->bytes;
	out->whole = h->body != HTTP_LENGTH || h->length <= n - h->bytes;
	if (h->body == HTTP_LENGTH && out->whole) {
		buf_add(&out->body, p + h->bytes, h->length);
		out->end += h->length;
	}
	if (h->body == HTTP_CHUNKED)
		out->end += take_chunks(p + h->bytes, n - h->bytes, out);
}

/* --- theirs --- */

static int
on_url(llhttp_t *l, const char *at, size_t n)
{
	struct seen *s = l->data;

	buf_add(&s->target, at, n);
	return 0;
}

static int
on_body(llhttp_t *l, const char *at, size_t n)
{
	struct seen *s = l->data;

	buf_add(&s->body, at, n);
	return 0;
}

static int
on_complete(llhttp_t *l)
{
	struct seen *s = l->data;

	s->whole = true;
	s->chunked = (l->flags & F_CHUNKED) != 0;
	s->close = (l->flags & F_CONNECTION_CLOSE) != 0;
	return HPE_PAUSED;
}

static void
see_theirs(const uint8_t *p, size_t n, struct seen *out)
{
	llhttp_settings_t settings;
	llhttp_t l;

	llhttp_settings_init(&settings);
	settings.on_url = on_url;
	settings.on_body = on_body;
	settings.on_message_complete = on_complete;
	llhttp_init(&l, HTTP_REQUEST, &settings);
	l.data = out;
	llhttp_execute(&l, (const char *)p, n);
	if (out->whole) {
		out->end = (size_t)(llhttp_get_error_pos(&l) - (const char *)p);
		snprintf(out->method, sizeof out->method, "%s",
			 llhttp_method_name(llhttp_get_method(&l)));
	}
}

/* --- compared --- */

static bool
known_to_llhttp(const char *method)
{
	static const char *const common[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};

	for (size_t i = 0; i < sizeof common / sizeof *common; i++)
		if (strcmp(method, common[i]) == 0)
			return true;
	return false; /* ours answers such a request with 405, whatever its target and body are */
}

static void
must(bool same, const char *what, const uint8_t *p, size_t n)
{
	if (same)
		return;
	fprintf(stderr, "fuzz_http: %s differs for these %zu bytes:\n", what, n);
	fwrite(p, 1, n, stderr);
	abort();
}

/* The same bytes in two pieces must give the same answer. */
static void
check_pieces(const uint8_t *p, size_t n)
{
	struct http_reader whole = {0}, pieces = {0};
	int a = http_read(&whole, p, n), b = http_read(&pieces, p, n / 3);

	if (b == 0)
		b = http_read(&pieces, p, n / 2);
	if (b == 0)
		b = http_read(&pieces, p, n);
	must(a == b && (a != 1 || memcmp(&whole.head, &pieces.head, sizeof whole.head) == 0) &&
		 (a != -1 || whole.status == pieces.status),
	     "the answer by pieces", p, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct seen ours = {0}, theirs = {0};

	check_pieces(p, n);
	see_ours(p, n, &ours);
	if (ours.whole && known_to_llhttp(ours.method)) {
		see_theirs(p, n, &theirs);
		must(theirs.whole, "llhttp's refusal", p, n);
		must(strcmp(ours.method, theirs.method) == 0, "the method", p, n);
		must(ours.target.len == theirs.target.len &&
			 memcmp(buf_str(&ours.target), buf_str(&theirs.target), ours.target.len) ==
			     0,
		     "the target", p, n);
		must(ours.chunked == theirs.chunked, "the framing", p, n);
		must(!theirs.close || ours.close, "Connection: close", p, n);
		must(ours.body.len == theirs.body.len &&
			 memcmp(buf_str(&ours.body), buf_str(&theirs.body), ours.body.len) == 0,
		     "the body", p, n);
		must(ours.end == theirs.end, "the end", p, n);
	}
	seen_clear(&ours);
	seen_clear(&theirs);
	return 0;
}

#ifdef FUZZ_MAIN
static const char *const seeds[] = {
    "GET /v1/roster HTTP/1.1\r\nHost: gw:8443\r\nAccept: */*\r\n\r\n",
    "HEAD /v1/bundles/019ab0 HTTP/1.1\r\nHost: gw\r\nConnection: close, TE\r\n\r\n",
    "GET /v1/mailboxes/uhcw/emergency?after=12&wait=30 HTTP/1.1\r\nHost: [::1]\r\nRange: "
    "bytes=0-5\r\n\r\nGET / HTTP/1.1\r\n",
    "POST /v1/route HTTP/1.1\r\nHost: gw\r\nContent-Length: 5\r\n\r\nhello",
    "POST /v1/route HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    "1;a=b\r\n!\r\n0\r\n\r\n",
    "PUT /v1/bundles/x HTTP/1.1\r\nHost: gw\r\nExpect: 100-continue\r\nUpload-Offset: "
    "7\r\nContent-Length: 0\r\n\r\n",
    "PUT /x HTTP/1.1\r\nHost: gw\r\ntransfer-encoding:\tchunked \r\nX: \r\n\r\n00a;q\r\n0123456789"
    "\r\n0\r\n\r\nX",
    "DELETE /v1/subscriptions/a/b/child/c:x HTTP/1.1\r\nHost: gw\r\nContent-Length: 0\r\n\r\n",
};

static const char *const pieces[] = {
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "\r\n ",
    "0",
    "5",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "chunked",
    "identity",
    "close",
    "keep-alive",
    "Connection: close\r\n",
    "Connection: Upgrade\r\n",
    "Upgrade: h2c\r\n",
    "Host: gw\r\n",
    "HTTP/1.0",
    "HTTP/1.1",
    "0\r\n\r\n",
    "%41",
    "?",
    "#",
    "\x0b",
    "\x80",
    "+",
    "-",
    "0x",
    "ffffffffffffffff",
    "18446744073709551621",
    "Trailer: a\r\n",
    "\"",
    "=",
};

static uint64_t
next(uint64_t *x) /* xorshift64: a seed gives the same run again */
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void
splice(struct buf *b, size_t at, size_t cut, const char *in, size_t n)
{
	struct buf out = {0};

	buf_add(&out, b->data, at);
	buf_add(&out, in, n);
	buf_add(&out, b->data + at + cut, b->len - at - cut);
	buf_free(b);
	*b = out;
}

static void
mutate(struct buf *b, uint64_t *x)
{
	size_t at = next(x) % (b->len + 1), left = b->len - at;
	const char *piece = pieces[next(x) % (sizeof pieces / sizeof *pieces)];
	char byte = (char)next(x);

	switch (next(x) % 6) {
	case 0: splice(b, at, 0, piece, strlen(piece)); break;
	case 1: splice(b, at, left ? 1 : 0, piece, strlen(piece)); break;
	case 2: splice(b, at, left ? 1 : 0, &byte, 1); break;
	case 3: splice(b, at, left < 6 ? left : next(x) % 6, "", 0); break;
	case 4: splice(b, at, 0, (const char *)b->data + at, left < 40 ? left : 40); break;
	default: {
		const char *other = seeds[next(x) % (sizeof seeds / sizeof *seeds)];
		size_t from = next(x) % strlen(other);

		splice(b, at, 0, other + from, strlen(other) - from);
	}
	}
}

int
main(int argc, char **argv)
{
	uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
	uint64_t x = argc > 2 ? strtoull(argv[2], NULL, 10) : 88172645463325252u;
	uint64_t taken = 0;

	assert(x != 0);
	for (uint64_t i = 0; i < rounds; i++) {
		const char *seed = seeds[next(&x) % (sizeof seeds / sizeof *seeds)];
		struct seen s = {0};
		struct buf b = {0};

		buf_adds(&b, seed);
		for (uint64_t m = next(&x) % 5; m > 0 && b.len < INPUT_MAX; m--)
			mutate(&b, &x);
		LLVMFuzzerTestOneInput(b.data, b.len);
		see_ours(b.data, b.len, &s);
		taken += s.whole;
		seen_clear(&s);
		buf_free(&b);
	}
	printf("fuzz_http: %llu requests, %llu taken, each as llhttp takes it\n",
	       (unsigned long long)rounds, (unsigned long long)taken);
	return taken > rounds / 20 ? 0 : 1; /* a run that takes next to nothing compares nothing */
}
#endif
