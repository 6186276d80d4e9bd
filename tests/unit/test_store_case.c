/* Cases: flags, what replaces what, in the store as a whole. */
#include "store_rig.h"

#include "store/deadline.h"
#include "store/exclusion.h"
#include "store/ledger_case.h"

#define CHILD	  "c:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HOUSEHOLD "h:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define RIG_ID3	  "019ab000-0000-7000-8000-000000000003"

static const char payload[] = "the payload, sealed";

/* A bundle to n mailboxes; change() alters what verify finds in it. */
static void
submit(const char *id, size_t n, void (*change)(void))
{
	struct buf head = {0};

	rig_bundle(&head, id, payload, n);
	if (change != NULL)
		change();
	rig_begin(&head, id, strlen(payload));
	if (rig.reply.kind == MSG_UPLOAD) {
		rig_write(payload, 0, strlen(payload));
		rig_send_end(payload);
	}
	buf_free(&head);
}

static void
about_child(void)
{
	strcpy(rig.about[0].name, CHILD);
	strcpy(rig.about[1].name, HOUSEHOLD);
	rig.head.about = (struct list){rig.about, 2};
}

static void
concerned(void)
{
	about_child();
	rig.head.concern = 1;
}

static void
ask_route(const char *to)
{
	strcpy(rig.route.klass, "general");
	strcpy(rig.route.from, "csc/mash");
	strcpy(rig.route_names[0].name, to);
	strcpy(rig.route_names[1].name, CHILD);
	rig.route.to = (struct list){&rig.route_names[0], 1};
	rig.route.about = (struct list){&rig.route_names[1], 1};
	rig_ask_route("csc");
	rig_expect(200, ERR_OK);
}

static int64_t clock_ms;

static int64_t
played(void)
{
	return clock_ms;
}

static void
play_clock(void)
{
	clock_ms = time_now_ms();
	rig.store->now = played;
}

/* --- flags --- */

static void
a_concern_stays_on_its_child(void **state)
{
	ask_route("uhcw/emergency");
	assert_true(rig_body_has("\"flags\":[]"));
	submit(RIG_ID, 1, concerned);
	rig_expect(201, ERR_OK);
	ask_route("uhcw/emergency");
	assert_true(rig_body_has("\"flags\":[{\"about\":\"" CHILD
				 "\",\"concern\":\"inconclusive\",\"bundle\":\"" RIG_ID "\""));
	assert_false(rig_body_has(HOUSEHOLD)); /* a household is not flagged */
	submit(RIG_ID2, 1, about_child);       /* says nothing of the concern: it stays */
	rig_expect(201, ERR_OK);
	rig_ask_mailbox(ASK_BUNDLE, "csc", "", RIG_ID2); /* its sender sees it too */
	assert_true(
	    rig_body_has("\"flags\":[{\"about\":\"" CHILD "\",\"concern\":\"inconclusive\""));
	rig_restart();
	rig_ask_mailbox(ASK_FEED, "uhcw", "uhcw/emergency", "");
	rig_expect(200, ERR_OK);
	assert_true(rig_body_has("\"bundle\":\"" RIG_ID2 "\",\"from\":\"csc/mash\""));
	assert_true(strstr(strstr(buf_str(&rig.reply.body), RIG_ID2), "inconclusive") != NULL);
}

static size_t
times_in(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
		n++;
	return n;
}

static void
actively_concerned(void)
{
	about_child();
	rig.head.concern = 2;
}

/* Each child has one flag of a kind, however many bundles raised it, and each of them is named. */
static void
one_flag_of_a_kind(void **state)
{
	static const struct {
		const char *id;
		void (*change)(void);
	} sent[] = {{RIG_ID, concerned}, {RIG_ID2, concerned}, {RIG_ID3, actively_concerned}};
	const char *flags;

	for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
		submit(sent[i].id, 1, sent[i].change);
		rig_expect(201, ERR_OK);
	}
	ask_route("uhcw/emergency");
	flags = strstr(buf_str(&rig.reply.body), "\"flags\":[");
	assert_non_null(flags);
	assert_int_equal(times_in(flags, "\"concern\":"), 2);
	assert_int_equal(times_in(flags, "\"concern\":\"inconclusive\",\"bundle\":\"" RIG_ID "\""),
			 1);
	assert_int_equal(times_in(flags, "\"bundles\":2,\"sources\":[{\"bundle\":\"" RIG_ID "\""),
			 1);
	assert_int_equal(times_in(flags, "},{\"bundle\":\"" RIG_ID2 "\""), 1);
	assert_int_equal(times_in(flags, "\"concern\":\"active\",\"bundle\":\"" RIG_ID3 "\""), 1);
	assert_int_equal(times_in(flags, "\"bundles\":1,\"sources\":[{\"bundle\":\"" RIG_ID3 "\""),
			 1);
}

