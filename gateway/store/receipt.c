/* receipt.c - signed statements. Runs in: store. Owns: the statements under way. Trusts: verify on
 * who signed what; whether it may be said now is decided here, in the group. */
#include "store/denied.h"
#include "store/receipt.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "safehand/bundle.h"
#include "safehand/digest.h"
#include "safehand/entry.h"
#include "safehand/identity.h"
#include "safehand/log.h"
#include "safehand/statement.h"
#include "safehand/time.h"
#include "store/alarm.h"
#include "store/ask.h"
#include "store/case.h"
#include "store/deadline.h"
#include "store/group.h"
#include "store/judge.h"
#include "store/proof.h"
#include "store/purge.h"
#include "store/withdraw.h"
#include "store/worker.h"

struct receipt {
	struct change change; /* first: a change of a receipt is the receipt */
	LIST_ENTRY(receipt) next;
	struct store *store;
	struct asker asker;
	bool left;
	bool by_sender; /* of its own bundle: it can only be withdrawn */
	char agency[NAME_AGENCY];
	char mailbox[NAME_MAILBOX];
	char id[UUID_TEXT];
	struct buf body;		  /* the signed file as it came */
	struct signed_file parts;	  /* content and signature in it */
	struct msg_facts_statement facts; /* its list is empty */
	uint8_t actor[DIGEST_BYTES];
	enum entry_event event;
	int64_t part; /* which of several events of the kind: see answer_part */
	/* what the group decided */
	int64_t seq;
	bool first;
	bool damaged; /* the bundle's bytes: [9] */
	struct buf slot;
};

struct receipts {
	LIST_HEAD(, receipt) list;
};

struct receipts *
receipts_new(void)
{
	return mem_alloc(sizeof(struct receipts));
}

static void
receipt_free(struct receipt *r)
{
	LIST_REMOVE(r, next);
	buf_free(&r->body);
	buf_free(&r->slot);
	free(r);
}

void
receipts_free(struct receipts *r)
{
	while (!LIST_EMPTY(&r->list))
		receipt_free(LIST_FIRST(&r->list));
	free(r);
}

static void
refuse(struct receipt *r, const struct err *e)
{
	log_info("statement-refused", "bundle=%s mailbox=%s code=%s error=%s", r->id, r->mailbox,
		 err_name(e->code), e->text);
	if (!r->left)
		reply_refuse(&r->asker, e);
	receipt_free(r);
}

/* --- what is said --- */

/* Who signs which: a system says that it took and opened, a person that he read and answers. */
static const struct {
	enum entry_event event;
	enum profile profile;
	const char *wanted;
} kinds[STATEMENT_KINDS] = {
    [STATEMENT_COLLECTED] = {EVENT_CONTENT_HANDOVER, PROFILE_AGENCY_SIGN, "agency-sign"},
    [STATEMENT_OPENED] = {EVENT_OPENED, PROFILE_AGENCY_SIGN, "agency-sign"},
    [STATEMENT_READ] = {EVENT_READ, PROFILE_PERSON_SIGN, "person-sign"},
    [STATEMENT_ANSWERED] = {EVENT_ANSWER, PROFILE_PERSON_SIGN, "person-sign"},
    [STATEMENT_WITHDRAWN] = {EVENT_WITHDRAWN, PROFILE_AGENCY_SIGN, "agency-sign"},
};

/* An answer may be given once for the whole and once for each action, in each sense: "accepted",
 * "done:3". What tells them apart is a number: the action's times four, and the word's. */
static int64_t
answer_part(const char *code)
{
	static const char *const words[] = {"accepted", "declined", "done"};
	const char *colon = strchr(code, ':');
	size_t n = colon == NULL ? strlen(code) : (size_t)(colon - code);
	int64_t action = colon == NULL ? 0 : strtoll(colon + 1, NULL, 10);

	for (int64_t i = 0; i < 3; i++)
		if (strlen(words[i]) == n && strncmp(words[i], code, n) == 0)
			return action * 4 + i + 1;
	return action * 4;
}

