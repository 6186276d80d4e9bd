/* evidence.h - evidence files: one entry of the log with all that proves it, judged offline (design
 * 3). */
#ifndef SAFEHAND_EVIDENCE_H
#define SAFEHAND_EVIDENCE_H

#include "safehand/bundle.h"
#include "safehand/entry.h"
#include "safehand/identity.h"
#include "safehand/manifest.h"
#include "safehand/note.h"
#include "safehand/statement.h"

/* The parts as bytes, decoded; an absent one has length 0. */
struct evidence {
	struct buf entry, proof, timestamp, manifest, signature, statement, statement_signature;
};

/* One JSON object, strictly. ERR_FORMAT naming the member, ERR_LIMIT. Pure. */
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
	struct entry entry;
	struct checkpoint checkpoint;
	int64_t stamped_ms; /* of the timestamp, at which certificates are judged */
	struct identity tsa;
	struct identity signers[SIGNERS_MAX]; /* of the manifest */
	size_t nsigners;
	struct identity actor; /* of the statement */
	bool has_actor;
};

/* Judges: the entry's leaf is in the tree of the checkpoint at its own seq, the log's key signed
 * the checkpoint, the timestamp holds over the checkpoint's text, the manifest and its signature
 * and the statement and its signature hold at the timestamp's time and are what the entry names.
 * Nothing missing that the entry's event calls for: else INCOMPLETE, with what. A wrong part always
 * wins over a missing one. trust must be historic data: CRLs serve if they are there. */
void evidence_verify(const struct evidence *ev, struct trust *t, const struct note_key *log,
		     struct evidence_result *out);

#endif
