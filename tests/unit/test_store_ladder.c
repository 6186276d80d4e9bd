/* What is owed, in the real store with a played clock: each rule, each closing, each step once and
 * in its time, through restarts and a clock that is set. */
#include "ladder_rig.h"

static const char conf_text[] =
    RIG_CONF_NOTICES "[store]\ndisk-reserve = 0\njournal-segment = 4M\nsmall = 64K\nquota = 8M\n"
		     "[mailbox \"uhcw/emergency\"]\nmail = ed@uhcw.example\n"
		     "[mailbox \"csc/duty\"]\nwebhook = https://csc.example/hook\n"
		     "[class \"general\"]\nfrom = */*\nto = */*\nmax-bytes = 1M\n"
		     "[class \"outcome\"]\nfrom = */*\nto = */*\nmax-bytes = 1M\n";

static const char *ladder_text; /* of the test */

static void
owe_everything(struct policy *p)
{
	struct policy_class *k = rig_class(p, "general");

	rig_rule(&k->has_collect, &k->collect, "within 4 hours");
	rig_ladder(&k->ladder, ladder_text);
}

static const char whole_ladder[] = "remind at 50%, cover at 100%, notify csc/duty at 100%, "
				   "notify sender at 100%, register at 150%";

static int
setup_with(void (*configure)(struct policy *p), const char *ladder)
{
	rig = (struct rig){
	    .roster_serial = 3, .conf = conf_text, .clock_ms = T0, .configure = configure};
	ladder_text = ladder;
	return rig_setup_here();
}

static int
setup(void **state)
{
	return setup_with(owe_everything, whole_ladder);
}

/* --- the ladder --- */

#define ACCEPTED "SubmissionAcceptance  ok\nContentConsignment uhcw/emergency ok\n"
#define REMIND	 "Escalation uhcw/emergency remind\n"
#define TOLD	 "NotificationSent uhcw/emergency mail\n"
#define OVERDUE	 "Overdue uhcw/emergency collect\n"
#define COVER                                                                                      \
	"Escalation uhcw/emergency cover:uhcw/paediatrics\nCoverReleased uhcw/paediatrics ok\n"
#define DUTY	 "Escalation uhcw/emergency notify:csc/duty\n"
#define HOOKED	 "NotificationSent csc/duty webhook\n"
#define SENDER	 "Escalation uhcw/emergency notify:csc/mash\n"
#define REGISTER "Escalation uhcw/emergency register\n"

/* Each instant of the ladder: what the log says then, of the steps at and before it. */
static const struct {
	int64_t after;
	const char *log;
} walk[] = {
    {0, ACCEPTED},
    {2 * HOUR - 1, ACCEPTED},
    {2 * HOUR, ACCEPTED REMIND TOLD},
    {4 * HOUR - 1, ACCEPTED REMIND TOLD},
    {4 * HOUR, ACCEPTED REMIND TOLD OVERDUE COVER DUTY SENDER HOOKED},
    {6 * HOUR - 1, ACCEPTED REMIND TOLD OVERDUE COVER DUTY SENDER HOOKED},
    /* the cover's own reminder, half-way to its own end */
    {6 * HOUR, ACCEPTED REMIND TOLD OVERDUE COVER DUTY SENDER HOOKED REGISTER
     "Escalation uhcw/paediatrics remind\n"},
};

