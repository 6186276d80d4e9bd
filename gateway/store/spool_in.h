/* spool_in.h - the spool's insides, shared by spool.c and slots.c (accepted bytes) and stage.c
 * (uploads). */
#ifndef SAFEHAND_STORE_SPOOL_IN_H
#define SAFEHAND_STORE_SPOOL_IN_H

#include "store/journal.h"
#include "store/spool.h"

#define SPOOL_FOLDERS                                                                              \
	256 /* bundles/00 .. bundles/ff, by the last two digits of the id: random ones */

struct spool {
	struct spool_conf conf;
	int data, staging, bundles;
	struct journal *journal;
	struct stage *stages;
	uint64_t staged;	   /* bytes of small ones in memory */
	bool dirty[SPOOL_FOLDERS]; /* renamed into since the last sync */
};

#define STAGE_NAME (UUID_TEXT + 17 + NAME_AGENCY)
/* "ID.DIGEST.AGENCY": whose upload of which head, so that it can go on after a restart. */
void stage_name(const struct stage *st, char out[static STAGE_NAME]);
/* The uploads that lie in staging/ from before. */
int stage_scan(struct spool *s, struct err *e) __attribute__((warn_unused_result));
/* Takes it off the list and frees it; a file of staging/ stays. */
void stage_forget(struct spool *s, struct stage *st);

/* --- slots.c: of large bundles, in a file beside theirs --- */

/* Copies n bytes at kept of fd there, synced. */
int slots_put(struct spool *s, const char *id, int fd, uint64_t kept, uint64_t n, struct err *e)
    __attribute__((warn_unused_result));
/* At most `most` bytes of them, appended. ERR_DIGEST: they are gone or damaged [9]. */
int slots_read(struct spool *s, const char *id, uint64_t most, struct buf *out, struct err *e)
    __attribute__((warn_unused_result));
/* ERR_DIGEST: they are there still. */
int slots_gone(struct spool *s, const char *id, struct err *e) __attribute__((warn_unused_result));
/* Repeating it is harmless. */
int slots_erase(struct spool *s, const char *id, struct err *e) __attribute__((warn_unused_result));

#endif
