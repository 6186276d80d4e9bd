/* What is owed is opened, and closed by whatever ends it; away and closed mailboxes; the board; and
 * a test for each fault of this field that public trackers tell of. A played clock. */
#include "ladder_rig.h"

#include "store/board.h"
#include "store/control.h"
#include "store/ledger_case.h"
#include "store/purge.h"

#define RIG_ID3 "019ab000-0000-7000-8000-000000000003"

static const char conf_text[] =
    RIG_CONF_NOTICES "[store]\ndisk-reserve = 0\njournal-segment = 4M\nsmall = 64K\nquota = 8M\n"
		     "[class \"general\"]\nfrom = */*\nto = */*\nmax-bytes = 1M\n"
		     "[class \"outcome\"]\nfrom = */*\nto = */*\nmax-bytes = 1M\n";

#define ED   "uhcw/emergency"
#define PAED "uhcw/paediatrics"

static enum policy_answer answers;
static const char *answer_by;

static void
owe(struct policy *p)
{
	struct policy_class *k = rig_class(p, "general");

	rig_rule(&k->has_collect, &k->collect, "within 4 hours");
	rig_rule(&k->has_read, &k->read, "within 1 days");
	rig_rule(&k->has_provisional, &k->provisional, "within 3 working-days");
	rig_rule(NULL, &k->answer, "within 2 days");
	k->answers = answers;
	strcpy(k->answer_by, answer_by);
	k->retain_after_answer = true;
	k->retain_ms = 10 * DAY;
	rig_ladder(&k->ladder, "cover at 100%, notify sender at 100%");
}

static int
setup(void **state)
{
	answers = ANSWER_WITHIN;
	answer_by = "";
	rig = (struct rig){.roster_serial = 3, .conf = conf_text, .clock_ms = T0, .configure = owe};
	return rig_setup_here();
}

static void
again_with(enum policy_answer how, const char *by)
{
	rig_kill();
	answers = how;
	answer_by = by;
	rig_start(rig.conf);
}

static void
collect_and_open(const char *id, const char *mailbox)
{
	rig_says(id, mailbox, STATEMENT_COLLECTED, "ok");
	rig_says(id, mailbox, STATEMENT_OPENED, "ok");
}

/* --- opened and closed --- */

static void
each_event_closes_its_own(void **state)
{
	struct ledger_deadline d;

	rig_send(RIG_ID, NULL);
	assert_true(rig_find_owed(RIG_ID, DEADLINE_COLLECT, 0, ED, &d));
	assert_int_equal(d.start_ms, T0);
	assert_int_equal(d.due_ms, T0 + 4 * HOUR);
	assert_owed(RIG_ID, DEADLINE_READ, 0, ED, DEADLINE_OPEN);
	assert_owed(RIG_ID, DEADLINE_ANSWER, 0, ED, DEADLINE_OPEN);
	assert_false(rig_find_owed(RIG_ID, DEADLINE_FINAL, 0, "csc/mash", &d));
	assert_false(rig_find_owed(RIG_ID, DEADLINE_COLLECT, 0, PAED, &d)); /* not called upon */
	rig_says(RIG_ID, ED, STATEMENT_COLLECTED, "ok");
	assert_owed(RIG_ID, DEADLINE_COLLECT, 0, ED, DEADLINE_MET);
	assert_owed(RIG_ID, DEADLINE_READ, 0, ED, DEADLINE_OPEN);
	rig_says(RIG_ID, ED, STATEMENT_OPENED, "ok");
	assert_owed(RIG_ID, DEADLINE_READ, 0, ED, DEADLINE_OPEN);
	rig_says(RIG_ID, ED, STATEMENT_READ, "ok");
	assert_owed(RIG_ID, DEADLINE_READ, 0, ED, DEADLINE_MET);
	rig_says(RIG_ID, ED, STATEMENT_ANSWERED, "accepted");
	assert_owed(RIG_ID, DEADLINE_ANSWER, 0, ED, DEADLINE_MET);
	rig_at(90 * DAY);
	assert_int_equal(ledger_next_deadline(rig.store->reader), DEADLINE_NEVER);
	is_sound();
}

