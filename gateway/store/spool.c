/* spool.c - accepted bundles on disk, from commit to purge. Runs in: store. Owns: the data folder's
 * folders and files but the ledger's. Trusts: nothing it reads back. */
#include "store/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "frame/role.h"
#include "safehand/enc.h"
#include "safehand/log.h"
#include "store/disk.h"
#include "store/spool_in.h"

#define FILE_NAME (UUID_TEXT + 8) /* "xx/ID.shb" */

static unsigned
folder_of(const char *id)
{
	return (unsigned)strtoul(id + UUID_TEXT - 3, NULL, 16);
}

/* Its number; false: a name of another kind. */
static bool
folder_parse(const char *name, unsigned *out)
{
	uint8_t byte;

	if (strlen(name) != 2 || hex_decode(&byte, 1, name) < 0)
		return false;
	*out = byte;
	return true;
}

static void
file_name(char out[static FILE_NAME], const char *id)
{
	snprintf(out, FILE_NAME, "%s/%s.shb", id + UUID_TEXT - 3, id);
}

/* --- life --- */

/* Made when the first bundle comes for it. The folder itself is on disk when this returns; one that
 * a crash left in between is synced with all of bundles/ at start. */
static int
folder_make(struct spool *s, const char *id, struct err *e)
{
	char name[3];

	snprintf(name, sizeof name, "%02x", folder_of(id));
	if (mkdirat(s->bundles, name, 0700) == 0)
		disk_sync(s->bundles, "bundles");
	else if (errno != EEXIST)
		return err_sys(e, "bundles/%s", name);
	return 0;
}

int
spool_open(int datafd, const struct spool_conf *conf, uint32_t segment, uint64_t end,
	   struct spool **out, struct err *e)
{
	struct spool *s = mem_alloc(sizeof *s);
	int journal;

	*s = (struct spool){.conf = *conf, .data = datafd, .staging = -1, .bundles = -1};
	if (disk_folder(datafd, "staging", &s->staging, e) < 0 ||
	    disk_folder(datafd, "bundles", &s->bundles, e) < 0 || stage_scan(s, e) < 0 ||
	    disk_folder(datafd, "journal", &journal, e) < 0 ||
	    journal_open(journal, conf->segment_bytes, segment, end, &s->journal, e) < 0) {
		spool_close(s);
		return -1;
	}
	disk_sync(s->bundles, "bundles");
	disk_sync(s->data, "data folder"); /* the folders in it, and the ledger's files */
	*out = s;
	return 0;
}

void
spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	while (s->stages != NULL)
		stage_forget(s, s->stages);
	journal_close(s->journal);
	if (s->staging >= 0)
		close(s->staging);
	if (s->bundles >= 0)
		close(s->bundles);
	free(s);
}

/* name: a uuid and what follows it */
static bool
is_bundle(const char *name)
{
	return strcmp(name + UUID_TEXT - 1, ".shb") == 0;
}

static bool
is_slots(const char *name)
{
	return strcmp(name + UUID_TEXT - 1, ".slots") == 0;
}

struct sweep {
	struct spool *s;
	bool (*keep)(void *ctx, const char *id);
	void *ctx;
	size_t swept;
	unsigned folder;
	struct err *e;
};

static int
sweep_file(void *ctx, const char *name)
{
	struct sweep *w = ctx;
	char id[UUID_TEXT], path[FILE_NAME + 256];

	snprintf(id, sizeof id, "%.36s", name);
	if (uuid_is_v7(id) && (is_bundle(name) || is_slots(name)) && w->keep(w->ctx, id))
		return 0;
	snprintf(path, sizeof path, "%02x/%s", w->folder, name);
	if (unlinkat(w->s->bundles, path, 0) < 0)
		return err_sys(w->e, "bundles/%s: sweep", path);
	log_info("spool-swept", "file=%s", path);
	w->swept++;
	return 0;
}

