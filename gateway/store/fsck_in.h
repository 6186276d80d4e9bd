/* fsck_in.h - what fsck.c (bundles and their bytes), fsck_payload.c (what is in files of its own),
 * fsck_log.c (the log) and fsck_owed.c (the deadlines) share. */
#ifndef SAFEHAND_STORE_FSCK_IN_H
#define SAFEHAND_STORE_FSCK_IN_H

#include "store/fsck.h"

struct fsck {
	struct store *s;
	struct event *turn;
	fsck_done *done;
	void *ctx;
	struct buf problems; /* JSON strings */
	size_t found, bundles, records, entries, checkpoints, deadlines;
	size_t step;		/* of the table in fsck.c */
	uint64_t at;		/* how far that step has come */
	int64_t last;		/* bundle when it began */
	uint64_t size;		/* of the log when it began */
	uint64_t checkpoint;	/* the last one that was looked at */
	uint32_t part, segment; /* of the spool; the journal's end when it began */
	uint64_t end;
	int64_t bundle; /* whose deliveries are looked at */
	const char *id;
	bool deep; /* payloads in files, too: so many, of so many bytes in all, so many of them read
		    */
	size_t payloads;
	uint64_t payload_total, payload_done;
	struct fsck_payload *payload; /* heap; NULL before the first */
};

void fsck_problem(struct fsck *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A step looks at a slice; true: there is no more. */
bool fsck_entries(struct fsck *f);
bool fsck_nodes(struct fsck *f);
bool fsck_checkpoints(struct fsck *f);
bool fsck_owed(struct fsck *f);
bool fsck_payloads(struct fsck *f);

/* Its payload is in a file of its own that has the length it should have. */
bool fsck_payload_is_read(const struct ledger_bundle *b);
void fsck_payload_free(struct fsck *f);

#endif
