/* outbox.c - files dropped with a sidecar. Runs in: client (watch). Owns: the folder's .sending,
 * sent and failed. Trusts: sidecars as orders of its own user; they name files beside them only.
 *
 * NAME.json -> .sending/ID.NAME.json (claimed) -> spool/ID.shb (sealed) -> evidence (accepted) ->
 * sent/ID/. A crash anywhere: outbox_next says from what is there how it goes on. */
#include "outbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "order.h"
#include "proof.h"
#include "safehand/log.h"
#include "safehand/time.h"
#include "spool.h"

#define SENDING	  ".sending"
#define SETTLE_MS 1500 /* a file that nobody wrote to for so long is whole */

void
outbox_claim_name(const char *id, const char *sidecar, struct buf *out)
{
	buf_addf(out, "%s.%s", id, sidecar);
}

bool
outbox_claim_parse(const char *claim, char id[static UUID_TEXT], const char **sidecar)
{
	if (strlen(claim) <= UUID_TEXT || claim[UUID_TEXT - 1] != '.')
		return false;
	memcpy(id, claim, UUID_TEXT - 1);
	id[UUID_TEXT - 1] = '\0';
	*sidecar = claim + UUID_TEXT;
	return uuid_is_v7(id) && outbox_is_sidecar(*sidecar);
}

bool
outbox_is_sidecar(const char *name)
{
	size_t n = strlen(name);

	return n > 5 && *name != '.' && strcmp(name + n - 5, ".json") == 0;
}

enum outbox_step
outbox_next(bool evidence, bool spooled)
{
	if (evidence)
		return OUTBOX_FILE;
	return spooled ? OUTBOX_SUBMIT : OUTBOX_SEAL;
}

bool
outbox_is_passing(const struct err *e)
{
	static const unsigned ours = /* what a person puts right, here or at the gateway */
	    1u << ERR_SYSTEM | 1u << ERR_CONFIG | 1u << ERR_SECRET | 1u << ERR_INTERNAL |
	    1u << ERR_HISTORY | 1u << ERR_FAIL | 1u << ERR_INCOMPLETE | 1u << ERR_ROUTE;

	return http_is_temporary(e) || (ours & 1u << e->code) != 0;
}

/* --- one order --- */

struct job {
	struct client *c;
	const char *folder;
	int dir, sending, spool;
	const char *claim, *sidecar;
	char id[UUID_TEXT];
	struct buf bundle; /* ID.shb */
	struct order *o;
};

static int
read_order(struct job *j, int dir, const char *name, struct err *e)
{
	struct buf text = {0};
	int rc = -1;

	order_free(j->o);
	j->o = order_new(j->folder);
	if (files_read(dir, name, COVER_MAX_BYTES, &text, e) == 0 &&
	    order_sidecar(j->c, j->o, text.data, text.len, e) == 0)
		rc = order_check(j->c, j->o, e);
	strcpy(j->o->m->id, j->id);
	buf_free(&text);
	return rc;
}

/* What is named leaves the outbox. Gone already: moved before a crash. */
static int
move_out(const struct job *j, int to, const char *path, struct err *e)
{
	const char *name = strrchr(path, '/');

	name = name != NULL ? name + 1 : path;
	if (renameat(j->dir, name, to, name) < 0 && errno != ENOENT)
		return err_sys(e, "%s", name);
	return 0;
}

