/* table.c - tables for people, and the texts of sizes, times and ages in them. Runs in:
 * safehandctl. Pure, but for locale and time zone. Owns: a table's cells. Trusts: no byte that it
 * shows. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "ctl/table.h"
#include "safehand/enc.h"
#include "safehand/limits.h"
#include "safehand/time.h"

#define DASH "\xe2\x80\x93" /* what is not there */

void
text_show(struct buf *out, const char *text)
{
	if (text == NULL)
		buf_adds(out, DASH);
	else
		text_escape(out, text, strlen(text));
}

size_t
text_width(const char *text)
{
	size_t left = strlen(text), width = 0, n;
	mbstate_t state = {0};

	for (wchar_t c; left > 0; text += n, left -= n) {
		int columns = 1;

		n = mbrtowc(&c, text, left, &state);
		if (n == 0 || n > left) { /* not of this locale: a column a byte */
			n = 1;
			state = (mbstate_t){0};
		} else {
			columns = wcwidth(c);
		}
		width += columns > 0 ? (size_t)columns : 0;
	}
	return width;
}

void
table_add(struct table *t, const char *text)
{
	struct buf cell = {0};

	text_show(&cell, text);
	t->cells = mem_realloc(t->cells, t->n + 1, sizeof *t->cells);
	t->cells[t->n++] = mem_strdup(buf_str(&cell));
	buf_free(&cell);
}

void
table_addf(struct table *t, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	table_add(t, text);
}

static void
blanks(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_addc(out, ' ');
}

static void
print_cell(const struct table *t, size_t column, const char *text, size_t width, struct buf *out)
{
	size_t pad = width - text_width(text);

	if (column > 0)
		blanks(out, 2);
	if (t->columns[column].right)
		blanks(out, pad);
	buf_adds(out, text);
	if (!t->columns[column].right)
		blanks(out, pad);
}

static void
end_line(struct buf *out)
{
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
	buf_addc(out, '\n');
}

void
table_print(const struct table *t, struct buf *out)
{
	size_t widths[TABLE_COLUMNS_MAX];

	assert(t->width <= TABLE_COLUMNS_MAX && t->width > 0 && t->n % t->width == 0);
	for (size_t i = 0; i < t->width; i++)
		widths[i] = text_width(t->columns[i].head);
	for (size_t i = 0; i < t->n; i++) {
		size_t w = text_width(t->cells[i]);

		if (w > widths[i % t->width])
			widths[i % t->width] = w;
	}
	for (size_t i = 0; i < t->width; i++)
		print_cell(t, i, t->columns[i].head, widths[i], out);
	end_line(out);
	for (size_t i = 0; i < t->n; i++) {
		print_cell(t, i % t->width, t->cells[i], widths[i % t->width], out);
		if ((i + 1) % t->width == 0)
			end_line(out);
	}
}

void
table_free(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	t->cells = NULL;
	t->n = 0;
}

void
size_show(char out[static SHOWN_TEXT], int64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double v = (double)bytes;
	size_t u = 0;

	while (v >= 1024 && u + 1 < sizeof units / sizeof *units) {
		v /= 1024;
		u++;
	}
	snprintf(out, SHOWN_TEXT, u > 0 && v < 10 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

void
age_show(char out[static SHOWN_TEXT], int64_t ms)
{
	long long s = ms / 1000;

	if (ms < 0)
		out[0] = '\0';
	else if (s < 60)
		snprintf(out, SHOWN_TEXT, "%lld s", s);
	else if (s < 3600)
		snprintf(out, SHOWN_TEXT, "%lld min", s / 60);
	else if (s < 86400)
		snprintf(out, SHOWN_TEXT, "%lld h %lld min", s / 3600, s % 3600 / 60);
	else
		snprintf(out, SHOWN_TEXT, "%lld d %lld h", s / 86400, s % 86400 / 3600);
}

void
time_show(char out[static SHOWN_TEXT], const char *rfc3339, int64_t *ms)
{
	struct tm tm;
	time_t t;

	if (time_parse(rfc3339, ms) < 0 && time_parse_ms(rfc3339, ms) < 0) {
		*ms = -1;
		snprintf(out, SHOWN_TEXT, "%s", rfc3339);
		return;
	}
	t = (time_t)(*ms / 1000);
	localtime_r(&t, &tm);
	strftime(out, SHOWN_TEXT, "%Y-%m-%d %H:%M:%S", &tm);
}
