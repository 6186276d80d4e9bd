/* job.c - what the store is asked and what it answers. Runs in: front. Owns: the table of jobs at
 * the store. Trusts: the store; what it says out of turn ends the process. */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "front/front.h"
#include "safehand/log.h"

uint64_t
job_next(struct front *f)
{
	return ++f->last_job;
}

static struct requests *
bucket(struct front *f, uint64_t job)
{
	return &f->jobs[job % JOB_BUCKETS];
}

static struct request *
find(struct front *f, uint64_t job)
{
	struct request *r;

	LIST_FOREACH(r, bucket(f, job), by_job)
	if (r->job == job)
		return r;
	return NULL;
}

void
job_send(struct request *r, enum msg_kind kind, const void *msg, int fd)
{
	struct conn *c = r->conn;

	assert(!r->at_store || kind == MSG_END);
	if (!r->at_store)
		LIST_INSERT_HEAD(bucket(c->front, r->job), r, by_job);
	r->at_store = true;
	c->phase = PHASE_STORE;
	conn_deadline(c, DEADLINE_NONE);
	chan_send(c->front->store, kind, msg, fd);
}

static void
forget(struct request *r)
{
	LIST_REMOVE(r, by_job);
	r->at_store = false;
}

void
job_drop(struct request *r)
{
	if (!r->at_store)
		return;
	forget(r);
	if (r->call.route->kind == CALL_ASK)
		chan_send(r->conn->front->store, MSG_CANCEL, &(struct msg_job){r->job}, -1);
}

_Noreturn static void
out_of_turn(const char *what, uint64_t job)
{
	struct err e;

	err_set(&e, ERR_INTERNAL, "store: %s of job %llu out of turn", what,
		(unsigned long long)job);
	log_fatal("bad-message", &e);
}

/* --- answers of the store --- */

static void
on_upload(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_upload *m = msg;
	struct front *f = ((struct role_env *)ctx)->state;
	struct request *r = find(f, m->job);

	if (r == NULL) { /* the client left meanwhile */
		chan_send(ch, MSG_CUT, &(struct msg_cut){m->job, m->received}, -1);
		close(fd);
		return;
	}
	if (r->upload.stage != UPLOAD_ASKED)
		out_of_turn("upload", m->job);
	upload_granted(r->conn, m, fd);
}

static bool
has_etag(const char *list, const char *etag)
{
	char quoted[ETAG_TEXT + 2];

	if (list == NULL || *etag == '\0')
		return false;
	snprintf(quoted, sizeof quoted, "\"%s\"", etag);
	return strstr(list, quoted) != NULL;
}

static void
on_reply(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_reply *m = msg;
	struct front *f = ((struct role_env *)ctx)->state;
	struct request *r = find(f, m->job);
	struct answer a = {.status = (int)m->status,
			   .type = m->type,
			   .etag = m->etag,
			   .retry_after = m->retry_after,
			   .upload_offset = m->upload_offset,
			   .upload_complete = m->upload_complete != 0,
			   .body = m->body.p,
			   .n = m->body.n,
			   .fd = fd,
			   .fd_n = fd >= 0 ? m->fd_bytes : 0,
			   .ranged = m->status == 416,
			   .total = m->total};

	if (m->status < 200 || m->status > 599 || m->type > BODY_OCTETS || m->code >= ERR_CODES)
		out_of_turn("reply", m->job);
	if (r == NULL) { /* the client left meanwhile */
		if (fd >= 0)
			close(fd);
		return;
	}
	forget(r);
	if (r->upload.stage != UPLOAD_NONE)
		r->upload.stage = UPLOAD_ENDED; /* the store has ended it: nothing is owed */
	if (m->type == BODY_PROBLEM)
		answer_problem(r->conn, &a, m->code, m->detail);
	else if (m->status == 200 && has_etag(r->if_none_match, m->etag))
		a.status = 304, answer_send(r->conn, &a);
	else
		answer_send(r->conn, &a);
}

/* The part of prefix and file that the store names. */
static void
cut_out(struct answer *a, uint64_t from, uint64_t count)
{
	uint64_t inside = from < a->n ? from : a->n, of_prefix = a->n - inside;

	a->body = (const uint8_t *)a->body + inside;
	a->n = (size_t)(of_prefix < count ? of_prefix : count);
	a->fd_at += from - inside;
	a->fd_n = count - a->n;
	a->status = 206;
	a->ranged = true;
	a->from = from;
}

static void
on_body(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_body *m = msg;
	struct front *f = ((struct role_env *)ctx)->state;
	struct request *r = find(f, m->job);
	struct answer a = {.status = 200,
			   .etag = m->etag,
			   .bundle = true,
			   .upload_offset = -1,
			   .total = m->prefix.n + m->length,
			   .body = m->prefix.p,
			   .n = m->prefix.n,
			   .fd = fd,
			   .fd_at = m->offset,
			   .fd_n = m->length};

	if (m->length > PAYLOAD_MAX_BYTES || m->offset > INT64_MAX / 2 || m->from > a.total ||
	    m->count > a.total - m->from)
		out_of_turn("body", m->job);
	if (r == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if ((fd < 0) != r->head_only)
		out_of_turn("body", m->job);
	forget(r);
	if (m->ranged)
		cut_out(&a, m->from, m->count);
	answer_send(r->conn, &a);
}

const struct chan_handler job_handlers[] = {
    {MSG_UPLOAD, on_upload}, {MSG_REPLY, on_reply}, {MSG_BODY, on_body}, {0, NULL}};
