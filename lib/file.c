/* file.c - files that appear whole and synced, or not at all. Runs in: client. Owns: the descriptor
 * of the file under way. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file_in.h"
#include "safehand/buf.h"

#define COPY_BYTES (256 * 1024)	     /* where the kernel does not copy: few calls, little memory */
#define SYNC_BYTES (8 * 1024 * 1024) /* enough for the disk to write in one go */
/* The beginning of a file that may stay in the machine's memory: most files are no longer, and are
 * read again soon (by submit after seal, to be opened after they were checked). */
#define KEEP_BYTES (256 * 1024 * 1024)
#define PROC_TEXT  40 /* "/proc/self/fd/" and a number */

static void
temp_name(struct new_file *f, const char *name)
{
	snprintf(f->temp, sizeof f->temp, ".%.*s.%08x.part", 240, name, arc4random());
}

int
file_begin(struct new_file *f, int dir_fd, const char *name, struct err *e)
{
	*f = (struct new_file){.dir_fd = dir_fd};
	f->fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (f->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL)
		return err_sys(e, "%s", name);
	temp_name(f, name);
	f->fd = openat(dir_fd, f->temp, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, 0600);
	if (f->fd >= 0)
		return 0;
	f->temp[0] = '\0';
	return err_sys(e, "%s", name);
}

/* Gives the nameless file the name to; EEXIST is the caller's to judge. */
static int
name_it(const struct new_file *f, const char *to)
{
	char proc[PROC_TEXT];

	snprintf(proc, sizeof proc, "/proc/self/fd/%d", f->fd);
	return linkat(AT_FDCWD, proc, f->dir_fd, to, AT_SYMLINK_FOLLOW);
}

static int
conflict_or_sys(const char *name, struct err *e)
{
	if (errno == EEXIST)
		return err_set(e, ERR_CONFLICT, "%s: is there already", name);
	return err_sys(e, "%s", name);
}

int
file_rename(int dir_fd, const char *from, const char *to, struct err *e)
{
	if (renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE) == 0)
		return 0;
	return conflict_or_sys(to, e);
}

int
file_commit(struct new_file *f, const char *name, bool replace, struct err *e)
{
	if (fsync(f->fd) < 0)
		return err_sys(e, "%s", name);
	if (f->temp[0] == '\0' && !replace) {
		if (name_it(f, name) < 0)
			return conflict_or_sys(name, e);
	} else {
		if (f->temp[0] == '\0') {
			temp_name(f, name);
			if (name_it(f, f->temp) < 0) {
				f->temp[0] = '\0';
				return err_sys(e, "%s", name);
			}
		}
		if (!replace && file_rename(f->dir_fd, f->temp, name, e) < 0)
			return -1;
		if (replace && renameat(f->dir_fd, f->temp, f->dir_fd, name) < 0)
			return err_sys(e, "%s", name);
		f->temp[0] = '\0';
	}
	close(f->fd);
	f->fd = -1;
	return fsync(f->dir_fd) == 0 ? 0 : err_sys(e, "the folder of %s", name);
}

void
file_abort(struct new_file *f)
{
	if (f->fd < 0)
		return;
	close(f->fd);
	f->fd = -1;
	if (f->temp[0] != '\0')
		unlinkat(f->dir_fd, f->temp, 0);
}

int
file_write(int fd, const void *p, size_t n, const char *what, struct err *e)
{
	const uint8_t *from = p;

	while (n > 0) {
		ssize_t w = write(fd, from, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return err_sys(e, "%s cannot be written", what);
		from += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Hints: that one fails costs nothing, the sync at the end is what counts. */
void
file_start_sync(int fd, uint64_t at, uint64_t n)
{
	off_t from = (off_t)(at / SYNC_BYTES * SYNC_BYTES);
	off_t to = (off_t)((at + n) / SYNC_BYTES * SYNC_BYTES), before = from - SYNC_BYTES;

	if (to <= from)
		return;
	sync_file_range(fd, from, to - from, SYNC_FILE_RANGE_WRITE);
	if (before < KEEP_BYTES)
		return;
	sync_file_range(fd, before, SYNC_BYTES,
			SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
			    SYNC_FILE_RANGE_WAIT_AFTER);
	posix_fadvise(fd, before, SYNC_BYTES, POSIX_FADV_DONTNEED);
}

void
file_forget(int fd, uint64_t at, uint64_t n)
{
	off_t from = (off_t)(at / SYNC_BYTES * SYNC_BYTES);
	off_t to = (off_t)((at + n) / SYNC_BYTES * SYNC_BYTES);

	if (to > from && from >= KEEP_BYTES)
		posix_fadvise(fd, from, to - from, POSIX_FADV_DONTNEED);
}

static int
copy_by_hand(int from, off_t at, int to, uint64_t n, struct err *e)
{
	uint8_t *block = mem_alloc(COPY_BYTES);
	int rc = 0;

	while (n > 0 && rc == 0) {
		ssize_t r = pread(from, block, n < COPY_BYTES ? (size_t)n : COPY_BYTES, at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			rc = r < 0 ? err_sys(e, "copy") : err_set(e, ERR_SYSTEM, "copy: cut short");
			break;
		}
		rc = file_write(to, block, (size_t)r, "copy", e);
		at += r;
		n -= (uint64_t)r;
	}
	free(block);
	return rc;
}

int
file_copy(int from, uint64_t at, int to, uint64_t n, struct err *e)
{
	off_t offset = (off_t)at;

	while (n > 0) {
		ssize_t c = copy_file_range(from, &offset, to, NULL,
					    n < INT32_MAX ? (size_t)n : INT32_MAX, 0);

		if (c < 0 && errno == EINTR)
			continue;
		if (c < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
			return err_sys(e, "copy");
		if (c <= 0) /* another file system, or none that can: EXDEV, ENOSYS, EINVAL, 0 … */
			return copy_by_hand(from, offset, to, n, e);
		n -= (uint64_t)c;
	}
	return 0;
}
