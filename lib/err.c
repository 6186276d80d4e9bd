/* err.c - the table of errors. Runs in: everything. Owns: nothing. Trusts: its callers, not their
 * bytes. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "safehand/buf.h"
#include "safehand/enc.h"
#include "safehand/err.h"

/* HTTP statuses: RFC 9110 section 15. Exit statuses: 1 = a check failed, 2 = usage, 3 = incomplete
 * (as `safehand verify` promises), 4.. = one for each thing that a script would act upon
 * differently. */
static const struct row {
	const char *name, *title;
	int http, exit;
} rows[ERR_CODES] = {
    [ERR_OK] = {"ok", "No error", 200, 0},
    [ERR_FAIL] = {"fail", "A check failed", 422, 1},
    [ERR_USAGE] = {"usage", "The request is malformed", 400, 2},
    [ERR_CONFIG] = {"config", "The configuration is refused", 500, 2},
    [ERR_INCOMPLETE] = {"incomplete", "Something is missing", 422, 3},
    [ERR_FORMAT] = {"format", "Not of its format", 422, 1},
    [ERR_LIMIT] = {"limit", "Over a limit", 413, 1},
    [ERR_SIGNATURE] = {"signature", "The signature does not hold", 422, 1},
    [ERR_CERTIFICATE] = {"certificate", "The certificate does not lead to the root", 422, 1},
    [ERR_EXPIRED] = {"expired", "The certificate is outside its validity", 422, 1},
    [ERR_REVOKED] = {"revoked", "The certificate is revoked", 422, 1},
    [ERR_PROFILE] = {"profile", "The certificate is of the wrong profile", 422, 1},
    [ERR_DIGEST] = {"digest", "The bytes are not those that were signed", 422, 1},
    [ERR_SECRET] = {"secret", "The key does not open it", 422, 1},
    [ERR_ARCHIVE] = {"archive", "The documents inside are refused", 422, 1},
    [ERR_DENIED] = {"denied", "Not allowed", 403, 5},
    [ERR_UNKNOWN] = {"unknown", "There is none", 404, 4},
    [ERR_CONFLICT] = {"conflict", "The same id with other bytes", 409, 6},
    [ERR_ORDER] = {"order", "Not in this state", 409, 6},
    [ERR_REPEATED] = {"repeated", "Recorded already", 409, 6},
    [ERR_ROUTE] = {"route-changed", "The route has changed", 409, 8},
    [ERR_WITHHELD] = {"withheld", "The key is withheld until it is released", 403, 5},
    [ERR_CLOCK] = {"clock", "The clock is not to be trusted", 503, 7},
    [ERR_STORAGE] = {"storage", "No room", 503, 7},
    [ERR_BUSY] = {"busy", "Temporarily unable", 503, 7},
    [ERR_HISTORY] = {"history", "The log contradicts itself", 409, 9},
    [ERR_NETWORK] = {"network", "The peer cannot be reached", 502, 7},
    [ERR_SYSTEM] = {"system", "A system call failed", 500, 10},
    [ERR_INTERNAL] = {"internal", "An inner part broke the protocol", 500, 10},
};

/* Copies the sentence so that what came from outside cannot steer a terminal or break a log line.
 */
static void
set_text(struct err *e, const char *text, size_t len)
{
	struct buf clean = {0};
	size_t n;

	text_escape(&clean, text, len);
	n = clean.len < sizeof e->text ? clean.len : sizeof e->text - 1;
	while (n > 0 && n < clean.len && (clean.data[n] & 0xC0) == 0x80)
		n--; /* never half a character at the cut */
	memcpy(e->text, buf_str(&clean), n);
	e->text[n] = '\0';
	buf_free(&clean);
}

static void
set_va(struct err *e, enum err_code code, const char *prefix, const char *suffix, const char *fmt,
       va_list ap)
{
	char text[2 * ERR_TEXT_MAX];
	int n, size = sizeof text;

	e->code = code;
	n = snprintf(text, (size_t)size, "%s", prefix);
	n = n < size ? n + vsnprintf(text + n, (size_t)(size - n), fmt, ap) : size;
	n = n < size ? n + snprintf(text + n, (size_t)(size - n), "%s", suffix) : size;
	set_text(e, text, n < size ? (size_t)n : (size_t)size - 1);
}

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return -1;
	va_start(ap, fmt);
	set_va(e, code, "", "", fmt, ap);
	va_end(ap);
	return -1;
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	bool full = saved == ENOSPC || saved == EDQUOT;
	char suffix[128];
	va_list ap;

	if (e == NULL)
		return -1;
	snprintf(suffix, sizeof suffix, ": %s", strerror(saved));
	va_start(ap, fmt);
	set_va(e, full ? ERR_STORAGE : ERR_SYSTEM, "", suffix, fmt, ap);
	va_end(ap);
	errno = saved;
	return -1;
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	char suffix[ERR_TEXT_MAX + 2];
	va_list ap;

	if (e == NULL)
		return -1;
	snprintf(suffix, sizeof suffix, ": %s", e->text);
	va_start(ap, fmt);
	set_va(e, e->code, "", suffix, fmt, ap);
	va_end(ap);
	return -1;
}

void
err_clear(struct err *e)
{
	e->code = ERR_OK;
	e->text[0] = '\0';
}

const char *
err_name(enum err_code code)
{
	assert((unsigned)code < ERR_CODES);
	return rows[code].name;
}

enum err_code
err_by_name(const char *name)
{
	for (int i = 0; i < ERR_CODES; i++)
		if (strcmp(rows[i].name, name) == 0)
			return (enum err_code)i;
	return ERR_CODES;
}

const char *
err_title(enum err_code code)
{
	assert((unsigned)code < ERR_CODES);
	return rows[code].title;
}

int
err_http(enum err_code code)
{
	assert((unsigned)code < ERR_CODES);
	return rows[code].http;
}

int
err_exit(enum err_code code)
{
	assert((unsigned)code < ERR_CODES);
	return rows[code].exit;
}