/* One of the 256 folders; what is none of them is left alone. */
static int
sweep_folder(void *ctx, const char *name)
{
	struct sweep *w = ctx;
	int fd, rc;

	if (!folder_parse(name, &w->folder))
		return 0;
	if ((fd = disk_open(w->s->bundles, name, O_RDONLY | O_DIRECTORY)) < 0)
		return err_sys(w->e, "bundles/%s", name);
	rc = disk_list(fd, sweep_file, w, w->e);
	close(fd);
	return rc;
}

int
spool_sweep(struct spool *s, bool (*keep)(void *ctx, const char *id), void *ctx, size_t *swept,
	    struct err *e)
{
	struct sweep w = {.s = s, .keep = keep, .ctx = ctx, .e = e};
	struct stage *next;

	/* [2] bytes without a row go: nobody was told that they had come */
	if (disk_list(s->bundles, sweep_folder, &w, e) < 0)
		return -1;
	for (struct stage *st = s->stages; st != NULL; st = next) {
		next = st->next;
		if (!keep(ctx, st->id))
			continue;
		spool_stage_drop(s, st);
		w.swept++;
	}
	*swept = w.swept;
	return 0;
}

/* --- room --- */

uint64_t
spool_free_bytes(struct spool *s)
{
	struct statvfs v;

	return fstatvfs(s->data, &v) < 0 ? 0 : (uint64_t)v.f_bavail * v.f_frsize;
}

uint64_t
spool_staged_bytes(struct spool *s)
{
	return s->staged;
}

void
spool_reserve(struct spool *s, uint64_t free_min)
{
	s->conf.free_min = free_min;
}

int
spool_room(struct spool *s, uint64_t bytes, struct err *e)
{
	uint64_t there = spool_free_bytes(s);

	if (there < s->conf.free_min || there - s->conf.free_min < bytes)
		return err_set(e, ERR_STORAGE, "the disk has no room for %llu more bytes",
			       (unsigned long long)bytes);
	return 0;
}

/* --- commit --- */

static int
put_small(struct spool *s, struct stage *st, uint64_t kept, struct spool_place *out, struct err *e)
{
	struct buf shb = {0};
	int rc;

	if (st->whole.len > 0)
		return journal_append(s->journal, st->id, &st->whole, kept, out, e);
	rc = disk_read(st->fd, 0, st->head_bytes + st->payload_bytes, &shb, e);
	if (rc == 0)
		rc = journal_append(s->journal, st->id, &shb, kept, out, e);
	buf_free(&shb);
	return rc;
}

static int
put_large(struct spool *s, struct stage *st, uint64_t kept, struct spool_place *out, struct err *e)
{
	char from[STAGE_NAME], to[FILE_NAME];

	stage_name(st, from);
	file_name(to, st->id);
	if (slots_put(s, st->id, st->fd, kept, st->head_bytes - kept, e) < 0)
		return -1;
	/* A file in bundles/ without a row is swept, one in staging/ is gone on with: so it moves
	 * before its slots are wiped. [1] all of it is on disk before the row. */
	if (renameat(s->staging, from, s->bundles, to) < 0)
		return err_sys(e, "bundles/%s", to);
	if (disk_zero(st->fd, kept, st->head_bytes - kept, e) < 0)
		return -1;
	disk_sync(st->fd, to);
	s->dirty[folder_of(st->id)] = true;
	*out = (struct spool_place){.length = st->head_bytes + st->payload_bytes, .kept = kept};
	return 0;
}

/* The file that was refused half-way is nobody's: no bytes without a row [2]. */
static int
put_file(struct spool *s, struct stage *st, uint64_t kept, struct spool_place *out, struct err *e)
{
	char name[FILE_NAME];
	struct err other = {0};

	file_name(name, st->id);
	if (folder_make(s, st->id, e) < 0)
		return -1;
	if (put_large(s, st, kept, out, e) == 0)
		return 0;
	if (slots_erase(s, st->id, &other) < 0 ||
	    (unlinkat(s->bundles, name, 0) < 0 && errno != ENOENT))
		log_warn("not-removed", "file=bundles/%s", name); /* the next start sweeps it */
	return -1;
}

