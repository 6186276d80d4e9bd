/* desk.h - what the configuration says of mailboxes: their calendar, and whom to tell outside of
 * the gateway. The first section [mailbox "PATTERN"] that covers a mailbox holds. */
#ifndef SAFEHAND_STORE_DESK_H
#define SAFEHAND_STORE_DESK_H

#include "frame/msg.h"
#include "safehand/calendar.h"
#include "safehand/conf.h"

struct desks;

/* calendars: the compiled texts, one after the other, as master hands them over; may be empty.
 * ERR_CONFIG: a section names a calendar that is not among them; ERR_FORMAT. */
int desks_new(const struct conf *c, const struct buf *calendars, struct desks **out, struct err *e)
    __attribute__((warn_unused_result));
void desks_free(struct desks *c); /* NULL is fine */

/* Always open if it has none. */
const struct calendar *desk_calendar(const struct desks *c, const char *mailbox);
/* The address and the section's pattern; false: there is none of the kind. */
bool desk_address(const struct desks *c, const char *mailbox, enum notify_kind kind,
		  const char **address, const char **pattern);
/* Of each calendar that a mailbox has, what comes to its end (calendar_is_ending): what: "closed",
 * "terms"; until: the last local day that is known. */
void desks_each_ending(const struct desks *c, int64_t now_ms,
		       void (*each)(void *ctx, const char *calendar, const char *what,
				    int64_t until),
		       void *ctx);

#endif
