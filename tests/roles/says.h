/* says.h - all that a role can say on a channel: each kind of message, right and wrong. Runs in:
 * the tests of taken roles. */
#ifndef TESTS_ROLES_SAYS_H
#define TESTS_ROLES_SAYS_H

#include <stdbool.h>

#include "frame/msg.h"

/* The contract, a second time and on purpose: a change of msg.c that lets a role say more must be
 * made here as well. */
struct contract {
	enum msg_kind kind;
	unsigned from, to; /* masks of 1 << role */
	enum msg_fd fd;
};
extern const struct contract contracts[];
extern const size_t contracts_n;

enum saying {
	SAY_ZERO,     /* all fields zero or empty, descriptor as the contract wants */
	SAY_OTHER_FD, /* the same, descriptor the other way round */
	SAY_TRAILING, /* one byte more */
	SAY_CUT,      /* one byte less */
	SAY_EMPTY,    /* the kind and nothing else */
	SAY_TWO_FDS,  /* two descriptors: the second must be closed, not kept */
	SAYINGS
};

/* Whether a role may say this to the other: by the contract and by the saying. */
bool says_may(enum msg_kind kind, enum saying how, enum role_id from, enum role_id to);

/* Says it on the bare socket; false: the other is gone. */
bool says(int sock, enum msg_kind kind, enum saying how);

/* What is no message of any kind, whoever says it: n from 0 to NONSENSES - 1. */
#define NONSENSES 4
bool says_nonsense(int sock, unsigned n);

/* A kind that there is not: the other logs the number, which tells where it is. */
#define MARK_FIRST 100000
bool says_mark(int sock, uint32_t number);

#endif
