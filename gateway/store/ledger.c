/* ledger.c - bundles, deliveries, mailboxes in the ledger. Runs in: store. Owns: one connection.
 * Trusts: the database that it opened; the columns are of the types that it wrote. */
#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/ledger_in.h"

/* --- life --- */

/* Started as root it is still the data folder's owner's, who is whom the store becomes; SQLite
 * gives its other files to the owner of this one. */
static int
file_make(int datafd, struct err *e)
{
	int fd = disk_open(datafd, "ledger.db", O_RDWR | O_CREAT), rc = 0;
	struct stat st;

	if (fd < 0 || fstat(datafd, &st) < 0)
		return err_sys(e, "ledger.db");
	if (geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) < 0)
		rc = err_sys(e, "ledger.db: owner");
	close(fd);
	return rc;
}

int
ledger_open(int datafd, bool writer, struct ledger **out, struct err *e)
{
	struct sql *sql;

	if (fchdir(datafd) < 0)
		return err_sys(e, "data folder");
	if (writer && file_make(datafd, e) < 0)
		return -1;
	if (sql_open("ledger.db", &ledger_schema, writer, &sql, e) < 0)
		return -1;
	*out = mem_alloc(sizeof **out);
	(*out)->sql = sql;
	return 0;
}

void
ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	sql_close(l->sql);
	free(l);
}

void
ledger_begin(struct ledger *l)
{
	sql_begin(l->sql);
}

void
ledger_commit(struct ledger *l)
{
	sql_commit(l->sql);
}

void
ledger_rollback(struct ledger *l)
{
	sql_rollback(l->sql);
}

void
ledger_hold(struct ledger *reader)
{
	sql_hold(reader->sql);
}

void
ledger_release(struct ledger *reader)
{
	sql_release(reader->sql);
}

/* --- values --- */

void
ledger_set_value(struct ledger *l, const char *name, const char *value)
{
	sql_do(l->sql, Q_VALUE_SET, "tt", name, value);
}

bool
ledger_value(struct ledger *l, const char *name, struct buf *out)
{
	sql_bind(l->sql, Q_VALUE, "t", name);
	if (!sql_next(l->sql, Q_VALUE))
		return false;
	sql_bytes(l->sql, Q_VALUE, 0, out);
	sql_done(l->sql, Q_VALUE);
	return true;
}

bool
ledger_unset_value(struct ledger *l, const char *name)
{
	return sql_do(l->sql, Q_VALUE_END, "t", name) > 0;
}

void
ledger_each_value(struct ledger *l, const char *prefix,
		  void (*each)(void *ctx, const char *name, const char *value), void *ctx)
{
	char name[LEDGER_VALUE_TEXT], value[LEDGER_VALUE_TEXT];

	sql_bind(l->sql, Q_VALUES, "t", prefix);
	while (sql_next(l->sql, Q_VALUES)) {
		sql_text(l->sql, Q_VALUES, 0, name, sizeof name);
		sql_text(l->sql, Q_VALUES, 1, value, sizeof value);
		each(ctx, name, value);
	}
}

void
ledger_set_tail(struct ledger *l, uint32_t segment, uint64_t end)
{
	struct buf b = {0};

	buf_addf(&b, "%" PRIu32 " %" PRIu64, segment, end);
	ledger_set_value(l, "journal", buf_str(&b));
	buf_free(&b);
}

void
ledger_tail(struct ledger *l, uint32_t *segment, uint64_t *end)
{
	struct buf b = {0};
	char *rest = NULL;

	*segment = 0;
	*end = 0;
	if (ledger_value(l, "journal", &b)) {
		*segment = (uint32_t)strtoul(buf_str(&b), &rest, 10);
		*end = strtoull(rest, NULL, 10);
	}
	buf_free(&b);
}

/* --- bundles --- */

