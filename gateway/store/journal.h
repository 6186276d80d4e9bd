/* journal.h - many small bundles in few files: preallocated segments, appended to, one sync a
 * group. A record is a header of JOURNAL_HEADER bytes and the .shb as it came, the next one at a
 * multiple of eight. Numbers in [brackets] are the numbered facts of safehand-store(8). */
#ifndef SAFEHAND_STORE_JOURNAL_H
#define SAFEHAND_STORE_JOURNAL_H

#include "store/spool.h"

#define JOURNAL_HEADER 64

struct journal;

/* dir: the folder of the segments, owned by the journal from here on, also on failure. Goes on in
 * segment behind end; erases what is there and removes the segments after it [2]. */
int journal_open(int dir, uint64_t segment_bytes, uint32_t segment, uint64_t end,
		 struct journal **out, struct err *e) __attribute__((warn_unused_result));
void journal_close(struct journal *j);

/* Appends; not durable before journal_sync. kept: bytes that outlive an erasure. */
int journal_append(struct journal *j, const char *id, const struct buf *shb, uint64_t kept,
		   struct spool_place *out, struct err *e) __attribute__((warn_unused_result));
void journal_sync(struct journal *j); /* ends the process if it cannot [7] */
/* Where the next record goes, for the ledger to remember with the group. */
void journal_tail(const struct journal *j, uint32_t *segment, uint64_t *end);

/* The first n bytes of the .shb, checked if n is its kept part or the whole, else as they are.
 * ERR_DIGEST: damaged, or not the record of that id. Appends to out. */
int journal_read(struct journal *j, const char *id, const struct spool_place *at, uint64_t n,
		 struct buf *out, struct err *e) __attribute__((warn_unused_result));
int journal_erase(struct journal *j, const struct spool_place *at, struct err *e)
    __attribute__((warn_unused_result));
/* ERR_DIGEST: something is left of what journal_erase erases [8]. */
int journal_erased(struct journal *j, const struct spool_place *at, struct err *e)
    __attribute__((warn_unused_result));
/* row() for each record of a segment; its -1 ends the walk. */
int journal_walk(struct journal *j, uint32_t segment,
		 int (*row)(void *, const char *, const struct spool_place *), void *ctx,
		 struct err *e) __attribute__((warn_unused_result));

#endif
