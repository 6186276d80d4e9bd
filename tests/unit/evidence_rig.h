/* evidence_rig.h - evidence made from the library's own pieces and the test PKI's keys, right or
 * with something wrong that was signed as if it were right. Used by: the tests of what reads it. */
#ifndef TESTS_EVIDENCE_RIG_H
#define TESTS_EVIDENCE_RIG_H

#include "pki_rig.h"

#include "safehand/digest.h"
#include "safehand/evidence.h"
#include "safehand/identity.h"
#include "safehand/merkle.h"
#include "safehand/signature.h"
#include "safehand/time.h"
#include "safehand/timestamp.h"

#define RIG_LEAVES 11
#define RIG_SEQ	   5
#define RIG_BUNDLE "019ab000-0000-7000-8000-000000000001"
#define RIG_OTHER  "019ab000-0000-7000-8000-000000000002"

/* The first from becomes to in the text of a part, before anybody signs it. */
struct rig_edit {
	enum { NO_EDIT, ENTRY, STATEMENT_TEXT, MANIFEST_TEXT } which;
	const char *from, *to;
};

/* What is made: a reading by default (rig_plan); a test changes what it wants wrong. */
struct rig_plan {
	enum entry_event event;
	uint64_t seq, place; /* of the entry, and where the proof says that it stands */
	int64_t entry_ms, stamp_ms;
	const char *log, *log_name, *tsa, *sender, *second,
	    *actor;				   /* stems of keys; second: NULL */
	char from[NAME_MAILBOX], to[NAME_MAILBOX]; /* of the manifest */
	char manifest_id[UUID_TEXT];
	bool is_notice;	    /* rig_notice: the manifest is a notice's text, told to p->to */
	struct entry entry; /* bundle, mailbox, code; what it names is filled in, unless dropped */
	bool no_bundle, no_manifest, no_actor, no_statement;
	bool other_root, other_text; /* the checkpoint's; the token's */
	struct statement statement;
	bool other_manifest_in_statement, other_actor;
	struct rig_edit edit;
	void (*retouch)(struct evidence *ev); /* when all is signed */
};

static inline struct rig_plan
rig_plan(enum entry_event event)
{
	int64_t now = time_now_ms();
	bool person = event == EVENT_READ || event == EVENT_ANSWER;
	struct rig_plan p = {.event = event,
			     .seq = RIG_SEQ,
			     .place = RIG_SEQ,
			     .entry_ms = now,
			     .stamp_ms = now,
			     .log = "log/localhost_log",
			     .log_name = "localhost/log",
			     .tsa = "certs/tsa/gw",
			     .sender = "certs/agency-sign/csc",
			     .actor = person ? "certs/person-sign/uhcw_j.patel"
					     : "certs/agency-sign/uhcw"};
	struct statement *s = &p.statement;

	strcpy(p.from, "csc/mash");
	strcpy(p.to, "uhcw/emergency");
	strcpy(p.manifest_id, RIG_BUNDLE);
	strcpy(p.entry.bundle, RIG_BUNDLE);
	strcpy(s->bundle, RIG_BUNDLE);
	strcpy(s->mailbox, "uhcw/emergency");
	strcpy(s->by, person ? "person/uhcw/j.patel" : "agency/uhcw");
	s->at_ms = now - now % 1000;
	s->kind = event == EVENT_CONTENT_HANDOVER ? STATEMENT_COLLECTED
		  : event == EVENT_READ		  ? STATEMENT_READ
		  : event == EVENT_ANSWER	  ? STATEMENT_ANSWERED
		  : event == EVENT_WITHDRAWN	  ? STATEMENT_WITHDRAWN
						  : STATEMENT_OPENED;
	s->has_content = event != EVENT_CONTENT_HANDOVER && event != EVENT_OPEN_FAILURE &&
			 event != EVENT_WITHDRAWN;
	strcpy(s->code, event == EVENT_ANSWER	      ? "done:2"
			: event == EVENT_OPEN_FAILURE ? "digest"
						      : "ok");
	p.no_statement = event == EVENT_SUBMISSION_ACCEPTANCE ||
			 event == EVENT_CONTENT_CONSIGNMENT ||
			 event == EVENT_SUBMISSION_REJECTION || event == EVENT_FETCHED;
	if (event != EVENT_SUBMISSION_ACCEPTANCE && event != EVENT_SUBMISSION_REJECTION)
		strcpy(p.entry.mailbox, "uhcw/emergency");
	strcpy(p.entry.code, event == EVENT_FETCHED ? "range:0-99/100@2026-11-22T21:04:06.412Z"
			     : p.no_statement	    ? "ok"
						    : s->code);
	if (event == EVENT_WITHDRAWN) { /* by its sender */
		strcpy(p.entry.mailbox, p.from);
		strcpy(s->mailbox, p.from);
		strcpy(s->by, "agency/csc");
		p.actor = "certs/agency-sign/csc";
	}
	return p;
}

