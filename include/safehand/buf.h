/* buf.h - a growing byte buffer, and JSON text written into it. Used by: everything. */
#ifndef SAFEHAND_BUF_H
#define SAFEHAND_BUF_H

#include <stddef.h>
#include <stdint.h>

/* data is NULL or a heap block of cap bytes of which len are used; one NUL always follows
 * data[len-1] (not counted). Zero-initialised ({0}) is a valid empty buffer. Out of memory ends the
 * process. */
struct buf {
	uint8_t *data;
	size_t len, cap;
};

void buf_clear(struct buf *b);		      /* len = 0, memory kept */
void buf_free(struct buf *b);		      /* memory given back, {0} after */
void buf_wipe(struct buf *b);		      /* as buf_free, the bytes overwritten first */
void buf_reserve(struct buf *b, size_t more); /* room for more bytes beyond len */
/* Appends n bytes, a string without its NUL, one character, printf style. */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_be32(struct buf *b, uint32_t v); /* big-endian */
void buf_be64(struct buf *b, uint64_t v);
void buf_hex(struct buf *b, const void *p, size_t n);	 /* lower case */
void buf_base64(struct buf *b, const void *p, size_t n); /* RFC 4648 section 4, padded */
/* The text as a NUL-terminated string; "" if empty. Valid until the next change. */
const char *buf_str(const struct buf *b);

/* JSON (RFC 8259): a quoted, escaped string; s must be valid UTF-8 (an invalid byte is written as
 * U+FFFD). */
void buf_json(struct buf *b, const char *s);
/* "name": ahead of a value, with a comma first unless the buffer ends in '{' or '['. */
void buf_json_key(struct buf *b, const char *name);
/* Ahead of an item of an array: a comma unless the buffer ends in '['. */
void buf_json_item(struct buf *b);
/* Members: key and value at once. s NULL writes null. */
/* Writes null for s NULL, else as buf_json. */
void buf_json_str(struct buf *b, const char *name, const char *s);
/* Decimal digits. */
void buf_json_int(struct buf *b, const char *name, int64_t v);
/* n bytes as a string of lower-case hex. */
void buf_json_hex(struct buf *b, const char *name, const void *p, size_t n);
/* n bytes as a string of padded base64. */
void buf_json_b64(struct buf *b, const char *name, const void *p, size_t n);

/* malloc and friends that end the process when memory is out: never NULL. */
void *mem_alloc(size_t n);			       /* zeroed */
void *mem_realloc(void *p, size_t count, size_t size); /* overflow-checked */
/* A copy of a string; free() it. */
char *mem_strdup(const char *s);
void *mem_dup(const void *p, size_t n); /* n bytes and a NUL after them */

#endif
