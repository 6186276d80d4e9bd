/* ledger.h - what happened: bundles, deliveries, entries, tree, checkpoints. The one narrow
 * interface to the database; another pair (PostgreSQL) would stand behind the same functions.
 * Everything that fails below it ends the process: without its ledger the store can promise
 * nothing.
 *
 * Two are opened: a writer, whose changes nobody sees before ledger_commit, and a reader, which
 * sees what is committed only. Strings in the structs are "" for null. */
#ifndef SAFEHAND_STORE_LEDGER_H
#define SAFEHAND_STORE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/entry.h"
#include "safehand/err.h"
#include "safehand/limits.h"
#include "safehand/name.h"
#include "store/spool.h"

struct ledger;

enum ledger_bundle_state { BUNDLE_LIVE, BUNDLE_PURGED /* erasure due */, BUNDLE_ERASED };

struct ledger_bundle {
	int64_t n; /* order of acceptance, from 1; 0 is no bundle */
	char id[UUID_TEXT];
	char from[NAME_MAILBOX];
	char klass[NAME_CLASS];
	uint32_t provisional, concern; /* as in struct msg_facts_head */
	int64_t created_ms, event_at_ms /* INT64_MIN: null */, accepted_ms, purge_ms;
	char reply_to[UUID_TEXT], supersedes[UUID_TEXT];
	uint8_t head_sha256[DIGEST_BYTES], manifest_sha256[DIGEST_BYTES];
	uint32_t manifest_bytes, signature_bytes, slots_bytes;
	uint64_t payload_bytes;
	struct spool_place place;
	enum ledger_bundle_state state;
};

struct ledger_delivery {
	int64_t bundle;
	char mailbox[NAME_MAILBOX];
	uint32_t slot; /* which of the slots, from 0 */
	bool cover;
	char covers[NAME_MAILBOX];
	uint32_t state; /* enum state of entry.h */
};

/* One line of the log. Each (bundle or expectation, mailbox, event, part) is there once: the ledger
 * refuses a second by ending the process, since the callers look first. */
struct ledger_entry {
	int64_t seq;
	int64_t time_ms;
	uint32_t event;	     /* enum entry_event of entry.h */
	int64_t bundle;	     /* 0: of none */
	int64_t expectation; /* 0: of none */
	char mailbox[NAME_MAILBOX];
	int64_t part; /* 0 for events that happen once; else what tells them apart, or seq */
	bool has_actor;
	uint8_t actor[DIGEST_BYTES];
	char code[ENTRY_CODE];
};

struct ledger_checkpoint {
	uint64_t size;
	int64_t time_ms;
};

struct ledger_feed_item {
	struct ledger_entry entry;
	struct ledger_bundle bundle;
	struct ledger_delivery delivery;
};

struct ledger_mailbox {
	char name[NAME_MAILBOX];
	int64_t waiting;   /* deliveries not yet collected */
	int64_t oldest_ms; /* acceptance of the oldest of them, 0: none */
};

struct ledger_filter {
	const char *agency, *mailbox, *klass; /* NULL: any; agency and class of the sender's side */
	int64_t before;			      /* n below this; INT64_MAX for the newest */
	uint32_t limit;
};

/* Opens ledger.db in the data folder (the writer makes it) and everything it will ever need of the
 * file system: call it before the jail. ERR_CONFIG: of a newer schema or not a ledger. The working
 * directory is the data folder afterwards. */
int ledger_open(int datafd, bool writer, struct ledger **out, struct err *e)
    __attribute__((warn_unused_result));
void ledger_close(struct ledger *l); /* NULL is fine; what is not committed is not there */

void ledger_begin(struct ledger *l);
void ledger_commit(struct ledger *l); /* durable when it returns */
void ledger_rollback(struct ledger *l);
/* Of the reader: what it sees stays the same from here to the release, and costs less. Whoever
 * changes the ledger lets go before the commit (the log of changes could never start anew under a
 * reader) and takes hold after it. Both may be called twice. */
void ledger_hold(struct ledger *reader);
void ledger_release(struct ledger *reader);

/* Where the journal ends with this commit: what spool_open is given. 0, 0: nowhere yet. */
void ledger_set_tail(struct ledger *l, uint32_t segment, uint64_t end);
void ledger_tail(struct ledger *l, uint32_t *segment, uint64_t *end);
#define LEDGER_VALUE_TEXT 128 /* bytes of such a name or value as a text, NUL included */
/* Small values by name; ledger_value appends to out, false: none. */
void ledger_set_value(struct ledger *l, const char *name, const char *value);
bool ledger_value(struct ledger *l, const char *name, struct buf *out);
bool ledger_unset_value(struct ledger *l, const char *name); /* false: there was none */
/* Those whose name begins with prefix (which ends in a dot), by name. */
void ledger_each_value(struct ledger *l, const char *prefix,
		       void (*each)(void *ctx, const char *name, const char *value), void *ctx);

