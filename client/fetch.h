/* fetch.h - bundles from the gateway into files. */
#ifndef CLIENT_FETCH_H
#define CLIENT_FETCH_H

#include "gate.h"

struct fetched {
	int fd;		  /* the caller's */
	bool has_payload; /* it is a whole bundle by its head, and this is its payload's digest: */
	uint8_t payload_sha256[DIGEST_BYTES];
};

/* Head and payload, without slots, into a file of the state folder; tries again while the gateway
 * is away. */
int fetch_bundle(struct client *c, const char *mailbox, const char *id, struct fetched *out,
		 struct err *e) __attribute__((warn_unused_result));
/* The file is not needed any more. */
int fetch_drop(struct client *c, const char *mailbox, const char *id, struct err *e)
    __attribute__((warn_unused_result));
/* The file's name: ID.AGENCY_ROLE.shb */
void fetch_name(const char *mailbox, const char *id, struct buf *out);

#endif
