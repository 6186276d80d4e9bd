/* wire.h - one question to the gateway's control socket. Runs in: safehandctl. */
#ifndef CTL_WIRE_H
#define CTL_WIRE_H

#include <stdbool.h>

#include "safehand/buf.h"
#include "safehand/err.h"

#define ANSWER_MAX_BYTES (64 * 1024 * 1024) /* 10,000 bundles with 20 recipients each */

/* Connects to the socket at path, sends line, appends all that comes until the end. wait_seconds:
 * for each part of the answer. ERR_NETWORK, ERR_DENIED, ERR_LIMIT, ERR_USAGE with the way out. */
int wire_ask(const char *path, const struct buf *line, int wait_seconds, struct buf *answer,
	     struct err *e);

/* The same where nobody can say how long it takes: goes_on is asked about once a second, and its
 * false is the end. */
int wire_ask_while(const char *path, const struct buf *line, bool (*goes_on)(void *ctx), void *ctx,
		   struct buf *answer, struct err *e);

/* The same, but only the first line of the answer, and the connection stays open: *held, for the
 * caller to close. */
int wire_hold(const char *path, const struct buf *line, int wait_seconds, int *held,
	      struct buf *answer, struct err *e);

#endif