/* The documents first, the claim last: it is what says that there is still something to do. */
static int
put_away(struct job *j, const char *where, const struct err *why, struct err *e)
{
	struct buf path = {0}, text = {0};
	int to, rc = 0;

	buf_addf(&path, "%s/%s/%s", j->folder, where, j->id);
	if (files_folder(buf_str(&path), &to, e) < 0) {
		buf_free(&path);
		return -1;
	}
	if (why != NULL) {
		buf_addc(&text, '{');
		buf_json_str(&text, "code", err_name(why->code));
		buf_json_str(&text, "text", why->text);
		buf_adds(&text, "}\n");
		rc = files_write(to, "error.json", text.data, text.len, e);
	}
	for (size_t i = 0; i < j->o->nfiles && rc == 0; i++)
		rc = move_out(j, to, j->o->files[i], e);
	if (rc == 0 && j->o->cover != NULL)
		rc = move_out(j, to, j->o->cover, e);
	if (rc == 0 && fsync(to) == 0 && renameat(j->sending, j->claim, to, j->sidecar) < 0)
		rc = err_sys(e, "%s", j->claim);
	close(to);
	buf_free(&path);
	buf_free(&text);
	return rc;
}

static bool
is_accepted(const struct job *j)
{
	struct buf text = {0};
	struct err ignored;
	bool is = proof_find(j->c, EVENT_SUBMISSION_ACCEPTANCE, j->id, "", &text, &ignored) == 0;

	buf_free(&text);
	return is;
}

static int
take_step(struct job *j, enum outbox_step step, struct err *e)
{
	struct spool_result r = {0};
	int rc = -1;

	switch (step) {
	case OUTBOX_SEAL: return order_seal(j->c, j->o, false, j->spool, buf_str(&j->bundle), e);
	case OUTBOX_SUBMIT:
		rc = spool_submit(j->c, j->spool, buf_str(&j->bundle), &r, e);
		if (rc == 0)
			log_info("sent", "bundle=%s sidecar=%s class=%s seq=%llu", j->id,
				 j->sidecar, r.klass, (unsigned long long)r.seq);
		free(r.evidence);
		return rc;
	case OUTBOX_FILE:
		if (files_remove(j->spool, buf_str(&j->bundle), e) == 0)
			rc = put_away(j, "sent", NULL, e);
		return rc;
	}
	return rc;
}

static int
refuse(struct job *j, struct err *e)
{
	struct err lost;

	if (e->code == ERR_ROUTE) /* sealed anew at the next look */
		return files_remove(j->spool, buf_str(&j->bundle), &lost) < 0 ? -1 : 1;
	if (outbox_is_passing(e)) {
		log_err(LOG_LEVEL_WARN, "waiting", e);
		return 1;
	}
	log_warn("refused", "bundle=%s sidecar=%s code=%s error=%s", j->id, j->sidecar,
		 err_name(e->code), e->text);
	if (files_remove(j->spool, buf_str(&j->bundle), &lost) < 0 ||
	    put_away(j, "failed", e, &lost) < 0) {
		log_err(LOG_LEVEL_ERROR, "failed", &lost);
		return 1;
	}
	return 0;
}

/* A crash may have come while it was put away: its reason stands there already. */
static bool
is_refused(const struct job *j)
{
	struct buf path = {0};
	bool is;

	buf_addf(&path, "%s/failed/%s/error.json", j->folder, j->id);
	is = files_exists(AT_FDCWD, buf_str(&path));
	buf_free(&path);
	return is;
}

/* A claim, as far as it goes now. 0 done with, 1 it waits. */
static int
work_claim(struct job *j, struct err *e)
{
	struct err unread;

	if (is_refused(j)) {
		(void)!read_order(j, j->sending, j->claim, &unread); /* which files go along */
		return put_away(j, "failed", NULL, e) < 0 ? 1 : 0;
	}
	if (read_order(j, j->sending, j->claim, e) < 0)
		return refuse(j, e);
	for (;;) {
		enum outbox_step step =
		    outbox_next(is_accepted(j), files_exists(j->spool, buf_str(&j->bundle)));

		if (take_step(j, step, e) < 0)
			return refuse(j, e);
		if (step == OUTBOX_FILE)
			return 0;
		if (j->c->stop != NULL && *j->c->stop != 0)
			return 1;
	}
}

/* --- the folder --- */

