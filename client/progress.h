/* progress.h - how far a transfer is: bytes, rate, time left; on a terminal only. */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

#include "client.h"

struct progress {
	const struct client *c;
	const char *what; /* "sealing" */
	int64_t began_ms, shown_ms;
	bool shown;
};

struct progress progress_begin(const struct client *c, const char *what);
/* A bundle_progress; ctx is a struct progress. -1 once the client is told to stop. */
int progress_tick(void *ctx, uint64_t done, uint64_t total);
/* Clears the line. */
void progress_end(struct progress *p);
/* "sealing 12.5 MiB of 200.0 MiB, 310.2 MiB/s, 0:01 left"; no rate in the first 200 ms. Pure. */
void progress_text(const char *what, uint64_t done, uint64_t total, int64_t elapsed_ms,
		   struct buf *out);

#endif
