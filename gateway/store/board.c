/* board.c - what is owed, as JSON. Runs in: store. Owns: nothing. Trusts: its callers on who may
 * see it. */
#include "store/board.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/time.h"
#include "store/deadline.h"
#include "store/ladder.h"
#include "store/step.h"

struct items {
	struct ledger_deadline *d;
	size_t n;
};

static void
take(void *ctx, const struct ledger_deadline *d)
{
	struct items *i = ctx;

	i->d = mem_realloc(i->d, i->n + 1, sizeof *i->d);
	i->d[i->n++] = *d;
}

static int
by_due(const void *a, const void *b)
{
	const struct ledger_deadline *x = a, *y = b;

	if (x->due_ms != y->due_ms)
		return x->due_ms < y->due_ms ? -1 : 1;
	return x->n < y->n ? -1 : x->n > y->n;
}

static void
time_member(struct buf *json, const char *name, int64_t ms)
{
	char text[TIME_TEXT];

	time_format_ms(text, ms);
	buf_json_str(json, name, text);
}

static bool
is_registered(const struct ledger_deadline *d, const struct ladder *l)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->step[i].act == LADDER_REGISTER && (d->fired & 1u << i) != 0)
			return true;
	return false;
}

/* What a deadline says of itself: of a bundle's list, and of the board. */
static void
terms_json(struct store *s, const struct ledger_deadline *d, struct buf *json)
{
	const struct ladder *l = ladder_of(s, d);
	bool open = d->state == DEADLINE_OPEN;
	char owed[OWED_TEXT], step[STEP_TEXT];
	unsigned index;

	subject_owed(d, owed);
	buf_json_str(json, "owed", owed);
	time_member(json, "start", d->start_ms);
	time_member(json, "due", d->due_ms);
	buf_json_int(json, "overdue_ms", open && s->now() > d->due_ms ? s->now() - d->due_ms : 0);
	if (open && step_time(d, l, &index) != DEADLINE_NEVER) {
		step_name(l, index, step);
		buf_json_str(json, "next_step", step);
		time_member(json, "next_at", d->next_ms);
	} else {
		buf_json_str(json, "next_step", NULL);
		buf_json_str(json, "next_at", NULL);
	}
	buf_json_key(json, "registered");
	buf_adds(json, is_registered(d, l) ? "true" : "false");
}

static void
item_json(struct store *s, const struct ledger_deadline *d, struct buf *json)
{
	struct subject x;

	subject_read(s->reader, d, &x);
	buf_addc(json, '{');
	buf_json_str(json, x.is_bundle ? "bundle" : "expectation", x.id);
	buf_json_str(json, "class", x.klass);
	buf_json_str(json, "from", x.from);
	buf_json_str(json, "mailbox", d->mailbox);
	buf_json_str(json, "owed_to", d->owed_to);
	terms_json(s, d, json);
	buf_addc(json, '}');
}

static void
items_json(struct store *s, struct items *items, size_t limit, struct buf *json)
{
	if (items->n > 0)
		qsort(items->d, items->n, sizeof *items->d, by_due);
	buf_json_key(json, "items");
	buf_addc(json, '[');
	for (size_t i = 0, shown = 0; i < items->n && shown < limit; i++) {
		if (i > 0 && items->d[i].n == items->d[i - 1].n)
			continue; /* a mailbox that owes to itself */
		if (shown++ > 0)
			buf_addc(json, ',');
		item_json(s, &items->d[i], json);
	}
	buf_addc(json, ']');
	free(items->d);
}

void
board_answer(struct store *s, const struct asker *a, const char *mailbox)
{
	struct items items = {0};
	struct buf json = {0};

	ledger_each_owed_by(s->reader, mailbox, BOARD_ITEMS_MAX, take, &items);
	ledger_each_owed_to(s->reader, mailbox, BOARD_ITEMS_MAX, take, &items);
	buf_addc(&json, '{');
	buf_json_str(&json, "mailbox", mailbox);
	items_json(s, &items, BOARD_ITEMS_MAX, &json);
	buf_addc(&json, '}');
	reply_json(a, 200, &json);
	buf_free(&json);
}

void
board_json(struct store *s, const char *mailbox, uint32_t limit, struct buf *json)
{
	struct items items = {0};

	if (mailbox == NULL)
		ledger_each_overdue(s->reader, limit, take, &items);
	else
		ledger_each_owed_by(s->reader, mailbox, limit, take, &items);
	buf_addc(json, '{');
	items_json(s, &items, limit, json);
	buf_addc(json, '}');
}

void
board_bundle_json(struct store *s, int64_t bundle, const char *mailbox, struct buf *json)
{
	struct items items = {0};
	bool any = false;

	ledger_each_deadline(s->reader, bundle, take, &items);
	buf_json_key(json, "deadlines");
	buf_addc(json, '[');
	for (size_t i = 0; i < items.n; i++) {
		const struct ledger_deadline *d = &items.d[i];

		if (mailbox == NULL ? d->kind != DEADLINE_FINAL
				    : strcmp(d->mailbox, mailbox) != 0 || d->kind == DEADLINE_FINAL)
			continue;
		buf_adds(json, any ? ",{" : "{");
		any = true;
		terms_json(s, d, json);
		buf_json_str(json, "state", deadline_state_name(d->state));
		buf_json_key(json, "overdue");
		buf_adds(json, d->overdue ? "true" : "false");
		buf_addc(json, '}');
	}
	buf_addc(json, ']');
	free(items.d);
}
