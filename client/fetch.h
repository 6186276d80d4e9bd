/* fetch.h - bundles from the gateway into files. */
#ifndef CLIENT_FETCH_H
#define CLIENT_FETCH_H

#include "gate.h"

/* Head and payload, without slots, into a file of the state folder; tries again while the gateway
 * is away. *fd is the caller's. */
int fetch_bundle(struct client *c, const char *mailbox, const char *id, int *fd, struct err *e)
    __attribute__((warn_unused_result));
/* The file is not needed any more. */
int fetch_drop(struct client *c, const char *mailbox, const char *id, struct err *e)
    __attribute__((warn_unused_result));
/* The file's name: ID.AGENCY_ROLE.shb */
void fetch_name(const char *mailbox, const char *id, struct buf *out);

#endif
