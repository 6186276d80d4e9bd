/* fuzz_statement.c - a recipient's statement: refused, or written and read again as the same. Runs
 * in: tests. */
#include "fuzz.h"
#include "safehand/entry.h"
#include "safehand/statement.h"

/* Of the mailbox's agency, of the profile that the kind wants, and named in "by": or refused. */
static void
check_signers(const struct statement *s)
{
	static const enum profile profiles[] = {PROFILE_AGENCY_SIGN, PROFILE_PERSON_SIGN,
						PROFILE_AGENCY_TLS};
	struct err e;

	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
		struct identity id = {.profile = profiles[i]};

		snprintf(id.name, sizeof id.name, "%.*s%s", (int)strcspn(s->mailbox, "/"),
			 s->mailbox, profiles[i] == PROFILE_PERSON_SIGN ? "/a.khan" : "");
		snprintf(id.by, sizeof id.by, "%s", s->by);
		e = (struct err){0};
		if (statement_check_signer(s, &id, &e) < 0)
			fuzz_refused(&e);
		else
			assert(profiles[i] != PROFILE_AGENCY_TLS);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf text = {0}, twice = {0};
	struct statement s, again;
	struct err e = {0};

	if (statement_parse(p, n, &s, &e) < 0) {
		fuzz_refused(&e);
		return 0;
	}
	assert((unsigned)s.kind < STATEMENT_KINDS && uuid_is_v7(s.bundle) &&
	       name_is_mailbox(s.mailbox));
	assert((unsigned)statement_event(&s) < EVENTS);
	check_signers(&s);
	statement_format(&s, &text);
	assert(statement_parse(text.data, text.len, &again, &e) == 0);
	statement_format(&again, &twice);
	assert(text.len == twice.len && memcmp(text.data, twice.data, text.len) == 0);
	buf_free(&text);
	buf_free(&twice);
	return 0;
}
