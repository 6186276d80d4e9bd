/* reply.c - answers to front. Runs in: store. Owns: nothing. Trusts: its callers to answer once,
 * and after the commit [3]. */
#include "store/reply.h"

#include <stdio.h>

#include "frame/role.h"

#define INLINE_MAX (128 * 1024) /* a body up to this size travels in the message */

/* Seconds after which it may well work; 0: it will not by waiting. */
static uint32_t
retry_after(enum err_code code)
{
	switch (code) {
	case ERR_BUSY: return 1;
	case ERR_STORAGE: return 60;
	default: return 0;
	}
}

static void
send(const struct asker *a, struct msg_reply *m, int fd)
{
	m->job = a->job;
	chan_send(a->front, MSG_REPLY, m, fd);
}

void
reply_refuse(const struct asker *a, const struct err *e)
{
	reply_refuse_for(a, e, 0);
}

void
reply_refuse_for(const struct asker *a, const struct err *e, uint32_t after_s)
{
	struct msg_reply m = {.status = (uint32_t)err_http(e->code),
			      .type = BODY_PROBLEM,
			      .code = e->code,
			      .retry_after = after_s > 0 ? after_s : retry_after(e->code),
			      .upload_offset = -1};

	snprintf(m.detail, sizeof m.detail, "%s", e->text);
	send(a, &m, -1);
}

void
reply_unknown(const struct asker *a)
{
	struct err e = {.code = ERR_UNKNOWN, .text = "there is none that you may know of"};

	reply_refuse(a, &e);
}

static void
reply_body(const struct asker *a, unsigned status, enum body_type type, const char *etag,
	   const void *p, size_t n)
{
	struct msg_reply m = {.status = status, .type = type, .upload_offset = -1};
	struct err e = {0};
	int fd = -1;

	snprintf(m.etag, sizeof m.etag, "%s", etag);
	if (n <= INLINE_MAX) {
		m.body = (struct blob){p, n};
	} else if ((fd = role_memfd_try("body", p, n, &e)) < 0) {
		reply_refuse(a, &e);
		return;
	} else {
		m.fd_bytes = n;
	}
	send(a, &m, fd);
}

void
reply_json(const struct asker *a, unsigned status, const struct buf *json)
{
	reply_body(a, status, BODY_JSON, "", json->data, json->len);
}

void
reply_bytes(const struct asker *a, enum body_type type, const char *etag, const void *p, size_t n)
{
	reply_body(a, 200, type, etag, p, n);
}

void
reply_offset(const struct asker *a, uint64_t offset, bool complete)
{
	struct msg_reply m = {.status = 204,
			      .type = BODY_NONE,
			      .upload_offset = (int64_t)offset,
			      .upload_complete = complete};

	send(a, &m, -1);
}

void
reply_empty(const struct asker *a, unsigned status)
{
	struct msg_reply m = {.status = status, .type = BODY_NONE, .upload_offset = -1};

	send(a, &m, -1);
}

void
reply_unchanged(const struct asker *a, const char *etag)
{
	struct msg_reply m = {.status = 304, .type = BODY_NONE, .upload_offset = -1};

	snprintf(m.etag, sizeof m.etag, "%s", etag);
	send(a, &m, -1);
}

void
reply_outside(const struct asker *a, uint64_t total)
{
	struct msg_reply m = {.status = 416,
			      .type = BODY_PROBLEM,
			      .code = ERR_USAGE,
			      .upload_offset = -1,
			      .detail = "the range lies outside the bundle",
			      .total = total};

	send(a, &m, -1);
}
