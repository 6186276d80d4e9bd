/* chunk.c - the chunked coding. Runs in: front. Owns: nothing. Trusts: no byte. */
#include "front/chunk.h"
#include "front/http.h"

enum {
	SIZE,
	NAME_FIRST, /* of an extension */
	NAME,
	VALUE_FIRST,
	VALUE,
	LINE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	END_CR,
	END_LF,
	DONE
};

#define SIZE_DIGITS 15 /* 60 bits: sums of sizes stay far from overflow */

bool
chunk_is_done(const struct chunk *c)
{
	return c->state == DONE;
}

static int
refuse(struct chunk *c, const char *reason)
{
	c->reason = reason;
	return -1;
}

static int
hex_value(uint8_t b)
{
	if (b >= '0' && b <= '9')
		return b - '0';
	b |= 0x20;
	return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

static int
size_byte(struct chunk *c, uint8_t b)
{
	int v = hex_value(b);

	if (v >= 0) {
		if (++c->digits > SIZE_DIGITS)
			return refuse(c, "a chunk's size is too large");
		c->size = c->size << 4 | (uint64_t)v;
		return 0;
	}
	if (c->digits == 0 || (b != '\r' && b != ';'))
		return refuse(c, "a chunk's size is malformed");
	c->state = b == ';' ? NAME_FIRST : LINE_LF;
	return 0;
}

/* [ ";" token [ "=" token ] ]: one, without quoted strings and white space; nobody sends more, and
 * readers do not agree on more */
static int
extension_byte(struct chunk *c, uint8_t b)
{
	bool first = c->state == NAME_FIRST || c->state == VALUE_FIRST;

	if (http_is_token_char(b))
		c->state += first;
	else if (b == '=' && c->state == NAME)
		c->state = VALUE_FIRST;
	else if (b == '\r' && !first)
		c->state = LINE_LF;
	else
		return refuse(c, "a chunk's extension is malformed");
	return 0;
}

/* The fixed bytes between: each must be itself. */
static int
want(struct chunk *c, uint8_t b, char wanted, int next)
{
	if (b != (uint8_t)wanted)
		return refuse(c, "a chunk must end with CR LF");
	c->state = next;
	return 0;
}

static int
framing_byte(struct chunk *c, uint8_t b)
{
	if (c->state <= LINE_LF && ++c->line > CHUNK_LINE_MAX)
		return refuse(c, "a chunk's line is too long");
	switch (c->state) {
	case SIZE: return size_byte(c, b);
	case NAME_FIRST:
	case NAME:
	case VALUE_FIRST:
	case VALUE: return extension_byte(c, b);
	case LINE_LF: return want(c, b, '\n', c->size > 0 ? DATA : END_CR);
	case DATA_CR: return want(c, b, '\r', DATA_LF);
	case DATA_LF: c->line = c->digits = 0; return want(c, b, '\n', SIZE);
	case END_CR:
		return b == '\r' ? want(c, b, '\r', END_LF)
				 : refuse(c, "trailer fields are not taken");
	default: return want(c, b, '\n', DONE);
	}
}

int
chunk_decode(struct chunk *c, const uint8_t *p, size_t n, size_t most, size_t *used,
	     const uint8_t **data, size_t *len)
{
	*used = 0;
	while (*used < n && c->state != DONE) {
		if (c->state == DATA) {
			*data = p + *used;
			*len = n - *used < most ? n - *used : most;
			*len = *len < c->size ? *len : (size_t)c->size;
			*used += *len;
			c->size -= *len;
			c->state = c->size > 0 ? DATA : DATA_CR;
			return 1;
		}
		if (framing_byte(c, p[*used]) < 0)
			return -1;
		++*used;
	}
	return 0;
}