void
ledger_bundle_row(struct sql *s, unsigned q, int c, struct ledger_bundle *out)
{
	*out = (struct ledger_bundle){.n = sql_int(s, q, c)};
	sql_text(s, q, c + 1, out->id, sizeof out->id);
	sql_text(s, q, c + 2, out->from, sizeof out->from);
	sql_text(s, q, c + 3, out->klass, sizeof out->klass);
	out->provisional = (uint32_t)sql_int(s, q, c + 4);
	out->concern = (uint32_t)sql_int(s, q, c + 5);
	out->created_ms = sql_int(s, q, c + 6);
	out->event_at_ms = sql_is_null(s, q, c + 7) ? INT64_MIN : sql_int(s, q, c + 7);
	out->accepted_ms = sql_int(s, q, c + 8);
	out->purge_ms = sql_int(s, q, c + 9);
	sql_text(s, q, c + 10, out->reply_to, sizeof out->reply_to);
	sql_text(s, q, c + 11, out->supersedes, sizeof out->supersedes);
	sql_digest(s, q, c + 12, out->head_sha256);
	sql_digest(s, q, c + 13, out->manifest_sha256);
	out->manifest_bytes = (uint32_t)sql_int(s, q, c + 14);
	out->signature_bytes = (uint32_t)sql_int(s, q, c + 15);
	out->slots_bytes = (uint32_t)sql_int(s, q, c + 16);
	out->payload_bytes = (uint64_t)sql_int(s, q, c + 17);
	out->place.segment = (uint32_t)sql_int(s, q, c + 18);
	out->place.offset = (uint64_t)sql_int(s, q, c + 19);
	out->place.kept = BUNDLE_FIXED_BYTES + (uint64_t)out->manifest_bytes + out->signature_bytes;
	out->place.length = out->place.kept + out->slots_bytes + out->payload_bytes;
	out->state = (enum ledger_bundle_state)sql_int(s, q, c + 20);
}

static void
agency_add(struct ledger *l, const struct ledger_bundle *b, int64_t sign)
{
	char agency[NAME_AGENCY];

	name_agency(agency, b->from);
	sql_do(l->sql, Q_AGENCY_ADD, "tii", agency, sign, sign * (int64_t)b->place.length);
}

void
ledger_add_bundle(struct ledger *l, struct ledger_bundle *b)
{
	sql_do(l->sql, Q_BUNDLE_ADD, "tttiiiiiittddiiiiii", b->id, b->from, b->klass,
	       (int64_t)b->provisional, (int64_t)b->concern, b->created_ms, b->event_at_ms,
	       b->accepted_ms, b->purge_ms, b->reply_to, b->supersedes, b->head_sha256,
	       b->manifest_sha256, (int64_t)b->manifest_bytes, (int64_t)b->signature_bytes,
	       (int64_t)b->slots_bytes, (int64_t)b->payload_bytes, (int64_t)b->place.segment,
	       (int64_t)b->place.offset);
	b->n = sql_last_id(l->sql);
	agency_add(l, b, 1);
}

static bool
bundle_one(struct ledger *l, unsigned q, struct ledger_bundle *out)
{
	if (!sql_next(l->sql, q))
		return false;
	ledger_bundle_row(l->sql, q, 0, out);
	sql_done(l->sql, q);
	return true;
}

bool
ledger_bundle(struct ledger *l, const char *id, struct ledger_bundle *out)
{
	sql_bind(l->sql, Q_BUNDLE_ID, "t", id);
	return bundle_one(l, Q_BUNDLE_ID, out);
}

bool
ledger_bundle_quietly(struct ledger *l, const char *id, struct ledger_bundle *out)
{
	*out = (struct ledger_bundle){0};
	sql_bind(l->sql, Q_BUNDLE_QUIETLY, "t", id);
	return bundle_one(l, Q_BUNDLE_QUIETLY, out) && strcmp(out->id, id) == 0;
}

bool
ledger_bundle_at(struct ledger *l, int64_t n, struct ledger_bundle *out)
{
	sql_bind(l->sql, Q_BUNDLE_N, "i", n);
	return bundle_one(l, Q_BUNDLE_N, out);
}

