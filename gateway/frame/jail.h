/* jail.h - the confinement of each role, one row a role. Runs in: all roles, once, before they take
 * work. */
#ifndef FRAME_JAIL_H
#define FRAME_JAIL_H

#include "frame/msg.h"

struct jail {
	const char *user; /* whom to become, when started as root */
	const char *root; /* an empty folder that only root may write */
	int data_fd;	  /* the one folder whose files the role may reach; -1: none */
	bool token;	  /* it speaks with a token, over a socket that is open already */
};

/* Takes every step of the role's row, in this order; each is fatal (-1): memory that holds secrets
 * is kept out of swap, empty root, groups, user
 * (and tries to come back), limits, no new privileges, not dumpable, Landlock (landlock.h), system
 * calls (calls.h). Skipped are only what needs root when started without it, locking memory above
 * the user's limit, Landlock where the kernel has none, and the filter of system calls under
 * sanitizers; each is said. Appends the confinement as the kernel then reports it to told, one JSON
 * object. */
int jail_enter(enum role_id role, const struct jail *jail, struct buf *told, struct err *e);

#endif