/* Who answers has read. The bundle is kept so long after the last answer. */
static void
an_answer_closes_all_and_keeps(void **state)
{
	struct ledger_bundle b;

	rig_send(RIG_ID, NULL);
	collect_and_open(RIG_ID, ED);
	rig_at(3 * DAY);
	rig_says(RIG_ID, ED, STATEMENT_ANSWERED, "declined");
	assert_owed(RIG_ID, DEADLINE_READ, 0, ED, DEADLINE_MET);
	assert_owed(RIG_ID, DEADLINE_ANSWER, 0, ED, DEADLINE_MET);
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_int_equal(b.purge_ms, T0 + 13 * DAY);
	is_sound();
}

static struct fact_action actions[] = {
    {1, ED, "2025-11-27"}, {2, ED, "2025-11-20"}, {3, "csc/mash", "2025-11-27"}};

static void
with_actions(struct msg_facts_head *f)
{
	f->actions = (struct list){actions, 3};
}

static void
each_action_has_its_date(void **state)
{
	struct ledger_deadline d;

	again_with(ANSWER_ACTIONS, "");
	rig_send(RIG_ID, with_actions);
	assert_true(rig_find_owed(RIG_ID, DEADLINE_ACTION, 1, ED, &d));
	assert_int_equal(d.due_ms, T0 - 9 * HOUR + 3 * DAY); /* the end of the 27th */
	assert_true(rig_find_owed(RIG_ID, DEADLINE_ACTION, 2, ED, &d));
	assert_int_equal(d.due_ms, T0); /* behind already: overdue at once */
	assert_false(rig_find_owed(RIG_ID, DEADLINE_ACTION, 3, "csc/mash", &d));
	rig_at(0);
	assert_true(rig_find_owed(RIG_ID, DEADLINE_ACTION, 2, ED, &d));
	assert_true(d.overdue);
	collect_and_open(RIG_ID, ED);
	rig_says(RIG_ID, ED, STATEMENT_ANSWERED, "accepted:1");
	assert_owed(RIG_ID, DEADLINE_ACTION, 1, ED, DEADLINE_OPEN);
	rig_says(RIG_ID, ED, STATEMENT_ANSWERED, "done:1");
	assert_owed(RIG_ID, DEADLINE_ACTION, 1, ED, DEADLINE_MET);
	assert_owed(RIG_ID, DEADLINE_ACTION, 2, ED, DEADLINE_OPEN);
	rig_says(RIG_ID, ED, STATEMENT_ANSWERED, "declined:2");
	assert_owed(RIG_ID, DEADLINE_ACTION, 2, ED, DEADLINE_MET);
	is_sound();
}

static void
reply_of_uhcw(struct msg_facts_head *f)
{
	strcpy(f->from, PAED);
	strcpy(f->reply_to, RIG_ID);
	strcpy(f->klass, "outcome");
	strcpy(rig.to[0].mailbox, "csc/mash");
	rig_key(rig.to[0].key, 1);
	f->to.n = 1;
	strcpy(rig.signers[0].agency, "uhcw");
}

/* Sends a bundle of uhcw to csc/mash. */
static void
send_reply(const char *id)
{
	struct buf head = {0};

	rig_bundle(&head, id, payload, 1);
	reply_of_uhcw(&rig.head);
	rig_begin_as(&head, id, strlen(payload), "uhcw");
	if (rig.reply.kind != MSG_UPLOAD)
		fail_msg("%s: %s", err_name(rig.reply.code), rig.reply.detail);
	rig_write(payload, 0, strlen(payload));
	rig_send_end(payload);
	rig_expect(201, ERR_OK);
	buf_free(&head);
}

