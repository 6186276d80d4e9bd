/* Deadlines: rules and ladders against plain models over random calendars and times, what they may
 * and may not say. SEED and ROUNDS replay and lengthen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "deadline_model.h"

#include "safehand/deadline.h"
#include "safehand/time.h"

#define HOUR INT64_C(3600000)

static const char *const zones[] = {
    "Europe/London",  "UTC",	      "America/New_York", "Australia/Lord_Howe",
    "Asia/Kathmandu", "Africa/Cairo", "America/Havana",	  "Pacific/Chatham"};

static int
rounds(int def)
{
	return getenv("ROUNDS") != NULL ? atoi(getenv("ROUNDS")) : def;
}

static struct deadline_rule
rule_of(const char *text)
{
	struct deadline_rule r = {0};
	struct err e = {0};

	if (deadline_rule_parse(text, &r, &e) < 0)
		fail_msg("%s", e.text);
	return r;
}

/* --- rules --- */

static void
rule_texts(void **state)
{
	static const char *const same[] = {"within 1 second",
					   "within 90 seconds",
					   "within 2 minutes",
					   "within 90 minutes",
					   "within 4 hours",
					   "within 36 hours",
					   "within 1 day",
					   "within 3660 days",
					   "within 1 working-day",
					   "within 366 working-days",
					   "within 3 school-days",
					   "same working-day",
					   "same school-day",
					   "before 08:30 of the next school-day",
					   "before 00:00 of the next working-day",
					   "before 23:59 of the next working-day"};
	static const char *const other[][2] = {{"within 60 minutes", "within 1 hour"},
					       {"within 1 hours", "within 1 hour"},
					       {"within 24 hours", "within 1 day"},
					       {"within 2 working-day", "within 2 working-days"}};
	static const char *const bad[] = {
	    "",
	    "within",
	    "within 4",
	    "within hours 4",
	    "within 0 hours",
	    "within 04 hours",
	    "within +4 hours",
	    "within 4.5 hours",
	    "within 4  hours",
	    " within 4 hours",
	    "within 4 hours ",
	    "within 4 hours 3 minutes",
	    "within 3661 days",
	    "within 87841 hours",
	    "within 367 working-days",
	    "within 9999999999999999999 days",
	    "within 4 Hours",
	    "within 4 months",
	    "within 1 working-dayss",
	    "same working-days",
	    "same day",
	    "same",
	    "before 8:30 of the next school-day",
	    "before 24:00 of the next school-day",
	    "before 08:60 of the next school-day",
	    "before 08:30 of the next day",
	    "before 08:30 of next school-day",
	    "before 08:30 of the next school-days",
	    "before 08-30 of the next school-day",
	    "by Friday",
	    "within\t4\thours",
	    "within 4 hours within 4 hours within 4 hours within 4 hours within 4 hours x"};
	struct buf text = {0};
	struct deadline_rule r;
	struct err e;

	for (size_t i = 0; i < sizeof same / sizeof *same + sizeof other / sizeof *other; i++) {
		size_t n = sizeof same / sizeof *same;
		const char *in = i < n ? same[i] : other[i - n][0];

		r = rule_of(in);
		buf_clear(&text);
		deadline_rule_format(&r, &text);
		assert_string_equal(buf_str(&text), i < n ? same[i] : other[i - n][1]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (deadline_rule_parse(bad[i], &r, &e) == 0)
			fail_msg("%s: taken", bad[i]);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_non_null(strstr(e.text, ": want within N"));
	}
	buf_free(&text);
}

static struct deadline_rule
random_rule(void)
{
	struct deadline_rule r = {.unit = (enum deadline_unit)model_random(7)};
	struct buf text = {0};

	switch (r.unit) {
	case DEADLINE_CLOCK: r.n = (1 + (int64_t)model_random(400000)) * 1000; break;
	case DEADLINE_WORKING_DAYS:
	case DEADLINE_SCHOOL_DAYS: r.n = 1 + (int64_t)model_random(9); break;
	case DEADLINE_SAME_WORKING:
	case DEADLINE_SAME_SCHOOL: break;
	case DEADLINE_NEXT_WORKING:
	case DEADLINE_NEXT_SCHOOL:
		r.minute = model_random(8) == 0 ? 0 : 240 + 15 * (int)model_random(76);
		break;
	}
	deadline_rule_format(&r, &text);
	r = rule_of(buf_str(&text)); /* what is written is what is read */
	buf_free(&text);
	return r;
}

static void
random_rules(void **state)
{
	static struct model m;

	if (getenv("SEED") != NULL)
		model_seed = strtoull(getenv("SEED"), NULL, 10);
	print_message("random rules: SEED=%llu\n", (unsigned long long)model_seed);
	for (int i = 0; i < rounds(100); i++) {
		struct calendar *c;

		model_make(&m, zones[model_random(sizeof zones / sizeof *zones)]);
		model_use(&m);
		c = model_compile(&m);
		for (int k = 0; k < 100; k++) {
			struct deadline_rule r = random_rule();
			int64_t start =
			    (MODEL_FIRST + 5 + (int64_t)model_random(2300)) * TIME_DAY_MS +
			    (int64_t)model_random(TIME_DAY_MS);
			int64_t want, due = -1;
			struct err e = {0};

			if (model_random(4) == 0)
				start -= start % (15 * 60000);
			if ((want = model_due(&m, &r, start)) < 0)
				continue; /* beyond the model's years */
			if (deadline_due(&r, c, start, &due, &e) < 0 || due != want) {
				struct buf text = {0};

				deadline_rule_format(&r, &text);
				fail_msg("%s: %s from %lld: %lld, want %lld %s", m.zone,
					 buf_str(&text), (long long)start, (long long)due,
					 (long long)want, e.text);
			}
			assert_true(due > start);
		}
		calendar_free(c);
	}
	buf_free(&m.ics);
	buf_free(&m.terms);
}

static int64_t
at(const char *text)
{
	int64_t ms;

	assert_int_equal(time_parse(text, &ms), 0);
	return ms;
}

/* What a person would say of well-known days. */
static void
known_days(void **state)
{
	static const char ics[] =
	    "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n"
	    "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261229\n"
	    "END:VEVENT\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20270101\nEND:VEVENT\n"
	    "END:VCALENDAR\n";
	static const char terms[] =
	    "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n"
	    "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260901\nDTEND;VALUE=DATE:20261219\n"
	    "END:VEVENT\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20270104\n"
	    "DTEND;VALUE=DATE:20270213\nEND:VEVENT\nEND:VCALENDAR\n";
	static const struct {
		const char *rule, *start, *due;
	} rows[] = {
	    {"within 4 hours", "2026-10-25T00:30:00Z", "2026-10-25T04:30:00Z"},
	    {"within 1 working-day", "2026-11-25T16:59:00Z", "2026-11-26T16:30:00Z"},
	    {"within 1 working-day", "2026-11-27T09:00:00Z", "2026-11-30T16:30:00Z"}, /* a Friday */
	    {"within 1 working-day", "2026-12-24T18:00:00Z", "2026-12-29T16:30:00Z"},
	    {"within 3 working-days", "2026-12-30T10:00:00Z", "2027-01-05T16:30:00Z"},
	    {"within 1 working-day", "2026-07-01T10:00:00Z", "2026-07-02T15:30:00Z"}, /* summer */
	    {"within 1 school-day", "2026-12-18T10:00:00Z", "2027-01-04T16:30:00Z"},
	    {"same working-day", "2026-11-25T10:00:00Z", "2026-11-25T16:30:00Z"},
	    {"same working-day", "2026-11-25T16:30:00Z", "2026-11-26T16:30:00Z"},
	    {"same school-day", "2026-12-21T10:00:00Z", "2027-01-04T16:30:00Z"},
	    {"before 08:30 of the next school-day", "2026-11-25T05:00:00Z", "2026-11-25T08:30:00Z"},
	    {"before 08:30 of the next school-day", "2026-11-25T08:30:00Z", "2026-11-26T08:30:00Z"},
	    {"before 08:30 of the next school-day", "2026-11-27T23:00:00Z", "2026-11-30T08:30:00Z"},
	    {"before 08:30 of the next working-day", "2026-12-24T20:00:00Z",
	     "2026-12-29T08:30:00Z"},
	};
	struct calendar_file c = {.name = "c"}, t = {.name = "t"};
	struct calendar *cal = NULL;
	struct err e = {0};
	int64_t due;

	buf_adds(&c.text, ics);
	buf_adds(&t.text, terms);
	assert_int_equal(calendar_compile(&(struct calendar_source){"x", "Europe/London", "mon-fri",
								    "08:30-16:30", &c, &t, 1, 1},
					  &cal, &e),
			 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct deadline_rule r = rule_of(rows[i].rule);
		char got[TIME_TEXT];

		assert_int_equal(deadline_due(&r, cal, at(rows[i].start), &due, &e), 0);
		time_format(got, due);
		if (strcmp(got, rows[i].due) != 0)
			fail_msg("%s from %s: %s", rows[i].rule, rows[i].start, got);
	}
	/* no school day any more */
	for (size_t i = 0; i < 3; i++) {
		static const char *const ended[] = {"within 1 school-day", "same school-day",
						    "before 08:30 of the next school-day"};
		struct deadline_rule r = rule_of(ended[i]);

		assert_int_equal(deadline_due(&r, cal, at("2027-02-12T17:00:00Z"), &due, &e), -1);
		assert_int_equal(e.code, ERR_LIMIT);
		assert_non_null(strstr(e.text, "calendar x"));
	}
	assert_int_equal(deadline_date_due("2026-07-01", cal, &due, &e), 0);
	assert_int_equal(due, at("2026-07-01T23:00:00Z"));
	assert_int_equal(deadline_date_due("2026-02-30", cal, &due, &e), -1);
	assert_int_equal(e.code, ERR_FORMAT);
	for (int k = 0; k < DEADLINE_KINDS; k++)
		assert_true(strlen(deadline_kind_name((enum deadline_kind)k)) > 3);
	calendar_free(cal);
	buf_free(&c.text);
	buf_free(&t.text);
}

/* --- ladders --- */

static void
ladder_texts(void **state)
{
	static const char *const bad[] = {
	    "remind",
	    "remind at 50",
	    "remind at 50 %",
	    "remind at %",
	    "remind at 050%",
	    "remind at -1%",
	    "remind at 10001%",
	    "remind at 1e2%",
	    "remind  at 50%",
	    "overdue at 100%",
	    "notify at 100%",
	    "notify Sender at 100%",
	    "notify csc at 100%",
	    "notify csc/* at 100%",
	    "cover csc/duty at 100%",
	    "remind at 50% at 60%",
	    "",
	    "remind at 50%,",
	    "x",
	    "notify csc/0123456789012345678901234567890123456789012345678901234567890123456789 at "
	    "1%"};
	static const char *const bad_lists[] = {"remind at 50%, ", ", remind at 50%",
						"remind at 50%,cover at 100%", "remind at 50%, x",
						"remind at 50%, remind at 50%"};
	struct ladder l;
	struct buf text = {0};
	struct err e;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ladder_clear(&l);
		if (ladder_add(&l, bad[i], &e) == 0)
			fail_msg("%s: taken", bad[i]);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_int_equal(l.n, 1);
	}
	for (size_t i = 0; i < sizeof bad_lists / sizeof *bad_lists; i++) {
		if (ladder_parse(bad_lists[i], &l, &e) == 0)
			fail_msg("%s: taken", bad_lists[i]);
		assert_int_equal(e.code, ERR_CONFIG);
	}
	assert_int_equal(ladder_parse("", &l, &e), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.step[0].act, LADDER_OVERDUE);
	assert_int_equal(ladder_parse("register at 150%, notify csc/service-manager at 100%, "
				      "notify sender at 100%, cover at 100%, remind at 0%",
				      &l, &e),
			 0);
	ladder_format(&l, &text);
	assert_string_equal(buf_str(&text),
			    "remind at 0%, notify csc/service-manager at 100%, "
			    "notify sender at 100%, cover at 100%, register at 150%");
	assert_int_equal(l.step[1].act, LADDER_OVERDUE);
	assert_string_equal(l.step[2].mailbox, "csc/service-manager");
	ladder_clear(&l);
	for (int i = 0; i < LADDER_MAX - 1; i++) {
		buf_clear(&text);
		buf_addf(&text, "remind at %d%%", i);
		assert_int_equal(ladder_add(&l, buf_str(&text), &e), 0);
	}
	assert_int_equal(ladder_add(&l, "cover at 100%", &e), -1);
	assert_non_null(strstr(e.text, "more than 15 steps"));
	buf_free(&text);
}

