/* Calendars: random ones against the plain model, what iCalendar files may and may not say, the
 * compiled text. SEED and ROUNDS replay and lengthen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "deadline_model.h"

#include "safehand/time.h"

static const char *const zones[] = {
    "Europe/London",  "UTC",	      "America/New_York", "Australia/Lord_Howe",
    "Asia/Kathmandu", "Africa/Cairo", "America/Havana",	  "Pacific/Chatham"};
#define ZONES (sizeof zones / sizeof *zones)

static int
rounds(int def)
{
	return getenv("ROUNDS") != NULL ? atoi(getenv("ROUNDS")) : def;
}

static void
begin(const char *what)
{
	if (getenv("SEED") != NULL)
		model_seed = strtoull(getenv("SEED"), NULL, 10);
	print_message("%s: SEED=%llu\n", what, (unsigned long long)model_seed);
}

/* Written, read and written again it is the same text, wherever it stands. */
static struct calendar *
again(struct calendar *c)
{
	struct buf a = {0}, b = {0};
	struct calendar *copy = NULL;
	struct err e = {0};
	size_t taken = 0, len;

	calendar_format(c, &a);
	len = a.len;
	buf_adds(&a, "calendar next\n");
	if (calendar_parse(a.data, a.len, &taken, &copy, &e) < 0) {
		fprintf(stderr, "%s\n%s", e.text, buf_str(&a));
		fail();
	}
	assert_int_equal(taken, len);
	calendar_format(copy, &b);
	assert_int_equal(b.len, len);
	assert_memory_equal(a.data, b.data, len);
	calendar_free(c);
	buf_free(&a);
	buf_free(&b);
	return copy;
}

static void
compare_days(const struct model *m, const struct calendar *c)
{
	for (int i = 0; i < MODEL_DAYS; i++) {
		int from, to, first = 0;

		for (int school = 0; school < 2; school++)
			if (calendar_is_day(c, MODEL_FIRST + i,
					    school ? CALENDAR_SCHOOL : CALENDAR_WORKING) !=
			    model_is_day(m, i, school))
				fail_msg("day %d, school %d", i, school);
		if (!model_is_day(m, i, false))
			continue;
		while (model_is_shut(m, i, first))
			first += 15;
		calendar_hours(c, MODEL_FIRST + i, &from, &to);
		assert_int_equal(from, first);
		assert_int_equal(to, model_close_of(m, i));
	}
}

static void
compare_times(const struct model *m, const struct calendar *c)
{
	for (int k = 0; k < 40; k++) {
		int64_t at = (MODEL_FIRST + 5 + (int64_t)model_random(MODEL_DAYS - 80)) * 86400 +
			     (int64_t)model_random(96) * MODEL_QUARTER;
		int64_t to =
		    at + (int64_t)model_random(1 + model_random(2) * 2000 + 40) * MODEL_QUARTER;
		int minute, want;
		int64_t day = calendar_local_day(c, at * 1000, &minute);

		assert_int_equal(day - MODEL_FIRST, model_local(at, &want));
		assert_int_equal(minute, want);
		if (calendar_open_between(c, at * 1000, to * 1000) != model_open_between(m, at, to))
			fail_msg("%s: open between %lld and %lld: %d", m->zone, (long long)at,
				 (long long)to, calendar_open_between(c, at * 1000, to * 1000));
		minute = (int)model_random(97) * 15;
		if (calendar_instant(c, day, minute) !=
		    model_reach(day * 86400 - 86400 * 2, (int)day - MODEL_FIRST, minute) * 1000)
			fail_msg("%s: instant of day %lld minute %d", m->zone, (long long)day,
				 minute);
	}
}

static void
random_calendars(void **state)
{
	static struct model m;

	begin("random calendars");
	for (int i = 0; i < rounds(160); i++) {
		struct calendar *c;

		model_make(&m, zones[model_random(ZONES)]);
		model_use(&m);
		c = again(model_compile(&m));
		compare_days(&m, c);
		compare_times(&m, c);
		calendar_free(c);
	}
	buf_free(&m.ics);
	buf_free(&m.terms);
}

