/* ledger_log.c - entries, tree, checkpoints, statements, roster history, subscriptions in the
 * ledger. Runs in: store. Owns: nothing of its own. Trusts: the database, as ledger.c does. */
#include "store/ledger_in.h"

/* --- entries --- */

void
ledger_entry_row(struct sql *s, unsigned q, int c, struct ledger_entry *out)
{
	*out = (struct ledger_entry){.seq = sql_int(s, q, c), .time_ms = sql_int(s, q, c + 1)};
	out->event = (uint32_t)sql_int(s, q, c + 2);
	out->bundle = sql_int(s, q, c + 3);
	sql_text(s, q, c + 4, out->mailbox, sizeof out->mailbox);
	out->part = sql_int(s, q, c + 5);
	out->has_actor = sql_digest(s, q, c + 6, out->actor);
	sql_text(s, q, c + 7, out->code, sizeof out->code);
	out->expectation = sql_int(s, q, c + 8);
}

void
ledger_add_entry(struct ledger *l, const struct ledger_entry *entry, const struct buf *line)
{
	int64_t mailbox = entry->mailbox[0] == '\0' ? 0 : ledger_mailbox(l, entry->mailbox);

	sql_do(l->sql, Q_ENTRY_ADD, "iiiiiiidtb", entry->seq, entry->time_ms, (int64_t)entry->event,
	       entry->bundle, entry->expectation, mailbox, entry->part,
	       entry->has_actor ? entry->actor : NULL, entry->code, line->data, line->len);
}

static bool
entry_one(struct ledger *l, unsigned q, struct ledger_entry *out)
{
	if (!sql_next(l->sql, q))
		return false;
	ledger_entry_row(l->sql, q, 0, out);
	sql_done(l->sql, q);
	return true;
}

bool
ledger_entry(struct ledger *l, int64_t seq, struct ledger_entry *out)
{
	sql_bind(l->sql, Q_ENTRY, "i", seq);
	return entry_one(l, Q_ENTRY, out);
}

void
ledger_line(struct ledger *l, int64_t seq, struct buf *out)
{
	sql_bind(l->sql, Q_LINE, "i", seq);
	if (!sql_next(l->sql, Q_LINE))
		return;
	sql_bytes(l->sql, Q_LINE, 0, out);
	sql_done(l->sql, Q_LINE);
}

bool
ledger_find_entry(struct ledger *l, int64_t bundle, const char *mailbox, uint32_t event,
		  int64_t part, struct ledger_entry *out)
{
	sql_bind(l->sql, Q_ENTRY_FIND, "itii", bundle, mailbox, (int64_t)event, part);
	return entry_one(l, Q_ENTRY_FIND, out);
}

bool
ledger_find_expected(struct ledger *l, int64_t expectation, const char *mailbox, uint32_t event,
		     int64_t part, struct ledger_entry *out)
{
	sql_bind(l->sql, Q_ENTRY_EXPECTED, "itii", expectation, mailbox, (int64_t)event, part);
	return entry_one(l, Q_ENTRY_EXPECTED, out);
}

bool
ledger_last_fetch(struct ledger *l, int64_t bundle, const char *mailbox,
		  const uint8_t actor[static DIGEST_BYTES], int64_t *time_ms)
{
	sql_bind(l->sql, Q_FETCH_LAST, "itid", bundle, mailbox, (int64_t)EVENT_FETCHED, actor);
	if (!sql_next(l->sql, Q_FETCH_LAST))
		return false;
	*time_ms = sql_int(l->sql, Q_FETCH_LAST, 0);
	sql_done(l->sql, Q_FETCH_LAST);
	return true;
}

void
ledger_each_entry(struct ledger *l, int64_t bundle,
		  void (*each)(void *ctx, const struct ledger_entry *entry), void *ctx)
{
	struct ledger_entry entry;

	sql_bind(l->sql, Q_ENTRIES, "i", bundle);
	while (sql_next(l->sql, Q_ENTRIES)) {
		ledger_entry_row(l->sql, Q_ENTRIES, 0, &entry);
		each(ctx, &entry);
	}
}

void
ledger_feed(struct ledger *l, const char *mailbox, int64_t after, uint32_t limit,
	    void (*each)(void *ctx, const struct ledger_feed_item *item), void *ctx)
{
	struct ledger_feed_item i;

	sql_bind(l->sql, Q_FEED, "tii", mailbox, after, (int64_t)limit);
	while (sql_next(l->sql, Q_FEED)) {
		ledger_entry_row(l->sql, Q_FEED, 0, &i.entry);
		ledger_bundle_row(l->sql, Q_FEED, COLUMNS_ENTRY, &i.bundle);
		ledger_delivery_row(l->sql, Q_FEED, COLUMNS_ENTRY + COLUMNS_BUNDLE, &i.delivery);
		each(ctx, &i);
	}
}

/* --- tree, checkpoints, statements --- */

void
ledger_add_hash(struct ledger *l, int64_t i, const uint8_t hash[static DIGEST_BYTES])
{
	sql_do(l->sql, Q_HASH_ADD, "id", i, hash);
}

bool
ledger_hash(struct ledger *l, int64_t i, uint8_t hash[static DIGEST_BYTES])
{
	bool found;

	sql_bind(l->sql, Q_HASH, "i", i);
	if (!sql_next(l->sql, Q_HASH))
		return false;
	found = sql_digest(l->sql, Q_HASH, 0, hash);
	sql_done(l->sql, Q_HASH);
	return found;
}

