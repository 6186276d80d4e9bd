/* routing.h - to whom a bundle goes: named, subscribed, cover. */
#ifndef SAFEHAND_STORE_ROUTING_H
#define SAFEHAND_STORE_ROUTING_H

#include "frame/msg.h"
#include "safehand/policy.h"
#include "store/ledger.h"
#include "store/members.h"

/* What decides a route. about: struct fact_name, as in the messages. */
struct routing {
	struct ledger *ledger;
	const struct members *members;
	const struct policy_class *klass;
	const char *from;
	const struct list *about;
};

/* Calls each() for every mailbox that the class demands, that subscribed to the class, to the
 * sender's area, or to one of the children or households (with consent, where the class wants it),
 * and that the pairs allow and the roster has, the sender itself not. One may come more than once.
 */
void routing_subscribers(const struct routing *r, void (*each)(void *ctx, const char *mailbox),
			 void *ctx);

/* Those who subscribed to one of the children or households, and whose consent the sender's agency
 * has not given though the class wants it: they are not recipients. */
void routing_without_consent(const struct routing *r,
			     void (*each)(void *ctx, const char *kind, const char *value,
					  const char *mailbox),
			     void *ctx);

/* The whole answer to a route request. ERR_DENIED, ERR_UNKNOWN name what of it cannot be. Appends
 * the JSON of the contract: class, to (with away, where nobody is at a mailbox now), flags. */
int routing_answer(const struct routing *r, const struct msg_facts_route *f, int64_t now_ms,
		   struct buf *json, struct err *e) __attribute__((warn_unused_result));

#endif
