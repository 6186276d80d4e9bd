/* log.c - logfmt lines to stderr. Runs in: all processes. Owns: the process's role name and level.
 * Trusts: no value. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "safehand/buf.h"
#include "safehand/enc.h"
#include "safehand/err.h"
#include "safehand/log.h"
#include "safehand/time.h"

static struct {
	char role[16];
	enum log_level level;
	int journal; /* systemd reads <N> priorities: sd-daemon(3) */
} state = {.role = "safehand", .level = LOG_LEVEL_INFO};

void
log_init(const char *role, enum log_level level)
{
	snprintf(state.role, sizeof state.role, "%s", role);
	state.level = level;
	state.journal = getenv("JOURNAL_STREAM") != NULL;
}

void
log_level_set(enum log_level level)
{
	state.level = level;
}

/* A logfmt value: bare if it is one plain word, else quoted; never a raw control character. */
static void
add_value(struct buf *line, const char *s)
{
	struct buf clean = {0};
	int quote = *s == '\0' || strpbrk(s, " \"=\\") != NULL;

	text_escape(&clean, s, strlen(s));
	if (quote)
		buf_addc(line, '"');
	for (const char *c = buf_str(&clean); *c; c++) {
		if (quote && *c == '"')
			buf_addc(line, '\\');
		buf_addc(line, *c);
	}
	if (quote)
		buf_addc(line, '"');
	buf_free(&clean);
}

/* One conversion, fmt at its '%'; returns the first character after it. */
static const char *
add_spec(struct buf *line, const char *fmt, va_list *ap)
{
	size_t n = 1 + strspn(fmt + 1, "0123456789.lz");
	int longs = 0, z = 0;
	char text[32];

	for (size_t i = 1; i < n; i++) {
		longs += fmt[i] == 'l';
		z += fmt[i] == 'z';
	}
	if (fmt[n] == 's') {
		const char *s = va_arg(*ap, const char *);

		add_value(line, s ? s : "");
		return fmt + n + 1;
	}
	if (fmt[n] == 'd')
		snprintf(text, sizeof text, "%lld",
			 longs == 2 ? va_arg(*ap, long long)
			 : longs    ? va_arg(*ap, long)
			 : z	    ? (long long)va_arg(*ap, ssize_t)
				    : va_arg(*ap, int));
	else
		snprintf(text, sizeof text, fmt[n] == 'x' ? "%llx" : "%llu",
			 longs == 2 ? va_arg(*ap, unsigned long long)
			 : longs    ? va_arg(*ap, unsigned long)
			 : z	    ? (unsigned long long)va_arg(*ap, size_t)
				    : va_arg(*ap, unsigned));
	buf_adds(line, text);
	return fmt + n + 1;
}

static const char *
level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR: return "error";
	case LOG_LEVEL_WARN: return "warn";
	case LOG_LEVEL_INFO: return "info";
	case LOG_LEVEL_DEBUG: return "debug";
	}
	return "info";
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	struct buf line = {0};
	char now[TIME_TEXT];
	va_list ap;
	ssize_t n;

	if (level > state.level)
		return;
	time_format_ms(now, time_now_ms());
	if (state.journal)
		buf_addf(&line, "<%d>", (int)level);
	buf_addf(&line, "time=%s level=%s role=%s pid=%d msg=", now, level_name(level), state.role,
		 (int)getpid());
	add_value(&line, event);
	if (*fmt)
		buf_addc(&line, ' ');
	va_start(ap, fmt);
	while (*fmt)
		if (*fmt == '%')
			fmt = add_spec(&line, fmt, &ap);
		else
			buf_addc(&line, *fmt++);
	va_end(ap);
	buf_addc(&line, '\n');
	n = write(STDERR_FILENO, line.data,
		  line.len); /* one write: lines of several processes do not mix */
	(void)n;	     /* nowhere left to tell it */
	buf_free(&line);
}

void
log_err(enum log_level level, const char *event, const struct err *e)
{
	log_event(level, event, "code=%s error=%s", err_name(e->code), e->text);
}

void
log_fatal(const char *event, const struct err *e)
{
	log_err(LOG_LEVEL_ERROR, event, e);
	exit(1);
}
