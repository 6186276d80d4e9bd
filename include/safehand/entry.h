/* entry.h - entries of the log: what happened, one JSON line each; and which event may follow which
 * for a delivery. */
#ifndef SAFEHAND_ENTRY_H
#define SAFEHAND_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"
#include "safehand/limits.h"
#include "safehand/name.h"

#define ENTRY_SALT 16  /* bytes: a leaf's hash cannot be guessed from what is known of its entry */
#define ENTRY_CODE 128 /* bytes of a code, NUL included: a word and a mailbox fit */

/* Names of ETSI EN 319 522-2 where it has one. The numbers are kept on disk: new ones go to the
 * end. */
enum entry_event {
	EVENT_NONE,
	EVENT_SUBMISSION_ACCEPTANCE,
	EVENT_SUBMISSION_REJECTION,
	EVENT_CONTENT_CONSIGNMENT,
	EVENT_NOTIFICATION_SENT,
	EVENT_NOTIFICATION_FAILURE,
	EVENT_CONTENT_HANDOVER,
	EVENT_OPENED,
	EVENT_OPEN_FAILURE,
	EVENT_READ,
	EVENT_ANSWER,
	EVENT_OVERDUE,
	EVENT_ESCALATION,
	EVENT_COVER_RELEASED,
	EVENT_NON_DELIVERY,
	EVENT_EXPECTATION_OPENED,
	EVENT_EXPECTATION_MET,
	EVENT_EXPECTATION_MISSED,
	EVENT_SUPERSEDED,
	EVENT_WITHDRAWN,
	EVENT_PURGED,
	EVENT_ROSTER_CHANGE,
	EVENT_POLICY_CHANGE,
	EVENT_KEY_CHANGE,
	EVENT_GATEWAY_START,
	EVENT_FETCHED, /* its code: fetched.h */
	EVENT_HELD,    /* back, by an administrator */
	EVENT_RELEASED,
	EVENTS
};
const char *event_name(enum entry_event e);	  /* "ContentHandover"; static */
enum entry_event event_by_name(const char *name); /* EVENT_NONE if there is none */

struct entry {
	uint64_t seq; /* number in the log, from 0: the leaf's index */
	int64_t time_ms;
	enum entry_event event;
	char bundle[UUID_TEXT];	    /* empty: none */
	char mailbox[NAME_MAILBOX]; /* empty: none */
	char code[ENTRY_CODE];	    /* "ok", or the rule's name */
	bool has_manifest, has_actor, has_statement;
	uint8_t manifest_sha256[DIGEST_BYTES];
	uint8_t actor[DIGEST_BYTES]; /* SHA-256 of the certificate that acted */
	uint8_t statement_sha256[DIGEST_BYTES];
	uint8_t salt[ENTRY_SALT];
};

/* The line, without a newline: the bytes that are stored, hashed and served. What is absent is left
 * out. */
void entry_format(const struct entry *in, struct buf *line);
/* Strictly the whole of line. ERR_FORMAT naming the member, ERR_LIMIT. Pure. */
int entry_parse(const void *line, size_t len, struct entry *out, struct err *e);

/* Where a bundle stands in a mailbox. The numbers are kept on disk. */
enum delivery_state {
	DELIVERY_WAITING,   /* consigned, not collected */
	DELIVERY_WITHHELD,  /* a cover's, its slot not released */
	DELIVERY_COLLECTED, /* receipt taken, key released */
	DELIVERY_OPENED,
	DELIVERY_FAILED, /* could not be opened */
	DELIVERY_READ,
	DELIVERY_ANSWERED,
	DELIVERY_WITHDRAWN,
	DELIVERY_PURGED,
	DELIVERY_STATES
};
const char *delivery_state_name(enum delivery_state s); /* "waiting"; static */

/* May event follow in state? 0 and the next state. ERR_ORDER: not in this state; ERR_REPEATED: it
 * is recorded already; ERR_WITHHELD: the cover's slot is not released. Pure; every (state, event)
 * pair has its outcome. */
int delivery_follow(enum delivery_state s, enum entry_event event, enum delivery_state *next,
		    struct err *e);

#endif
