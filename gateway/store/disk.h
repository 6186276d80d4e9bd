/* disk.h - what the spool's files have in common: whole reads and writes, and syncs that are final.
 */
#ifndef SAFEHAND_STORE_DISK_H
#define SAFEHAND_STORE_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "safehand/buf.h"
#include "safehand/err.h"

/* Opens name below dir: O_CLOEXEC, O_NOFOLLOW; a created file is 0600. -1 with errno. */
int disk_open(int dir, const char *name, int flags);
/* After an open that failed: ERR_DIGEST if the file is not there, or is none [9]; else, as when
 * descriptors ran out, what the system said: the bytes may be well. Always -1. */
int disk_missing(struct err *e, const char *folder, const char *name);
/* Makes the folder if missing (0700) and opens it; -1 with err. */
int disk_folder(int dir, const char *name, int *fd, struct err *e)
    __attribute__((warn_unused_result));
/* fsync, or fdatasync for data; a failure ends the process: the kernel has forgotten which pages it
 * could not write, so that a second try would lie [7]. what names the file in the log. */
void disk_sync(int fd, const char *what);
void disk_datasync(int fd, const char *what);
/* Begins to write all of the file, and waits for nothing. */
void disk_start_sync(int fd);
/* n > 0 bytes from offset on are written, of what the file system knows of the file nothing is:
 * ahead of disk_sync. A failure ends the process, since the kernel tells of it once. */
void disk_sync_range(int fd, uint64_t offset, uint64_t n, const char *what);
/* All bytes or -1. write: iov is changed. read: exactly n bytes, appended; ERR_DIGEST if the file
 * is shorter. */
int disk_write(int fd, struct iovec *iov, int n, uint64_t offset, struct err *e)
    __attribute__((warn_unused_result));
int disk_read(int fd, uint64_t offset, size_t n, struct buf *out, struct err *e)
    __attribute__((warn_unused_result));
/* Makes the range read as zeroes; preallocated where the file system can, else a hole. */
int disk_zero(int fd, uint64_t offset, uint64_t n, struct err *e)
    __attribute__((warn_unused_result));
int disk_punch(int fd, uint64_t offset, uint64_t n, struct err *e)
    __attribute__((warn_unused_result));
/* Calls each() with the name of each entry but . and ..; each's -1 ends it. */
int disk_list(int dir, int (*each)(void *ctx, const char *name), void *ctx, struct err *e)
    __attribute__((warn_unused_result));

#endif
