/* accept.c - what the acceptance of a bundle writes and answers, or its refusal. Runs in: store.
 * Owns: the counts of refusals by agency. Trusts: that judge_bundle said yes. */
#include "store/accept.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/entry.h"
#include "safehand/log.h"
#include "safehand/time.h"
#include "store/case.h"
#include "store/expectation.h"
#include "store/deadline.h"

#define REFUSALS_PER_MINUTE 30	/* entries of one agency: a sender that errs cannot fill the log */
#define REFUSERS_MAX	    256 /* agencies counted at once */

static void
bundle_fill(struct ledger_bundle *b, const struct acceptance *a, int64_t now_ms)
{
	const struct msg_facts_head *f = a->facts;

	*b = (struct ledger_bundle){.provisional = f->provisional,
				    .concern = f->concern,
				    .created_ms = f->created_ms,
				    .event_at_ms = f->event_at_ms,
				    .accepted_ms = now_ms,
				    .purge_ms = now_ms + a->klass->retain_ms,
				    .manifest_bytes = (uint32_t)f->manifest_bytes,
				    .signature_bytes = (uint32_t)f->signature_bytes,
				    .slots_bytes = (uint32_t)(f->to.n * SLOT_BYTES),
				    .payload_bytes = f->payload_bytes};
	strcpy(b->id, f->id);
	strcpy(b->from, f->from);
	strcpy(b->klass, f->klass);
	strcpy(b->reply_to, f->reply_to);
	strcpy(b->supersedes, f->supersedes);
	memcpy(b->head_sha256, a->head_sha256, DIGEST_BYTES);
	memcpy(b->manifest_sha256, f->manifest_sha256, DIGEST_BYTES);
}

static void
deliver(struct store *s, const struct ledger_bundle *b, const struct fact_recipient *to,
	uint32_t slot)
{
	struct ledger_delivery d = {.bundle = b->n, .slot = slot, .cover = to->cover != 0};

	strcpy(d.mailbox, to->mailbox);
	strcpy(d.covers, to->covers);
	d.state = d.cover ? DELIVERY_WITHHELD : DELIVERY_WAITING;
	ledger_add_delivery(s->writer, &d, (d.state == DELIVERY_WAITING));
	if (d.cover)
		return; /* it hears of the bundle when the ladder says so */
	group_enter(s, &(struct group_entry){.event = EVENT_CONTENT_CONSIGNMENT,
					     .bundle = b->n,
					     .id = b->id,
					     .manifest_sha256 = b->manifest_sha256,
					     .mailbox = d.mailbox,
					     .code = "ok"});
}

int
accept_bundle(struct store *s, const struct acceptance *a, int64_t *seq, struct err *e)
{
	const struct fact_recipient *to = a->facts->to.items;
	struct ledger_bundle b;

	if (ledger_bundle(s->writer, a->facts->id, &b)) {
		spool_stage_drop(s->spool, a->stage);
		return err_set(e, ERR_CONFLICT, "%s was accepted meanwhile",
			       a->facts->id); /* [4] */
	}
	bundle_fill(&b, a, s->now());
	if (spool_put(s->spool, a->stage, &b.place, e) < 0)
		return -1;
	ledger_add_bundle(s->writer, &b);
	*seq = group_enter(s, &(struct group_entry){.event = EVENT_SUBMISSION_ACCEPTANCE,
						    .bundle = b.n,
						    .id = b.id,
						    .manifest_sha256 = b.manifest_sha256,
						    .actor = a->cert,
						    .code = "ok",
						    .line = a->line});
	for (size_t i = 0; i < a->facts->to.n; i++)
		deliver(s, &b, &to[i], (uint32_t)i);
	case_accept(s, &b, a);
	expectation_accept(s, &b, a);
	deadline_open_bundle(s, &b, a->facts, a->klass);
	log_info("accepted", "bundle=%s from=%s class=%s bytes=%llu to=%zu", b.id, b.from, b.klass,
		 (unsigned long long)b.place.length, a->facts->to.n);
	return 0;
}

/* --- the answer --- */

void
accept_answer(const struct store *s, const struct asker *a, unsigned status, int64_t seq,
	      const struct proof_fresh *fresh)
{
	struct buf json = {0};
	struct err e = {0};

	if ((fresh != NULL && proof_fresh(s, seq, fresh, &json)) ||
	    proof_evidence(s, seq, &json, &e) == 0)
		reply_json(a, status, &json);
	else
		reply_refuse(a, &e);
	buf_free(&json);
}

void
accept_answer_again(const struct store *s, const struct asker *a, const struct ledger_bundle *b)
{
	struct ledger_entry first = {0};

	if (!ledger_find_entry(s->reader, b->n, "", EVENT_SUBMISSION_ACCEPTANCE, 0, &first))
		log_fatal("ledger", &(struct err){ERR_INTERNAL, "a bundle without acceptance"});
	accept_answer(s, a, 200, first.seq, NULL);
}

/* --- refusals --- */

struct refusal {
	struct change change;
	char id[UUID_TEXT];
	uint8_t cert[DIGEST_BYTES], manifest_sha256[DIGEST_BYTES];
	bool has_manifest;
	enum err_code code;
};

static bool
may_enter(const char *agency)
{
	static struct {
		char agency[NAME_AGENCY];
		int64_t minute;
		unsigned n;
	} counts[REFUSERS_MAX];
	int64_t minute = time_mono_ms() / 60000;
	size_t i = 0, oldest = 0;

	for (; i < REFUSERS_MAX && strcmp(counts[i].agency, agency) != 0; i++)
		if (counts[i].minute < counts[oldest].minute)
			oldest = i;
	if (i == REFUSERS_MAX) {
		i = oldest;
		strcpy(counts[i].agency, agency);
		counts[i].minute = -1;
	}
	if (counts[i].minute != minute)
		counts[i].n = 0;
	counts[i].minute = minute;
	return counts[i].n++ < REFUSALS_PER_MINUTE;
}

static int
refusal_apply(struct store *s, struct change *c, struct err *e)
{
	const struct refusal *r = (const struct refusal *)c;

	group_enter(
	    s, &(struct group_entry){.event = EVENT_SUBMISSION_REJECTION,
				     .id = r->id,
				     .manifest_sha256 = r->has_manifest ? r->manifest_sha256 : NULL,
				     .actor = r->cert,
				     .code = err_name(r->code)});
	return 0;
}

static void
refusal_done(struct store *s, struct change *c, const struct err *refusal)
{
	free(c);
}

void
accept_refused(struct store *s, const char *agency, const uint8_t cert[static DIGEST_BYTES],
	       const char *id, const uint8_t *manifest_sha256, const struct err *why)
{
	struct refusal *r;

	log_info("refused", "bundle=%s agency=%s code=%s error=%s", id, agency, err_name(why->code),
		 why->text);
	if (!may_enter(agency))
		return;
	r = mem_alloc(sizeof *r);
	*r = (struct refusal){.change = {.apply = refusal_apply, .done = refusal_done},
			      .code = why->code};
	strcpy(r->id, id);
	memcpy(r->cert, cert, DIGEST_BYTES);
	if ((r->has_manifest = manifest_sha256 != NULL))
		memcpy(r->manifest_sha256, manifest_sha256, DIGEST_BYTES);
	group_add(s, &r->change);
}
