/* conf.c - the values of a configuration, by their types. Runs in: gateway, client. Owns: the
 * values. Trusts: the administrator's intent, not his typing. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_in.h"

/* --- values by type --- */

static int
parse_unit(const char *text, const char *const *units, const int64_t *factors, int64_t *out)
{
	char *end;
	intmax_t v;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	v = strtoimax(text, &end, 10);
	for (size_t i = 0; units[i] != NULL; i++)
		if (errno == 0 && strcmp(end, units[i]) == 0)
			return __builtin_mul_overflow((int64_t)v, factors[i], out) ? -1 : 0;
	return -1;
}

static int
parse_number(enum conf_type type, const char *text, int64_t *out)
{
	static const char *const none[] = {"", NULL};
	static const char *const sizes[] = {"", "K", "M", "G", "T", NULL};
	static const char *const times[] = {"ms", "s", "m", "h", "d", NULL};
	static const int64_t one[] = {1};
	static const int64_t size_by[] = {1, 1LL << 10, 1LL << 20, 1LL << 30, 1LL << 40};
	static const int64_t time_by[] = {1, 1000, 60000, 3600000, 86400000};

	if (type == CONF_SIZE)
		return parse_unit(text, sizes, size_by, out);
	if (type == CONF_DURATION)
		return parse_unit(text, times, time_by, out);
	return parse_unit(text, none, one, out);
}

int
conf_duration(const char *text, int64_t *ms)
{
	return parse_number(CONF_DURATION, text, ms);
}

bool
conf_is_list(enum conf_type type)
{
	return type == CONF_LIST || type == CONF_PATHS;
}

static bool
is_number(enum conf_type type)
{
	return type == CONF_INT || type == CONF_SIZE || type == CONF_DURATION;
}

static bool
is_choice(const char *choices, const char *text)
{
	size_t n = strlen(text);

	for (const char *c = choices; *c; c += strcspn(c, "|"), c += *c == '|')
		if (strcspn(c, "|") == n && strncmp(c, text, n) == 0 && n > 0)
			return true;
	return false;
}

static void
add_text(struct value *v, const char *text, size_t n)
{
	v->texts = mem_realloc(v->texts, v->n + 1, sizeof *v->texts);
	v->texts[v->n++] = mem_dup(text, n);
}

void
conf_set_empty(struct value *v)
{
	if (!conf_is_list(v->row->type))
		add_text(v, "", 0);
}

static int
check_text(const struct conf_row *row, const char *text, struct err *e)
{
	return row->check != NULL ? row->check(text, e) : 0;
}

static void
add_path(struct value *v, const char *dir, const char *text, size_t n)
{
	struct buf path = {0};

	if (n > 0 && *text != '/' && *dir != '\0')
		buf_addf(&path, "%s/", dir);
	buf_add(&path, text, n);
	add_text(v, buf_str(&path), path.len);
	buf_free(&path);
}

static void
add_item(struct value *v, const char *dir, const char *text, size_t n)
{
	if (v->row->type == CONF_PATHS)
		add_path(v, dir, text, n);
	else
		add_text(v, text, n);
}

/* Items between commas, white space around them dropped. */
static int
set_list(struct value *v, const char *dir, const char *text, struct err *e)
{
	for (;;) {
		size_t n = strcspn(text, ","), len;

		text += strspn(text, " \t");
		len = n = strcspn(text, ",");
		while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
			len--;
		if (len == 0)
			return err_set(e, ERR_CONFIG, "%s: an empty item in the list", v->row->key);
		add_item(v, dir, text, len);
		if (check_text(v->row, v->texts[v->n - 1], e) < 0)
			return err_wrap(e, "%s", v->row->key);
		if (text[n] == '\0')
			return 0;
		text += n + 1;
	}
}

static int
set_number(struct value *v, const char *text, struct err *e)
{
	static const char *const wants[] = {[CONF_INT] = "a whole number",
					    [CONF_SIZE] = "a size such as 512K, 10M, 2G",
					    [CONF_DURATION] =
						"a time such as 500ms, 30s, 5m, 2h, 7d"};
	const struct conf_row *row = v->row;

	if (parse_number(row->type, text, &v->number) < 0)
		return err_set(e, ERR_CONFIG, "%s = %s: want %s", row->key, text, wants[row->type]);
	if ((row->min != 0 || row->max != 0) && (v->number < row->min || v->number > row->max))
		return err_set(e, ERR_CONFIG, "%s = %s: outside %" PRId64 " to %" PRId64 "%s",
			       row->key, text, row->min, row->max,
			       row->type == CONF_SIZE	    ? " bytes"
			       : row->type == CONF_DURATION ? " ms"
							    : "");
	return 0;
}

int
conf_set(struct value *v, const char *dir, const char *text, struct err *e)
{
	const struct conf_row *row = v->row;

	if (conf_is_list(row->type))
		return set_list(v, dir, text, e);
	if (row->type == CONF_PATH) {
		add_path(v, dir, text, strlen(text));
		return 0;
	}
	add_text(v, text, strlen(text));
	if (is_number(row->type))
		return set_number(v, text, e);
	if (row->type == CONF_BOOL) {
		v->number = strcmp(text, "yes") == 0;
		if (!v->number && strcmp(text, "no") != 0)
			return err_set(e, ERR_CONFIG, "%s = %s: want yes or no", row->key, text);
	}
	if (row->type == CONF_WORD && !is_choice(row->choices, text))
		return err_set(e, ERR_CONFIG, "%s = %s: want one of %s", row->key, text,
			       row->choices);
	if (check_text(row, text, e) < 0)
		return err_wrap(e, "%s", row->key);
	return 0;
}

