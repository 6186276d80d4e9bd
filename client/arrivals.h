/* arrivals.h - what arrives in a mailbox, put into a folder once each. */
#ifndef CLIENT_ARRIVALS_H
#define CLIENT_ARRIVALS_H

#include "gate.h"

/* Serves one mailbox until c->stop: FOLDER/AGENCY_ROLE/ID/ with the documents, then ID.json beside
 * it, which says that all is there (or ID.refused.json: why it could not be opened). Goes on after
 * the entry of the log that was dealt with last. */
void arrivals_serve(struct client *c, const char *mailbox, const char *folder);
/* Will it never be opened, however often it is tried? Pure. */
bool arrivals_is_final(const struct err *e);

#endif