/* "accepted" to a referral is not its outcome. */
static void
a_bundle_must_answer(void **state)
{
	again_with(ANSWER_WITHIN, "outcome");
	rig_send(RIG_ID, NULL);
	collect_and_open(RIG_ID, ED);
	rig_says(RIG_ID, ED, STATEMENT_ANSWERED, "accepted");
	assert_owed(RIG_ID, DEADLINE_READ, 0, ED, DEADLINE_MET);
	assert_owed(RIG_ID, DEADLINE_ANSWER, 0, ED, DEADLINE_OPEN);
	send_reply(RIG_ID2);
	assert_owed(RIG_ID, DEADLINE_ANSWER, 0, ED, DEADLINE_MET); /* any mailbox of its agency */
	is_sound();
}

static void
declined_is_an_answer(void **state)
{
	again_with(ANSWER_WITHIN, "outcome");
	rig_send(RIG_ID, NULL);
	collect_and_open(RIG_ID, ED);
	rig_says(RIG_ID, ED, STATEMENT_ANSWERED, "declined");
	assert_owed(RIG_ID, DEADLINE_ANSWER, 0, ED, DEADLINE_MET);
}

/* --- covers --- */

static void
the_cover_does_it_for_the_owner(void **state)
{
	struct ledger_deadline d;

	rig_send(RIG_ID, NULL);
	rig_at(4 * HOUR);
	assert_true(rig_find_owed(RIG_ID, DEADLINE_COLLECT, 0, PAED, &d));
	assert_int_equal(d.due_ms, T0 + 8 * HOUR);
	collect_and_open(RIG_ID, PAED);
	assert_owed(RIG_ID, DEADLINE_COLLECT, 0, PAED, DEADLINE_MET);
	assert_owed(RIG_ID, DEADLINE_COLLECT, 0, ED, DEADLINE_BY_OTHER);
	rig_says(RIG_ID, PAED, STATEMENT_READ, "ok");
	assert_owed(RIG_ID, DEADLINE_READ, 0, ED, DEADLINE_BY_OTHER);
	is_sound();
}

static void
the_owner_comes_back_and_does_it(void **state)
{
	rig_send(RIG_ID, NULL);
	rig_at(4 * HOUR);
	collect_and_open(RIG_ID, ED);
	assert_owed(RIG_ID, DEADLINE_COLLECT, 0, ED, DEADLINE_MET);
	assert_owed(RIG_ID, DEADLINE_COLLECT, 0, PAED, DEADLINE_BY_OTHER);
	assert_owed(RIG_ID, DEADLINE_READ, 0, PAED, DEADLINE_OPEN);
	is_sound();
}

static void
alone(struct msg_facts_head *f)
{
	f->to.n = 1;
	f->signers.n = 1;
}

static void
nobody_covers(void **state)
{
	struct buf head = {0};

	rig_bundle(&head, RIG_ID, payload, 1);
	alone(&rig.head);
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_write(payload, 0, strlen(payload));
	rig_send_end(payload);
	rig_expect(201, ERR_OK);
	buf_free(&head);
	rig_at(4 * HOUR);
	assert_log(RIG_ID, 2,
		   "Overdue uhcw/emergency collect\nEscalation uhcw/emergency cover:none\n"
		   "Escalation uhcw/emergency notify:csc/mash\n");
	is_sound();
}

/* --- what ends a bundle --- */

static void
is_provisional(struct msg_facts_head *f)
{
	f->provisional = 1;
}

static void
supersedes_first_provisionally(struct msg_facts_head *f)
{
	f->provisional = 1;
	strcpy(f->supersedes, RIG_ID);
}

static void
supersedes_second(struct msg_facts_head *f)
{
	strcpy(f->supersedes, RIG_ID2);
}

