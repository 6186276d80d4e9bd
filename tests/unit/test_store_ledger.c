/* The ledger: rows come back as they went in, nothing is seen before its commit, counters agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/ledger.h"

static char folder[] = "/tmp/safehand-ledger-XXXXXX";
static int datafd = -1;
static struct ledger *w, *r;

static int
setup(void **state)
{
	struct err e = {0};

	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	datafd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(datafd >= 0);
	if (ledger_open(datafd, true, &w, &e) < 0 || ledger_open(datafd, false, &r, &e) < 0)
		fail_msg("%s", e.text);
	return 0;
}

static int
teardown(void **state)
{
	char command[64];

	ledger_close(r);
	ledger_close(w);
	w = r = NULL;
	close(datafd);
	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static struct ledger_bundle
bundle_make(unsigned n)
{
	struct ledger_bundle b = {.from = "csc/mash",
				  .klass = "strategy-minutes",
				  .provisional = 1,
				  .concern = 2,
				  .created_ms = 1000 + n,
				  .event_at_ms = n % 2 == 0 ? 900 : INT64_MIN,
				  .accepted_ms = 2000 + n,
				  .purge_ms = 100000 + n,
				  .reply_to = "019ab000-0000-7000-8000-00000000aaaa",
				  .manifest_bytes = 700,
				  .signature_bytes = 1500,
				  .slots_bytes = 160,
				  .payload_bytes = 5000,
				  .place = {.segment = 3, .offset = 64 + 8192 * (uint64_t)n}};

	snprintf(b.id, sizeof b.id, "019ab000-0000-7000-8000-%012x", n);
	memset(b.head_sha256, (int)n, DIGEST_BYTES);
	memset(b.manifest_sha256, (int)n + 100, DIGEST_BYTES);
	b.place.kept = 24 + 700 + 1500;
	b.place.length = b.place.kept + 160 + 5000;
	return b;
}

static void
deliver(int64_t bundle, const char *mailbox, uint32_t slot, bool cover)
{
	struct ledger_delivery d = {.bundle = bundle, .slot = slot, .cover = cover};

	strcpy(d.mailbox, mailbox);
	if (cover)
		strcpy(d.covers, "schools/st-j.dsl");
	ledger_add_delivery(w, &d, !cover);
}

static void
enter(int64_t seq, uint32_t event, int64_t bundle, const char *mailbox, int64_t part)
{
	struct ledger_entry entry = {
	    .seq = seq, .time_ms = 5000 + seq, .event = event, .bundle = bundle, .part = part};
	struct buf line = {0};

	strcpy(entry.mailbox, mailbox);
	strcpy(entry.code, "ok");
	buf_addf(&line, "line %lld", (long long)seq);
	ledger_add_entry(w, &entry, &line);
	buf_free(&line);
}

static void
accept_one(unsigned n, int64_t seq)
{
	struct ledger_bundle b = bundle_make(n);

	ledger_begin(w);
	ledger_add_bundle(w, &b);
	deliver(b.n, "uhcw/paediatrics", 0, false);
	deliver(b.n, "csc/duty", 1, true);
	enter(seq, 1, b.n, "", 0);
	enter(seq + 1, 3, b.n, "uhcw/paediatrics", 0);
	ledger_commit(w);
}

static void
bundles_come_back(void **state)
{
	struct ledger_bundle b = bundle_make(1), got;

	accept_one(1, 0);
	assert_true(ledger_bundle(r, b.id, &got));
	assert_int_equal(got.n, 1);
	b.n = got.n;
	assert_memory_equal(&got, &b, sizeof b);
	assert_true(ledger_bundle_at(r, 1, &got));
	assert_string_equal(got.id, b.id);
	accept_one(2, 2);
	assert_true(ledger_bundle_at(r, 2, &got));
	assert_int_equal(got.event_at_ms, 900);
	assert_false(ledger_bundle(r, "019ab000-0000-7000-8000-000000000009", &got));
	assert_false(ledger_bundle_at(r, 3, &got));
}

/* Fact 3: what is not committed is seen by nobody. */
static void
uncommitted_is_unseen(void **state)
{
	struct ledger_bundle b = bundle_make(1), got;
	struct err e = {0};

	ledger_begin(w);
	ledger_add_bundle(w, &b);
	assert_true(ledger_bundle(w, b.id, &got));
	assert_false(ledger_bundle(r, b.id, &got));
	ledger_close(w); /* as by a crash */
	w = NULL;
	assert_false(ledger_bundle(r, b.id, &got));
	assert_int_equal(ledger_open(datafd, true, &w, &e), 0);
	assert_false(ledger_bundle(w, b.id, &got));
	ledger_begin(w);
	ledger_add_bundle(w, &b);
	ledger_rollback(w);
	assert_false(ledger_bundle(w, b.id, &got));
}

