/* acts.h - what no role may do: one row an act. Runs in: children of the jail tests. */
#ifndef TESTS_JAIL_ACTS_H
#define TESTS_JAIL_ACTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "frame/msg.h"

#define ROLE(r)	  (1u << ROLE_##r)
#define ALL_ROLES (ROLE(FRONT) | ROLE(VERIFY) | ROLE(STORE) | ROLE(NOTARY) | ROLE(COURIER))

/* What the acts are done to; made before the jail. */
struct scene {
	pid_t other; /* another role, in its own jail, of the same user */
	const char
	    *outside; /* a folder beside the data folder, with a file "file" that all may read */
	char file[128], made[128],
	    mem[64];  /* paths: of that file, of one to be made, of other's memory */
	int data_fd;  /* the data folder */
	int sock;     /* a TCP socket, connected to nobody */
	int listener; /* one that listens */
	int log;      /* a file for the log */
};
extern struct scene scene;

/* 0: it was done; else the error number of the refusal. */
typedef int act_do(void);

struct act {
	const char *name;
	act_do *act;
	unsigned may;	  /* roles whose work it is */
	unsigned refused; /* roles where it is refused; all others die of it, by SIGSYS */
	int since;	  /* the refusal is Landlock's, from this level on; 0: always refused */
};
extern const struct act acts[];
extern const size_t acts_n;

#endif
