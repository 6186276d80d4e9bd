/* fuzz_deadline.c - rules and ladders: what is taken has one form, and is due after its start with
 * every step once, in order. Runs in: tests. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/deadline.h"

#include "seeds.h"

#define START INT64_C(1795000000000) /* 2026-11-18 */

static const char *const seeds[] = {
    "within 4 hours",
    "within 3 working-days",
    "within 1 school-day",
    "same working-day",
    "before 08:30 of the next school-day",
    "remind at 50%, cover at 100%, notify csc/service-manager at 100%, notify sender at 100%, "
    "register at 150%",
    "cover at 0%",
};

static void
check_rule(const struct deadline_rule *r)
{
	struct deadline_rule again;
	struct buf text = {0};
	struct err e;
	int64_t due;

	deadline_rule_format(r, &text);
	assert(deadline_rule_parse(buf_str(&text), &again, &e) == 0);
	assert(again.unit == r->unit && again.n == r->n && again.minute == r->minute);
	assert(deadline_due(r, calendar_always(), START, &due, &e) == 0 && due > START);
	buf_free(&text);
}

static void
check_ladder(const struct ladder *l)
{
	struct ladder_plan p = {.ladder = l, .start_ms = START, .due_ms = START + 12345678};
	struct ladder again;
	struct buf text = {0};
	struct err e;
	int64_t when, last = INT64_MIN;
	size_t n = 0;

	ladder_format(l, &text);
	assert(ladder_parse(buf_str(&text), &again, &e) == 0);
	assert(memcmp(l, &again, sizeof again) == 0);
	for (p.cover_now = false; n < l->n; n++, last = when)
		assert(ladder_at(&p, n, &when) != NULL && when >= last);
	assert(ladder_at(&p, n, &when) == NULL);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_dup(data, size);
	struct deadline_rule r;
	struct ladder l;
	struct err e;
	int64_t due;

	if (deadline_rule_parse(text, &r, &e) == 0) {
		SEEDS_TAKEN();
		check_rule(&r);
	} else {
		assert(e.code == ERR_CONFIG);
	}
	if (ladder_parse(text, &l, &e) == 0) {
		SEEDS_TAKEN();
		check_ladder(&l);
	} else {
		assert(e.code == ERR_CONFIG);
	}
	if (deadline_date_due(text, calendar_always(), &due, &e) < 0)
		assert(e.code == ERR_FORMAT);
	free(text);
	return 0;
}

SEEDS_MAIN("fuzz_deadline", seeds)
