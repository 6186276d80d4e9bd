/* conf.c - configuration in sections against a typed table. Runs in: gateway, client. Owns: the
 * parsed values. Trusts: the administrator's intent, not his typing: every fault is reported with
 * file:line, nothing guessed. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safehand/conf.h"
#include "safehand/enc.h"

#define INCLUDE_DEPTH_MAX 8 /* an include that includes itself must end */

struct value {
	const struct conf_row *row;
	size_t instance; /* index of the instance, 0 for sections that are not named */
	char **texts;	 /* one, or the items of a list */
	size_t n;
	int64_t number;
	char *where;
};

struct instance {
	const char *section; /* of the table */
	char *name;
};

struct conf {
	const struct conf_row *table;
	struct value *values;
	size_t nvalues;
	struct instance *instances; /* of named sections */
	size_t ninstances;
};

/* What the parser carries from line to line. */
struct parse {
	struct conf *c;
	conf_report *report;
	void *ctx;
	struct err *e;
	const char *file;
	const char *dir;
	int line, depth;
	bool failed;
	const char *section; /* of the table; NULL while in an unknown one */
	size_t instance;
	bool in_section;
};

static int parse_file(struct parse *p, const char *path);

static void fault(struct parse *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
fault(struct parse *p, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	struct err clean;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(&clean, ERR_CONFIG, "%s", text);
	if (!p->failed)
		err_set(p->e, ERR_CONFIG, "%s:%d: %s", p->file, p->line, clean.text);
	p->failed = true;
	if (p->report != NULL)
		p->report(p->ctx, p->file, p->line, clean.text);
}

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

static int
check_text(const struct conf_row *row, const char *text, struct err *e)
{
	return row->check != NULL ? row->check(text, e) : 0;
}

/* Items between commas, white space around them dropped. */
static int
set_list(struct value *v, const char *text, struct err *e)
{
	for (;;) {
		size_t n = strcspn(text, ","), len;

		text += strspn(text, " \t");
		len = n = strcspn(text, ",");
		while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
			len--;
		if (len == 0)
			return err_set(e, ERR_CONFIG, "%s: an empty item in the list", v->row->key);
		add_text(v, text, len);
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

static int
set_path(struct value *v, const char *dir, const char *text)
{
	struct buf path = {0};

	if (*text != '\0' && *text != '/' && *dir != '\0')
		buf_addf(&path, "%s/", dir);
	buf_adds(&path, text);
	add_text(v, buf_str(&path), path.len);
	buf_free(&path);
	return 0;
}

static int
set_value(struct value *v, const char *dir, const char *text, struct err *e)
{
	const struct conf_row *row = v->row;

	if (row->type == CONF_LIST)
		return set_list(v, text, e);
	if (row->type == CONF_PATH)
		return set_path(v, dir, text);
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

static const struct conf_row *
find_row(const struct conf_row *table, const char *section, const char *key)
{
	for (const struct conf_row *r = table; r->section != NULL; r++)
		if (strcmp(r->section, section) == 0 && (key == NULL || strcmp(r->key, key) == 0))
			return r;
	return NULL;
}

static struct value *
find_value(const struct conf *c, const struct conf_row *row, size_t instance)
{
	for (size_t i = 0; i < c->nvalues; i++)
		if (c->values[i].row == row && c->values[i].instance == instance)
			return &c->values[i];
	return NULL;
}

static struct value *
new_value(struct conf *c, const struct conf_row *row, size_t instance, const char *where)
{
	c->values = mem_realloc(c->values, c->nvalues + 1, sizeof *c->values);
	c->values[c->nvalues] =
	    (struct value){.row = row, .instance = instance, .where = mem_strdup(where)};
	return &c->values[c->nvalues++];
}

/* Index of the instance, made if it is new. */
static size_t
instance_of(struct conf *c, const char *section, const char *name)
{
	for (size_t i = 0; i < c->ninstances; i++)
		if (strcmp(c->instances[i].section, section) == 0 &&
		    strcmp(c->instances[i].name, name) == 0)
			return i;
	c->instances = mem_realloc(c->instances, c->ninstances + 1, sizeof *c->instances);
	c->instances[c->ninstances] = (struct instance){section, mem_strdup(name)};
	return c->ninstances++;
}

/* --- lines --- */

static char *
trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	for (n = strlen(s); n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'); n--)
		s[n - 1] = '\0';
	return s;
}

/* "[section]" or "[section "name"]"; the brackets' inside is at s. */
static void
parse_section(struct parse *p, char *s)
{
	char *close = strrchr(s, ']'), *name = NULL, *quote;
	const struct conf_row *row;

	p->section = NULL;
	p->in_section = true;
	if (close == NULL || *trim(close + 1) != '\0') {
		fault(p, "a section wants [name] or [name \"instance\"]");
		return;
	}
	*close = '\0';
	if ((quote = strchr(s, '"')) != NULL) {
		name = quote + 1;
		*quote = '\0';
		if ((close = strchr(name, '"')) == NULL || *trim(close + 1) != '\0' ||
		    close == name) {
			fault(p, "a section's instance wants one non-empty name in double quotes");
			return;
		}
		*close = '\0';
	}
	s = trim(s);
	if ((row = find_row(p->c->table, s, NULL)) == NULL) {
		fault(p, "[%s]: no such section", s);
		return;
	}
	if (row->named != (name != NULL)) {
		fault(p,
		      row->named ? "[%s]: wants an instance: [%s \"name\"]"
				 : "[%s]: takes no instance",
		      s, s);
		return;
	}
	p->section = row->section;
	p->instance = name ? instance_of(p->c, row->section, name) : 0;
}

static void
parse_setting(struct parse *p, char *s)
{
	char *equals = strchr(s, '='), *key, *text, where[512];
	const struct conf_row *row;
	struct value *v;
	struct err e;

	if (equals == NULL) {
		fault(p, "want key = value, [section] or include FILE, not: %s", s);
		return;
	}
	*equals = '\0';
	key = trim(s);
	text = trim(equals + 1);
	if (p->section == NULL) {
		if (!p->in_section)
			fault(p, "%s: stands before the first section", key);
		return; /* the unknown section was reported once */
	}
	if ((row = find_row(p->c->table, p->section, key)) == NULL) {
		fault(p, "%s: no such key in [%s]", key, p->section);
		return;
	}
	v = find_value(p->c, row, p->instance);
	if (v != NULL && row->type != CONF_LIST) {
		fault(p, "%s: given twice, first at %s", key, v->where);
		return;
	}
	snprintf(where, sizeof where, "%s:%d", p->file, p->line);
	v = v ? v : new_value(p->c, row, p->instance, where);
	if (set_value(v, p->dir, text, &e) < 0)
		fault(p, "%s", e.text);
}

static void
parse_include(struct parse *p, char *s)
{
	struct buf path = {0};
	struct parse inner = *p;

	s = trim(s);
	if (*s != '/' && *p->dir != '\0')
		buf_addf(&path, "%s/", p->dir);
	buf_adds(&path, s);
	inner.depth++;
	inner.section = NULL;
	inner.in_section = false;
	if (inner.depth > INCLUDE_DEPTH_MAX)
		fault(p, "include %s: more than %d deep", s, INCLUDE_DEPTH_MAX);
	else if (parse_file(&inner, buf_str(&path)) < 0)
		p->failed = true;
	p->section = NULL; /* an include ends the section it stands in */
	p->in_section = false;
	buf_free(&path);
}

/* A # at the start or after white space begins a comment. */
static void
cut_comment(char *s)
{
	for (char *c = s; (c = strchr(c, '#')) != NULL; c++)
		if (c == s || c[-1] == ' ' || c[-1] == '\t') {
			*c = '\0';
			return;
		}
}

static void
parse_line(struct parse *p, char *s)
{
	if (!utf8_is_valid(s, strlen(s))) {
		fault(p, "not UTF-8");
		return;
	}
	cut_comment(s);
	s = trim(s);
	for (char *c = s; *c; c++)
		if ((unsigned char)*c < 0x20 && *c != '\t') {
			fault(p, "a control character");
			return;
		}
	if (*s == '[')
		parse_section(p, s + 1);
	else if (strncmp(s, "include ", 8) == 0)
		parse_include(p, s + 8);
	else if (*s != '\0')
		parse_setting(p, s);
}

static void
parse_text(struct parse *p, const void *text, size_t len)
{
	char *copy = mem_dup(text, len), *s = copy;

	p->line = 0;
	if (memchr(text, 0, len) != NULL)
		fault(p, "a NUL byte");
	while (s < copy + len) {
		char *end = s + strcspn(s, "\n");

		*end = '\0';
		p->line++;
		parse_line(p, s);
		s = end + 1;
	}
	free(copy);
}

static int
read_file(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc = -1;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return err_sys(e, "%s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		err_set(e, ERR_CONFIG, "%s: not a regular file", path);
		goto out;
	}
	do {
		buf_reserve(out, 65536);
		if ((n = read(fd, out->data + out->len, 65536)) > 0)
			out->len += (size_t)n;
	} while (n > 0 && out->len <= CONF_FILE_MAX_BYTES);
	if (n < 0)
		err_sys(e, "%s", path);
	else if (out->len > CONF_FILE_MAX_BYTES)
		err_set(e, ERR_LIMIT, "%s: over %d bytes", path, CONF_FILE_MAX_BYTES);
	else
		rc = 0;
out:
	close(fd);
	return rc;
}

static int
parse_file(struct parse *p, const char *path)
{
	struct buf text = {0};
	struct err e;
	char *dir = mem_strdup(path), *slash = strrchr(dir, '/');

	if (read_file(path, &text, &e) < 0) {
		fault(p, "%s", e.text);
		goto out;
	}
	if (slash != NULL)
		*slash = '\0';
	p->file = path;
	p->dir = slash != NULL ? dir : "";
	parse_text(p, text.data, text.len);
out:
	free(dir);
	buf_free(&text);
	return p->failed ? -1 : 0;
}

/* --- the whole --- */

static void
default_of(struct parse *p, const struct conf_row *row, size_t instance)
{
	const char *name = row->named ? p->c->instances[instance].name : NULL;
	struct value *v;
	struct err e;

	if (find_value(p->c, row, instance) != NULL)
		return;
	if (row->def == NULL) {
		fault(p, name ? "[%s \"%s\"]: %s is missing" : "[%s]: %s%s is missing",
		      row->section, name ? name : "", row->key);
		return;
	}
	v = new_value(p->c, row, instance, "default");
	if (*row->def == '\0' &&
	    (row->type == CONF_LIST || row->type == CONF_STR || row->type == CONF_PATH)) {
		if (row->type != CONF_LIST)
			add_text(v, "", 0);
		return;
	}
	if (set_value(v, "", row->def, &e) < 0)
		fault(p, "default of %s: %s", row->key, e.text);
}

static void
defaults(struct parse *p)
{
	for (const struct conf_row *r = p->c->table; r->section != NULL; r++) {
		if (!r->named)
			default_of(p, r, 0);
		for (size_t i = 0; r->named && i < p->c->ninstances; i++)
			if (strcmp(p->c->instances[i].section, r->section) == 0)
				default_of(p, r, i);
	}
}

static int
finish(struct parse *p, struct conf **out)
{
	defaults(p);
	if (p->failed) {
		conf_free(p->c);
		return -1;
	}
	*out = p->c;
	return 0;
}

static struct parse
start(const char *file, const char *dir, const struct conf_row *table, conf_report *report,
      void *ctx, struct err *e)
{
	struct conf *c = mem_alloc(sizeof *c);

	c->table = table;
	return (struct parse){
	    .c = c, .report = report, .ctx = ctx, .e = e, .file = file, .dir = dir};
}

int
conf_load(const char *path, const struct conf_row *table, conf_report *report, void *ctx,
	  struct conf **out, struct err *e)
{
	struct parse p = start(path, "", table, report, ctx, e);

	if (parse_file(&p, path) < 0 && p.line == 0) { /* not even read: one fault is enough */
		conf_free(p.c);
		return -1;
	}
	p.file = path; /* dir and line were the file's; what is missing is told of the whole */
	p.dir = "";
	return finish(&p, out);
}

int
conf_parse(const char *name, const char *dir, const void *text, size_t len,
	   const struct conf_row *table, conf_report *report, void *ctx, struct conf **out,
	   struct err *e)
{
	struct parse p = start(name, dir, table, report, ctx, e);

	parse_text(&p, text, len);
	return finish(&p, out);
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
			print_value(find_value(c, r, instance), verbose, out);
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
	const struct conf_row *row = find_row(c->table, section, key);
	const struct value *v = NULL;

	assert(row != NULL && row->named == (name != NULL));
	for (size_t i = 0; name != NULL && i < c->ninstances && v == NULL; i++)
		if (strcmp(c->instances[i].section, section) == 0 &&
		    strcmp(c->instances[i].name, name) == 0)
			v = find_value(c, row, i);
	v = name == NULL ? find_value(c, row, 0) : v;
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

	assert(v->row->type == CONF_LIST);
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