/* The same event of a notice. */
static inline struct rig_plan
rig_notice(enum entry_event event)
{
	struct rig_plan p = rig_plan(event);

	p.is_notice = true;
	p.sender = "certs/gateway-sign/gw";
	return p;
}

static inline struct notice
rig_notice_of(const struct rig_plan *p)
{
	struct notice n = {.created_ms = p->entry_ms - p->entry_ms % 1000,
			   .kind = NOTICE_OVERDUE,
			   .bundle = RIG_OTHER,
			   .klass = "strategy-minutes",
			   .from = "csc/mash",
			   .mailbox = "schools/st-j.dsl",
			   .owed = DEADLINE_READ,
			   .start_ms = p->entry_ms - 7200001,
			   .due_ms = p->entry_ms - 3600001};

	strcpy(n.id, p->manifest_id);
	strcpy(n.to, p->to);
	return n;
}

static inline void
rig_edit(const struct rig_edit *edit, int which, struct buf *text)
{
	const char *s = buf_str(text), *at;
	struct buf out = {0};

	if ((int)edit->which != which)
		return;
	at = strstr(s, edit->from);
	if (at == NULL)
		fail_msg("%s: not in %s", edit->from, s);
	buf_add(&out, s, (size_t)(at - s));
	buf_adds(&out, edit->to);
	buf_adds(&out, at + strlen(edit->from));
	buf_free(text);
	*text = out;
}

static inline void
rig_manifest(const struct rig_plan *p, struct evidence *ev)
{
	struct recipient to = {0};
	struct manifest m = {.created_ms = p->entry_ms - p->entry_ms % 1000,
			     .event_at_ms = MANIFEST_NO_TIME,
			     .payload_bytes = 100,
			     .to = &to,
			     .nto = 1};
	struct signer *signers[2] = {pki_signer(p->sender), NULL};
	struct err e;

	strcpy(m.id, p->manifest_id);
	strcpy(m.from, p->from);
	strcpy(m.klass, "general");
	strcpy(to.mailbox, p->to);
	if (p->is_notice) {
		struct notice n = rig_notice_of(p);

		notice_format(&n, &ev->manifest);
	} else {
		assert_ok(manifest_format(&m, &ev->manifest, &e), &e);
	}
	rig_edit(&p->edit, MANIFEST_TEXT, &ev->manifest);
	if (p->second != NULL)
		signers[1] = pki_signer(p->second);
	assert_ok(signature_sign(ev->manifest.data, ev->manifest.len, signers,
				 p->second != NULL ? 2 : 1, &ev->signature, &e),
		  &e);
	signer_free(signers[0]);
	signer_free(signers[1]);
}

static inline void
rig_statement(const struct rig_plan *p, struct evidence *ev, struct entry *entry)
{
	struct signer *s = pki_signer(p->actor);
	struct statement st = p->statement;
	struct err e;

	memcpy(entry->actor, signer_identity(s)->cert, DIGEST_BYTES);
	if (!p->no_statement) {
		digest_of(ev->manifest.data, ev->manifest.len, st.manifest_sha256);
		st.manifest_sha256[0] ^= p->other_manifest_in_statement;
		statement_format(&st, &ev->statement);
		rig_edit(&p->edit, STATEMENT_TEXT, &ev->statement);
		assert_ok(signature_sign(ev->statement.data, ev->statement.len, &s, 1,
					 &ev->statement_signature, &e),
			  &e);
	}
	signer_free(s);
}

static inline void
rig_entry(const struct rig_plan *p, struct evidence *ev)
{
	struct entry entry = p->entry;

	rig_statement(p, ev, &entry);
	entry.seq = p->seq;
	entry.time_ms = p->entry_ms;
	entry.event = p->event;
	entry.has_manifest = !p->no_manifest;
	entry.has_actor = !p->no_actor && p->event != EVENT_CONTENT_CONSIGNMENT;
	entry.has_statement = ev->statement.len > 0;
	entry.actor[0] ^= p->other_actor;
	if (p->no_bundle)
		entry.bundle[0] = '\0';
	digest_of(ev->manifest.data, ev->manifest.len, entry.manifest_sha256);
	digest_of(ev->statement.data, ev->statement.len, entry.statement_sha256);
	entry_format(&entry, &ev->entry);
	rig_edit(&p->edit, ENTRY, &ev->entry);
}

static inline int
rig_get(void *places, unsigned level, uint64_t index, uint8_t out[static DIGEST_BYTES],
	struct err *e)
{
	memcpy(out, ((uint8_t(*)[2 * RIG_LEAVES][DIGEST_BYTES]) places)[level][index],
	       DIGEST_BYTES);
	return 0;
}

