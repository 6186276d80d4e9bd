/* enroll.h - names of files and the starting configuration of an enrolment. Pure. */
#ifndef CLIENT_ENROLL_H
#define CLIENT_ENROLL_H

#include "safehand/identity.h"

struct enroll_conf {
	const char *agency, *url;
	const char *passphrase; /* path, or NULL: asked for */
};

/* "agency-tls", "person-sign_j.patel", "agency-seal_emergency" */
void enroll_stem(enum profile p, const char *name, struct buf *out);
void enroll_conf_begin(const struct enroll_conf *c, struct buf *out);
void enroll_conf_mailbox(const char *mailbox, struct buf *out);
void enroll_conf_person(const char *person, const char *passphrase, struct buf *out);

#endif
