/* restore.c - a data folder from a backup. Runs in: safehandctl, with no gateway on that folder.
 * Owns: the new folder until it has its name. Trusts: the copy as far as its digests; the gateway
 * proves the rest when it starts on it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/backup.h"
#include "ctl/copy.h"
#include "safehand/enc.h"
#include "safehand/note.h"

#define SUMS_MAX       (1024 * MIB) /* of SHA256SUMS: some 8 million files */
#define CHECKPOINT_MAX (64 * KIB)
#define PATH_MAX_BYTES 4096
#define DIGITS	       (2 * DIGEST_BYTES)

struct restore {
	int from, to;
	char temp[PATH_MAX_BYTES];
	size_t files;
};

static int
file_whole(int dir, const char *name, size_t max, struct buf *out, struct err *e)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC), rc = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		rc = err_sys(e, "%s", name);
	else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
		rc = err_set(e, ERR_LIMIT, "%s: no file of at most %zu bytes", name, max);
	for (ssize_t n = 1; rc == 0 && n > 0;) {
		buf_reserve(out, 65536);
		if ((n = read(fd, out->data + out->len, 65536)) < 0)
			rc = err_sys(e, "%s", name);
		else
			out->len += (size_t)n;
		if (out->len > max)
			rc = err_set(e, ERR_LIMIT, "%s: more than %zu bytes", name, max);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

/* A line of SHA256SUMS: the digest, two blanks, the name. */
static int
take_line(struct restore *r, char *line, struct err *e)
{
	uint8_t wanted[DIGEST_BYTES], is[DIGEST_BYTES];
	char *name = strlen(line) > DIGITS + 2 ? line + DIGITS + 2 : NULL;

	if (name == NULL || line[DIGITS] != ' ' || line[DIGITS + 1] != ' ')
		return err_set(e, ERR_FORMAT, "SHA256SUMS: %s: not a line of it", line);
	line[DIGITS] = '\0';
	if (hex_decode(wanted, sizeof wanted, line) < 0 || strlen(name) >= COPY_NAME_MAX ||
	    !copy_is_name(name))
		return err_set(e, ERR_FORMAT, "SHA256SUMS: %s: not a file of a backup", name);
	if (copy_file(r->from, r->to, name, is, e) < 0)
		return -1;
	if (memcmp(is, wanted, sizeof is) != 0)
		return err_set(e, ERR_DIGEST, "%s: damaged: its digest is another", name);
	r->files++;
	return 0;
}

static int
copy_all(struct restore *r, struct err *e)
{
	struct buf sums = {0}, note = {0};
	char *save = NULL;
	int rc = file_whole(r->from, "SHA256SUMS", SUMS_MAX, &sums, e);

	if (rc < 0)
		err_wrap(e, "not a whole backup");
	else if (sums.len == 0 || sums.data[sums.len - 1] != '\n')
		rc = err_set(e, ERR_FORMAT, "SHA256SUMS: is cut");
	else
		sums.data[sums.len - 1] = '\0';
	for (char *line = rc == 0 ? strtok_r((char *)sums.data, "\n", &save) : NULL;
	     rc == 0 && line != NULL; line = strtok_r(NULL, "\n", &save))
		rc = take_line(r, line, e);
	/* what the gateway is to prove at its next start */
	if (rc == 0 && (rc = file_whole(r->from, "checkpoint", CHECKPOINT_MAX, &note, e)) == 0)
		rc = copy_text(r->to, "restored", note.data, note.len, e);
	if (rc == 0 && unlinkat(r->to, "checkpoint", 0) < 0)
		rc = err_sys(e, "checkpoint");
	if (rc == 0)
		rc = copy_sync(r->to, e);
	buf_free(&sums);
	buf_free(&note);
	return rc;
}

static int
checkpoint_read(int dir, const char *name, struct checkpoint *out, struct err *e)
{
	struct buf note = {0};
	size_t text;
	int rc = file_whole(dir, name, CHECKPOINT_MAX, &note, e);

	if (rc == 0 && (note_text(note.data, note.len, &text, e) < 0 ||
			checkpoint_parse(note.data, text, out, e) < 0))
		rc = err_wrap(e, "%s", name);
	buf_free(&note);
	return rc;
}

/* Whoever remembers more will say that the log was rewritten, and go on no more. */
static int
compare(const struct checkpoint *ours, const char *name, bool *older, struct buf *out,
	struct err *e)
{
	struct checkpoint theirs;

	if (checkpoint_read(AT_FDCWD, name, &theirs, e) < 0)
		return -1;
	if (strcmp(theirs.origin, ours->origin) != 0)
		return err_set(e, ERR_USAGE, "%s: of the log %s, the backup is of %s", name,
			       theirs.origin, ours->origin);
	if (theirs.size > ours->size ||
	    (theirs.size == ours->size && memcmp(theirs.root, ours->root, DIGEST_BYTES) != 0)) {
		*older = true;
		buf_addf(
		    out,
		    "%s: remembers %llu entries, the backup has %llu: this client will refuse to "
		    "go on\n",
		    name, (unsigned long long)theirs.size, (unsigned long long)ours->size);
	} else {
		buf_addf(out, "%s: remembers %llu entries of %llu: the backup is not older\n", name,
			 (unsigned long long)theirs.size, (unsigned long long)ours->size);
	}
	return 0;
}

static int
folders_open(struct restore *r, const char *dir, const char *data, struct err *e)
{
	struct stat st;

	if ((r->from = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_sys(e, "%s", dir);
	if (lstat(data, &st) == 0)
		return err_set(e, ERR_CONFLICT, "%s: is there already: move it away first", data);
	if (snprintf(r->temp, sizeof r->temp, "%s.restoring", data) >= (int)sizeof r->temp)
		return err_set(e, ERR_LIMIT, "%s: too long a path", data);
	if (mkdir(r->temp, 0700) < 0) {
		err_sys(e, "%s", r->temp);
		r->temp[0] = '\0'; /* not ours to take away */
		return -1;
	}
	r->to = open(r->temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->to < 0 || fstatat(r->from, "ledger.db", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "%s", dir);
	if (geteuid() == 0 && fchown(r->to, st.st_uid, st.st_gid) < 0)
		return err_sys(e, "%s: owner", r->temp);
	return 0;
}

static int
remove_one(void *ctx, const char *name, struct err *e)
{
	const struct restore *r = ctx;

	unlinkat(r->to, name, 0);
	return 0;
}

/* Nothing of a restore that failed stays. */
static void
forget(struct restore *r)
{
	static const char *const fixed[] = {"ledger.db", "checkpoint", "restored"};
	char name[COPY_NAME_MAX];
	struct err e;

	if (r->temp[0] == '\0' || r->to < 0)
		return;
	(void)copy_each(r->to, remove_one, r, &e);
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		unlinkat(r->to, fixed[i], 0);
	for (unsigned i = 0; i < 256; i++) {
		snprintf(name, sizeof name, "bundles/%02x", i);
		unlinkat(r->to, name, AT_REMOVEDIR);
	}
	unlinkat(r->to, "bundles", AT_REMOVEDIR);
	unlinkat(r->to, "journal", AT_REMOVEDIR);
	rmdir(r->temp);
}

int
restore_make(const char *socket, char **words, size_t n, struct buf *out, struct err *e)
{
	struct restore r = {.from = -1, .to = -1};
	struct checkpoint ours;
	bool older = false;
	int rc = -1;

	if (n < 2)
		return err_set(e, ERR_USAGE, "want: safehandctl restore DIR DATA [CHECKPOINT...]");
	if (folders_open(&r, words[0], words[1], e) == 0)
		rc = checkpoint_read(r.from, "checkpoint", &ours, e);
	for (size_t i = 2; rc == 0 && i < n; i++)
		rc = compare(&ours, words[i], &older, out, e);
	if (rc == 0)
		rc = copy_all(&r, e);
	if (rc == 0 && rename(r.temp, words[1]) < 0)
		rc = err_sys(e, "%s", words[1]);
	if (rc < 0)
		forget(&r);
	else
		buf_addf(out,
			 "%s: %zu files, %llu entries of the log; the gateway checks it when it "
			 "starts\n",
			 words[1], r.files, (unsigned long long)ours.size);
	if (r.from >= 0)
		close(r.from);
	if (r.to >= 0)
		close(r.to);
	if (rc == 0 && older)
		return err_set(e, ERR_HISTORY, "restored, but older than what a client remembers");
	return rc;
}
