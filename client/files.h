/* files.h - files of the state folder: read with a bound, written whole and synced or not at all.
 */
#ifndef CLIENT_FILES_H
#define CLIENT_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"

/* At most max bytes of a file; appended to out. dir_fd AT_FDCWD: a path as the user wrote it.
 * ERR_UNKNOWN: it is not there; ERR_LIMIT. */
int files_read(int dir_fd, const char *name, size_t max, struct buf *out, struct err *e)
    __attribute__((warn_unused_result));
/* Under a name of its own, synced, then renamed over name; the folder is synced. */
int files_write(int dir_fd, const char *name, const void *p, size_t n, struct err *e)
    __attribute__((warn_unused_result));
/* A copy under to, synced, whole or not at all. */
int files_copy(int from_fd, const char *from, int to_fd, const char *to, struct err *e)
    __attribute__((warn_unused_result));
/* Removes what files_write and files_copy of a process that died left half written. */
void files_sweep(int dir_fd);
/* Gone, and the folder synced; it need not have been there. */
int files_remove(int dir_fd, const char *name, struct err *e) __attribute__((warn_unused_result));
bool files_exists(int dir_fd, const char *name);
/* Milliseconds since it was written; INT64_MAX: it is not there, or is from the future. */
int64_t files_age_ms(int dir_fd, const char *name);
/* A folder and those above it, as the user wrote it; *fd is the caller's. */
int files_folder(const char *path, int *fd, struct err *e) __attribute__((warn_unused_result));
/* The folder that a path lies in, and the path's last part. *fd is the caller's. */
int files_parent(const char *path, int *fd, const char **name, struct err *e)
    __attribute__((warn_unused_result));

#endif
