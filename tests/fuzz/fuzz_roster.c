/* fuzz_roster.c - a roster: its content as it is, and the signed file around it. Runs in: tests. */
#include "fuzz.h"
#include "safehand/roster.h"

static void
check(const struct roster *r)
{
	for (size_t i = 0; i < r->nmailboxes; i++) {
		const struct roster_mailbox *m = &r->mailboxes[i];

		assert(name_is_mailbox(m->name) && roster_find(r, m->name) == m);
		assert(m->ncertificates >= 1 && m->title != NULL && m->contact != NULL);
		assert(m->cover[0] == '\0' || roster_find(r, m->cover) != NULL);
	}
	for (size_t i = 0; i < r->nagencies; i++)
		assert(roster_agency(r, r->agencies[i].name) == &r->agencies[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct trust *t = fuzz_trust();
	struct roster *r = NULL;
	struct identity signer;
	struct err e = {0};

	if (roster_parse(p, n, &r, &e) == 0)
		check(r);
	else
		fuzz_refused(&e);
	roster_free(r);
	r = NULL;
	e = (struct err){0};
	if (roster_verify(p, n, t, FUZZ_NOW_MS, TRUST_HISTORIC, &r, &signer, NULL, &e) == 0) {
		check(r);
		for (size_t i = 0; i < r->nmailboxes; i++)
			if (roster_key(&r->mailboxes[i], t, FUZZ_NOW_MS, &signer, &e) < 0)
				fuzz_refused(&e);
	} else {
		fuzz_refused(&e);
	}
	roster_free(r);
	trust_free(t);
	return 0;
}
