/* withdraw.c - a sender takes a bundle back. Runs in: store. Owns: nothing. Trusts: that the
 * sender's agency signed it. Before collection the bundle is erased; after it, those who have it
 * are told, and what they say of it is still taken. */
#include "store/withdraw.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/entry.h"
#include "safehand/log.h"
#include "store/deadline.h"

struct holders {
	struct ledger_delivery *d;
	size_t n;
	bool key_out; /* somebody has the key */
};

static void
holder(void *ctx, const struct ledger_delivery *d)
{
	struct holders *h = ctx;

	h->d = mem_realloc(h->d, h->n + 1, sizeof *h->d);
	h->d[h->n++] = *d;
	h->key_out |= d->state != DELIVERY_WAITING && d->state != DELIVERY_WITHHELD;
}

static int64_t
enter(struct store *s, const struct ledger_bundle *b, const char *mailbox, const uint8_t *actor,
      const uint8_t *statement)
{
	return group_enter(s, &(struct group_entry){.event = EVENT_WITHDRAWN,
						    .bundle = b->n,
						    .id = b->id,
						    .manifest_sha256 = b->manifest_sha256,
						    .mailbox = mailbox,
						    .actor = actor,
						    .statement_sha256 = statement,
						    .code = "ok"});
}

/* The cover whose key was withheld never heard of the bundle: it hears nothing now. */
static void
tell(struct store *s, const struct ledger_bundle *b, const struct ledger_delivery *d)
{
	enum delivery_state next;
	struct err ignored;

	if (delivery_follow(d->state, EVENT_WITHDRAWN, &next, &ignored) < 0)
		return;
	if (d->state != DELIVERY_WITHHELD && strcmp(d->mailbox, b->from) != 0)
		enter(s, b, d->mailbox, NULL, NULL);
	ledger_set_delivery_state(s->writer, d, next, false);
}

int
withdraw_bundle(struct store *s, struct ledger_bundle *b, const uint8_t actor[static DIGEST_BYTES],
		const uint8_t statement_sha256[static DIGEST_BYTES], int64_t *seq, struct err *e)
{
	struct holders h = {0};

	if (b->state != BUNDLE_LIVE)
		return err_set(e, ERR_ORDER, "%s was purged: there is nothing to withdraw", b->id);
	ledger_each_delivery(s->writer, b->n, holder, &h);
	*seq = enter(s, b, b->from, actor, statement_sha256);
	for (size_t i = 0; i < h.n; i++)
		tell(s, b, &h.d[i]);
	if (!h.key_out) {
		ledger_set_bundle_state(s->writer, b, BUNDLE_PURGED); /* purge_tick erases [8] */
		ledger_unquarantine(s->writer, b->n);
	}
	deadline_close_bundle(s, b, DEADLINE_WITHDRAWN);
	free(h.d);
	return 0;
}
