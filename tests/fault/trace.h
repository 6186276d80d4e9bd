/* trace.h - what inject.c (one fault) and record.c (what reached the disk) share. */
#ifndef SAFEHAND_FAULT_TRACE_H
#define SAFEHAND_FAULT_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* A system call, as far as it matters here. Arguments are counted from 0; -1: it has none. */
struct call {
	const char *name;
	long nr;
	int fd, path;	/* made bad to let it fail: a descriptor that is none, a path at NULL */
	int count;	/* bytes or vectors wanted: halved for a short one */
	bool vectors;	/* count is of struct iovec at count - 1 */
	bool makes;	/* may want room on the disk: ENOSPC */
	bool changes;	/* changes something that outlives the process, or is seen outside of it */
	bool anonymous; /* mmap: without a file it is none of ours */
};

/* One call under way in one process. */
struct stop {
	pid_t pid;
	const struct call *call;
	uint64_t arg[6];
	int64_t result; /* at its exit: negative is an errno */
	/* record.c's, from the entry to the exit: of the file that is opened, renamed or unlinked
	 */
	bool was_there;
	uint64_t inode;
};

/* Bytes of the process at an address of its. false: it may not be read, or not whole. */
bool trace_peek(pid_t pid, uint64_t at, void *to, size_t n);

/* Everything below folder that succeeds is written to the file, in the order in which it did. */
bool record_open(const char *path, const char *folder);
/* At the entry, for what can only be seen before; then at the exit. */
void record_entry(struct stop *s);
void record_exit(const struct stop *s);

#endif
