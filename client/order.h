/* order.h - what is to be sent, from arguments or from a sidecar; sealed into a bundle. */
#ifndef CLIENT_ORDER_H
#define CLIENT_ORDER_H

#include "gate.h"

struct order {
	struct manifest *m;	   /* to: whom the sender names; the route adds to it */
	struct recipient *exclude; /* only their mailboxes */
	size_t nexclude;
	char *cover;  /* path of the draft, or NULL */
	char **files; /* paths */
	size_t nfiles;
	char **as; /* names of identities */
	size_t nas;
	char *folder; /* where paths start; NULL: here */
	/* what the gateway said with the route, as items of JSON arrays */
	bool asked;
	struct buf flags; /* of the case, as feed_flags makes them */
	struct buf away;  /* recipients that are away: {mailbox, since, until, cover} */
};

struct order *order_new(const char *folder);
void order_free(struct order *o);
/* One thing about it: class, from, about, household, to, exclude, cover, action, event-at, concern,
 * reply-to, supersedes, provisional ("yes"), as, file. ERR_USAGE naming it and the value. */
int order_set(struct client *c, struct order *o, const char *what, const char *value, struct err *e)
    __attribute__((warn_unused_result));
/* What is wanted is there; from is filled in if only one mailbox is configured. */
int order_check(struct client *c, struct order *o, struct err *e)
    __attribute__((warn_unused_result));
/* sidecar.c: a sidecar (NAME.json): the names of order_set as members, lists as arrays. Strict. */
int order_sidecar(struct client *c, struct order *o, const void *text, size_t len, struct err *e)
    __attribute__((warn_unused_result));
/* Asks for the route (offline: takes it from the roster), signs, seals; the bundle appears in
 * dir_fd as name. The id is made if it is empty. */
int order_seal(struct client *c, struct order *o, bool offline, int dir_fd, const char *name,
	       struct err *e) __attribute__((warn_unused_result));

/* Members for who reads JSON: "flags":[…],"away":[…]; null where nobody was asked. Appends. */
void order_told_json(const struct order *o, struct buf *out);

/* --- route.c --- */

/* m->to becomes the whole list to seal for; keys (the caller's to free) their certificates, each
 * judged by the roster and the root, and each one that the gateway named. */
int route_ask(struct client *c, struct order *o, struct identity **keys, struct err *e)
    __attribute__((warn_unused_result));
/* The same from the roster that was kept: the named ones and their covers. */
int route_kept(struct client *c, struct order *o, struct identity **keys, struct err *e)
    __attribute__((warn_unused_result));

#endif
