/* call.h - calls to configured servers, under way in the role's loop: what POST (http.h) and mail
 * (smtp.h) share. Runs in: courier. */
#ifndef COURIER_CALL_H
#define COURIER_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"

struct event_base;
struct calls; /* the loop of all of them */
struct call;  /* one under way */

/* How a call ended; valid until call_done returns. */
struct call_end {
	struct err why;		  /* ERR_OK: it is done; else ERR_NETWORK, ERR_LIMIT, ERR_FORMAT */
	bool lasting;		  /* the same again would end the same */
	int64_t retry_after_ms;	  /* the server asks for so long a rest; 0: it does not */
	const struct buf *answer; /* of a POST: the body */
};
/* The call is gone when this returns; new ones may be begun in it. */
typedef void call_done(void *ctx, const struct call_end *end);

/* Before the jail: what curl loads lazily. ERR_SYSTEM. */
int calls_prepare(struct err *e);

struct calls *calls_new(struct event_base *base); /* ends the process on failure */
void calls_free(struct calls *c);		  /* after its calls; NULL is fine */
void call_cancel(struct call *call);		  /* without done; NULL is fine */

#endif
