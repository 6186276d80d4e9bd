/* spool.h - sealed bundles on their way out: each stays until the gateway's evidence is on disk. */
#ifndef CLIENT_SPOOL_H
#define CLIENT_SPOOL_H

#include "gate.h"

struct spool_result {
	char id[UUID_TEXT];
	char from[NAME_MAILBOX], klass[NAME_CLASS];
	uint64_t bytes;
	uint64_t seq;	    /* of the acceptance in the log */
	int64_t stamped_ms; /* of its timestamp */
	char *evidence;	    /* name of the evidence file; heap */
	bool known;	    /* the gateway had it already */
};

/* The bundle in a file, to the gateway: goes on where an earlier try stopped; tries again while it
 * is away (as often as the configuration says). Its evidence is judged and kept. The file stays.
 * ERR_BUSY: another process is sending it. */
int spool_submit(struct client *c, int dir_fd, const char *name, struct spool_result *out,
		 struct err *e) __attribute__((warn_unused_result));
/* The folder spool of the state. *fd is the caller's. */
int spool_folder(struct client *c, int *fd, struct err *e) __attribute__((warn_unused_result));
/* "sent ID …" or JSON, to out. more: further members of that JSON, as text; may be empty. */
void spool_tell(const struct client *c, const struct spool_result *r, const char *more,
		struct buf *out);

#endif
