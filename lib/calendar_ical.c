/* calendar_ical.c - the door to libical: the events of iCalendar files (RFC 5545) as days and
 * hours. Runs in: master, when it checks the configuration. Owns: what libical parsed. Trusts: the
 * administrator's choice of files, not what stands in them. */
#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calendar_build.h"
#include "ical_text.h"
#include "safehand/time.h"

/* A point of time as an event says it. */
struct when {
	bool is_date;
	int64_t local; /* seconds of its zone's clock, as if UTC */
	struct zone zone;
	bool is_floating;
};

/* A changed occurrence of another event: that one is not where its rule puts it. */
struct override {
	const char *uid;
	int64_t key;
};

/* A file while its events are taken. */
struct file {
	struct calendar_build *b;
	const char *name;
	bool is_terms;
	struct override *overrides;
	size_t noverrides;
	struct err *e;
};

/* One event. */
struct event {
	struct file *f;
	icalcomponent *c;
	size_t line;
	struct when start;
	int64_t span; /* days, or seconds */
	int64_t *except;
	size_t nexcept;
};

static int
refuse(const struct event *ev, const char *what)
{
	return err_set(ev->f->e, ERR_CONFIG, "%s:%zu: event: %s", ev->f->name, ev->line, what);
}

static int
refuse_about(const struct event *ev, const char *name, const char *what)
{
	return err_set(ev->f->e, ERR_CONFIG, "%s:%zu: event: %s: %s", ev->f->name, ev->line, name,
		       what);
}

static int
local_of(const icaltimetype *t, int64_t *local)
{
	char date[64];
	int64_t day;

	snprintf(date, sizeof date, "%04d-%02d-%02d", t->year, t->month, t->day);
	if (date_parse(date, &day) < 0)
		return -1;
	*local = day * 86400;
	if (t->is_date)
		return 0;
	if (t->hour < 0 || t->hour > 23 || t->minute < 0 || t->minute > 59 || t->second < 0 ||
	    t->second > 59)
		return -1;
	*local += t->hour * 3600 + t->minute * 60 + t->second;
	return 0;
}

static int
take_zone(struct event *ev, icalproperty *p, const icaltimetype *t, struct when *out)
{
	icalparameter *id = icalproperty_get_first_parameter(p, ICAL_TZID_PARAMETER);
	struct err why;

	if (out->is_date || icaltime_is_utc(*t))
		return 0; /* a zone without changes: UTC */
	if (id == NULL) {
		out->zone = ev->f->b->c->zone;
		out->is_floating = true;
		return 0;
	}
	if (calendar_build_zone(icalparameter_get_tzid(id), &out->zone, &why) < 0)
		return refuse_about(ev, "TZID", why.text);
	return 0;
}

static int
take_when(struct event *ev, icalproperty *p, struct when *out)
{
	const char *name = icalproperty_get_property_name(p);
	icalvalue *v = icalproperty_get_value(p);
	icalvalue_kind kind = v != NULL ? icalvalue_isa(v) : ICAL_NO_VALUE;
	icaltimetype t;

	if (kind == ICAL_DATE_VALUE)
		t = icalvalue_get_date(v);
	else if (kind == ICAL_DATETIME_VALUE)
		t = icalvalue_get_datetime(v);
	else if (kind == ICAL_DATETIMEPERIOD_VALUE)
		t = icalvalue_get_datetimeperiod(v).time;
	else
		return refuse_about(ev, name, "want a date, or a date and time");
	*out = (struct when){.is_date = t.is_date};
	if (local_of(&t, &out->local) < 0)
		return refuse_about(ev, name, "no date or time of the calendar");
	return take_zone(ev, p, &t, out);
}

/* What is compared: dates by themselves, times by their instant. */
static int64_t
key_of(const struct when *w)
{
	return w->is_date ? w->local : zone_instant(&w->zone, w->local);
}

/* The only property of its kind; NULL if there is none. */
static int
take_only(struct event *ev, icalproperty_kind kind, icalproperty **out)
{
	*out = icalcomponent_get_first_property(ev->c, kind);
	if (*out != NULL && icalcomponent_get_next_property(ev->c, kind) != NULL)
		return refuse_about(ev, icalproperty_kind_to_string(kind), "given twice");
	return 0;
}