static void
a_final_is_owed_until_a_final_comes(void **state)
{
	struct ledger_deadline d;

	rig_send(RIG_ID, is_provisional);
	assert_true(rig_find_owed(RIG_ID, DEADLINE_FINAL, 0, "csc/mash", &d));
	assert_int_equal(d.due_ms, T0 - 9 * HOUR + 4 * DAY); /* Wednesday, Thursday, Friday's end */
	rig_send(RIG_ID2, supersedes_first_provisionally);
	assert_owed(RIG_ID, DEADLINE_READ, 0, ED, DEADLINE_SUPERSEDED);
	assert_owed(RIG_ID, DEADLINE_FINAL, 0, "csc/mash", DEADLINE_OPEN);
	assert_owed(RIG_ID2, DEADLINE_FINAL, 0, "csc/mash", DEADLINE_OPEN);
	rig_send(RIG_ID3, supersedes_second);
	assert_owed(RIG_ID, DEADLINE_FINAL, 0, "csc/mash", DEADLINE_MET);
	assert_owed(RIG_ID2, DEADLINE_FINAL, 0, "csc/mash", DEADLINE_MET);
	assert_owed(RIG_ID3, DEADLINE_READ, 0, ED, DEADLINE_OPEN);
	is_sound();
}

/* Who had read the old one owes the reading of the new. */
static void
what_replaces_is_read_again(void **state)
{
	rig_send(RIG_ID, is_provisional);
	collect_and_open(RIG_ID, ED);
	rig_says(RIG_ID, ED, STATEMENT_READ, "ok");
	assert_owed(RIG_ID, DEADLINE_READ, 0, ED, DEADLINE_MET);
	rig_send(RIG_ID2, supersedes_first_provisionally);
	assert_owed(RIG_ID2, DEADLINE_COLLECT, 0, ED, DEADLINE_OPEN);
	assert_owed(RIG_ID2, DEADLINE_READ, 0, ED, DEADLINE_OPEN);
	assert_owed(RIG_ID, DEADLINE_READ, 0, ED, DEADLINE_MET);
	assert_owed(RIG_ID, DEADLINE_ANSWER, 0, ED, DEADLINE_SUPERSEDED);
	is_sound();
}

static void
a_purge_ends_what_recipients_owe(void **state)
{
	rig_send(RIG_ID, is_provisional);
	rig_at(10 * DAY);
	purge_tick(rig.store, rig_now());
	rig_settle();
	assert_owed(RIG_ID, DEADLINE_COLLECT, 0, ED, DEADLINE_PURGED);
	assert_owed(RIG_ID, DEADLINE_READ, 0, ED, DEADLINE_PURGED);
	assert_owed(RIG_ID, DEADLINE_FINAL, 0, "csc/mash", DEADLINE_OPEN);
	is_sound();
}

/* --- away, closed --- */

static void
go_away(int64_t until_ms, const char *cover)
{
	struct msg_ask m = rig_question(ASK_AWAY_SET, "uhcw");

	strcpy(m.mailbox, ED);
	strcpy(m.other, cover);
	m.number = (uint64_t)until_ms;
	rig_ask(&m);
}

#define AT_ONCE                                                                                    \
	"Escalation uhcw/emergency cover:uhcw/paediatrics\nCoverReleased uhcw/paediatrics ok\n"

static void
the_away_have_their_cover_at_once(void **state)
{
	go_away(T0 + 6 * HOUR, "");
	rig_expect(204, ERR_OK);
	rig_ask_mailbox(ASK_AWAY, "uhcw", ED, "");
	assert_true(rig_body_has("\"until\":\"2025-11-25T15:00:00.000Z\""));
	rig_send(RIG_ID, NULL);
	rig_at(0);
	assert_log(RIG_ID, 2, AT_ONCE); /* what is due while it is away; the rest can wait */
	rig_at(6 * HOUR);
	rig_ask_mailbox(ASK_AWAY, "uhcw", ED, "");
	assert_true(rig_body_has("\"away\":null"));
	is_sound();
}

static void
who_goes_away_leaves_what_is_open(void **state)
{
	rig_send(RIG_ID, NULL);
	rig_at(HOUR);
	assert_log(RIG_ID, 2, "");
	go_away(T0 + 6 * HOUR, "");
	rig_at(HOUR);
	assert_log(RIG_ID, 2, AT_ONCE);
	rig_ask_mailbox(ASK_AWAY_END, "uhcw", ED, "");
	rig_expect(204, ERR_OK);
	rig_ask_mailbox(ASK_AWAY_END, "uhcw", ED, "");
	rig_expect(404, ERR_UNKNOWN);
}