/* b->n is set. Adds to its agency's counters. */
void ledger_add_bundle(struct ledger *l, struct ledger_bundle *b);
bool ledger_bundle(struct ledger *l, const char *id, struct ledger_bundle *out);
/* The same; false: there is none, and *out is another, or empty in an empty ledger. Who must not
 * learn whether there is one is judged by it all the same, so that the refusal takes as long. */
bool ledger_bundle_quietly(struct ledger *l, const char *id, struct ledger_bundle *out);
bool ledger_bundle_at(struct ledger *l, int64_t n, struct ledger_bundle *out);
/* Leaving BUNDLE_LIVE takes it off its agency's counters. */
void ledger_set_bundle_state(struct ledger *l, const struct ledger_bundle *b,
			     enum ledger_bundle_state state);
/* Newest first. The callbacks of this file must not write and are called before the function
 * returns; their struct is the ledger's. */
void ledger_each_bundle(struct ledger *l, const struct ledger_filter *f,
			void (*each)(void *ctx, const struct ledger_bundle *b), void *ctx);
/* Up to max ids n of live bundles whose purge_ms has come, or of purged ones not yet erased. */
size_t ledger_purge_due(struct ledger *l, int64_t now_ms, int64_t *out, size_t max);
size_t ledger_erase_due(struct ledger *l, int64_t *out, size_t max);
void ledger_agency(struct ledger *l, const char *agency, int64_t *bundles, int64_t *bytes);

/* waiting: is the delivery counted as not yet collected? */
void ledger_add_delivery(struct ledger *l, const struct ledger_delivery *d, bool waiting);
bool ledger_delivery(struct ledger *l, int64_t bundle, const char *mailbox,
		     struct ledger_delivery *out);
void ledger_set_delivery_state(struct ledger *l, const struct ledger_delivery *d, uint32_t state,
			       bool waiting);
/* What the recipient found when it opened: the digest of the documents as archived. */
void ledger_set_delivery_content(struct ledger *l, const struct ledger_delivery *d,
				 const uint8_t digest[static DIGEST_BYTES]);
bool ledger_delivery_content(struct ledger *l, const struct ledger_delivery *d,
			     uint8_t out[static DIGEST_BYTES]);
void ledger_each_delivery(struct ledger *l, int64_t bundle,
			  void (*each)(void *ctx, const struct ledger_delivery *d), void *ctx);
/* Has a mailbox of the agency heard of it (is it a recipient's, or that of a cover called upon)? */
bool ledger_is_recipient(struct ledger *l, int64_t bundle, const char *agency);
void ledger_each_mailbox(struct ledger *l, void (*each)(void *ctx, const struct ledger_mailbox *m),
			 void *ctx);

void ledger_add_entry(struct ledger *l, const struct ledger_entry *entry, const struct buf *line);
bool ledger_entry(struct ledger *l, int64_t seq, struct ledger_entry *out);
void ledger_line(struct ledger *l, int64_t seq, struct buf *out); /* of an entry that is there */
bool ledger_find_entry(struct ledger *l, int64_t bundle, const char *mailbox, uint32_t event,
		       int64_t part, struct ledger_entry *out);
/* The same of an expectation. */
bool ledger_find_expected(struct ledger *l, int64_t expectation, const char *mailbox,
			  uint32_t event, int64_t part, struct ledger_entry *out);
/* The time of the last Fetched entry of a range, of this certificate (of counts there is none). */
bool ledger_last_fetch(struct ledger *l, int64_t bundle, const char *mailbox,
		       const uint8_t actor[static DIGEST_BYTES], int64_t *time_ms);
void ledger_each_entry(struct ledger *l, int64_t bundle,
		       void (*each)(void *ctx, const struct ledger_entry *entry), void *ctx);
/* The mailbox's entries with seq > after that are of a bundle, at most limit, in order. */
void ledger_feed(struct ledger *l, const char *mailbox, int64_t after, uint32_t limit,
		 void (*each)(void *ctx, const struct ledger_feed_item *item), void *ctx);

/* Hashes of the tree, in the order in which they come to be: each leaf, then what it completes. */
void ledger_add_hash(struct ledger *l, int64_t i, const uint8_t hash[static DIGEST_BYTES]);
bool ledger_hash(struct ledger *l, int64_t i, uint8_t hash[static DIGEST_BYTES]);

void ledger_add_checkpoint(struct ledger *l, const struct ledger_checkpoint *c,
			   const struct buf *note, const struct buf *token);
/* The last one, or the first whose size is at least `size`; note and token are appended to (each
 * may be NULL). false: none. */
