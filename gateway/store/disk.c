/* disk.c - whole reads and writes, final syncs, folders. Runs in: store. Owns: nothing.
 * Trusts: the kernel's word on what is durable, once. */
#include "store/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safehand/log.h"

int
disk_open(int dir, const char *name, int flags)
{
	return openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int
disk_missing(struct err *e, const char *folder, const char *name)
{
	if (errno == ENOENT || errno == ELOOP || errno == EISDIR || errno == ENOTDIR)
		return err_set(e, ERR_DIGEST, "%s/%s: %s", folder, name, strerror(errno));
	return err_sys(e, "%s/%s", folder, name);
}

int
disk_folder(int dir, const char *name, int *fd, struct err *e)
{
	if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "%s: cannot make the folder", name);
	*fd = disk_open(dir, name, O_RDONLY | O_DIRECTORY);
	return *fd < 0 ? err_sys(e, "%s", name) : 0;
}

static void
sync_check(int rc, const char *what)
{
	struct err e = {0};

	if (rc == 0)
		return;
	err_sys(&e, "%s: fsync", what);
	log_fatal("sync-failed", &e);
}

void
disk_sync(int fd, const char *what)
{
	sync_check(fsync(fd), what);
}

void
disk_datasync(int fd, const char *what)
{
	sync_check(fdatasync(fd), what);
}

void
disk_start_sync(int fd)
{
	sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

void
disk_sync_range(int fd, uint64_t offset, uint64_t n, const char *what)
{
	sync_check(sync_file_range(fd, (off_t)offset, (off_t)n,
				   SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
				       SYNC_FILE_RANGE_WAIT_AFTER),
		   what);
}

int
disk_write(int fd, struct iovec *iov, int n, uint64_t offset, struct err *e)
{
	while (n > 0) {
		ssize_t w = pwritev(fd, iov, n, (off_t)offset);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return err_sys(e, "write");
		offset += (uint64_t)w;
		for (; n > 0 && (size_t)w >= iov->iov_len; iov++, n--)
			w -= (ssize_t)iov->iov_len;
		if (n > 0) {
			iov->iov_base = (uint8_t *)iov->iov_base + w;
			iov->iov_len -= (size_t)w;
		}
	}
	return 0;
}

int
disk_read(int fd, uint64_t offset, size_t n, struct buf *out, struct err *e)
{
	size_t done = 0;

	buf_reserve(out, n);
	while (done < n) {
		ssize_t r =
		    pread(fd, out->data + out->len + done, n - done, (off_t)(offset + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(e, "read");
		if (r == 0)
			return err_set(e, ERR_DIGEST, "%zu bytes of %zu are there", done, n);
		done += (size_t)r;
	}
	out->len += n;
	if (out->data != NULL)
		out->data[out->len] = '\0';
	return 0;
}

int
disk_punch(int fd, uint64_t offset, uint64_t n, struct err *e)
{
	if (n > 0 &&
	    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)n) < 0)
		return err_sys(e, "punch hole");
	return 0;
}

int
disk_zero(int fd, uint64_t offset, uint64_t n, struct err *e)
{
	if (n == 0 || fallocate(fd, FALLOC_FL_ZERO_RANGE, (off_t)offset, (off_t)n) == 0)
		return 0;
	return disk_punch(fd, offset, n, e); /* tmpfs knows no other */
}

int
disk_list(int dir, int (*each)(void *ctx, const char *name), void *ctx, struct err *e)
{
	struct dirent *d;
	DIR *list;
	int rc = 0, fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || (list = fdopendir(fd)) == NULL)
		return err_sys(e, "list a folder");
	while (rc == 0 && (errno = 0, d = readdir(list)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			rc = each(ctx, d->d_name);
	if (rc == 0 && errno != 0)
		rc = err_sys(e, "list a folder");
	closedir(list);
	return rc;
}