static int
check_subject(const struct receipt *r, const struct msg_facts_statement *f,
	      const struct ledger_bundle *b, struct err *e)
{
	if (strcmp(f->bundle, r->id) != 0)
		return err_set(e, ERR_DIGEST, "the statement is about bundle %s", f->bundle);
	if (strcmp(f->mailbox, r->mailbox) != 0)
		return err_set(e, ERR_DIGEST, "the statement is of mailbox %s", f->mailbox);
	if (memcmp(f->manifest_sha256, b->manifest_sha256, DIGEST_BYTES) != 0)
		return err_set(e, ERR_DIGEST, "the statement is about another manifest");
	return 0;
}

static int
check_signer(const struct receipt *r, const struct msg_facts_statement *f, struct err *e)
{
	const struct fact_signer *s = f->signers.items;

	if (f->kind >= STATEMENT_KINDS || f->signers.n != 1)
		return err_set(e, ERR_FORMAT, "not a kind of statement, or not one signer");
	if (r->by_sender != (f->kind == STATEMENT_WITHDRAWN))
		return err_set(e, ERR_DENIED, "%s is not for the %s to say",
			       event_name(kinds[f->kind].event),
			       r->by_sender ? "sender" : "recipient");
	if (strcmp(s->agency, r->agency) != 0)
		return err_set(e, ERR_DENIED, "signed by %s, the mailbox is of %s", s->by,
			       r->agency);
	if (s->profile != kinds[f->kind].profile)
		return err_set(e, ERR_PROFILE,
			       "signed by %s, wanted is a certificate of profile %s", s->by,
			       kinds[f->kind].wanted);
	return 0;
}

static int
check_time(const struct store *s, const struct msg_facts_statement *f,
	   const struct ledger_bundle *b, struct err *e)
{
	int64_t skew = s->settings.clock_skew_ms;

	if (f->at_ms < b->accepted_ms - skew)
		return err_set(e, ERR_ORDER, "at: before the bundle was accepted");
	return judge_clock(f->at_ms, s->now(), skew, "at", e);
}

static int
judge(struct receipt *r, const struct msg_facts_statement *f, struct err *e)
{
	struct ledger_bundle b;

	if (!ledger_bundle(r->store->reader, r->id, &b))
		return err_set(e, ERR_UNKNOWN, "there is none that you may know of");
	if (check_subject(r, f, &b, e) < 0 || check_signer(r, f, e) < 0 ||
	    check_time(r->store, f, &b, e) < 0)
		return -1;
	r->facts = *f;
	r->facts.signers = (struct list){0};
	memcpy(r->actor, ((const struct fact_signer *)f->signers.items)->cert, DIGEST_BYTES);
	r->event = kinds[f->kind].event;
	if (f->kind == STATEMENT_OPENED && strcmp(f->code, "ok") != 0)
		r->event = EVENT_OPEN_FAILURE;
	r->part = r->event == EVENT_ANSWER ? answer_part(f->code) : 0;
	if (signed_parse(r->body.data, r->body.len, STATEMENT_MAX_BYTES, &r->parts, e) < 0)
		return -1;
	/* the log names the bytes that we keep, not those that verify says it read */
	digest_of(r->parts.content, r->parts.content_bytes, r->facts.statement_sha256);
	return 0;
}

/* --- in the group --- */

static int
take_slot(struct store *s, struct receipt *r, const struct ledger_bundle *b,
	  const struct ledger_delivery *d, struct err *e)
{
	uint64_t end = b->place.kept + ((uint64_t)d->slot + 1) * SLOT_BYTES;
	struct buf bytes = {0};
	int rc;

	if (b->state != BUNDLE_LIVE)
		return err_set(e, ERR_UNKNOWN, "%s was purged", b->id);
	if (ledger_is_quarantined(s->writer, b->n))
		return quarantine_refuse(b, e);
	if (b->slots_bytes == 0) /* a notice: the receipt is for what lies open */
		return 0;
	rc = spool_read(s->spool, b->id, &b->place, end, &bytes, e);
	if (rc == 0) {
		buf_clear(&r->slot);
		buf_add(&r->slot, bytes.data + end - SLOT_BYTES, SLOT_BYTES);
	}
	r->damaged = rc < 0 && e->code == ERR_DIGEST;
	buf_free(&bytes);
	return rc;
}

/* The same again gets the first answer; so does a machine that lost what it had collected, and a
 * sender who withdraws what is withdrawn. */