static void
count(void *ctx, const struct ledger_bundle *b)
{
	++*(int *)ctx;
}

static int
matching(const struct ledger_filter *f)
{
	int n = 0;

	ledger_each_bundle(r, f, count, &n);
	return n;
}

static void
filters(void **state)
{
	for (unsigned i = 1; i <= 5; i++)
		accept_one(i, 2 * i);
	assert_int_equal(matching(&(struct ledger_filter){.before = INT64_MAX, .limit = 99}), 5);
	assert_int_equal(matching(&(struct ledger_filter){.before = 4, .limit = 99}), 3);
	assert_int_equal(matching(&(struct ledger_filter){.before = 4, .limit = 2}), 2);
	assert_int_equal(
	    matching(&(struct ledger_filter){.agency = "csc", .before = 9, .limit = 9}), 5);
	assert_int_equal(matching(&(struct ledger_filter){.agency = "cs", .before = 9, .limit = 9}),
			 0);
	assert_int_equal(
	    matching(&(struct ledger_filter){.mailbox = "csc/duty", .before = 9, .limit = 9}), 5);
	assert_int_equal(
	    matching(&(struct ledger_filter){.mailbox = "uhcw/x", .before = 9, .limit = 9}), 0);
	assert_int_equal(
	    matching(&(struct ledger_filter){.klass = "general", .before = 9, .limit = 9}), 0);
}

static void
mailbox_counts(void *ctx, const struct ledger_mailbox *m)
{
	struct ledger_mailbox *out = ctx;

	if (strcmp(m->name, "uhcw/paediatrics") == 0)
		*out = *m;
}

static void
counters_agree(void **state)
{
	struct ledger_mailbox m;
	struct ledger_delivery d;
	struct ledger_bundle b;
	struct ledger_totals t;
	int64_t bundles, bytes;

	accept_one(1, 0);
	accept_one(2, 2);
	ledger_each_mailbox(r, mailbox_counts, &m);
	assert_int_equal(m.waiting, 2);
	assert_int_equal(m.oldest_ms, 2001);
	assert_true(ledger_delivery(r, 1, "uhcw/paediatrics", &d));
	assert_int_equal(d.slot, 0);
	assert_false(ledger_delivery(r, 1, "uhcw/other", &d));
	ledger_begin(w);
	ledger_set_delivery_state(w, &d, 3, false);
	ledger_set_delivery_state(w, &d, 4, false); /* counted once */
	ledger_commit(w);
	ledger_each_mailbox(r, mailbox_counts, &m);
	assert_int_equal(m.waiting, 1);
	assert_int_equal(m.oldest_ms, 2002);
	assert_true(ledger_delivery(r, 1, "uhcw/paediatrics", &d));
	assert_int_equal(d.state, 4);
	ledger_agency(r, "csc", &bundles, &bytes);
	assert_int_equal(bundles, 2);
	assert_int_equal(bytes, 2 * (24 + 700 + 1500 + 160 + 5000));
	assert_true(ledger_bundle(r, "019ab000-0000-7000-8000-000000000001", &b));
	ledger_begin(w);
	ledger_set_bundle_state(w, &b, BUNDLE_PURGED);
	b.state = BUNDLE_PURGED;
	ledger_set_bundle_state(w, &b, BUNDLE_ERASED);
	ledger_commit(w);
	ledger_agency(r, "csc", &bundles, &bytes);
	assert_int_equal(bundles, 1);
	ledger_totals(r, &t);
	assert_int_equal(t.bundles, 2);
	assert_int_equal(t.live, 1);
	assert_int_equal(t.waiting, 1);
	assert_int_equal(t.entries, 4);
	assert_int_equal(t.quarantined, 0);
}

