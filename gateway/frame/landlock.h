/* landlock.h - the files and ports that a role may reach, whatever its user may. Runs in: all
 * roles, once; unprivileged as well. */
#ifndef FRAME_LANDLOCK_H
#define FRAME_LANDLOCK_H

#include "frame/msg.h"

/* Needs no_new_privs. data_fd: the store's folder, -1 for the other roles. *abi is the level that
 * is in force (landlock(7)), 0 if none is; then *skipped says why in plain words. A kernel without
 * Landlock, or too old for what the role does, is skipped; any other failure is -1. Cannot be
 * undone. */
int landlock_enter(enum role_id role, int data_fd, int *abi, const char **skipped, struct err *e);

#endif
