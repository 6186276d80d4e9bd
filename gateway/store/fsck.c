/* fsck.c - walks the numbered facts of safehand-store(8) over all that is on disk. Runs in: store,
 * between two groups; the gateway waits for it. Owns: nothing. Trusts: nothing of it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/entry.h"
#include "safehand/note.h"
#include "store/control.h"
#include "store/tree.h"

#define PROBLEMS_MAX 100 /* told by name; the rest is counted */

struct fsck {
	struct store *s;
	struct buf problems; /* JSON strings */
	size_t found, bundles, records, entries, checkpoints;
	int64_t bundle; /* whose deliveries are looked at */
	const char *id;
};

static void __attribute__((format(printf, 2, 3))) problem(struct fsck *f, const char *fmt, ...)
{
	struct err e;
	char text[ERR_TEXT_MAX];
	va_list ap;

	if (f->found++ >= PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(&e, ERR_FAIL, "%s", text);
	if (f->problems.len > 0)
		buf_addc(&f->problems, ',');
	buf_json(&f->problems, e.text);
}

/* --- [1] no row without bytes, [5] each event once --- */

static void
check_delivery(void *ctx, const struct ledger_delivery *d)
{
	struct fsck *f = ctx;
	struct ledger_entry entry;
	bool consigned = ledger_find_entry(f->s->reader, f->bundle, d->mailbox,
					   EVENT_CONTENT_CONSIGNMENT, 0, &entry);

	if (!d->cover && !consigned)
		problem(f, "%s: no ContentConsignment to %s", f->id, d->mailbox);
	if (d->state == DELIVERY_WITHHELD && consigned)
		problem(f, "%s: consigned to %s, which is withheld", f->id, d->mailbox);
}

static void
check_bundle(struct fsck *f, const struct ledger_bundle *b)
{
	struct ledger_entry entry;
	struct err e = {0};

	f->bundles++;
	if (b->state != BUNDLE_PURGED && !ledger_is_quarantined(f->s->reader, b->n) &&
	    spool_check(f->s->spool, b->id, &b->place, b->state == BUNDLE_ERASED, &e) < 0)
		problem(f, "%s: [1] %s", b->id, e.text);
	if (!ledger_find_entry(f->s->reader, b->n, "", EVENT_SUBMISSION_ACCEPTANCE, 0, &entry))
		problem(f, "%s: [5] no SubmissionAcceptance", b->id);
	f->bundle = b->n;
	f->id = b->id;
	ledger_each_delivery(f->s->reader, b->n, check_delivery, f);
}

static void
check_bundles(struct fsck *f)
{
	struct ledger_totals t;
	struct ledger_bundle b;

	ledger_totals(f->s->reader, &t);
	for (int64_t n = 1; n <= t.bundles; n++)
		if (ledger_bundle_at(f->s->reader, n, &b))
			check_bundle(f, &b);
}

/* --- [2] no bytes without a row --- */

static int
check_record(void *ctx, const char *id, const struct spool_place *at)
{
	struct fsck *f = ctx;
	struct ledger_bundle b;

	f->records++;
	if (id[0] == '\0')
		problem(f, "journal: segment %" PRIu32 " offset %" PRIu64 ": damaged from here on",
			at->segment, at->offset);
	else if (!ledger_bundle(f->s->reader, id, &b) || b.place.segment != at->segment ||
		 b.place.offset != at->offset)
		problem(f, "%s: [2] bytes without a row", id);
	return 0;
}

/* --- [6] the tree, and each checkpoint's root --- */

static void
check_entries(struct fsck *f)
{
	uint8_t computed[DIGEST_BYTES], stored[DIGEST_BYTES];
	struct ledger_entry entry;
	struct buf line = {0};
	struct err e = {0};

	for (; ledger_entry(f->s->reader, (int64_t)f->entries, &entry); f->entries++) {
		buf_clear(&line);
		ledger_line(f->s->reader, entry.seq, &line);
		merkle_leaf(line.data, line.len, computed);
		if (tree_get(f->s->reader, 0, f->entries, stored, &e) < 0 ||
		    memcmp(computed, stored, DIGEST_BYTES) != 0)
			problem(f, "entry %zu: [6] not the leaf that was hashed", f->entries);
	}
	buf_free(&line);
}

/* Each subtree is that of its two halves. */
static void
check_nodes(struct fsck *f)
{
	uint8_t left[DIGEST_BYTES], right[DIGEST_BYTES], node[DIGEST_BYTES];
	struct err e = {0};

	for (unsigned level = 1; level < 63 && f->entries >> level > 0; level++)
		for (uint64_t i = 0; i < f->entries >> level; i++) {
			if (tree_get(f->s->reader, level - 1, 2 * i, left, &e) < 0 ||
			    tree_get(f->s->reader, level - 1, 2 * i + 1, right, &e) < 0) {
				problem(f, "[6] %s", e.text);
				continue;
			}
			merkle_node(left, right, left);
			if (tree_get(f->s->reader, level, i, node, &e) < 0 ||
			    memcmp(left, node, DIGEST_BYTES) != 0)
				problem(f, "level %u hash %" PRIu64 ": [6] not that of its halves",
					level, i);
		}
}

static void
check_checkpoint(struct fsck *f, const struct ledger_checkpoint *c, const struct buf *note)
{
	struct checkpoint said;
	uint8_t root[DIGEST_BYTES];
	struct err e = {0};
	size_t text;

	if (note_text(note->data, note->len, &text, &e) < 0 ||
	    checkpoint_parse(note->data, text, &said, &e) < 0 ||
	    merkle_root(c->size, tree_get, f->s->reader, root, &e) < 0)
		problem(f, "checkpoint %" PRIu64 ": [6] %s", c->size, e.text);
	else if (said.size != c->size || memcmp(said.root, root, sizeof root) != 0)
		problem(f, "checkpoint %" PRIu64 ": [6] not of this tree", c->size);
}

static void
check_checkpoints(struct fsck *f)
{
	struct ledger_checkpoint c = {0};
	struct buf note = {0};

	while (ledger_checkpoint(f->s->reader, c.size + 1, &c, &note, NULL)) {
		f->checkpoints++;
		check_checkpoint(f, &c, &note);
		buf_clear(&note);
	}
	if (c.size != f->entries)
		problem(f, "[3] %zu entries, the last checkpoint is of %" PRIu64, f->entries,
			c.size);
	buf_free(&note);
}

void
fsck_json(struct store *s, struct buf *json)
{
	struct fsck f = {.s = s};
	struct buf text = {0};
	struct err e = {0};

	if (!ledger_integrity(s->reader, &text))
		problem(&f, "ledger: %s", buf_str(&text));
	check_bundles(&f);
	if (spool_walk(s->spool, check_record, &f, &e) < 0)
		problem(&f, "spool: %s", e.text);
	check_entries(&f);
	check_nodes(&f);
	check_checkpoints(&f);
	buf_addc(json, '{');
	buf_json_key(json, "ok");
	buf_adds(json, f.found == 0 ? "true" : "false");
	buf_json_int(json, "bundles", (int64_t)f.bundles);
	buf_json_int(json, "records", (int64_t)f.records);
	buf_json_int(json, "entries", (int64_t)f.entries);
	buf_json_int(json, "checkpoints", (int64_t)f.checkpoints);
	buf_json_int(json, "found", (int64_t)f.found);
	buf_json_key(json, "problems");
	buf_addf(json, "[%s]}", buf_str(&f.problems));
	buf_free(&f.problems);
	buf_free(&text);
}
