/* table.h - tables for people, and the texts of sizes, times and ages in them. Runs in:
 * safehandctl. */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "safehand/buf.h"

struct column {
	const char *head;
	bool right; /* numbers */
};

#define TABLE_COLUMNS_MAX 11 /* more fit no terminal */

/* Zero but for columns and width: empty. */
struct table {
	const struct column *columns;
	size_t width; /* columns */
	char **cells; /* escaped, row by row */
	size_t n;
};

/* The next cell; NULL shows as a dash. What would steer a terminal is escaped. */
void table_add(struct table *t, const char *text);
void table_addf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends heads and rows, aligned by display width, two blanks between columns, none at a line's
 * end. Every row must be whole. */
void table_print(const struct table *t, struct buf *out);
void table_free(struct table *t);

/* Appends text escaped for a terminal; a dash for NULL. */
void text_show(struct buf *out, const char *text);
/* Columns that clean UTF-8 takes on a terminal, in the locale of LC_CTYPE. */
size_t text_width(const char *text);

#define SHOWN_TEXT 32 /* room for each text below */
/* "812 B", "71 KiB", "1.2 GiB". */
void size_show(char out[static SHOWN_TEXT], int64_t bytes);
/* "12 s", "5 min", "3 h 20 min", "4 d 2 h"; "" for what lies ahead. */
void age_show(char out[static SHOWN_TEXT], int64_t ms);
/* RFC 3339 text as local time, "2026-11-22 21:04:05"; unchanged (cut) if it is none. *ms: -1 then.
 */
void time_show(char out[static SHOWN_TEXT], const char *rfc3339, int64_t *ms);

#endif
