/* notify.h - mail and webhooks that tell of reminders and notices: sent, sent again after a rest,
 * given up. Runs in: courier. */
#ifndef COURIER_NOTIFY_H
#define COURIER_NOTIFY_H

#include "frame/msg.h"
#include "frame/role.h"

struct calls;
struct event_base;
struct notify;

#define NOTIFY_WAITING_MAX 65536 /* of one KiB each: a store with more to tell is told so */

/* The end of one: m is valid until this returns. Each that was added ends once. */
typedef void notify_done(void *ctx, const struct msg_notified *m);

/* calls outlives it. Ends the process on failure. */
struct notify *notify_new(struct event_base *base, struct calls *calls, notify_done *done,
			  void *ctx);
void notify_free(struct notify *n); /* without done */

/* The sections [mail], [courier] and [mailbox "…"] of env and their files, in the place of those
 * before; what is under way ends as it began. The secrets of env are taken and dropped. On -1 the
 * old ones stay. ERR_CONFIG. */
int notify_configure(struct notify *n, struct role_env *env, struct err *e)
    __attribute__((warn_unused_result));

/* Eight are under way at most, two of them at one server. What a server refuses for good has failed
 * at once; what else goes wrong is tried again after courier_backoff, or as late as the server
 * asks, until [courier] give-up is over. */
void notify_add(struct notify *n, const struct msg_notify *m);
size_t notify_waiting(const struct notify *n); /* those under way included */

#endif
