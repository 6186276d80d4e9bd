/* deadline_model.h - when something is due and whether it is open until then, by the plain
 * calendars of calendar_model.h. */
#ifndef TESTS_DEADLINE_MODEL_H
#define TESTS_DEADLINE_MODEL_H

#include "calendar_model.h"

#include "safehand/deadline.h"

/* The next open day from day on, -1 beyond the model. */
static inline int
model_next(const struct model *m, int day, bool school)
{
	for (; day < MODEL_DAYS; day++)
		if (model_is_day(m, day, school))
			return day;
	return -1;
}

static inline int64_t
model_due(const struct model *m, const struct deadline_rule *r, int64_t start_ms)
{
	bool school = r->unit == DEADLINE_SCHOOL_DAYS || r->unit == DEADLINE_SAME_SCHOOL ||
		      r->unit == DEADLINE_NEXT_SCHOOL;
	bool by_close = r->unit == DEADLINE_SAME_WORKING || r->unit == DEADLINE_SAME_SCHOOL;
	int64_t start = start_ms / 1000;
	int minute, day = model_local(start, &minute);

	if (r->unit == DEADLINE_CLOCK)
		return start_ms + r->n;
	if (r->unit == DEADLINE_WORKING_DAYS || r->unit == DEADLINE_SCHOOL_DAYS) {
		for (int64_t n = 0; n < r->n && day >= 0; n++)
			day = model_next(m, day + 1, school);
		return day < 0 ? -1 : model_reach(start, day, model_close_of(m, day)) * 1000;
	}
	if (!model_is_day(m, day, school) ||
	    minute >= (by_close ? model_close_of(m, day) : r->minute))
		day = model_next(m, day + 1, school);
	if (day < 0)
		return -1;
	return model_reach(start, day, by_close ? model_close_of(m, day) : r->minute) * 1000;
}

static inline bool
model_open_between(const struct model *m, int64_t from, int64_t to)
{
	for (int64_t at = from; at < to; at = (at / MODEL_QUARTER + 1) * MODEL_QUARTER) {
		int minute, day = model_local(at, &minute);

		if (model_is_day(m, day, m->has_terms) && !model_is_shut(m, day, minute))
			return true;
	}
	return false;
}

#endif
