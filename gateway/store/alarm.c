/* alarm.c - canaries, and fetches out of the usual: each is a line of the log, a metric and a count
 * in status. Runs in: store. Owns: nothing; canaries are values in the ledger. Trusts: its callers
 * that the fetch was allowed. */
#include "store/alarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/log.h"
#include "safehand/time.h"
#include "store/group.h"
#include "store/usual.h"

#define CANARY_PREFIX "canary."
#define CANARY_NAME   (sizeof CANARY_PREFIX + UUID_TEXT)

struct canary {
	struct change change; /* first */
	char id[UUID_TEXT];
	purge_done *done;
	void *ctx;
};

static void
canary_name(char out[static CANARY_NAME], const char *id)
{
	snprintf(out, CANARY_NAME, CANARY_PREFIX "%s", id);
}

static int
apply_set(struct store *s, struct change *c, struct err *e)
{
	char name[CANARY_NAME], since[TIME_TEXT];

	canary_name(name, ((const struct canary *)c)->id);
	time_format(since, s->now());
	ledger_set_value(s->writer, name, since);
	return 0;
}

static int
apply_remove(struct store *s, struct change *c, struct err *e)
{
	const struct canary *k = (const struct canary *)c;
	char name[CANARY_NAME];

	canary_name(name, k->id);
	return ledger_unset_value(s->writer, name)
		   ? 0
		   : err_set(e, ERR_UNKNOWN, "%s is no canary", k->id);
}

/* Told in the daemon's log and not in the log of evidence: recipients read that one. */
static void
done(struct store *s, struct change *c, const struct err *refusal)
{
	struct canary *k = (struct canary *)c;

	if (refusal == NULL)
		log_info(c->apply == apply_set ? "canary-set" : "canary-removed", "bundle=%s",
			 k->id);
	k->done(k->ctx, refusal);
	free(k);
}

static void
canary_change(struct store *s, const char *id,
	      int (*apply)(struct store *, struct change *, struct err *), purge_done *then,
	      void *ctx)
{
	struct canary *k = mem_alloc(sizeof *k);

	*k = (struct canary){.change = {.apply = apply, .done = done}, .done = then, .ctx = ctx};
	strcpy(k->id, id);
	group_add(s, &k->change);
}

void
canary_set(struct store *s, const char *id, purge_done *then, void *ctx)
{
	canary_change(s, id, apply_set, then, ctx);
}

void
canary_remove(struct store *s, const char *id, purge_done *then, void *ctx)
{
	canary_change(s, id, apply_remove, then, ctx);
}

struct listing {
	struct store *s;
	struct buf *out;
};

static void
list_canary(void *ctx, const char *name, const char *since)
{
	const struct listing *l = ctx;
	struct ledger_bundle b;

	if (!ledger_bundle(l->s->reader, name + strlen(CANARY_PREFIX), &b))
		return;
	if (l->out->data[l->out->len - 1] == '}')
		buf_addc(l->out, ',');
	buf_addc(l->out, '{');
	buf_json_str(l->out, "bundle", b.id);
	buf_json_str(l->out, "from", b.from);
	buf_json_str(l->out, "class", b.klass);
	buf_json_str(l->out, "since", since);
	buf_json_str(l->out, "state", b.state == BUNDLE_LIVE ? "kept" : "purged");
	buf_addc(l->out, '}');
}

void
canary_list(struct store *s, struct buf *out)
{
	struct listing l = {s, out};

	buf_adds(out, "{\"canaries\":[");
	ledger_each_value(s->reader, CANARY_PREFIX, list_canary, &l);
	buf_adds(out, "]}");
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
alarm_touched(struct store *s, const char *mailbox, const char *id, const char *act)
{
	if (!is_canary(s, id))
		return;
	s->canary_alarms++;
	log_error("canary", "bundle=%s mailbox=%s act=%s", id, mailbox, act);
}

void
alarm_fetched(struct store *s, const char *mailbox, const char *id, const char *act)
{
	uint32_t count, usual;

	alarm_touched(s, mailbox, id, act);
	if (usual_add(s->usual, mailbox, s->now(), s->settings.fetches_alarm, &count, &usual)) {
		s->fetch_alarms++;
		log_error("fetch-outlier", "mailbox=%s this_hour=%u usual=%u", mailbox, count,
			  usual);
	}
}
