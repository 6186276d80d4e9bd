/* away.h - that nobody is at a mailbox for a while, as the gateway tells it. */
#ifndef CLIENT_AWAY_H
#define CLIENT_AWAY_H

#include "safehand/buf.h"
#include "safehand/json.h"

/* {since, until, cover}; cover may be null. path: where it stands. ERR_FORMAT. Pure. */
int away_check(const struct json *away, const char *path, struct err *e)
    __attribute__((warn_unused_result));
/* "away until TIME, covered by MAILBOX", of one that was checked; the text is not escaped. Pure. */
void away_text(const struct json *away, struct buf *out);
/* Its members "since", "until", "cover" again, and as an object. Pure. */
void away_members(const struct json *away, struct buf *out);
void away_json(const struct json *away, struct buf *out);

#endif
