/* consent.h - an agency lets a mailbox hear of a case that it sends about (classes with subscribe =
 * by-consent). */
#ifndef SAFEHAND_STORE_CONSENT_H
#define SAFEHAND_STORE_CONSENT_H

#include "store/reply.h"
#include "store/store.h"

/* What the mailbox's agency gave, and what it was asked for. */
void consent_list(struct store *s, const struct asker *a, const char *mailbox);
/* mailbox gives it, or takes it back, for its agency. kind: child or household. */
void consent_change(struct store *s, const struct asker *a, const struct msg_ask *m, bool give);

#endif
