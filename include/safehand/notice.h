/* notice.h - a notice: what the gateway itself tells a mailbox, signed by its gateway-sign
 * certificate and not sealed: ids, class, mailbox and times, and no content (design 5). It travels
 * as a bundle whose manifest is this text, without slots and payload. JSON, strict. */
#ifndef SAFEHAND_NOTICE_H
#define SAFEHAND_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/deadline.h"
#include "safehand/err.h"
#include "safehand/name.h"

#define NOTICE_FROM	 "gateway/notices" /* no member may be called gateway */
#define NOTICE_CLASS	 "notice"
#define NOTICE_MAX_BYTES 4096 /* of the text: all members at their limits fit */

enum notice_kind {
	NOTICE_OVERDUE,	    /* what is owed did not come in time */
	NOTICE_COVER,	    /* the cover was given the key */
	NOTICE_MISSED,	    /* an expected bundle did not come */
	NOTICE_UNDELIVERED, /* mail or webhook could not be delivered */
	NOTICE_REMINDER,    /* it is still to come: to the contact of who owes, by mail and webhook
			       only */
	NOTICE_KINDS
};
const char *notice_kind_name(enum notice_kind k); /* "overdue"; static */

struct notice {
	char id[UUID_TEXT]; /* its own, as a bundle */
	int64_t created_ms; /* whole seconds */
	enum notice_kind kind;
	char to[NAME_MAILBOX];	     /* whom it tells */
	char bundle[UUID_TEXT];	     /* what it is about; empty: null */
	char expectation[UUID_TEXT]; /* or this one; exactly one of the two is there */
	char klass[NAME_CLASS];	     /* of the bundle, or expected */
	char from[NAME_MAILBOX];     /* who sent it, or is expected to */
	char mailbox[NAME_MAILBOX];  /* who owes, or whose cover; of MISSED: who expects */
	enum deadline_kind owed;
	uint32_t action; /* of ACTION, else 0 */
	int64_t start_ms, due_ms;
};

/* Its rules: names and ids well formed; owed "arrive" of an expectation and of nothing else; missed
 * of an expectation, overdue and cover of a bundle, undelivered and reminder of either; an action's
 * number with an action alone; due not before start. ERR_FORMAT naming the member. Pure: who makes
 * a notice asks it too. */
int notice_check(const struct notice *n, struct err *e) __attribute__((warn_unused_result));
/* {"safehand_notice":1,"id","created","kind","to","bundle"|null,"expectation"|null,"class","from",
 * "mailbox","owed","action","start","due"}, in this order, one line; start and due with
 * milliseconds. */
void notice_format(const struct notice *in, struct buf *text);
/* Strictly the whole of text, which must be in the form that notice_format gives and pass
 * notice_check. ERR_FORMAT naming the member, ERR_LIMIT. Pure. */
int notice_parse(const void *text, size_t len, struct notice *out, struct err *e)
    __attribute__((warn_unused_result));
/* Is the text a notice's rather than a manifest's? Looks at its first member only. */
bool notice_is(const void *text, size_t len);
/* A sentence for a person: "uhcw/paediatrics owes reading of strategy-minutes …", clean UTF-8. */
void notice_show(const struct notice *n, struct buf *text);

#endif