static int
kept_length(struct stage *st, uint64_t *kept, struct err *e)
{
	struct buf b = {0};
	int rc = 0;

	if (st->whole.len > 0)
		buf_add(&b, st->whole.data, BUNDLE_FIXED_BYTES);
	else
		rc = disk_read(st->fd, 0, BUNDLE_FIXED_BYTES, &b, e);
	if (rc == 0)
		*kept = BUNDLE_FIXED_BYTES + (uint64_t)be32_get(b.data + 4) + be32_get(b.data + 8);
	buf_free(&b);
	if (rc == 0 && *kept > st->head_bytes)
		return err_set(e, ERR_DIGEST, "the head is garbage");
	return rc;
}

int
spool_put(struct spool *s, struct stage *st, struct spool_place *out, struct err *e)
{
	uint64_t kept, wanted = st->head_bytes + st->payload_bytes;
	struct stat sb = {.st_size = (off_t)st->whole.len};
	int rc;

	if (st->whole.len == 0 && fstat(st->fd, &sb) < 0)
		rc = err_sys(e, "staging");
	else if ((uint64_t)sb.st_size != wanted)
		rc = err_set(e, ERR_DIGEST, "%lld bytes came, %llu announced",
			     (long long)sb.st_size, (unsigned long long)wanted);
	else if ((rc = kept_length(st, &kept, e)) == 0)
		rc = st->small ? put_small(s, st, kept, out, e) : put_file(s, st, kept, out, e);
	if (rc == 0)
		stage_forget(s, st);
	else
		spool_stage_drop(s, st);
	return rc;
}

void
spool_sync(struct spool *s)
{
	journal_sync(s->journal);
	for (unsigned i = 0; i < SPOOL_FOLDERS; i++) {
		char name[3];
		int fd;

		if (!s->dirty[i])
			continue;
		snprintf(name, sizeof name, "%02x", i);
		fd = disk_open(s->bundles, name, O_RDONLY | O_DIRECTORY);
		disk_sync(fd, "bundles"); /* fails, finally, also when it could not be opened */
		close(fd);
		s->dirty[i] = false;
	}
}

void
spool_tail(const struct spool *s, uint32_t *segment, uint64_t *end)
{
	journal_tail(s->journal, segment, end);
}

/* --- reading back --- */

static int
file_open(struct spool *s, const char *id, int flags, int *fd, struct err *e)
{
	char name[FILE_NAME];

	file_name(name, id);
	*fd = disk_open(s->bundles, name, flags);
	return *fd < 0 ? disk_missing(e, "bundles", name) : 0;
}

static int
file_read(struct spool *s, const char *id, uint64_t n, struct buf *out, struct err *e)
{
	int fd, rc;

	if (file_open(s, id, O_RDONLY, &fd, e) < 0)
		return -1;
	rc = disk_read(fd, 0, n, out, e);
	close(fd);
	return rc;
}

/* The slots lie apart. */
static int
large_read(struct spool *s, const char *id, const struct spool_place *at, uint64_t n,
	   struct buf *out, struct err *e)
{
	size_t start = out->len;
	struct buf slots = {0};
	int rc = file_read(s, id, n, out, e);

	if (rc == 0 && n > at->kept)
		rc = slots_read(s, id, n - at->kept, &slots, e);
	if (rc == 0 && slots.len > 0)
		memcpy(out->data + start + at->kept, slots.data, slots.len);
	buf_free(&slots);
	return rc;
}

int
spool_read(struct spool *s, const char *id, const struct spool_place *at, uint64_t n,
	   struct buf *out, struct err *e)
{
	assert(n <= at->length);
	return at->segment > 0 ? journal_read(s->journal, id, at, n, out, e)
			       : large_read(s, id, at, n, out, e);
}

static int
lend_small(struct spool *s, const char *id, const struct spool_place *at, uint64_t from, int *fd,
	   struct err *e)
{
	struct buf shb = {0};
	int rc = journal_read(s->journal, id, at, at->length, &shb, e);

	if (rc == 0)
		*fd = role_memfd_try("bundle", shb.data + from, shb.len - from, e);
	if (rc == 0 && *fd < 0)
		rc = -1;
	buf_free(&shb);
	return rc;
}