static int
repeated(struct store *s, struct receipt *r, const struct ledger_entry *was,
	 const struct ledger_bundle *b, const struct ledger_delivery *d, struct err *e)
{
	struct buf content = {0}, signature = {0};
	bool same;

	ledger_statement(s->writer, was->seq, &content, &signature);
	same = content.len == r->parts.content_bytes &&
	       memcmp(content.data, r->parts.content, content.len) == 0;
	buf_free(&content);
	buf_free(&signature);
	if (!same && r->event != EVENT_CONTENT_HANDOVER && r->event != EVENT_WITHDRAWN)
		return err_set(e, ERR_REPEATED, "%s is recorded already, with other bytes",
			       event_name(r->event));
	r->seq = was->seq;
	r->first = false;
	return r->event == EVENT_CONTENT_HANDOVER ? take_slot(s, r, b, d, e) : 0;
}

static void
record(struct store *s, struct receipt *r, const struct ledger_bundle *b,
       const struct ledger_delivery *d, enum delivery_state next)
{
	r->seq = group_enter(s, &(struct group_entry){.event = r->event,
						      .bundle = b->n,
						      .id = b->id,
						      .manifest_sha256 = b->manifest_sha256,
						      .mailbox = d->mailbox,
						      .actor = r->actor,
						      .statement_sha256 = r->facts.statement_sha256,
						      .code = r->facts.code,
						      .part = r->part});
	ledger_add_statement(s->writer, r->seq, r->parts.content, r->parts.content_bytes,
			     r->parts.signature, r->parts.signature_bytes);
	ledger_set_delivery_state(s->writer, d, next, next == DELIVERY_WAITING);
	if (r->event == EVENT_OPENED)
		ledger_set_delivery_content(s->writer, d, r->facts.content_sha256);
	deadline_said(s, b, d, r->event, r->facts.code);
	r->first = true;
}

/* Who reads or answers means the documents that were opened in this mailbox. */
static int
check_content(struct store *s, const struct receipt *r, const struct ledger_delivery *d,
	      struct err *e)
{
	uint8_t opened[DIGEST_BYTES];

	if (r->event != EVENT_READ && r->event != EVENT_ANSWER)
		return 0;
	if (!ledger_delivery_content(s->writer, d, opened) ||
	    memcmp(opened, r->facts.content_sha256, DIGEST_BYTES) != 0)
		return err_set(e, ERR_DIGEST,
			       "content_sha256: not that of the documents that were opened");
	return 0;
}

static int
withdraw(struct store *s, struct receipt *r, struct ledger_bundle *b, struct err *e)
{
	if (withdraw_bundle(s, b, r->actor, r->facts.statement_sha256, &r->seq, e) < 0)
		return -1;
	ledger_add_statement(s->writer, r->seq, r->parts.content, r->parts.content_bytes,
			     r->parts.signature, r->parts.signature_bytes);
	r->first = true;
	return 0;
}

/* [5] Each event once: the state says what may follow, the ledger what is there. */
static int
apply(struct store *s, struct change *c, struct err *e)
{
	struct receipt *r = (struct receipt *)c;
	struct ledger_bundle b;
	struct ledger_delivery d;
	struct ledger_entry was;
	enum delivery_state next;

	if (denied_check(s->writer, r->actor, r->mailbox, e) < 0)
		return -1;
	if (!ledger_bundle(s->writer, r->id, &b) ||
	    (!r->by_sender && !ledger_delivery(s->writer, b.n, r->mailbox, &d)))
		return err_set(e, ERR_UNKNOWN, "there is none that you may know of");
	if (ledger_find_entry(s->writer, b.n, r->mailbox, r->event, r->part, &was))
		return repeated(s, r, &was, &b, &d, e);
	if (r->by_sender)
		return withdraw(s, r, &b, e);
	if (delivery_follow(d.state, r->event, &next, e) < 0 || check_content(s, r, &d, e) < 0)
		return -1;
	if (r->event == EVENT_CONTENT_HANDOVER && take_slot(s, r, &b, &d, e) < 0)
		return -1; /* no receipt for a key that cannot be given */
	record(s, r, &b, &d, next);
	return 0;
}

