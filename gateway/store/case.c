/* case.c - what a bundle does to the case that it is about. Runs in: store. Owns: nothing. Trusts:
 * that judge_bundle said yes. */
#include "store/case.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/entry.h"
#include "safehand/time.h"
#include "store/bundle_json.h"
#include "store/deadline.h"
#include "store/exclusion.h"
#include "store/ledger_case.h"
#include "store/routing.h"

/* --- flags --- */

static bool
is_child(const char *about)
{
	return about[0] == 'c';
}

/* A household is not flagged: the concern is about a child, and each child of it has its own. */
static void
flags(struct store *s, const struct ledger_bundle *b, const struct acceptance *a)
{
	const struct fact_name *about = a->facts->about.items;

	for (size_t i = 0; i < a->facts->about.n; i++) {
		ledger_add_about(s->writer, b->n, about[i].name);
		if (!is_child(about[i].name))
			continue;
		if (a->klass->discounts)
			ledger_end_flags(s->writer, about[i].name, b->n);
		if (b->concern != 0)
			ledger_add_flag(s->writer, about[i].name, b);
	}
}

/* A case of years has the same concern raised by many bundles: it is one flag, which names the
 * first of them. */
#define SOURCES_MAX 16 /* bundles that a flag names, the oldest; of the others only how many */
#define CONCERNS    3  /* as concern_text knows them; 0 is none */

struct flag {
	struct ledger_flag first;
	int64_t bundles;
	struct buf sources; /* items of an array */
};

struct flag_list {
	struct ledger *l;
	struct buf *json;
	struct flag flag[CONCERNS]; /* of one child */
};

static void
source_json(const struct ledger_flag *f, struct buf *json)
{
	char since[TIME_TEXT];

	time_format_ms(since, f->since_ms);
	buf_json_str(json, "bundle", f->id);
	buf_json_str(json, "since", since);
}

static void
flag_collect(void *ctx, const struct ledger_flag *f)
{
	struct flag *flag = &((struct flag_list *)ctx)->flag[f->concern];

	if (flag->bundles++ == 0)
		flag->first = *f;
	if (flag->bundles > SOURCES_MAX)
		return;
	buf_adds(&flag->sources, flag->bundles > 1 ? ",{" : "{");
	source_json(f, &flag->sources);
	buf_addc(&flag->sources, '}');
}

static void
flag_json(const struct flag *f, struct buf *json)
{
	buf_json_item(json);
	buf_addc(json, '{');
	buf_json_str(json, "about", f->first.about);
	buf_json_str(json, "concern", concern_text(f->first.concern));
	source_json(&f->first, json);
	buf_json_int(json, "bundles", f->bundles);
	buf_json_key(json, "sources");
	buf_addf(json, "[%s]}", buf_str(&f->sources));
}

static void
flags_of(void *ctx, const char *about)
{
	struct flag_list *list = ctx;

	if (!is_child(about))
		return;
	ledger_each_flag(list->l, about, flag_collect, list);
	for (size_t i = 0; i < CONCERNS; i++) {
		if (list->flag[i].bundles > 0)
			flag_json(&list->flag[i], list->json);
		buf_free(&list->flag[i].sources);
		list->flag[i] = (struct flag){.bundles = 0};
	}
}

void
case_flags_json(struct ledger *l, const struct list *about, struct buf *json)
{
	const struct fact_name *name = about->items;
	struct flag_list list = {.l = l, .json = json};

	buf_json_key(json, "flags");
	buf_addc(json, '[');
	for (size_t i = 0; i < about->n; i++)
		flags_of(&list, name[i].name);
	buf_addc(json, ']');
}

void
case_bundle_flags_json(struct ledger *l, int64_t bundle, struct buf *json)
{
	struct flag_list list = {.l = l, .json = json};

	buf_json_key(json, "flags");
	buf_addc(json, '[');
	ledger_each_about(l, bundle, flags_of, &list);
	buf_addc(json, ']');
}

/* --- what it replaces --- */

struct holders {
	struct ledger_delivery *d;
	size_t n;
};

static void
holder(void *ctx, const struct ledger_delivery *d)
{
	struct holders *h = ctx;
	enum delivery_state next;
	struct err ignored;

	if (d->state == DELIVERY_WITHHELD ||
	    delivery_follow(d->state, EVENT_SUPERSEDED, &next, &ignored) < 0)
		return; /* never heard of it, or has no part in it any more */
	h->d = mem_realloc(h->d, h->n + 1, sizeof *h->d);
	h->d[h->n++] = *d;
}

static void
supersede(struct store *s, const struct ledger_bundle *b)
{
	struct ledger_bundle old;
	struct holders h = {0};

	if (b->supersedes[0] == '\0' || !ledger_bundle(s->writer, b->supersedes, &old))
		return;
	ledger_each_delivery(s->writer, old.n, holder, &h);
	for (size_t i = 0; i < h.n; i++)
		group_enter(s, &(struct group_entry){.event = EVENT_SUPERSEDED,
						     .bundle = old.n,
						     .id = old.id,
						     .manifest_sha256 = old.manifest_sha256,
						     .mailbox = h.d[i].mailbox,
						     .code = b->id});
	deadline_close_bundle(s, &old, DEADLINE_SUPERSEDED);
	free(h.d);
}

/* --- consents --- */

struct wanting {
	struct store *s;
	const struct ledger_bundle *b;
	char agency[NAME_AGENCY];
};

static void
without_consent(void *ctx, const char *kind, const char *value, const char *mailbox)
{
	struct wanting *w = ctx;

	ledger_ask_consent(w->s->writer, w->agency, kind, value, mailbox, w->b->accepted_ms);
}

void
case_accept(struct store *s, const struct ledger_bundle *b, const struct acceptance *a)
{
	struct routing r = {s->writer, s->members, a->klass, b->from, &a->facts->about};
	struct wanting w = {.s = s, .b = b};

	name_agency(w.agency, b->from);
	exclusion_accept(s->writer, b, &a->facts->about);
	flags(s, b, a);
	supersede(s, b);
	routing_without_consent(&r, without_consent, &w);
}