static void
purge_and_erase_due(void **state)
{
	struct ledger_bundle b;
	int64_t n[4];

	accept_one(1, 0);
	accept_one(2, 2);
	assert_int_equal(ledger_purge_due(r, 100000, n, 4), 0);
	assert_int_equal(ledger_purge_due(r, 100001, n, 4), 1);
	assert_int_equal(n[0], 1);
	assert_int_equal(ledger_erase_due(r, n, 4), 0);
	assert_true(ledger_bundle_at(r, 1, &b));
	ledger_set_bundle_state(w, &b, BUNDLE_PURGED);
	assert_int_equal(ledger_purge_due(r, 100001, n, 4), 0);
	assert_int_equal(ledger_erase_due(r, n, 4), 1);
	assert_int_equal(n[0], 1);
}

struct feed {
	int n;
	int64_t seq[8];
	char last[UUID_TEXT];
};

static void
feed_item(void *ctx, const struct ledger_feed_item *i)
{
	struct feed *f = ctx;

	assert_string_equal(i->entry.mailbox, "uhcw/paediatrics");
	assert_string_equal(i->delivery.mailbox, "uhcw/paediatrics");
	assert_int_equal(i->delivery.bundle, i->bundle.n);
	f->seq[f->n++] = i->entry.seq;
	strcpy(f->last, i->bundle.id);
}

static void
feed_by_mailbox_and_seq(void **state)
{
	struct feed f = {0};

	accept_one(1, 0);
	accept_one(2, 2);
	ledger_feed(r, "uhcw/paediatrics", 0, 8, feed_item, &f);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.seq[0], 1);
	assert_int_equal(f.seq[1], 3);
	f.n = 0;
	ledger_feed(r, "uhcw/paediatrics", 1, 8, feed_item, &f);
	assert_int_equal(f.n, 1);
	assert_string_equal(f.last, "019ab000-0000-7000-8000-000000000002");
	f.n = 0;
	ledger_feed(r, "uhcw/paediatrics", 0, 1, feed_item, &f);
	assert_int_equal(f.n, 1);
	f.n = 0;
	ledger_feed(r, "csc/duty", 0, 8, feed_item, &f); /* cover: nothing is consigned to it yet */
	ledger_feed(r, "nobody/here", 0, 8, feed_item, &f);
	assert_int_equal(f.n, 0);
}

static void
collect_seq(void *ctx, const struct ledger_entry *e)
{
	struct feed *f = ctx;

	f->seq[f->n++] = e->seq;
}

static void
entries_and_lines(void **state)
{
	struct ledger_entry e;
	struct feed f = {0};
	struct buf line = {0};

	accept_one(1, 0);
	accept_one(2, 2);
	assert_true(ledger_entry(r, 3, &e));
	assert_int_equal(e.bundle, 2);
	assert_int_equal(e.event, 3);
	assert_false(e.has_actor);
	assert_string_equal(e.mailbox, "uhcw/paediatrics");
	assert_string_equal(e.code, "ok");
	ledger_line(r, 3, &line);
	assert_string_equal(buf_str(&line), "line 3");
	assert_false(ledger_entry(r, 4, &e));
	assert_true(ledger_find_entry(r, 2, "", 1, 0, &e));
	assert_int_equal(e.seq, 2);
	assert_string_equal(e.mailbox, "");
	assert_false(ledger_find_entry(r, 2, "uhcw/paediatrics", 1, 0, &e));
	ledger_each_entry(r, 2, collect_seq, &f);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.seq[0], 2);
	buf_free(&line);
}

