/* past.c - sees to it that the log goes on from what was last seen of it. Runs in: client. Owns:
 * the remembered checkpoint. Trusts: the log's key in the roster on who signed; nothing else. */
#include "past.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gate.h"
#include "safehand/history.h"

#define FOLDER	   "log"
#define ROUNDS	   8 /* another process, or the log's own growth, comes between so often at most */
#define ANSWER_MAX (NOTE_MAX_BYTES + 4096) /* bytes: a note, and PROOF_HASHES_MAX hashes */
#define TARGET_MAX 64

struct past {
	int fd;
	struct history *history;
	struct note_key key;
};

/* What GET /v1/log/consistency says. */
struct proven {
	struct http_answer answer;
	struct merkle_proof proof;
	const char *note; /* into answer */
	size_t len;
};

static int
get(struct client *c, const char *path, struct http_answer *a, struct err *e)
{
	struct http_call call = {
	    .method = "GET", .path = path, .from_fd = -1, .into_fd = -1, .max = ANSWER_MAX};

	return gate_call(c, &call, a, e);
}

/* From old to the log as it stands. */
static int
ask(struct client *c, uint64_t old, struct proven *p, struct err *e)
{
	char path[TARGET_MAX];
	uint64_t of;

	snprintf(path, sizeof path, "/v1/log/consistency?old=%llu", (unsigned long long)old);
	if (get(c, path, &p->answer, e) < 0 ||
	    tlog_consistency_parse(buf_str(&p->answer.body), p->answer.body.len, &of, &p->proof,
				   &p->note, &p->len, e) < 0)
		return -1;
	return of == old ? 0
			 : err_set(e, ERR_FORMAT, "the gateway proves from %llu, asked was %llu",
				   (unsigned long long)of, (unsigned long long)old);
}

/* A log that has become shorter gives no proof: what it shows instead is what is kept against it.
 */
static int
see_head(struct client *c, struct err *e)
{
	struct merkle_proof none = {0};
	struct http_answer a = {0};
	int rc = -1;

	if (get(c, "/v1/log/checkpoint", &a, e) == 0)
		rc = history_see(c->past->history, a.body.data, a.body.len, &none, e);
	else if (e->code == ERR_UNKNOWN && history_size(c->past->history) == 0)
		rc = 0; /* a log that has not begun */
	else if (e->code == ERR_UNKNOWN)
		err_set(e, ERR_HISTORY, "the log had %llu entries and now shows none",
			(unsigned long long)history_size(c->past->history));
	http_clear(&a);
	return rc;
}

static int
see_once(struct client *c, struct err *e)
{
	uint64_t old = history_size(c->past->history);
	struct proven p = {0};
	int rc;

	if (old == 0)
		return see_head(c, e);
	rc = ask(c, old, &p, e);
	if (rc == 0)
		rc = history_see(c->past->history, p.note, p.len, &p.proof, e);
	else if (e->code == ERR_HISTORY)
		rc = see_head(c, e);
	http_clear(&p.answer);
	return rc;
}

static int
see(struct client *c, struct err *e)
{
	int rc = -1;

	for (int i = 0; i < ROUNDS; i++)
		if ((rc = see_once(c, e)) == 0 || e->code != ERR_BUSY)
			break;
	return rc;
}

static int
open_past(struct client *c, struct err *e)
{
	const struct roster *roster;
	struct past *p;

	if (c->past != NULL)
		return 0;
	if (gate_roster(c, &roster, e) < 0)
		return -1;
	p = c->past = mem_alloc(sizeof *p);
	p->fd = -1;
	p->key = roster->log;
	if (client_folder(c, FOLDER, &p->fd, e) == 0 &&
	    history_open(p->fd, &p->key, &p->history, e) == 0)
		return 0;
	past_close(c);
	return -1;
}

/* Asking the gateway is a contact, which is where this is called from: hence busy. */
static int
check(struct client *c, struct err *e)
{
	int rc;

	c->past_busy = true;
	rc = open_past(c, e) < 0 || see(c, e) < 0 ? -1 : 0;
	c->past_busy = false;
	c->past_seen = rc == 0;
	return rc < 0 ? err_wrap(e, "the log (state folder, " FOLDER ")") : 0;
}

int
past_check(struct client *c, struct err *e)
{
	return c->past_busy || c->past_seen ? 0 : check(c, e);
}

int
past_renew(struct client *c, struct err *e)
{
	if (c->past_busy || check(c, e) == 0 || http_is_temporary(e))
		return 0; /* a gateway that is away says nothing that could be wrong */
	return -1;
}

/* Of the size that is remembered: the same root. Smaller: a proof from it to just that size. */
static int
cover_once(struct client *c, const void *note, size_t len, uint64_t size, struct err *e)
{
	struct past *past = c->past;
	struct proven p = {0};
	struct checkpoint head;
	int rc = -1;

	if (size > history_size(past->history) && see(c, e) < 0)
		return -1;
	if (size > history_size(past->history))
		return err_set(
		    e, ERR_HISTORY, "evidence is of %llu entries, and the log shows only %llu",
		    (unsigned long long)size, (unsigned long long)history_size(past->history));
	if (size == history_size(past->history))
		return history_see(past->history, note, len, NULL, e);
	if (ask(c, size, &p, e) == 0 &&
	    history_judge(&past->key, note, len, p.note, p.len, &p.proof, &head, e) == 0) {
		if (head.size == history_size(past->history))
			rc = history_see(past->history, p.note, p.len, NULL, e);
		else if ((rc = see(c, e)) == 0)
			rc = err_set(e, ERR_BUSY, "the log grows too fast to be followed");
	}
	http_clear(&p.answer);
	return rc;
}

int
past_cover(struct client *c, const void *note, size_t len, struct err *e)
{
	struct checkpoint of;
	int rc = -1;

	if (past_check(c, e) < 0 || checkpoint_verify(note, len, &c->past->key, &of, e) < 0)
		return -1;
	for (int i = 0; i < ROUNDS; i++)
		if ((rc = cover_once(c, note, len, of.size, e)) == 0 || e->code != ERR_BUSY)
			break;
	return rc;
}

void
past_close(struct client *c)
{
	if (c->past == NULL)
		return;
	history_close(c->past->history);
	if (c->past->fd >= 0)
		close(c->past->fd);
	free(c->past);
	c->past = NULL;
}