/* How long it is: DTEND, DURATION, or a day. */
static int
take_span(struct event *ev)
{
	struct icaldurationtype d;
	icalproperty *end, *duration;
	struct when to;

	if (take_only(ev, ICAL_DTEND_PROPERTY, &end) < 0 ||
	    take_only(ev, ICAL_DURATION_PROPERTY, &duration) < 0)
		return -1;
	if (end != NULL && duration != NULL)
		return refuse(ev, "DTEND and DURATION");
	if (end != NULL) {
		if (take_when(ev, end, &to) < 0)
			return -1;
		if (to.is_date != ev->start.is_date)
			return refuse(ev, "DTSTART is a date and DTEND a time, or the other way");
		ev->span = key_of(&to) - key_of(&ev->start);
	} else if (duration != NULL) {
		d = icalproperty_get_duration(duration);
		ev->span = ((d.weeks * 7LL + d.days) * 86400 + d.hours * 3600LL + d.minutes * 60LL +
			    d.seconds) *
			   (d.is_neg ? -1 : 1);
		if (ev->start.is_date && ev->span % 86400 != 0)
			return refuse(ev, "DURATION of a part of a day after a date");
	} else if (ev->start.is_date) {
		ev->span = 86400;
	}
	if (ev->span <= 0)
		return refuse(ev, "does not end after DTSTART");
	ev->span /= ev->start.is_date ? 86400 : 1;
	return 0;
}

static int
take_exceptions(struct event *ev)
{
	const char *uid = icalcomponent_get_uid(ev->c);
	struct when w;

	for (icalproperty *p = icalcomponent_get_first_property(ev->c, ICAL_EXDATE_PROPERTY);
	     p != NULL; p = icalcomponent_get_next_property(ev->c, ICAL_EXDATE_PROPERTY)) {
		if (take_when(ev, p, &w) < 0)
			return -1;
		if (w.is_date != ev->start.is_date)
			return refuse(ev, "EXDATE: want dates for a date, times for a time");
		ev->except = mem_realloc(ev->except, ev->nexcept + 1, sizeof *ev->except);
		ev->except[ev->nexcept++] = key_of(&w);
	}
	for (size_t i = 0; uid != NULL && i < ev->f->noverrides; i++)
		if (strcmp(ev->f->overrides[i].uid, uid) == 0) {
			ev->except = mem_realloc(ev->except, ev->nexcept + 1, sizeof *ev->except);
			ev->except[ev->nexcept++] = ev->f->overrides[i].key;
		}
	return 0;
}

static int
add_occurrence(struct event *ev, int64_t local)
{
	struct when w = ev->start;
	int64_t key;
	int rc;

	w.local = local;
	key = key_of(&w);
	for (size_t i = 0; i < ev->nexcept; i++)
		if (ev->except[i] == key)
			return 0;
	rc = w.is_date ? calendar_build_days(ev->f->b, ev->f->is_terms, local / 86400, ev->span)
		       : calendar_build_hours(ev->f->b, key, key + ev->span);
	return rc == 0 ? 0 : refuse(ev, "more days than a calendar may have");
}

/* UNTIL as the iterator compares it: on the clock of the event's zone. */
static int
take_until(struct event *ev, struct icalrecurrencetype *rule)
{
	icaltimetype *until = &rule->until;
	int64_t local;

	if (icaltime_is_null_time(*until))
		return 0;
	if (until->is_date != ev->start.is_date)
		return refuse(ev, "RRULE: UNTIL: want a date for a date, a time for a time");
	if (local_of(until, &local) < 0)
		return refuse(ev, "RRULE: UNTIL: no date or time of the calendar");
	if (until->is_date)
		return 0;
	if (!icaltime_is_utc(*until) && !ev->start.is_floating)
		return refuse(ev, "RRULE: UNTIL: want a time in UTC");
	if (icaltime_is_utc(*until))
		local += zone_offset(&ev->start.zone, local);
	*until = icaltime_from_timet_with_zone((time_t)local, 0, NULL);
	return 0;
}

