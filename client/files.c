/* files.c - files of the state folder. Runs in: client. Owns: nothing. Trusts: the folder's owner.
 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safehand/time.h"

#define READ_STEP (64 * 1024)	     /* bytes of one read */
#define COPY_STEP (64 * 1024 * 1024) /* bytes of one copy inside the kernel */

static int
read_fd(int fd, const char *name, size_t max, struct buf *out, struct err *e)
{
	size_t start = out->len;

	for (;;) {
		ssize_t n;

		buf_reserve(out, READ_STEP);
		n = read(fd, out->data + out->len, READ_STEP);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "%s", name);
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len - start > max)
			return err_set(e, ERR_LIMIT, "%s: more than %zu bytes", name, max);
		if (n == 0)
			return 0;
	}
}

int
files_read(int dir_fd, const char *name, size_t max, struct buf *out, struct err *e)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_UNKNOWN, "%s: there is no such file", name);
	if (fd < 0)
		return err_sys(e, "%s", name);
	rc = read_fd(fd, name, max, out, e);
	close(fd);
	return rc;
}

static int
write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return -1;
		p += k;
		n -= (size_t)k;
	}
	return fsync(fd);
}

static int
sync_folder(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

int
files_write(int dir_fd, const char *name, const void *p, size_t n, struct err *e)
{
	struct buf temp = {0};
	int fd, rc = -1;

	buf_addf(&temp, "%s.%d.tmp", name, (int)getpid());
	unlinkat(dir_fd, buf_str(&temp), 0); /* of one that had our pid and died */
	fd = openat(dir_fd, buf_str(&temp), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0) {
		err_sys(e, "%s", name);
	} else if (write_all(fd, p, n) < 0 || renameat(dir_fd, buf_str(&temp), dir_fd, name) < 0 ||
		   sync_folder(dir_fd) < 0) {
		err_sys(e, "%s", name);
		unlinkat(dir_fd, buf_str(&temp), 0);
	} else {
		rc = 0;
	}
	if (fd >= 0)
		close(fd);
	buf_free(&temp);
	return rc;
}

/* The pid in NAME.PID.tmp; 0: it is no such name. */
static pid_t
temp_owner(const char *name)
{
	const char *end = strrchr(name, '.'), *p = end;
	char *rest;
	long pid;

	if (end == NULL || strcmp(end, ".tmp") != 0)
		return 0;
	while (p > name && p[-1] >= '0' && p[-1] <= '9')
		p--;
	if (p == end || p == name || p[-1] != '.')
		return 0;
	pid = strtol(p, &rest, 10);
	return rest == end && pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

void
files_sweep(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		pid_t pid = temp_owner(entry->d_name);

		if (pid > 0 && kill(pid, 0) < 0 && errno == ESRCH)
			unlinkat(dir_fd, entry->d_name, 0);
	}
	if (d != NULL)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

static int
copy_fd(int in, int out)
{
	ssize_t n;

	do
		n = copy_file_range(in, NULL, out, NULL, COPY_STEP, 0);
	while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0 && (errno == EXDEV || errno == EINVAL)) { /* not between these file systems */
		do
			n = sendfile(out, in, NULL, COPY_STEP);
		while (n > 0 || (n < 0 && errno == EINTR));
	}
	return n < 0 ? -1 : fsync(out);
}

int
files_copy(int from_fd, const char *from, int to_fd, const char *to, struct err *e)
{
	struct buf temp = {0};
	int in = openat(from_fd, from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), out = -1, rc = -1;

	buf_addf(&temp, "%s.%d.tmp", to, (int)getpid());
	if (in >= 0)
		out = openat(to_fd, buf_str(&temp),
			     O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0 || copy_fd(in, out) < 0 || renameat(to_fd, buf_str(&temp), to_fd, to) < 0 ||
	    sync_folder(to_fd) < 0) {
		err_sys(e, "copy of %s", from);
		if (out >= 0)
			unlinkat(to_fd, buf_str(&temp), 0);
	} else {
		rc = 0;
	}
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	buf_free(&temp);
	return rc;
}

int
files_remove(int dir_fd, const char *name, struct err *e)
{
	if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
		return err_sys(e, "%s", name);
	return sync_folder(dir_fd) < 0 ? err_sys(e, "%s", name) : 0;
}

bool
files_exists(int dir_fd, const char *name)
{
	return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int64_t
files_age_ms(int dir_fd, const char *name)
{
	struct stat st;
	int64_t age;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return INT64_MAX;
	age = time_now_ms() - ((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
	return age >= 0 ? age : INT64_MAX;
}

int
files_folder(const char *path, int *fd, struct err *e)
{
	char *copy = mem_strdup(path);
	int rc = 0;

	for (char *p = copy + 1; *copy != '\0' && rc == 0; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		char was = *p;

		*p = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			rc = err_sys(e, "folder %s", copy);
		*p = was;
		if (was == '\0')
			break;
	}
	free(copy);
	if (rc < 0)
		return -1;
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd >= 0 ? 0 : err_sys(e, "folder %s", path);
}

int
files_parent(const char *path, int *fd, const char **name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct buf folder = {0};

	*name = slash != NULL ? slash + 1 : path;
	if (slash == NULL)
		buf_addc(&folder, '.');
	else
		buf_add(&folder, path, (size_t)(slash - path) + 1);
	*fd = open(buf_str(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	buf_free(&folder);
	return *fd >= 0 ? 0 : err_sys(e, "%s", path);
}
