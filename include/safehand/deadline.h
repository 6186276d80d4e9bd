/* deadline.h - what is owed by when, and what happens when it does not come: pure functions of
 * policy, calendar and times (design 5). Used by: policy, store, client (to show), tests. */
#ifndef SAFEHAND_DEADLINE_H
#define SAFEHAND_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/calendar.h"
#include "safehand/err.h"
#include "safehand/name.h"

/* What is owed. The numbers are kept on disk: new ones go to the end. */
enum deadline_kind {
	DEADLINE_COLLECT,
	DEADLINE_READ,
	DEADLINE_ANSWER,
	DEADLINE_ACTION, /* one action of the minutes */
	DEADLINE_FINAL,	 /* a provisional bundle owes its final */
	DEADLINE_ARRIVE, /* an expectation: that it comes at all */
	DEADLINE_KINDS
};
const char *deadline_kind_name(enum deadline_kind k); /* "collect"; static */

enum deadline_unit {
	DEADLINE_CLOCK,	       /* ms of the clock */
	DEADLINE_WORKING_DAYS, /* close of the n-th working day after the start's */
	DEADLINE_SCHOOL_DAYS,
	DEADLINE_SAME_WORKING, /* close of the start's day, or of the next open one */
	DEADLINE_SAME_SCHOOL,
	DEADLINE_NEXT_WORKING, /* HH:MM of the next working day, strictly after the start */
	DEADLINE_NEXT_SCHOOL,
};

#define DEADLINE_DAYS_MAX  366			      /* working or school days of a rule */
#define DEADLINE_CLOCK_MAX (INT64_C(3660) * 86400000) /* ms: ten years */

struct deadline_rule {
	enum deadline_unit unit;
	int64_t n;  /* ms, or days */
	int minute; /* of the day, NEXT_… */
};

/* "within 4 hours" (seconds, minutes, hours, days), "within 1 working-day", "within 3 school-days",
 * "same working-day", "same school-day", "before 08:30 of the next school-day". The whole text, one
 * blank between words. ERR_CONFIG naming what is wrong. Pure. */
int deadline_rule_parse(const char *text, struct deadline_rule *out, struct err *e)
    __attribute__((warn_unused_result));
void deadline_rule_format(const struct deadline_rule *r, struct buf *text); /* canonical */
/* When it is due, in the owner's calendar. ERR_LIMIT: the calendar has no such day any more. Pure.
 */
int deadline_due(const struct deadline_rule *r, const struct calendar *owner, int64_t start_ms,
		 int64_t *due_ms, struct err *e) __attribute__((warn_unused_result));
/* Due at the end of a date (YYYY-MM-DD), midnight in the owner's zone. ERR_FORMAT. Pure. */
int deadline_date_due(const char *date, const struct calendar *owner, int64_t *due_ms,
		      struct err *e) __attribute__((warn_unused_result));

/* --- the ladder --- */

enum ladder_act {
	LADDER_OVERDUE, /* implicit at 100 %, before all others there */
	LADDER_REMIND,
	LADDER_COVER,
	LADDER_NOTIFY,
	LADDER_NOTIFY_SENDER, /* of an expectation: who opened it */
	LADDER_REGISTER,
};

#define LADDER_MAX     16    /* steps, the implicit one included */
#define LADDER_PERCENT 10000 /* largest percentage: a hundred times the time allowed */

struct ladder_step {
	enum ladder_act act;
	uint32_t percent;
	char mailbox[NAME_MAILBOX]; /* NOTIFY */
};

struct ladder {
	struct ladder_step step[LADDER_MAX]; /* in the order in which they fire: by percent, equal
						ones as written, OVERDUE first among its 100 % */
	size_t n;
};

/* One step: "remind at 50%", "cover at 100%", "notify csc/duty at 100%", "notify sender at 150%",
 * "register at 150%"; added in its place. An empty ladder (ladder_clear) has OVERDUE only.
 * ERR_CONFIG: malformed, too many, the same twice. Pure. */
void ladder_clear(struct ladder *l);
int ladder_add(struct ladder *l, const char *text, struct err *e)
    __attribute__((warn_unused_result));
/* Canonical, comma-separated, without OVERDUE; and back (the text kept with a row in the ledger).
 */
void ladder_format(const struct ladder *l, struct buf *text);
int ladder_parse(const char *text, struct ladder *out, struct err *e)
    __attribute__((warn_unused_result));

/* When step i fires. cover_now: the owner is away or closed for longer than the time allowed: its
 * cover steps fire at the start, before all others. Pure. */
struct ladder_plan {
	const struct ladder *ladder;
	int64_t start_ms, due_ms;
	bool cover_now;
};
/* The i-th to fire (0..ladder->n-1): its act and its time; NULL past the end. */
const struct ladder_step *ladder_at(const struct ladder_plan *p, size_t i, int64_t *when_ms);

#endif
