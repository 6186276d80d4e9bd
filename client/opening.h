/* opening.h - a bundle from the gateway into a folder, with both receipts. */
#ifndef CLIENT_OPENING_H
#define CLIENT_OPENING_H

#include "gate.h"

struct opening_result {
	struct buf sheet; /* the cover sheet for a person */
	struct buf cover; /* and its own text, JSON */
	struct buf flags; /* of the case when it was collected, each a line */
	size_t documents;
	char klass[NAME_CLASS], from[NAME_MAILBOX];
	char signers[SIGNERS_MAX][NAME_BY];
	size_t nsigners;
	char *collected, *opened; /* names of the evidence files; heap, may be NULL */
	bool told;		  /* it cannot be opened, and its sender knows */
	bool again; /* an earlier try had put the documents there: only its receipt was owed */
};

/* Fetches (or takes file, a bundle that is here already; the caller's), judges signature, chain and
 * payload, signs collected, takes the slot, unpacks into the new folder ID under into_fd, signs
 * opened. A bundle that cannot be opened is answered so (opened, with the refusal's name) and
 * refused. Whatever cuts it off, the next call goes on: the documents appear once. ERR_CONFLICT:
 * the folder is there already. opening_clear it, also after a refusal. */
int opening_do(struct client *c, const char *mailbox, const char *id, const char *file, int into_fd,
	       struct opening_result *out, struct err *e) __attribute__((warn_unused_result));
void opening_clear(struct opening_result *r);

#endif
