/* fetched.c - the code of a Fetched entry. Runs in: store (writes), client (reads). Pure. Trusts:
 * no byte of it. */
#include "safehand/fetched.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/time.h"

void
fetched_format(const struct fetched *in, char code[static ENTRY_CODE])
{
	char at[TIME_TEXT];

	time_format_ms(at, in->at_ms);
	if (in->again)
		snprintf(code, ENTRY_CODE, "again:%" PRIu64 ":%" PRIu64 "@%s", in->times, in->bytes,
			 at);
	else
		snprintf(code, ENTRY_CODE, "range:%" PRIu64 "-%" PRIu64 "/%" PRIu64 "@%s", in->from,
			 in->to, in->total, at);
}

/* A number and what must follow it. */
static const char *
take(const char *p, char stop, uint64_t *out)
{
	char *end;

	if (p == NULL)
		return NULL;
	*out = strtoull(p, &end, 10);
	return *end == stop ? end + 1 : NULL;
}

static bool
is_possible(const struct fetched *f)
{
	if (f->times > INT64_MAX || f->bytes > INT64_MAX || f->total > INT64_MAX)
		return false; /* JSON has no more */
	return f->again ? f->times > 0 : f->from <= f->to && f->to < f->total;
}

/* Read with some licence, then written again: what is not the same was not the one form. */
int
fetched_parse(const char *code, struct fetched *out, struct err *e)
{
	char same[ENTRY_CODE];
	const char *p = code;

	*out = (struct fetched){.again = strncmp(code, "again:", 6) == 0};
	if (!out->again && strncmp(code, "range:", 6) != 0)
		return err_set(e, ERR_FORMAT, "entry.code: %s: of no fetch", code);
	p += 6;
	if (out->again)
		p = take(take(p, ':', &out->times), '@', &out->bytes);
	else
		p = take(take(take(p, '-', &out->from), '/', &out->to), '@', &out->total);
	if (p == NULL || time_parse_ms(p, &out->at_ms) < 0 || !is_possible(out))
		return err_set(e, ERR_FORMAT, "entry.code: %s: of no fetch", code);
	fetched_format(out, same);
	return strcmp(same, code) == 0
		   ? 0
		   : err_set(e, ERR_FORMAT, "entry.code: %s: not in its one form", code);
}