/* A step as the model keeps it: in the order in which it was written. */
struct want {
	enum ladder_act act;
	int64_t percent, when;
	bool fired;
};

static size_t
random_ladder(struct ladder *l, struct want want[static LADDER_MAX])
{
	static const char *const acts[] = {"remind",	 "cover",	  "notify a/b",
					   "notify c/d", "notify sender", "register"};
	static const enum ladder_act act[] = {LADDER_REMIND, LADDER_COVER,	   LADDER_NOTIFY,
					      LADDER_NOTIFY, LADDER_NOTIFY_SENDER, LADDER_REGISTER};
	size_t n = 1;

	ladder_clear(l);
	want[0] = (struct want){.act = LADDER_OVERDUE, .percent = 100};
	for (size_t more = model_random(LADDER_MAX - 1); more > 0; more--) {
		size_t a = model_random(6),
		       p = model_random(3) ? model_random(6) * 50 : model_random(10001);
		char text[64];
		struct err e;

		snprintf(text, sizeof text, "%s at %zu%%", acts[a], p);
		if (ladder_add(l, text, &e) == 0) /* else it was there */
			want[n++] = (struct want){.act = act[a], .percent = (int64_t)p};
	}
	return n;
}

/* The step that fires next: the earliest, of equal ones the cover at once, then as written. */
static struct want *
model_step(struct want *want, size_t n)
{
	struct want *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (!want[i].fired && (best == NULL || want[i].percent < best->percent))
			best = &want[i];
	return best;
}

