/* exclusion.c - whom a sender left out on purpose. Runs in: store. Owns: nothing. Trusts: route.c,
 * that the sender is the asker's own. */
#include "store/exclusion.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/digest.h"
#include "safehand/time.h"
#include "store/ledger_case.h"

#define EXCLUSIONS_MAX 4096 /* names that are remembered of a mailbox that sends */
#define EXCLUSION_KEPT_MS                                                                          \
	(INT64_C(30) * TIME_DAY_MS)    /* sealed and not sent for a month: seal anew */
#define EXCLUSION_RENEW_MS TIME_DAY_MS /* asked for again: written so often, not each time */

static int
name_order(const void *a, const void *b)
{
	return strcmp(((const struct fact_name *)a)->name, ((const struct fact_name *)b)->name);
}

static struct fact_name *
sorted(const struct list *names)
{
	struct fact_name *copy;

	if (names->n == 0)
		return NULL;
	copy = mem_dup(names->items, names->n * sizeof *copy);
	qsort(copy, names->n, sizeof *copy, name_order);
	return copy;
}

static void
route_digest(const char *klass, const struct list *about, uint8_t out[static DIGEST_BYTES])
{
	struct fact_name *names = sorted(about);
	struct buf b = {0};

	buf_addf(&b, "%s\n", klass);
	for (size_t i = 0; i < about->n; i++)
		buf_addf(&b, "%s\n", names[i].name);
	digest_of(b.data, b.len, out);
	free(names);
	buf_free(&b);
}

void
exclusion_init(struct exclusion *x, const char *from, const char *klass, const struct list *about,
	       const struct list *exclude)
{
	*x = (struct exclusion){.mailbox = sorted(exclude), .n = exclude->n};
	strcpy(x->from, from);
	route_digest(klass, about, x->route);
}

void
exclusion_clear(struct exclusion *x)
{
	free(x->mailbox);
	x->mailbox = NULL;
	x->n = 0;
}

struct compared {
	const struct exclusion *x;
	size_t n;
	bool differs;
	int64_t asked_ms; /* of the oldest */
};

static void
compare(void *ctx, const char *mailbox, int64_t asked_ms)
{
	struct compared *c = ctx;

	if (c->n == c->x->n || strcmp(c->x->mailbox[c->n].name, mailbox) != 0)
		c->differs = true;
	else
		c->n++;
	c->asked_ms = asked_ms < c->asked_ms ? asked_ms : c->asked_ms;
}

bool
exclusion_is_kept(struct ledger *l, const struct exclusion *x, int64_t now_ms)
{
	struct compared c = {.x = x, .asked_ms = INT64_MAX};

	ledger_each_exclusion(l, x->from, x->route, compare, &c);
	return !c.differs && c.n == x->n && (x->n == 0 || c.asked_ms > now_ms - EXCLUSION_RENEW_MS);
}

void
exclusion_keep(struct ledger *l, const struct exclusion *x, int64_t now_ms)
{
	ledger_end_exclusion(l, x->from, x->route);
	for (size_t i = 0; i < x->n; i++)
		ledger_add_exclusion(l, x->from, x->route, x->mailbox[i].name, now_ms);
	ledger_trim_exclusions(l, x->from, now_ms - EXCLUSION_KEPT_MS, EXCLUSIONS_MAX);
}

bool
exclusion_has(struct ledger *l, const char *from, const char *klass, const struct list *about,
	      const char *mailbox)
{
	uint8_t route[DIGEST_BYTES];

	route_digest(klass, about, route);
	return ledger_is_exclusion(l, from, route, mailbox);
}

void
exclusion_accept(struct ledger *l, const struct ledger_bundle *b, const struct list *about)
{
	uint8_t route[DIGEST_BYTES];

	route_digest(b->klass, about, route);
	ledger_exclude(l, b, route);
}

bool
exclusion_hides(struct ledger *l, const struct ledger_deadline *d, const char *mailbox)
{
	struct ledger_expectation x = {.opened_by = d->bundle};

	if (d->bundle == 0 && !ledger_expectation_at(l, d->expectation, &x))
		return false;
	return x.opened_by > 0 && ledger_is_excluded(l, x.opened_by, mailbox);
}
