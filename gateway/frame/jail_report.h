/* jail_report.h - a role's confinement as the kernel reports it. Runs in: all roles, once. */
#ifndef FRAME_JAIL_REPORT_H
#define FRAME_JAIL_REPORT_H

#include <sys/resource.h>

#include "frame/msg.h"

struct jail_report {
	int status;   /* /proc/self/status, opened while there was a /proc */
	bool root;    /* started as root */
	bool chroot;  /* in the empty root */
	int landlock; /* its level, 0: none */
	const char *no_lock, *no_landlock,
	    *no_calls; /* why they were skipped, NULL: they were not */
	/* asked */
	int dumpable;
	uid_t uid[3]; /* real, effective, saved */
	gid_t gid[3];
	struct rlimit files, processes, core;
};

/* Asks for what the filter of system calls would not let through later. */
void jail_report_ask(struct jail_report *r);

/* Appends one JSON object: the above, and what the status file says at the end. */
void jail_report_tell(const struct jail_report *r, struct buf *told);

#endif
