/* answer.c - what goes out: heads, problems (RFC 9457), bodies from memory and from files. Runs in:
 * front. Owns: nothing. Trusts: the store's bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "front/front.h"
#include "safehand/log.h"

#define READ_AHEAD (128 * 1024) /* bytes of a file per turn */

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {206, "Partial Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

static const char *
phrase(int status)
{
	for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return status < 400 ? "Done" : "Refused";
}

static const char *
media_type(const struct answer *a)
{
	static const char *const types[] = {
	    [BODY_NONE] = NULL,
	    [BODY_JSON] = "application/json",
	    [BODY_PROBLEM] = "application/problem+json",
	    [BODY_TEXT] = "text/plain; charset=utf-8",
	    [BODY_PEM] = "application/x-pem-file",
	    [BODY_ROSTER] = "application/vnd.safehand.roster",
	    [BODY_OCTETS] = "application/octet-stream",
	};

	return a->bundle ? "application/vnd.safehand.bundle" : types[a->type];
}

/* RFC 9110 section 5.6.7; made once a second. */
static const char *
date(void)
{
	static char text[40];
	static time_t made;
	time_t now = time(NULL);
	struct tm tm;

	if (now != made) {
		gmtime_r(&now, &tm);
		strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		made = now;
	}
	return text;
}

/* --- heads --- */

static void
write_optional(const struct answer *a, struct buf *out)
{
	if (a->allow != NULL)
		buf_addf(out, "Allow: %s\r\n", a->allow);
	if (a->etag != NULL && *a->etag != '\0')
		buf_addf(out, "ETag: \"%s\"\r\n", a->etag);
	if (a->bundle)
		buf_adds(out, "Accept-Ranges: bytes\r\n");
	if (a->ranged && a->status == 416)
		buf_addf(out, "Content-Range: bytes */%llu\r\n", (unsigned long long)a->total);
	else if (a->ranged)
		buf_addf(out, "Content-Range: bytes %llu-%llu/%llu\r\n",
			 (unsigned long long)a->from,
			 (unsigned long long)(a->from + a->n + a->fd_n - 1),
			 (unsigned long long)a->total);
	if (a->retry_after > 0)
		buf_addf(out, "Retry-After: %u\r\n", a->retry_after);
	if (a->upload_offset >= 0)
		buf_addf(out, "Upload-Offset: %lld\r\nUpload-Complete: ?%d\r\n",
			 (long long)a->upload_offset, a->upload_complete);
}

static void
write_head(const struct conn *c, const struct answer *a, uint64_t job, struct buf *out)
{
	const char *type = media_type(a);

	buf_addf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nCache-Control: no-store\r\n", a->status,
		 phrase(a->status), date());
	buf_addf(out, "Safehand-Job: %u-%llu\r\n", c->front->env->index, (unsigned long long)job);
	if (type != NULL && a->status != 304)
		buf_addf(out, "Content-Type: %s\r\n", type);
	if (a->status != 204 && a->status != 304)
		buf_addf(out, "Content-Length: %llu\r\n", (unsigned long long)(a->n + a->fd_n));
	write_optional(a, out);
	if (c->closing)
		buf_adds(out, "Connection: close\r\n");
	buf_adds(out, "\r\n");
}

/* --- sending --- */

static void
tell(const struct conn *c, const struct answer *a, uint64_t job)
{
	const struct request *r = c->request;
	const struct call *call = r != NULL && r->call.route != NULL ? &r->call : NULL;

	if (a->status < 400 || !front_may_log(c->front))
		return;
	log_info("refused",
		 "job=%u-%llu agency=%s call=%s bundle=%s mailbox=%s status=%d code=%s error=%s",
		 c->front->env->index, (unsigned long long)job, c->agency,
		 call ? call->route->pattern : "-", call ? call->id : "", call ? call->mailbox : "",
		 a->status, err_name(a->code), a->detail);
}

/* Head and body in one chain: one TLS record and one system call for a small answer. */
static void
put_out(struct conn *c, const struct buf *head, const void *body, size_t n)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	if (evbuffer_expand(out, head->len + n) < 0 ||
	    evbuffer_add(out, head->data, head->len) < 0 || evbuffer_add(out, body, n) < 0)
		log_fatal("memory", &(struct err){ERR_SYSTEM, "no memory for an answer"});
}