static void
random_ladders(void **state)
{
	for (int i = 0; i < rounds(100) * 50; i++) {
		struct want want[LADDER_MAX];
		struct ladder l, copy;
		struct ladder_plan p = {.ladder = &copy, .cover_now = model_random(2)};
		struct buf text = {0};
		struct err e = {0};
		size_t n = random_ladder(&l, want);
		int64_t last = INT64_MIN;

		p.start_ms = (int64_t)model_random(4000000000) * 1000 + (int64_t)model_random(1000);
		p.due_ms = p.start_ms - 5 + (int64_t)model_random(UINT64_C(1) << model_random(40));
		ladder_format(&l, &text);
		assert_int_equal(ladder_parse(buf_str(&text), &copy, &e), 0);
		assert_memory_equal(&copy, &l, sizeof l);
		for (size_t k = 0; k < n; k++) {
			bool now = p.cover_now && want[k].act == LADDER_COVER;
			__int128 span = p.due_ms > p.start_ms ? p.due_ms - p.start_ms : 0;

			want[k].when =
			    p.start_ms + (now ? 0 : (int64_t)(span * want[k].percent / 100));
			want[k].percent = now ? want[k].percent - 20000 : want[k].percent;
		}
		for (size_t k = 0; k < n; k++) {
			int64_t when = 0;
			const struct ladder_step *s = ladder_at(&p, k, &when);
			struct want *w = model_step(want, n);

			assert_non_null(s);
			assert_int_equal(s->act, w->act);
			assert_int_equal(when, w->when);
			assert_true(when >= last && when >= p.start_ms);
			last = when;
			w->fired = true;
		}
		assert_null(ladder_at(&p, n, &last));
		buf_free(&text);
	}
}

