/* bundle_json.c - a bundle and its evidence as JSON. Runs in: store. Owns: nothing. Trusts: its
 * callers on who may see it. */
#include "store/bundle_json.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/entry.h"
#include "safehand/time.h"
#include "store/away.h"
#include "store/board.h"
#include "store/case.h"

const char *
concern_text(uint32_t concern)
{
	static const char *const names[] = {NULL, "inconclusive", "active"};

	return names[concern];
}

static void
time_member(struct buf *out, const char *name, int64_t ms)
{
	char text[TIME_TEXT];

	if (ms != INT64_MIN)
		time_format(text, ms);
	buf_json_str(out, name, ms == INT64_MIN ? NULL : text);
}

/* Entries and deliveries are read once; each delivery picks its own. */
struct history {
	struct store *s;
	bool whole; /* with events, what is owed, and who is away */
	struct ledger_entry *entries;
	size_t n;
	struct ledger_delivery *deliveries;
	size_t ndeliveries;
	struct buf *out;
};

static void
history_add(void *ctx, const struct ledger_entry *entry)
{
	struct history *h = ctx;

	h->entries = mem_realloc(h->entries, h->n + 1, sizeof *h->entries);
	h->entries[h->n++] = *entry;
}

static void
event_json(struct buf *out, const struct ledger_entry *entry)
{
	char text[TIME_TEXT];

	buf_json_item(out);
	buf_addc(out, '{');
	buf_json_int(out, "seq", entry->seq);
	buf_json_str(out, "event", event_name(entry->event));
	time_format_ms(text, entry->time_ms);
	buf_json_str(out, "time", text);
	if (entry->has_actor)
		buf_json_hex(out, "actor", entry->actor, DIGEST_BYTES);
	buf_json_str(out, "code", entry->code);
	buf_addc(out, '}');
}

static void
history_delivery(void *ctx, const struct ledger_delivery *d)
{
	struct history *h = ctx;

	h->deliveries = mem_realloc(h->deliveries, h->ndeliveries + 1, sizeof *h->deliveries);
	h->deliveries[h->ndeliveries++] = *d;
}

/* Who covers it is who the bundle is sealed for: another could not open it. */
static void
away_member(const struct history *h, const char *mailbox)
{
	const char *cover = "";
	struct ledger_away away;

	if (!away_now(h->s->reader, mailbox, h->s->now(), &away))
		return;
	for (size_t i = 0; i < h->ndeliveries; i++)
		if (strcmp(h->deliveries[i].covers, mailbox) == 0)
			cover = h->deliveries[i].mailbox;
	buf_json_key(h->out, "away");
	away_json(&away, cover, h->out);
}

static void
delivery_json(const struct history *h, const struct ledger_delivery *d)
{
	struct buf *out = h->out;

	buf_json_item(out);
	buf_addc(out, '{');
	buf_json_str(out, "mailbox", d->mailbox);
	buf_json_str(out, "as", d->cover ? "cover" : "to");
	if (d->cover)
		buf_json_str(out, "for", d->covers);
	buf_json_str(out, "state", delivery_state_name(d->state));
	buf_json_key(out, "events");
	buf_addc(out, '[');
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->entries[i].mailbox, d->mailbox) == 0)
			event_json(out, &h->entries[i]);
	buf_addc(out, ']');
	if (h->whole) {
		board_bundle_json(h->s, d->bundle, d->mailbox, out);
		away_member(h, d->mailbox);
	}
	buf_addc(out, '}');
}

static const char *
or_null(const char *text)
{
	return text[0] == '\0' ? NULL : text;
}

void
bundle_json(struct store *s, const struct ledger_bundle *b, bool events, struct buf *out)
{
	struct history h = {.s = s, .whole = events, .out = out};

	buf_addc(out, '{');
	buf_json_str(out, "id", b->id);
	buf_json_str(out, "class", b->klass);
	buf_json_str(out, "status", b->provisional ? "provisional" : "final");
	buf_json_str(out, "from", b->from);
	time_member(out, "created", b->created_ms);
	time_member(out, "event_at", b->event_at_ms);
	time_member(out, "accepted", b->accepted_ms);
	buf_json_hex(out, "manifest_sha256", b->manifest_sha256, DIGEST_BYTES);
	buf_json_int(out, "payload_bytes", (int64_t)b->payload_bytes);
	buf_json_str(out, "concern", concern_text(b->concern));
	buf_json_str(out, "reply_to", or_null(b->reply_to));
	buf_json_str(out, "supersedes", or_null(b->supersedes));
	if (b->state != BUNDLE_LIVE) {
		buf_json_key(out, "purged");
		buf_adds(out, "true");
	}
	if (events)
		ledger_each_entry(s->reader, b->n, history_add, &h);
	buf_json_key(out, "mailboxes");
	buf_addc(out, '[');
	ledger_each_delivery(s->reader, b->n, history_delivery, &h);
	for (size_t i = 0; i < h.ndeliveries; i++)
		delivery_json(&h, &h.deliveries[i]);
	buf_addc(out, ']');
	if (events) { /* the sender's own: its final, and what stands on its case */
		board_bundle_json(s, b->n, NULL, out);
		case_bundle_flags_json(s->reader, b->n, out);
	}
	buf_addc(out, '}');
	free(h.entries);
	free(h.deliveries);
}

struct listing {
	const char *agency;
	struct buf *out;
};

static void
evidence_row(void *ctx, const struct ledger_entry *entry)
{
	struct listing *list = ctx;
	struct buf *out = list->out;
	char text[TIME_TEXT], of[NAME_AGENCY];

	if (list->agency != NULL && entry->mailbox[0] != '\0') {
		name_agency(of, entry->mailbox);
		if (strcmp(of, list->agency) != 0)
			return;
	}
	buf_json_item(out);
	buf_addc(out, '{');
	buf_json_int(out, "seq", entry->seq);
	buf_json_str(out, "event", event_name(entry->event));
	if (entry->mailbox[0] != '\0')
		buf_json_str(out, "mailbox", entry->mailbox);
	time_format_ms(text, entry->time_ms);
	buf_json_str(out, "time", text);
	buf_json_str(out, "code", entry->code);
	buf_addc(out, '}');
}

void
evidence_list_json(struct ledger *l, const struct ledger_bundle *b, const char *agency,
		   struct buf *out)
{
	struct listing list = {agency, out};

	buf_addc(out, '{');
	buf_json_str(out, "bundle", b->id);
	buf_json_key(out, "evidence");
	buf_addc(out, '[');
	ledger_each_entry(l, b->n, evidence_row, &list);
	buf_adds(out, "]}");
}
