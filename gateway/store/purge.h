/* purge.h - the end of a bundle's bytes: purge and erasure; and quarantine of damaged ones. */
#ifndef SAFEHAND_STORE_PURGE_H
#define SAFEHAND_STORE_PURGE_H

#include "store/store.h"

/* After the commit; refusal NULL if it happened. */
typedef void purge_done(void *ctx, const struct err *refusal);

/* Purges the bundle (its row): entry first, then the bytes [8]. done may be NULL. ERR_ORDER: purged
 * already. */
void purge_bundle(struct store *s, int64_t bundle, purge_done *done, void *ctx);
/* Erasures that a crash or the disk left undone. */
void purge_resume(struct store *s);
/* Those whose time has come, and what purge_resume does; so many a call that accepts are not held
 * up, and again soon if there are more. */
void purge_tick(struct store *s, int64_t now_ms);

/* [9] The bytes of the bundle are damaged: it is told and served no more. */
void quarantine_bundle(struct store *s, const struct ledger_bundle *b, const struct err *why);
/* An administrator's: it is served to nobody, and not purged when its time comes, until it is
 * released; both are in the log, and its deadlines go on. ERR_ORDER: purged; ERR_CONFLICT: it is
 * held, or damaged, already. */
void hold_bundle(struct store *s, int64_t bundle, purge_done *done, void *ctx);
/* What those are told who ask for one in quarantine. */
int quarantine_refuse(const struct ledger_bundle *b, struct err *e);

/* Back into service if its bytes check again. ERR_DIGEST: they do not; ERR_UNKNOWN: it is not in
 * quarantine. */
void quarantine_release(struct store *s, int64_t bundle, purge_done *done, void *ctx);

#endif
