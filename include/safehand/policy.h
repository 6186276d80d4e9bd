/* policy.h - classes of documents: who may send what to whom, with how many signatures. Pure.
 * Used by: safehandd (check of the configuration), store (judging), tests. */
#ifndef SAFEHAND_POLICY_H
#define SAFEHAND_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/deadline.h"
#include "safehand/err.h"
#include "safehand/name.h"

struct conf;

/* A list of mailbox patterns (name.h); heap, owned by the class. */
struct policy_patterns {
	char (*pattern)[NAME_MAILBOX];
	size_t n;
};

/* Texts of a list (fields of the cover sheet, media types); heap, owned by the class. */
struct policy_words {
	char **word;
	size_t n;
};

enum policy_subscribe { SUBSCRIBE_NO, SUBSCRIBE_YES, SUBSCRIBE_BY_CONSENT };
enum policy_answer {
	ANSWER_NONE,
	ANSWER_WITHIN,	/* a signed answer, or a bundle of class `by` if it is given */
	ANSWER_ACTIONS, /* each action by its due date */
};

/* One class. Everything that no class allows is denied (design 5). */
struct policy_class {
	char name[NAME_CLASS];
	struct policy_patterns from, to;
	unsigned signatures; /* different persons that must have signed; 1: any signer will do */
	uint64_t max_bytes;  /* of the payload as sealed */
	int64_t retain_ms;   /* kept so long after its acceptance */
	bool retain_after_answer;	 /* or so long after the last answer, if that is later */
	enum policy_subscribe subscribe; /* mailboxes that subscribed and that the pairs allow must
					    be among the recipients */
	struct policy_patterns demand;	 /* whole mailbox names that are always recipients */
	struct policy_words require;	 /* fields of the cover sheet: see cover_need.h */
	struct policy_words media;	 /* media types of its documents; empty: any */
	bool clock_event; /* the clock starts at the manifest's event_at, which must be there */
	bool has_collect, has_read, has_provisional, has_expects;
	/* expects starts at the bundle's event_at, which must be there: has_expects wants it too */
	struct deadline_rule collect, read, provisional, answer, expects;
	enum policy_answer answers;
	char answer_by[NAME_CLASS];	/* ANSWER_WITHIN: empty: a signed answer */
	char expects_class[NAME_CLASS]; /* the class that must come, from the same sender */
	struct ladder ladder;		/* of what its recipients owe, and its sender's final */
	struct ladder expect_ladder;	/* of what it expects */
	bool discounts;			/* ends the flags of its children */
};

struct policy;

/* From the sections [class "NAME"] of an effective configuration, whose table must have their keys:
 * see safehand.conf(5), safehand-classes(5). No class at all is a policy: it denies everything.
 * ERR_CONFIG, with file:line: a name, pattern, rule, step or number that is none, a list empty, a
 * class that there is not, a class that contradicts itself or others (policy_check.c has the list).
 * *out is the caller's to policy_free; untouched on error. Pure. */
int policy_from_conf(const struct conf *c, struct policy **out, struct err *e)
    __attribute__((warn_unused_result));
void policy_free(struct policy *p); /* NULL is fine */

size_t policy_count(const struct policy *p);
const struct policy_class *policy_at(const struct policy *p, size_t i); /* in order of name */
/* NULL: there is no such class, and nobody may send it. */
const struct policy_class *policy_find(const struct policy *p, const char *name);
/* May mailbox `from` send the class to mailbox `to`? Both are valid mailbox names. */
bool policy_allows(const struct policy_class *c, const char *from, const char *to);
/* May it send the class to anybody at all, or get it from anybody? */
bool policy_may_send(const struct policy_class *c, const char *from);
bool policy_may_get(const struct policy_class *c, const char *to);
/* Appends the classes in one canonical text: by name, keys in fixed order, one a line. */
void policy_text(const struct policy *p, struct buf *out);
/* Appends all that decides who may send what to whom and what is owed by when, in the one canonical
 * text that the digest in a PolicyChange entry is taken over: the classes, the compiled calendars
 * as they are given (in order of name; NULL: none), and the sections [mailbox "PATTERN"] of the
 * effective configuration in their order, of which the first that covers a mailbox holds.
 * safehand-evidence(5) has the format. */
void policy_whole_text(const struct policy *p, const struct buf *calendars, const struct conf *c,
		       struct buf *out);
/* Appends a key's value as one would write it, canonical, of clock, provisional, collect, read,
 * answer, expects, subscribe, discounts, retain; nothing for one that the class does not have. */
void policy_value(const struct policy_class *c, const char *key, struct buf *out);

/* Values of keys by themselves, for the table of settings. ERR_CONFIG. Pure. */
/* "RULE", "RULE by CLASS", "each action by its due date". */
int policy_answer_parse(const char *text, struct policy_class *out, struct err *e);
/* "CLASS RULE", with "of the meeting" or "of the event" after it or not: from the bundle's
 * event_at. */
int policy_expects_parse(const char *text, struct policy_class *out, struct err *e);
/* "90d", "90d after the last answer"; 1d to 36500d. */
int policy_retain_parse(const char *text, struct policy_class *out, struct err *e);
/* type/subtype as RFC 6838 section 4.2 has it, in lower case. */
bool policy_is_media(const char *text);

#endif
