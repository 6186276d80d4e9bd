/* play.h - one real role under test, as a process in its jail; the test is its master and its
 * peers. */
#ifndef TESTS_ROLES_PLAY_H
#define TESTS_ROLES_PLAY_H

#include <stdio.h>
#include <sys/types.h>

#include "frame/msg.h"

struct play {
	pid_t pid;
	int master, peer; /* the test's ends */
	FILE *log;	  /* what the role says on standard error, line by line */
	char line[8192];  /* the last one read */
	char folder[64];  /* its data folder and its root are below */
};

/* Starts $BUILD/bin/safehand-ROLE with a peer of this role, and waits until it is ready. With more
 * than one peer (verify, notary for a store) the others are given to nobody: they stay open and
 * silent. */
void play_start(struct play *p, enum role_id role, enum role_id peer);
/* Starts $BUILD/bin/safehandd with real roles but this one, whose place the running program takes
 * (its main sees the name); and waits for nothing. */
void play_start_master(struct play *p, enum role_id impostor);
/* Reads the log until a line with this word in it: true; false at its end: the role is gone. */
bool play_until(struct play *p, const char *word);
/* Closes its channels and waits; the wait status. */
int play_end(struct play *p);
/* Waits for the end of one that ends by itself. */
int play_ended(struct play *p);

#endif
