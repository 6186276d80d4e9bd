/* jail.h - the confinement of each role, one row a role. Runs in: all roles, once, before they take
 * work. */
#ifndef FRAME_JAIL_H
#define FRAME_JAIL_H

#include "frame/msg.h"

/* Takes every step of the role's row; each is fatal (-1). Steps that need root are skipped when
 * started without it. user: whom to become; root: an empty folder that only root may write. Appends
 * the confinement as the kernel then reports it to told, one JSON object. */
int jail_enter(enum role_id role, const char *user, const char *root, struct buf *told,
	       struct err *e);

#endif
