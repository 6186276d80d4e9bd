/* fetch_book.h - what of the fetches the log has not told yet. Runs in: store.
 *
 * Every fetch is in the log (fetched.h), and none waits for it: what is noted here in a file is
 * there after kill -9, without a sync, and goes into the next group. After a power cut the fetches
 * of the last group, which was not committed, may be missing, and counts of the last seconds: who
 * wants the key to what he fetched then signs for it, and that answer waits for its commit [3].
 *
 *  [12] A fetch is noted before its first byte leaves. What is noted is entered once: by the next
 *       group, or at the next start. */
#ifndef STORE_FETCH_BOOK_H
#define STORE_FETCH_BOOK_H

#include "store/store.h"

/* A download that broke and is resumed, a machine that asks again and again: from one certificate
 * for one mailbox the first is an entry at once; those of this long after it are counted, and their
 * number is an entry when it is over. An hour: a person who looks sees the day's shape, and a
 * bundle that is fetched all day costs the log 48 entries at most. */
#define FETCH_QUIET_MS (60 * 60 * 1000)

struct fetch {
	const struct ledger_bundle *bundle;
	const char *mailbox;
	const uint8_t *cert; /* of the connection, DIGEST_BYTES */
	uint64_t from, count, total;
};

/* The group must be there. What an earlier process noted and did not enter joins the first group.
 */
int fetch_book_open(struct store *s, struct err *e) __attribute__((warn_unused_result));
void fetch_book_close(struct store *s);
/* [12] ERR_BUSY: too much is noted; ERR_SYSTEM: it cannot be. Then the bytes must not leave. */
int fetch_note(struct store *s, const struct fetch *f, struct err *e)
    __attribute__((warn_unused_result));
/* Counts whose hour is over become entries. */
void fetch_book_tick(struct store *s);

#endif
