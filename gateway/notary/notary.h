/* notary.h - what the notary signs: heads that extend the last one that it signed, and notices that
 * it composes from their fields. Runs in: notary. */
#ifndef NOTARY_H
#define NOTARY_H

#include "frame/msg.h"
#include "notary/clock.h"
#include "safehand/note.h"
#include "safehand/signature.h"
#include "safehand/timestamp.h"

struct notary {
	struct note_signer *signer;
	struct tsa *tsa;
	struct signer *notices; /* NULL: it signs none */
	struct clock_guard clock;
	struct checkpoint
	    last;  /* the head that was signed last; size 0 and the empty root before the first */
	bool told; /* LAST has come */
};

/* The last checkpoint of the ledger (empty: a new log). It must be one of our own, and it may come
 * once. ERR_HISTORY, ERR_SIGNATURE, ERR_INTERNAL. */
int notary_last(struct notary *n, const void *note, size_t len, struct err *e);

/* Signs the head and stamps it at now_ms if its proof shows that it extends the last one; changes
 * nothing if not. note and token are appended to. ERR_HISTORY, ERR_CLOCK. */
int notary_seal(struct notary *n, const struct msg_seal *head, const struct clock_state *clock,
		int64_t now_ms, struct buf *note, struct buf *token, bool *doubt, struct err *e);

/* Composes the notice and signs it with the gateway-sign key; text and signature are appended to.
 * ERR_CONFIG: there is no such key; ERR_FORMAT: a field that no notice may have. */
int notary_notice(const struct notary *n, const struct notice *fields, struct buf *text,
		  struct buf *signature, struct err *e) __attribute__((warn_unused_result));

#endif
