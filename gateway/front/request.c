/* request.c - from bytes to calls: head, route, body, and the message to the store. Runs in: front.
 * Owns: the request of a connection. Trusts: no byte of it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "front/front.h"
#include "front/range.h"
#include "safehand/bundle.h"
#include "safehand/enc.h"
#include "safehand/log.h"
#include "safehand/time.h"

#define ROUTE_MAX	(128 * 1024) /* bytes of a route request: 400 mailboxes and 64 pseudonyms */
#define SIGNED_MAX	(12 + STATEMENT_MAX_BYTES + SIGNATURE_MAX_BYTES)
#define STORE_QUEUE_MAX (16 * 1024 * 1024) /* bytes that the store has yet to read */

/* --- a request's life --- */

static void
drop_upload(struct upload *u)
{
	if (u->staging >= 0)
		close(u->staging);
	digest_free(u->digest);
	free(u->block);
	if (u->again != NULL)
		event_free(u->again);
	*u = (struct upload){.staging = -1};
}

void
request_free(struct conn *c)
{
	struct request *r = c->request;

	if (r == NULL)
		return;
	upload_cut(c);
	job_drop(r);
	drop_upload(&r->upload);
	if (r->body_fd >= 0)
		close(r->body_fd);
	buf_free(&r->gathered);
	free(r->range);
	free(r->if_range);
	free(r->if_none_match);
	free(r);
	c->request = NULL;
}

static char *
keep(const struct http_head *h, const uint8_t *p, enum http_field which)
{
	const struct http_text *t = &h->field[which];

	return t->at != 0 && t->n <= ETAG_FIELD ? mem_dup(p + t->at, t->n) : NULL;
}

static struct request *
request_new(struct conn *c, const struct http_head *h, const uint8_t *p)
{
	struct request *r = mem_alloc(sizeof *r);

	*r = (struct request){.conn = c,
			      .job = job_next(c->front),
			      .head_only = h->method == HTTP_HEAD,
			      .expects = h->expects,
			      .framing = h->body,
			      .left = h->length,
			      .upload.staging = -1,
			      .body_fd = -1};
	r->range = keep(h, p, HTTP_RANGE);
	r->if_range = keep(h, p, HTTP_IF_RANGE);
	r->if_none_match = keep(h, p, HTTP_IF_NONE_MATCH);
	return r;
}

/* --- calls --- */

/* The first entity tag of ours in a field: a bundle has one for ever, so there is no second to
 * find.
 */
static void
take_etag(const char *field, char out[static ETAG_TEXT])
{
	uint8_t digest[DIGEST_BYTES];

	for (; field != NULL && (field = strchr(field, '"')) != NULL; field++) {
		snprintf(out, ETAG_TEXT, "%.*s", ETAG_TEXT - 1, field + 1);
		if (strlen(out) == ETAG_TEXT - 1 && field[ETAG_TEXT] == '"' &&
		    hex_decode(digest, sizeof digest, out) == 0)
			return;
	}
	*out = '\0';
}

/* Which part of a bundle: the store keeps it in the log, so the store decides it. */
static void
ask_part(const struct request *r, struct msg_ask *m)
{
	struct range range = {RANGE_ALL, 0, 0};

	m->head_only = r->head_only;
	take_etag(r->if_none_match, m->have);
	take_etag(r->if_range, m->if_range);
	if (r->range != NULL && (r->if_range == NULL || *m->if_range != '\0'))
		range = range_parse(r->range, strlen(r->range));
	m->range = range.kind;
	m->number = range.a;
	m->number2 = range.b;
}

