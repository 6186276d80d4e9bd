/* away.h - mailboxes that nobody looks into for a while: until when, and who covers meanwhile. */
#ifndef SAFEHAND_STORE_AWAY_H
#define SAFEHAND_STORE_AWAY_H

#include "store/ledger_deadline.h"
#include "store/members.h"
#include "store/reply.h"
#include "store/store.h"

/* Is it away now? */
bool away_now(struct ledger *l, const char *mailbox, int64_t now_ms, struct ledger_away *out);
/* Who covers the member now: whom it named when it went away, else whom the roster names; "":
 * nobody. */
void away_cover(struct ledger *l, const struct member *m, int64_t now_ms,
		char out[static NAME_MAILBOX]);

/* {"since","until","cover"}; cover "": null. Appends. */
void away_json(const struct ledger_away *a, const char *cover, struct buf *json);

/* --- questions; the mailbox is the asker's own --- */

void away_show(struct store *s, const struct asker *a, const char *mailbox);
/* m: mailbox, number (until, ms), other (who covers, "": as the roster says). What it owes before
 * that goes to its cover at once. */
void away_set(struct store *s, const struct asker *a, const struct msg_ask *m);
void away_end(struct store *s, const struct asker *a, const char *mailbox);

#endif
