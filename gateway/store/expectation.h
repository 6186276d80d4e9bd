/* expectation.h - a bundle that must come: opened by a class or by a mailbox, met by the bundle
 * that fulfils it, missed when its deadline passes. */
#ifndef SAFEHAND_STORE_EXPECTATION_H
#define SAFEHAND_STORE_EXPECTATION_H

#include "store/accept.h"
#include "store/ledger_case.h"
#include "store/reply.h"

/* Inside the acceptance of a bundle: what it fulfils is met, and what its class expects after it is
 * opened. */
void expectation_accept(struct store *s, const struct ledger_bundle *b, const struct acceptance *a);
/* Inside a step of its deadline: the entry that it was missed. No effect if it was already, or is
 * met. */
void expectation_missed(struct store *s, int64_t n);

/* --- questions; the mailbox is the asker's own --- */

void expectation_list(struct store *s, const struct asker *a, const char *mailbox);
/* Those of a mailbox, and the evidence of one: m->number is the entry's seq. */
void expectation_evidence(struct store *s, const struct asker *a, const struct msg_ask *m);
/* m: mailbox, id, value (class), other (from whom), about ("": any), number (due, ms). The same
 * again has the same answer. */
void expectation_open(struct store *s, const struct asker *a, const struct msg_ask *m);
void expectation_withdraw(struct store *s, const struct asker *a, const struct msg_ask *m);

#endif