void
answer_send(struct conn *c, struct answer *a)
{
	struct request *r = c->request;
	uint64_t job = r != NULL ? r->job : job_next(c->front);
	bool bodyless = (r != NULL && r->head_only) || a->status == 304 || a->status == 204;
	struct buf head = {0};

	upload_cut(c);
	if (r != NULL)
		job_drop(r);
	/* what the client still sends of the body would be taken for the next head */
	c->closing = c->closing || c->front->stopping || r == NULL || !request_body_is_done(r);
	write_head(c, a, job, &head);
	tell(c, a, job);
	put_out(c, &head, a->body, bodyless ? 0 : a->n);
	buf_free(&head);
	c->phase = PHASE_ANSWER;
	conn_deadline(c, DEADLINE_BODY);
	if (a->fd >= 0 && !bodyless && a->fd_n > 0) {
		r->body_fd = a->fd;
		r->body_at = a->fd_at;
		r->body_left = a->fd_n;
		bufferevent_setwatermark(c->bev, EV_WRITE, OUTPUT_LOW, 0);
		answer_more(c);
	} else if (a->fd >= 0) {
		close(a->fd);
	}
}

void
answer_problem(struct conn *c, struct answer *a, enum err_code code, const char *detail)
{
	uint64_t job = c->request != NULL ? c->request->job : c->front->last_job + 1;
	struct buf json = {0};

	if (a->status == 0)
		a->status = err_http(code);
	a->code = code;
	a->detail = detail; /* for the log */
	if (code == ERR_UNKNOWN)
		detail = "there is none, or it is not for you"; /* a stranger learns nothing */
	buf_addc(&json, '{');
	buf_json_key(&json, "type");
	buf_addf(&json, "\"urn:safehand:error:%s\"", err_name(code));
	buf_json_str(&json, "title", err_title(code));
	buf_json_int(&json, "status", a->status);
	buf_json_str(&json, "code", err_name(code));
	buf_json_str(&json, "detail", detail);
	buf_json_key(&json, "job");
	buf_addf(&json, "\"%u-%llu\"}", c->front->env->index, (unsigned long long)job);
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	a->fd_n = 0;
	a->bundle = false;
	a->type = BODY_PROBLEM;
	a->body = json.data;
	a->n = json.len;
	answer_send(c, a);
	buf_free(&json);
}

void
answer_error(struct conn *c, int status, enum err_code code, const char *detail)
{
	struct answer a = {.status = status, .fd = -1, .upload_offset = -1};

	if (code == ERR_BUSY)
		a.retry_after = 1;
	answer_problem(c, &a, code, detail);
}

/* --- bodies from files --- */

/* One piece of the file into the output. -1: the rest cannot be had. */
static int
pump(struct conn *c, struct request *r)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	size_t n = r->body_left < READ_AHEAD ? (size_t)r->body_left : READ_AHEAD;
	struct evbuffer_iovec v;
	ssize_t got;

	if (evbuffer_reserve_space(out, (ev_ssize_t)n, &v, 1) != 1)
		log_fatal("memory", &(struct err){ERR_SYSTEM, "no memory for an answer"});
	do
		got = pread(r->body_fd, v.iov_base, n, (off_t)r->body_at);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return -1;
	v.iov_len = (size_t)got;
	evbuffer_commit_space(out, &v, 1);
	r->body_at += (size_t)got;
	r->body_left -= (size_t)got;
	return 0;
}

void
answer_more(struct conn *c)
{
	struct request *r = c->request;

	if (r != NULL && r->body_left > 0) {
		conn_deadline(c, DEADLINE_BODY);
		if (pump(c, r) < 0) {
			log_error("body-lost", "bundle=%s left=%llu error=%s", r->call.id,
				  (unsigned long long)r->body_left, strerror(errno));
			conn_close(c); /* the client sees by the length that it is not whole */
			return;
		}
		if (r->body_left == 0)
			bufferevent_setwatermark(c->bev, EV_WRITE, 0, 0);
	} else if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0) {
		conn_answered(c);
	}
}
