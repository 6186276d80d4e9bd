/* gate.h - the gateway as the commands see it: a connection that is trusted, a current CRL, a
 * verified roster; our keys and signers. */
#ifndef CLIENT_GATE_H
#define CLIENT_GATE_H

#include "client.h"
#include "http.h"
#include "retry.h"
#include "safehand/roster.h"

/* What these hand out belongs to the client. */

/* Whom we trust, by what lies on this machine: root, issuing CAs (of the configuration and of the
 * roster), CRLs. Nobody is asked. */
int gate_trust(struct client *c, struct trust **out, struct err *e)
    __attribute__((warn_unused_result));
/* The roster that was kept, verified anew. ERR_UNKNOWN: none was ever fetched; ERR_EXPIRED. */
int gate_kept_roster(struct client *c, const struct roster **out, struct err *e)
    __attribute__((warn_unused_result));
/* A connection (made at the first call) with CRL and roster fetched anew if they are older than
 * crl-age, or if fresh. A gateway that is away is no error while what was kept still holds; one
 * whose log contradicts what was last seen of it is (past.h). */
int gate_open(struct client *c, bool fresh, struct http **out, struct err *e)
    __attribute__((warn_unused_result));
/* gate_open, then the roster. */
int gate_roster(struct client *c, const struct roster **out, struct err *e)
    __attribute__((warn_unused_result));
/* A call with as many tries as the configuration says; not for uploads. */
int gate_call(struct client *c, const struct http_call *call, struct http_answer *a, struct err *e)
    __attribute__((warn_unused_result));
struct retry gate_retry(const struct client *c);
void gate_close(struct client *c);

/* --- keys.c --- */

/* The key in a file, PEM; a passphrase is taken from passphrase_path or, that being "", asked for:
 * once for all keys that it opens. *out is the caller's. */
int keys_read(struct client *c, const char *path, const char *passphrase_path, struct secret **out,
	      struct err *e) __attribute__((warn_unused_result));
/* A signer by the name of its identity in the configuration; NULL: the only one of the kind
 * ("system", "person"). kind NULL: any. *out is the caller's to signer_free. */
int keys_signer(struct client *c, const char *name, const char *kind, struct signer **out,
		struct err *e) __attribute__((warn_unused_result));
/* The mailbox's X25519 secret for the certificate that the slot was sealed for; its old key is
 * tried too. ERR_SECRET: it was sealed for another key. *out is the caller's: KEY_BYTES. */
int keys_mailbox(struct client *c, const char *mailbox, const uint8_t cert[static DIGEST_BYTES],
		 struct secret **out, struct err *e) __attribute__((warn_unused_result));
/* Are the mailbox's certificate and key there, and of it? */
int keys_mailbox_own(struct client *c, const char *mailbox, struct err *e)
    __attribute__((warn_unused_result));
/* The pseudonym of an identifier ('c' or 'h'); one that is a pseudonym already stays. A number of
 * ten digits must be an NHS number with its check digit (ERR_FORMAT): a mistyped one would be
 * another child. */
int keys_pseudonym(struct client *c, char kind, const char *identifier, char out[static ABOUT_TEXT],
		   struct err *e) __attribute__((warn_unused_result));
/* Ten digits, blanks and hyphens left aside, whose last is the check digit of the others (modulus
 * 11). 0 good, 1 not ten digits, -1 mistyped. Pure. */
int keys_nhs_check(const char *identifier);

#endif
