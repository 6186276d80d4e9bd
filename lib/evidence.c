/* evidence.c - judges evidence. Runs in: client, tests. Pure: no clock, no I/O. Trusts: the root
 * and the log's key, and no byte of the evidence. */
#include <string.h>

#include "safehand/digest.h"
#include "safehand/evidence.h"
#include "safehand/fetched.h"
#include "safehand/notice.h"
#include "safehand/signature.h"
#include "safehand/time.h"
#include "safehand/timestamp.h"

#define SENDERS (PROFILE_BIT(PROFILE_AGENCY_SIGN) | PROFILE_BIT(PROFILE_PERSON_SIGN))
#define GATEWAY PROFILE_BIT(PROFILE_GATEWAY_SIGN) /* signs notices, and nothing else */
#define STAMP_SLACK_MS                                                                             \
	60000 /* a store and a notary whose clocks differ; far below any deadline                  \
	       */

/* What an entry must name for its event to be shown. */
enum { BUNDLE = 1, MANIFEST = 2, MAILBOX = 4, ACTOR = 8, STATEMENT = 16 };
#define STATED (BUNDLE | MANIFEST | MAILBOX | ACTOR | STATEMENT)

static const unsigned calls_for[EVENTS] = {
    [EVENT_SUBMISSION_ACCEPTANCE] = BUNDLE | MANIFEST | ACTOR,
    [EVENT_SUBMISSION_REJECTION] = ACTOR,
    [EVENT_CONTENT_CONSIGNMENT] = BUNDLE | MANIFEST | MAILBOX,
    [EVENT_CONTENT_HANDOVER] = STATED,
    [EVENT_OPENED] = STATED,
    [EVENT_OPEN_FAILURE] = STATED,
    [EVENT_READ] = STATED,
    [EVENT_ANSWER] = STATED,
    [EVENT_PURGED] = BUNDLE | MANIFEST,
    [EVENT_NOTIFICATION_SENT] = MAILBOX,
    [EVENT_NOTIFICATION_FAILURE] = MAILBOX,
    [EVENT_OVERDUE] = MAILBOX,
    [EVENT_ESCALATION] = MAILBOX,
    [EVENT_COVER_RELEASED] = BUNDLE | MANIFEST | MAILBOX,
    [EVENT_SUPERSEDED] = BUNDLE | MANIFEST,
    [EVENT_WITHDRAWN] = BUNDLE | MANIFEST | MAILBOX,
    [EVENT_FETCHED] = BUNDLE | MANIFEST | MAILBOX | ACTOR,
    [EVENT_HELD] = BUNDLE | MANIFEST,
    [EVENT_RELEASED] = BUNDLE | MANIFEST,
};

/* A withdrawal is shown by its sender's statement; that a recipient was told of it has none. */
static bool
is_stated(const struct entry *entry)
{
	return calls_for[entry->event] == STATED ||
	       (entry->event == EVENT_WITHDRAWN && (entry->has_actor || entry->has_statement));
}

static unsigned
called_for(const struct entry *entry)
{
	return is_stated(entry) ? STATED : calls_for[entry->event];
}

/* Whose the entry's mailbox is, of a bundle's manifest: a recipient's, but for what follows. */
static bool
may_be_sender(enum entry_event event)
{
	return event == EVENT_OVERDUE || event == EVENT_ESCALATION; /* a final is owed by it */
}

static bool
may_be_anybody(enum entry_event event)
{
	return event == EVENT_NOTIFICATION_SENT || event == EVENT_NOTIFICATION_FAILURE;
}

/* One judging: what is judged, by what, and what came of it. */
struct court {
	const struct evidence *ev;
	struct trust *trust;
	const struct note_key *log;
	struct evidence_result *out;
	int64_t at_ms; /* when the signatures were made, as far as it is known */
	bool timed;    /* it is known */
};

const char *
evidence_verdict_name(enum evidence_verdict v)
{
	static const char *const names[] = {"OK", "INCOMPLETE", "FAIL"};

	return names[v];
}

/* --- the entry and its place in the log --- */

static unsigned
named_by(const struct entry *entry)
{
	return (entry->bundle[0] != '\0' ? BUNDLE : 0) | (entry->has_manifest ? MANIFEST : 0) |
	       (entry->mailbox[0] != '\0' ? MAILBOX : 0) | (entry->has_actor ? ACTOR : 0) |
	       (entry->has_statement ? STATEMENT : 0);
}

