/* conf_parse.c - the text of a configuration: sections, settings, includes. Runs in: gateway,
 * client. Owns: nothing. Trusts: no file; every fault is reported with file:line, nothing guessed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_in.h"
#include "safehand/enc.h"

#define INCLUDE_DEPTH_MAX 8 /* an include that includes itself must end */

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
	if (!p->failed && p->line > 0)
		err_set(p->e, ERR_CONFIG, "%s:%d: %s", p->file, p->line, clean.text);
	else if (!p->failed)
		err_set(p->e, ERR_CONFIG, "%s: %s", p->file, clean.text);
	p->failed = true;
	if (p->report != NULL)
		p->report(p->ctx, p->file, p->line, clean.text);
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
	if ((row = conf_row_of(p->c->table, s, NULL)) == NULL) {
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
	p->instance = name ? conf_instance_of(p->c, row->section, name) : 0;
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
	if ((row = conf_row_of(p->c->table, p->section, key)) == NULL) {
		fault(p, "%s: no such key in [%s]", key, p->section);
		return;
	}
	v = conf_value_of(p->c, row, p->instance);
	if (v != NULL && !conf_is_list(row->type)) {
		fault(p, "%s: given twice, first at %s", key, v->where);
		return;
	}
	snprintf(where, sizeof where, "%s:%d", p->file, p->line);
	v = v ? v : conf_value_new(p->c, row, p->instance, where);
	if (conf_set(v, p->dir, text, &e) < 0)
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

/* The folder of a file as an absolute path: what is made of it holds wherever a process goes. */
static char *
folder_of(const char *path)
{
	char *copy = mem_strdup(path), *slash = strrchr(copy, '/'), *dir;

	if (slash != NULL)
		slash[slash == copy] = '\0';
	dir = realpath(slash != NULL ? copy : ".", NULL);
	free(copy);
	return dir;
}

static int
parse_file(struct parse *p, const char *path)
{
	struct buf text = {0};
	struct err e;
	char *dir = NULL;

	if (read_file(path, &text, &e) < 0) {
		fault(p, "%s", e.text);
		goto out;
	}
	if ((dir = folder_of(path)) == NULL) {
		fault(p, "%s: its folder: %s", path, strerror(errno));
		goto out;
	}
	p->file = path;
	p->dir = strcmp(dir, "/") != 0 ? dir : ""; /* a slash is put between */
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

	if (conf_value_of(p->c, row, instance) != NULL)
		return;
	if (row->def == NULL) {
		fault(p, name ? "[%s \"%s\"]: %s is missing" : "[%s]: %s%s is missing",
		      row->section, name ? name : "", row->key);
		return;
	}
	v = conf_value_new(p->c, row, instance, "default");
	if (*row->def == '\0' &&
	    (conf_is_list(row->type) || row->type == CONF_STR || row->type == CONF_PATH)) {
		conf_set_empty(v);
		return;
	}
	if (conf_set(v, "", row->def, &e) < 0)
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
	p->line = 0; /* what is missing stands on no line */
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
