/* proof.h - the evidence file of an entry, from what the ledger and the spool keep. */
#ifndef SAFEHAND_STORE_PROOF_H
#define SAFEHAND_STORE_PROOF_H

#include "store/store.h"

/* Appends the evidence file (JSON) of entry seq: with the proof and the token of the checkpoint of
 * its own group, so that it is the same each time. ERR_UNKNOWN: no such entry, or not committed. */
int proof_evidence(const struct store *s, int64_t seq, struct buf *json, struct err *e)
    __attribute__((warn_unused_result));

/* What is still in memory of an acceptance. */
struct proof_fresh {
	const struct buf *line, *kept; /* kept: the first part of the bundle's bytes */
	uint64_t manifest_bytes, signature_bytes;
};
/* The same of an entry without a statement, inside done of its own group: no query, no read. false:
 * the tree lacks a hash; ask as above. */
bool proof_fresh(const struct store *s, int64_t seq, const struct proof_fresh *f, struct buf *json);

#endif
