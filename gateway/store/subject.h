/* subject.h - what a deadline is about: a bundle or an expectation. */
#ifndef SAFEHAND_STORE_SUBJECT_H
#define SAFEHAND_STORE_SUBJECT_H

#include "safehand/notice.h"
#include "store/ledger_case.h"
#include "store/ledger_deadline.h"

struct subject {
	bool is_bundle;
	struct ledger_bundle bundle;	       /* if it is */
	struct ledger_expectation expectation; /* if it is not */
	const char *id, *klass, *from;	       /* of whichever it is */
};

/* The row is there: the deadline's foreign key says so. out must stay where it is. */
void subject_read(struct ledger *l, const struct ledger_deadline *d, struct subject *out);
/* A notice about it to a mailbox; its id is new. MISSED in place of OVERDUE for an expectation. */
void subject_notice(const struct subject *x, const struct ledger_deadline *d, enum notice_kind kind,
		    const char *to, int64_t now_ms, struct notice *out);
/* "collect", "action:3": the code of entries about it. */
#define OWED_TEXT 32
void subject_owed(const struct ledger_deadline *d, char out[static OWED_TEXT]);

#endif