static int
judge_entry(struct court *c, struct err *e)
{
	static const char *const members[] = {"bundle", "manifest_sha256", "mailbox", "actor",
					      "statement_sha256"};
	struct entry *entry = &c->out->entry;
	struct fetched fetched;
	unsigned lacking;

	if (c->ev->entry.len == 0)
		return 0;
	if (entry_parse(c->ev->entry.data, c->ev->entry.len, entry, e) < 0)
		return -1;
	c->out->has_entry = true;
	c->at_ms = entry->time_ms;
	c->timed = true;
	lacking = called_for(entry) & ~named_by(entry);
	for (int i = 0; i < 5; i++)
		if (lacking & 1u << i)
			return err_set(e, ERR_FORMAT, "entry.%s: missing, and %s calls for it",
				       members[i], event_name(entry->event));
	return entry->event == EVENT_FETCHED ? fetched_parse(entry->code, &fetched, e) : 0;
}

/* One text for one proof: what the checkpoint's signature does not cover may not vary. */
static int
check_form(const struct buf *proof, uint64_t index, const struct merkle_proof *path,
	   const char *note, size_t note_len, struct err *e)
{
	struct buf again = {0};
	bool same;

	tlog_proof_format(index, path, note, note_len, &again);
	same = again.len == proof->len && memcmp(again.data, proof->data, again.len) == 0;
	buf_free(&again);
	return same ? 0 : err_set(e, ERR_FORMAT, "proof: not in its one form");
}

static int
check_place(const struct court *c, uint64_t index, const struct merkle_proof *path, struct err *e)
{
	const struct checkpoint *head = &c->out->checkpoint;
	uint8_t leaf[DIGEST_BYTES];

	if (!c->out->has_entry)
		return 0;
	if (index != c->out->entry.seq)
		return err_set(e, ERR_FAIL, "proof: of entry %llu, and this is entry %llu",
			       (unsigned long long)index, (unsigned long long)c->out->entry.seq);
	merkle_leaf(c->ev->entry.data, c->ev->entry.len, leaf);
	if (merkle_verify_inclusion(leaf, index, head->size, path, head->root, e) < 0)
		return err_set(e, ERR_FAIL, "proof: entry %llu is not in the tree of %llu entries",
			       (unsigned long long)index, (unsigned long long)head->size);
	return 0;
}

static int
judge_stamp(struct court *c, const char *note, size_t note_len, struct err *e)
{
	struct evidence_result *out = c->out;
	const struct buf *token = &c->ev->timestamp;
	uint8_t digest[DIGEST_BYTES];
	size_t text_len;

	if (token->len == 0)
		return 0;
	if (note_text(note, note_len, &text_len, e) < 0)
		return -1;
	digest_of(note, text_len, digest);
	if (timestamp_verify(token->data, token->len, digest, c->trust, &out->stamped_ms, &out->tsa,
			     e) < 0)
		return -1;
	out->has_stamp = true;
	c->at_ms = out->stamped_ms;
	c->timed = true;
	if (out->has_entry && out->entry.time_ms > out->stamped_ms + STAMP_SLACK_MS)
		return err_set(e, ERR_CLOCK, "timestamp: of before the entry that it covers");
	return 0;
}

static int
judge_proof(struct court *c, struct err *e)
{
	const struct buf *proof = &c->ev->proof;
	struct merkle_proof path;
	const char *note;
	size_t note_len;
	uint64_t index;

	if (proof->len == 0)
		return 0;
	if (tlog_proof_parse(proof->data, proof->len, &index, &path, &note, &note_len, e) < 0 ||
	    check_form(proof, index, &path, note, note_len, e) < 0 ||
	    checkpoint_verify(note, note_len, c->log, &c->out->checkpoint, e) < 0)
		return -1;
	c->out->has_checkpoint = true;
	if (check_place(c, index, &path, e) < 0)
		return -1;
	return judge_stamp(c, note, note_len, e);
}

/* --- what the entry speaks of --- */

static int
check_digest(const struct buf *part, const uint8_t want[static DIGEST_BYTES], const char *name,
	     struct err *e)
{
	uint8_t have[DIGEST_BYTES];

	digest_of(part->data, part->len, have);
	if (memcmp(have, want, DIGEST_BYTES) != 0)
		return err_set(e, ERR_DIGEST, "%s: not the one that the entry names", name);
	return 0;
}

/* Parts that the entry does not name would be shown under its authority. */
static int
check_spoken_of(const struct court *c, struct err *e)
{
	const struct evidence *ev = c->ev;
	const struct entry *entry = &c->out->entry;

	if (!c->out->has_entry)
		return 0;
	if (!entry->has_manifest && ev->manifest.len + ev->signature.len > 0)
		return err_set(e, ERR_FAIL, "manifest: the entry names none");
	if (entry->event == EVENT_SUBMISSION_REJECTION && ev->signature.len > 0)
		return err_set(e, ERR_FAIL, "signature: a rejection shows none");
	if (!is_stated(entry) && ev->statement.len + ev->statement_signature.len > 0)
		return err_set(e, ERR_FAIL, "statement: %s has none", event_name(entry->event));
	return 0;
}

