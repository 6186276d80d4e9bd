/* range.c - a byte range against a bundle. Runs in: front, store. Pure. */
#include "frame/range.h"

int
range_cut(const struct range *r, uint64_t total, uint64_t *from, uint64_t *count)
{
	*from = 0;
	*count = total;
	switch (r->kind) {
	case RANGE_FROM:
		if (r->b < r->a || r->a >= total)
			return -1;
		*from = r->a;
		*count = (r->b < total ? r->b + 1 : total) - r->a;
		return 0;
	case RANGE_LAST:
		if (r->a == 0 || total == 0)
			return -1;
		*count = r->a < total ? r->a : total;
		*from = total - *count;
		return 0;
	default: return 0;
	}
}