static void
ask(struct conn *c)
{
	struct request *r = c->request;
	struct msg_ask m = {.job = r->job,
			    .what = r->call.route->ask,
			    .number = r->call.number,
			    .number2 = r->call.number2};

	memcpy(m.agency, c->agency, sizeof m.agency);
	memcpy(m.cert, c->cert, sizeof m.cert);
	memcpy(m.mailbox, r->call.mailbox, sizeof m.mailbox);
	memcpy(m.id, r->call.id, sizeof m.id);
	memcpy(m.kind, r->call.kind, sizeof m.kind);
	memcpy(m.value, r->call.value, sizeof m.value);
	memcpy(m.other, r->call.other, sizeof m.other);
	memcpy(m.about, r->call.about, sizeof m.about);
	if (m.what == ASK_FETCH)
		ask_part(r, &m);
	job_send(r, MSG_ASK, &m, -1);
}

static void
send_statement(struct conn *c)
{
	struct request *r = c->request;
	struct msg_statement m = {.job = r->job};
	int fd;

	memcpy(m.agency, c->agency, sizeof m.agency);
	memcpy(m.cert, c->cert, sizeof m.cert);
	memcpy(m.mailbox, r->call.mailbox, sizeof m.mailbox);
	memcpy(m.id, r->call.id, sizeof m.id);
	fd = role_carry("statement", r->gathered.data, r->gathered.len, &m.bytes);
	job_send(r, MSG_STATEMENT, &m, fd);
}

static void
send_route(struct conn *c)
{
	struct request *r = c->request;
	struct msg_route m = {.job = r->job};
	int fd;

	memcpy(m.agency, c->agency, sizeof m.agency);
	memcpy(m.cert, c->cert, sizeof m.cert);
	fd = role_carry("route", r->gathered.data, r->gathered.len, &m.bytes);
	job_send(r, MSG_ROUTE, &m, fd);
}

/* What each kind of call does with a body. ask has none; upload sees to its own. */
static const struct kind {
	uint64_t body_max;
	void (*whole)(struct conn *c);
} kinds[] = {
    [CALL_ASK] = {0, NULL},
    [CALL_UPLOAD] = {0, upload_body_done},
    [CALL_STATEMENT] = {SIGNED_MAX, send_statement},
    [CALL_ROUTE] = {ROUTE_MAX, send_route},
};

/* Is the length that the head gives one that this call can have? */
static bool
body_fits(struct conn *c, const struct http_head *h)
{
	enum call_kind kind = c->request->call.route->kind;
	uint64_t most =
	    kind == CALL_UPLOAD ? c->front->payload_max + HEAD_MAX_BYTES : kinds[kind].body_max;

	if (kind == CALL_ASK && (h->body == HTTP_CHUNKED || h->length > 0))
		answer_error(c, 0, ERR_USAGE, "this call has no body");
	else if (kind != CALL_ASK && h->body == HTTP_NO_BODY) {
		c->closing = true; /* its author may think that what follows is the body */
		answer_error(c, 411, ERR_USAGE, "a length is wanted");
	} else if (h->length > most)
		answer_error(c, 0, ERR_LIMIT, "the body is larger than any that is taken here");
	else
		return true;
	return false;
}

static void
begin_call(struct conn *c, const struct http_head *h, const uint8_t *p)
{
	struct request *r = c->request;
	const struct http_text *offset = &h->field[HTTP_UPLOAD_OFFSET];

	switch (r->call.route->kind) {
	case CALL_ASK: ask(c); break;
	case CALL_UPLOAD:
		upload_begin(c, h, offset->at ? (const char *)p + offset->at : NULL, offset->n);
		break;
	case CALL_STATEMENT:
	case CALL_ROUTE:
		r->want = (size_t)kinds[r->call.route->kind].body_max;
		request_continue(c);
		break;
	}
}

