/* enc.h - hex, base64, base32, big-endian, UTF-8: strict decoding into caller's memory. Pure. */
#ifndef SAFEHAND_ENC_H
#define SAFEHAND_ENC_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

struct buf;

#define HEX_LEN(n) ((n)*2 + 1) /* bytes of the text of n bytes, NUL included */

uint32_t be32_get(const void *p);
uint64_t be64_get(const void *p);
void be32_put(void *p, uint32_t v);
void be64_put(void *p, uint64_t v);

/* Writes 2n lower-case digits and a NUL to out. */
void hex_encode(char *out, const void *p, size_t n);
/* Exactly 2n lower-case hex digits and the end of the string, else -1. */
int hex_decode(void *out, size_t n, const char *text);
/* Standard alphabet with padding, canonical (unused bits zero), nothing else (RFC 4648 section
 * 4, 3.5); appends to out. -1 if malformed or more than max bytes would result; out unchanged then.
 */
int base64_decode(struct buf *out, const char *text, size_t len, size_t max);
/* RFC 4648 base32 in lower case without padding; out takes (n*8+4)/5 characters and a NUL. */
void base32_encode(char *out, const void *p, size_t n);
/* Well-formed UTF-8 (Unicode 15 table 3-7: no surrogates, no overlong forms). */
bool utf8_is_valid(const void *p, size_t n);
/* Valid UTF-8 without C0, C1 or DEL, and without bidirectional controls (which reorder what a
 * person sees). */
bool utf8_is_clean(const void *p, size_t n);
/* Appends text for logs and terminals: whatever is not clean becomes \xNN. */
void text_escape(struct buf *out, const void *p, size_t n);
/* Equal, in time that depends on n only. */
bool mem_equal(const void *a, const void *b, size_t n);

#endif