static void
duty_covers(struct msg_facts_head *f)
{
	strcpy(rig.to[1].mailbox, "csc/duty");
	rig_key(rig.to[1].key, 2);
}

/* Whom the away mailbox named covers it, for as long as it is away; before, nobody but whom the
 * roster names. */
static void
the_away_name_their_cover(void **state)
{
	struct buf head = {0};

	rig_bundle(&head, RIG_ID, payload, 2);
	rig.to[1].cover = 1;
	strcpy(rig.to[1].covers, ED);
	duty_covers(&rig.head);
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_expect(409, ERR_ROUTE);
	buf_free(&head);
	go_away(T0 + DAY, "csc/duty");
	rig_expect(204, ERR_OK);
	rig_ask_mailbox(ASK_AWAY, "uhcw", ED, "");
	assert_true(rig_body_has("\"cover\":\"csc/duty\""));
	rig_send(RIG_ID, duty_covers);
	rig_send(RIG_ID2, NULL); /* sealed before it went: the roster's cover is as good */
	rig_at(0);
	assert_log(RIG_ID, 2,
		   "Escalation uhcw/emergency cover:csc/duty\nCoverReleased csc/duty ok\n");
	assert_log(RIG_ID2, 2, AT_ONCE);
	is_sound();
}

/* Before the sender seals and after, it is told until when nobody looks, and who looks instead: of
 * this bundle, for another deputy could not open it. */
static void
the_sender_is_told_who_is_away(void **state)
{
	static const char until[] = "\"until\":\"2025-11-26T09:00:00.000Z\",";
	struct buf want = {0};

	strcpy(rig.route.klass, "general");
	strcpy(rig.route.from, "csc/mash");
	strcpy(rig.route_names[0].name, ED);
	rig.route.to = (struct list){&rig.route_names[0], 1};
	rig_ask_route("csc");
	rig_expect(200, ERR_OK);
	assert_false(rig_body_has("away"));
	go_away(T0 + DAY, "csc/duty");
	rig_ask_route("csc");
	buf_addf(&want,
		 "\"away\":{\"since\":\"2025-11-25T09:00:00.000Z\",%s\"cover\":\"csc/duty\"}},",
		 until);
	assert_true(rig_body_has(buf_str(&want)));
	rig_send(RIG_ID, duty_covers);
	rig_send(RIG_ID2, NULL);
	rig_ask_mailbox(ASK_BUNDLE, "csc", "", RIG_ID);
	assert_true(rig_body_has(buf_str(&want)));
	rig_ask_mailbox(ASK_BUNDLE, "csc", "", RIG_ID2);
	assert_true(rig_body_has(until));
	assert_true(rig_body_has("\"cover\":\"" PAED "\"}}"));
	rig_ask_mailbox(ASK_AWAY_END, "uhcw", ED, "");
	rig_ask_mailbox(ASK_BUNDLE, "csc", "", RIG_ID);
	assert_false(rig_body_has("away"));
	buf_free(&want);
}

static void
away_is_refused(void **state)
{
	go_away(T0, "");
	rig_expect(400, ERR_USAGE);
	go_away(T0 + 367 * DAY, "");
	rig_expect(413, ERR_LIMIT);
	go_away(T0 + DAY, "uhcw/nobody");
	rig_expect(404, ERR_UNKNOWN);
	go_away(T0 + DAY, ED);
	rig_expect(400, ERR_USAGE);
	rig_ask_mailbox(ASK_AWAY, "csc", ED, ""); /* another's */
	rig_expect(404, ERR_UNKNOWN);
}

/* --- the board --- */