void
ledger_set_bundle_state(struct ledger *l, const struct ledger_bundle *b,
			enum ledger_bundle_state state)
{
	sql_do(l->sql, Q_BUNDLE_STATE, "ii", (int64_t)state, b->n);
	if (b->state == BUNDLE_LIVE && state != BUNDLE_LIVE)
		agency_add(l, b, -1);
}

const char *
ledger_or_null(const char *s)
{
	return s == NULL ? "" : s;
}

void
ledger_each_bundle(struct ledger *l, const struct ledger_filter *f,
		   void (*each)(void *ctx, const struct ledger_bundle *b), void *ctx)
{
	struct ledger_bundle b;

	sql_bind(l->sql, Q_BUNDLES, "ittti", f->before, ledger_or_null(f->agency),
		 ledger_or_null(f->mailbox), ledger_or_null(f->klass), (int64_t)f->limit);
	while (sql_next(l->sql, Q_BUNDLES)) {
		ledger_bundle_row(l->sql, Q_BUNDLES, 0, &b);
		each(ctx, &b);
	}
}

static size_t
numbers(struct ledger *l, unsigned q, int64_t *out, size_t max)
{
	size_t n = 0;

	while (sql_next(l->sql, q)) {
		assert(n < max);
		out[n++] = sql_int(l->sql, q, 0);
	}
	return n;
}

size_t
ledger_purge_due(struct ledger *l, int64_t now_ms, int64_t *out, size_t max)
{
	sql_bind(l->sql, Q_PURGE_DUE, "ii", now_ms, (int64_t)max);
	return numbers(l, Q_PURGE_DUE, out, max);
}

size_t
ledger_erase_due(struct ledger *l, int64_t *out, size_t max)
{
	sql_bind(l->sql, Q_ERASE_DUE, "i", (int64_t)max);
	return numbers(l, Q_ERASE_DUE, out, max);
}

void
ledger_agency(struct ledger *l, const char *agency, int64_t *bundles, int64_t *bytes)
{
	*bundles = *bytes = 0;
	sql_bind(l->sql, Q_AGENCY, "t", agency);
	if (!sql_next(l->sql, Q_AGENCY))
		return;
	*bundles = sql_int(l->sql, Q_AGENCY, 0);
	*bytes = sql_int(l->sql, Q_AGENCY, 1);
	sql_done(l->sql, Q_AGENCY);
}

/* --- deliveries --- */

/* 0: there is none. */
static int64_t
mailbox_find(struct ledger *l, const char *name)
{
	int64_t n = 0;

	sql_bind(l->sql, Q_MAILBOX_N, "t", name);
	if (sql_next(l->sql, Q_MAILBOX_N)) {
		n = sql_int(l->sql, Q_MAILBOX_N, 0);
		sql_done(l->sql, Q_MAILBOX_N);
	}
	return n;
}

int64_t
ledger_mailbox(struct ledger *l, const char *name)
{
	int64_t n = mailbox_find(l, name);

	if (n > 0)
		return n;
	sql_do(l->sql, Q_MAILBOX_ADD, "t", name);
	return sql_last_id(l->sql);
}

void
ledger_delivery_row(struct sql *s, unsigned q, int c, struct ledger_delivery *out)
{
	*out = (struct ledger_delivery){.bundle = sql_int(s, q, c)};
	sql_text(s, q, c + 1, out->mailbox, sizeof out->mailbox);
	out->slot = (uint32_t)sql_int(s, q, c + 2);
	out->cover = sql_int(s, q, c + 3) != 0;
	sql_text(s, q, c + 4, out->covers, sizeof out->covers);
	out->state = (uint32_t)sql_int(s, q, c + 5);
}

