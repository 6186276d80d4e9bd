/* facts.c - the facts of a head, kept while its payload comes. Runs in: store. Owns: nothing.
 * Trusts: that they were decoded within their bounds. */
#include "store/facts.h"

#include <stdlib.h>

static void
list_keep(struct list *l, size_t item, void **kept)
{
	*kept = l->n > 0 ? mem_dup(l->items, l->n * item) : NULL;
	l->items = *kept;
}

void
facts_keep(struct msg_facts_head *out, void *kept[static FACTS_LISTS],
	   const struct msg_facts_head *in)
{
	*out = *in;
	list_keep(&out->to, sizeof(struct fact_recipient), &kept[0]);
	list_keep(&out->about, sizeof(struct fact_name), &kept[1]);
	list_keep(&out->actions, sizeof(struct fact_action), &kept[2]);
	list_keep(&out->signers, sizeof(struct fact_signer), &kept[3]);
}

void
facts_drop(void *kept[static FACTS_LISTS])
{
	for (size_t i = 0; i < FACTS_LISTS; i++)
		free(kept[i]);
}
