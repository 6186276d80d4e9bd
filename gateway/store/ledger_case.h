/* ledger_case.h - the ledger's part about cases: pseudonyms of bundles, flags, consents,
 * exclusions, expectations, what replaced what. Behind it stands the same database as behind
 * ledger.h. */
#ifndef SAFEHAND_STORE_LEDGER_CASE_H
#define SAFEHAND_STORE_LEDGER_CASE_H

#include "store/ledger.h"

/* --- what bundles are about --- */

void ledger_add_about(struct ledger *l, int64_t bundle, const char *about);
void ledger_each_about(struct ledger *l, int64_t bundle, void (*each)(void *ctx, const char *about),
		       void *ctx);
bool ledger_is_about(struct ledger *l, int64_t bundle, const char *about);
/* The bundle that says that it replaces this one; false: none. */
bool ledger_superseded(struct ledger *l, const char *id, struct ledger_bundle *by);

/* --- flags of a case: a concern stays on its child until a bundle ends it --- */

struct ledger_flag {
	char about[ABOUT_TEXT];
	uint32_t concern;   /* as in struct ledger_bundle, never 0 */
	char id[UUID_TEXT]; /* of the bundle that raised it */
	int64_t since_ms;   /* its acceptance */
};

void ledger_add_flag(struct ledger *l, const char *about, const struct ledger_bundle *b);
/* Ends what is live on the pseudonym; how many there were. */
int64_t ledger_end_flags(struct ledger *l, const char *about, int64_t by_bundle);
/* Those that are live, oldest first. */
void ledger_each_flag(struct ledger *l, const char *about,
		      void (*each)(void *ctx, const struct ledger_flag *f), void *ctx);

/* --- consents: an agency lets a mailbox hear of a case that it sends about --- */

struct ledger_consent {
	char given_by[NAME_MAILBOX]; /* empty: asked for and not given */
	char kind[16];		     /* "child", "household" */
	char value[NAME_CLASS];
	char mailbox[NAME_MAILBOX]; /* who subscribes */
	int64_t since_ms;
};

void ledger_consent(struct ledger *l, const char *agency, const char *given_by, const char *kind,
		    const char *value, const char *mailbox, int64_t since_ms);
/* Asked for: a bundle was sent that the mailbox would have had with consent. */
void ledger_ask_consent(struct ledger *l, const char *agency, const char *kind, const char *value,
			const char *mailbox, int64_t since_ms);
void ledger_unconsent(struct ledger *l, const char *agency, const char *kind, const char *value,
		      const char *mailbox);
bool ledger_has_consent(struct ledger *l, const char *agency, const char *kind, const char *value,
			const char *mailbox);
/* What the agency gave, and what it was asked for. */
void ledger_each_consent(struct ledger *l, const char *agency,
			 void (*each)(void *ctx, const struct ledger_consent *c), void *ctx);

/* --- exclusions: whom a sender leaves out of its routes, and so of its bundles --- */

/* route: the digest of what was asked for. */
void ledger_add_exclusion(struct ledger *l, const char *from,
			  const uint8_t route[static DIGEST_BYTES], const char *mailbox,
			  int64_t asked_ms);
void ledger_end_exclusion(struct ledger *l, const char *from,
			  const uint8_t route[static DIGEST_BYTES]);
/* By name. */
void ledger_each_exclusion(struct ledger *l, const char *from,
			   const uint8_t route[static DIGEST_BYTES],
			   void (*each)(void *ctx, const char *mailbox, int64_t asked_ms),
			   void *ctx);
bool ledger_is_exclusion(struct ledger *l, const char *from,
			 const uint8_t route[static DIGEST_BYTES], const char *mailbox);
/* Forgets all that were asked before, and the sender's oldest routes until it has max names. */
void ledger_trim_exclusions(struct ledger *l, const char *from, int64_t before_ms, int64_t max);
/* The sender's exclusions of the route are the bundle's, but for its recipients. */
void ledger_exclude(struct ledger *l, const struct ledger_bundle *b,
		    const uint8_t route[static DIGEST_BYTES]);
bool ledger_is_excluded(struct ledger *l, int64_t bundle, const char *mailbox);

/* --- expectations: a bundle that must come --- */

/* The numbers are kept on disk. */
enum expectation_state {
	EXPECTATION_OPEN,
	EXPECTATION_MISSED, /* it may still come */
	EXPECTATION_MET,
	EXPECTATION_WITHDRAWN,
	EXPECTATION_STATES
};
const char *expectation_state_name(enum expectation_state s); /* "open"; static */

struct ledger_expectation {
	int64_t n; /* 0: none */
	char id[UUID_TEXT];
	char mailbox[NAME_MAILBOX]; /* who expects; of a class's expectation: who opened it */
	char from[NAME_MAILBOX];    /* from whom; any mailbox of its agency meets it */
	char klass[NAME_CLASS];
	char about[ABOUT_TEXT]; /* empty: any, or those of the bundle that opened it */
	int64_t opened_by;	/* bundle; 0: a mailbox itself */
	int64_t opened_ms, due_ms;
	enum expectation_state state;
	int64_t opened_seq, missed_seq, met_seq; /* entries of the log, -1: none */
	int64_t met_by;				 /* bundle; 0: none */
};

void ledger_add_expectation(struct ledger *l, struct ledger_expectation *x);	   /* sets n */
void ledger_set_expectation(struct ledger *l, const struct ledger_expectation *x); /* state, seqs */
bool ledger_expectation(struct ledger *l, const char *id, struct ledger_expectation *out);
bool ledger_expectation_at(struct ledger *l, int64_t n, struct ledger_expectation *out);
/* Open or missed ones of that class, oldest first, at most limit. */
void ledger_each_expected(struct ledger *l, const char *klass, uint32_t limit,
			  void (*each)(void *ctx, const struct ledger_expectation *x), void *ctx);
/* Those of a mailbox, newest first, at most limit. */
void ledger_each_expectation(struct ledger *l, const char *mailbox, uint32_t limit,
			     void (*each)(void *ctx, const struct ledger_expectation *x),
			     void *ctx);
/* How many a mailbox has open. */
int64_t ledger_count_expectations(struct ledger *l, const char *mailbox);

#endif
