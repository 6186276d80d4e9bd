/* say.c - results, notes and errors, for people and for programs. Runs in: client. Owns: nothing.
 * Trusts: no byte of what it shows. */
#include "client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "safehand/enc.h"

int
say(const struct client *c, const struct buf *text, struct err *e)
{
	errno = 0;
	if (text->len > 0) {
		fwrite(text->data, 1, text->len, stdout);
		if (text->data[text->len - 1] != '\n')
			putchar('\n');
	}
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_sys(e, "standard output");
	return 0;
}

void
say_note(const struct client *c, const char *fmt, ...)
{
	struct buf clean = {0};
	char *text = NULL;
	va_list ap;
	int n;

	if (c->quiet || c->json)
		return;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	text_escape(&clean, text, (size_t)n);
	fprintf(stderr, "safehand: %s\n", buf_str(&clean));
	free(text);
	buf_free(&clean);
}

int
say_error(const struct client *c, const struct err *e)
{
	struct buf json = {0};
	struct err lost;

	if (!c->json) {
		fprintf(stderr, "safehand: %s\n", e->text);
		return err_exit(e->code);
	}
	buf_adds(&json, "{\"error\":{");
	buf_json_str(&json, "code", err_name(e->code));
	buf_json_str(&json, "text", e->text);
	buf_adds(&json, "}}");
	if (say(c, &json, &lost) < 0)
		fprintf(stderr, "safehand: %s\n", e->text);
	buf_free(&json);
	return err_exit(e->code);
}
