/* backup.c - holds still for a copy of the data folder; proves one that was restored. Runs in:
 * store. Owns: nothing. Trusts: safehandctl to hang up when it has its copy. */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "safehand/log.h"
#include "safehand/note.h"
#include "store/disk.h"
#include "store/fsck.h"
#include "store/group.h"

#define MARK	       "restored" /* safehandctl's: the checkpoint of the backup */
#define MARK_MAX_BYTES (64 * KIB)

struct begin {
	struct change change;
	purge_done *done;
	void *ctx;
};

static int
nothing_to_apply(struct store *s, struct change *c, struct err *e)
{
	return 0;
}

/* Between two transactions, the only place where the ledger's log can go into its file. */
static void
on_committed(struct store *s, struct change *c, const struct err *refusal)
{
	struct begin *b = (struct begin *)c;
	struct err e = {0};

	ledger_release(s->reader); /* the log cannot be emptied under a reader */
	if (s->still)
		err_set(&e, ERR_BUSY, "another backup is being made");
	else if (ledger_still(s->writer, &e) == 0) {
		s->still = true;
		log_info("backup", "state=begun");
	}
	b->done(b->ctx, e.code != ERR_OK ? &e : NULL);
	free(b);
}

void
backup_begin(struct store *s, purge_done *done, void *ctx)
{
	struct begin *b = mem_alloc(sizeof *b);

	*b = (struct begin){
	    .change = {.apply = nothing_to_apply, .done = on_committed}, .done = done, .ctx = ctx};
	group_add(s, &b->change);
}

void
backup_end(struct store *s)
{
	ledger_move(s->writer);
	s->still = false;
	log_info("backup", "state=ended");
	purge_resume(s);
}

void
backup_json(struct store *s, struct buf *json)
{
	struct ledger_checkpoint last = {0};
	struct buf note = {0};

	ledger_last_checkpoint(s->reader, &last, &note, NULL);
	buf_addc(json, '{');
	buf_json_int(json, "size", (int64_t)last.size);
	buf_json_str(json, "checkpoint", buf_str(&note));
	buf_addc(json, '}');
	buf_free(&note);
}

/* --- restored --- */

/* The backup says which checkpoint it has: the ledger must have that one. */
static int
same_checkpoint(struct store *s, const struct buf *mark, struct err *e)
{
	struct ledger_checkpoint last = {0};
	struct buf note = {0};
	int rc = 0;

	if (!ledger_last_checkpoint(s->reader, &last, &note, NULL) || note.len != mark->len ||
	    memcmp(note.data, mark->data, note.len) != 0)
		rc = err_set(e, ERR_HISTORY,
			     "restored: the ledger's last checkpoint is not the backup's");
	buf_free(&note);
	return rc;
}

static int
walk_all(struct store *s, struct err *e)
{
	struct buf json = {0};
	int rc = 0;

	fsck_json(s, &json);
	if (strstr(buf_str(&json), "\"ok\":true") == NULL)
		rc = err_set(e, ERR_HISTORY, "restored: %s", buf_str(&json));
	else
		log_info("restored", "fsck=%s", buf_str(&json));
	buf_free(&json);
	return rc;
}

int
backup_prove(struct store *s, struct err *e)
{
	int data = s->env->data_fd, fd = disk_open(data, MARK, O_RDONLY), rc;
	struct buf mark = {0};

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, MARK);
	rc = role_read_fd(fd, MARK_MAX_BYTES, &mark, e);
	close(fd);
	if (rc == 0 && (same_checkpoint(s, &mark, e) < 0 || walk_all(s, e) < 0))
		rc = -1;
	if (rc == 0 && unlinkat(data, MARK, 0) < 0)
		rc = err_sys(e, MARK);
	if (rc == 0)
		disk_sync(data, "data folder");
	buf_free(&mark);
	return rc;
}
