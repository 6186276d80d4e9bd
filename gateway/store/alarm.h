/* alarm.h - fetches that somebody should look into: of a canary, and of a mailbox that fetches far
 * more than it usually does. Runs in: store. */
#ifndef STORE_ALARM_H
#define STORE_ALARM_H

#include "store/purge.h"
#include "store/store.h"

/* The bundle is one that nobody has a reason to fetch: who does raises an alarm from now on, and
 * gets it as any other. done as with purge_bundle. */
void canary_set(struct store *s, const char *id, purge_done *done, void *ctx);
/* It is one no longer. ERR_UNKNOWN: it is none. */
void canary_remove(struct store *s, const char *id, purge_done *done, void *ctx);
/* {"canaries":[{"bundle","from","class","since","state"},…]} */
void canary_list(struct store *s, struct buf *out);
/* A mailbox asked for a bundle and no byte left: it has no reason to ask for a canary either. */
void alarm_touched(struct store *s, const char *mailbox, const char *id, const char *act);
/* A mailbox was sent bytes of a bundle, or was given its key: act is "fetched" or "collected". Each
 * counts as a fetch of its hour, also those that the log of evidence only counts. */
void alarm_fetched(struct store *s, const char *mailbox, const char *id, const char *act);

#endif
