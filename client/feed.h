/* feed.h - a mailbox's feed: what has arrived and what happened to it. */
#ifndef CLIENT_FEED_H
#define CLIENT_FEED_H

#include "gate.h"
#include "safehand/entry.h"
#include "safehand/json.h"
#include "safehand/time.h"

struct feed_item {
	uint64_t seq;
	char time[TIME_TEXT];
	enum entry_event event;
	char bundle[UUID_TEXT], from[NAME_MAILBOX], klass[NAME_CLASS];
	bool provisional, cover;
	char concern[16];	  /* "" none */
	char event_at[TIME_TEXT]; /* "" none */
	uint64_t payload_bytes;
	char state[16], code[ENTRY_CODE];
	struct buf flags;      /* of the case, each a line of feed_flags; owned */
	struct buf flags_json; /* the same as an array's items; owned */
};

struct feed_page {
	struct feed_item *items; /* heap; feed_free */
	size_t n;
	uint64_t next; /* to ask after */
};

/* Strictly. ERR_FORMAT naming the member. Pure. */
int feed_parse(const void *text, size_t len, const char *mailbox, struct feed_page *out,
	       struct err *e) __attribute__((warn_unused_result));
void feed_free(struct feed_page *p);
/* One page; waits up to wait_s for something to come if there is nothing.
 */
int feed_ask(struct client *c, const char *mailbox, uint64_t after, unsigned wait_s,
	     struct feed_page *out, struct err *e) __attribute__((warn_unused_result));
/* Flags of a case, [{about, concern, bundle, since, bundles, sources: [{bundle, since}]}], one for
 * each child and concern: as lines "inconclusive since TIME about c:… (ID, ID and 3 more)", and as
 * JSON items. ERR_FORMAT. Pure. */
int feed_flags(const struct json *list, const char *path, struct buf *lines, struct buf *json,
	       struct err *e) __attribute__((warn_unused_result));
/* Something to collect, as opposed to news about it. */
bool feed_is_arrival(const struct feed_item *i);
/* What inbox shows. */
void feed_tell(const struct client *c, const char *mailbox, const struct feed_item *i,
	       struct buf *out);

#endif