/* --- lookup --- */

const struct conf_row *
conf_row_of(const struct conf_row *table, const char *section, const char *key)
{
	for (const struct conf_row *r = table; r->section != NULL; r++)
		if (strcmp(r->section, section) == 0 && (key == NULL || strcmp(r->key, key) == 0))
			return r;
	return NULL;
}

struct value *
conf_value_of(const struct conf *c, const struct conf_row *row, size_t instance)
{
	for (size_t i = 0; i < c->nvalues; i++)
		if (c->values[i].row == row && c->values[i].instance == instance)
			return &c->values[i];
	return NULL;
}

struct value *
conf_value_new(struct conf *c, const struct conf_row *row, size_t instance, const char *where)
{
	c->values = mem_realloc(c->values, c->nvalues + 1, sizeof *c->values);
	c->values[c->nvalues] =
	    (struct value){.row = row, .instance = instance, .where = mem_strdup(where)};
	return &c->values[c->nvalues++];
}

/* Index of the instance, made if it is new. */
size_t
conf_instance_of(struct conf *c, const char *section, const char *name)
{
	for (size_t i = 0; i < c->ninstances; i++)
		if (strcmp(c->instances[i].section, section) == 0 &&
		    strcmp(c->instances[i].name, name) == 0)
			return i;
	c->instances = mem_realloc(c->instances, c->ninstances + 1, sizeof *c->instances);
	c->instances[c->ninstances] = (struct instance){section, mem_strdup(name)};
	return c->ninstances++;
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->nvalues; i++) {
		for (size_t k = 0; k < c->values[i].n; k++)
			free(c->values[i].texts[k]);
		free(c->values[i].texts);
		free(c->values[i].where);
	}
	for (size_t i = 0; i < c->ninstances; i++)
		free(c->instances[i].name);
	free(c->values);
	free(c->instances);
	free(c);
}

static void
print_value(const struct value *v, bool verbose, struct buf *out)
{
	if (v == NULL || v->n == 0 || (v->n == 1 && v->texts[0][0] == '\0'))
		return;
	if (verbose)
		buf_addf(out, "\t# %s (%s)\n", v->row->help, v->where);
	buf_addf(out, "\t%s = ", v->row->key);
	for (size_t i = 0; i < v->n; i++)
		buf_addf(out, "%s%s", i ? ", " : "", v->texts[i]);
	buf_addc(out, '\n');
}

static void
print_section(const struct conf *c, const char *section, size_t instance, bool verbose,
	      struct buf *out)
{
	for (const struct conf_row *r = c->table; r->section != NULL; r++)
		if (strcmp(r->section, section) == 0)
			print_value(conf_value_of(c, r, instance), verbose, out);
}

void
conf_print(const struct conf *c, bool verbose, struct buf *out)
{
	const char *last = "";

	for (const struct conf_row *r = c->table; r->section != NULL; r++) {
		if (strcmp(r->section, last) == 0)
			continue; /* rows of a section stand together in a table */
		last = r->section;
		if (!r->named) {
			buf_addf(out, "[%s]\n", last);
			print_section(c, last, 0, verbose, out);
		}
		for (size_t i = 0; r->named && i < c->ninstances; i++)
			if (strcmp(c->instances[i].section, last) == 0) {
				buf_addf(out, "[%s \"%s\"]\n", last, c->instances[i].name);
				print_section(c, last, i, verbose, out);
			}
	}
}

static const struct value *
get(const struct conf *c, const char *section, const char *name, const char *key)
{
	const struct conf_row *row = conf_row_of(c->table, section, key);
	const struct value *v = NULL;

	assert(row != NULL && row->named == (name != NULL));
	for (size_t i = 0; name != NULL && i < c->ninstances && v == NULL; i++)
		if (strcmp(c->instances[i].section, section) == 0 &&
		    strcmp(c->instances[i].name, name) == 0)
			v = conf_value_of(c, row, i);
	v = name == NULL ? conf_value_of(c, row, 0) : v;
	assert(v != NULL);
	return v;
}

const char *
conf_str(const struct conf *c, const char *section, const char *name, const char *key)
{
	const struct value *v = get(c, section, name, key);

	assert(v->row->type == CONF_STR || v->row->type == CONF_PATH || v->row->type == CONF_WORD);
	return v->texts[0];
}

int64_t
conf_int(const struct conf *c, const char *section, const char *name, const char *key)
{
	const struct value *v = get(c, section, name, key);

	assert(is_number(v->row->type));
	return v->number;
}

bool
conf_bool(const struct conf *c, const char *section, const char *name, const char *key)
{
	const struct value *v = get(c, section, name, key);

	assert(v->row->type == CONF_BOOL);
	return v->number != 0;
}

const char *
conf_item(const struct conf *c, const char *section, const char *name, const char *key, size_t n)
{
	const struct value *v = get(c, section, name, key);

	assert(conf_is_list(v->row->type));
	return n < v->n ? v->texts[n] : NULL;
}

const char *
conf_instance(const struct conf *c, const char *section, size_t n)
{
	for (size_t i = 0; i < c->ninstances; i++)
		if (strcmp(c->instances[i].section, section) == 0 && n-- == 0)
			return c->instances[i].name;
	return NULL;
}

const char *
conf_where(const struct conf *c, const char *section, const char *name, const char *key)
{
	return get(c, section, name, key)->where;
}
