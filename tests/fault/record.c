/* record.c - what a process does to a folder, call after call, so that states of the disk after a
 * power cut can be made from it (tests/fault/disk.py). Bytes are read back from the file: what the
 * kernel took counts. Runs in: inject. Owns: the record. Trusts: that one process writes at a time.
 *
 * A record is 7 little-endian words of 64 bits (kind, inode, folder, to folder, offset, length,
 * length of the name), the name, and for a write its bytes. */
#include "fault/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind { MADE = 1, MADE_FOLDER, WROTE, TRUNCATED, ZEROED, EXTENDED, RENAMED, UNLINKED, SYNCED };

struct record {
	uint64_t kind, inode, folder, to, offset, length, name_bytes;
};

static struct {
	int fd;
	char folder[PATH_MAX];
	size_t folder_len;
} r = {.fd = -1};

bool
record_open(const char *path, const char *folder)
{
	r.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (realpath(folder, r.folder) == NULL)
		return false;
	r.folder_len = strlen(r.folder);
	return r.fd >= 0;
}

static void
put(const struct record *rec, const char *name, const void *data)
{
	struct record head = *rec;
	size_t n = sizeof head + strlen(name) + (data != NULL ? (size_t)rec->length : 0);
	char *all = malloc(n);

	if (all == NULL)
		abort();
	head.name_bytes = strlen(name);
	memcpy(all, &head, sizeof head);
	memcpy(all + sizeof head, name, head.name_bytes);
	if (data != NULL)
		memcpy(all + sizeof head + head.name_bytes, data, (size_t)rec->length);
	if (write(r.fd, all, n) != (ssize_t)n)
		abort();
	free(all);
}

/* --- names --- */

static bool
is_inside(const char *path)
{
	return strncmp(path, r.folder, r.folder_len) == 0 &&
	       (path[r.folder_len] == '/' || path[r.folder_len] == '\0');
}

static bool
link_of(pid_t pid, const char *what, char out[static PATH_MAX])
{
	char proc[64];
	ssize_t n;

	snprintf(proc, sizeof proc, "/proc/%d/%s", (int)pid, what);
	n = readlink(proc, out, PATH_MAX - 1);
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool
path_of_fd(pid_t pid, int fd, char out[static PATH_MAX])
{
	char what[32];

	if (fd == AT_FDCWD)
		return link_of(pid, "cwd", out);
	snprintf(what, sizeof what, "fd/%d", fd);
	return link_of(pid, what, out);
}

static bool
string_of(pid_t pid, uint64_t at, char out[static NAME_MAX * 2])
{
	size_t n = 0;

	do {
		if (n + 1 >= NAME_MAX * 2 || !trace_peek(pid, at + n, out + n, 1))
			return false;
	} while (out[n++] != '\0');
	return true;
}

/* The whole path of an argument, its folder's inode and its last part. */
static bool
resolve(pid_t pid, int dirfd, uint64_t at, char path[static PATH_MAX * 2], uint64_t *folder,
	const char **name)
{
	char base[PATH_MAX] = "", given[NAME_MAX * 2], *slash;
	struct stat st;

	if (!string_of(pid, at, given) ||
	    !(given[0] == '/' ? link_of(pid, "root", base) : path_of_fd(pid, dirfd, base)))
		return false;
	snprintf(path, PATH_MAX * 2, "%s/%s", strcmp(base, "/") == 0 ? "" : base,
		 given + (given[0] == '/'));
	if (!is_inside(path) || (slash = strrchr(path, '/')) == NULL)
		return false;
	*slash = '\0';
	if (stat(path, &st) < 0)
		return false;
	*slash = '/';
	*folder = st.st_ino;
	*name = slash + 1;
	return true;
}

/* --- paths: made, renamed, unlinked --- */

struct named {
	int dirfd, path, to_dirfd, to_path; /* arguments; -1: the working folder; to_path 0: none */
};

static bool
names_of(const struct stop *s, struct named *out)
{
	const char *c = s->call->name;

	if (strcmp(c, "openat") == 0 || strcmp(c, "mkdirat") == 0 || strcmp(c, "unlinkat") == 0)
		*out = (struct named){0, 1, 0, 0};
	else if (strcmp(c, "open") == 0 || strcmp(c, "mkdir") == 0 || strcmp(c, "unlink") == 0 ||
		 strcmp(c, "rmdir") == 0)
		*out = (struct named){-1, 0, 0, 0};
	else if (strcmp(c, "renameat") == 0 || strcmp(c, "renameat2") == 0 ||
		 strcmp(c, "linkat") == 0)
		*out = (struct named){0, 1, 2, 3};
	else if (strcmp(c, "rename") == 0 || strcmp(c, "link") == 0)
		*out = (struct named){-1, 0, -1, 1};
	else
		return false;
	return true;
}

static int
dirfd_of(const struct stop *s, int arg)
{
	return arg < 0 ? AT_FDCWD : (int)s->arg[arg];
}

static bool
is_open(const struct stop *s)
{
	return strncmp(s->call->name, "open", 4) == 0;
}

void
record_entry(struct stop *s)
{
	char path[PATH_MAX * 2];
	struct named n;
	const char *name;
	struct stat st;
	uint64_t folder;

	s->was_there = true;
	s->inode = 0;
	if (!names_of(s, &n) || (is_open(s) && !(s->arg[s->call->path + 1] & O_CREAT)) ||
	    !resolve(s->pid, dirfd_of(s, n.dirfd), s->arg[n.path], path, &folder, &name))
		return;
	s->was_there = lstat(path, &st) == 0;
	s->inode = s->was_there ? st.st_ino : 0;
}

static void
record_name(const struct stop *s, const struct named *n)
{
	char path[PATH_MAX * 2], both[2 * NAME_MAX + 2];
	struct record rec = {.inode = s->inode};
	const char *name, *to;
	struct stat st;

	if (!resolve(s->pid, dirfd_of(s, n->dirfd), s->arg[n->path], path, &rec.folder, &name))
		return;
	snprintf(both, sizeof both, "%s", name);
	if (strstr(s->call->name, "link") == s->call->name + 2 ||
	    strcmp(s->call->name, "rmdir") == 0)
		rec.kind = UNLINKED;
	else if (n->to_path == 0) {
		if (s->was_there || lstat(path, &st) < 0)
			return;
		rec.kind = S_ISDIR(st.st_mode) ? MADE_FOLDER : MADE;
		rec.inode = st.st_ino;
	} else {
		if (strncmp(s->call->name, "rename", 6) != 0 ||
		    !resolve(s->pid, dirfd_of(s, n->to_dirfd), s->arg[n->to_path], path, &rec.to,
			     &to))
			abort(); /* hard links, and what leaves the folder, are not made by anybody
				  */
		rec.kind = RENAMED;
		snprintf(both + strlen(both), sizeof both - strlen(both), "/%s", to);
	}
	put(&rec, both, NULL);
}

/* --- bytes --- */

static void
record_bytes(struct record *rec, int fd)
{
	char *data = malloc(rec->length);

	rec->kind = WROTE;
	if (data == NULL ||
	    pread(fd, data, rec->length, (off_t)rec->offset) != (ssize_t)rec->length)
		abort();
	put(rec, "", data);
	free(data);
}

static uint64_t
position(const struct stop *s)
{
	char path[64];
	unsigned long long pos = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)s->pid, (int)s->arg[0]);
	if ((f = fopen(path, "re")) == NULL || fscanf(f, "pos: %llu", &pos) != 1)
		abort();
	fclose(f);
	return pos;
}

