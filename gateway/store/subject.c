/* subject.c - what a deadline is about, and the facts of a notice about it. Runs in: store. Owns:
 * nothing. Trusts: the ledger. */
#include "store/subject.h"

#include <stdio.h>
#include <string.h>

#include "safehand/log.h"

void
subject_read(struct ledger *l, const struct ledger_deadline *d, struct subject *out)
{
	bool there;

	*out = (struct subject){.is_bundle = d->bundle > 0};
	there = out->is_bundle ? ledger_bundle_at(l, d->bundle, &out->bundle)
			       : ledger_expectation_at(l, d->expectation, &out->expectation);
	if (!there)
		log_fatal("ledger", &(struct err){ERR_INTERNAL, "a deadline about nothing"});
	out->id = out->is_bundle ? out->bundle.id : out->expectation.id;
	out->klass = out->is_bundle ? out->bundle.klass : out->expectation.klass;
	out->from = out->is_bundle ? out->bundle.from : out->expectation.from;
}

void
subject_notice(const struct subject *x, const struct ledger_deadline *d, enum notice_kind kind,
	       const char *to, int64_t now_ms, struct notice *out)
{
	*out =
	    (struct notice){.created_ms = now_ms / 1000 * 1000,
			    .kind = kind == NOTICE_OVERDUE && !x->is_bundle ? NOTICE_MISSED : kind,
			    .owed = d->kind,
			    .action = d->kind == DEADLINE_ACTION ? (uint32_t)d->part : 0,
			    .start_ms = d->start_ms,
			    .due_ms = d->due_ms};
	uuid_new(out->id, now_ms);
	strcpy(x->is_bundle ? out->bundle : out->expectation, x->id);
	strcpy(out->to, to);
	strcpy(out->klass, x->klass);
	strcpy(out->from, x->from);
	strcpy(out->mailbox, x->is_bundle ? d->mailbox : d->owed_to);
}

void
subject_owed(const struct ledger_deadline *d, char out[static OWED_TEXT])
{
	if (d->kind == DEADLINE_ACTION)
		snprintf(out, OWED_TEXT, "%s:%lld", deadline_kind_name(d->kind),
			 (long long)d->part);
	else
		snprintf(out, OWED_TEXT, "%s", deadline_kind_name(d->kind));
}
