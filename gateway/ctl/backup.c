/* backup.c - a copy of the data folder while the gateway runs. Runs in: safehandctl. Owns: the new
 * folder, the connection that holds the gateway's erasures and the ledger's file still. Trusts: the
 * data folder. */
#include "ctl/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/copy.h"
#include "ctl/wire.h"
#include "safehand/enc.h"
#include "safehand/json.h"

#define WAIT_SECONDS 60 /* for the ledger's file to be brought up to date */

struct backup {
	int from, to;
	struct buf sums; /* as sha256sum(1) writes and checks them */
	size_t files;
};

static int
add(void *ctx, const char *name, struct err *e)
{
	struct backup *b = ctx;
	uint8_t sha256[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];

	if (strcmp(name, "checkpoint") == 0)
		return 0; /* of no data folder */
	if (copy_file(b->from, b->to, name, sha256, e) < 0)
		return -1;
	hex_encode(hex, sha256, sizeof sha256);
	buf_addf(&b->sums, "%s  %s\n", hex, name);
	b->files++;
	return 0;
}

static int
add_checkpoint(struct backup *b, const char *note, struct err *e)
{
	uint8_t sha256[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];

	digest_of(note, strlen(note), sha256);
	hex_encode(hex, sha256, sizeof sha256);
	buf_addf(&b->sums, "%s  checkpoint\n", hex);
	return copy_text(b->to, "checkpoint", note, strlen(note), e);
}

/* SHA256SUMS comes last: without it the copy is not whole. */
static int
copy_all(struct backup *b, const char *note, struct err *e)
{
	if (copy_each(b->from, add, b, e) < 0 || add_checkpoint(b, note, e) < 0 ||
	    copy_sync(b->to, e) < 0 ||
	    copy_text(b->to, "SHA256SUMS", b->sums.data, b->sums.len, e) < 0)
		return -1;
	return copy_sync(b->to, e);
}

static int
folders_open(struct backup *b, const char *data, const char *dir, struct err *e)
{
	if ((b->from = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_sys(e, "%s", data);
	if (faccessat(b->from, "ledger.db", R_OK, 0) < 0)
		return err_set(e, ERR_USAGE, "%s: no data folder, or not yours to read: %s", data,
			       strerror(errno));
	if (mkdir(dir, 0700) < 0)
		return errno == EEXIST ? err_set(e, ERR_CONFLICT, "%s: is there already", dir)
				       : err_sys(e, "%s", dir);
	b->to = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return b->to < 0 ? err_sys(e, "%s", dir) : 0;
}

static enum err_code
code_of(const char *name)
{
	enum err_code code = name == NULL ? ERR_CODES : err_by_name(name);

	return code == ERR_CODES ? ERR_FAIL : code;
}

/* The note of the checkpoint that the ledger's file has now. */
static int
hold(const char *socket, int *held, struct json **answer, struct err *e)
{
	struct buf line = {0}, got = {0};
	int rc;

	buf_adds(&line, "backup\n");
	rc = wire_hold(socket, &line, WAIT_SECONDS, held, &got, e);
	if (rc == 0)
		rc = json_parse("answer", got.data, got.len, ANSWER_MAX_BYTES, answer, e);
	if (rc == 0 && json_text(*answer, "error") != NULL)
		rc = err_set(e, code_of(json_text(*answer, "code")), "%s",
			     json_text(*answer, "error"));
	else if (rc == 0 && json_text(*answer, "checkpoint") == NULL)
		rc = err_set(e, ERR_FORMAT, "answer.checkpoint: missing");
	buf_free(&line);
	buf_free(&got);
	return rc;
}

int
backup_make(const char *socket, char **words, size_t n, struct buf *out, struct err *e)
{
	struct backup b = {.from = -1, .to = -1};
	struct json *answer = NULL;
	int held = -1, rc = -1;

	if (n != 2)
		return err_set(e, ERR_USAGE, "want: safehandctl backup DATA DIR");
	if (folders_open(&b, words[0], words[1], e) == 0 && hold(socket, &held, &answer, e) == 0)
		rc = copy_all(&b, json_text(answer, "checkpoint"), e);
	if (rc == 0)
		buf_addf(out,
			 "%s: %zu files, %lld entries of the log; not whole without SHA256SUMS\n",
			 words[1], b.files, (long long)json_number(answer, "size"));
	if (held >= 0)
		close(held); /* the gateway goes on erasing */
	if (b.from >= 0)
		close(b.from);
	if (b.to >= 0)
		close(b.to);
	json_free(answer);
	buf_free(&b.sums);
	return rc;
}
