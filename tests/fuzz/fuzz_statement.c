/* fuzz_statement.c - a recipient's statement: refused, or written and read again as the same. Runs
 * in: tests. */
#include "fuzz.h"
#include "safehand/entry.h"
#include "safehand/statement.h"

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
	statement_format(&s, &text);
	assert(statement_parse(text.data, text.len, &again, &e) == 0);
	statement_format(&again, &twice);
	assert(text.len == twice.len && memcmp(text.data, twice.data, text.len) == 0);
	buf_free(&text);
	buf_free(&twice);
	return 0;
}
