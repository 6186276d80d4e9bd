/* test_front_http.c - heads, chunks and ranges: every request that must be refused is a row; good
 * ones whole, byte by byte and in a row on one connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "front/chunk.h"
#include "front/http.h"
#include "front/range.h"
#include "safehand/buf.h"

#define POST "POST /v1/route HTTP/1.1\r\nHost: gw\r\n"

/* n: bytes, where strlen would not do. big, times: a piece to repeat between text and tail. */
/* clang-format off */
static const struct refused {
	const char *name, *text;
	int status;
	size_t n;
	const char *piece;
	size_t times;
	const char *tail;
} refused[] = {
    {"bare LF head", "GET / HTTP/1.1\nHost: gw\n\n", 400, 0, NULL, 0, NULL},
    {"bare LF in one header line", "GET / HTTP/1.1\r\nA: b\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"space before colon", "GET / HTTP/1.1\r\nHost : gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"obs-fold", "GET / HTTP/1.1\r\nHost: gw\r\nA: b\r\n c\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"obs-fold with a colon", "GET / HTTP/1.1\r\nHost: gw\r\nA: b\r\n c: d\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"obs-fold TE", POST "Transfer-Encoding:\r\n chunked\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"first header folded", "GET / HTTP/1.1\r\n Host: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"CL twice, differing", POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"CL twice, same", POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"CL list 5, 5", POST "Content-Length: 5, 5\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"CL + TE chunked", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"TE chunked + CL", POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"TE: xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n", 501, 0, NULL, 0, NULL},
    {"TE: identity, CL 5", POST "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"TE: identity", POST "Transfer-Encoding: identity\r\n\r\n", 501, 0, NULL, 0, NULL},
    {"TE: chunked, identity", POST "Transfer-Encoding: chunked, identity\r\n\r\n", 501, 0, NULL, 0, NULL},
    {"TE: gzip, chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, 0, NULL, 0, NULL},
    {"TE twice", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"TE VT chunked",
     POST "Transfer-Encoding: \x0b"
	  "chunked\r\n\r\n",
     400, 0, NULL, 0, NULL},
    {"TE empty", POST "Transfer-Encoding:\r\n\r\n", 501, 0, NULL, 0, NULL},
    {"CL +5", POST "Content-Length: +5\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"CL -1", POST "Content-Length: -1\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"CL 0x5", POST "Content-Length: 0x5\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"CL 5abc", POST "Content-Length: 5abc\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"CL 05", POST "Content-Length: 05\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"CL empty", POST "Content-Length:\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"CL 2^64+5", POST "Content-Length: 18446744073709551621\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"CL 2^63", POST "Content-Length: 9223372036854775808\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"no Host", "GET / HTTP/1.1\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"hostile Host", "GET / HTTP/1.1\r\nHost: gw/x\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: gw\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"empty header name", "GET / HTTP/1.1\r\nHost: gw\r\n: v\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"no colon", "GET / HTTP/1.1\r\nHost: gw\r\nabc\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"NUL in value", "GET / HTTP/1.1\r\nHost: gw\r\nA: b\0c\r\n\r\n", 400, 37, NULL, 0, NULL},
    {"bare CR in value", "GET / HTTP/1.1\r\nHost: gw\r\nA: b\rc\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"ctl in value", "GET / HTTP/1.1\r\nHost: gw\r\nA: b\x01\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"ctl in name", "GET / HTTP/1.1\r\nHost: gw\r\nA\x01: b\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"tab in value", "GET / HTTP/1.1\r\nHost: gw\r\nA: b\tc\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"tab in name", "GET / HTTP/1.1\r\nHost: gw\r\nA\t: b\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"high byte in path", "GET /\xc3\xa9 HTTP/1.1\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"percent-encoding", "GET /v1/%72oster HTTP/1.1\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"fragment", "GET /v1/roster#a HTTP/1.1\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"absolute form", "GET https://gw/v1/roster HTTP/1.1\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"authority form", "CONNECT gw:1 HTTP/1.1\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"NUL in path", "GET /a\0b HTTP/1.1\r\nHost: gw\r\n\r\n", 400, 31, NULL, 0, NULL},
    {"two spaces in request line", "GET  / HTTP/1.1\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"two spaces before version", "GET /  HTTP/1.1\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"space after version", "GET / HTTP/1.1 \r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"leading space", " GET / HTTP/1.1\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"leading empty line", "\r\nGET / HTTP/1.1\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"tab in request line", "GET\t/ HTTP/1.1\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"HTTP/1.0", "GET / HTTP/1.0\r\nHost: gw\r\n\r\n", 505, 0, NULL, 0, NULL},
    {"HTTP/0.9", "GET /\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"HTTP/0.9 named", "GET / HTTP/0.9\r\nHost: gw\r\n\r\n", 505, 0, NULL, 0, NULL},
    {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: gw\r\n\r\n", 505, 0, NULL, 0, NULL},
    {"HTTP/1.1x", "GET / HTTP/1.1x\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"HTTP/1.9", "GET / HTTP/1.9\r\nHost: gw\r\n\r\n", 505, 0, NULL, 0, NULL},
    {"http/1.1", "GET / http/1.1\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, 0, NULL, 0, NULL},
    {"GET with body", "GET / HTTP/1.1\r\nHost: gw\r\nContent-Length: 5\r\n\r\nhello", 400, 0, NULL, 0, NULL},
    {"GET with chunks", "GET / HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"unknown expectation", POST "Content-Length: 5\r\nExpect: 200-ok\r\n\r\n", 417, 0, NULL, 0, NULL},
    {"two expectations", POST "Content-Length: 5\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"header 64 KiB", "GET / HTTP/1.1\r\nHost: gw\r\nA: ", 431, 0, "x", 65536, "\r\n\r\n"},
    {"5000 small headers", "GET / HTTP/1.1\r\nHost: gw\r\n", 431, 0, "A: b\r\n", 5000, "\r\n"},
    {"65 headers", "GET / HTTP/1.1\r\nHost: gw\r\n", 431, 0, "A: b\r\n", 64, "\r\n"},
    {"URI 64 KiB", "GET /", 414, 0, "x", 65536, " HTTP/1.1\r\nHost: gw\r\n\r\n"},
    {"URI a byte too long", "GET /", 414, 0, "x", 2048, " HTTP/1.1\r\nHost: gw\r\n\r\n"},
    {"method of 17 letters", "ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\nHost: gw\r\n\r\n", 400, 0, NULL, 0, NULL},
    {"head of 1 MiB never ending", "GET / HTTP/1.1\r\nHost: gw\r\n", 431, 0, "Abc: defghijklm\r\n", 65536, ""},
    {"one line never ending", "", 414, 0, "G", 1048576, ""},
    {"garbage", "\x16\x03\x01\x02\x00\x01", 400, 6, NULL, 0, NULL},
    {"garbage in letters", "asdf qwer\r\n", 400, 0, NULL, 0, NULL},
};
/* clang-format on */

static void
build(const struct refused *row, struct buf *out)
{
	buf_add(out, row->text, row->n ? row->n : strlen(row->text));
	for (size_t i = 0; i < row->times; i++)
		buf_adds(out, row->piece);
	buf_adds(out, row->tail ? row->tail : "");
}

static void
refuses_each_row(void **state)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		const struct refused *row = &refused[i];
		struct http_reader whole = {0}, pieces = {0};
		struct buf b = {0};
		int rc = 0;

		build(row, &b);
		print_message("%s\n", row->name);
		assert_int_equal(http_read(&whole, b.data, b.len), -1);
		assert_int_equal(whole.status, row->status);
		for (size_t n = 0; rc == 0 && n <= b.len; n++)
			rc = http_read(&pieces, b.data, n);
		assert_int_equal(rc, -1);
		assert_int_equal(pieces.status, row->status);
		assert_string_equal(pieces.reason, whole.reason);
		buf_free(&b);
	}
}

static const struct good {
	const char *text;
	enum http_method method;
	const char *path, *query;
	enum http_body body;
	uint64_t length;
	bool close, expects;
} good[] = {
    {"GET /v1/roster HTTP/1.1\r\nHost: gw\r\n\r\n", HTTP_GET, "/v1/roster", NULL, HTTP_NO_BODY, 0,
     false, false},
    {"HEAD /a?b=c&d HTTP/1.1\r\nhost:gw:8443\r\nAccept: */*\r\n\r\n", HTTP_HEAD, "/a", "b=c&d",
     HTTP_NO_BODY, 0, false, false},
    {"GET /a? HTTP/1.1\r\nHost: [::1]:8443\r\nConnection: keep-alive\r\n\r\n", HTTP_GET, "/a", "",
     HTTP_NO_BODY, 0, false, false},
    {POST "Content-Length: 0\r\n\r\n", HTTP_POST, "/v1/route", NULL, HTTP_LENGTH, 0, false, false},
    {POST "Content-Length:  5 \r\nConnection: TE, Close\r\n\r\n", HTTP_POST, "/v1/route", NULL,
     HTTP_LENGTH, 5, true, false},
    {POST "Content-Length: 9223372036854775807\r\nExpect: 100-Continue\r\n\r\n", HTTP_POST,
     "/v1/route", NULL, HTTP_LENGTH, INT64_MAX, false, true},
    {POST "transfer-encoding: Chunked\r\n\r\n", HTTP_POST, "/v1/route", NULL, HTTP_CHUNKED, 0,
     false, false},
    {"DELETE /x HTTP/1.1\r\nHost: gw\r\nContent-Length: 0\r\n\r\n", HTTP_DELETE, "/x", NULL,
     HTTP_LENGTH, 0, false, false},
    {"GET /x HTTP/1.1\r\nHost: gw\r\nExpect: 100-continue\r\n\r\n", HTTP_GET, "/x", NULL,
     HTTP_NO_BODY, 0, false, false},
    {"PATCH /x HTTP/1.1\r\nHost: gw\r\nX-Empty:\r\n\r\n", HTTP_OTHER, "/x", NULL, HTTP_NO_BODY, 0,
     false, false},
};

static void
same_text(const char *head, struct http_text t, const char *want)
{
	if (want == NULL) {
		assert_int_equal(t.at, 0);
		return;
	}
	assert_int_not_equal(t.at, 0);
	assert_int_equal(t.n, strlen(want));
	assert_memory_equal(head + t.at, want, t.n);
}

static void
check_good(const struct good *g, const struct http_head *h, const char *text)
{
	assert_int_equal(h->method, g->method);
	same_text(text, h->path, g->path);
	same_text(text, h->query, g->query);
	assert_int_equal(h->body, g->body);
	assert_int_equal(h->length, g->length);
	assert_int_equal(h->close, g->close);
	assert_int_equal(h->expects, g->expects);
	assert_int_equal(h->bytes, strlen(g->text));
}

static void
reads_good_heads_byte_by_byte(void **state)
{
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		const uint8_t *p = (const uint8_t *)good[i].text;
		size_t len = strlen(good[i].text);
		struct http_reader whole = {0}, pieces = {0};

		print_message("%s\n", good[i].text);
		assert_int_equal(http_read(&whole, p, len), 1);
		check_good(&good[i], &whole.head, good[i].text);
		for (size_t n = 0; n < len; n++)
			assert_int_equal(http_read(&pieces, p, n), 0);
		assert_int_equal(http_read(&pieces, p, len), 1);
		check_good(&good[i], &pieces.head, good[i].text);
	}
}

/* What stands after a head is the next one's: all rows in a row. */
static void
reads_pipelined_heads(void **state)
{
	size_t at = 0;
	struct buf b = {0};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		buf_adds(&b, good[i].text);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct http_reader r = {0};

		assert_int_equal(http_read(&r, b.data + at, b.len - at), 1);
		check_good(&good[i], &r.head, good[i].text);
		at += r.head.bytes;
	}
	assert_int_equal(at, b.len);
	buf_free(&b);
}

static void
takes_heads_up_to_the_limits(void **state)
{
	struct http_reader r = {0}, most = {0};
	struct buf b = {0};

	buf_adds(&b, "GET /");
	while (b.len < 4 + HTTP_TARGET_MAX)
		buf_addc(&b, 'x');
	buf_adds(&b, " HTTP/1.1\r\nHost: gw\r\n");
	for (int i = 1; i < HTTP_HEADERS_MAX; i++)
		buf_adds(&b, "A: b\r\n");
	buf_adds(&b, "\r\n");
	assert_int_equal(http_read(&r, b.data, b.len), 1);
	buf_clear(&b);
	buf_adds(&b, "GET / HTTP/1.1\r\nHost: gw\r\nA: ");
	while (b.len < HTTP_HEAD_MAX - 4)
		buf_addc(&b, 'x');
	buf_adds(&b, "\r\n\r\n");
	assert_int_equal(http_read(&most, b.data, b.len), 1);
	assert_int_equal(most.head.bytes, HTTP_HEAD_MAX);
	buf_free(&b);
}

/* --- chunks --- */

/* Decodes text in pieces of step bytes; 1 done, 0 more wanted, -1 refused. */
static int
decode(const char *text, size_t len, size_t step, struct buf *body, size_t *used_all)
{
	struct chunk c = {0};
	size_t at = 0;

	while (at < len && !chunk_is_done(&c)) {
		size_t n = len - at < step ? len - at : step, used, got = 0;
		const uint8_t *data;
		int rc = chunk_decode(&c, (const uint8_t *)text + at, n, 3, &used, &data, &got);

		if (rc < 0) {
			assert_non_null(c.reason);
			return -1;
		}
		if (rc == 1)
			buf_add(body, data, got);
		at += used;
	}
	*used_all = at;
	return chunk_is_done(&c);
}

static void
decodes_chunks(void **state)
{
	static const char text[] = "5\r\nhello\r\n1;ext=a\r\n,\r\n00006\r\n world\r\n0\r\n\r\nGET";
	size_t used;

	for (size_t step = 1; step < sizeof text; step++) {
		struct buf body = {0};

		assert_int_equal(decode(text, sizeof text - 1, step, &body, &used), 1);
		assert_string_equal(buf_str(&body), "hello, world");
		assert_int_equal(used, sizeof text - 1 - 3);
		buf_free(&body);
	}
}

static void
refuses_bad_chunks(void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
	    {"chunk size 2^64+5", "10000000000000005\r\nhello\r\n0\r\n\r\n"},
	    {"chunk size of 16 digits", "1000000000000000\r\n"},
	    {"chunk size 0x5", "0x5\r\nhello\r\n0\r\n\r\n"},
	    {"chunk size -5", "-5\r\nhello\r\n0\r\n\r\n"},
	    {"chunk size +5", "+5\r\nhello\r\n0\r\n\r\n"},
	    {"chunk size then space", "5 \r\nhello\r\n0\r\n\r\n"},
	    {"space then chunk size", " 5\r\nhello\r\n0\r\n\r\n"},
	    {"chunk line bare LF", "5\nhello\r\n0\r\n\r\n"},
	    {"chunk ext in quotes", "5;a=\"b\"\r\nhello\r\n0\r\n\r\n"},
	    {"chunk ext without name", "5;=b\r\nhello\r\n0\r\n\r\n"},
	    {"chunk ext without value", "5;a=\r\nhello\r\n0\r\n\r\n"},
	    {"two chunk exts", "5;a;b\r\nhello\r\n0\r\n\r\n"},
	    {"chunk ext with a space", "5;a= b\r\nhello\r\n0\r\n\r\n"},
	    {"chunk ext bare LF", "5;a\nhello\r\n0\r\n\r\n"},
	    {"chunk ext bare CR", "5;a\rb\r\nhello\r\n0\r\n\r\n"},
	    {"chunk data not ended by CRLF", "5\r\nhelloX\r\n0\r\n\r\n"},
	    {"chunk data ended by LF", "5\r\nhello\n0\r\n\r\n"},
	    {"no size", "\r\nhello\r\n0\r\n\r\n"},
	    {"extension without size", ";a\r\nhello\r\n0\r\n\r\n"},
	    {"trailer", "0\r\nA: b\r\n\r\n"},
	    {"end by LF", "0\r\n\n"},
	    {"extension of 300 bytes",
	     "5;"
	     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	     "a"
	     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	     "a"
	     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nhello\r\n0\r\n\r\n"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t step = 1; step <= 64; step *= 8) {
			struct buf body = {0};
			size_t used;

			print_message("%s\n", rows[i].name);
			assert_int_equal(
			    decode(rows[i].text, strlen(rows[i].text), step, &body, &used), -1);
			buf_free(&body);
		}
}

/* --- ranges --- */

static void
reads_ranges(void **state)
{
	static const struct {
		const char *text;
		uint64_t total;
		int rc;
		uint64_t from, count;
	} rows[] = {
	    {"bytes=0-0", 10, 1, 0, 1},
	    {"bytes=2-5", 10, 1, 2, 4},
	    {"bytes=9-", 10, 1, 9, 1},
	    {"Bytes=3-99", 10, 1, 3, 7},
	    {"bytes=-4", 10, 1, 6, 4},
	    {"bytes=-99", 10, 1, 0, 10},
	    {"bytes=10-", 10, -1, 0, 0},
	    {"bytes=-0", 10, -1, 0, 0},
	    {"bytes=0-", 0, -1, 0, 0},
	    {"bytes=5-2", 10, 0, 0, 0},
	    {"bytes=0-1,3-4", 10, 0, 0, 0},
	    {"bytes=a-", 10, 0, 0, 0},
	    {"bytes=-", 10, 0, 0, 0},
	    {"bytes=", 10, 0, 0, 0},
	    {"octets=0-1", 10, 0, 0, 0},
	    {"bytes=0-9223372036854775807", 10, 1, 0, 10},
	    {"bytes=0-9223372036854775808", 10, 0, 0, 0},
	    {"bytes= 0-1", 10, 0, 0, 0},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct range r = range_parse(rows[i].text, strlen(rows[i].text));
		uint64_t from = 0, count = 0;
		int rc;

		print_message("%s of %d\n", rows[i].text, (int)rows[i].total);
		rc = range_cut(&r, rows[i].total, &from, &count);
		assert_int_equal(rc < 0 ? rc : r.kind != RANGE_ALL, rows[i].rc);
		if (rows[i].rc == 1) {
			assert_int_equal(from, rows[i].from);
			assert_int_equal(count, rows[i].count);
		} else if (rows[i].rc == 0) { /* ignored: all of it */
			assert_int_equal(from, 0);
			assert_int_equal(count, rows[i].total);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refuses_each_row),
	    cmocka_unit_test(reads_good_heads_byte_by_byte),
	    cmocka_unit_test(reads_pipelined_heads),
	    cmocka_unit_test(takes_heads_up_to_the_limits),
	    cmocka_unit_test(decodes_chunks),
	    cmocka_unit_test(refuses_bad_chunks),
	    cmocka_unit_test(reads_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