static void
record_write(const struct stop *s, struct record *rec, int fd)
{
	bool placed = s->call->name[0] == 'p';

	rec->length = (uint64_t)s->result;
	rec->offset = placed ? s->arg[3] : position(s) - rec->length;
	record_bytes(rec, fd);
}

static void
record_fallocate(const struct stop *s, struct record *rec)
{
	int mode = (int)s->arg[1];

	rec->offset = s->arg[2];
	rec->length = s->arg[3];
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		rec->kind = ZEROED;
	else if (!(mode & FALLOC_FL_KEEP_SIZE))
		rec->kind = EXTENDED;
	if (rec->kind != 0)
		put(rec, "", NULL);
}

static void
record_fd(const struct stop *s)
{
	char path[PATH_MAX], proc[64];
	struct record rec = {0};
	struct stat st;
	int fd;

	if (!path_of_fd(s->pid, (int)s->arg[0], path) || !is_inside(path))
		return;
	snprintf(proc, sizeof proc, "/proc/%d/fd/%d", (int)s->pid, (int)s->arg[0]);
	if ((fd = open(proc, O_RDONLY | O_CLOEXEC)) < 0 || fstat(fd, &st) < 0)
		abort();
	rec.inode = st.st_ino;
	if (strstr(s->call->name, "write") != NULL && s->result > 0)
		record_write(s, &rec, fd);
	else if (strcmp(s->call->name, "ftruncate") == 0) {
		rec.kind = TRUNCATED;
		rec.length = s->arg[1];
		put(&rec, "", NULL);
	} else if (strcmp(s->call->name, "fallocate") == 0)
		record_fallocate(s, &rec);
	else if (strcmp(s->call->name, "fsync") == 0 || strcmp(s->call->name, "fdatasync") == 0) {
		rec.kind = SYNCED;
		put(&rec, "", NULL);
	}
	close(fd);
}

static void
record_truncating_open(const struct stop *s)
{
	char path[PATH_MAX * 2];
	struct record rec = {.kind = TRUNCATED, .inode = s->inode};
	const char *name;
	uint64_t folder;

	if (s->was_there && s->inode != 0 && s->arg[s->call->path + 1] & O_TRUNC &&
	    resolve(s->pid, dirfd_of(s, s->call->fd), s->arg[s->call->path], path, &folder, &name))
		put(&rec, "", NULL);
}

void
record_exit(const struct stop *s)
{
	struct named n;

	if (s->result < 0 || !s->call->changes)
		return;
	if (is_open(s) && !(s->arg[s->call->path + 1] & O_CREAT))
		return;
	if (is_open(s))
		record_truncating_open(s);
	if (names_of(s, &n))
		record_name(s, &n);
	else if (s->call->fd == 0)
		record_fd(s);
}
