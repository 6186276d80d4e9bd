/* courier.h - stamps of external authorities on checkpoints. Runs in: courier. */
#ifndef COURIER_H
#define COURIER_H

#include "frame/msg.h"
#include "frame/role.h"

struct calls;
struct courier;

/* A token that holds; m is valid until this returns. */
typedef void courier_stamped(void *ctx, const struct msg_stamped *m);

/* calls outlives it. Ends the process on failure. */
struct courier *courier_new(struct event_base *base, struct calls *calls, courier_stamped *stamped,
			    void *ctx);
void courier_free(struct courier *c);

/* The authorities of env's sections [tsa "…"] and their roots, in the place of those before; what
 * is waited for is asked of the new ones. On -1 the old ones stay. ERR_CONFIG. */
int courier_configure(struct courier *c, const struct role_env *env, struct err *e);

/* Asks for a stamp; dropped if no authority is configured. One is under way at a time; of those
 * that wait the oldest is dropped when they are too many: a later checkpoint covers it. */
void courier_stamp(struct courier *c, const struct msg_stamp *m);

/* How long an authority is left alone after so many failures in a row, in ms. Pure. */
int64_t courier_backoff(unsigned failures);

size_t
courier_waiting(const struct courier *c); /* stamps not yet had, the one under way included */

#endif