#define RAISED 20 /* more than a flag names */

/* The names of a flag are bounded: a long case does not swell every row of every feed. */
static void
a_flag_names_the_oldest(void **state)
{
	char id[UUID_TEXT];

	for (unsigned i = 0; i < RAISED; i++) {
		snprintf(id, sizeof id, "019ab000-0000-7000-8000-0000000001%02x", i);
		submit(id, 1, concerned);
		rig_expect(201, ERR_OK);
	}
	ask_route("uhcw/emergency");
	assert_true(rig_body_has("\"bundle\":\"019ab000-0000-7000-8000-000000000100\",\"since\""));
	assert_true(rig_body_has("\"bundles\":20,"));
	assert_true(rig_body_has("00010f"));
	assert_false(rig_body_has("000110"));
}

/* --- what replaces what --- */

static void
provisional(void)
{
	rig.head.provisional = 1;
}
static void
replaces(void)
{
	strcpy(rig.head.supersedes, RIG_ID);
}
static void
replaces_nothing(void)
{
	strcpy(rig.head.supersedes, RIG_ID3);
}
static void
replaces_a_final_one(void)
{
	replaces();
	rig.head.provisional = 1;
}
static void
replaces_another_class(void)
{
	replaces();
	strcpy(rig.head.klass, "minutes");
	for (int i = 0; i < 2; i++)
		rig.signers[i] =
		    (struct fact_signer){.agency = "csc", .profile = PROFILE_PERSON_SIGN};
	strcpy(rig.signers[0].by, "person/csc/a.khan");
	strcpy(rig.signers[1].by, "person/csc/r.lee");
	rig.head.signers.n = 2;
}
static void
replaces_and_leaves_out(void)
{
	replaces();
	strcpy(rig.to[0].mailbox, "uhcw/paediatrics");
	rig_key(rig.to[0].key, 4);
}

static void
a_final_replaces_its_provisional(void **state)
{
	struct ledger_bundle b, by;
	struct ledger_entry entry;

	submit(RIG_ID, 2, provisional);
	rig_expect(201, ERR_OK);
	submit(RIG_ID2, 2, replaces);
	rig_expect(201, ERR_OK);
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_true(ledger_superseded(rig.store->reader, RIG_ID, &by));
	assert_string_equal(by.id, RIG_ID2);
	assert_true(ledger_find_entry(rig.store->reader, b.n, "uhcw/emergency", EVENT_SUPERSEDED, 0,
				      &entry));
	assert_string_equal(entry.code, RIG_ID2);
	assert_true(ledger_find_entry(rig.store->reader, b.n, "uhcw/paediatrics", EVENT_SUPERSEDED,
				      0, &entry));
	submit(RIG_ID3, 2, replaces);
	rig_expect(409, ERR_CONFLICT);
	assert_non_null(strstr(rig.reply.detail, RIG_ID2));
}

static const struct {
	const char *what;
	void (*spoil)(void);
	enum err_code code;
	const char *names;
} rows[] = {
    {"nothing that is there", replaces_nothing, ERR_UNKNOWN, RIG_ID3},
    {"a final one by a provisional", replaces_a_final_one, ERR_ORDER, "is final"},
    {"one of another class", replaces_another_class, ERR_DENIED, "of class general"},
    {"one that somebody had who is left out", replaces_and_leaves_out, ERR_ROUTE, "uhcw/emergency"},
};

