/* retry.c - when to try again. Runs in: client. Owns: nothing. Trusts: a gateway's Retry-After up
 * to an hour. */
#include "retry.h"

#include <stdlib.h>
#include <time.h>

#include "http.h"

#define FIRST_MS    1000
#define AFTER_MAX_S 3600 /* a Retry-After beyond an hour is asked again after one */
#define SLICE_MS    200	 /* a stop waits at most so long */

int64_t
retry_pause_ms(unsigned tries, int64_t cap_ms, uint64_t after_s, uint32_t random)
{
	int64_t pause = FIRST_MS, after = (int64_t)(after_s < AFTER_MAX_S ? after_s : AFTER_MAX_S);

	while (tries-- > 0 && pause < cap_ms)
		pause *= 2;
	pause = pause < cap_ms ? pause : cap_ms;
	pause = pause / 2 + (int64_t)((uint64_t)random * (uint64_t)(pause - pause / 2) >> 32);
	return pause > after * 1000 ? pause : after * 1000;
}

void
retry_sleep(int64_t ms, const volatile sig_atomic_t *stop)
{
	while (ms > 0 && (stop == NULL || *stop == 0)) {
		int64_t now = ms < SLICE_MS ? ms : SLICE_MS;
		struct timespec t = {.tv_nsec = (long)(now * 1000000)};

		nanosleep(&t, NULL);
		ms -= now;
	}
}

bool
retry_again(struct retry *r, const struct err *e, uint64_t after_s)
{
	if (!http_is_temporary(e) || r->tries >= r->most || (r->stop != NULL && *r->stop != 0))
		return false;
	retry_sleep(retry_pause_ms(r->tries, r->cap_ms, after_s, arc4random()), r->stop);
	r->tries += r->most != UINT32_MAX || r->tries < 64;
	return r->stop == NULL || *r->stop == 0;
}
