/* past.h - the log's past, as this client remembers it: seen to at each contact with the gateway
 * (design 3, "Nobody can rewrite it"). The state folder's "log" holds it (safehand/history.h). */
#ifndef CLIENT_PAST_H
#define CLIENT_PAST_H

#include "client.h"

/* The log goes on from what was last seen of it; asked once in a contact. ERR_HISTORY: it does not;
 * both checkpoints are kept, and nothing goes on until a person has seen to it. */
int past_check(struct client *c, struct err *e) __attribute__((warn_unused_result));
/* The same for a contact that begins (gate.c); a gateway that is away is no refusal: the next
 * past_check asks again. */
int past_renew(struct client *c, struct err *e) __attribute__((warn_unused_result));
/* The signed checkpoint of a piece of evidence is of the same log: the log as it stands goes on
 * from it, and from what was last seen. As past_check; ERR_BUSY: the log grew too fast to say. */
int past_cover(struct client *c, const void *note, size_t len, struct err *e)
    __attribute__((warn_unused_result));
void past_close(struct client *c);

#endif