static void
what_cannot_be_replaced(void **state)
{
	struct ledger_totals before, after;

	rig_submit(RIG_ID, payload, 1);
	rig_expect(201, ERR_OK);
	ledger_totals(rig.store->reader, &before);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		submit(RIG_ID2, 1, rows[i].spoil);
		if (rig.reply.code != rows[i].code ||
		    strstr(rig.reply.detail, rows[i].names) == NULL)
			fail_msg("%s: %s: %s", rows[i].what, err_name(rig.reply.code),
				 rig.reply.detail);
	}
	ledger_totals(rig.store->reader, &after);
	assert_int_equal(after.bundles, before.bundles);
}

static void
the_route_names_who_had_it(void **state)
{
	submit(RIG_ID, 2, provisional);
	rig_expect(201, ERR_OK);
	strcpy(rig.route.supersedes, RIG_ID);
	ask_route("csc/duty");
	assert_true(rig_body_has("\"mailbox\":\"uhcw/emergency\""));
	assert_true(rig_body_has("\"mailbox\":\"uhcw/paediatrics\",\"as\":\"to\""));
}

/* --- exclusions --- */

static void
exclude(const char *mailbox)
{
	strcpy(rig.route_names[2].name, mailbox);
	rig.route.exclude = (struct list){&rig.route_names[2], mailbox[0] != '\0'};
	ask_route("uhcw/emergency");
}

static void
subscribe(const char *mailbox)
{
	struct msg_ask m = rig_question(ASK_SUBSCRIBE, "uhcw");

	strcpy(m.mailbox, mailbox);
	strcpy(m.kind, "child");
	strcpy(m.value, CHILD);
	rig_ask(&m);
	rig_expect(204, ERR_OK);
}

static void
about_child_only(void)
{
	about_child();
	rig.head.about.n = 1;
}

/* A route's exclusions are on disk before its answer leaves: a bundle that was sealed before a kill
 * is taken after it. What is asked for later takes their place. */
static void
an_exclusion_outlives_a_kill(void **state)
{
	subscribe("uhcw/paediatrics");
	submit(RIG_ID, 1, about_child_only);
	rig_expect(409, ERR_ROUTE);
	exclude("uhcw/paediatrics");
	rig_kill();
	rig_start(rig.conf);
	submit(RIG_ID, 1, about_child_only);
	rig_expect(201, ERR_OK);
	exclude("");
	rig_kill();
	rig_start(rig.conf);
	submit(RIG_ID2, 1, about_child_only);
	rig_expect(409, ERR_ROUTE);
	assert_non_null(strstr(rig.reply.detail, "uhcw/paediatrics"));
}

/* Nothing is written for who excludes nobody, nor again for who asks the same. */
static void
the_same_exclusion_is_written_once(void **state)
{
	uint64_t groups = group_counts(rig.store->group)->groups;

	exclude("");
	assert_int_equal(group_counts(rig.store->group)->groups, groups);
	exclude("csc/duty");
	assert_int_equal(group_counts(rig.store->group)->groups, groups + 1);
	exclude("csc/duty");
	assert_int_equal(group_counts(rig.store->group)->groups, groups + 1);
	play_clock();
	clock_ms += TIME_DAY_MS; /* it is in use: it is kept longer */
	exclude("csc/duty");
	assert_int_equal(group_counts(rig.store->group)->groups, groups + 2);
}

#define KEPT_MS (30 * TIME_DAY_MS)

static void
keep_exclusion(const char *from, const char *klass, int64_t at_ms)
{
	struct fact_name excluded = {"csc/duty"};
	struct list nobody = {NULL, 0}, one = {&excluded, 1};
	struct exclusion x;

	exclusion_init(&x, from, klass, &nobody, &one);
	exclusion_keep(rig.store->writer, &x, at_ms);
	exclusion_clear(&x);
}

static bool
is_kept(const char *from, const char *klass)
{
	return exclusion_has(rig.store->writer, from, klass, &(struct list){NULL, 0}, "csc/duty");
}

