/* file_in.h - files that appear whole and synced, or not at all. For the writers of bundles. */
#ifndef FILE_IN_H
#define FILE_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/err.h"

#define FILE_TEMP_TEXT 300 /* ".", a name, a random suffix: NAME_MAX and then some */

struct new_file {
	int dir_fd, fd;		   /* fd is owned, -1 before and after */
	char temp[FILE_TEMP_TEXT]; /* empty: the file has no name yet */
};

/* A file without a name in dir_fd, mode 0600; where the file system knows none, a hidden one. name:
 * what it will be called. */
int file_begin(struct new_file *f, int dir_fd, const char *name, struct err *e)
    __attribute__((warn_unused_result));
/* Synced and given its name, the folder synced. ERR_CONFLICT if there is one already and it is not
 * to be replaced. */
int file_commit(struct new_file *f, const char *name, bool replace, struct err *e)
    __attribute__((warn_unused_result));
/* Gone without a trace, unless committed. {.fd = -1} is fine. */
void file_abort(struct new_file *f);

/* All n bytes, whatever interrupts. what begins the sentence. */
int file_write(int fd, const void *p, size_t n, const char *what, struct err *e)
    __attribute__((warn_unused_result));
/* After n bytes were written at offset at: every 8 MiB the kernel is told to begin with them, and,
 * past the first 256 MiB, to forget those before once they are on disk. So the sync at the end
 * finds little left, and a large file neither fills the machine's memory nor drives other files out
 * of it. */
void file_start_sync(int fd, uint64_t at, uint64_t n);
/* After n bytes were read at offset at: the same for reading. */
void file_forget(int fd, uint64_t at, uint64_t n);
/* n bytes of from, beginning at offset at, to the place where to stands; by the kernel where it
 * can. ERR_SYSTEM also if from ends early. */
int file_copy(int from, uint64_t at, int to, uint64_t n, struct err *e)
    __attribute__((warn_unused_result));
/* A rename that never overwrites: ERR_CONFLICT. */
int file_rename(int dir_fd, const char *from, const char *to, struct err *e)
    __attribute__((warn_unused_result));

#endif
