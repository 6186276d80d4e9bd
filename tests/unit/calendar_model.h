/* calendar_model.h - a plain, slow model of calendars, sharing nothing with the library: days are
 * flags, time is walked a quarter of an hour at a time on the C library's own clock. It writes the
 * iCalendar files that say the same. */
#ifndef CALENDAR_MODEL_H
#define CALENDAR_MODEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "safehand/calendar.h"

#define MODEL_FIRST   19358 /* 2023-01-01 */
#define MODEL_DAYS    2600  /* seven years, with two leap days in it */
#define MODEL_QUARTER (15 * 60)

struct model {
	const char *zone;
	int week, from, to; /* open days of the week, minutes */
	bool closed[MODEL_DAYS], term[MODEL_DAYS], has_terms;
	bool shut[MODEL_DAYS][96]; /* quarters of an hour */
	struct buf ics, terms;
};

static uint64_t model_seed = 88172645463325252u;

static uint64_t
model_random(uint64_t below)
{
	model_seed ^= model_seed << 13;
	model_seed ^= model_seed >> 7;
	model_seed ^= model_seed << 17;
	return model_seed % below;
}

static void
model_date(char out[static 9], int day)
{
	time_t t = (time_t)day * 86400;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 9, "%Y%m%d", &tm);
}

static void
model_close(struct model *m, int day)
{
	if (day >= MODEL_FIRST && day < MODEL_FIRST + MODEL_DAYS)
		m->closed[day - MODEL_FIRST] = true;
}