static int
check_signers(struct court *c, const struct manifest *m, struct err *e)
{
	struct evidence_result *out = c->out;
	char agency[NAME_AGENCY];

	name_agency(agency, m->from);
	for (size_t i = 0; i < out->nsigners; i++)
		if (strcmp(out->signers[i].agency, agency) != 0)
			return err_set(e, ERR_PROFILE, "manifest: from %s, signed by %s", m->from,
				       out->signers[i].by);
	return 0;
}

/* What the manifest, or a notice in its place, says of itself, against the entry. */
static int
check_subject(struct court *c, const char *id, const char *from, const char *klass, struct err *e)
{
	const struct entry *entry = &c->out->entry;

	strcpy(c->out->from, from);
	strcpy(c->out->klass, klass);
	c->out->has_manifest = true;
	if (c->out->has_entry && strcmp(id, entry->bundle) != 0)
		return err_set(e, ERR_DIGEST, "manifest: of bundle %s, the entry's is %s", id,
			       entry->bundle);
	return 0;
}

static int
check_manifest(struct court *c, const struct manifest *m, struct err *e)
{
	const char *mailbox = c->out->entry.mailbox;
	enum entry_event event = c->out->entry.event;
	bool found = !c->out->has_entry || mailbox[0] == '\0' || may_be_anybody(event);
	bool withdrawal = event == EVENT_WITHDRAWN && is_stated(&c->out->entry);

	if (c->out->has_entry && withdrawal && strcmp(m->from, mailbox) != 0)
		return err_set(e, ERR_FAIL, "entry: withdrawn by %s, and it is from %s", mailbox,
			       m->from);
	found = found || withdrawal || (may_be_sender(event) && strcmp(m->from, mailbox) == 0);
	if (check_signers(c, m, e) < 0 || check_subject(c, m->id, m->from, m->klass, e) < 0)
		return -1;
	for (size_t i = 0; !found && i < m->nto; i++)
		found = strcmp(m->to[i].mailbox, mailbox) == 0;
	return found ? 0 : err_set(e, ERR_FAIL, "entry: %s is no recipient of the bundle", mailbox);
}

/* One signer, as notice_verify demands. */
static int
check_notice(struct court *c, const struct notice *n, struct err *e)
{
	const char *mailbox = c->out->entry.mailbox;

	if (c->out->nsigners > 1)
		return err_set(e, ERR_SIGNATURE, "notice: %zu signers, want one", c->out->nsigners);
	if (check_subject(c, n->id, NOTICE_FROM, NOTICE_CLASS, e) < 0)
		return -1;
	c->out->is_notice = true;
	c->out->notice = *n;
	return !c->out->has_entry || mailbox[0] == '\0' || strcmp(n->to, mailbox) == 0
		   ? 0
		   : err_set(e, ERR_FAIL, "entry: %s is not told by the notice", mailbox);
}

/* What the entry calls a manifest: of a bundle, or the notice that travels as one. */
static int
judge_text(struct court *c, bool notice, struct err *e)
{
	const struct buf *text = &c->ev->manifest;
	struct manifest *m = NULL;
	struct notice n;
	int rc;

	if (notice)
		return notice_parse(text->data, text->len, &n, e) < 0 ? -1 : check_notice(c, &n, e);
	if (manifest_parse(text->data, text->len, &m, e) < 0)
		return -1;
	rc = check_manifest(c, m, e);
	manifest_free(m);
	return rc;
}

static int
judge_manifest(struct court *c, struct err *e)
{
	const struct buf *text = &c->ev->manifest, *der = &c->ev->signature;
	const struct entry *entry = &c->out->entry;
	bool notice = notice_is(text->data, text->len);

	if (text->len == 0)
		return 0;
	if (c->out->has_entry && check_digest(text, entry->manifest_sha256, "manifest", e) < 0)
		return -1;
	if (c->out->has_entry && entry->event == EVENT_SUBMISSION_REJECTION)
		return 0;
	if (der->len > 0 && c->timed &&
	    signature_verify(text->data, text->len, der->data, der->len, c->trust,
			     notice ? GATEWAY : SENDERS, c->at_ms, TRUST_HISTORIC, c->out->signers,
			     &c->out->nsigners, e) < 0)
		return err_wrap(e, notice ? "notice" : "manifest");
	return judge_text(c, notice, e);
}

