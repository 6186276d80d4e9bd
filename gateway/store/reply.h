/* reply.h - answers to front. */
#ifndef SAFEHAND_STORE_REPLY_H
#define SAFEHAND_STORE_REPLY_H

#include "frame/chan.h"

/* Who asked: a job of a front. Answered exactly once. */
struct asker {
	struct chan *front;
	uint64_t job;
};

/* A refusal: front writes the problem+json; ERR_BUSY and ERR_STORAGE carry Retry-After. */
void reply_refuse(const struct asker *a, const struct err *e);
/* The same, with Retry-After of so many seconds; 0: what the code has. */
void reply_refuse_for(const struct asker *a, const struct err *e, uint32_t after_s);
/* What is not there and what one may not know of: the same answer, to the byte. */
void reply_unknown(const struct asker *a);
void reply_json(const struct asker *a, unsigned status, const struct buf *json);
void reply_bytes(const struct asker *a, enum body_type type, const char *etag, const void *p,
		 size_t n);
/* 204 with the offset of an upload. */
void reply_offset(const struct asker *a, uint64_t offset, bool complete);
/* 304, and 416 of so many bytes. */
void reply_unchanged(const struct asker *a, const char *etag);
void reply_outside(const struct asker *a, uint64_t total);
void reply_empty(const struct asker *a, unsigned status);

#endif
