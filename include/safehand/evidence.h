/* evidence.h - evidence files: one entry of the log with all that proves it, judged offline (design
 * 3). */
#ifndef SAFEHAND_EVIDENCE_H
#define SAFEHAND_EVIDENCE_H

#include "safehand/bundle.h"
#include "safehand/entry.h"
#include "safehand/identity.h"
#include "safehand/manifest.h"
#include "safehand/note.h"
#include "safehand/notice.h"
#include "safehand/statement.h"

#define EVIDENCE_PROOF_MAX (NOTE_MAX_BYTES + 4 * 1024) /* bytes: note, PROOF_HASHES_MAX hashes */

/* The parts as bytes, decoded; an absent one has length 0. */
struct evidence {
	struct buf entry, proof, timestamp, manifest, signature, statement, statement_signature;
};

/* One JSON object, strictly. ERR_FORMAT naming the member (also one that is there and empty),
 * ERR_LIMIT. evidence_free it, also after a refusal. Pure. */
int evidence_parse(const void *text, size_t len, struct evidence *out, struct err *e)
    __attribute__((warn_unused_result));
/* The text, absent parts left out. */
void evidence_format(const struct evidence *in, struct buf *text);
void evidence_free(struct evidence *ev); /* {0} after */

enum evidence_verdict { EVIDENCE_OK, EVIDENCE_INCOMPLETE, EVIDENCE_FAIL };
const char *evidence_verdict_name(enum evidence_verdict v); /* "OK", "INCOMPLETE", "FAIL" */

/* What the evidence shows. Members are filled as far as the judging came. */
struct evidence_result {
	enum evidence_verdict verdict;
	struct err why; /* what is wrong or missing; ERR_OK with EVIDENCE_OK */
	bool has_entry, has_checkpoint, has_stamp, has_manifest, has_actor;
	struct entry entry;
	struct checkpoint checkpoint;
	int64_t stamped_ms; /* of the timestamp, at which certificates are judged */
	struct identity tsa;
	char from[NAME_MAILBOX], klass[NAME_CLASS]; /* of the manifest, or NOTICE_FROM and _CLASS */
	bool is_notice;				    /* the manifest is a notice's text */
	struct notice notice;			    /* if is_notice */
	struct identity signers[SIGNERS_MAX];	    /* of the manifest */
	size_t nsigners;
	struct statement statement;
	struct identity actor; /* of the statement */
};

/* Judges: the entry names what its event calls for (a ContentHandover, Opened, OpenFailure, Read or
 * Answer: bundle, manifest, mailbox, actor and statement; a Fetched all but a statement, and its
 * code is one that fetched.h reads); its leaf is in the tree of the
 * checkpoint at its own seq; the log's key signed the checkpoint; the timestamp holds over the
 * checkpoint's text and is not of before the entry; the manifest and its signature and the
 * statement and its signature hold at the timestamp's time (without one: at the entry's) and are
 * what the entry names. A notice's text may stand as the manifest (design 5): then one gateway-sign
 * certificate signed it, and the entry's mailbox is whom it tells. Of a bundle, the entry's mailbox
 * is a recipient's; of an Overdue or Escalation also the sender's, who owes a final; of a
 * NotificationSent or -Failure anybody's who was told.
 *
 * Entry, proof and timestamp are always called for; manifest and signature if the entry names a
 * manifest (but for SubmissionRejection: what was refused need not be a manifest at all); statement
 * and its signature if a recipient or a person acted (the five events above; of a roster, a policy
 * or a start the entry has the digest, and the file no part). Nothing wrong but one of them absent:
 * INCOMPLETE with ERR_INCOMPLETE and their names. A part that is not called for is wrong. A wrong
 * part always wins over a missing one. trust is used as TRUST_HISTORIC: CRLs serve if they are
 * there; issuing CAs may come from the evidence itself. */
void evidence_verify(const struct evidence *ev, struct trust *t, const struct note_key *log,
		     struct evidence_result *out);

#endif
