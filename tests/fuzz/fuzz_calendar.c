/* fuzz_calendar.c - compiled calendars: what is taken is written again as it was, and what is
 * computed from it is in order. Runs in: tests. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/calendar.h"

#include "seeds.h"

#define HEAD "calendar c\nzone Europe/London\nweek mon-fri\nhours 08:30-16:30\noffset 0\n"

static const char *const seeds[] = {
    HEAD "change 2026-03-29T01:00:00Z 3600\nchange 2026-10-25T01:00:00Z 0\nend\n",
    HEAD "term 2026-09-01 2026-10-23\nclosed 2026-09-05 2026-09-07\nclosed 2026-12-25 2026-12-28\n"
	 "shut 2026-09-09 08:30-10:00\nshut 2026-09-09 12:00-13:00\nend\n",
    HEAD "end\ncalendar next\n",
};

static void
check_day(const struct calendar *c, int64_t day)
{
	int64_t next = calendar_next_day(c, day, CALENDAR_SCHOOL), open, close;
	int from, to, minute;

	assert(next == -1 || (next >= day && calendar_is_day(c, next, CALENDAR_SCHOOL)));
	assert(!calendar_is_day(c, day, CALENDAR_SCHOOL) ||
	       calendar_is_day(c, day, CALENDAR_WORKING));
	calendar_hours(c, day, &from, &to);
	assert(0 <= from && from < to && to <= 1440);
	open = calendar_instant(c, day, from), close = calendar_instant(c, day, to);
	assert(open <= close);
	calendar_local_day(c, open, &minute);
	assert(minute >= 0 && minute < 1440);
	(void)calendar_open_between(c, open, close);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct calendar *c = NULL;
	struct buf text = {0};
	struct err e;
	size_t n = 0;

	if (calendar_parse(data, size, &n, &c, &e) < 0) {
		assert(e.code == ERR_FORMAT && c == NULL);
		return 0;
	}
	SEEDS_TAKEN();
	assert(n <= size);
	calendar_format(c, &text);
	assert(text.len == n && memcmp(text.data, data, n) == 0);
	for (int64_t day = 20000; day < 21500; day += 7)
		check_day(c, day);
	buf_free(&text);
	calendar_free(c);
	return 0;
}

SEEDS_MAIN("fuzz_calendar", seeds)
