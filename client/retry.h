/* retry.h - when to try again, and how long to wait before. */
#ifndef CLIENT_RETRY_H
#define CLIENT_RETRY_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "safehand/err.h"

struct retry {
	unsigned tries, most;		   /* so far; UINT_MAX: for ever */
	int64_t cap_ms;			   /* the longest pause */
	const volatile sig_atomic_t *stop; /* not 0: no more tries, no more waiting; may be NULL */
};

/* 1 s doubled each time up to cap_ms, of which a random part between half and the whole is taken
 * (so that all clients do not come back at once), but never less than what the gateway asked for.
 * random: any 32 bits. Pure. */
int64_t retry_pause_ms(unsigned tries, int64_t cap_ms, uint64_t after_s, uint32_t random);
/* Waits and says true if e is temporary and there are tries left. */
bool retry_again(struct retry *r, const struct err *e, uint64_t after_s);
/* Sleeps in pieces, so that stop is seen. */
void retry_sleep(int64_t ms, const volatile sig_atomic_t *stop);

#endif
