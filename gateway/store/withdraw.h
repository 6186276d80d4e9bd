/* withdraw.h - a sender takes a bundle back: whoever has not collected it never can, whoever has is
 * told. */
#ifndef SAFEHAND_STORE_WITHDRAW_H
#define SAFEHAND_STORE_WITHDRAW_H

#include "store/group.h"

/* Inside a group: the entry of the sender's statement, then one for each mailbox that had heard of
 * the bundle. If nobody holds its key its bytes are erased. ERR_ORDER: it was purged. *seq: of the
 * first entry. */
int withdraw_bundle(struct store *s, struct ledger_bundle *b,
		    const uint8_t actor[static DIGEST_BYTES],
		    const uint8_t statement_sha256[static DIGEST_BYTES], int64_t *seq,
		    struct err *e) __attribute__((warn_unused_result));

#endif
