/* timeline.h - what became of a bundle, in words: from evidence that was judged before. */
#ifndef CLIENT_TIMELINE_H
#define CLIENT_TIMELINE_H

#include "safehand/evidence.h"
#include "safehand/json.h"

/* One entry of the log, as its evidence shows it. */
struct piece {
	uint64_t seq;
	struct evidence_result result;
};

struct timeline {
	const char *id;
	struct piece *pieces; /* in the order of the log */
	size_t n;
	struct json *state; /* what the gateway says of the bundle; NULL: we are not its sender */
	struct buf flags;   /* of its case, by the gateway's word: lines of feed_flags */
	int64_t now_ms;
};

/* Each mailbox at the place of its first entry, each step with its time and how long after the
 * first one; what a mailbox has not done yet is said too. Pure. */
void timeline_text(const struct timeline *t, struct buf *out);
/* "4 s", "12 min", "3 h 10 min", "2 d 4 h": two units at most, the second only if it counts. Pure.
 */
void timeline_span(int64_t ms, struct buf *out);

#endif
