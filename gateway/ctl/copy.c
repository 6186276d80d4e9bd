/* copy.c - the files of a data folder, copied with their digests. Runs in: safehandctl, as whoever
 * may read the folder. Owns: nothing. Trusts: no name that it did not ask for. */
#include "ctl/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safehand/enc.h"
#include "safehand/name.h"

#define BLOCK 65536 /* bytes: at once, and the smallest hole */

/* --- names --- */

static bool
is_segment(const char *name)
{
	return strspn(name, "0123456789abcdef") == 8 && strcmp(name + 8, ".seg") == 0;
}

static bool
is_bundle(const char *name)
{
	char id[UUID_TEXT];

	if (strlen(name) < 3 || name[2] != '/')
		return false;
	snprintf(id, sizeof id, "%.36s", name + 3);
	return uuid_is_v7(id) && strncmp(id + UUID_TEXT - 3, name, 2) == 0 &&
	       (strcmp(name + 3 + UUID_TEXT - 1, ".shb") == 0 ||
		strcmp(name + 3 + UUID_TEXT - 1, ".slots") == 0);
}

bool
copy_is_name(const char *name)
{
	if (strncmp(name, "journal/", 8) == 0)
		return is_segment(name + 8);
	if (strncmp(name, "bundles/", 8) == 0)
		return is_bundle(name + 8);
	return strcmp(name, "ledger.db") == 0 || strcmp(name, "checkpoint") == 0;
}

/* --- a file --- */

/* The folders that name stands in. */
static int
folders_make(int to, const char *name, int like, struct err *e)
{
	char path[COPY_NAME_MAX];
	struct stat st;

	snprintf(path, sizeof path, "%s", name);
	for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(to, path, 0700) == 0) {
			if (fstatat(like, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && geteuid() == 0 &&
			    fchownat(to, path, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
				return err_sys(e, "%s: owner", path);
		} else if (errno != EEXIST) {
			return err_sys(e, "%s", path);
		}
		*slash = '/';
	}
	return 0;
}

static bool
is_zero(const uint8_t *p, size_t n)
{
	return n > 0 && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static int
write_block(int to, const uint8_t *p, size_t n, off_t at, struct err *e)
{
	if (is_zero(p, n))
		return 0; /* the length is set at the end */
	for (size_t done = 0; done < n;) {
		ssize_t w = pwrite(to, p + done, n - done, at + (off_t)done);

		if (w < 0 && errno != EINTR)
			return err_sys(e, "write");
		done += w > 0 ? (size_t)w : 0;
	}
	return 0;
}

static int
copy_bytes(int from, int to, uint8_t sha256[static DIGEST_BYTES], struct err *e)
{
	static uint8_t block[BLOCK];
	struct digest *d = digest_new();
	off_t at = 0;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = pread(from, block, sizeof block, at)) != 0) {
		if (n < 0) {
			rc = err_sys(e, "read");
			break;
		}
		digest_add(d, block, (size_t)n);
		rc = write_block(to, block, (size_t)n, at, e);
		at += n;
	}
	if (rc == 0 && (ftruncate(to, at) < 0 || fsync(to) < 0))
		rc = err_sys(e, "sync");
	digest_get(d, sha256);
	digest_free(d);
	return rc;
}

int
copy_file(int from, int to, const char *name, uint8_t sha256[static DIGEST_BYTES], struct err *e)
{
	int in = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = -1, rc = -1;
	struct stat st;

	if (in < 0 || fstat(in, &st) < 0) {
		err_sys(e, "%s", name);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_FORMAT, "%s: not a file", name);
		goto out;
	}
	if (folders_make(to, name, from, e) < 0)
		goto out;
	out = openat(to, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out < 0 || (geteuid() == 0 && fchown(out, st.st_uid, st.st_gid) < 0))
		err_sys(e, "%s", name);
	else if (copy_bytes(in, out, sha256, e) == 0)
		rc = 0;
	else
		err_wrap(e, "%s", name);
out:
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return rc;
}

int
copy_text(int to, const char *name, const void *p, size_t n, struct err *e)
{
	int fd = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;
	int rc = 0;

	if (fd < 0 || fstat(to, &st) < 0 ||
	    (geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) < 0) ||
	    write(fd, p, n) != (ssize_t)n || fsync(fd) < 0)
		rc = err_sys(e, "%s", name);
	if (fd >= 0)
		close(fd);
	return rc;
}

int
copy_sync(int folder, struct err *e)
{
	return syncfs(folder) < 0 || fsync(folder) < 0 ? err_sys(e, "sync") : 0;
}

/* --- all of them --- */

struct each {
	int (*file)(void *ctx, const char *name, struct err *e);
	void *ctx;
	int from;
	struct err *e;
};

/* prefix "" , "journal/", "bundles/" or "bundles/ab/" */
static int
each_in(const struct each *w, const char *prefix)
{
	char name[COPY_NAME_MAX];
	int fd =
	    openat(w->from, *prefix == '\0' ? "." : prefix, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	int rc = 0;

	if (list == NULL)
		return errno == ENOENT ? 0 : err_sys(w->e, "%s", prefix);
	while (rc == 0 && (errno = 0, d = readdir(list)) != NULL) {
		uint8_t folder;

		if (snprintf(name, sizeof name, "%s%s", prefix, d->d_name) >= (int)sizeof name)
			continue;
		if (strcmp(prefix, "bundles/") == 0 && strlen(d->d_name) == 2 &&
		    hex_decode(&folder, 1, d->d_name) == 0) {
			strcat(name, "/");
			rc = each_in(w, name);
		} else if (copy_is_name(name)) {
			rc = w->file(w->ctx, name, w->e);
		}
	}
	if (rc == 0 && errno != 0)
		rc = err_sys(w->e, "%s", prefix);
	closedir(list);
	return rc;
}

int
copy_each(int from, int (*file)(void *ctx, const char *name, struct err *e), void *ctx,
	  struct err *e)
{
	const struct each w = {file, ctx, from, e};

	if (each_in(&w, "") < 0 || each_in(&w, "journal/") < 0)
		return -1;
	return each_in(&w, "bundles/");
}