/* --- what files say --- */

#define EV(lines)   "BEGIN:VEVENT\n" lines "END:VEVENT\n"
#define CAL(events) "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n" events "END:VCALENDAR\n"

static int
compile(const char *text, bool is_terms, struct calendar **out, struct err *e)
{
	struct calendar_file f = {.name = "c.ics"};
	struct calendar_source src = {.name = "c",
				      .zone = "Europe/London",
				      .week = "mon-sun",
				      .hours = "08:00-18:00",
				      .closed = &f,
				      .nclosed = !is_terms,
				      .terms = &f,
				      .nterms = is_terms};
	int rc;

	buf_adds(&f.text, text);
	rc = calendar_compile(&src, out, e);
	buf_free(&f.text);
	return rc;
}

/* The lines of the compiled text that begin with the word, without it, between blanks. */
static void
lines_of(const struct calendar *c, const char *word, struct buf *out)
{
	struct buf text = {0};
	char *next, *line;

	calendar_format(c, &text);
	next = (char *)text.data;
	while ((line = strsep(&next, "\n")) != NULL)
		if (strncmp(line, word, strlen(word)) == 0 && line[strlen(word)] == ' ')
			buf_addf(out, "%s|", line + strlen(word) + 1);
	buf_free(&text);
}

static void
what_files_say(void **state)
{
	static const struct {
		const char *text, *word, *want;
	} rows[] = {
	    {CAL(EV("DTSTART;VALUE=DATE:20261225\n")), "closed", "2026-12-25 2026-12-25|"},
	    {CAL(EV("DTSTART:20261225\n")), "closed", "2026-12-25 2026-12-25|"},
	    {CAL(EV("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261229\n")), "closed",
	     "2026-12-25 2026-12-28|"},
	    {CAL(EV("DTSTART;VALUE=DATE:20261225\nDURATION:P1W\n")), "closed",
	     "2026-12-25 2026-12-31|"},
	    /* two events that touch are one range */
	    {CAL(EV("DTSTART;VALUE=DATE:20261225\n") EV("DTSTART;VALUE=DATE:20261226\n")), "closed",
	     "2026-12-25 2026-12-26|"},
	    /* the 29th of February comes in leap years */
	    {CAL(EV("DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY;COUNT=3\n")), "closed",
	     "2024-02-29 2024-02-29|2028-02-29 2028-02-29|2032-02-29 2032-02-29|"},
	    {CAL(EV("DTSTART;VALUE=DATE:20260504\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=1MO;UNTIL="
		    "20280601\n")),
	     "closed", "2026-05-04 2026-05-04|2027-05-03 2027-05-03|2028-05-01 2028-05-01|"},
	    {CAL(EV("DTSTART;VALUE=DATE:20260831\nRRULE:FREQ=YEARLY;BYMONTH=8;BYDAY=-1MO;COUNT=2\n"
		    "EXDATE;VALUE=DATE:20260831\nRDATE;VALUE=DATE:20260901,20260903\n")),
	     "closed", "2026-09-01 2026-09-01|2026-09-03 2026-09-03|2027-08-30 2027-08-30|"},
	    /* one of a series is moved, one cancelled */
	    {CAL(EV("UID:a\nDTSTART;VALUE=DATE:20260105\nRRULE:FREQ=WEEKLY;COUNT=3\n") EV(
		 "UID:a\nRECURRENCE-ID;VALUE=DATE:20260112\nDTSTART;VALUE=DATE:20260114\n")
		     EV("UID:a\nRECURRENCE-ID;VALUE=DATE:20260119\nDTSTART;VALUE=DATE:20260119\n"
			"STATUS:CANCELLED\n")),
	     "closed", "2026-01-05 2026-01-05|2026-01-14 2026-01-14|"},
	    {CAL(EV("DTSTART;VALUE=DATE:20260105\n")
		     EV("DTSTART;VALUE=DATE:20260107\nSTATUS:CANCELLED\n")),
	     "closed", "2026-01-05 2026-01-05|"},
	    /* hours: on the zone's clock, in UTC, in another zone, floating; clipped, merged */
	    {CAL(EV("DTSTART;TZID=Europe/London:20260701T120000\nDURATION:PT90M\n")), "shut",
	     "2026-07-01 12:00-13:30|"},
	    {CAL(EV("DTSTART:20260701T120000Z\nDTEND:20260701T123000Z\n")), "shut",
	     "2026-07-01 13:00-13:30|"},
	    {CAL(EV("DTSTART;TZID=America/New_York:20260701T120000\nDURATION:PT30M\n")), "shut",
	     "2026-07-01 17:00-17:30|"},
	    {CAL(EV("DTSTART:20260701T070000\nDTEND:20260701T090000\n")
		     EV("DTSTART:20260701T085500\nDTEND:20260701T100030\n")),
	     "shut", "2026-07-01 08:00-10:01|"},
	    {CAL(EV("DTSTART:20260701T120000\nDTEND:20260703T120000\n")), "shut",
	     "2026-07-01 12:00-18:00|2026-07-03 08:00-12:00|"},
	    {CAL(EV("DTSTART:20260701T120000\nDTEND:20260703T120000\n")), "closed",
	     "2026-07-02 2026-07-02|"},
	    /* an hour of the zone's clock stays that hour over the change of the clocks */
	    {CAL(EV("DTSTART;TZID=Europe/London:20261024T120000\nDURATION:PT1H\n"
		    "RRULE:FREQ=DAILY;COUNT=2\n")),
	     "shut", "2026-10-24 12:00-13:00|2026-10-25 12:00-13:00|"},
	    {CAL(EV("DTSTART:20261024T110000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\n")), "shut",
	     "2026-10-24 12:00-13:00|2026-10-25 11:00-12:00|"},
	    {CAL(EV("DTSTART;TZID=Europe/London:20260701T120000\nDURATION:PT1H\n"
		    "RRULE:FREQ=DAILY;UNTIL=20260702T110000Z\n")),
	     "shut", "2026-07-01 12:00-13:00|2026-07-02 12:00-13:00|"},
	    /* folded lines, lower case, other components, days out of range */
	    {CAL("BEGIN:VTODO\nSUMMARY:x\nEND:VTODO\n" EV(
		 "DTSTART;VALUE\n =DATE:20191231\nDTEND;VALUE=DATE:20200102\nSUMMARY:\n")),
	     "closed", "2020-01-01 2020-01-01|"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct calendar *c = NULL;
		struct buf got = {0};
		struct err e = {0};

		if (compile(rows[i].text, false, &c, &e) < 0)
			fail_msg("%s: %s", rows[i].text, e.text);
		c = again(c);
		lines_of(c, rows[i].word, &got);
		if (strcmp(buf_str(&got), rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].text, buf_str(&got));
		buf_free(&got);
		calendar_free(c);
	}
}

#define DAY "DTSTART;VALUE=DATE:20260105\n"

static void
refusals(void **state)
{
	static const struct {
		const char *text, *names;
		bool is_terms;
	} rows[] = {
	    {"", "c.ics: no event", false},
	    {"hello\n", "c.ics:1: want NAME:VALUE", false},
	    {"VERSION:2.0\n", "c.ics:1: stands outside", false},
	    {"BEGIN:VEVENT\nEND:VEVENT\n", "c.ics:1: want BEGIN:VCALENDAR", false},
	    {CAL(""), "c.ics: no event", false},
	    {"BEGIN:VCALENDAR\nVERSION:2.0\n", "c.ics:2: ends before END:VCALENDAR", false},
	    {CAL("BEGIN:VEVENT\nBEGIN:VEVENT\n"), "c.ics:5: an event inside", false},
	    {CAL("BEGIN:VEVENT\nEND:VTODO\n"), "c.ics:5: ends what is not begun", false},
	    {CAL("BEGIN;X=1:VEVENT\n"), "c.ics:4: a parameter", false},
	    {CAL("\n" EV(DAY)), "c.ics:4: an empty line", false},
	    {CAL(EV("SUMMARY:\x01\n")), "c.ics:5: control", false},
	    {CAL(EV("SUMMARY:\xff\n")), "c.ics:5: control", false},
	    {" BEGIN:VCALENDAR\n", "c.ics:1: goes on", false},
	    {CAL("BEGIN:VTIMEZONE\nBEGIN:STANDARD\nBEGIN:X\nBEGIN:Y\n"), "deeper", false},
	    {CAL(EV("SUMMARY:no start\n")), "c.ics:4: event: no DTSTART", false},
	    {CAL(EV(DAY) EV(DAY DAY)), "c.ics:7: event: DTSTART: given twice", false},
	    {CAL(EV("DTSTART;VALUE=DATE:20260231\n")), "DTSTART: no date", false},
	    {CAL(EV("DTSTART:20260105T250000\n")), "DTSTART: no date or time", false},
	    {CAL(EV("DTSTART;VALUE=DATE:\n" DAY)), "DTSTART", false},
	    {CAL(EV("DTSTART;TZID=Europe/Nowhere:20260105T100000\nDURATION:PT1H\n")),
	     "c.ics:4: event: TZID: Europe/Nowhere: unknown zone", false},
	    {CAL(EV("DTSTART;TZID=../zone.tab:20260105T100000\nDURATION:PT1H\n")), "no zone's name",
	     false},
	    {CAL(EV(DAY "DTEND;VALUE=DATE:20260105\n")), "does not end after DTSTART", false},
	    {CAL(EV(DAY "DTEND:20260106T100000\n")), "DTEND a time", false},
	    {CAL(EV(DAY "DTEND;VALUE=DATE:20260107\nDURATION:P1D\n")), "DTEND and DURATION", false},
	    {CAL(EV(DAY "DURATION:PT1H\n")), "a part of a day", false},
	    {CAL(EV(DAY "DURATION:-P1D\n")), "does not end after", false},
	    {CAL(EV(DAY "DURATION:1 day\n")), "DURATION", false},
	    {CAL(EV("DTSTART:20260105T100000\n")), "does not end after", false},
	    {CAL(EV(DAY "RRULE:FREQ=WEEKLY\n")), "c.ics:4: event: RRULE: endless", false},
	    {CAL(EV(DAY "RRULE:FREQ=WEEKLY;COUNT=0\n")), "RRULE", false},
	    {CAL(EV(DAY "RRULE:FREQ=SOMETIMES;COUNT=2\n")), "RRULE", false},
	    {CAL(EV(DAY "RRULE:FREQ=HOURLY;COUNT=2\n")), "FREQ: want DAILY", false},
	    {CAL(EV(DAY "RRULE:FREQ=DAILY;COUNT=2\nRRULE:FREQ=DAILY;COUNT=3\n")),
	     "RRULE: given twice", false},
	    {CAL(EV(DAY "DURATION:P2D\nRRULE:FREQ=DAILY;COUNT=20001\n")), "more days than", false},
	    {CAL(EV(DAY "RRULE:FREQ=DAILY;UNTIL=20260110T000000Z\n")), "UNTIL: want a date", false},
	    {CAL(EV("DTSTART;TZID=Europe/London:20260105T100000\nDURATION:PT1H\n"
		    "RRULE:FREQ=DAILY;UNTIL=20260110T000000\n")),
	     "UNTIL: want a time in UTC", false},
	    {CAL(EV(DAY "RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=3\n")), "DTSTART is not its first",
	     false},
	    {CAL(EV(DAY "RRULE:RSCALE=HEBREW;FREQ=YEARLY;COUNT=2\n")), "RRULE: RSCALE", false},
	    {CAL(EV(DAY "EXDATE:20260105T000000Z\n")), "EXDATE: want dates", false},
	    {CAL(EV(DAY "RDATE:20260105T000000Z\n")), "RDATE: want dates", false},
	    {CAL(EV(DAY "RDATE;VALUE=PERIOD:20260105T000000Z/PT1H\n")), "RDATE: want", false},
	    {CAL(EV(DAY "EXRULE:FREQ=DAILY;COUNT=2\n")), "EXRULE", false},
	    {CAL(EV(DAY "UID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260105\n")), "RANGE",
	     false},
	    {CAL(EV(DAY "RECURRENCE-ID;VALUE=DATE:20260105\n")), "without UID", false},
	    {CAL(EV(DAY "UID:a\nRECURRENCE-ID;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;COUNT=2\n")),
	     "RECURRENCE-ID and RRULE", false},
	    {CAL(EV("DTSTART;VALUE=DATE:20190105\n")), "no day of it lies within", false},
	    {CAL(EV(DAY "DTEND;VALUE=DATE:21260105\n")), "more days than", false},
	    {CAL(EV("DTSTART:20260105T100000\nDURATION:PT1H\n")), "a term has whole days", true},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct calendar *c = NULL;
		struct err e = {0};

		if (compile(rows[i].text, rows[i].is_terms, &c, &e) == 0)
			fail_msg("%s: taken", rows[i].text);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_null(c);
		if (strstr(e.text, rows[i].names) == NULL)
			fail_msg("%s: %s", rows[i].text, e.text);
	}
}

static void
refuses_settings(void **state)
{
	static const struct {
		struct calendar_source src;
		const char *names;
	} rows[] = {
	    {{.name = "C", .zone = "UTC", .week = "mon-fri", .hours = "00:00-24:00"}, "name"},
	    {{.name = "c", .zone = "", .week = "mon-fri", .hours = "00:00-24:00"},
	     "no zone's name"},
	    {{.name = "c", .zone = "Europe", .week = "mon-fri", .hours = "00:00-24:00"},
	     "unknown zone"},
	    {{.name = "c", .zone = "Mars/Base", .week = "mon-fri", .hours = "00:00-24:00"},
	     "zone: Mars/Base: unknown zone"},
	    {{.name = "c", .zone = "tzdata.zi", .week = "mon-fri", .hours = "00:00-24:00"},
	     "no zone's name"},
	    {{.name = "c", .zone = "UTC", .week = "sun-thu", .hours = "00:00-24:00"}, "week"},
	    {{.name = "c", .zone = "UTC", .week = "mon-fri", .hours = "16:30-08:30"}, "hours"},
	    {{.name = "c", .zone = "UTC", .week = "mon-fri", .hours = "08:30-08:30"}, "hours"},
	    {{.name = "c", .zone = "UTC", .week = "mon-fri", .hours = "08:30-24:01"}, "hours"},
	    {{.name = "c", .zone = "UTC", .week = "mon-fri", .hours = "08:60-10:00"}, "hours"},
	    {{.name = "c", .zone = "UTC", .week = "mon-fri", .hours = "8:30-10:00"}, "hours"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct calendar *c = NULL;
		struct err e = {0};

		assert_int_equal(calendar_compile(&rows[i].src, &c, &e), -1);
		assert_int_equal(e.code, ERR_CONFIG);
		if (strstr(e.text, rows[i].names) == NULL)
			fail_msg("%zu: %s", i, e.text);
	}
}

#define HEAD "calendar c\nzone UTC\nweek mon-fri\nhours 08:30-16:30\noffset 0\n"

/* The compiled text has one form: everything else is refused with its line. */
static void
refuses_text(void **state)
{
	static const struct {
		const char *text, *names;
	} rows[] = {
	    {"", "line 1"},
	    {"calendar c", "line 1"},
	    {"calendar C\n", "line 1: calendar C: want"},
	    {"calendar c\nzone ../x\n", "line 2"},
	    {"calendar c\nzone UTC\nweek mon\n", "line 3"},
	    {"calendar c\nzone UTC\nweek mon-fri\nhours 24:00-08:00\n", "line 4"},
	    {"calendar c\nzone UTC\nweek mon-fri\nhours 08:00-24:00\noffset +0\n", "line 5"},
	    {"calendar c\nzone UTC\nweek mon-fri\nhours 08:00-24:00\noffset 93601\n", "line 5"},
	    {HEAD, "line 6"},
	    {HEAD "closed 2026-01-01 2026-01-02\n", "line 7"},
	    {HEAD "changed\nend\n", "line 6: changed: want change"},
	    {HEAD "change 2026-03-29T01:00:00Z\nend\n", "line 6"},
	    {HEAD "change 2026-03-29T01:00:00Z 0\nend\n", "another offset"},
	    {HEAD "change 2019-03-29T01:00:00Z 3600\nend\n", "later"},
	    {HEAD "change 2026-03-29T01:00:00Z 3600\nchange 2026-03-29T01:00:00Z 0\nend\n",
	     "line 7"},
	    {HEAD "closed 2026-01-02 2026-01-01\nend\n", "the first not after"},
	    {HEAD "closed 2019-12-31 2026-01-01\nend\n", "within 2020"},
	    {HEAD "closed 2026-01-01 2070-01-01\nend\n", "within 2020"},
	    {HEAD "closed 2026-01-01\nend\n", "two dates"},
	    {HEAD "closed 2026-01-05 2026-01-05\nclosed 2026-01-01 2026-01-01\nend\n", "line 6"},
	    {HEAD "closed 2026-01-01 2026-01-02\nclosed 2026-01-03 2026-01-03\nend\n", "line 6"},
	    {HEAD "closed 2026-01-01 2026-01-02\nterm 2026-01-03 2026-01-03\nend\n", "line 6"},
	    {HEAD "shut 2026-01-01 08:00-09:00\nend\n", "within the office hours"},
	    {HEAD "shut 2026-01-01 08:30-16:30\nend\n", "left open"},
	    {HEAD "shut 2026-01-01 09:00-10:00\nshut 2026-01-01 10:00-11:00\nend\n", "after those"},
	    {HEAD "shut 2026-01-02 09:00-10:00\nshut 2026-01-01 10:00-11:00\nend\n", "after those"},
	    {HEAD "shut 2026-01-02 9:00-10:00\nend\n", "a date and hours"},
	    {HEAD "shut 2026-13-02 09:00-10:00\nend\n", "a date and hours"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct calendar *c = NULL;
		struct err e = {0};
		size_t taken;

		if (calendar_parse(rows[i].text, strlen(rows[i].text), &taken, &c, &e) == 0)
			fail_msg("%s: taken", rows[i].text);
		assert_int_equal(e.code, ERR_FORMAT);
		assert_null(c);
		if (strstr(e.text, rows[i].names) == NULL)
			fail_msg("%s: %s", rows[i].text, e.text);
	}
}

/* --- the calendars that are shipped --- */

static void
shipped(const char *name, struct calendar_file *f)
{
	char path[512];
	FILE *in;
	size_t n;

	snprintf(path, sizeof path, "%s/conf/calendars/%s", getenv("TOP"), name);
	assert_non_null(in = fopen(path, "rb"));
	do {
		buf_reserve(&f->text, 4096);
		n = fread(f->text.data + f->text.len, 1, 4096, in);
		f->text.len += n;
	} while (n > 0);
	fclose(in);
	f->name = name;
}

/* Easter Sunday (Oudin's algorithm), as days since 1970. */
static int64_t
easter(int y)
{
	int g = y % 19, c = y / 100, h = (c - c / 4 - (8 * c + 13) / 25 + 19 * g + 15) % 30;
	int i = h - h / 28 * (1 - 29 / (h + 1) * ((21 - g) / 11));
	int j = (y + y / 4 + i + 2 - c + c / 4) % 7, l = i - j, month = 3 + (l + 40) / 44;
	char text[16];
	int64_t day;

	snprintf(text, sizeof text, "%04d-%02d-%02d", y, month, l + 28 - 31 * (month / 4));
	assert_int_equal(date_parse(text, &day), 0);
	return day;
}

static int
week_day(int64_t day) /* Monday 0 */
{
	return (int)((day + 3) % 7);
}

static int64_t
date(int y, int month, int day)
{
	char text[16];
	int64_t out;

	snprintf(text, sizeof text, "%04d-%02d-%02d", y, month, day);
	assert_int_equal(date_parse(text, &out), 0);
	return out;
}

/* Banking and Financial Dealings Act 1971, schedule 1, and the days by proclamation; a day on a
 * weekend is kept, and its substitute is the next day that is neither weekend nor a holiday. */
static void
bank_holidays(int y, bool *days)
{
	int64_t first = date(y, 1, 1), d = first,
		fixed[] = {first, date(y, 12, 25), date(y, 12, 26)};

	days[easter(y) - 2 - first] = days[easter(y) + 1 - first] = true;
	for (d = date(y, 5, 1); week_day(d) != 0; d++)
		;
	days[d - first] = true;
	for (int month = 5; month <= 8; month += 3) {
		for (d = date(y, month, 31); week_day(d) != 0; d--)
			;
		days[d - first] = true;
	}
	for (int i = 0; i < 3; i++)
		days[fixed[i] - first] = true;
	for (int i = 0; i < 3; i++) {
		for (d = fixed[i]; week_day(d) > 4 || (d > fixed[i] && days[d - first]); d++)
			;
		days[d - first] = true;
	}
}

static void
england_and_wales(void **state)
{
	struct calendar_file f = {0};
	struct calendar *c = NULL;
	struct err e = {0};

	shipped("england-wales.ics", &f);
	assert_int_equal(calendar_compile(&(struct calendar_source){"c", "Europe/London", "mon-sun",
								    "00:00-24:00", &f, NULL, 1, 0},
					  &c, &e),
			 0);
	for (int y = 2026; y <= 2029; y++) {
		bool days[366] = {false};

		bank_holidays(y, days);
		for (int64_t d = date(y, 1, 1); d <= date(y, 12, 31); d++)
			if (calendar_is_day(c, d, CALENDAR_WORKING) == days[d - date(y, 1, 1)]) {
				char text[DATE_TEXT];

				date_format(text, d);
				fail_msg("%s", text);
			}
	}
	calendar_free(c);
	buf_free(&f.text);
}

static void
example_school(void **state)
{
	struct calendar_file closed[2] = {0}, terms = {0};
	struct calendar *c = NULL;
	struct err e = {0};
	int days = 0;

	shipped("england-wales.ics", &closed[0]);
	shipped("example-inset.ics", &closed[1]);
	shipped("example-terms.ics", &terms);
	assert_int_equal(
	    calendar_compile(&(struct calendar_source){"c", "Europe/London", "mon-fri",
						       "08:00-16:30", closed, &terms, 2, 1},
			     &c, &e),
	    0);
	for (int64_t d = date(2026, 9, 1); d <= date(2027, 7, 31); d++)
		days += calendar_is_day(c, d, CALENDAR_SCHOOL);
	assert_int_equal(days, 192); /* 190 and some to spare */
	assert_false(calendar_is_day(c, date(2026, 9, 1), CALENDAR_SCHOOL)); /* inset */
	assert_true(calendar_is_day(c, date(2026, 9, 2), CALENDAR_SCHOOL));
	calendar_free(c);
	buf_free(&closed[0].text);
	buf_free(&closed[1].text);
	buf_free(&terms.text);
}

/* Warned of from a named number of days before the last year of closed days, or the last term,
 * ends; never of dates that a calendar does not have. */
static void
what_ends_is_warned_of(void **state)
{
	static const char head[] =
	    "calendar c\nzone UTC\nweek mon-fri\nhours 08:00-17:00\noffset 0\n";
	static const struct {
		const char *days, *now;
		bool closed, terms;
	} rows[] = {
	    {"", "2029-12-31T12:00:00Z", false, false},
	    {"closed 2029-12-25 2029-12-26\n", "2029-10-02T23:59:59Z", false, false},
	    {"closed 2029-12-25 2029-12-26\n", "2029-10-03T00:00:00Z", true, false},
	    {"closed 2029-12-25 2029-12-26\n", "2031-01-01T00:00:00Z", true, false},
	    {"closed 2029-01-01 2029-01-01\n", "2029-10-02T23:59:59Z", false, false},
	    {"closed 2029-12-31 2030-01-01\n", "2029-12-31T00:00:00Z", false, false},
	    {"closed 2028-01-03 2028-01-03\nshut 2029-12-24 12:00-17:00\n", "2029-10-02T00:00:00Z",
	     false, false},
	    {"shut 2029-12-24 12:00-17:00\n", "2029-10-03T00:00:00Z", true, false},
	    {"term 2028-06-05 2028-07-21\n", "2028-04-22T23:59:59Z", false, false},
	    {"term 2028-06-05 2028-07-21\n", "2028-04-23T00:00:00Z", false, true},
	    {"term 2028-06-05 2028-07-21\nclosed 2028-12-25 2028-12-25\n", "2028-11-01T00:00:00Z",
	     true, true},
	    {"closed 2069-12-25 2069-12-25\n", "2069-12-01T00:00:00Z", true, false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct calendar *c = NULL;
		struct buf text = {0};
		struct err e = {0};
		size_t taken;
		int64_t now;

		buf_addf(&text, "%s%send\n", head, rows[i].days);
		assert_int_equal(time_parse(rows[i].now, &now), 0);
		if (calendar_parse(text.data, text.len, &taken, &c, &e) < 0)
			fail_msg("row %zu: %s", i, e.text);
		if (calendar_is_ending(c, CALENDAR_WORKING, now) != rows[i].closed ||
		    calendar_is_ending(c, CALENDAR_SCHOOL, now) != rows[i].terms)
			fail_msg("row %zu: %s at %s", i, rows[i].days, rows[i].now);
		calendar_free(c);
		buf_free(&text);
	}
	assert_int_equal(calendar_known_until(calendar_always(), CALENDAR_WORKING), -1);
}

static void
always_open(void **state)
{
	const struct calendar *c = calendar_always();
	int from, to, minute;

	assert_true(calendar_is_day(c, 20454, CALENDAR_SCHOOL));
	assert_false(calendar_is_day(c, CALENDAR_FIRST_DAY - 1, CALENDAR_WORKING));
	assert_false(calendar_is_day(c, CALENDAR_LAST_DAY + 1, CALENDAR_WORKING));
	assert_int_equal(calendar_next_day(c, CALENDAR_LAST_DAY + 1, CALENDAR_WORKING), -1);
	assert_int_equal(calendar_next_day(c, 0, CALENDAR_WORKING), CALENDAR_FIRST_DAY);
	calendar_hours(c, 20454, &from, &to);
	assert_true(from == 0 && to == 1440);
	assert_int_equal(calendar_instant(c, 20454, 1440), 20455 * TIME_DAY_MS);
	assert_int_equal(calendar_local_day(c, -1, &minute), -1);
	assert_int_equal(minute, 1439);
	assert_true(calendar_open_between(c, 20454 * TIME_DAY_MS, 20454 * TIME_DAY_MS + 1));
	assert_false(calendar_open_between(c, 20454 * TIME_DAY_MS, 20454 * TIME_DAY_MS));
	assert_false(calendar_has_terms(c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_calendars),	 cmocka_unit_test(what_files_say),
	    cmocka_unit_test(refusals),		 cmocka_unit_test(refuses_settings),
	    cmocka_unit_test(england_and_wales), cmocka_unit_test(example_school),
	    cmocka_unit_test(refuses_text),	 cmocka_unit_test(what_ends_is_warned_of),
	    cmocka_unit_test(always_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
