/* alarm.c - canaries, and fetches out of the usual: each is a line of the log, a metric and a count
 * in status. Runs in: store. Owns: nothing; canaries are values in the ledger. Trusts: its callers
 * that the fetch was allowed. */
#include "store/alarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/log.h"
#include "store/group.h"
#include "store/usual.h"

#define CANARY_NAME (7 + UUID_TEXT) /* "canary." and the id */

struct canary {
	struct change change; /* first */
	char id[UUID_TEXT];
	purge_done *done;
	void *ctx;
};

static void
canary_name(char out[static CANARY_NAME], const char *id)
{
	snprintf(out, CANARY_NAME, "canary.%s", id);
}

static int
apply(struct store *s, struct change *c, struct err *e)
{
	char name[CANARY_NAME];

	canary_name(name, ((const struct canary *)c)->id);
	ledger_set_value(s->writer, name, "set");
	return 0;
}

static void
done(struct store *s, struct change *c, const struct err *refusal)
{
	struct canary *k = (struct canary *)c;

	if (refusal == NULL)
		log_info("canary-set", "bundle=%s", k->id);
	k->done(k->ctx, refusal);
	free(k);
}

void
canary_set(struct store *s, const char *id, purge_done *then, void *ctx)
{
	struct canary *k = mem_alloc(sizeof *k);

	*k = (struct canary){.change = {.apply = apply, .done = done}, .done = then, .ctx = ctx};
	strcpy(k->id, id);
	group_add(s, &k->change);
}

static bool
is_canary(struct store *s, const char *id)
{
	char name[CANARY_NAME];
	struct buf value = {0};
	bool is;

	canary_name(name, id);
	is = ledger_value(s->reader, name, &value);
	buf_free(&value);
	return is;
}

void
alarm_fetched(struct store *s, const char *mailbox, const char *id, const char *act)
{
	uint32_t count, usual;

	if (is_canary(s, id)) {
		s->canary_alarms++;
		log_error("canary", "bundle=%s mailbox=%s act=%s", id, mailbox, act);
	}
	if (usual_add(s->usual, mailbox, s->now(), s->settings.fetches_alarm, &count, &usual)) {
		s->fetch_alarms++;
		log_error("fetch-outlier", "mailbox=%s this_hour=%u usual=%u", mailbox, count,
			  usual);
	}
}
