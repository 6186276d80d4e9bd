/* clock.h - whether the time may be put under a stamp. Runs in: notary. */
#ifndef NOTARY_CLOCK_H
#define NOTARY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "safehand/err.h"

struct clock_guard {
	bool require;	  /* refuse on doubt, else say so once a minute */
	int64_t error_ms; /* the kernel's estimate of error that still counts as synchronised */
	int64_t last_ms;  /* of the last stamp: time may not run backwards */
	int64_t warned_ms;
};

/* What the kernel says of its clock (adjtimex(2)). */
struct clock_state {
	bool synchronised;
	int64_t error_ms;
};
void clock_ask(struct clock_state *out);

/* now_ms may be stamped: 0. ERR_CLOCK: it lies before the last stamp, or is in doubt and the guard
 * requires it not to be. *doubt is set when it is in doubt but allowed. Pure. */
int clock_check(struct clock_guard *g, const struct clock_state *s, int64_t now_ms, bool *doubt,
		struct err *e);

#endif