/* As the policy of the house has it, over four hours. */
static void
known_ladder(void **state)
{
	static const struct {
		enum ladder_act act;
		int64_t at;
	} want[] = {{LADDER_REMIND, 2 * HOUR},	      {LADDER_OVERDUE, 4 * HOUR},
		    {LADDER_COVER, 4 * HOUR},	      {LADDER_NOTIFY, 4 * HOUR},
		    {LADDER_NOTIFY_SENDER, 4 * HOUR}, {LADDER_REGISTER, 6 * HOUR}};
	struct ladder l;
	struct ladder_plan p = {.ladder = &l, .start_ms = 0, .due_ms = 4 * HOUR};
	const struct ladder_step *s;
	struct err e;
	int64_t when;

	assert_int_equal(
	    ladder_parse("remind at 50%, cover at 100%, notify csc/service-manager at 100%, "
			 "notify sender at 100%, register at 150%",
			 &l, &e),
	    0);
	for (size_t i = 0; i < 6; i++) {
		s = ladder_at(&p, i, &when);
		assert_int_equal(s->act, want[i].act);
		assert_int_equal(when, want[i].at);
	}
	p.cover_now = true;
	s = ladder_at(&p, 0, &when);
	assert_int_equal(s->act, LADDER_COVER);
	assert_int_equal(when, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rule_texts),     cmocka_unit_test(random_rules),
	    cmocka_unit_test(known_days),     cmocka_unit_test(ladder_texts),
	    cmocka_unit_test(random_ladders), cmocka_unit_test(known_ladder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
