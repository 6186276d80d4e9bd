/* proof.h - the evidence file of an entry, from what the ledger and the spool keep. */
#ifndef SAFEHAND_STORE_PROOF_H
#define SAFEHAND_STORE_PROOF_H

#include "store/store.h"

/* Appends the evidence file (JSON) of entry seq: with the proof and the token of the checkpoint of
 * its own group, so that it is the same each time. ERR_UNKNOWN: no such entry, or not committed. */
int proof_evidence(const struct store *s, int64_t seq, struct buf *json, struct err *e)
    __attribute__((warn_unused_result));

/* The same of an entry without a statement, if it is so fresh that all of it is in memory still;
 * kept: the first part of its bundle's bytes. false: it is not; ask as above. */
bool proof_fresh(const struct store *s, int64_t seq, const struct buf *kept,
		 uint64_t manifest_bytes, uint64_t signature_bytes, struct buf *json);

#endif
