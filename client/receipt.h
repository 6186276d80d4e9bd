/* receipt.h - statements: signed, posted, their evidence kept; the same again after a crash. */
#ifndef CLIENT_RECEIPT_H
#define CLIENT_RECEIPT_H

#include "gate.h"
#include "safehand/statement.h"

struct receipt_given {
	uint8_t slot[SLOT_BYTES];
	struct buf flags; /* of the case, each a line as feed_flags makes it; the caller's */
};

/* Signs and posts; the evidence is judged and kept. What was signed is kept as pending until then,
 * and posted as it is by the next call with the same kind, bundle, mailbox and code: so it is said
 * once, however often it is tried. by and at are filled in. given (may be NULL) takes what a
 * collected statement gives. evidence takes the file's name (heap; may be NULL). */
int receipt_post(struct client *c, struct statement *s, struct signer *signer,
		 struct receipt_given *given, char **evidence, struct err *e)
    __attribute__((warn_unused_result));
/* All of it for a command: signs as the identity that is named (NULL: the only one of the kind,
 * "person" or "system"), posts, says what was said and which file has its evidence. */
int receipt_say(struct client *c, struct statement *s, const char *as, const char *kind,
		struct err *e) __attribute__((warn_unused_result));
/* Signs and keeps as pending, without posting. */
int receipt_prepare(struct client *c, struct statement *s, struct signer *signer, struct err *e)
    __attribute__((warn_unused_result));
/* Whether one of this kind is pending; its content into *out. */
bool receipt_pending(struct client *c, enum statement_kind kind, const char *bundle,
		     const char *mailbox, struct statement *out);
/* Manifest's and content's digests as the mailbox's system signed them when it opened the bundle:
 * from the evidence that is kept, else from the gateway's. ERR_ORDER: it was not opened. */
int receipt_opened(struct client *c, const char *bundle, const char *mailbox, struct statement *out,
		   struct err *e) __attribute__((warn_unused_result));

#endif