static int
check_statement(const struct court *c, struct err *e)
{
	const struct statement *s = &c->out->statement;
	const struct entry *entry = &c->out->entry;

	if (!c->out->has_entry)
		return 0;
	if (statement_event(s) != entry->event)
		return err_set(e, ERR_FAIL, "statement: %s shows no %s",
			       statement_kind_name(s->kind), event_name(entry->event));
	if (strcmp(s->bundle, entry->bundle) != 0 ||
	    memcmp(s->manifest_sha256, entry->manifest_sha256, DIGEST_BYTES) != 0)
		return err_set(e, ERR_DIGEST, "statement: about another bundle");
	if (strcmp(s->mailbox, entry->mailbox) != 0)
		return err_set(e, ERR_DIGEST, "statement: of mailbox %s, the entry's is %s",
			       s->mailbox, entry->mailbox);
	return strcmp(s->code, entry->code) == 0
		   ? 0
		   : err_set(e, ERR_DIGEST, "statement: says %s, the entry %s", s->code,
			     entry->code);
}

/* Its one signature, by whom the entry names, who may say such a thing. */
static int
judge_actor(struct court *c, struct err *e)
{
	const struct buf *text = &c->ev->statement, *der = &c->ev->statement_signature;
	struct evidence_result *out = c->out;
	struct identity ids[SIGNERS_MAX];
	size_t n;

	if (signature_verify(text->data, text->len, der->data, der->len, c->trust, SENDERS,
			     c->at_ms, TRUST_HISTORIC, ids, &n, e) < 0)
		return err_wrap(e, "statement");
	if (n != 1)
		return err_set(e, ERR_SIGNATURE, "statement: %zu signers, want one", n);
	if (out->has_entry && memcmp(ids[0].cert, out->entry.actor, DIGEST_BYTES) != 0)
		return err_set(e, ERR_FAIL, "statement: signed by another than the entry's actor");
	out->actor = ids[0];
	out->has_actor = true;
	return 0;
}

static int
judge_statement(struct court *c, struct err *e)
{
	const struct buf *text = &c->ev->statement;
	struct evidence_result *out = c->out;

	if (text->len == 0)
		return 0;
	if (out->has_entry && check_digest(text, out->entry.statement_sha256, "statement", e) < 0)
		return -1;
	if (c->ev->statement_signature.len > 0 && c->timed && judge_actor(c, e) < 0)
		return -1;
	if (statement_parse(text->data, text->len, &out->statement, e) < 0)
		return -1;
	if (out->has_actor && statement_check_signer(&out->statement, &out->actor, e) < 0)
		return -1;
	return check_statement(c, e);
}

/* --- what is missing --- */

static void
miss(struct buf *list, bool wanted, const struct buf *part, const char *name)
{
	if (!wanted || part->len > 0)
		return;
	buf_adds(list, list->len > 0 ? ", " : "");
	buf_adds(list, name);
}

/* An entry that is not there cannot say what belongs to it: then what came alone is missed. */
static void
list_missing(const struct court *c, struct buf *list)
{
	const struct evidence *ev = c->ev;
	const struct entry *entry = &c->out->entry;
	bool known = c->out->has_entry;
	bool manifest = known ? entry->has_manifest && entry->event != EVENT_SUBMISSION_REJECTION
			      : ev->manifest.len + ev->signature.len > 0;
	bool statement =
	    known ? entry->has_statement : ev->statement.len + ev->statement_signature.len > 0;

	miss(list, true, &ev->entry, "entry");
	miss(list, true, &ev->proof, "proof");
	miss(list, true, &ev->timestamp, "timestamp");
	miss(list, manifest, &ev->manifest, "manifest");
	miss(list, manifest, &ev->signature, "signature");
	miss(list, statement, &ev->statement, "statement");
	miss(list, statement, &ev->statement_signature, "statement_signature");
}

void
evidence_verify(const struct evidence *ev, struct trust *t, const struct note_key *log,
		struct evidence_result *out)
{
	struct court c = {.ev = ev, .trust = t, .log = log, .out = out};
	struct buf missing = {0};

	*out = (struct evidence_result){.verdict = EVIDENCE_OK};
	if (judge_entry(&c, &out->why) < 0 || check_spoken_of(&c, &out->why) < 0 ||
	    judge_proof(&c, &out->why) < 0 || judge_manifest(&c, &out->why) < 0 ||
	    judge_statement(&c, &out->why) < 0) {
		out->verdict = EVIDENCE_FAIL;
		return;
	}
	list_missing(&c, &missing);
	err_clear(&out->why); /* what passed may have left a sentence behind */
	if (missing.len > 0) {
		out->verdict = EVIDENCE_INCOMPLETE;
		err_set(&out->why, ERR_INCOMPLETE, "missing: %s", buf_str(&missing));
	}
	buf_free(&missing);
}
