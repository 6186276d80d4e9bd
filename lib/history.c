/* history.c - remembers the last checkpoint of a log in a folder. Runs in: client. Owns: the files
 * of its folder. Trusts: nothing that it reads back without the log's signature. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safehand/buf.h"
#include "safehand/history.h"
#include "safehand/time.h"

#define CHECKPOINT "checkpoint"
#define MARK	   "CONTRADICTION"
#define OLD_NOTE   "contradiction.old"
#define NEW_NOTE   "contradiction.new"
#define LOCK	   "lock"
#define MODE	   0600

struct history {
	int dir_fd; /* the caller's */
	struct note_key key;
	struct buf note; /* remembered; empty: none */
	uint64_t size;
};

/* --- files --- */

/* 1, 0 if there is no such file. */
static int
read_note(int dir_fd, const char *name, struct buf *out, struct err *e)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char block[4096];
	ssize_t n = 1;

	buf_clear(out);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "%s", name);
	while (n != 0 && out->len <= NOTE_MAX_BYTES) {
		n = read(fd, block, sizeof block);
		if (n > 0)
			buf_add(out, block, (size_t)n);
		else if (n < 0 && errno != EINTR)
			break;
	}
	if (n < 0)
		err_sys(e, "%s", name);
	close(fd);
	return n < 0 ? -1 : 1;
}

static bool
write_whole(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno != EINTR)
			return false;
		p += w > 0 ? w : 0;
		n -= w > 0 ? (size_t)w : 0;
	}
	return fsync(fd) == 0;
}

/* The file is there whole, or as it was before. Only the holder of the lock comes here. */
static int
put_file(int dir_fd, const char *name, const void *bytes, size_t n, struct err *e)
{
	int fd = openat(dir_fd, "new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, MODE);
	int rc = -1;

	if (fd < 0)
		return err_sys(e, "%s", name);
	if (!write_whole(fd, bytes, n) || renameat(dir_fd, "new", dir_fd, name) < 0 ||
	    fsync(dir_fd) < 0)
		err_sys(e, "%s", name);
	else
		rc = 0;
	close(fd);
	return rc;
}

/* Held till the descriptor is closed. */
static int
lock(int dir_fd, struct err *e)
{
	int fd = openat(dir_fd, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, MODE);

	if (fd < 0)
		return err_sys(e, LOCK);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR) {
			err_sys(e, LOCK);
			close(fd);
			return -1;
		}
	return fd;
}

/* --- the mark --- */

static int
check_mark(int dir_fd, struct err *e)
{
	struct buf text = {0};
	int rc = read_note(dir_fd, MARK, &text, e);

	if (rc == 1)
		rc = err_set(e, ERR_HISTORY, "%.*s", (int)strcspn(buf_str(&text), "\n"),
			     buf_str(&text));
	buf_free(&text);
	return rc;
}

/* The notes first: where the mark is, they are too. */
static int
mark(struct history *h, const void *note, size_t len, const struct err *why, struct err *e)
{
	struct buf text = {0};
	char now[TIME_TEXT];
	int rc;

	time_format(now, time_now_ms());
	buf_addf(&text,
		 "%s: %s. Both checkpoints are kept (" OLD_NOTE ", " NEW_NOTE
		 "); tell the log's other members; to go on all the same, remove the file " MARK
		 "\n",
		 now, why->text);
	rc = put_file(h->dir_fd, OLD_NOTE, h->note.data, h->note.len, e) < 0 ||
		     put_file(h->dir_fd, NEW_NOTE, note, len, e) < 0 ||
		     put_file(h->dir_fd, MARK, text.data, text.len, e) < 0
		 ? -1
		 : check_mark(h->dir_fd, e);
	buf_free(&text);
	return rc;
}

/* --- what is remembered --- */

static int
take_remembered(struct history *h, const struct buf *note, struct err *e)
{
	struct checkpoint c = {0};

	if (note->len > 0 && checkpoint_verify(note->data, note->len, &h->key, &c, e) < 0)
		return err_set(e, ERR_HISTORY,
			       "the remembered checkpoint is none of %s (%s); if the log's key was "
			       "changed, remove the file " CHECKPOINT,
			       h->key.name, e->text);
	buf_clear(&h->note);
	buf_add(&h->note, note->data, note->len);
	h->size = c.size;
	return 0;
}

static int
load(struct history *h, struct buf *note, struct err *e)
{
	if (check_mark(h->dir_fd, e) < 0)
		return -1;
	return read_note(h->dir_fd, CHECKPOINT, note, e) < 0 ? -1 : 0;
}

int
history_open(int dir_fd, const struct note_key *key, struct history **out, struct err *e)
{
	struct history *h = mem_alloc(sizeof *h);
	struct buf note = {0};
	int rc = -1;

	h->dir_fd = dir_fd;
	h->key = *key;
	if (load(h, &note, e) == 0 && take_remembered(h, &note, e) == 0)
		rc = 0;
	buf_free(&note);
	if (rc < 0)
		history_close(h);
	else
		*out = h;
	return rc;
}

void
history_close(struct history *h)
{
	if (h == NULL)
		return;
	buf_free(&h->note);
	free(h);
}

uint64_t
history_size(const struct history *h)
{
	return h->size;
}

/* --- what is seen --- */

/* What another process remembered since we looked; the proof at hand is then from too early. */
static int
catch_up(struct history *h, struct err *e)
{
	struct buf now = {0};
	int rc = load(h, &now, e);

	if (rc == 0 &&
	    (now.len != h->note.len ||
	     (now.len > 0 && memcmp(now.data, h->note.data, now.len) != 0)) &&
	    (rc = take_remembered(h, &now, e)) == 0)
		rc = err_set(e, ERR_BUSY, "the log was seen at %llu entries meanwhile: ask again",
			     (unsigned long long)h->size);
	buf_free(&now);
	return rc;
}

static int
remember(struct history *h, const void *note, size_t len, const struct checkpoint *seen,
	 struct err *e)
{
	if (h->note.len > 0 && seen->size == h->size)
		return 0;
	if (put_file(h->dir_fd, CHECKPOINT, note, len, e) < 0)
		return -1;
	buf_clear(&h->note);
	buf_add(&h->note, note, len);
	h->size = seen->size;
	return 0;
}

int
history_see(struct history *h, const void *note, size_t len, const struct merkle_proof *proof,
	    struct err *e)
{
	int fd = lock(h->dir_fd, e), rc = -1;
	struct checkpoint seen;
	struct err why = {0};

	if (fd < 0)
		return -1;
	if (catch_up(h, e) == 0) {
		if (history_judge(&h->key, h->note.data, h->note.len, note, len, proof, &seen,
				  &why) == 0)
			rc = remember(h, note, len, &seen, e);
		else if (why.code == ERR_HISTORY)
			rc = mark(h, note, len, &why, e);
		else
			*e = why;
	}
	close(fd);
	return rc;
}
