/* fuzz_manifest.c - the manifest: refused, or a struct within its limits that is written and read
 * again as the same. Runs in: tests. */
#include "fuzz.h"
#include "safehand/manifest.h"

static void
check(const struct manifest *m)
{
	assert(uuid_is_v7(m->id) && name_is_mailbox(m->from) && name_is_class(m->klass));
	assert(m->nto >= 1 && m->nto <= RECIPIENTS_MAX && m->nabout <= ABOUT_MAX);
	assert(m->nactions <= ACTIONS_MAX && m->payload_bytes <= PAYLOAD_MAX_BYTES);
	for (size_t i = 0; i < m->nto; i++) {
		assert(name_is_mailbox(m->to[i].mailbox));
		assert(!m->to[i].cover || name_is_mailbox(m->to[i].covers));
	}
	for (size_t i = 0; i < m->nabout; i++)
		assert(name_is_about(m->about[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct manifest *m = NULL, *again = NULL;
	struct buf text = {0}, twice = {0};
	struct err e = {0};

	if (manifest_parse(p, n, &m, &e) < 0) {
		fuzz_refused(&e);
		return 0;
	}
	check(m);
	if (manifest_format(m, &text, &e) == 0) { /* ours may be longer than what came */
		assert(manifest_parse(text.data, text.len, &again, &e) == 0);
		assert(manifest_format(again, &twice, &e) == 0);
		assert(text.len == twice.len && memcmp(text.data, twice.data, text.len) == 0);
		assert(again->nto == m->nto && again->payload_bytes == m->payload_bytes);
	}
	manifest_free(again);
	manifest_free(m);
	buf_free(&text);
	buf_free(&twice);
	return 0;
}