static inline int
rig_put(void *places, unsigned level, uint64_t index, const uint8_t hash[static DIGEST_BYTES],
	struct err *e)
{
	memcpy(((uint8_t(*)[2 * RIG_LEAVES][DIGEST_BYTES]) places)[level][index], hash,
	       DIGEST_BYTES);
	return 0;
}

/* The token over the checkpoint's text. */
static inline void
rig_stamp(const struct rig_plan *p, const struct buf *text, struct buf *token)
{
	struct buf key, cert;
	uint8_t digest[DIGEST_BYTES];
	char name[256];
	struct tsa *tsa;
	struct err e;

	snprintf(name, sizeof name, "%s.key", p->tsa);
	key = pki_file(name);
	snprintf(name, sizeof name, "%s.pem", p->tsa);
	cert = pki_file(name);
	assert_ok(tsa_new(key.data, key.len, cert.data, cert.len, &tsa, &e), &e);
	digest_of(text->data, text->len, digest);
	digest[0] ^= p->other_text;
	assert_ok(tsa_stamp(tsa, digest, p->stamp_ms, token, &e), &e);
	tsa_free(tsa);
	buf_wipe(&key);
	buf_free(&cert);
}

static inline void
rig_log(const struct rig_plan *p, struct evidence *ev)
{
	static uint8_t places[6][2 * RIG_LEAVES][DIGEST_BYTES];
	struct checkpoint head = {.size = RIG_LEAVES};
	struct buf key, text = {0}, note = {0};
	struct merkle_proof path;
	struct note_signer *log;
	uint8_t leaf[DIGEST_BYTES];
	char name[256];
	struct err e;

	for (uint64_t i = 0; i < RIG_LEAVES; i++) {
		merkle_leaf(&i, sizeof i, leaf);
		if (i == RIG_SEQ)
			merkle_leaf(ev->entry.data, ev->entry.len, leaf);
		assert_ok(merkle_append(i, leaf, rig_get, rig_put, places, &e), &e);
	}
	snprintf(name, sizeof name, "%s.key", p->log);
	key = pki_file(name);
	assert_ok(note_signer_new(p->log_name, key.data, key.len, &log, &e), &e);
	strcpy(head.origin, p->log_name);
	assert_ok(merkle_root(RIG_LEAVES, rig_get, places, head.root, &e), &e);
	head.root[0] ^= p->other_root;
	assert_ok(merkle_inclusion(p->place, RIG_LEAVES, rig_get, places, &path, &e), &e);
	checkpoint_format(&head, &text);
	assert_ok(note_sign(log, buf_str(&text), text.len, &note, &e), &e);
	tlog_proof_format(p->place, &path, note.data, note.len, &ev->proof);
	rig_stamp(p, &text, &ev->timestamp);
	note_signer_free(log);
	buf_wipe(&key);
	buf_free(&text);
	buf_free(&note);
}

/* ev is the caller's to evidence_free. */
static inline void
rig_make(const struct rig_plan *p, struct evidence *ev)
{
	*ev = (struct evidence){0};
	rig_manifest(p, ev);
	rig_entry(p, ev);
	rig_log(p, ev);
	if (p->no_manifest) {
		buf_free(&ev->manifest);
		buf_free(&ev->signature);
	}
	if (p->retouch != NULL)
		p->retouch(ev);
}

/* Trust of the PKI under a folder of $PKI ("", "foreign/"), with or without issuing CA and CRL. */
static inline struct trust *
rig_trust(const char *folder, bool issuing, bool crl)
{
	struct buf files[3] = {0};
	static const char *const names[] = {"root", "issuing", "crl"};
	char name[256];
	struct trust *t;
	struct err e;

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%strust/%s.pem", folder, names[i]);
		if (i == 0 || (i == 1 && issuing) || (i == 2 && crl))
			files[i] = pki_file(name);
	}
	assert_ok(trust_new(&files[0], &files[1], &files[2], &t, &e), &e);
	for (int i = 0; i < 3; i++)
		buf_free(&files[i]);
	return t;
}

static inline struct note_key
rig_log_key(const char *name)
{
	struct buf text = pki_file(name);
	struct note_key key;
	struct err e;

	assert_ok(note_key_parse(buf_str(&text), text.len, &key, &e), &e);
	buf_free(&text);
	return key;
}

/* --- for a group of tests: whom they trust, and whose log it is --- */

static struct trust *trust;
static struct note_key log_key;

static inline int
rig_trust_setup(void **state)
{
	trust = rig_trust("", true, true);
	log_key = rig_log_key("log/log.vkey");
	return 0;
}

static inline int
rig_trust_teardown(void **state)
{
	trust_free(trust);
	return 0;
}

#endif