static void
the_board_shows_both_sides(void **state)
{
	struct buf json = {0};

	rig_send(RIG_ID, NULL);
	rig_at(5 * HOUR);
	rig_ask_mailbox(ASK_BOARD, "uhcw", ED, "");
	rig_expect(200, ERR_OK);
	assert_true(rig_body_has("\"bundle\":\"" RIG_ID "\""));
	assert_true(rig_body_has("\"owed\":\"collect\",\"start\":\"2025-11-25T09:00:00.000Z\","
				 "\"due\":\"2025-11-25T13:00:00.000Z\",\"overdue_ms\":3600000,"
				 "\"next_step\":null,\"next_at\":null,\"registered\":false"));
	assert_true(rig_body_has("\"owed\":\"read\""));
	assert_true(rig_body_has("\"next_step\":\"overdue\",\"next_at\":\"2025-11-26T09:00:00"));
	rig_ask_mailbox(ASK_BOARD, "csc", "csc/mash", "");
	assert_true(rig_body_has("\"mailbox\":\"uhcw/emergency\",\"owed_to\":\"csc/mash\""));
	rig_ask_mailbox(ASK_BOARD, "csc", "csc/duty", "");
	assert_true(rig_body_has("\"items\":[]"));
	rig_ask_mailbox(ASK_BOARD, "csc", ED, "");
	rig_expect(404, ERR_UNKNOWN);
	rig_ask_mailbox(ASK_BUNDLE, "csc", "", RIG_ID);
	assert_true(rig_body_has("\"deadlines\":[{\"owed\":\"collect\""));
	assert_true(rig_body_has("\"state\":\"open\",\"overdue\":true"));
	metrics_text(rig.store, &json);
	assert_non_null(strstr(buf_str(&json), "safehand_deadlines_open 6\n"));
	assert_non_null(strstr(buf_str(&json), "safehand_deadlines_overdue 1\n"));
	buf_clear(&json);
	board_json(rig.store, NULL, 100, &json);
	assert_non_null(strstr(buf_str(&json), "\"owed\":\"collect\""));
	assert_null(strstr(buf_str(&json), "\"owed\":\"read\""));
	buf_free(&json);
}

/* --- named faults of this field --- */

/* A receipt for a duplicate of a failed bundle: who could not open it owes its reading all the
 * same, whatever often the sender repeats it. */
static void
a_repeat_is_no_receipt(void **state)
{
	struct buf head = {0};

	rig_send(RIG_ID, NULL);
	rig_says(RIG_ID, ED, STATEMENT_COLLECTED, "ok");
	rig_says(RIG_ID, ED, STATEMENT_OPENED, "archive");
	rig_bundle(&head, RIG_ID, payload, 2);
	rig.to[1].cover = 1;
	strcpy(rig.to[1].covers, ED);
	rig_begin(&head, RIG_ID, strlen(payload));
	rig_expect(200, ERR_OK); /* the first answer again */
	buf_free(&head);
	assert_log(RIG_ID, 2,
		   "ContentHandover uhcw/emergency ok\nOpenFailure uhcw/emergency archive\n");
	assert_owed(RIG_ID, DEADLINE_READ, 0, ED, DEADLINE_OPEN);
	rig_at(DAY);
	assert_log(
	    RIG_ID, 4,
	    "Overdue uhcw/emergency read\n"
	    "Escalation uhcw/emergency cover:uhcw/paediatrics\nCoverReleased uhcw/paediatrics ok\n"
	    "Escalation uhcw/emergency notify:csc/mash\n");
}

/* Receipt and non-receipt for one bundle: after the one the other is refused. */
static void
no_receipt_and_non_receipt(void **state)
{
	rig_send(RIG_ID, NULL);
	collect_and_open(RIG_ID, ED);
	rig_say(RIG_ID, ED, STATEMENT_OPENED, "archive");
	rig_expect(409, ERR_ORDER);
	rig_at(4 * HOUR);
	assert_log(RIG_ID, 2, "ContentHandover uhcw/emergency ok\nOpened uhcw/emergency ok\n");
}

