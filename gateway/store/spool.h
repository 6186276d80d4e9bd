/* spool.h - the bytes of bundles, from first byte to purge: staging, journal segments, files.
 * The ledger knows which bytes count; the spool keeps them. Another pair (an S3 store) would stand
 * behind the same functions. Numbers in [brackets] are the numbered facts of safehand-store(8). */
#ifndef SAFEHAND_STORE_SPOOL_H
#define SAFEHAND_STORE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"
#include "safehand/limits.h"
#include "safehand/name.h"

struct spool;

struct spool_conf {
	uint64_t segment_bytes; /* of a journal segment, preallocated; above small_max + 4 KiB */
	uint64_t small_max;	/* a .shb up to so many bytes goes to the journal */
	uint64_t memory_max;	/* bytes of small ones that may be staged in memory at once */
	uint64_t free_min;	/* bytes that stay free on the file system [10] */
	size_t stages_max;	/* uploads unfinished at once, of all agencies: a descriptor each */
};

/* Where accepted bytes are. segment 0: a file of its own, offset 0. */
struct spool_place {
	uint32_t segment;
	uint64_t offset; /* of the .shb in the segment; its record's header stands before it */
	uint64_t length; /* bytes of the .shb */
	uint64_t
	    kept; /* of its first part, which outlives a purge: fixed part, manifest, signature */
};

/* An upload under way. Owned by the spool; fd is read-write, a duplicate may be passed on. */
struct stage {
	struct stage *next;
	char id[UUID_TEXT];
	char agency[NAME_AGENCY]; /* who uploads */
	char digest[17];	  /* first 16 hex digits of the head's SHA-256 */
	uint64_t head_bytes,
	    payload_bytes; /* 0, 0: a file from before this start, not yet resumed */
	uint64_t reserved; /* bytes counted against memory_max */
	int fd;		   /* -1: not opened */
	struct buf whole;  /* all of a small one that came at once; then there is no fd */
	bool small;	   /* in memory: a memfd, or whole */
	bool busy;	   /* a job writes to it */
	int64_t used_ms;   /* last touched */
};

/* Opens the data folder's spool; makes its folders if missing. The journal goes on behind the last
 * byte that the ledger vouches for: segment and end (0, 0: none); what lies behind it is erased
 * [2]. conf is copied; datafd stays the caller's and must outlive the spool. */
int spool_open(int datafd, const struct spool_conf *conf, uint32_t segment, uint64_t end,
	       struct spool **out, struct err *e) __attribute__((warn_unused_result));
void spool_close(struct spool *s); /* NULL is fine */
/* free_min from now on, as after a reload; the other settings stay what they were. */
void spool_reserve(struct spool *s, uint64_t free_min);

/* Removes files in bundles/ for which keep() is false; those of staging/ for which it is true: they
 * arrived. keep: has the ledger a row for the id? [2] *swept counts what was removed. */
int spool_sweep(struct spool *s, bool (*keep)(void *ctx, const char *id), void *ctx, size_t *swept,
		struct err *e) __attribute__((warn_unused_result));

/* Room for so many more bytes above the watermark? ERR_STORAGE else [10]. */
int spool_room(struct spool *s, uint64_t bytes, struct err *e) __attribute__((warn_unused_result));
uint64_t spool_free_bytes(struct spool *s);   /* on the file system */
uint64_t spool_staged_bytes(struct spool *s); /* of memory_max, taken */

/* The stage for this upload: new with the head written, or found with what is there already. One of
 * the same id with another head or agency is dropped first. *out->busy is set. ERR_BUSY: a job has
 * it, or the memory for small ones is taken; ERR_STORAGE: no room. */
int spool_stage(struct spool *s, const char *id, const char *agency, const struct buf *head,
		const uint8_t head_sha256[static DIGEST_BYTES], uint64_t payload_bytes,
		int64_t now_ms, struct stage **out, struct err *e)
    __attribute__((warn_unused_result));
