/* name.h - names of agencies, mailboxes, persons, classes, bundles, documents; patterns over them.
 * Pure. */
#ifndef SAFEHAND_NAME_H
#define SAFEHAND_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sizes include the NUL. */
#define NAME_AGENCY  32	 /* [a-z0-9][a-z0-9-]{0,30} */
#define NAME_ROLE    64	 /* [a-z0-9][a-z0-9.-]{0,62} */
#define NAME_MAILBOX 96	 /* agency/role; a person's name has the same form */
#define NAME_CLASS   64	 /* [a-z0-9][a-z0-9-]{0,62} */
#define UUID_TEXT    37	 /* 8-4-4-4-12 lower-case hex */
#define ABOUT_TEXT   56	 /* "c:" or "h:", 52 characters of base32 */
#define NAME_BY	     112 /* "agency/X", "person/X/N", "mailbox/X/Y": a SAN without its scheme */

/* Whether the whole of a NUL-terminated string has the form above; any bytes may come. */
bool name_is_agency(const char *s);
/* agency/role: also the form of a person's name. */
bool name_is_mailbox(const char *s);
/* The name of a class of documents. */
bool name_is_class(const char *s);
/* A pseudonym: "c:" or "h:" and 52 characters of lower-case base32. */
bool name_is_about(const char *s);
/* A document's name: 1..DOCUMENT_NAME_MAX bytes of clean UTF-8, neither "." nor "..", without slash
 * and backslash: it names a file in its folder and nothing else, on any system. */
bool name_is_document(const char *s);
/* The same name to a file system that ignores the case of ASCII letters. */
bool name_same_file(const char *a, const char *b);
/* The agency part of a valid mailbox or person name. */
void name_agency(char out[static NAME_AGENCY], const char *mailbox);
/* Pattern for mailboxes: "a/r", "a/<any>", "<any>/r", "<any>/<any>" where <any> is one asterisk. */
bool name_is_pattern(const char *s);
/* Whether a valid pattern covers a valid mailbox; each side of the slash is compared whole. */
bool name_matches(const char *pattern, const char *mailbox);

/* UUID version 7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then 74 random bits. */
bool uuid_is_v7(const char *text); /* canonical lower-case text of version 7, variant 10 */
/* A new one; now_ms: milliseconds since 1970, its upper 16 bits are dropped. */
void uuid_new(char out[static UUID_TEXT], int64_t now_ms);
/* The milliseconds since 1970 inside a valid one; -1 if it is none. */
int64_t uuid_time_ms(const char *text);

#endif