/* A month, and so many of one sender: the oldest go, and nobody else's. */
static void
exclusions_are_forgotten(void **state)
{
	char klass[NAME_CLASS];

	ledger_begin(rig.store->writer);
	keep_exclusion("csc/mash", "old", 1);
	keep_exclusion("csc/mash", "new", 2);
	keep_exclusion("csc/mash", "newer", KEPT_MS + 1);
	assert_true(is_kept("csc/mash", "old"));
	keep_exclusion("csc/mash", "newest", KEPT_MS + 2);
	assert_false(is_kept("csc/mash", "old"));
	assert_true(is_kept("csc/mash", "new"));
	keep_exclusion("uhcw/emergency", "other", 3);
	for (unsigned i = 0; i < 4096; i++) {
		snprintf(klass, sizeof klass, "c%u", i);
		keep_exclusion("csc/mash", klass, KEPT_MS + 2);
	}
	assert_false(is_kept("csc/mash", "new"));
	assert_false(is_kept("csc/mash", "newer"));
	assert_true(is_kept("csc/mash", "c4095"));
	assert_true(is_kept("uhcw/emergency", "other"));
	ledger_commit(rig.store->writer);
}

/* --- expectations --- */

#define DUE 3600000 /* ms from now */

static struct msg_ask
wish(enum ask what, const char *id)
{
	struct msg_ask m = rig_question(what, "uhcw");

	strcpy(m.mailbox, "uhcw/emergency");
	strcpy(m.id, id);
	strcpy(m.value, "general");
	strcpy(m.other, "csc/duty");
	strcpy(m.about, CHILD);
	m.number = (uint64_t)(clock_ms + DUE);
	return m;
}

static void
ask(struct msg_ask m)
{
	rig_ask(&m);
}

static void
what_is_expected_comes(void **state)
{
	struct ledger_expectation x;
	struct msg_ask m;

	play_clock();
	ask(wish(ASK_EXPECT, RIG_ID3));
	rig_expect(201, ERR_OK);
	assert_true(rig_body_has("\"state\":\"open\""));
	ask(wish(ASK_EXPECT, RIG_ID3)); /* the same again */
	rig_expect(200, ERR_OK);
	submit(RIG_ID2, 1, NULL); /* of another child, or none */
	rig_expect(201, ERR_OK);
	assert_true(ledger_expectation(rig.store->reader, RIG_ID3, &x));
	assert_int_equal(x.state, EXPECTATION_OPEN);
	submit(RIG_ID, 1, about_child); /* from csc/mash: any mailbox of the agency */
	rig_expect(201, ERR_OK);
	assert_true(ledger_expectation(rig.store->reader, RIG_ID3, &x));
	assert_int_equal(x.state, EXPECTATION_MET);
	m = wish(ASK_EXPECTATION_EVIDENCE, RIG_ID3);
	m.number = (uint64_t)x.met_seq;
	ask(m);
	rig_expect(200, ERR_OK);
	m.number = (uint64_t)x.met_seq + 1; /* an entry that is not of it */
	ask(m);
	rig_expect(404, ERR_UNKNOWN);
	clock_ms += 2 * DUE;
	deadline_tick(rig.store);
	rig_settle();
	ask(wish(ASK_EXPECTATIONS, ""));
	assert_true(rig_body_has("\"state\":\"met\""));
	assert_false(rig_body_has("missed_seq"));
}

static void
what_does_not_come_is_missed(void **state)
{
	struct ledger_expectation x;

	play_clock();
	ask(wish(ASK_EXPECT, RIG_ID3));
	rig_expect(201, ERR_OK);
	clock_ms += DUE - 1;
	deadline_tick(rig.store);
	rig_settle();
	assert_true(ledger_expectation(rig.store->reader, RIG_ID3, &x));
	assert_int_equal(x.state, EXPECTATION_OPEN); /* not a millisecond early */
	clock_ms += 1;
	deadline_tick(rig.store);
	rig_settle();
	assert_true(ledger_expectation(rig.store->reader, RIG_ID3, &x));
	assert_int_equal(x.state, EXPECTATION_MISSED);
	assert_true(x.missed_seq > x.opened_seq);
	submit(RIG_ID, 1, about_child); /* late: it counts, and what was missed stays */
	rig_expect(201, ERR_OK);
	ask(wish(ASK_EXPECTATIONS, ""));
	assert_true(rig_body_has("\"state\":\"met\""));
	assert_true(rig_body_has("missed_seq"));
}

