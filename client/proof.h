/* proof.h - evidence as it comes from the gateway: judged at once, kept in a file each. */
#ifndef CLIENT_PROOF_H
#define CLIENT_PROOF_H

#include "gate.h"
#include "safehand/evidence.h"

/* Judges it by trust and log key of the roster; what it shows must be the event about the bundle
 * (mailbox "": of no mailbox). Anything but OK is refused: ERR_FAIL, ERR_INCOMPLETE; the sentence
 * says why. manifest_sha256 NULL: any. */
int proof_check(struct client *c, const void *text, size_t len, enum entry_event event,
		const char *bundle, const char *mailbox, const uint8_t *manifest_sha256,
		struct evidence_result *out, struct err *e) __attribute__((warn_unused_result));
/* The name of its file: ID-SEQ-EVENT.evidence, without EVENT if that is not known. Pure. */
void proof_name(const char *bundle, uint64_t seq, enum entry_event event, struct buf *out);
/* Keeps it in the folder evidence of the state, as ID-SEQ-EVENT.evidence, synced; name takes that
 * (heap). */
int proof_keep(struct client *c, const void *text, size_t len, const struct entry *entry,
	       char **name, struct err *e) __attribute__((warn_unused_result));
/* The text of the first kept evidence of the event about bundle and mailbox; ERR_UNKNOWN. */
int proof_find(struct client *c, enum entry_event event, const char *bundle, const char *mailbox,
	       struct buf *text, struct err *e) __attribute__((warn_unused_result));

#endif
