/* fuzz_ical.c - iCalendar files: refused with a sentence, or compiled into a calendar that is
 * written and read again. Runs in: tests. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/calendar.h"

#include "seeds.h"

#define CAL(events) "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n" events "END:VCALENDAR\n"
#define EV(lines)   "BEGIN:VEVENT\n" lines "END:VEVENT\n"

static const char *const seeds[] = {
    CAL(EV("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261229\nSUMMARY:Christmas\n")),
    CAL(EV("DTSTART;VALUE=DATE:20260504\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=1MO;UNTIL=20280601\n"
	   "EXDATE;VALUE=DATE:20270503\nRDATE;VALUE=DATE:20270504,20270505\n")),
    CAL(EV("DTSTART;TZID=Europe/London:20261024T120000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\n")
	    EV("UID:a\nRECURRENCE-ID;VALUE=DATE:20260112\nDTSTART;VALUE=DATE:20260114\nSTATUS:"
	       "CANCELLED\n")
		EV("UID:a\nDTSTART;VALUE=DATE:20260105\nRRULE:FREQ=WEEKLY;COUNT=3\n")),
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct calendar_file f = {.name = "fuzz.ics"};
	struct calendar_source src = {
	    .name = "c", .zone = "Europe/London", .week = "mon-fri", .hours = "08:30-16:30"};
	struct calendar *c = NULL, *again = NULL;
	struct buf text = {0};
	struct err e;
	size_t n;

	buf_add(&f.text, data, size);
	if (size > 0 && data[0] % 2 == 0)
		src.closed = &f, src.nclosed = 1;
	else
		src.terms = &f, src.nterms = 1;
	if (calendar_compile(&src, &c, &e) == 0) {
		SEEDS_TAKEN();
		calendar_format(c, &text);
		assert(calendar_parse(text.data, text.len, &n, &again, &e) == 0 && n == text.len);
	} else {
		assert(e.code == ERR_CONFIG && c == NULL);
	}
	calendar_free(again);
	calendar_free(c);
	buf_free(&text);
	buf_free(&f.text);
	return 0;
}

SEEDS_MAIN("fuzz_ical", seeds)
