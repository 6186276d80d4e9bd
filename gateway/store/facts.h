/* facts.h - what verify says of a head, kept beyond the message that said it. */
#ifndef SAFEHAND_STORE_FACTS_H
#define SAFEHAND_STORE_FACTS_H

#include "frame/msg.h"

#define FACTS_LISTS 4 /* to, about, actions, signers */

/* A copy; the items of its lists are those in kept, the caller's to facts_drop. */
void facts_keep(struct msg_facts_head *out, void *kept[static FACTS_LISTS],
		const struct msg_facts_head *in);
void facts_drop(void *kept[static FACTS_LISTS]); /* all NULL is fine */

#endif
