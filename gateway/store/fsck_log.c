/* fsck_log.c - facts 3, 5 and 6: the log's entries, its tree, its checkpoints. Runs in: store.
 * Owns: nothing. Trusts: nothing of it. */
#include <inttypes.h>
#include <string.h>

#include "safehand/digest.h"
#include "safehand/enc.h"
#include "safehand/entry.h"
#include "safehand/fetched.h"
#include "safehand/note.h"
#include "safehand/time.h"
#include "store/fsck_in.h"
#include "store/tree.h"

#define ENTRIES_A_SLICE	    256
#define NODES_A_SLICE	    1024
#define CHECKPOINTS_A_SLICE 64

/* --- [5] the entry says what its row says --- */

static bool
line_has(const struct buf *line, const char *key, const char *value)
{
	struct buf wanted = {0};
	bool there;

	buf_json_str(&wanted, key, value);
	there = memmem(line->data, line->len, wanted.data, wanted.len) != NULL;
	buf_free(&wanted);
	return there;
}

static bool
says_the_same(const struct ledger_entry *row, const struct buf *line, const char *id)
{
	char time[TIME_TEXT];
	struct buf seq = {0};
	bool same;

	time_format_ms(time, row->time_ms);
	buf_addf(&seq, "\"seq\":%" PRId64 ",", row->seq);
	same = memmem(line->data, line->len, seq.data, seq.len) != NULL &&
	       line_has(line, "time", time) &&
	       line_has(line, "event", event_name((enum entry_event)row->event)) &&
	       line_has(line, "code", row->code) && (id == NULL || line_has(line, "bundle", id)) &&
	       (row->mailbox[0] == '\0' || line_has(line, "mailbox", row->mailbox));
	buf_free(&seq);
	return same;
}

/* [12] Of whom, of what, and in words that can be read. */
static void
check_fetch(struct fsck *f, const struct ledger_entry *row)
{
	struct ledger_delivery d;
	struct fetched said;
	struct err e = {0};

	if (row->event != EVENT_FETCHED)
		return;
	if (!row->has_actor || row->bundle == 0 ||
	    !ledger_delivery(f->s->reader, row->bundle, row->mailbox, &d))
		fsck_problem(f, "entry %" PRId64 ": [12] fetched by nobody, or from nowhere",
			     row->seq);
	else if (fetched_parse(row->code, &said, &e) < 0)
		fsck_problem(f, "entry %" PRId64 ": [12] %s", row->seq, e.text);
}

static bool
wants_statement(uint32_t event)
{
	return event == EVENT_CONTENT_HANDOVER || event == EVENT_OPENED ||
	       event == EVENT_OPEN_FAILURE || event == EVENT_READ || event == EVENT_ANSWER;
}

static void
check_statement(struct fsck *f, const struct ledger_entry *row, const struct buf *line)
{
	struct buf content = {0}, signature = {0};
	uint8_t digest[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];

	if (!ledger_statement(f->s->reader, row->seq, &content, &signature)) {
		if (wants_statement(row->event))
			fsck_problem(f, "entry %" PRId64 ": [3] its statement is gone", row->seq);
	} else {
		digest_of(content.data, content.len, digest);
		hex_encode(hex, digest, sizeof digest);
		if (!line_has(line, "statement_sha256", hex))
			fsck_problem(f, "entry %" PRId64 ": [5] of another statement", row->seq);
	}
	buf_free(&content);
	buf_free(&signature);
}

/* --- [6] the tree, and each checkpoint's root --- */

static void
check_entry(struct fsck *f, const struct ledger_entry *row)
{
	uint8_t computed[DIGEST_BYTES], stored[DIGEST_BYTES];
	struct ledger_bundle b = {0};
	struct buf line = {0};
	struct err e = {0};

	ledger_line(f->s->reader, row->seq, &line);
	merkle_leaf(line.data, line.len, computed);
	if (tree_get(f->s->reader, 0, (uint64_t)row->seq, stored, &e) < 0 ||
	    memcmp(computed, stored, DIGEST_BYTES) != 0)
		fsck_problem(f, "entry %" PRId64 ": [6] not the leaf that was hashed", row->seq);
	else if (row->bundle > 0 && !ledger_bundle_at(f->s->reader, row->bundle, &b))
		fsck_problem(f, "entry %" PRId64 ": [5] of no bundle", row->seq);
	else if (!says_the_same(row, &line, b.n > 0 ? b.id : NULL))
		fsck_problem(f, "entry %" PRId64 ": [5] not what its row says", row->seq);
	else
		check_statement(f, row, &line);
	check_fetch(f, row);
	buf_free(&line);
}

bool
fsck_entries(struct fsck *f)
{
	struct ledger_entry row;

	for (unsigned i = 0; i < ENTRIES_A_SLICE && f->entries < f->size; i++) {
		if (!ledger_entry(f->s->reader, (int64_t)f->entries, &row)) {
			fsck_problem(f, "[3] entry %zu is missing", f->entries);
			return true;
		}
		check_entry(f, &row);
		f->entries++;
	}
	return f->entries == f->size;
}

/* Each subtree is that of its two halves. */
static void
check_node(struct fsck *f, unsigned level, uint64_t i)
{
	uint8_t left[DIGEST_BYTES], right[DIGEST_BYTES], node[DIGEST_BYTES];
	struct err e = {0};

	if (tree_get(f->s->reader, level - 1, 2 * i, left, &e) < 0 ||
	    tree_get(f->s->reader, level - 1, 2 * i + 1, right, &e) < 0) {
		fsck_problem(f, "[6] %s", e.text);
		return;
	}
	merkle_node(left, right, left);
	if (tree_get(f->s->reader, level, i, node, &e) < 0 || memcmp(left, node, DIGEST_BYTES) != 0)
		fsck_problem(f, "level %u hash %" PRIu64 ": [6] not that of its halves", level, i);
}

/* at: the leaf whose completed subtrees come next. */
bool
fsck_nodes(struct fsck *f)
{
	for (unsigned n = 0; n < NODES_A_SLICE && f->at < f->size; n++, f->at++)
		for (unsigned level = 1; level < 63 && (f->at + 1) % (UINT64_C(1) << level) == 0;
		     level++)
			check_node(f, level, f->at >> level);
	return f->at == f->size;
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
		fsck_problem(f, "checkpoint %" PRIu64 ": [6] %s", c->size, e.text);
	else if (said.size != c->size || memcmp(said.root, root, sizeof root) != 0)
		fsck_problem(f, "checkpoint %" PRIu64 ": [6] not of this tree", c->size);
}

bool
fsck_checkpoints(struct fsck *f)
{
	struct ledger_checkpoint c;
	struct buf note = {0};

	for (unsigned i = 0; i < CHECKPOINTS_A_SLICE && f->checkpoint < f->size; i++) {
		if (!ledger_checkpoint(f->s->reader, f->checkpoint + 1, &c, &note, NULL)) {
			fsck_problem(f,
				     "[3] %" PRIu64 " entries, the last checkpoint is of %" PRIu64,
				     f->size, f->checkpoint);
			return true;
		}
		f->checkpoints++;
		check_checkpoint(f, &c, &note);
		f->checkpoint = c.size;
		buf_clear(&note);
	}
	buf_free(&note);
	return f->checkpoint >= f->size;
}