static void
answer(struct receipt *r)
{
	struct ledger_bundle b;
	struct buf json = {0};
	struct err e = {0};

	buf_addc(&json, '{');
	buf_json_key(&json, "evidence");
	if (proof_evidence(r->store, r->seq, &json, &e) < 0) {
		reply_refuse(&r->asker, &e);
	} else {
		if (r->slot.len > 0)
			buf_json_b64(&json, "slot", r->slot.data, r->slot.len);
		if (r->event == EVENT_CONTENT_HANDOVER &&
		    ledger_bundle(r->store->reader, r->id, &b))
			case_bundle_flags_json(r->store->reader, b.n,
					       &json); /* before it is read */
		buf_addc(&json, '}');
		reply_json(&r->asker, r->first ? 201 : 200, &json);
	}
	buf_free(&json);
}

static void
done(struct store *s, struct change *c, const struct err *refusal)
{
	struct receipt *r = (struct receipt *)c;
	struct ledger_bundle b;

	/* a statement about other documents is its signer's error, not the bundle's */
	if (r->damaged && ledger_bundle(s->reader, r->id, &b))
		quarantine_bundle(s, &b, refusal); /* [9] */
	if (refusal != NULL) {
		refuse(r, refusal);
		return;
	}
	if (r->first)
		log_info("statement", "bundle=%s mailbox=%s event=%s code=%s", r->id, r->mailbox,
			 event_name(r->event), r->facts.code);
	if (r->event == EVENT_CONTENT_HANDOVER) /* each time, the first or not: the key leaves */
		alarm_fetched(s, r->mailbox, r->id, "collected");
	if (!r->left)
		answer(r);
	receipt_free(r);
}

/* --- on the way there --- */

static void
on_checked(void *ctx, enum msg_kind kind, const void *facts, const struct err *why)
{
	struct receipt *r = ctx;
	struct err e = {0};

	if (kind != MSG_FACTS_STATEMENT) {
		refuse(r, why);
		return;
	}
	if (judge(r, facts, &e) < 0) {
		refuse(r, &e);
		return;
	}
	r->change = (struct change){.apply = apply, .done = done};
	group_add(r->store, &r->change);
}

/* A mailbox of one's own that the bundle is for, or that it is from; who asks for another is told
 * that there is none. */
static bool
is_party(const struct store *s, struct receipt *r, const struct msg_statement *m)
{
	struct ledger_bundle b;
	struct ledger_delivery d;
	bool there = ledger_bundle_quietly(s->reader, m->id, &b);

	if (r->by_sender) {
		if (!there || !ask_is_own(s, b.from, m->agency))
			return false;
		strcpy(r->mailbox, b.from);
		return true;
	}
	return ask_is_own(s, m->mailbox, m->agency) &&
	       ledger_delivery(s->reader, b.n, m->mailbox, &d) && there;
}

void
receipt_take(void *env, struct chan *ch, const void *msg, int fd)
{
	const struct msg_statement *m = msg;
	struct store *s = ((struct role_env *)env)->state;
	struct receipt *r = mem_alloc(sizeof *r);
	struct err e = {0};
	int rc;

	*r = (struct receipt){.store = s, .asker = {ch, m->job}};
	LIST_INSERT_HEAD(&s->receipts->list, r, next);
	strcpy(r->agency, m->agency);
	strcpy(r->mailbox, m->mailbox);
	strcpy(r->id, m->id);
	r->by_sender = m->mailbox[0] == '\0';
	rc = role_carried(&m->bytes, fd,
			  SIGNED_FIXED_BYTES + STATEMENT_MAX_BYTES + SIGNATURE_MAX_BYTES, &r->body,
			  &e);
	if (fd >= 0)
		close(fd);
	if (rc < 0 || denied_check(s->reader, m->cert, m->agency, &e) < 0) {
		refuse(r, &e);
	} else if (s->members == NULL) {
		refuse(r, &(struct err){ERR_BUSY, "the roster is not loaded yet"});
	} else if (!is_party(s, r, m)) {
		reply_unknown(&r->asker);
		receipt_free(r);
	} else {
		rc = worker_check(s->workers, CHECK_STATEMENT, r->agency, r->body.data, r->body.len,
				  s->now(), on_checked, r, &e);
		if (rc < 0)
			refuse(r, &e);
	}
}

void
receipt_cancel(struct store *s, const struct asker *a)
{
	struct receipt *r;

	LIST_FOREACH(r, &s->receipts->list, next)
	if (r->asker.job == a->job && r->asker.front == a->front)
		r->left = true;
}
