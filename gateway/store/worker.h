/* worker.h - the pool of verify workers: each check goes to the least busy one, and again to
 * another if that one dies. Of what waits, agencies take turns. */
#ifndef SAFEHAND_STORE_WORKER_H
#define SAFEHAND_STORE_WORKER_H

#include "frame/chan.h"

struct store;
struct workers;

/* What came of a check: facts (kind, and the message's struct, valid during the call) or a refusal
 * (kind MSG_REFUSED, facts NULL, why). For a roster: a call per row, then its end. */
typedef void worker_done(void *ctx, enum msg_kind kind, const void *facts, const struct err *why);

struct workers *workers_new(void);
void workers_free(struct workers *w);
void worker_join(struct workers *w, struct chan *ch);
/* The worker is gone: its checks go to the others. */
void worker_leave(struct workers *w, struct chan *ch);

/* Has the bytes checked as of now_ms; they are copied. done is called later, never from here.
 * Agencies take turns; "" is the gateway itself. ERR_BUSY: descriptors ran out. */
int worker_check(struct workers *w, enum check what, const char *agency, const void *bytes,
		 size_t n, int64_t now_ms, worker_done *done, void *ctx, struct err *e)
    __attribute__((warn_unused_result));
/* The asker has left: done will not be called. */
void worker_forget(struct workers *w, const void *ctx);

/* The pool's own messages, for the role's table; ctx is struct role_env whose state is the store.
 */
void worker_take_facts_head(void *env, struct chan *ch, const void *msg, int fd);
void worker_take_facts_statement(void *env, struct chan *ch, const void *msg, int fd);
void worker_take_facts_route(void *env, struct chan *ch, const void *msg, int fd);
void worker_take_roster_row(void *env, struct chan *ch, const void *msg, int fd);
void worker_take_roster_end(void *env, struct chan *ch, const void *msg, int fd);
/* A refusal by a worker; one of the notary's or the courier's is not for here. */
void worker_take_refused(struct workers *w, struct chan *ch, const struct msg_refused *m);
void worker_take_retire(void *env, struct chan *ch, const void *msg, int fd);

/* For status. */
size_t worker_count(const struct workers *w);
size_t worker_outstanding(const struct workers *w);

#endif
