/* delivery.c - which event may follow which for one bundle in one mailbox. Runs in: store, client.
 * Pure.
 *
 * Read comes after Opened, Opened after ContentHandover; a failed opening may be tried again; an
 * answer may be given without having signed a reading, and as often as it has another code (the
 * caller knows the codes). */
#include <assert.h>

#include "safehand/entry.h"

static const char *const names[DELIVERY_STATES] = {"waiting",  "withheld",  "collected",
						   "opened",   "failed",    "read",
						   "answered", "withdrawn", "purged"};

const char *
delivery_state_name(enum delivery_state s)
{
	assert((unsigned)s < DELIVERY_STATES);
	return names[s];
}

/* The states in which an event is legal, as a mask, and where it leads; done: those in which it is
 * recorded already. keep: an event that says something and moves nothing. */
#define IN(s) (1u << DELIVERY_##s)
#define OPEN                                                                                       \
	(IN(WAITING) | IN(WITHHELD) | IN(COLLECTED) | IN(OPENED) | IN(FAILED) | IN(READ) |         \
	 IN(ANSWERED))

static const struct row {
	unsigned from, done;
	enum delivery_state to;
	bool keep;
} rows[EVENTS] = {
    [EVENT_CONTENT_HANDOVER] = {IN(WAITING), OPEN & ~(IN(WAITING) | IN(WITHHELD)),
				DELIVERY_COLLECTED, false},
    [EVENT_OPENED] = {IN(COLLECTED) | IN(FAILED), IN(OPENED) | IN(READ) | IN(ANSWERED),
		      DELIVERY_OPENED, false},
    [EVENT_OPEN_FAILURE] = {IN(COLLECTED), IN(FAILED), DELIVERY_FAILED, false},
    [EVENT_READ] = {IN(OPENED), IN(READ) | IN(ANSWERED), DELIVERY_READ, false},
    [EVENT_ANSWER] = {IN(OPENED) | IN(READ) | IN(ANSWERED), 0, DELIVERY_ANSWERED, false},
    [EVENT_COVER_RELEASED] = {IN(WITHHELD), OPEN & ~IN(WITHHELD), DELIVERY_WAITING, false},
    [EVENT_WITHDRAWN] = {OPEN, IN(WITHDRAWN), DELIVERY_WITHDRAWN, false},
    [EVENT_PURGED] = {OPEN | IN(WITHDRAWN), IN(PURGED), DELIVERY_PURGED, false},
    [EVENT_NOTIFICATION_SENT] = {OPEN, 0, 0, true},
    [EVENT_NOTIFICATION_FAILURE] = {OPEN, 0, 0, true},
    [EVENT_OVERDUE] = {OPEN, 0, 0, true},
    [EVENT_ESCALATION] = {OPEN, 0, 0, true},
    [EVENT_NON_DELIVERY] = {OPEN, 0, 0, true},
    [EVENT_SUPERSEDED] = {OPEN, 0, 0, true},
};

int
delivery_follow(enum delivery_state s, enum entry_event event, enum delivery_state *next,
		struct err *e)
{
	const struct row *r = &rows[event];

	assert((unsigned)s < DELIVERY_STATES && (unsigned)event < EVENTS);
	if (r->from & 1u << s) {
		*next = r->keep ? s : r->to;
		return 0;
	}
	if (r->done & 1u << s)
		return err_set(e, ERR_REPEATED, "%s is recorded already", event_name(event));
	if (s == DELIVERY_WITHHELD && r->from != 0)
		return err_set(e, ERR_WITHHELD, "the cover's key is not released");
	return err_set(e, ERR_ORDER, "%s may not follow: the bundle is %s", event_name(event),
		       delivery_state_name(s));
}
