/* ledger_deadline.h - the ledger's part on what is owed: deadlines, the ladders they climb, who is
 * away, what the courier has still to deliver. As ledger.h: a writer, a reader, no errors. */
#ifndef SAFEHAND_STORE_LEDGER_DEADLINE_H
#define SAFEHAND_STORE_LEDGER_DEADLINE_H

#include "safehand/deadline.h"
#include "store/ledger.h"

/* The numbers are kept on disk: new ones go to the end. */
enum deadline_state {
	DEADLINE_OPEN,
	DEADLINE_MET,	     /* by whom it is of */
	DEADLINE_BY_OTHER,   /* by the cover, or by whom the cover stands in for */
	DEADLINE_SUPERSEDED, /* its bundle was */
	DEADLINE_WITHDRAWN,  /* its bundle or expectation was */
	DEADLINE_PURGED,     /* its bundle was */
	DEADLINE_STATES
};
const char *deadline_state_name(enum deadline_state s); /* "open"; static */

#define DEADLINE_NEVER INT64_MAX /* next_ms: no step is left, or it is closed */

struct ledger_deadline {
	int64_t n; /* order of opening, from 1 */
	enum deadline_kind kind;
	int64_t bundle, expectation; /* exactly one is not 0 */
	char mailbox[NAME_MAILBOX];  /* who owes */
	char owed_to[NAME_MAILBOX];  /* the bundle's sender; of ARRIVE: who expects */
	int64_t part;		     /* ACTION: its number, else 0 */
	char by[NAME_CLASS];	     /* ANSWER: the class of bundle that answers; "": a statement */
	int64_t start_ms, due_ms;
	int64_t ladder;	  /* see ledger_ladder */
	bool cover_now;	  /* the owner was closed or away at the opening, or became it */
	uint32_t fired;	  /* bit i: step i of the ladder has happened */
	bool overdue;	  /* LADDER_OVERDUE among them */
	bool undelivered; /* a notification about it failed, and nobody was told yet */
	int64_t next_ms;  /* of its next step */
	enum deadline_state state;
	int64_t closed_ms; /* 0: open */
};

/* A ladder's canonical text by its number, the same for the same text. */
int64_t ledger_ladder_number(struct ledger *l, const char *text);
bool ledger_ladder(struct ledger *l, int64_t n, struct buf *text);

/* d->n is set. One of the same bundle or expectation, mailbox, kind and part must not be there. */
void ledger_add_deadline(struct ledger *l, struct ledger_deadline *d);
bool ledger_deadline(struct ledger *l, int64_t n, struct ledger_deadline *out);
/* What changes in its life: cover_now, fired, overdue, undelivered, next_ms, state, closed_ms. */
void ledger_set_deadline(struct ledger *l, const struct ledger_deadline *d);

typedef void ledger_deadline_row(void *ctx, const struct ledger_deadline *d);
/* All of a bundle or of an expectation, open and closed, in order of opening. */
void ledger_each_deadline(struct ledger *l, int64_t bundle, ledger_deadline_row *each, void *ctx);
void ledger_each_expectation_deadline(struct ledger *l, int64_t expectation,
				      ledger_deadline_row *each, void *ctx);
/* Open ones whose next step has come, the longest waiting first. */
void ledger_each_due(struct ledger *l, int64_t now_ms, uint32_t limit, ledger_deadline_row *each,
		     void *ctx);
/* Of the open ones; DEADLINE_NEVER: there is none. */
int64_t ledger_next_deadline(struct ledger *l);
/* Open ones that the mailbox owes, or that are owed to it, by due time; mailbox "": of all
 * mailboxes, those overdue. */
void ledger_each_owed_by(struct ledger *l, const char *mailbox, uint32_t limit,
			 ledger_deadline_row *each, void *ctx);
void ledger_each_owed_to(struct ledger *l, const char *mailbox, uint32_t limit,
			 ledger_deadline_row *each, void *ctx);
void ledger_each_overdue(struct ledger *l, uint32_t limit, ledger_deadline_row *each, void *ctx);
/* Counted now: for the start only, what follows is kept by deadline.c. */
void ledger_count_deadlines(struct ledger *l, int64_t *open, int64_t *overdue);

/* A bundle is kept until then. */
void ledger_set_purge(struct ledger *l, int64_t bundle, int64_t purge_ms);

struct ledger_away {
	char mailbox[NAME_MAILBOX];
	char cover[NAME_MAILBOX]; /* "": as the roster says */
	int64_t since_ms, until_ms;
};
void ledger_set_away(struct ledger *l, const struct ledger_away *a); /* in place of what was */
bool ledger_end_away(struct ledger *l, const char *mailbox);	     /* false: there was none */
/* What was set last; whether until_ms is over is the caller's to judge. */
bool ledger_away(struct ledger *l, const char *mailbox, struct ledger_away *out);

/* What the courier has to deliver. The number is never used again. */
struct ledger_outbox {
	int64_t n;
	uint32_t kind;	  /* enum notify_kind of msg.h */
	int64_t deadline; /* what it is about */
	char mailbox[NAME_MAILBOX];
	uint32_t notice;    /* enum notice_kind; the rest of it is the deadline's */
	char id[UUID_TEXT]; /* of the notice */
	int64_t created_ms; /* of the notice */
};
int64_t ledger_add_outbox(struct ledger *l, const struct ledger_outbox *o);
bool ledger_outbox(struct ledger *l, int64_t n, struct ledger_outbox *o);
bool ledger_next_outbox(struct ledger *l, int64_t after, struct ledger_outbox *o); /* n > after */
void ledger_end_outbox(struct ledger *l, int64_t n);

#endif
