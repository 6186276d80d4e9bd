/* oversight.h - what those ask who answer for the gateway: who did what, and who keeps their dates.
 */
#ifndef SAFEHAND_STORE_OVERSIGHT_H
#define SAFEHAND_STORE_OVERSIGHT_H

#include "store/store.h"

#define OVERSIGHT_ROWS	   100	 /* of a list, when nobody says how many */
#define OVERSIGHT_ROWS_MAX 10000 /* and at most: some MiB of JSON, made in one turn of the loop */

/* audit [agency=A] [mailbox=M] [event=E] [since=T] [until=T] [before=SEQ] [limit=N]: entries of the
 * log, newest first, as one JSON object. agency: the sender's, or of the mailbox. T: a date (its
 * midnight, UTC) or a time as of RFC 3339 with Z. ERR_USAGE naming the word. */
int audit_json(struct store *s, char **words, size_t n, struct buf *json, struct err *e)
    __attribute__((warn_unused_result));
/* report [by=mailbox|agency|class] [since=T] [until=T]: of what fell due in that time and before
 * now, how much was met in time, late, by the cover, and not at all, a row for each kind of what is
 * owed. ERR_USAGE naming the word. */
int report_json(struct store *s, char **words, size_t n, struct buf *json, struct err *e)
    __attribute__((warn_unused_result));

#endif
