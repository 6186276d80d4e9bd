/* enc.c - hex, base64, base32, big-endian, UTF-8. Runs in: everything. Pure. Trusts: no byte it
 * decodes. */
#include <string.h>

#include "safehand/buf.h"
#include "safehand/enc.h"

uint32_t
be32_get(const void *p)
{
	const uint8_t *b = p;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint64_t
be64_get(const void *p)
{
	return (uint64_t)be32_get(p) << 32 | be32_get((const uint8_t *)p + 4);
}

void
be32_put(void *p, uint32_t v)
{
	uint8_t *b = p;

	for (int i = 0; i < 4; i++)
		b[i] = (uint8_t)(v >> (24 - 8 * i));
}

void
be64_put(void *p, uint64_t v)
{
	be32_put(p, (uint32_t)(v >> 32));
	be32_put((uint8_t *)p + 4, (uint32_t)v);
}

void
hex_encode(char *out, const void *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	const uint8_t *s = p;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digit[s[i] >> 4];
		out[2 * i + 1] = digit[s[i] & 15];
	}
	out[2 * n] = '\0';
}

static int
hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
hex_decode(void *out, size_t n, const char *text)
{
	uint8_t *o = out;

	if (strnlen(text, 2 * n + 1) != 2 * n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int hi = hex_value(text[2 * i]), lo = hex_value(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -1;
		o[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters of which the last pad are '='; -1 unless canonical. */
static int
base64_quad(uint8_t out[3], const char *s, int pad)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		int d = i < 4 - pad ? base64_value(s[i]) : 0;

		if (d < 0)
			return -1;
		v = v << 6 | (uint32_t)d;
	}
	if ((pad == 1 && (v & 0xFF)) || (pad == 2 && (v & 0xFFFF)))
		return -1;
	for (int i = 0; i < 3; i++)
		out[i] = (uint8_t)(v >> (16 - 8 * i));
	return 0;
}

int
base64_decode(struct buf *out, const char *text, size_t len, size_t max)
{
	size_t start = out->len;
	int pad = 0;

	if (len % 4 != 0)
		return -1;
	if (len > 0)
		pad = text[len - 1] != '=' ? 0 : text[len - 2] != '=' ? 1 : 2;
	if (len / 4 * 3 - (size_t)pad > max)
		return -1;
	for (size_t i = 0; i < len; i += 4) {
		int p = i + 4 == len ? pad : 0;
		uint8_t three[3];

		if (base64_quad(three, text + i, p) < 0) {
			out->len = start;
			return -1;
		}
		buf_add(out, three, (size_t)(3 - p));
	}
	return 0;
}

void
base32_encode(char *out, const void *p, size_t n)
{
	static const char digit[] = "abcdefghijklmnopqrstuvwxyz234567";
	const uint8_t *s = p;
	uint32_t bits = 0;
	int have = 0;

	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | s[i];
		for (have += 8; have >= 5; have -= 5)
			*out++ = digit[bits >> (have - 5) & 31];
	}
	if (have > 0)
		*out++ = digit[bits << (5 - have) & 31];
	*out = '\0';
}

/* Length of the well-formed character at s[0..n), 0 if there is none; *cp is its code point. */
static size_t
utf8_next(const uint8_t *s, size_t n, uint32_t *cp)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] < 0x80   ? 1
		     : s[0] < 0xC2 ? 0
		     : s[0] < 0xE0 ? 2
		     : s[0] < 0xF0 ? 3
		     : s[0] < 0xF5 ? 4
				   : 0;

	if (len == 0 || len > n)
		return 0;
	*cp = len == 1 ? s[0] : s[0] & (0x7Fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3Fu);
	}
	if (*cp < least[len] || *cp > 0x10FFFF || (*cp >= 0xD800 && *cp <= 0xDFFF))
		return 0;
	return len;
}

bool
utf8_is_valid(const void *p, size_t n)
{
	const uint8_t *s = p;
	uint32_t cp;

	for (size_t i = 0, len; i < n; i += len)
		if ((len = utf8_next(s + i, n - i, &cp)) == 0)
			return false;
	return true;
}

static bool
is_clean(uint32_t cp)
{
	bool control = cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029;
	bool bidi = cp == 0x061C || cp == 0x200E || cp == 0x200F ||
		    (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);

	return !control && !bidi && cp != 0xFEFF;
}

bool
utf8_is_clean(const void *p, size_t n)
{
	const uint8_t *s = p;
	uint32_t cp;

	for (size_t i = 0, len; i < n; i += len)
		if ((len = utf8_next(s + i, n - i, &cp)) == 0 || !is_clean(cp))
			return false;
	return true;
}

void
text_escape(struct buf *out, const void *p, size_t n)
{
	const uint8_t *s = p;
	uint32_t cp;

	for (size_t i = 0; i < n;) {
		size_t len = utf8_next(s + i, n - i, &cp);

		if (len > 0 && is_clean(cp)) {
			buf_add(out, s + i, len);
		} else {
			len = len ? len : 1;
			for (size_t k = 0; k < len; k++)
				buf_addf(out, "\\x%02x", s[i + k]);
		}
		i += len;
	}
}

bool
mem_equal(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	for (size_t i = 0; i < n; i++)
		diff |= x[i] ^ y[i];
	return diff == 0;
}
