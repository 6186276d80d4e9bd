/* json.h - a strict reader of JSON (RFC 8259): every member is in a table, or the text is refused
 * naming it. */
#ifndef SAFEHAND_JSON_H
#define SAFEHAND_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"

#define JSON_DEPTH_MAX 16 /* levels of objects and arrays; ours have five */

enum json_type {
	JSON_T_STRING, /* clean UTF-8: no control or bidirectional characters; text allows newlines
			  and tabs */
	JSON_T_TEXT,
	JSON_T_INT, /* 0 .. 2^63 - 1, canonical digits */
	JSON_T_BOOL,
	JSON_T_OBJECT,
	JSON_T_ARRAY,
};

struct json; /* a value; belongs to its document */

/* A member that an object may or must have. */
struct json_rule {
	const char *name;
	enum json_type type;
	bool optional; /* may be absent */
	bool nullable; /* may be null */
	size_t max;    /* bytes of a string, items of an array; 0: no bound but the document's */
};

/* The whole of text is one object of at most max bytes. Refused with ERR_FORMAT naming the member:
 * duplicate members, floats, exponents, non-canonical numbers, invalid UTF-8, NUL, bytes after the
 * end, more than JSON_DEPTH_MAX levels; ERR_LIMIT over max. name begins each sentence ("manifest").
 * Free with json_free. */
int json_parse(const char *name, const void *text, size_t len, size_t max, struct json **out,
	       struct err *e);
void json_free(struct json *doc);

/* o must be an object with just the members of rules (ends with name NULL), of their types. path
 * begins the sentence. */
int json_check(const struct json *o, const struct json_rule *rules, const char *path,
	       struct err *e);

/* Members of a checked object; NULL (or 0, false) if absent or null. Strings live as long as the
 * document. */
const char *json_text(const struct json *o, const char *name);
int64_t json_number(const struct json *o, const char *name);
bool json_flag(const struct json *o, const char *name);
const struct json *json_member(const struct json *o, const char *name);
bool json_has_no(const struct json *o, const char *name); /* absent or null */

/* Items of an array. */
size_t json_count(const struct json *array);
const struct json *json_item(const struct json *array, size_t i);
/* The item as a string of at most max bytes, or NULL with err. */
const char *json_item_string(const struct json *array, size_t i, size_t max, const char *path,
			     struct err *e);

#endif
