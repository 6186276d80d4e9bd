/* roster.h - the roster and the policy come into force: checked, never older, told in the log. */
#ifndef SAFEHAND_STORE_ROSTER_H
#define SAFEHAND_STORE_ROSTER_H

#include "store/reply.h"
#include "store/store.h"

struct roster;

struct roster *roster_new(void);
void roster_free(struct roster *r);
/* Has the roster file checked; when it holds, it takes the place of the one in force. At start a
 * refusal ends the process, later the old one stays. Again with the same file: certificates are
 * judged anew, by the present CRL. */
void roster_load(struct store *s);
/* GET /v1/roster */
void roster_answer(struct store *s, const struct asker *a);

/* Tells the log of a policy that differs from the last one that it was told of, and of the start.
 */
void roster_tell_policy(struct store *s);
void roster_tell_start(struct store *s);

#endif