void
ledger_add_checkpoint(struct ledger *l, const struct ledger_checkpoint *c, const struct buf *note,
		      const struct buf *token)
{
	sql_do(l->sql, Q_CHECKPOINT_ADD, "iibb", (int64_t)c->size, c->time_ms, note->data,
	       note->len, token->data, token->len);
}

static bool
checkpoint_one(struct ledger *l, unsigned q, struct ledger_checkpoint *out, struct buf *note,
	       struct buf *token)
{
	if (!sql_next(l->sql, q))
		return false;
	out->size = (uint64_t)sql_int(l->sql, q, 0);
	out->time_ms = sql_int(l->sql, q, 1);
	if (note != NULL)
		sql_bytes(l->sql, q, 2, note);
	if (token != NULL)
		sql_bytes(l->sql, q, 3, token);
	sql_done(l->sql, q);
	return true;
}

bool
ledger_last_checkpoint(struct ledger *l, struct ledger_checkpoint *out, struct buf *note,
		       struct buf *token)
{
	sql_bind(l->sql, Q_CHECKPOINT_LAST, "");
	return checkpoint_one(l, Q_CHECKPOINT_LAST, out, note, token);
}

bool
ledger_checkpoint(struct ledger *l, uint64_t size, struct ledger_checkpoint *out, struct buf *note,
		  struct buf *token)
{
	sql_bind(l->sql, Q_CHECKPOINT_AT, "i", (int64_t)size);
	return checkpoint_one(l, Q_CHECKPOINT_AT, out, note, token);
}

void
ledger_add_stamp(struct ledger *l, uint64_t size, const char *tsa, int64_t time_ms,
		 const void *token, size_t n)
{
	sql_do(l->sql, Q_STAMP_ADD, "itib", (int64_t)size, tsa, time_ms, token, n);
}

void
ledger_add_statement(struct ledger *l, int64_t seq, const void *content, size_t content_bytes,
		     const void *signature, size_t signature_bytes)
{
	sql_do(l->sql, Q_STATEMENT_ADD, "ibb", seq, content, content_bytes, signature,
	       signature_bytes);
}

bool
ledger_statement(struct ledger *l, int64_t seq, struct buf *content, struct buf *signature)
{
	sql_bind(l->sql, Q_STATEMENT, "i", seq);
	if (!sql_next(l->sql, Q_STATEMENT))
		return false;
	sql_bytes(l->sql, Q_STATEMENT, 0, content);
	sql_bytes(l->sql, Q_STATEMENT, 1, signature);
	sql_done(l->sql, Q_STATEMENT);
	return true;
}

/* --- roster, subscriptions --- */

bool
ledger_last_roster(struct ledger *l, uint64_t *serial, uint8_t digest[static DIGEST_BYTES])
{
	sql_bind(l->sql, Q_ROSTER_LAST, "");
	if (!sql_next(l->sql, Q_ROSTER_LAST))
		return false;
	*serial = (uint64_t)sql_int(l->sql, Q_ROSTER_LAST, 0);
	sql_digest(l->sql, Q_ROSTER_LAST, 1, digest);
	sql_done(l->sql, Q_ROSTER_LAST);
	return true;
}

void
ledger_add_roster(struct ledger *l, uint64_t serial, const uint8_t digest[static DIGEST_BYTES],
		  int64_t seq)
{
	sql_do(l->sql, Q_ROSTER_ADD, "idi", (int64_t)serial, digest, seq);
}

bool
ledger_subscribe(struct ledger *l, const char *kind, const char *value, const char *mailbox,
		 int64_t since_ms)
{
	return sql_do(l->sql, Q_SUBSCRIBE, "ttti", kind, value, mailbox, since_ms) > 0;
}

bool
ledger_unsubscribe(struct ledger *l, const char *kind, const char *value, const char *mailbox)
{
	return sql_do(l->sql, Q_UNSUBSCRIBE, "ttt", kind, value, mailbox) > 0;
}

void
ledger_each_subscription(struct ledger *l, const char *mailbox,
			 void (*each)(void *ctx, const char *kind, const char *value,
				      int64_t since_ms),
			 void *ctx)
{
	char kind[16], value[NAME_CLASS];

	sql_bind(l->sql, Q_SUBSCRIPTIONS, "t", mailbox);
	while (sql_next(l->sql, Q_SUBSCRIPTIONS)) {
		sql_text(l->sql, Q_SUBSCRIPTIONS, 0, kind, sizeof kind);
		sql_text(l->sql, Q_SUBSCRIPTIONS, 1, value, sizeof value);
		each(ctx, kind, value, sql_int(l->sql, Q_SUBSCRIPTIONS, 2));
	}
}

void
ledger_each_subscriber(struct ledger *l, const char *kind, const char *value,
		       void (*each)(void *ctx, const char *mailbox), void *ctx)
{
	char mailbox[NAME_MAILBOX];

	sql_bind(l->sql, Q_SUBSCRIBERS, "tt", kind, value);
	while (sql_next(l->sql, Q_SUBSCRIBERS)) {
		sql_text(l->sql, Q_SUBSCRIBERS, 0, mailbox, sizeof mailbox);
		each(ctx, mailbox);
	}
}