static void
what_is_not_wanted_any_more(void **state)
{
	ask(wish(ASK_UNEXPECT, RIG_ID3));
	rig_expect(404, ERR_UNKNOWN);
	play_clock();
	ask(wish(ASK_EXPECT, RIG_ID3));
	rig_expect(201, ERR_OK);
	ask(wish(ASK_UNEXPECT, RIG_ID3));
	rig_expect(200, ERR_OK);
	assert_true(rig_body_has("\"state\":\"withdrawn\""));
	ask(wish(ASK_UNEXPECT, RIG_ID3)); /* twice */
	rig_expect(200, ERR_OK);
	clock_ms += 2 * DUE;
	deadline_tick(rig.store);
	rig_settle();
	ask(wish(ASK_EXPECTATIONS, ""));
	assert_false(rig_body_has("missed"));
}

static void
what_cannot_be_expected(void **state)
{
	struct ledger_totals before, after;
	struct msg_ask m;

	play_clock();
	ledger_totals(rig.store->reader, &before);
	m = wish(ASK_EXPECT, RIG_ID3);
	strcpy(m.value, "none");
	ask(m);
	rig_expect(404, ERR_UNKNOWN);
	m = wish(ASK_EXPECT, RIG_ID3);
	strcpy(m.other, "csc/nobody");
	ask(m);
	rig_expect(404, ERR_UNKNOWN);
	m = wish(ASK_EXPECT, RIG_ID3);
	strcpy(m.other, "uhcw/paediatrics"); /* of one's own agency */
	ask(m);
	rig_expect(403, ERR_DENIED);
	m = wish(ASK_EXPECT, RIG_ID3);
	strcpy(m.other, "schools/st-j.dsl"); /* which may not send the class */
	ask(m);
	rig_expect(403, ERR_DENIED);
	m = wish(ASK_EXPECT, RIG_ID3);
	m.number = (uint64_t)clock_ms;
	ask(m);
	rig_expect(413, ERR_LIMIT);
	m = wish(ASK_EXPECT, RIG_ID3);
	m.number = UINT64_MAX;
	ask(m);
	rig_expect(413, ERR_LIMIT);
	m = wish(ASK_EXPECT, RIG_ID3);
	strcpy(m.agency, "csc");
	ask(m);
	rig_expect(404, ERR_UNKNOWN);
	ledger_totals(rig.store->reader, &after);
	assert_int_equal(after.entries, before.entries);
	ask(wish(ASK_EXPECT, RIG_ID3));
	rig_expect(201, ERR_OK);
	m = wish(ASK_EXPECT, RIG_ID3);
	m.about[0] = '\0';
	ask(m);
	rig_expect(409, ERR_CONFLICT);
}

/* --- classes --- */

static void
classes_are_told(void **state)
{
	struct msg_ask m = rig_question(ASK_CLASSES, "uhcw");

	rig_ask(&m);
	rig_expect(200, ERR_OK);
	assert_true(rig_body_has(
	    "{\"classes\":[{\"name\":\"general\",\"signatures\":1,\"max_bytes\":1048576,"
	    "\"clock\":\"sending\",\"require\":[],\"media\":[],"
	    "\"from\":[\"csc/*\",\"uhcw/*\"],\"to\":[\"*/*\"],\"demand\":[],"
	    "\"collect\":null,\"read\":null,\"answer\":null,"));
	assert_true(rig_body_has("{\"name\":\"minutes\",\"signatures\":2,"));
}

/* --- withdrawal --- */

static void
say(enum statement_kind kind, const char *agency, const char *mailbox)
{
	struct msg_facts_statement *f = &rig.statement;
	struct msg_statement m = {.job = ++rig.job};
	struct ledger_bundle b = {0};
	struct buf body = {0};

	ledger_bundle(rig.store->reader, RIG_ID, &b);
	*f = (struct msg_facts_statement){.kind = kind, .at_ms = time_now_ms(), .code = "ok"};
	strcpy(f->bundle, RIG_ID);
	strcpy(f->mailbox, mailbox[0] == '\0' ? "csc/mash" : mailbox);
	memcpy(f->manifest_sha256, b.manifest_sha256, DIGEST_BYTES);
	rig.signer = (struct fact_signer){.profile = PROFILE_AGENCY_SIGN};
	strcpy(rig.signer.agency, agency);
	f->signers = (struct list){&rig.signer, 1};
	strcpy(m.agency, agency);
	strcpy(m.mailbox, mailbox);
	strcpy(m.id, RIG_ID);
	buf_adds(&body, "SHS1");
	buf_be32(&body, 1);
	buf_be32(&body, 3);
	buf_addf(&body, "%usig", (unsigned)kind);
	rig_reply_clear();
	chan_send(rig.front, MSG_STATEMENT, &m, role_memfd("s", body.data, body.len));
	buf_free(&body);
	rig_settle();
}

