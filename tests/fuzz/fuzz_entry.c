/* fuzz_entry.c - a line of the log: refused, or written and read again as the same. Runs in: tests.
 */
#include "fuzz.h"
#include "safehand/fetched.h"

static void
try_code(const char *code)
{
	char same[ENTRY_CODE];
	struct fetched f;
	struct err e = {0};

	if (fetched_parse(code, &f, &e) < 0)
		return;
	fetched_format(&f, same);
	assert(strcmp(same, code) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf line = {0}, twice = {0};
	struct entry entry, again;
	struct err e = {0};

	if (entry_parse(p, n, &entry, &e) < 0) {
		fuzz_refused(&e);
		return 0;
	}
	assert((unsigned)entry.event < EVENTS);
	entry_format(&entry, &line);
	assert(entry_parse(line.data, line.len, &again, &e) == 0);
	entry_format(&again, &twice);
	assert(line.len == twice.len && memcmp(line.data, twice.data, line.len) == 0);
	try_code(entry.code);
	buf_free(&line);
	buf_free(&twice);
	return 0;
}