static int
iterate(struct event *ev, struct icalrecurrencetype rule)
{
	icaltimetype start =
	    icaltime_from_timet_with_zone((time_t)ev->start.local, ev->start.is_date, NULL);
	icalrecur_iterator *it = icalrecur_iterator_new(rule, start);
	icaltimetype t;
	int64_t local;
	int rc = -1;

	if (it == NULL)
		return refuse(ev, "RRULE: no rule that can be followed");
	t = icalrecur_iterator_next(it);
	if (icaltime_compare(t, start) != 0) {
		refuse(ev, "RRULE: DTSTART is not its first");
		goto out;
	}
	for (; !icaltime_is_null_time(t); t = icalrecur_iterator_next(it)) {
		if (local_of(&t, &local) < 0 || local > ZONE_TO)
			break;
		if (add_occurrence(ev, local) < 0)
			goto out;
	}
	rc = 0;
out:
	icalrecur_iterator_free(it);
	return rc;
}

static int
take_rule(struct event *ev, icalproperty *p)
{
	struct icalrecurrencetype rule = icalproperty_get_rrule(p);

	if (rule.rscale != NULL)
		return refuse(ev, "RRULE: RSCALE: want the Gregorian calendar");
	if (rule.freq < ICAL_DAILY_RECURRENCE || rule.freq > ICAL_YEARLY_RECURRENCE)
		return refuse(ev, "RRULE: FREQ: want DAILY, WEEKLY, MONTHLY or YEARLY");
	if (rule.count <= 0 && icaltime_is_null_time(rule.until))
		return refuse(ev, "RRULE: endless: want COUNT or UNTIL");
	if (take_until(ev, &rule) < 0)
		return -1;
	return iterate(ev, rule);
}

static int
take_recurrence(struct event *ev)
{
	icalproperty *rule, *id;
	struct when w;

	if (take_only(ev, ICAL_RRULE_PROPERTY, &rule) < 0 ||
	    take_only(ev, ICAL_RECURRENCEID_PROPERTY, &id) < 0)
		return -1;
	if (icalcomponent_get_first_property(ev->c, ICAL_EXRULE_PROPERTY) != NULL)
		return refuse(ev, "EXRULE: withdrawn by RFC 5545: want EXDATE");
	if (id != NULL) { /* one changed occurrence, whatever rule it was taken from */
		if (rule != NULL)
			return refuse(ev, "RECURRENCE-ID and RRULE");
		return add_occurrence(ev, ev->start.local);
	}
	if (take_exceptions(ev) < 0 ||
	    (rule != NULL ? take_rule(ev, rule) : add_occurrence(ev, ev->start.local)) < 0)
		return -1;
	for (icalproperty *p = icalcomponent_get_first_property(ev->c, ICAL_RDATE_PROPERTY);
	     p != NULL; p = icalcomponent_get_next_property(ev->c, ICAL_RDATE_PROPERTY)) {
		if (take_when(ev, p, &w) < 0)
			return -1;
		if (w.is_date != ev->start.is_date)
			return refuse(ev, "RDATE: want dates for a date, times for a time");
		if (!w.is_date) /* on the clock of the event's zone */
			w.local = key_of(&w) + zone_offset(&ev->start.zone, key_of(&w));
		if (add_occurrence(ev, w.local) < 0)
			return -1;
	}
	return 0;
}

/* libical goes on without what it could not read. Not without one of these. */
static int
check_errors(struct event *ev)
{
	static const char *const needed[] = {"DTSTART", "DTEND",  "DURATION",	   "RRULE",
					     "RDATE",	"EXDATE", "RECURRENCE-ID", "UID",
					     "STATUS",	"EXRULE"};

	for (icalproperty *p = icalcomponent_get_first_property(ev->c, ICAL_XLICERROR_PROPERTY);
	     p != NULL; p = icalcomponent_get_next_property(ev->c, ICAL_XLICERROR_PROPERTY)) {
		const char *text = icalproperty_get_xlicerror(p);
		char property[64];

		for (size_t i = 0; text != NULL && i < sizeof needed / sizeof *needed; i++) {
			snprintf(property, sizeof property, " %s property", needed[i]);
			if (strstr(text, property) != NULL)
				return refuse_about(ev, needed[i], text);
		}
	}
	return 0;
}

static int
take_start(struct event *ev)
{
	icalproperty *start, *status;

	if (check_errors(ev) < 0 || take_only(ev, ICAL_DTSTART_PROPERTY, &start) < 0 ||
	    take_only(ev, ICAL_STATUS_PROPERTY, &status) < 0)
		return -1;
	if (start == NULL)
		return refuse(ev, "no DTSTART");
	if (take_when(ev, start, &ev->start) < 0)
		return -1;
	if (ev->f->is_terms && !ev->start.is_date)
		return refuse(ev, "a term has whole days: want DTSTART;VALUE=DATE");
	return 0;
}

