/* range.c - one byte range. Runs in: front. Owns: nothing. Trusts: no byte. */
#include <string.h>

#include "front/http.h"
#include "front/range.h"

struct range
range_parse(const char *p, size_t n)
{
	struct range r = {RANGE_FROM, 0, INT64_MAX}, none = {RANGE_ALL, 0, 0};
	const char *dash;

	if (n < 6 || !http_is(p, 6, "bytes="))
		return none;
	p += 6;
	n -= 6;
	if ((dash = memchr(p, '-', n)) == NULL)
		return none;
	if (dash == p) { /* the last so many bytes */
		r.kind = RANGE_LAST;
		return http_decimal(p + 1, n - 1, &r.a) < 0 ? none : r;
	}
	if (http_decimal(p, (size_t)(dash - p), &r.a) < 0)
		return none;
	if (dash + 1 < p + n && http_decimal(dash + 1, n - (size_t)(dash + 1 - p), &r.b) < 0)
		return none;
	return r.b < r.a ? none : r;
}
