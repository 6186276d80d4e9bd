/* test_store_oversight.c - audit and report at the real store, its clock played: who kept their
 * dates, and who did what. */
#include "ladder_rig.h"

#include "store/oversight.h"
#include "store/purge.h"

static struct buf json;

/* Collected within 4 hours, read within 8, or the cover is called upon. */
static void
policy(void)
{
	struct policy_class *k = rig_class(rig.store->policy, "general");

	rig_rule(&k->has_collect, &k->collect, "within 4 hours");
	rig_rule(&k->has_read, &k->read, "within 8 hours");
	rig_ladder(&k->ladder, "register at 100%");
}

static int
setup(void **state)
{
	int rc;

	rig = (struct rig){.roster_serial = 3, .conf = rig_conf_text, .clock_ms = T0};
	rc = rig_setup_here();
	policy();
	return rc;
}

static const char *
asked(int (*ask)(struct store *s, char **words, size_t n, struct buf *json, struct err *e),
      const char *line)
{
	char copy[256], *words[8], *save = NULL;
	struct err e = {0};
	size_t n = 0;

	snprintf(copy, sizeof copy, "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	buf_clear(&json);
	if (ask(rig.store, words, n, &json, &e) < 0) {
		assert_int_equal(e.code, ERR_USAGE);
		buf_clear(&json);
		buf_adds(&json, e.text);
	}
	return buf_str(&json);
}

static void
has(const char *line, const char *want)
{
	const char *got = asked(report_json, line);

	if (strstr(got, want) == NULL)
		fail_msg("report %s: %s, and not %s", line, got, want);
}

static void
dates_kept_and_not(void **state)
{
	rig_send(RIG_ID, NULL);
	rig_send(RIG_ID2, NULL);
	assert_string_equal(asked(report_json, ""), "{\"rows\":[]}"); /* nothing is due yet */
	rig_at(1 * HOUR);
	rig_says(RIG_ID, "uhcw/emergency", STATEMENT_COLLECTED, "ok");
	rig_at(5 * HOUR); /* the second one's collection is an hour late */
	has("by=mailbox", "\"who\":\"uhcw/emergency\",\"owed\":\"collect\",\"due\":2,\"in_time\":1,"
			  "\"late\":0,\"by_other\":0,\"never\":1,\"mean_ms\":3600000,"
			  "\"latest_ms\":3600000");
	rig_at(6 * HOUR);
	rig_says(RIG_ID2, "uhcw/emergency", STATEMENT_COLLECTED, "ok");
	has("by=agency", "\"who\":\"uhcw\",\"owed\":\"collect\",\"due\":2,\"in_time\":1,\"late\":1,"
			 "\"by_other\":0,\"never\":0,\"mean_ms\":12600000,\"latest_ms\":7200000");
	has("by=class", "\"who\":\"general\",\"owed\":\"collect\"");
	has("until=2025-11-25T13:00:00Z",
	    "{\"rows\":[]}"); /* due at 13:00, which is not below it */
	has("since=2025-11-25T13:00:00Z until=2025-11-25T13:00:01Z by=agency", "\"due\":2");
	has("since=2025-11-26", "{\"rows\":[]}");
}

static void
wrong_words(void **state)
{
	static const struct {
		int (*ask)(struct store *s, char **words, size_t n, struct buf *json,
			   struct err *e);
		const char *line, *why;
	} rows[] = {
	    {report_json, "by=child", "want mailbox, agency or class"},
	    {report_json, "by", "want by=, since= or until="},
	    {report_json, "since=2025-13-01", "want a date"},
	    {audit_json, "until=now", "want a date"},
	    {audit_json, "event=Eaten", "none of that name"},
	    {audit_json, "colour=red", "want agency, mailbox"},
	    {audit_json, "agency", "want KEY=VALUE"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strstr(asked(rows[i].ask, rows[i].line), rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].line, buf_str(&json));
}

static size_t
entries(const char *line)
{
	const char *at = asked(audit_json, line);
	size_t n = 0;

	while ((at = strstr(at, "\"seq\":")) != NULL)
		n++, at++;
	return n;
}

static void
who_did_what(void **state)
{
	rig_send(RIG_ID, NULL);
	rig_at(1 * HOUR);
	rig_says(RIG_ID, "uhcw/emergency", STATEMENT_COLLECTED, "ok");
	assert_int_equal(entries("event=ContentHandover"), 1);
	assert_non_null(strstr(buf_str(&json), "\"mailbox\":\"uhcw/emergency\",\"code\":\"ok\","
					       "\"actor\":\""));
	assert_non_null(strstr(buf_str(&json), "\"from\":\"csc/mash\""));
	assert_int_equal(entries("event=ContentHandover agency=uhcw"), 1);
	assert_int_equal(entries("event=ContentHandover agency=csc"), 1); /* who sent it */
	assert_int_equal(entries("event=ContentHandover agency=wmp"), 0);
	assert_int_equal(entries("event=ContentHandover agency=uhc"), 0); /* whole names only */
	assert_int_equal(entries("mailbox=uhcw/emergency"), 2);
	assert_int_equal(entries("since=2025-11-25T10:00:00Z"), 1);
	assert_int_equal(entries("event=SubmissionAcceptance until=2025-11-25T10:00:00Z"), 1);
	assert_int_equal(entries("limit=1"), 1);
	assert_int_equal(entries("before=0"), 0);
	assert_int_equal(entries("limit=99999999"), entries("limit=10000"));
}

/* --- held back --- */

static struct err refused;

static void
took(void *ctx, const struct err *refusal)
{
	refused = refusal != NULL ? *refusal : (struct err){0};
}

static void
act(void (*what)(struct store *s, int64_t bundle, purge_done *done, void *ctx), const char *id,
    enum err_code want)
{
	struct ledger_bundle b = {0};

	assert_true(ledger_bundle(rig.store->reader, id, &b));
	refused.code = ERR_CODES;
	what(rig.store, b.n, took, NULL);
	rig_settle();
	if (refused.code != want)
		fail_msg("%s: %s", err_name(refused.code), refused.text);
}

static void
a_held_one_waits(void **state)
{
	struct ledger_bundle b = {0};

	rig_send(RIG_ID, NULL);
	act(hold_bundle, RIG_ID, ERR_OK);
	act(hold_bundle, RIG_ID, ERR_CONFLICT);
	act(purge_bundle, RIG_ID, ERR_ORDER);
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/emergency", RIG_ID);
	rig_expect((unsigned)err_http(ERR_SYSTEM), ERR_SYSTEM);
	rig_say(RIG_ID, "uhcw/emergency", STATEMENT_COLLECTED, "ok");
	rig_expect((unsigned)err_http(ERR_SYSTEM), ERR_SYSTEM);
	assert_log_has(RIG_ID, "Held  ok\n");
	rig_restart();
	policy();
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	rig.clock_ms = b.purge_ms + DAY; /* its time has come, and it is not purged */
	purge_tick(rig.store, rig.clock_ms);
	rig_settle();
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_int_equal(b.state, BUNDLE_LIVE);
	act(quarantine_release, RIG_ID, ERR_OK);
	act(quarantine_release, RIG_ID, ERR_UNKNOWN);
	assert_log_has(RIG_ID, "Released  ok\n");
	act(hold_bundle, RIG_ID, ERR_OK); /* as often as it is needed */
	act(quarantine_release, RIG_ID, ERR_OK);
	is_sound();
	purge_tick(rig.store, rig.clock_ms);
	rig_settle();
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_int_not_equal(b.state, BUNDLE_LIVE);
	act(hold_bundle, RIG_ID, ERR_ORDER);
	is_sound();
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(dates_kept_and_not),
	    T(wrong_words),
	    T(who_did_what),
	    T(a_held_one_waits),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&json);
	return rc;
}