void
ledger_add_delivery(struct ledger *l, const struct ledger_delivery *d, bool waiting)
{
	int64_t n = ledger_mailbox(l, d->mailbox);

	sql_do(l->sql, Q_DELIVERY_ADD, "iiiitii", d->bundle, n, (int64_t)d->slot, (int64_t)d->cover,
	       d->covers, (int64_t)d->state, (int64_t)waiting);
	if (waiting)
		sql_do(l->sql, Q_MAILBOX_COUNT, "ii", (int64_t)1, n);
}

bool
ledger_delivery(struct ledger *l, int64_t bundle, const char *mailbox, struct ledger_delivery *out)
{
	sql_bind(l->sql, Q_DELIVERY, "it", bundle, mailbox);
	if (!sql_next(l->sql, Q_DELIVERY))
		return false;
	ledger_delivery_row(l->sql, Q_DELIVERY, 0, out);
	sql_done(l->sql, Q_DELIVERY);
	return true;
}

void
ledger_set_delivery_state(struct ledger *l, const struct ledger_delivery *d, uint32_t state,
			  bool waiting)
{
	int64_t n = mailbox_find(l, d->mailbox), was = 0;

	sql_bind(l->sql, Q_DELIVERY_WAITING, "ii", d->bundle, n);
	if (sql_next(l->sql, Q_DELIVERY_WAITING)) {
		was = sql_int(l->sql, Q_DELIVERY_WAITING, 0);
		sql_done(l->sql, Q_DELIVERY_WAITING);
	}
	sql_do(l->sql, Q_DELIVERY_STATE, "iiii", (int64_t)state, (int64_t)waiting, d->bundle, n);
	if (was != (int64_t)waiting)
		sql_do(l->sql, Q_MAILBOX_COUNT, "ii", (int64_t)waiting - was, n);
}

void
ledger_set_delivery_content(struct ledger *l, const struct ledger_delivery *d,
			    const uint8_t digest[static DIGEST_BYTES])
{
	sql_do(l->sql, Q_DELIVERY_OPENED, "dii", digest, d->bundle, mailbox_find(l, d->mailbox));
}

bool
ledger_delivery_content(struct ledger *l, const struct ledger_delivery *d,
			uint8_t out[static DIGEST_BYTES])
{
	bool there = false;

	sql_bind(l->sql, Q_DELIVERY_CONTENT, "ii", d->bundle, mailbox_find(l, d->mailbox));
	if (!sql_next(l->sql, Q_DELIVERY_CONTENT))
		return false;
	if (!sql_is_null(l->sql, Q_DELIVERY_CONTENT, 0))
		there = sql_digest(l->sql, Q_DELIVERY_CONTENT, 0, out);
	sql_done(l->sql, Q_DELIVERY_CONTENT);
	return there;
}

void
ledger_each_delivery(struct ledger *l, int64_t bundle,
		     void (*each)(void *ctx, const struct ledger_delivery *d), void *ctx)
{
	struct ledger_delivery d;

	sql_bind(l->sql, Q_DELIVERIES, "i", bundle);
	while (sql_next(l->sql, Q_DELIVERIES)) {
		ledger_delivery_row(l->sql, Q_DELIVERIES, 0, &d);
		each(ctx, &d);
	}
}

bool
ledger_is_recipient(struct ledger *l, int64_t bundle, const char *agency)
{
	bool is;

	/* '0' is what follows '/': the names that begin with the agency's */
	sql_bind(l->sql, Q_IS_RECIPIENT, "iti", bundle, agency, (int64_t)DELIVERY_WITHHELD);
	is = sql_next(l->sql, Q_IS_RECIPIENT) && sql_int(l->sql, Q_IS_RECIPIENT, 0) != 0;
	sql_done(l->sql, Q_IS_RECIPIENT);
	return is;
}

void
ledger_each_mailbox(struct ledger *l, void (*each)(void *ctx, const struct ledger_mailbox *m),
		    void *ctx)
{
	struct ledger_mailbox m;

	sql_bind(l->sql, Q_MAILBOXES, "");
	while (sql_next(l->sql, Q_MAILBOXES)) {
		sql_text(l->sql, Q_MAILBOXES, 0, m.name, sizeof m.name);
		m.waiting = sql_int(l->sql, Q_MAILBOXES, 1);
		m.oldest_ms = sql_int(l->sql, Q_MAILBOXES, 2);
		each(ctx, &m);
	}
}

