/* clock.c - whether the time may be put under a stamp. Runs in: notary. Owns: nothing. Trusts: the
 * kernel's word. */
#include <sys/timex.h>

#include "notary/clock.h"

void
clock_ask(struct clock_state *out)
{
	struct timex t = {.modes = 0};
	int rc = adjtimex(&t);

	out->synchronised = rc >= 0 && rc != TIME_ERROR && !(t.status & STA_UNSYNC);
	out->error_ms = t.maxerror / 1000;
}

int
clock_check(struct clock_guard *g, const struct clock_state *s, int64_t now_ms, bool *doubt,
	    struct err *e)
{
	*doubt = !s->synchronised || s->error_ms > g->error_ms;
	/* a stamp before an earlier one would contradict the log's order: never, whatever the guard
	 * allows */
	if (now_ms < g->last_ms)
		return err_set(e, ERR_CLOCK, "the clock went back by %lld ms since the last stamp",
			       (long long)(g->last_ms - now_ms));
	if (*doubt && g->require)
		return err_set(e, ERR_CLOCK,
			       s->synchronised ? "the clock may be wrong by %lld ms"
					       : "the clock is not synchronised (error %lld ms)",
			       (long long)s->error_ms);
	g->last_ms = now_ms;
	return 0;
}