/* The same for an upload of which every byte is here, head_bytes of head and then the payload: what
 * was staged of it before is dropped. Those of a small one are taken, but for the part that
 * evidence shows (fixed part, manifest, signature), which stays in bytes. */
int spool_stage_whole(struct spool *s, const char *id, const char *agency, struct buf *bytes,
		      uint64_t head_bytes, const uint8_t head_sha256[static DIGEST_BYTES],
		      int64_t now_ms, struct stage **out, struct err *e)
    __attribute__((warn_unused_result));
struct stage *spool_stage_find(struct spool *s, const char *id); /* NULL: none */
/* Reads the head back from what is staged; st->head_bytes and payload_bytes are set from it.
 * ERR_FORMAT: no whole head there. */
int spool_stage_head(struct spool *s, struct stage *st, struct buf *head, struct err *e)
    __attribute__((warn_unused_result));
/* The payload from its first byte again. */
int spool_stage_restart(struct stage *st, struct err *e) __attribute__((warn_unused_result));
/* The uploads of an agency that are not finished, and the bytes that they will take. */
size_t spool_stage_count(const struct spool *s, const char *agency, uint64_t *bytes);
uint64_t spool_stage_received(const struct stage *st);	  /* bytes of the payload that are there */
void spool_stage_leave(struct stage *st, int64_t now_ms); /* no longer busy; may be resumed */
void spool_stage_drop(struct spool *s, struct stage *st); /* forgotten, with its bytes */
/* Drops uploads that nobody has touched since before_ms; returns how many. */
size_t spool_stage_expire(struct spool *s, int64_t before_ms);

/* The staged bytes take their place; durable only after spool_sync [1]. The stage is freed, also on
 * failure. ERR_DIGEST: fewer or more bytes than its head says. */
int spool_put(struct spool *s, struct stage *st, struct spool_place *out, struct err *e)
    __attribute__((warn_unused_result));
/* Everything put so far is on disk. A failure ends the process [7]. */
void spool_sync(struct spool *s);
/* The journal's end, for the ledger to remember with the group: what spool_open is given. */
void spool_tail(const struct spool *s, uint32_t *segment, uint64_t *end);

/* The first n <= at->length bytes of the .shb. In the journal, the kept part is checked when it is
 * among them. ERR_DIGEST: the bytes are damaged or gone [9]. Appends to out. */
int spool_read(struct spool *s, const char *id, const struct spool_place *at, uint64_t n,
	       struct buf *out, struct err *e) __attribute__((warn_unused_result));
/* A read-only descriptor for the caller to pass on, in which the .shb from byte `from` on stands at
 * *offset. A small one is checked, and comes as a sealed memfd of just that part: nobody is handed
 * a whole segment, or slots. ERR_DIGEST as above. */
int spool_lend(struct spool *s, const char *id, const struct spool_place *at, uint64_t from,
	       int *fd, uint64_t *offset, struct err *e) __attribute__((warn_unused_result));
/* Lengths and checksums, erased: and that nothing else is left [8]; of a large one the length only,
 * its digest is the recipient's to check. ERR_DIGEST if they do not hold [9]. */
int spool_check(struct spool *s, const char *id, const struct spool_place *at, bool erased,
		struct err *e) __attribute__((warn_unused_result));
/* Erases slots and payload; the first part stays, for evidence [8]. On disk after spool_sync.
 * Repeating it is harmless. */
int spool_erase(struct spool *s, const char *id, const struct spool_place *at, struct err *e)
    __attribute__((warn_unused_result));

/* For fsck, by parts from 0 on, a segment or a folder each: row() for each record of the journal
 * and for each file in bundles/ (kept 0: not known). 1: there may be a next part; 0: there was none
 * of that number. A damaged record header ends the walk of its segment and is told with id "". */
int spool_walk(struct spool *s, uint32_t part,
	       int (*row)(void *ctx, const char *id, const struct spool_place *at), void *ctx,
	       struct err *e) __attribute__((warn_unused_result));

#endif