static enum delivery_state
state_of(const char *mailbox)
{
	struct ledger_bundle b;
	struct ledger_delivery d;

	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_true(ledger_delivery(rig.store->reader, b.n, mailbox, &d));
	return d.state;
}

static void
withdrawn_before_it_was_collected(void **state)
{
	struct ledger_totals totals;
	struct ledger_bundle b;

	rig_submit(RIG_ID, payload, 2);
	say(STATEMENT_WITHDRAWN, "csc", "");
	rig_expect(201, ERR_OK);
	assert_true(rig_body_has("\"statement\":"));
	say(STATEMENT_WITHDRAWN, "csc", ""); /* the same again has the same answer */
	rig_expect(200, ERR_OK);
	assert_int_equal(state_of("uhcw/emergency"), DELIVERY_WITHDRAWN);
	rig_ask_mailbox(ASK_FEED, "uhcw", "uhcw/emergency", "");
	assert_true(rig_body_has("\"event\":\"Withdrawn\""));
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/emergency", RIG_ID);
	rig_expect(404, ERR_UNKNOWN);
	say(STATEMENT_COLLECTED, "uhcw", "uhcw/emergency");
	rig_expect(409, ERR_ORDER);
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_int_not_equal(b.state, BUNDLE_LIVE); /* erasure is due */
	ledger_totals(rig.store->reader, &totals);
	assert_int_equal(totals.live, 0);
	assert_int_equal(totals.waiting, 0);
}

static void
withdrawn_after_one_has_the_key(void **state)
{
	struct ledger_bundle b;

	rig_submit(RIG_ID, payload, 2);
	say(STATEMENT_COLLECTED, "uhcw", "uhcw/emergency");
	rig_expect(201, ERR_OK);
	say(STATEMENT_WITHDRAWN, "csc", "");
	rig_expect(201, ERR_OK);
	assert_int_equal(state_of("uhcw/emergency"), DELIVERY_COLLECTED);
	assert_int_equal(state_of("uhcw/paediatrics"), DELIVERY_WITHDRAWN);
	rig_ask_mailbox(ASK_FEED, "uhcw", "uhcw/emergency", "");
	assert_true(rig_body_has("\"event\":\"Withdrawn\"")); /* told all the same */
	say(STATEMENT_OPENED, "uhcw", "uhcw/emergency");
	rig_expect(201, ERR_OK); /* and what it says of it is still taken */
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_int_equal(b.state, BUNDLE_LIVE);
}

static void
who_may_not_withdraw(void **state)
{
	rig_submit(RIG_ID, payload, 2);
	say(STATEMENT_WITHDRAWN, "uhcw", ""); /* to a recipient there is none of his own */
	rig_expect(404, ERR_UNKNOWN);
	say(STATEMENT_WITHDRAWN, "uhcw", "uhcw/emergency");
	rig_expect(403, ERR_DENIED);
	say(STATEMENT_COLLECTED, "csc", "");
	rig_expect(403, ERR_DENIED);
	assert_int_equal(state_of("uhcw/emergency"), DELIVERY_WAITING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_concern_stays_on_its_child, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(one_flag_of_a_kind, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(a_flag_names_the_oldest, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(a_final_replaces_its_provisional, rig_setup,
					    rig_teardown),
	    cmocka_unit_test_setup_teardown(what_cannot_be_replaced, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(the_route_names_who_had_it, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(an_exclusion_outlives_a_kill, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(the_same_exclusion_is_written_once, rig_setup,
					    rig_teardown),
	    cmocka_unit_test_setup_teardown(exclusions_are_forgotten, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(what_is_expected_comes, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(what_does_not_come_is_missed, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(what_is_not_wanted_any_more, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(what_cannot_be_expected, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(classes_are_told, rig_setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(withdrawn_before_it_was_collected, rig_setup,
					    rig_teardown),
	    cmocka_unit_test_setup_teardown(withdrawn_after_one_has_the_key, rig_setup,
					    rig_teardown),
	    cmocka_unit_test_setup_teardown(who_may_not_withdraw, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
