/* denied.h - certificates that the gateway's administrators revoked on the spot, before the CA's
 * list says so: every act with one is refused from then on, in whatever role it comes. */
#ifndef SAFEHAND_STORE_DENIED_H
#define SAFEHAND_STORE_DENIED_H

#include "store/purge.h"

/* 0: it may act. ERR_REVOKED: what names whose certificate it is, for the sentence. */
int denied_check(struct ledger *l, const uint8_t cert[static DIGEST_BYTES], const char *what,
		 struct err *e) __attribute__((warn_unused_result));
/* The signers of a bundle, and those that it is sealed for. */
int denied_check_head(struct ledger *l, const struct msg_facts_head *f, struct err *e)
    __attribute__((warn_unused_result));

/* hex: its SHA-256, 64 digits. Both are entries of the log (KeyChange, by that certificate); done
 * after the commit. ERR_CONFLICT: it is already; ERR_UNKNOWN: it is not. */
void denied_revoke(struct store *s, const char *hex, purge_done *done, void *ctx);
void denied_restore(struct store *s, const char *hex, purge_done *done, void *ctx);
/* {"revoked":[{"certificate","since"}]} */
void denied_list(struct store *s, struct buf *json);

#endif
