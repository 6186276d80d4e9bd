/* delivery.c - which event may follow which for one bundle in one mailbox. Runs in: store, client.
 * Pure.
 *
 * Read comes after Opened, Opened after ContentHandover; a failed opening may be tried again; an
 * answer may be given without having signed a reading, and as often as it has another code (the
 * caller knows the codes). Who holds the key of what is withdrawn may still say what it did with
 * it. */
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
 * recorded already. keep: the states in which it says something and moves nothing. */
#define IN(s) (1u << DELIVERY_##s)
#define OPEN                                                                                       \
	(IN(WAITING) | IN(WITHHELD) | IN(COLLECTED) | IN(OPENED) | IN(FAILED) | IN(READ) |         \
	 IN(ANSWERED))

static const struct row {
	unsigned from, done;
	enum delivery_state to;
	unsigned keep;
} rows[EVENTS] = {
    [EVENT_CONTENT_HANDOVER] = {IN(WAITING), OPEN & ~(IN(WAITING) | IN(WITHHELD)),
				DELIVERY_COLLECTED, 0},
    [EVENT_OPENED] = {IN(COLLECTED) | IN(FAILED), IN(OPENED) | IN(READ) | IN(ANSWERED),
		      DELIVERY_OPENED, 0},
    [EVENT_OPEN_FAILURE] = {IN(COLLECTED), IN(FAILED), DELIVERY_FAILED, 0},
    [EVENT_READ] = {IN(OPENED), IN(READ) | IN(ANSWERED), DELIVERY_READ, 0},
    [EVENT_ANSWER] = {IN(OPENED) | IN(READ) | IN(ANSWERED), 0, DELIVERY_ANSWERED, 0},
    [EVENT_COVER_RELEASED] = {IN(WITHHELD), OPEN & ~IN(WITHHELD), DELIVERY_WAITING, 0},
    [EVENT_WITHDRAWN] = {OPEN, IN(WITHDRAWN), DELIVERY_WITHDRAWN,
			 OPEN & ~(IN(WAITING) | IN(WITHHELD))},
    [EVENT_PURGED] = {OPEN | IN(WITHDRAWN), IN(PURGED), DELIVERY_PURGED, 0},
    [EVENT_NOTIFICATION_SENT] = {OPEN, 0, 0, OPEN},
    [EVENT_NOTIFICATION_FAILURE] = {OPEN, 0, 0, OPEN},
    [EVENT_OVERDUE] = {OPEN, 0, 0, OPEN},
    [EVENT_ESCALATION] = {OPEN, 0, 0, OPEN},
    [EVENT_NON_DELIVERY] = {OPEN, 0, 0, OPEN},
    [EVENT_SUPERSEDED] = {OPEN, 0, 0, OPEN},
    [EVENT_FETCHED] = {OPEN & ~IN(WITHHELD), 0, 0, OPEN & ~IN(WITHHELD)},
};

int
delivery_follow(enum delivery_state s, enum entry_event event, enum delivery_state *next,
		struct err *e)
{
	const struct row *r = &rows[event];

	assert((unsigned)s < DELIVERY_STATES && (unsigned)event < EVENTS);
	if (r->from & 1u << s) {
		*next = r->keep & 1u << s ? s : r->to;
		return 0;
	}
	if (r->done & 1u << s)
		return err_set(e, ERR_REPEATED, "%s is recorded already", event_name(event));
	if (s == DELIVERY_WITHHELD && r->from != 0)
		return err_set(e, ERR_WITHHELD, "the cover's key is not released");
	return err_set(e, ERR_ORDER, "%s may not follow: the bundle is %s", event_name(event),
		       delivery_state_name(s));
}
