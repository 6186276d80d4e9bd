/* impostor.h - a program in a role's place, started by the real master. Runs in: that program. */
#ifndef TESTS_ROLES_IMPOSTOR_H
#define TESTS_ROLES_IMPOSTOR_H

/* path: as master started it, .../safehand-ROLE. Takes what master gives, says all that there is to
 * say to master, then a mark (says.h, MARK_FIRST), then that it is ready; stops when told. */
int impostor_main(const char *path);

#endif
