/* history.h - what a client remembers of a log: its last checkpoint; and the judging of each newly
 * seen one (design 3, "Nobody can rewrite it"). */
#ifndef SAFEHAND_HISTORY_H
#define SAFEHAND_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "safehand/err.h"
#include "safehand/note.h"

/* The new checkpoint against the old one, both notes signed by key; old_len 0: none is remembered,
 * and any will do. Same size: the same root. Larger: the proof must lead from the old to the new.
 * Smaller, another root, a proof that does not hold: ERR_HISTORY. Notes that are not this log's
 * checkpoints: ERR_FORMAT, ERR_SIGNATURE; larger and proof NULL: ERR_INCOMPLETE; neither is a
 * contradiction. *seen takes the new one. Pure. */
int history_judge(const struct note_key *key, const void *old, size_t old_len, const void *note,
		  size_t len, const struct merkle_proof *proof, struct checkpoint *seen,
		  struct err *e) __attribute__((warn_unused_result));

/* What is remembered of one log, in a folder of its own:
 *	checkpoint               the last note, verbatim
 *	CONTRADICTION            a sentence; while it is there, nothing goes on
 *	contradiction.old, .new  the two notes, signed by the log: the proof against it
 *	lock                     held while the folder changes */
struct history;

/* dir_fd stays the caller's and must stay open. ERR_HISTORY: marked, or what is remembered is no
 * checkpoint of this log. */
int history_open(int dir_fd, const struct note_key *key, struct history **out, struct err *e)
    __attribute__((warn_unused_result));
void history_close(struct history *h); /* NULL is fine */
/* How many entries the log had when it was last seen: what to ask the proof from; 0: never seen. */
uint64_t history_size(const struct history *h);

/* Judges a checkpoint; proof leads from history_size to it (may be NULL if it is of that size, or
 * nothing is remembered). What is newer is remembered, synced, before this returns. ERR_HISTORY: it
 * contradicts, both notes are kept, the folder is marked; then, and whenever it is marked.
 * ERR_BUSY: another process has seen a newer one meanwhile; history_size is now of that: ask again.
 */
int history_see(struct history *h, const void *note, size_t len, const struct merkle_proof *proof,
		struct err *e) __attribute__((warn_unused_result));

#endif
