/* name.c - names of agencies, mailboxes, persons, classes, bundles. Runs in: everything. Pure, but
 * for uuid_new. */
#include <string.h>
#include <stdlib.h>

#include "safehand/enc.h"
#include "safehand/limits.h"
#include "safehand/name.h"

/* [a-z0-9] first, then at most max - 1 of [a-z0-9-] and, if dots, '.'; ends at s[n]. */
static bool
is_word(const char *s, size_t n, size_t max, bool dots)
{
	if (n == 0 || n > max || s[0] == '-' || s[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
			  (dots && c == '.');

		if (!ok)
			return false;
	}
	return true;
}

static bool
is_agency_or_any(const char *s, size_t n, bool any)
{
	return (any && n == 1 && s[0] == '*') || is_word(s, n, NAME_AGENCY - 1, false);
}

static bool
is_pair(const char *s, bool any)
{
	const char *slash = strchr(s, '/');

	if (slash == NULL || !is_agency_or_any(s, (size_t)(slash - s), any))
		return false;
	if (any && strcmp(slash + 1, "*") == 0)
		return true;
	return is_word(slash + 1, strnlen(slash + 1, NAME_ROLE), NAME_ROLE - 1, true);
}

bool
name_is_agency(const char *s)
{
	return is_word(s, strnlen(s, NAME_AGENCY), NAME_AGENCY - 1, false);
}

bool
name_is_mailbox(const char *s)
{
	return is_pair(s, false);
}

bool
name_is_class(const char *s)
{
	return is_word(s, strnlen(s, NAME_CLASS), NAME_CLASS - 1, false);
}

bool
name_is_about(const char *s)
{
	if ((s[0] != 'c' && s[0] != 'h') || s[1] != ':' || strnlen(s, ABOUT_TEXT) != 54)
		return false;
	return strspn(s + 2, "abcdefghijklmnopqrstuvwxyz234567") == 52;
}

bool
name_is_document(const char *s)
{
	size_t n = strnlen(s, DOCUMENT_NAME_MAX + 1);

	if (n == 0 || n > DOCUMENT_NAME_MAX || !utf8_is_clean(s, n))
		return false;
	return strpbrk(s, "/\\") == NULL && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

static char
fold(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool
name_same_file(const char *a, const char *b)
{
	while (*a != '\0' && fold(*a) == fold(*b)) {
		a++;
		b++;
	}
	return fold(*a) == fold(*b);
}

void
name_agency(char out[static NAME_AGENCY], const char *mailbox)
{
	size_t n = strcspn(mailbox, "/");

	n = n < NAME_AGENCY ? n : NAME_AGENCY - 1;
	memcpy(out, mailbox, n);
	out[n] = '\0';
}

bool
name_is_pattern(const char *s)
{
	return is_pair(s, true);
}

bool
name_matches(const char *pattern, const char *mailbox)
{
	size_t pa = strcspn(pattern, "/"), ma = strcspn(mailbox, "/");

	if (pattern[pa] == '\0' || mailbox[ma] == '\0')
		return false;
	if (!(pa == 1 && pattern[0] == '*') && (pa != ma || strncmp(pattern, mailbox, pa) != 0))
		return false;
	return strcmp(pattern + pa + 1, "*") == 0 ||
	       strcmp(pattern + pa + 1, mailbox + ma + 1) == 0;
}

/* 8-4-4-4-12 as 16 bytes. */
static int
uuid_bytes(uint8_t out[16], const char *text)
{
	char hex[33];
	size_t n = 0;

	if (strnlen(text, UUID_TEXT) != UUID_TEXT - 1)
		return -1;
	for (size_t i = 0; i < UUID_TEXT - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash != (text[i] == '-'))
			return -1;
		if (!dash)
			hex[n++] = text[i];
	}
	hex[n] = '\0';
	return hex_decode(out, 16, hex);
}

bool
uuid_is_v7(const char *text)
{
	uint8_t b[16];

	return uuid_bytes(b, text) == 0 && b[6] >> 4 == 7 && b[8] >> 6 == 2;
}

void
uuid_new(char out[static UUID_TEXT], int64_t now_ms)
{
	char hex[33];
	uint8_t b[16];

	arc4random_buf(b, sizeof b);
	for (int i = 0; i < 6; i++)
		b[i] = (uint8_t)(now_ms >> (40 - 8 * i));
	b[6] = (b[6] & 0x0F) | 0x70;
	b[8] = (b[8] & 0x3F) | 0x80;
	hex_encode(hex, b, sizeof b);
	for (size_t i = 0, n = 0; i < UUID_TEXT - 1; i++)
		out[i] = i == 8 || i == 13 || i == 18 || i == 23 ? '-' : hex[n++];
	out[UUID_TEXT - 1] = '\0';
}

int64_t
uuid_time_ms(const char *text)
{
	uint8_t b[16];

	if (uuid_bytes(b, text) < 0)
		return -1;
	return (int64_t)(be64_get(b) >> 16);
}