static int
by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
sorted(const char *text, struct buf *out)
{
	char *copy = mem_strdup(text), *lines[64], *save = NULL;
	size_t n = 0;

	for (char *l = strtok_r(copy, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
		lines[n++] = l;
	qsort(lines, n, sizeof *lines, by_line);
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%s\n", lines[i]);
	free(copy);
}

/* The same entries; the courier's and the ladder's come in either order. */
static void
assert_entries(const char *id, const char *want)
{
	struct buf have_sorted = {0}, want_sorted = {0};
	struct ledger_bundle b = {0};
	struct rig_log l = {0};

	assert_true(ledger_bundle(rig.store->reader, id, &b));
	ledger_each_entry(rig.store->reader, b.n, rig_log_row, &l);
	sorted(buf_str(&l.text), &have_sorted);
	sorted(want, &want_sorted);
	assert_string_equal(buf_str(&have_sorted), buf_str(&want_sorted));
	buf_free(&l.text);
	buf_free(&have_sorted);
	buf_free(&want_sorted);
}

/* Whom the sender excluded (the perpetrator works there) is told of nothing, by no step: who sent
 * it hears in its place. What is asked for later is of later bundles. */
static void
the_excluded_are_not_told(void **state)
{
	strcpy(rig.route.klass, "general");
	strcpy(rig.route.from, "csc/mash");
	strcpy(rig.route_names[0].name, "uhcw/emergency");
	strcpy(rig.route_names[1].name, "csc/duty");
	rig.route.to = (struct list){&rig.route_names[0], 1};
	rig.route.exclude = (struct list){&rig.route_names[1], 1};
	rig_ask_route("csc");
	rig_expect(200, ERR_OK);
	rig_send(RIG_ID, NULL);
	rig.route.exclude.n = 0;
	rig_ask_route("csc");
	rig_send(RIG_ID2, NULL);
	rig_restart();
	rig_at(4 * HOUR);
	assert_entries(RIG_ID, ACCEPTED REMIND TOLD OVERDUE COVER SENDER SENDER);
	assert_entries(RIG_ID2, ACCEPTED REMIND TOLD OVERDUE COVER DUTY SENDER HOOKED);
	is_sound();
}

static void
each_step_in_its_time(void **state)
{
	rig_send(RIG_ID, NULL);
	for (size_t i = 0; i < sizeof walk / sizeof *walk; i++) {
		rig_at(walk[i].after);
		assert_entries(RIG_ID, walk[i].log);
		rig_at(walk[i].after);
		assert_entries(RIG_ID, walk[i].log); /* once */
		is_sound();
	}
	rig_at(30 * HOUR);
	assert_int_equal(ledger_next_deadline(rig.store->reader), DEADLINE_NEVER);
	rig_at(3000 * HOUR);
	is_sound();
}

/* A start before each instant, and one between the steps of the same instant. */
static void
restarts_miss_and_double_nothing(void **state)
{
	rig_send(RIG_ID, NULL);
	for (size_t i = 0; i < sizeof walk / sizeof *walk; i++) {
		rig_restart();
		rig_at(walk[i].after);
		rig_restart();
		rig_at(walk[i].after);
		assert_entries(RIG_ID, walk[i].log);
	}
}

/* Killed with a step's change under way, its notice signed: as if it had not begun. */
static void
killed_before_the_commit(void **state)
{
	rig_send(RIG_ID, NULL);
	rig_at(2 * HOUR);
	rig.hold = true;
	rig_at(4 * HOUR);
	rig_turns(20);
	rig_kill();
	rig.hold = false;
	rig_start(rig.conf);
	rig_at(4 * HOUR);
	assert_entries(RIG_ID, walk[4].log);
	is_sound();
}

/* All at once, and in order: the gateway was down for days. */
static void
what_was_missed_is_made_up_in_order(void **state)
{
	rig.courier_does = COURIER_SILENT;
	rig_send(RIG_ID, NULL);
	rig_at(5 * DAY);
	assert_entries(RIG_ID, ACCEPTED REMIND OVERDUE COVER DUTY SENDER REGISTER);
	assert_log(RIG_ID, 2, REMIND OVERDUE COVER DUTY SENDER REGISTER);
}

/* Set back, the clock makes nothing early and nothing twice; the log's times do not go back. */
static void
a_clock_that_is_set_back(void **state)
{
	struct ledger_bundle b;
	struct ledger_entry e;

	rig_send(RIG_ID, NULL);
	rig_at(2 * HOUR);
	rig_at(-5 * HOUR);
	assert_entries(RIG_ID, ACCEPTED REMIND TOLD);
	rig_at(4 * HOUR - 1);
	assert_entries(RIG_ID, ACCEPTED REMIND TOLD);
	rig_at(4 * HOUR);
	assert_entries(RIG_ID, walk[4].log);
	rig_at(0);
	rig_says(RIG_ID, "uhcw/emergency", STATEMENT_COLLECTED, "ok");
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_true(ledger_find_entry(rig.store->reader, b.n, "uhcw/emergency",
				      EVENT_CONTENT_HANDOVER, 0, &e));
	assert_int_equal(e.time_ms, T0 + 4 * HOUR);
}

/* --- notices --- */

static void
first_of(void *ctx, const struct ledger_bundle *b)
{
	*(struct ledger_bundle *)ctx = *b;
}

static void
a_notice_is_collected_and_read_like_a_bundle(void **state)
{
	struct ledger_filter f = {
	    .klass = NOTICE_CLASS, .mailbox = "csc/duty", .before = INT64_MAX, .limit = 1};
	struct ledger_bundle n = {0};
	uint8_t nothing[DIGEST_BYTES];
	char fetched[96];
	size_t bytes;

	rig_send(RIG_ID, NULL);
	rig_at(4 * HOUR);
	assert_int_equal(rig.notices, 3); /* of the cover, to duty, to the sender */
	ledger_each_bundle(rig.store->reader, &f, first_of, &n);
	assert_string_equal(n.from, NOTICE_FROM);
	rig_ask_mailbox(ASK_FEED, "csc", "csc/duty", "");
	assert_true(rig_body_has("\"class\":\"notice\""));
	assert_true(rig_body_has(n.id));
	rig_ask_mailbox(ASK_FETCH, "csc", "csc/duty", n.id);
	assert_int_equal(rig.reply.kind, MSG_BODY);
	assert_true(notice_is(rig.reply.body.data + BUNDLE_FIXED_BYTES,
			      rig.reply.body.len - BUNDLE_FIXED_BYTES));
	bytes = rig.reply.body.len;
	assert_true(rig_body_has("SHB1") || rig.reply.body.len > BUNDLE_FIXED_BYTES);
	rig_says(n.id, "csc/duty", STATEMENT_COLLECTED, "ok");
	assert_false(rig_body_has("\"slot\""));
	digest_of("", 0, nothing);
	rig_says(n.id, "csc/duty", STATEMENT_OPENED, "ok");
	rig_says(n.id, "csc/duty", STATEMENT_READ, "ok");
	snprintf(fetched, sizeof fetched, "Fetched csc/duty range:0-%zu/%zu@", bytes - 1, bytes);
	assert_log_has(n.id, fetched);
	assert_log(n.id, 2, "ContentHandover csc/duty ok\nOpened csc/duty ok\nRead csc/duty ok\n");
	is_sound();
	rig_restart();
	is_sound();
}

/* One bad object that stops the queue: steps whose notice cannot be signed wait for themselves. */
static void
one_bad_object_does_not_stop_the_queue(void **state)
{
	rig_send(RIG_ID, NULL);
	rig.refuse_notices = true;
	rig_at(4 * HOUR);
	assert_entries(RIG_ID, ACCEPTED REMIND TOLD OVERDUE);
	rig_send(RIG_ID2, NULL);
	rig_at(6 * HOUR);
	assert_log(RIG_ID2, 2, REMIND TOLD);
	rig.refuse_notices = false;
	rig_at(6 * HOUR + 60000);
	assert_log(RIG_ID, 5, COVER DUTY SENDER HOOKED REGISTER);
}

/* --- the contacts --- */

static void
a_notification_that_fails_escalates(void **state)
{
	rig.courier_does = COURIER_FAILS;
	rig_send(RIG_ID, NULL);
	rig_at(2 * HOUR);
	assert_int_equal(rig.nnotified, 1 + 1); /* the reminder; the notice that it failed */
	assert_int_equal(rig.notified[0].kind, NOTIFY_MAIL);
	assert_string_equal(rig.notified[0].address, "ed@uhcw.example");
	assert_string_equal(rig.notified[0].pattern, "uhcw/emergency");
	assert_int_equal(rig.notified[0].notice.kind, NOTICE_REMINDER);
	assert_int_equal(rig.notified[1].notice.kind, NOTICE_UNDELIVERED);
	assert_string_equal(rig.notified[1].notice.to, "csc/duty");
	assert_int_equal(rig.notices, 1); /* duty's hook fails too: that goes no further */
	assert_entries(RIG_ID, ACCEPTED REMIND "NotificationFailure uhcw/emergency mail\n"
					       "NotificationFailure csc/duty webhook\n"
					       "Escalation uhcw/emergency undelivered:csc/duty\n");
	rig_at(4 * HOUR); /* and the ladder's own step to duty is still to come */
	is_sound();
}

/* Without a key for notices nobody can be told, and the ladder goes on all the same. */
static void
a_failure_without_notices_stops_nothing(void **state)
{
	struct buf conf = {0};
	const char *key = strstr(conf_text, "notice-key"), *rest = strstr(conf_text, "[store]");

	rig_kill();
	buf_add(&conf, conf_text, (size_t)(key - conf_text));
	buf_adds(&conf, rest);
	rig.conf = buf_str(&conf);
	ladder_text = "remind at 50%, register at 100%";
	rig_start(rig.conf);
	rig.courier_does = COURIER_FAILS;
	rig_send(RIG_ID, NULL);
	rig_at(4 * HOUR);
	assert_entries(RIG_ID, ACCEPTED REMIND OVERDUE REGISTER
		       "NotificationFailure uhcw/emergency mail\n");
	is_sound();
	rig.conf = conf_text;
	buf_free(&conf);
}

/* Twice is better than never: what the courier has not answered is sent again, and is the same. */
static void
the_outbox_outlives_a_restart(void **state)
{
	char id[UUID_TEXT];

	rig.courier_does = COURIER_SILENT;
	rig_send(RIG_ID, NULL);
	rig_at(2 * HOUR);
	assert_int_equal(rig.nnotified, 1);
	strcpy(id, rig.notified[0].notice.id);
	rig_restart();
	rig.courier_does = COURIER_OK;
	rig_at(2 * HOUR);
	assert_int_equal(rig.nnotified, 2);
	assert_int_equal(rig.notified[1].job, rig.notified[0].job);
	assert_string_equal(rig.notified[1].notice.id, id);
	rig.courier_does = COURIER_OK;
	rig_restart();
	rig_at(2 * HOUR + 1);
	rig_settle();
	assert_true(rig.nnotified <= 3);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(each_step_in_its_time),
	    T(the_excluded_are_not_told),
	    T(restarts_miss_and_double_nothing),
	    T(killed_before_the_commit),
	    T(what_was_missed_is_made_up_in_order),
	    T(a_clock_that_is_set_back),
	    T(a_notice_is_collected_and_read_like_a_bundle),
	    T(one_bad_object_does_not_stop_the_queue),
	    T(a_notification_that_fails_escalates),
	    T(a_failure_without_notices_stops_nothing),
	    T(the_outbox_outlives_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
