/* outbox.h - files dropped with a sidecar: each order is sent once, whatever cuts it off. */
#ifndef CLIENT_OUTBOX_H
#define CLIENT_OUTBOX_H

#include "gate.h"

/* A sidecar that is being sent has the name ID.NAME.json in OUTBOX/.sending: the id is fixed before
 * anything is sealed, so that every try is of the same bundle. */
void outbox_claim_name(const char *id, const char *sidecar, struct buf *out);
/* *sidecar points into claim. false: no such name. Pure. */
bool outbox_claim_parse(const char *claim, char id[static UUID_TEXT], const char **sidecar);
/* NAME.json, not hidden. Pure. */
bool outbox_is_sidecar(const char *name);

enum outbox_step { OUTBOX_SEAL, OUTBOX_SUBMIT, OUTBOX_FILE };
/* What is to be done next for a claim: evidence of acceptance is kept; the sealed bundle is in the
 * spool. Pure. */
enum outbox_step outbox_next(bool evidence, bool spooled);
/* May a refusal pass by itself? Else the order goes to failed/. Pure. */
bool outbox_is_passing(const struct err *e);

/* Claims what is complete, takes every claim one step after the other. 0: nothing waits; 1: some
 * wait for the gateway; -1: the folder itself is out of reach. */
int outbox_scan(struct client *c, const char *folder, struct err *e)
    __attribute__((warn_unused_result));

#endif
