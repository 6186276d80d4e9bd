/* accept.h - what the acceptance of a bundle writes. */
#ifndef SAFEHAND_STORE_ACCEPT_H
#define SAFEHAND_STORE_ACCEPT_H

#include "store/group.h"
#include "store/proof.h"
#include "store/reply.h"

/* All that is known when the last byte has come. The stage is taken, also on refusal. */
struct acceptance {
	const struct msg_facts_head *facts;
	const uint8_t *cert; /* of the TLS connection */
	const uint8_t *head_sha256;
	const struct policy_class *klass; /* the policy's in force */
	struct stage *stage;
	struct buf *line; /* gets that of the SubmissionAcceptance */
};

/* Inside a group: bytes, rows, entries. ERR_CONFLICT: the id came meanwhile; ERR_DIGEST,
 * ERR_STORAGE: the bytes could not be put. *seq: of the SubmissionAcceptance. */
int accept_bundle(struct store *s, const struct acceptance *a, int64_t *seq, struct err *e)
    __attribute__((warn_unused_result));

/* The evidence of an acceptance. fresh: inside done of its own group; NULL: from what is kept. */
void accept_answer(const struct store *s, const struct asker *a, unsigned status, int64_t seq,
		   const struct proof_fresh *fresh);
/* The same again for who sends again [4]. */
void accept_answer_again(const struct store *s, const struct asker *a,
			 const struct ledger_bundle *b);

/* Tells the log of a refusal to a sender that authenticated; so many a minute of one agency, the
 * others are in the log of the process only. id may be "". manifest_sha256 may be NULL. */
void accept_refused(struct store *s, const char *agency, const uint8_t cert[static DIGEST_BYTES],
		    const char *id, const uint8_t *manifest_sha256, const struct err *why);

#endif