static int
take_event(struct event *ev)
{
	icalproperty *status;

	if (take_start(ev) < 0 || take_span(ev) < 0)
		return -1;
	status = icalcomponent_get_first_property(ev->c, ICAL_STATUS_PROPERTY);
	if (status != NULL && icalproperty_get_status(status) == ICAL_STATUS_CANCELLED)
		return 0;
	return take_recurrence(ev);
}

static int
take_override(struct event *ev)
{
	struct file *f = ev->f;
	icalproperty *id;
	struct when w;

	if (take_only(ev, ICAL_RECURRENCEID_PROPERTY, &id) < 0)
		return -1;
	if (id == NULL)
		return 0;
	if (icalproperty_get_first_parameter(id, ICAL_RANGE_PARAMETER) != NULL)
		return refuse(ev, "RECURRENCE-ID: RANGE: want an event of its own");
	if (icalcomponent_get_uid(ev->c) == NULL)
		return refuse(ev, "RECURRENCE-ID without UID");
	if (take_when(ev, id, &w) < 0)
		return -1;
	f->overrides = mem_realloc(f->overrides, f->noverrides + 1, sizeof *f->overrides);
	f->overrides[f->noverrides++] = (struct override){icalcomponent_get_uid(ev->c), key_of(&w)};
	return 0;
}

/* Calls take for each event of a calendar, or of several, with its line. */
static int
each_event(struct file *f, icalcomponent *root, const size_t *lines, size_t n, size_t *i,
	   int (*take)(struct event *))
{
	int rc = 0;

	for (icalcomponent *c = icalcomponent_get_first_component(root, ICAL_ANY_COMPONENT);
	     c != NULL && rc == 0; c = icalcomponent_get_next_component(root, ICAL_ANY_COMPONENT)) {
		struct event ev = {.f = f, .c = c};

		if (icalcomponent_isa(c) == ICAL_VCALENDAR_COMPONENT)
			rc = each_event(f, c, lines, n, i, take);
		if (icalcomponent_isa(c) != ICAL_VEVENT_COMPONENT)
			continue;
		if (*i == n)
			return err_set(f->e, ERR_CONFIG, "%s: events that stand nowhere", f->name);
		ev.line = lines[(*i)++];
		rc = take(&ev);
		free(ev.except);
	}
	return rc;
}

static int
take_events(struct file *f, icalcomponent *root, const size_t *lines, size_t n)
{
	size_t i = 0;

	if (each_event(f, root, lines, n, &i, take_override) < 0)
		return -1;
	i = 0;
	if (each_event(f, root, lines, n, &i, take_event) < 0)
		return -1;
	if (i != n) /* libical dropped one */
		return err_set(f->e, ERR_CONFIG, "%s: %zu of its %zu events can be read", f->name,
			       i, n);
	return 0;
}

int
calendar_ical_take(struct calendar_build *b, const struct calendar_file *file, bool is_terms,
		   struct err *e)
{
	struct file f = {.b = b, .name = file->name, .is_terms = is_terms, .e = e};
	icalcomponent *root = NULL;
	size_t *lines = NULL, n = 0;
	char *text = NULL;
	int rc = -1;

	if (file->text.len > CALENDAR_FILE_MAX)
		return err_set(e, ERR_CONFIG, "%s: %zu bytes, limit %d", file->name, file->text.len,
			       CALENDAR_FILE_MAX);
	if (ical_text_check(file->name, file->text.data, file->text.len, &lines, &n, e) < 0)
		goto out;
	icalerror_set_errors_are_fatal(0);
	b->days = 0;
	text = mem_dup(file->text.data, file->text.len);
	root = icalparser_parse_string(text);
	if (root == NULL) {
		err_set(e, ERR_CONFIG, "%s: no iCalendar", file->name);
		goto out;
	}
	if (take_events(&f, root, lines, n) < 0)
		goto out;
	rc = b->days > 0
		 ? 0
		 : err_set(e, ERR_CONFIG, "%s: no day of it lies within 2020 to 2069", file->name);
out:
	if (root != NULL)
		icalcomponent_free(root);
	icalmemory_free_ring();
	free(f.overrides);
	free(lines);
	free(text);
	return rc;
}
