/* bundle_json.h - a bundle and its evidence as JSON, for its sender and for safehandctl. */
#ifndef SAFEHAND_STORE_BUNDLE_JSON_H
#define SAFEHAND_STORE_BUNDLE_JSON_H

#include "store/store.h"

/* "inconclusive", "active", or NULL. */
const char *concern_text(uint32_t concern);
/* GET /v1/bundles/ID; with events: what happened in each mailbox, what it and the sender owe, who
 * is away, and the flags of its case. Appends. */
void bundle_json(struct store *s, const struct ledger_bundle *b, bool events, struct buf *out);
/* GET /v1/bundles/ID/evidence. agency: only what is of the bundle as a whole or of this agency's
 * mailboxes; NULL: all. Appends. */
void evidence_list_json(struct ledger *l, const struct ledger_bundle *b, const char *agency,
			struct buf *out);

#endif