bool ledger_last_checkpoint(struct ledger *l, struct ledger_checkpoint *out, struct buf *note,
			    struct buf *token);
bool ledger_checkpoint(struct ledger *l, uint64_t size, struct ledger_checkpoint *out,
		       struct buf *note, struct buf *token);
/* A token of another authority over the same note. */
void ledger_add_stamp(struct ledger *l, uint64_t size, const char *tsa, int64_t time_ms,
		      const void *token, size_t n);

/* The signed statement behind an entry. */
void ledger_add_statement(struct ledger *l, int64_t seq, const void *content, size_t content_bytes,
			  const void *signature, size_t signature_bytes);
bool ledger_statement(struct ledger *l, int64_t seq, struct buf *content, struct buf *signature);

bool ledger_last_roster(struct ledger *l, uint64_t *serial, uint8_t digest[static DIGEST_BYTES]);
void ledger_add_roster(struct ledger *l, uint64_t serial, const uint8_t digest[static DIGEST_BYTES],
		       int64_t seq);

/* kind: "class", "child", "household". true: there was none / there was one. */
bool ledger_subscribe(struct ledger *l, const char *kind, const char *value, const char *mailbox,
		      int64_t since_ms);
bool ledger_unsubscribe(struct ledger *l, const char *kind, const char *value, const char *mailbox);
void ledger_each_subscription(struct ledger *l, const char *mailbox,
			      void (*each)(void *ctx, const char *kind, const char *value,
					   int64_t since_ms),
			      void *ctx);
void ledger_each_subscriber(struct ledger *l, const char *kind, const char *value,
			    void (*each)(void *ctx, const char *mailbox), void *ctx);

/* Bundles whose bytes are damaged: told, served to nobody, in nobody's way. */
void ledger_quarantine(struct ledger *l, int64_t bundle, int64_t since_ms, const char *why);
void ledger_unquarantine(struct ledger *l, int64_t bundle);
bool ledger_is_quarantined(struct ledger *l, int64_t bundle);
#define QUARANTINE_HELD "held by an administrator" /* why: of one that is whole */
bool ledger_is_held(struct ledger *l, int64_t bundle);
void ledger_each_quarantined(struct ledger *l,
			     void (*each)(void *ctx, const struct ledger_bundle *b,
					  int64_t since_ms, const char *why),
			     void *ctx);

/* For status and fsck. */
struct ledger_totals {
	int64_t bundles, live, waiting /* deliveries not yet collected */, entries, quarantined;
};
void ledger_totals(struct ledger *l, struct ledger_totals *out);
/* For a backup: what is committed is in ledger.db, which nobody writes until ledger_move. Not
 * between begin and commit. ERR_BUSY: ask again. */
int ledger_still(struct ledger *l, struct err *e) __attribute__((warn_unused_result));
void ledger_move(struct ledger *l);
/* The database's own check by parts from 0 on, a table each: the first finding is appended to text.
 * false: that was the last part. */
bool ledger_integrity(struct ledger *l, unsigned part, struct buf *text);
/* Whether what is counted as it comes is what is there; false with the first that is not. */
bool ledger_recount_agencies(struct ledger *l, char name[static NAME_MAILBOX]);
bool ledger_recount_mailboxes(struct ledger *l, char name[static NAME_MAILBOX]);

/* --- oversight --- */

/* The log by who and when, newest first. */
struct ledger_audit {
	const char *agency,
	    *mailbox;		    /* NULL: any; agency: the bundle's sender's, or the mailbox's */
	uint32_t event;		    /* 0: any */
	int64_t since_ms, until_ms; /* from, and below */
	int64_t before;		    /* seq below this; INT64_MAX for the newest */
	uint32_t limit;
};
void ledger_each_audited(struct ledger *l, const struct ledger_audit *a,
			 void (*each)(void *ctx, const struct ledger_entry *entry,
				      const char *bundle, const char *sender),
			 void *ctx);

enum ledger_report_by { LEDGER_BY_MAILBOX, LEDGER_BY_AGENCY, LEDGER_BY_CLASS, LEDGER_REPORT_BYS };

/* Of what fell due, of one kind. What was withdrawn or superseded counts nowhere. */
struct ledger_report {
	char who[NAME_MAILBOX];
	uint32_t kind; /* enum deadline_kind */
	int64_t due, in_time, late, by_other, never;
	int64_t mean_ms;   /* from start to end of those met by whom they were of; -1: none */
	int64_t latest_ms; /* the most that one was or is late; below 0: none was */
};
/* Due from since_ms on, below until_ms and before now_ms; by who, then kind. */
void ledger_each_report(struct ledger *l, enum ledger_report_by by, int64_t since_ms,
			int64_t until_ms, int64_t now_ms,
			void (*each)(void *ctx, const struct ledger_report *r), void *ctx);

#endif