/* Fact 5: a second one of the same is not written, it ends the process. */
static void
second_entry_is_fatal(void **state)
{
	int status = 0;
	pid_t pid;

	accept_one(1, 0);
	enter(2, 5, 1, "uhcw/paediatrics", 1); /* another part: another event */
	ledger_close(r);		       /* a connection does not outlive a fork */
	r = NULL;
	ledger_close(w);
	w = NULL;
	pid = fork();
	if (pid == 0) {
		struct err e = {0};

		if (ledger_open(datafd, true, &w, &e) == 0)
			enter(3, 5, 1, "uhcw/paediatrics", 1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void
tree_and_checkpoints(void **state)
{
	uint8_t hash[DIGEST_BYTES], got[DIGEST_BYTES];
	struct ledger_checkpoint c;
	struct buf note = {0}, token = {0};

	memset(hash, 7, sizeof hash);
	ledger_add_hash(w, 0, hash);
	assert_true(ledger_hash(r, 0, got));
	assert_memory_equal(hash, got, sizeof got);
	assert_false(ledger_hash(r, 1, got));
	assert_false(ledger_last_checkpoint(r, &c, NULL, NULL));
	for (uint64_t size = 5; size <= 15; size += 5) {
		buf_clear(&note);
		buf_addf(&note, "note %llu", (unsigned long long)size);
		ledger_add_checkpoint(
		    w, &(struct ledger_checkpoint){.size = size, .time_ms = (int64_t)size * 10},
		    &note, &note);
	}
	buf_clear(&note);
	assert_true(ledger_last_checkpoint(r, &c, &note, &token));
	assert_int_equal(c.size, 15);
	assert_int_equal(c.time_ms, 150);
	assert_string_equal(buf_str(&note), "note 15");
	assert_string_equal(buf_str(&token), "note 15");
	assert_true(ledger_checkpoint(r, 6, &c, NULL, NULL));
	assert_int_equal(c.size, 10);
	assert_true(ledger_checkpoint(r, 10, &c, NULL, NULL));
	assert_int_equal(c.size, 10);
	assert_false(ledger_checkpoint(r, 16, &c, NULL, NULL));
	ledger_add_stamp(w, 10, "tsa-one", 1, "x", 1);
	ledger_add_stamp(w, 10, "tsa-one", 2, "y", 1); /* a late repeat changes nothing */
	buf_free(&note);
	buf_free(&token);
}

static void
statements_and_roster(void **state)
{
	uint8_t digest[DIGEST_BYTES] = {1}, got[DIGEST_BYTES];
	struct buf content = {0}, signature = {0};
	uint64_t serial = 0;

	accept_one(1, 0);
	assert_false(ledger_statement(r, 1, &content, &signature));
	ledger_add_statement(w, 1, "{}", 2, "\0\1\2", 3);
	assert_true(ledger_statement(r, 1, &content, &signature));
	assert_int_equal(content.len, 2);
	assert_int_equal(signature.len, 3);
	assert_memory_equal(signature.data, "\0\1\2", 3);
	assert_false(ledger_last_roster(r, &serial, got));
	ledger_add_roster(w, 3, digest, 0);
	assert_true(ledger_last_roster(r, &serial, got));
	assert_int_equal(serial, 3);
	assert_memory_equal(digest, got, sizeof got);
	buf_free(&content);
	buf_free(&signature);
}

static void
subscription_row(void *ctx, const char *kind, const char *value, int64_t since_ms)
{
	buf_addf(ctx, "%s %s %lld;", kind, value, (long long)since_ms);
}

static void
subscriber_row(void *ctx, const char *mailbox)
{
	buf_addf(ctx, "%s;", mailbox);
}

static void
subscriptions(void **state)
{
	struct buf b = {0};

	assert_true(ledger_subscribe(w, "child", "c:abc", "uhcw/emergency", 5));
	assert_false(ledger_subscribe(w, "child", "c:abc", "uhcw/emergency", 6));
	assert_true(ledger_subscribe(w, "child", "c:abc", "csc/duty", 7));
	assert_true(ledger_subscribe(w, "class", "general", "uhcw/emergency", 8));
	ledger_each_subscription(r, "uhcw/emergency", subscription_row, &b);
	assert_string_equal(buf_str(&b), "child c:abc 5;class general 8;");
	buf_clear(&b);
	ledger_each_subscriber(r, "child", "c:abc", subscriber_row, &b);
	assert_string_equal(buf_str(&b), "csc/duty;uhcw/emergency;");
	assert_true(ledger_unsubscribe(w, "child", "c:abc", "csc/duty"));
	assert_false(ledger_unsubscribe(w, "child", "c:abc", "csc/duty"));
	buf_free(&b);
}

static void
quarantined_row(void *ctx, const struct ledger_bundle *b, int64_t since_ms, const char *why)
{
	buf_addf(ctx, "%lld %lld %s", (long long)b->n, (long long)since_ms, why);
}

static void
quarantine(void **state)
{
	struct buf b = {0};

	accept_one(1, 0);
	assert_false(ledger_is_quarantined(r, 1));
	ledger_quarantine(w, 1, 77, "damaged");
	ledger_quarantine(w, 1, 78, "again");
	assert_true(ledger_is_quarantined(r, 1));
	ledger_each_quarantined(r, quarantined_row, &b);
	assert_string_equal(buf_str(&b), "1 77 damaged");
	ledger_unquarantine(w, 1);
	assert_false(ledger_is_quarantined(r, 1));
	buf_free(&b);
}

static void
values_and_tail(void **state)
{
	struct buf b = {0};
	uint32_t segment = 9;
	uint64_t end = 9;

	ledger_tail(r, &segment, &end);
	assert_int_equal(segment, 0);
	assert_int_equal(end, 0);
	ledger_set_tail(w, 7, UINT64_C(5000000000));
	ledger_set_tail(w, 8, UINT64_C(6000000000));
	ledger_tail(r, &segment, &end);
	assert_int_equal(segment, 8);
	assert_int_equal(end, UINT64_C(6000000000));
	assert_false(ledger_value(r, "policy", &b));
	ledger_set_value(w, "policy", "abc");
	assert_true(ledger_value(r, "policy", &b));
	assert_string_equal(buf_str(&b), "abc");
	buf_free(&b);
}

static bool
is_whole(struct buf *text)
{
	unsigned part = 0;

	while (ledger_integrity(r, part, text))
		part++;
	assert_true(part > 10); /* a table each */
	return text->len == 0;
}

static void
integrity_and_foreign_files(void **state)
{
	struct buf text = {0};
	struct ledger *other = NULL;
	struct err e = {0};

	accept_one(1, 0);
	assert_true(is_whole(&text));
	ledger_add_statement(w, 99, "x", 1, "y", 1); /* of an entry that is not there */
	assert_false(is_whole(&text));
	ledger_close(r);
	ledger_close(w);
	w = r = NULL;
	assert_int_equal(system("sqlite3 ledger.db 'PRAGMA user_version = 1' >&2"), 0);
	assert_int_equal(ledger_open(datafd, true, &other, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.text, "version 1, this program reads version 3 only"));
	assert_int_equal(system("sqlite3 ledger.db 'PRAGMA user_version = 4' >&2"), 0);
	assert_int_equal(ledger_open(datafd, true, &other, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_int_equal(system("sqlite3 ledger.db 'PRAGMA application_id = 5' >&2"), 0);
	assert_int_equal(ledger_open(datafd, true, &other, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	buf_free(&text);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(bundles_come_back),
	    T(uncommitted_is_unseen),
	    T(filters),
	    T(counters_agree),
	    T(purge_and_erase_due),
	    T(feed_by_mailbox_and_seq),
	    T(entries_and_lines),
	    T(second_entry_is_fatal),
	    T(tree_and_checkpoints),
	    T(statements_and_roster),
	    T(subscriptions),
	    T(quarantine),
	    T(values_and_tail),
	    T(integrity_and_foreign_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