/* It is there and nobody writes to it any more: it is older than the sidecar, or rests. */
static bool
is_settled(const char *path, int64_t sidecar_age)
{
	int64_t age = files_age_ms(AT_FDCWD, path);

	return files_exists(AT_FDCWD, path) && (age >= sidecar_age || age >= SETTLE_MS);
}

/* Everything that the sidecar names is there, whole: it may come in any order. */
static bool
is_complete(struct job *j, const char *name)
{
	int64_t age = files_age_ms(j->dir, name);
	struct err e;

	if (read_order(j, j->dir, name, &e) < 0) /* refused once it is claimed, if it is whole */
		return !outbox_is_passing(&e) && age >= SETTLE_MS;
	for (size_t i = 0; i < j->o->nfiles; i++)
		if (!is_settled(j->o->files[i], age))
			return false;
	return j->o->cover == NULL || is_settled(j->o->cover, age);
}

static int
claim(struct job *j, const char *name, struct err *e)
{
	struct buf to = {0};
	char id[UUID_TEXT];
	int rc = 0;

	uuid_new(id, time_now_ms());
	outbox_claim_name(id, name, &to);
	if (renameat2(j->dir, name, j->sending, buf_str(&to), RENAME_NOREPLACE) < 0 ||
	    fsync(j->sending) < 0)
		rc = err_sys(e, "%s", name);
	buf_free(&to);
	return rc;
}

static bool
is_claimed(struct job *j, const char *name)
{
	j->claim = name;
	if (!outbox_claim_parse(name, j->id, &j->sidecar))
		return false;
	buf_clear(&j->bundle);
	buf_addf(&j->bundle, "%s.shb", j->id);
	return true;
}

static int
each_name(int dir, struct err *e, char ***names, size_t *n)
{
	const struct dirent *entry;
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;

	*names = NULL;
	*n = 0;
	if (d == NULL) {
		if (copy >= 0)
			close(copy);
		return err_sys(e, "outbox");
	}
	while ((entry = readdir(d)) != NULL) {
		*names = mem_realloc(*names, *n + 1, sizeof **names);
		(*names)[(*n)++] = mem_strdup(entry->d_name);
	}
	closedir(d);
	return 0;
}

static void
free_names(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static int
claim_new(struct job *j, struct err *e)
{
	char **names;
	size_t n;
	int rc = 0;

	if (each_name(j->dir, e, &names, &n) < 0)
		return -1;
	j->id[0] = '\0';
	for (size_t i = 0; i < n && rc == 0; i++)
		if (outbox_is_sidecar(names[i]) && is_complete(j, names[i]))
			rc = claim(j, names[i], e);
	free_names(names, n);
	return rc;
}

static int
work_claims(struct job *j, struct err *e)
{
	int waiting = 0;
	char **names;
	size_t n;

	if (each_name(j->sending, e, &names, &n) < 0)
		return -1;
	for (size_t i = 0; i < n && (j->c->stop == NULL || *j->c->stop == 0); i++)
		if (is_claimed(j, names[i]))
			waiting |= work_claim(j, e);
	free_names(names, n);
	return waiting;
}

int
outbox_scan(struct client *c, const char *folder, struct err *e)
{
	struct job j = {.c = c, .folder = folder, .dir = -1, .sending = -1, .spool = -1};
	struct buf path = {0};
	int rc = -1;

	buf_addf(&path, "%s/" SENDING, folder);
	if (files_folder(folder, &j.dir, e) == 0 &&
	    files_folder(buf_str(&path), &j.sending, e) == 0 && spool_folder(c, &j.spool, e) == 0 &&
	    claim_new(&j, e) == 0)
		rc = work_claims(&j, e);
	if (j.dir >= 0)
		close(j.dir);
	if (j.sending >= 0)
		close(j.sending);
	if (j.spool >= 0)
		close(j.spool);
	order_free(j.o);
	buf_free(&j.bundle);
	buf_free(&path);
	return rc;
}
