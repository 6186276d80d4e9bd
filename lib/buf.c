/* buf.c - a growing byte buffer, and JSON text into it. Runs in: everything. Owns: its heap block.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/buf.h"
#include "safehand/enc.h"

static _Noreturn void
out_of_memory(void)
{
	static const char line[] = "safehand: out of memory\n";

	fwrite(line, 1, sizeof line - 1, stderr);
	abort();
}

void *
mem_alloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
mem_realloc(void *p, size_t count, size_t size)
{
	void *q = reallocarray(p, count ? count : 1, size ? size : 1);

	if (q == NULL)
		out_of_memory();
	return q;
}

void *
mem_dup(const void *p, size_t n)
{
	char *q = mem_alloc(n + 1);

	if (n > 0)
		memcpy(q, p, n);
	return q;
}

char *
mem_strdup(const char *s)
{
	return mem_dup(s, strlen(s));
}

void
buf_reserve(struct buf *b, size_t more)
{
	size_t need = b->len + more + 1, cap = b->cap ? b->cap : 64;

	if (need < more)
		out_of_memory();
	if (need <= b->cap)
		return;
	while (cap < need)
		cap = cap <= SIZE_MAX / 2 ? cap * 2 : need; /* doubles: n bytes cost O(n) */
	b->data = mem_realloc(b->data, cap, 1);
	b->cap = cap;
	b->data[b->len] = '\0';
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void
buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

void
buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	buf_reserve(b, n);
	if (n > 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addc(struct buf *b, char c)
{
	buf_reserve(b, 1);
	b->data[b->len++] = (uint8_t)c;
	b->data[b->len] = '\0';
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	buf_reserve(b, (size_t)n);
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += (size_t)n;
}

void
buf_be32(struct buf *b, uint32_t v)
{
	uint8_t p[4];

	be32_put(p, v);
	buf_add(b, p, sizeof p);
}

void
buf_be64(struct buf *b, uint64_t v)
{
	uint8_t p[8];

	be64_put(p, v);
	buf_add(b, p, sizeof p);
}

void
buf_hex(struct buf *b, const void *p, size_t n)
{
	buf_reserve(b, 2 * n);
	hex_encode((char *)b->data + b->len, p, n);
	b->len += 2 * n;
}

void
buf_base64(struct buf *b, const void *p, size_t n)
{
	static const char digit[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *s = p;

	buf_reserve(b, (n + 2) / 3 * 4);
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)s[i] << 16 | (left > 1 ? (uint32_t)s[i + 1] << 8 : 0) |
			     (left > 2 ? s[i + 2] : 0);
		uint8_t *four = b->data + b->len;

		four[0] = (uint8_t)digit[v >> 18];
		four[1] = (uint8_t)digit[v >> 12 & 63];
		four[2] = left > 1 ? (uint8_t)digit[v >> 6 & 63] : '=';
		four[3] = left > 2 ? (uint8_t)digit[v & 63] : '=';
		b->len += 4;
	}
	b->data[b->len] = '\0';
}

const char *
buf_str(const struct buf *b)
{
	return b->data != NULL ? (const char *)b->data : "";
}

static void
json_char(struct buf *b, unsigned char c)
{
	switch (c) {
	case '"': buf_adds(b, "\\\""); break;
	case '\\': buf_adds(b, "\\\\"); break;
	case '\n': buf_adds(b, "\\n"); break;
	case '\t': buf_adds(b, "\\t"); break;
	case '\r': buf_adds(b, "\\r"); break;
	default:
		if (c < 0x20 || c == 0x7F)
			buf_addf(b, "\\u%04x", c);
		else
			buf_addc(b, (char)c);
	}
}

/* Bytes of the well-formed character at s, 0 if there is none. */
static size_t
utf8_char(const char *s)
{
	size_t n = (unsigned char)*s < 0x80 ? 1
		   : (*s & 0xE0) == 0xC0    ? 2
		   : (*s & 0xF0) == 0xE0    ? 3
					    : 4;

	return strnlen(s, n) == n && utf8_is_valid(s, n) ? n : 0;
}

/* Characters at s that stand for themselves: nearly all. */
static size_t
plain_run(const char *s)
{
	size_t n = 0;

	while (s[n] >= 0x20 && s[n] < 0x7F && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

void
buf_json(struct buf *b, const char *s)
{
	size_t n;

	buf_addc(b, '"');
	for (; *s != '\0'; s += n ? n : 1) {
		if ((n = plain_run(s)) > 0) {
			buf_add(b, s, n);
			continue;
		}
		n = utf8_char(s);
		if (n == 1)
			json_char(b, (unsigned char)*s);
		else if (n > 1)
			buf_add(b, s, n);
		else
			buf_adds(b, "\xEF\xBF\xBD");
	}
	buf_addc(b, '"');
}

void
buf_json_key(struct buf *b, const char *name)
{
	char last = b->len > 0 ? (char)b->data[b->len - 1] : '{';

	if (last != '{' && last != '[')
		buf_addc(b, ',');
	buf_json(b, name);
	buf_addc(b, ':');
}

void
buf_json_item(struct buf *b)
{
	if (b->len > 0 && b->data[b->len - 1] != '[')
		buf_addc(b, ',');
}

void
buf_json_str(struct buf *b, const char *name, const char *s)
{
	buf_json_key(b, name);
	if (s != NULL)
		buf_json(b, s);
	else
		buf_adds(b, "null");
}

void
buf_json_int(struct buf *b, const char *name, int64_t v)
{
	buf_json_key(b, name);
	buf_addf(b, "%lld", (long long)v);
}

void
buf_json_hex(struct buf *b, const char *name, const void *p, size_t n)
{
	buf_json_key(b, name);
	buf_addc(b, '"');
	buf_hex(b, p, n);
	buf_addc(b, '"');
}

void
buf_json_b64(struct buf *b, const char *name, const void *p, size_t n)
{
	buf_json_key(b, name);
	buf_addc(b, '"');
	buf_base64(b, p, n);
	buf_addc(b, '"');
}
