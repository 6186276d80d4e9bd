/* fuzz_zone.c - TZif files and their rules: refused, or changes in order that wall times agree
 * with. Runs in: tests. The first byte chooses between a whole file and a rule in a file that is
 * good. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/buf.h"
#include "safehand/calendar.h"
#include "safehand/zone.h"

#include "seeds.h"

#define FROM (CALENDAR_FIRST_DAY * INT64_C(86400))
#define TO   (CALENDAR_LAST_DAY * INT64_C(86400))

static const char *const seeds[] = {"rGMT0BST,M3.5.0/1,M10.5.0", "r<+0330>-3:30",
				    "rXXX3EDT4,0/0,J365/23", "rIST-1GMT0,M10.5.0,M3.5.0/1"};

static void
check(const struct zone *z)
{
	for (size_t i = 0; i < z->n; i++) {
		int64_t at = z->change[i].at;

		assert(at > FROM && at <= TO && (i == 0 || at > z->change[i - 1].at));
		assert(zone_offset(z, at) == z->change[i].offset &&
		       zone_offset(z, at - 1) != zone_offset(z, at));
		/* a wall time's instant is the first that shows it */
		assert(zone_instant(z, at + zone_offset(z, at)) <= at);
		assert(zone_instant(z, at - 1 + zone_offset(z, at - 1)) <= at - 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t head[44] = {'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4};
	static const uint8_t type[10] = {0, 0, 0, 0, 0, 0, 'G', 'M', 'T', 0};
	struct buf b = {0};
	struct zone z;
	struct err e;

	if (size > 0 && data[0] == 'r') {
		for (int i = 0; i < 2; i++) {
			buf_add(&b, head, sizeof head);
			buf_add(&b, type, sizeof type);
		}
		buf_addc(&b, '\n');
		buf_add(&b, data + 1, size - 1);
		buf_addc(&b, '\n');
	} else {
		buf_add(&b, data, size);
	}
	if (zone_parse(b.data, b.len, FROM, TO, &z, &e) == 0) {
		SEEDS_TAKEN();
		check(&z);
	} else {
		assert(e.code == ERR_FORMAT);
	}
	buf_free(&b);
	return 0;
}

SEEDS_MAIN("fuzz_zone", seeds)
