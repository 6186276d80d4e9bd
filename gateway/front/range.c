/* range.c - one byte range. Runs in: front. Owns: nothing. Trusts: no byte. */
#include <string.h>

#include "front/http.h"
#include "front/range.h"

int
range_parse(const char *p, size_t n, uint64_t total, uint64_t *from, uint64_t *count)
{
	const char *dash;
	uint64_t first, last;

	if (n < 6 || !http_is(p, 6, "bytes="))
		return 0;
	p += 6;
	n -= 6;
	if ((dash = memchr(p, '-', n)) == NULL)
		return 0;
	if (dash == p) { /* the last so many bytes */
		if (http_decimal(p + 1, n - 1, &last) < 0)
			return 0;
		if (last == 0 || total == 0)
			return -1;
		*count = last < total ? last : total;
		*from = total - *count;
		return 1;
	}
	if (http_decimal(p, (size_t)(dash - p), &first) < 0)
		return 0;
	last = INT64_MAX;
	if (dash + 1 < p + n && http_decimal(dash + 1, n - (size_t)(dash + 1 - p), &last) < 0)
		return 0;
	if (last < first)
		return 0;
	if (first >= total)
		return -1;
	*from = first;
	*count = (last < total ? last + 1 : total) - first;
	return 1;
}