int
spool_lend(struct spool *s, const char *id, const struct spool_place *at, uint64_t from, int *fd,
	   uint64_t *offset, struct err *e)
{
	assert(from <= at->length);
	*offset = at->segment > 0 ? 0 : from;
	return at->segment > 0 ? lend_small(s, id, at, from, fd, e)
			       : file_open(s, id, O_RDONLY, fd, e);
}

static int
file_check(struct spool *s, const char *id, uint64_t length, struct err *e)
{
	struct stat st;
	int fd, rc = 0;

	if (file_open(s, id, O_RDONLY, &fd, e) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		rc = err_sys(e, "bundles: %s", id);
	else if ((uint64_t)st.st_size != length)
		rc = err_set(e, ERR_DIGEST, "bundles: %s: not %llu bytes long", id,
			     (unsigned long long)length);
	close(fd);
	return rc;
}

int
spool_check(struct spool *s, const char *id, const struct spool_place *at, bool erased,
	    struct err *e)
{
	uint64_t n = erased ? at->kept : at->length;
	struct buf b = {0};
	int rc;

	if (at->segment == 0) {
		rc = file_check(s, id, n, e);
		if (rc == 0 && !erased)
			rc = slots_read(s, id, UINT64_MAX, &b, e);
		else if (rc == 0)
			rc = slots_gone(s, id, e);
		buf_free(&b);
		return rc;
	}
	rc = journal_read(s->journal, id, at, n, &b, e);
	if (rc == 0 && erased)
		rc = journal_erased(s->journal, at, e);
	buf_free(&b);
	return rc;
}

/* [8] the first part stays: evidence shows what was signed for as long as it is kept itself. */
int
spool_erase(struct spool *s, const char *id, const struct spool_place *at, struct err *e)
{
	int fd, rc = 0;

	if (at->segment > 0)
		return journal_erase(s->journal, at, e);
	if (slots_erase(s, id, e) < 0 || file_open(s, id, O_RDWR, &fd, e) < 0)
		return -1;
	s->dirty[folder_of(id)] = true;
	if (ftruncate(fd, (off_t)at->kept) < 0)
		rc = err_sys(e, "bundles: %s", id);
	else
		disk_sync(fd, id);
	close(fd);
	return rc;
}

/* --- fsck --- */

struct walk_files {
	int (*row)(void *, const char *, const struct spool_place *);
	void *ctx;
	struct spool *s;
	struct err *e;
	int dir;
};

static int
walk_file(void *ctx, const char *name)
{
	struct walk_files *w = ctx;
	struct spool_place at = {0};
	struct stat st;
	char id[UUID_TEXT];

	snprintf(id, sizeof id, "%.36s", name);
	if (uuid_is_v7(id) && is_slots(name))
		return 0; /* judged with its bundle */
	if (fstatat(w->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		at.length = (uint64_t)st.st_size;
	return w->row(w->ctx, uuid_is_v7(id) ? id : "", &at);
}

static int
walk_folder(struct walk_files *w, unsigned folder)
{
	char name[3];
	int rc;

	snprintf(name, sizeof name, "%02x", folder);
	w->dir = disk_open(w->s->bundles, name, O_RDONLY | O_DIRECTORY);
	if (w->dir < 0 && errno == ENOENT)
		return 0; /* none has come for it */
	if (w->dir < 0)
		return err_sys(w->e, "bundles/%s", name);
	rc = disk_list(w->dir, walk_file, w, w->e);
	close(w->dir);
	return rc;
}

/* Parts: the folders, then the segments. */
int
spool_walk(struct spool *s, uint32_t part,
	   int (*row)(void *ctx, const char *id, const struct spool_place *at), void *ctx,
	   struct err *e)
{
	struct walk_files w = {.row = row, .ctx = ctx, .s = s, .e = e};
	uint32_t segments;
	uint64_t end;

	if (part < SPOOL_FOLDERS)
		return walk_folder(&w, part) < 0 ? -1 : 1;
	journal_tail(s->journal, &segments, &end);
	if (part - SPOOL_FOLDERS >= segments)
		return 0;
	return journal_walk(s->journal, part - SPOOL_FOLDERS + 1, row, ctx, e) < 0 ? -1 : 1;
}
