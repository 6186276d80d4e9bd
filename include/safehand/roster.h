/* roster.h - the roster: agencies, mailboxes, cover, certificates, the log's key; signed by an
 * administrator, served by the gateway (design 2, "roster-sign"). JSON, strict. */
#ifndef SAFEHAND_ROSTER_H
#define SAFEHAND_ROSTER_H

#include <stddef.h>
#include <stdint.h>

#include "safehand/err.h"
#include "safehand/identity.h"
#include "safehand/name.h"
#include "safehand/note.h"

#define ROSTER_TITLE_MAX 256	   /* bytes of a title, contact or area: a line on a screen */
#define ROSTER_RESERVED	 "gateway" /* no agency's name: notices are from gateway/notices */

struct roster_certificate {
	uint8_t *der; /* heap */
	size_t len;
};

struct roster_agency {
	char name[NAME_AGENCY];
	char *title, *contact; /* never NULL, may be empty */
	char area[NAME_CLASS]; /* what is subscribed to; its own, or made of the roster's; may be
				  empty */
};

struct roster_mailbox {
	char name[NAME_MAILBOX];
	char cover[NAME_MAILBOX]; /* empty: none */
	char *title, *contact;
	struct roster_certificate *certificates; /* 1 or more, newest first */
	size_t ncertificates;
};

struct roster_class {
	char name[NAME_CLASS];
	unsigned signatures; /* 1..SIGNERS_MAX */
};

struct roster {
	uint64_t serial;
	int64_t issued_ms, expires_ms;
	char *area;
	char log_text[256]; /* the C2SP verifier key, as it stands there */
	struct note_key log;
	struct roster_agency *agencies; /* in the order of the file */
	size_t nagencies;
	struct roster_mailbox *mailboxes; /* by name */
	size_t nmailboxes;
	struct roster_certificate *issuers;
	size_t nissuers;
	struct roster_class *classes;
	size_t nclasses;
};

/* The content of a roster, strictly: every mailbox under its agency, once; a cover is a mailbox and
 * never leads back to itself. Certificates are not judged here. ERR_FORMAT naming the member,
 * ERR_LIMIT. *out is the caller's to roster_free. Pure. */
int roster_parse(const void *text, size_t len, struct roster **out, struct err *e)
    __attribute__((warn_unused_result));
/* The same but for the log's key, which stays as its text: for who links no OpenSSL. */
int roster_read(const void *text, size_t len, struct roster **out, struct err *e)
    __attribute__((warn_unused_result));
/* A roster file (.shr): framing, signature by a roster-sign certificate at at_ms, content, not
 * expired at at_ms (ERR_EXPIRED). signer takes the first signer; content_sha256 the digest of the
 * signed content. Either may be NULL. */
int roster_verify(const void *bytes, size_t len, struct trust *t, int64_t at_ms,
		  enum trust_mode mode, struct roster **out, struct identity *signer,
		  uint8_t *content_sha256, struct err *e) __attribute__((warn_unused_result));
void roster_free(struct roster *r); /* NULL is fine */

const struct roster_mailbox *roster_find(const struct roster *r, const char *mailbox); /* or NULL */
const struct roster_agency *roster_agency(const struct roster *r, const char *agency); /* or NULL */
/* The newest certificate of the mailbox that holds at at_ms (chain, revocation, profile, its name).
 * What is wrong with the newest one if none does. */
int roster_key(const struct roster_mailbox *m, struct trust *t, int64_t at_ms, struct identity *out,
	       struct err *e) __attribute__((warn_unused_result));

#endif