static void
begin(struct conn *c, const struct http_head *h, const uint8_t *p)
{
	struct request *r = request_new(c, h, p);
	const char *reason, *allow;
	int status =
	    route_find(h->method, (const char *)p + h->path.at, h->path.n,
		       (const char *)p + h->query.at, h->query.n, &r->call, &reason, &allow);
	struct answer a = {.status = status, .fd = -1, .upload_offset = -1};

	c->request = r;
	c->closing = c->closing || h->close;
	if (status == 405)
		a.allow = allow;
	if (status != 0)
		answer_problem(c, &a, status == 404 ? ERR_UNKNOWN : ERR_USAGE, reason);
	else if (time_now_ms() > c->not_after_ms)
		answer_error(c, 403, ERR_EXPIRED, "the certificate of this connection has ended");
	else if (c->front->store == NULL || chan_queued(c->front->store) > STORE_QUEUE_MAX)
		answer_error(c, 0, ERR_BUSY, "too much is under way");
	else if (body_fits(c, h))
		begin_call(c, h, p);
}

bool
request_take_head(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t n = evbuffer_get_length(in);
	const uint8_t *p;
	int rc;

	if (n == 0)
		return false;
	if (c->phase == PHASE_IDLE) {
		c->phase = PHASE_HEAD;
		conn_deadline(c, DEADLINE_HEAD);
	}
	n = n < HTTP_HEAD_MAX ? n : HTTP_HEAD_MAX;
	p = evbuffer_pullup(in, (ev_ssize_t)n);
	if ((rc = http_read(&c->reader, p, n)) == 0)
		return false;
	if (rc < 0) {
		answer_error(c, c->reader.status, ERR_USAGE, c->reader.reason);
		return false;
	}
	begin(c, &c->reader.head, p);
	evbuffer_drain(in, c->reader.head.bytes);
	c->reader = (struct http_reader){0};
	return true;
}

/* --- bodies --- */

bool
request_body_is_done(const struct request *r)
{
	switch (r->framing) {
	case HTTP_NO_BODY: return true;
	case HTTP_LENGTH: return r->left == 0;
	case HTTP_CHUNKED: return chunk_is_done(&r->chunk);
	}
	return true;
}

void
request_continue(struct conn *c)
{
	struct request *r = c->request;

	if (r->expects)
		bufferevent_write(c->bev, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	r->expects = false;
	c->phase = PHASE_BODY;
	conn_deadline(c, DEADLINE_BODY);
}

static size_t
room(const struct request *r)
{
	if (r->call.route->kind == CALL_UPLOAD)
		return upload_room(r);
	return r->want - r->gathered.len + 1; /* one more, so that too much is seen */
}

static void
take(struct conn *c, const uint8_t *p, size_t n)
{
	struct request *r = c->request;

	if (r->call.route->kind == CALL_UPLOAD)
		upload_take(c, p, n);
	else if (r->gathered.len + n > r->want)
		answer_error(c, 0, ERR_LIMIT, "the body is larger than any that is taken here");
	else
		buf_add(&r->gathered, p, n);
}

/* The next piece of the body within p: 1 with *data, 0 none, -1 refused. */
static int
piece(struct request *r, const uint8_t *p, size_t n, size_t most, size_t *used,
      const uint8_t **data, size_t *len)
{
	if (r->framing == HTTP_CHUNKED)
		return chunk_decode(&r->chunk, p, n, most, used, data, len);
	n = n < most ? n : most;
	n = n < r->left ? n : (size_t)r->left;
	r->left -= n;
	*data = p;
	*used = *len = n;
	return n > 0;
}

bool
request_take_body(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct request *r = c->request;
	struct evbuffer_iovec v;
	size_t most, used, len;
	const uint8_t *data;
	int rc;

	if (request_body_is_done(r)) {
		kinds[r->call.route->kind].whole(c);
		return true;
	}
	if ((most = room(r)) == 0 || evbuffer_peek(in, -1, NULL, &v, 1) < 1 || v.iov_len == 0)
		return false;
	rc = piece(r, v.iov_base, v.iov_len, most, &used, &data, &len);
	if (rc < 0)
		answer_error(c, 0, ERR_USAGE, r->chunk.reason);
	else if (rc > 0)
		take(c, data, len);
	evbuffer_drain(in, used);
	if (c->phase == PHASE_BODY)
		conn_progress(c, used);
	return true;
}