/* --- quarantine, totals --- */

void
ledger_quarantine(struct ledger *l, int64_t bundle, int64_t since_ms, const char *why)
{
	sql_do(l->sql, Q_QUARANTINE, "iit", bundle, since_ms, why);
}

void
ledger_unquarantine(struct ledger *l, int64_t bundle)
{
	sql_do(l->sql, Q_UNQUARANTINE, "i", bundle);
}

bool
ledger_is_quarantined(struct ledger *l, int64_t bundle)
{
	sql_bind(l->sql, Q_IS_QUARANTINED, "i", bundle);
	if (!sql_next(l->sql, Q_IS_QUARANTINED))
		return false;
	sql_done(l->sql, Q_IS_QUARANTINED);
	return true;
}

bool
ledger_is_held(struct ledger *l, int64_t bundle)
{
	char why[ERR_TEXT_MAX];

	sql_bind(l->sql, Q_IS_QUARANTINED, "i", bundle);
	if (!sql_next(l->sql, Q_IS_QUARANTINED))
		return false;
	sql_text(l->sql, Q_IS_QUARANTINED, 0, why, sizeof why);
	sql_done(l->sql, Q_IS_QUARANTINED);
	return strcmp(why, QUARANTINE_HELD) == 0;
}

void
ledger_each_quarantined(struct ledger *l,
			void (*each)(void *ctx, const struct ledger_bundle *b, int64_t since_ms,
				     const char *why),
			void *ctx)
{
	struct ledger_bundle b;
	char why[ERR_TEXT_MAX];

	sql_bind(l->sql, Q_QUARANTINED, "");
	while (sql_next(l->sql, Q_QUARANTINED)) {
		ledger_bundle_row(l->sql, Q_QUARANTINED, 0, &b);
		sql_text(l->sql, Q_QUARANTINED, COLUMNS_BUNDLE + 1, why, sizeof why);
		each(ctx, &b, sql_int(l->sql, Q_QUARANTINED, COLUMNS_BUNDLE), why);
	}
}

void
ledger_totals(struct ledger *l, struct ledger_totals *out)
{
	sql_bind(l->sql, Q_TOTALS, "");
	sql_next(l->sql, Q_TOTALS);
	out->bundles = sql_int(l->sql, Q_TOTALS, 0);
	out->live = sql_int(l->sql, Q_TOTALS, 1);
	out->waiting = sql_int(l->sql, Q_TOTALS, 2);
	out->entries = sql_int(l->sql, Q_TOTALS, 3);
	out->quarantined = sql_int(l->sql, Q_TOTALS, 4);
	sql_done(l->sql, Q_TOTALS);
}

int
ledger_still(struct ledger *l, struct err *e)
{
	return sql_still(l->sql, e);
}

void
ledger_move(struct ledger *l)
{
	sql_move(l->sql);
}

bool
ledger_integrity(struct ledger *l, unsigned part, struct buf *text)
{
	return sql_integrity(l->sql, part, text);
}

static bool
recount(struct ledger *l, unsigned q, char name[static NAME_MAILBOX])
{
	sql_bind(l->sql, q, "");
	if (!sql_next(l->sql, q))
		return true;
	sql_text(l->sql, q, 0, name, NAME_MAILBOX);
	sql_done(l->sql, q);
	return false;
}

bool
ledger_recount_agencies(struct ledger *l, char name[static NAME_MAILBOX])
{
	return recount(l, Q_RECOUNT_AGENCIES, name);
}

bool
ledger_recount_mailboxes(struct ledger *l, char name[static NAME_MAILBOX])
{
	return recount(l, Q_RECOUNT_MAILBOXES, name);
}
