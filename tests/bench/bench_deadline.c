/* bench_deadline.c - how many deadlines and ladder steps are computed a second, and how long a
 * calendar takes to be compiled and read. JSON lines. Runs in: make bench. TOP: the source tree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/deadline.h"
#include "safehand/time.h"

#define ROUNDS	  1000000
#define CALENDARS 200
#define START	  INT64_C(1795000000000) /* 2026-11-18 */

static struct calendar_file
file(const char *name)
{
	struct calendar_file f = {.name = name};
	char path[512];
	FILE *in;
	int c;

	snprintf(path, sizeof path, "%s/conf/calendars/%s",
		 getenv("TOP") != NULL ? getenv("TOP") : ".", name);
	in = fopen(path, "r");
	if (in == NULL) {
		perror(path);
		exit(1);
	}
	while ((c = getc(in)) != EOF)
		buf_addc(&f.text, (char)c);
	fclose(in);
	return f;
}

static void
must(int rc, const struct err *e)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench_deadline: %s\n", e->text);
	exit(1);
}

static void
tell(const char *what, int64_t n, int64_t began)
{
	int64_t ms = time_mono_ms() - began;

	printf("{\"bench\":\"%s\",\"n\":%lld,\"ms\":%lld,\"per_second\":%lld}\n", what,
	       (long long)n, (long long)ms, (long long)(n * 1000 / (ms > 0 ? ms : 1)));
}

static void
bench_rule(const char *what, const char *text, const struct calendar *c)
{
	int64_t due, began = time_mono_ms();
	struct deadline_rule r;
	struct err e;

	must(deadline_rule_parse(text, &r, &e), &e);
	for (int64_t i = 0; i < ROUNDS; i++)
		must(deadline_due(&r, c, START + i * 10007, &due, &e), &e);
	tell(what, ROUNDS, began);
}

static void
bench_ladder(void)
{
	struct ladder l;
	struct ladder_plan p = {.ladder = &l, .start_ms = START, .due_ms = START + 14400000};
	int64_t when, sum = 0, began = time_mono_ms();
	struct err e;

	must(ladder_parse("remind at 50%, cover at 100%, notify csc/duty at 100%, register at 150%",
			  &l, &e),
	     &e);
	for (int64_t i = 0; i < ROUNDS; i++, p.start_ms++)
		for (size_t k = 0; ladder_at(&p, k, &when) != NULL; k++)
			sum += when;
	tell("ladder, 5 steps", ROUNDS, began);
	if (sum == 0)
		exit(1);
}

int
main(void)
{
	struct calendar_file closed = file("england-wales.ics"), terms = file("example-terms.ics");
	struct calendar_source src = {"schools", "Europe/London", "mon-fri", "08:00-16:30",
				      &closed,	 &terms,	  1,	     1};
	struct calendar *c = NULL, *again = NULL;
	struct buf text = {0};
	struct err e;
	size_t taken;
	int64_t began = time_mono_ms();

	for (int i = 0; i < CALENDARS; i++) {
		calendar_free(c);
		must(calendar_compile(&src, &c, &e), &e);
	}
	tell("calendar, compiled", CALENDARS, began);
	calendar_format(c, &text);
	began = time_mono_ms();
	for (int i = 0; i < CALENDARS; i++) {
		calendar_free(again);
		must(calendar_parse(text.data, text.len, &taken, &again, &e), &e);
	}
	tell("calendar, read", CALENDARS, began);
	bench_rule("deadline, by the clock", "within 4 hours", c);
	bench_rule("deadline, 3 working days", "within 3 working-days", c);
	bench_rule("deadline, next school day", "before 08:30 of the next school-day", c);
	bench_ladder();
	calendar_free(c);
	calendar_free(again);
	buf_free(&text);
	buf_free(&closed.text);
	buf_free(&terms.text);
	return 0;
}