/* A late receipt ignored after failure: it counts, ends the ladder, and the Overdue stays. */
static void
a_late_receipt_counts(void **state)
{
	rig_send(RIG_ID, NULL);
	rig_at(4 * HOUR);
	rig_says(RIG_ID, ED, STATEMENT_COLLECTED, "ok");
	assert_owed(RIG_ID, DEADLINE_COLLECT, 0, ED, DEADLINE_MET);
	rig_at(8 * HOUR);
	assert_log(
	    RIG_ID, 2,
	    "Overdue uhcw/emergency collect\n"
	    "Escalation uhcw/emergency cover:uhcw/paediatrics\nCoverReleased uhcw/paediatrics ok\n"
	    "Escalation uhcw/emergency notify:csc/mash\nContentHandover uhcw/emergency ok\n");
}

/* A retry that makes a new id: a step that is begun again after a kill has made one notice. */
static void
a_retry_makes_no_second_notice(void **state)
{
	struct ledger_totals t;

	rig_send(RIG_ID, NULL);
	rig.hold = true;
	rig_at(4 * HOUR);
	rig_turns(20);
	rig_kill();
	rig.hold = false;
	rig_start(rig.conf);
	rig_at(4 * HOUR);
	ledger_totals(rig.store->reader, &t);
	assert_int_equal(t.bundles, 1 + 2); /* of the cover, and to the sender */
	is_sound();
}

/* A time-out that is configured and never fires: every kind that can be owed becomes overdue. */
static void
every_kind_becomes_overdue(void **state)
{
	struct ledger_deadline d;
	unsigned seen = 0;

	again_with(ANSWER_WITHIN, "");
	rig_send(RIG_ID, is_provisional);
	again_with(ANSWER_ACTIONS, "");
	rig_send(RIG_ID2, with_actions);
	ledger_begin(rig.store->writer);
	deadline_open_expectation(rig.store,
				  &(struct deadline_expected){
				      .expectation = 1,
				      .mailbox = "csc/duty",
				      .from = "csc/mash",
				      .start_ms = T0,
				      .due_ms = T0 + HOUR,
				      .ladder = &rig_class(rig.store->policy, "general")->ladder});
	ledger_add_expectation(rig.store->writer,
			       &(struct ledger_expectation){.id = RIG_ID3,
							    .mailbox = "csc/duty",
							    .from = "csc/mash",
							    .klass = "outcome",
							    .opened_ms = T0,
							    .due_ms = T0 + HOUR,
							    .missed_seq = -1,
							    .met_seq = -1});
	ledger_commit(rig.store->writer);
	rig_at(30 * DAY);
	rig_at(60 * DAY); /* what the covers owed since */
	for (int64_t n = 1; ledger_deadline(rig.store->reader, n, &d); n++)
		if (d.overdue)
			seen |= 1u << d.kind;
	assert_int_equal(seen, (1u << DEADLINE_KINDS) - 1);
	assert_int_equal(ledger_next_deadline(rig.store->reader), DEADLINE_NEVER);
	is_sound();
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(each_event_closes_its_own),
	    T(an_answer_closes_all_and_keeps),
	    T(each_action_has_its_date),
	    T(a_bundle_must_answer),
	    T(declined_is_an_answer),
	    T(the_cover_does_it_for_the_owner),
	    T(the_owner_comes_back_and_does_it),
	    T(nobody_covers),
	    T(a_final_is_owed_until_a_final_comes),
	    T(what_replaces_is_read_again),
	    T(a_purge_ends_what_recipients_owe),
	    T(the_away_have_their_cover_at_once),
	    T(who_goes_away_leaves_what_is_open),
	    T(the_away_name_their_cover),
	    T(the_sender_is_told_who_is_away),
	    T(away_is_refused),
	    T(the_board_shows_both_sides),
	    T(a_repeat_is_no_receipt),
	    T(no_receipt_and_non_receipt),
	    T(a_late_receipt_counts),
	    T(a_retry_makes_no_second_notice),
	    T(every_kind_becomes_overdue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
