/* ask.h - what clients ask: feeds, bundles, evidence, the log, the roster, subscriptions. */
#ifndef SAFEHAND_STORE_ASK_H
#define SAFEHAND_STORE_ASK_H

#include "store/store.h"

/* Front's message, for the role's table; ctx is struct role_env whose state is the store. */
void ask_take(void *env, struct chan *ch, const void *msg, int fd);

/* Is the mailbox in the roster, and of that agency? Whose it is not, for him there is none. */
bool ask_is_own(const struct store *s, const char *mailbox, const char *agency);

#endif