static void
model_begin(struct buf *b)
{
	buf_clear(b);
	buf_adds(b, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\n");
}

/* One event of closed days: by itself, over several days, each week or year, with one left out. */
static void
model_closed_event(struct model *m)
{
	int day = MODEL_FIRST + (int)model_random(MODEL_DAYS), n = 1 + (int)model_random(14);
	int count = 2 + (int)model_random(6), skip = (int)model_random((uint64_t)count);
	int step = 7 * (1 + (int)model_random(3));
	char date[9], end[9], out[9];

	model_date(date, day);
	model_date(end, day + n);
	model_date(out, day + skip * step);
	switch (model_random(4)) {
	case 0:
		buf_addf(&m->ics, "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:%s\r\nEND:VEVENT\r\n", date);
		model_close(m, day);
		break;
	case 1:
		buf_addf(&m->ics,
			 "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:%s\r\nDTEND;VALUE=DATE:%s\r\nSUMMARY:"
			 "away\r\n"
			 "END:VEVENT\r\n",
			 date, end);
		for (int i = 0; i < n; i++)
			model_close(m, day + i);
		break;
	case 2:
		buf_addf(&m->ics,
			 "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:%s\r\nRRULE:FREQ=WEEKLY;INTERVAL=%d;"
			 "COUNT=%d\r\n"
			 "EXDATE;VALUE=DATE:%s\r\nEND:VEVENT\r\n",
			 date, step / 7, count, out);
		for (int i = 0; i < count; i++)
			if (i != skip)
				model_close(m, day + i * step);
		break;
	case 3:
		model_date(out, day + 3 * count);
		buf_addf(&m->ics,
			 "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:%s\r\nDURATION:P2D\r\nRRULE:FREQ="
			 "DAILY;INTERVAL=3;"
			 "UNTIL=%s\r\nEND:VEVENT\r\n",
			 date, out);
		for (int i = 0; i <= count; i++)
			for (int k = 0; k < 2; k++)
				model_close(m, day + 3 * i + k);
		break;
	}
}

/* Closed hours of one day on the zone's own clock. */
static void
model_hours_event(struct model *m)
{
	int i = (int)model_random(MODEL_DAYS), from = 16 + (int)model_random(70);
	int to = from + 1 + (int)model_random((uint64_t)(88 - from) + 1);
	char date[9];

	model_date(date, MODEL_FIRST + i);
	buf_addf(&m->ics,
		 "BEGIN:VEVENT\r\nDTSTART;TZID=%s:%sT%02d%02d00\r\nDTEND;TZID=%s:%sT%02d%"
		 "02d00\r\nEND:VEVENT\r\n",
		 m->zone, date, from / 4, from % 4 * 15, m->zone, date, to / 4, to % 4 * 15);
	for (int k = from; k < to; k++)
		m->shut[i][k] = true;
}

static void
model_terms(struct model *m)
{
	model_begin(&m->terms);
	for (int i = 0; i < MODEL_DAYS;) {
		int n = 20 + (int)model_random(60);
		char date[9], end[9];

		model_date(date, MODEL_FIRST + i);
		model_date(end, MODEL_FIRST + i + n);
		buf_addf(&m->terms,
			 "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:%s\r\nDTEND;VALUE=DATE:%s\r\nEND:"
			 "VEVENT\r\n",
			 date, end);
		for (int k = i; k < i + n && k < MODEL_DAYS; k++)
			m->term[k] = true;
		i += n + 5 + (int)model_random(40);
	}
	buf_adds(&m->terms, "END:VCALENDAR\r\n");
}

/* A random calendar, its files and the text of its settings. */
static void
model_make(struct model *m, const char *zone)
{
	struct buf ics = m->ics, terms = m->terms;

	memset(m, 0, sizeof *m);
	m->ics = ics, m->terms = terms;
	m->zone = zone;
	m->week = 5 + (int)model_random(3);
	m->from = model_random(3) == 0 ? 0 : (16 + (int)model_random(30)) * 15;
	m->to = m->from == 0
		    ? 1440
		    : m->from + 15 * (1 + (int)model_random((uint64_t)(92 - m->from / 15)));
	model_begin(&m->ics);
	for (int i = (int)model_random(60) + 1; i > 0; i--)
		model_closed_event(m);
	for (int i = (int)model_random(200); i > 0; i--)
		model_hours_event(m);
	buf_adds(&m->ics, "END:VCALENDAR\r\n");
	if ((m->has_terms = model_random(2) == 0))
		model_terms(m);
}

static struct calendar *
model_compile_as(struct model *m, const char *name)
{
	struct calendar_file closed = {"closed.ics", m->ics}, terms = {"terms.ics", m->terms};
	struct calendar *c = NULL;
	struct err e = {0};
	char hours[48], week[8];

	snprintf(hours, sizeof hours, "%02d:%02d-%02d:%02d", m->from / 60, m->from % 60, m->to / 60,
		 m->to % 60);
	snprintf(week, sizeof week, "mon-%s", m->week == 5 ? "fri" : m->week == 6 ? "sat" : "sun");
	if (calendar_compile(&(struct calendar_source){.name = name,
						       .zone = m->zone,
						       .week = week,
						       .hours = hours,
						       .closed = &closed,
						       .nclosed = 1,
						       .terms = &terms,
						       .nterms = m->has_terms},
			     &c, &e) < 0) {
		fprintf(stderr, "%s\n%s%s", e.text, buf_str(&m->ics), buf_str(&m->terms));
		abort();
	}
	return c;
}

static inline struct calendar *
model_compile(struct model *m)
{
	return model_compile_as(m, "model");
}

/* --- the clock --- */

static void
model_use(const struct model *m)
{
	char tz[256];

	snprintf(tz, sizeof tz, ":/usr/share/zoneinfo/%s", m->zone);
	setenv("TZ", tz, 1);
	tzset();
}

/* Local day (of the model, may be outside) and minute. */
static int
model_local(int64_t at, int *minute)
{
	time_t t = (time_t)at;
	struct tm tm;

	localtime_r(&t, &tm);
	*minute = tm.tm_hour * 60 + tm.tm_min;
	return (int)((at + tm.tm_gmtoff) / 86400) - MODEL_FIRST;
}

static bool
model_is_shut(const struct model *m, int day, int minute)
{
	return minute < m->from || minute >= m->to || m->shut[day][minute / 15];
}

static bool
model_is_day(const struct model *m, int day, bool school)
{
	bool any = false;

	if (m->closed[day] || (day + MODEL_FIRST + 3) % 7 >= m->week ||
	    (school && m->has_terms && !m->term[day]))
		return false;
	for (int q = 0; q < 96; q++)
		any |= !model_is_shut(m, day, q * 15);
	return any;
}

static int
model_close_of(const struct model *m, int day)
{
	int q = 95;

	while (model_is_shut(m, day, q * 15))
		q--;
	return q * 15 + 15;
}

/* The first quarter of an hour on the world's clock, after from, at which the zone's clock is at
 * the minute of the day or past it. */
static int64_t
model_reach(int64_t from, int day, int minute)
{
	for (int64_t at = from / MODEL_QUARTER * MODEL_QUARTER;; at += MODEL_QUARTER) {
		int m, d = model_local(at, &m);

		if (d > day || (d == day && m >= minute))
			return at;
	}
}

#endif
