/* wait.h - a check of everything on disk takes its time: whether it goes on, and how far it is.
 * Runs in: safehandctl. */
#ifndef CTL_WAIT_H
#define CTL_WAIT_H

#include <stdbool.h>

struct checking {
	const char *socket;
	bool tells;	 /* a person is at the terminal of standard error */
	bool told;	 /* there is a line to be cleared */
	unsigned absent; /* how often running status knew of no check, one after the other */
};

/* Of struct checking, asked about once a second: true while the gateway says that it checks. */
bool wait_for_check(void *ctx);
/* Clears the line. */
void wait_end(struct checking *c);

#endif
