/* policy.h - classes of documents: who may send what to whom, with how many signatures. Pure.
 * Used by: safehandd (check of the configuration), store (judging), tests. */
#ifndef SAFEHAND_POLICY_H
#define SAFEHAND_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"
#include "safehand/name.h"

struct conf;

/* A list of mailbox patterns (name.h); heap, owned by the class. */
struct policy_patterns {
	char (*pattern)[NAME_MAILBOX];
	size_t n;
};

/* One class. Everything that no class allows is denied (design 5). */
struct policy_class {
	char name[NAME_CLASS];
	struct policy_patterns from, to;
	unsigned signatures; /* different persons that must have signed; 1: any signer will do */
	uint64_t max_bytes;  /* of the payload as sealed */
	int64_t retain_ms;   /* kept so long after its acceptance */
	bool subscribe;	     /* mailboxes that subscribed and that the pairs allow must be among the
				recipients */
};

struct policy;

/* From the sections [class "NAME"] of an effective configuration, whose table has the keys from, to
 * (LIST), signatures (INT), max-bytes (SIZE), retain (DURATION), subscribe (WORD: yes|no). No class
 * at all is a policy: it denies everything. ERR_CONFIG, with file:line: not a class name, a pattern
 * malformed, a list empty, signatures out of bounds. *out is the caller's to policy_free; untouched
 * on error. */
int policy_from_conf(const struct conf *c, struct policy **out, struct err *e)
    __attribute__((warn_unused_result));
void policy_free(struct policy *p); /* NULL is fine */

size_t policy_count(const struct policy *p);
const struct policy_class *policy_at(const struct policy *p, size_t i); /* in order of name */
/* NULL: there is no such class, and nobody may send it. */
const struct policy_class *policy_find(const struct policy *p, const char *name);
/* May mailbox `from` send the class to mailbox `to`? Both are valid mailbox names. */
bool policy_allows(const struct policy_class *c, const char *from, const char *to);
/* May it send the class to anybody at all? */
bool policy_may_send(const struct policy_class *c, const char *from);
/* Appends the policy in one canonical text (classes by name, keys in fixed order, one a line): what
 * the digest in a PolicyChange entry is taken over. */
void policy_text(const struct policy *p, struct buf *out);

#endif
