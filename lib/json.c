/* json.c - a strict reader of JSON. Runs in: verify, client. The one door to jansson. Trusts: no
 * byte that it reads. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "safehand/enc.h"
#include "safehand/json.h"

/* struct json is jansson's own value under a name that callers need not know the inside of. */
static const json_t *
value(const struct json *j)
{
	return (const json_t *)(const void *)j;
}

static const struct json *
wrap(const json_t *j)
{
	return (const struct json *)(const void *)j;
}

/* What jansson would take and we do not: "-0", exponents, fractions, depth. Strings are skipped by
 * their quotes. */
static int
scan(const char *name, const char *s, size_t len, struct err *e)
{
	int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (in_string) {
			i += c == '\\';
			in_string = c != '"';
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return err_set(e, ERR_FORMAT, "%s: more than %d levels deep", name,
					       JSON_DEPTH_MAX);
		} else if (c == '}' || c == ']') {
			depth--;
		} else if (c == '-' || (c >= '0' && c <= '9')) {
			size_t n = strspn(s + i, "0123456789+-.eE");

			if (strspn(s + i, "0123456789") != n || (n > 1 && c == '0') || n > 19)
				return err_set(
				    e, ERR_FORMAT,
				    "%s: number %.*s: want canonical digits of a whole number",
				    name, n > 40 ? 40 : (int)n, s + i);
			i += n - 1;
		}
	}
	return 0;
}

int
json_parse(const char *name, const void *text, size_t len, size_t max, struct json **out,
	   struct err *e)
{
	json_error_t why;
	json_t *doc;
	char *copy;

	if (len > max)
		return err_set(e, ERR_LIMIT, "%s: %zu bytes, limit %zu", name, len, max);
	if (len == 0)
		return err_set(e, ERR_FORMAT, "%s: empty", name);
	if (memchr(text, 0, len) != NULL || !utf8_is_valid(text, len))
		return err_set(e, ERR_FORMAT, "%s: not UTF-8 text", name);
	copy = mem_dup(text, len); /* ended by a NUL for scan's strspn */
	if (scan(name, copy, len, e) < 0) {
		free(copy);
		return -1;
	}
	doc = json_loadb(copy, len, JSON_REJECT_DUPLICATES, &why);
	free(copy);
	if (doc == NULL)
		return err_set(e, ERR_FORMAT, "%s: line %d: %s", name, why.line, why.text);
	if (!json_is_object(doc)) {
		json_decref(doc);
		return err_set(e, ERR_FORMAT, "%s: want one object", name);
	}
	*out = (struct json *)(void *)doc;
	return 0;
}

void
json_free(struct json *doc)
{
	json_decref((json_t *)(void *)doc);
}

static const char *
type_name(enum json_type t)
{
	switch (t) {
	case JSON_T_STRING: return "a string";
	case JSON_T_TEXT: return "a text";
	case JSON_T_INT: return "a whole number";
	case JSON_T_BOOL: return "true or false";
	case JSON_T_OBJECT: return "an object";
	case JSON_T_ARRAY: return "an array";
	}
	return "";
}

/* Control characters are refused but for the newline and tab of a text. */
static bool
is_clean(const char *s, size_t n, bool text)
{
	char *copy;
	bool ok;

	if (!text)
		return utf8_is_clean(s, n);
	copy = mem_dup(s, n);
	for (size_t i = 0; i < n; i++)
		if (copy[i] == '\n' || copy[i] == '\t')
			copy[i] = ' ';
	ok = utf8_is_clean(copy, n);
	free(copy);
	return ok;
}

static int
check_string(const json_t *v, const struct json_rule *r, const char *path, struct err *e)
{
	size_t n = json_string_length(v);

	if (r->max > 0 && n > r->max)
		return err_set(e, ERR_LIMIT, "%s.%s: %zu bytes, limit %zu", path, r->name, n,
			       r->max);
	if (!is_clean(json_string_value(v), n, r->type == JSON_T_TEXT))
		return err_set(e, ERR_FORMAT, "%s.%s: a control character", path, r->name);
	return 0;
}

static int
check_member(const json_t *v, const struct json_rule *r, const char *path, struct err *e)
{
	bool ok = false;

	if (json_is_null(v) && r->nullable)
		return 0;
	switch (r->type) {
	case JSON_T_STRING:
	case JSON_T_TEXT: ok = json_is_string(v); break;
	case JSON_T_INT: ok = json_is_integer(v); break;
	case JSON_T_BOOL: ok = json_is_boolean(v); break;
	case JSON_T_OBJECT: ok = json_is_object(v); break;
	case JSON_T_ARRAY: ok = json_is_array(v); break;
	}
	if (!ok)
		return err_set(e, ERR_FORMAT, "%s.%s: want %s%s", path, r->name, type_name(r->type),
			       r->nullable ? " or null" : "");
	if (json_is_string(v))
		return check_string(v, r, path, e);
	if (json_is_array(v) && r->max > 0 && json_array_size(v) > r->max)
		return err_set(e, ERR_LIMIT, "%s.%s: %zu items, limit %zu", path, r->name,
			       json_array_size(v), r->max);
	return 0;
}

static const struct json_rule *
find_rule(const struct json_rule *rules, const char *name)
{
	for (; rules->name != NULL; rules++)
		if (strcmp(rules->name, name) == 0)
			return rules;
	return NULL;
}

int
json_check(const struct json *o, const struct json_rule *rules, const char *path, struct err *e)
{
	json_t *object = (json_t *)(uintptr_t)value(o);
	const char *name;
	json_t *v;

	if (!json_is_object(object))
		return err_set(e, ERR_FORMAT, "%s: want an object", path);
	json_object_foreach(object, name, v)
	{
		const struct json_rule *r = find_rule(rules, name);

		if (r == NULL)
			return err_set(e, ERR_FORMAT, "%s.%s: unknown member", path, name);
		if (check_member(v, r, path, e) < 0)
			return -1;
	}
	for (const struct json_rule *r = rules; r->name != NULL; r++)
		if (!r->optional && json_object_get(object, r->name) == NULL)
			return err_set(e, ERR_FORMAT, "%s.%s: missing", path, r->name);
	return 0;
}

const struct json *
json_member(const struct json *o, const char *name)
{
	const json_t *v = json_object_get(value(o), name);

	return v == NULL || json_is_null(v) ? NULL : wrap(v);
}

const char *
json_text(const struct json *o, const char *name)
{
	return json_string_value(json_object_get(value(o), name));
}

int64_t
json_number(const struct json *o, const char *name)
{
	return json_integer_value(json_object_get(value(o), name));
}

bool
json_flag(const struct json *o, const char *name)
{
	return json_is_true(json_object_get(value(o), name));
}

bool
json_has_no(const struct json *o, const char *name)
{
	return json_member(o, name) == NULL;
}

size_t
json_count(const struct json *array)
{
	return array == NULL ? 0 : json_array_size(value(array));
}

const struct json *
json_item(const struct json *array, size_t i)
{
	return wrap(json_array_get(value(array), i));
}

const char *
json_item_string(const struct json *array, size_t i, size_t max, const char *path, struct err *e)
{
	const json_t *v = json_array_get(value(array), i);
	const char *s = json_string_value(v);

	if (s == NULL || json_string_length(v) > max || !utf8_is_clean(s, json_string_length(v))) {
		err_set(e, ERR_FORMAT, "%s[%zu]: want a string of at most %zu bytes", path, i, max);
		return NULL;
	}
	return s;
}
