/* fuzz_route.c - targets (tiles, mailboxes, queries) to calls: refused with a status, or a call
 * whose every name is valid. Input: one byte of a method, then the target. Runs in: tests. */
#include "fuzz.h"
#include "front/range.h"
#include "front/routes.h"

static void
check(const struct call *c)
{
	assert(c->route != NULL && c->route->pattern != NULL);
	assert(c->mailbox[0] == '\0' || name_is_mailbox(c->mailbox));
	assert(c->id[0] == '\0' || uuid_is_v7(c->id));
	assert(memchr(c->kind, '\0', sizeof c->kind) != NULL);
	assert(memchr(c->value, '\0', sizeof c->value) != NULL);
}

static void
try_range(const uint8_t *p, size_t n)
{
	static const uint64_t totals[] = {0, 1, 100, INT64_MAX};
	struct range r = range_parse((const char *)p, n);
	uint64_t from, count;

	assert(r.kind < RANGE_KINDS);
	for (size_t i = 0; i < sizeof totals / sizeof *totals; i++)
		if (range_cut(&r, totals[i], &from, &count) == 0 && r.kind != RANGE_ALL)
			assert(count > 0 && from < totals[i] && count <= totals[i] - from);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *reason = NULL, *allow = NULL, *text = (const char *)p + 1, *question;
	size_t path;
	struct call call;
	int status;

	if (n < 2)
		return 0;
	try_range(p + 1, n - 1);
	question = memchr(text, '?', n - 1);
	path = question != NULL ? (size_t)(question - text) : n - 1;
	status = route_find((enum http_method)(p[0] % (HTTP_OTHER + 1)), text, path,
			    question ? question + 1 : text, question ? n - 2 - path : 0, &call,
			    &reason, &allow);
	if (status == 0)
		check(&call);
	else
		assert((status == 400 || status == 404 || status == 405) && reason != NULL &&
		       allow != NULL);
	return 0;
}
