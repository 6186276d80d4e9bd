/* calls.h - which system calls a role may make; any other one ends it. Runs in: all roles, once.
 * The door to libseccomp. */
#ifndef FRAME_CALLS_H
#define FRAME_CALLS_H

#include <stdbool.h>

#include "frame/msg.h"

/* Sanitizers make calls of their own (and start a tracer), coverage writes files at the end: built
 * with either, there is no filter, and that is told. NULL: this build filters. */
const char *calls_unfiltered(void);

/* From here on the process, and all that it starts, may make the calls of the role's rows only; any
 * other one kills it by SIGSYS, which no handler can take. token: also what speaking with one
 * takes. Needs no_new_privs; cannot be undone. */
int calls_enter(enum role_id role, bool token, struct err *e);

#endif
