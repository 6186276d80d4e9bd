/* conf.h - configuration in sections, checked against a typed table. Used by: gateway and client.
 *
 *	# comment
 *	include classes.conf                relative to the file that says so
 *	[section]            or   [section "instance"]
 *	key = value                         up to the end of the line; a # after white space starts
 *a comment
 *
 * A key may stand once in its section, lists (CONF_LIST, CONF_PATHS) as often as one likes: the
 *values add up.
 */
#ifndef SAFEHAND_CONF_H
#define SAFEHAND_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"

enum conf_type {
	CONF_STR,  /* any clean UTF-8 */
	CONF_PATH, /* a path; relative ones are taken relative to the configuration file's folder */
	CONF_INT,  /* decimal, min..max */
	CONF_SIZE, /* bytes: 64K, 2M, 10G, 1T (powers of 1024) */
	CONF_DURATION, /* 500ms, 30s, 5m, 2h, 7d; in C milliseconds */
	CONF_BOOL,     /* yes | no */
	CONF_WORD,     /* one of choices */
	CONF_LIST,     /* comma-separated, repeatable */
	CONF_PATHS,    /* a list of paths, each relative as a PATH is */
};

#define CONF_FILE_MAX_BYTES (4 * 1024 * 1024) /* of one file */

struct conf_row {
	const char *section, *key;
	enum conf_type type;
	bool named;	 /* [section "name"]: any number of instances */
	const char *def; /* NULL: must be given (in every instance); "" with STR, PATH, PATHS, LIST:
			    may be absent */
	int64_t min, max;    /* INT, SIZE (bytes), DURATION (ms): both 0 for no bound but >= 0 */
	const char *choices; /* WORD: "a|b|c" */
	const char *help;    /* one line for -N */
	int (*check)(const char *value,
		     struct err *e); /* further check of STR and of each LIST item; may be NULL */
};

struct conf;

/* Told of each fault, so that all of them are reported at once. */
typedef void conf_report(void *ctx, const char *file, int line, const char *text);

/* Reads path (and what it includes), checks against table (ends with section NULL). 0, or -1 after
 * at least one report; e gets the first. The conf_* getters below answer by the table's types. */
int conf_load(const char *path, const struct conf_row *table, conf_report *report, void *ctx,
	      struct conf **out, struct err *e);
/* The same from memory: name stands for the file, dir ("" for none) is where relative paths start.
 */
int conf_parse(const char *name, const char *dir, const void *text, size_t len,
	       const struct conf_row *table, conf_report *report, void *ctx, struct conf **out,
	       struct err *e);
void conf_free(struct conf *c);

/* The effective configuration, defaults included, in the syntax that conf_parse reads; comments
 * with the help lines if verbose. */
void conf_print(const struct conf *c, bool verbose, struct buf *out);

/* Getters; name is NULL for sections that are not named. Asserts that the row exists and has the
 * type. */
const char *conf_str(const struct conf *c, const char *section, const char *name,
		     const char *key); /* STR, PATH, WORD */
int64_t conf_int(const struct conf *c, const char *section, const char *name,
		 const char *key); /* INT, SIZE, DURATION */
bool conf_bool(const struct conf *c, const char *section, const char *name, const char *key);
/* n-th item of a LIST or of PATHS, NULL past the end. */
const char *conf_item(const struct conf *c, const char *section, const char *name, const char *key,
		      size_t n);
/* Name of the n-th instance of a named section, in order of appearance; NULL past the end. */
const char *conf_instance(const struct conf *c, const char *section, size_t n);
/* A time as a DURATION is written, in milliseconds; -1 if it is none. Pure. */
int conf_duration(const char *text, int64_t *ms);
/* Where a key was set ("file:line"), or "default". For sentences about what only the program can
 * judge. */
const char *conf_where(const struct conf *c, const char *section, const char *name,
		       const char *key);

#endif
