/* test_client_timeline.c - what became of a bundle, in words: spans, steps, what is owed, what is
 * wrong. */
#include "tap.h"

#include "client/timeline.h"

#define MAX  8 /* pieces of a story */
#define NOON 1764072000000

static struct piece pieces[MAX];
static struct timeline line;

static int
fresh(void **state)
{
	memset(pieces, 0, sizeof pieces);
	line = (struct timeline){.id = "ID", .pieces = pieces, .now_ms = NOON + 7200000};
	return 0;
}

static struct evidence_result *
put(enum entry_event event, const char *mailbox, int64_t after_ms, const char *code)
{
	struct evidence_result *r = &pieces[line.n].result;

	pieces[line.n].seq = line.n + 3;
	line.n++;
	r->has_entry = true;
	r->entry.event = event;
	r->entry.time_ms = NOON + after_ms;
	strcpy(r->entry.mailbox, mailbox);
	strcpy(r->entry.code, code);
	return r;
}

static void
shows(const char *want)
{
	struct buf out = {0};

	timeline_text(&line, &out);
	if (strstr(buf_str(&out), want) == NULL)
		fail_msg("not there: %s\nin:\n%s", want, buf_str(&out));
	buf_free(&out);
}

static void
hides(const char *never)
{
	struct buf out = {0};

	timeline_text(&line, &out);
	if (strstr(buf_str(&out), never) != NULL)
		fail_msg("there: %s\nin:\n%s", never, buf_str(&out));
	buf_free(&out);
}

static void
spans(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
	    {-5, "0 s"},
	    {999, "0 s"},
	    {59999, "59 s"},
	    {60000, "1 min"},
	    {3599999, "59 min"},
	    {3600000, "1 h"},
	    {11400000, "3 h 10 min"},
	    {86400000, "1 d"},
	    {86400000 + 59 * 60000, "1 d"},
	    {2 * 86400000 + 4 * 3600000, "2 d 4 h"},
	};
	struct buf out = {0};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_clear(&out);
		timeline_span(rows[i].ms, &out);
		assert_string_equal(buf_str(&out), rows[i].text);
	}
	buf_free(&out);
}

static void
a_story(void **state)
{
	struct evidence_result *r = put(EVENT_SUBMISSION_ACCEPTANCE, "", 0, "ok");

	r->has_manifest = true;
	strcpy(r->klass, "general");
	strcpy(r->from, "uhcw/emergency");
	r->nsigners = 2;
	strcpy(r->signers[0].by, "person/uhcw/a");
	strcpy(r->signers[1].by, "person/uhcw/b");
	put(EVENT_CONTENT_CONSIGNMENT, "csc/mash", 0, "ok");
	put(EVENT_CONTENT_CONSIGNMENT, "wmp/ppu", 0, "ok");
	r = put(EVENT_CONTENT_HANDOVER, "csc/mash", 4000, "ok");
	r->has_actor = true;
	strcpy(r->actor.by, "agency/csc");
	put(EVENT_OPEN_FAILURE, "wmp/ppu", 5000, "secret");
	r = put(EVENT_ANSWER, "csc/mash", 3700000, "done:1");
	r->has_actor = true;
	strcpy(r->actor.by, "person/csc/a.khan");
	shows(
	    "bundle ID, general from uhcw/emergency, signed by person/uhcw/a and person/uhcw/b\n");
	shows("  2025-11-25 12:00:00 UTC                accepted by the gateway");
	shows("\ncsc/mash\n  2025-11-25 12:00:00 UTC                delivered ");
	shows("  2025-11-25 12:00:04 UTC  +4 s          collected by agency/csc ");
	shows("+1 h 1 min    answered by person/csc/a.khan: done:1 ");
	shows("+5 s          could not be opened: secret ");
}

/* Silence is told, until something ends it. */
static void
what_is_owed(void **state)
{
	put(EVENT_SUBMISSION_ACCEPTANCE, "", 0, "ok");
	put(EVENT_CONTENT_CONSIGNMENT, "csc/mash", 60000, "ok");
	shows("[OK]\n  not collected yet, for 1 h 59 min\n");
	put(EVENT_CONTENT_HANDOVER, "csc/mash", 3600000, "ok");
	shows("[OK]\n  not opened yet, for 1 h\n");
	put(EVENT_OPENED, "csc/mash", 7190000, "ok");
	shows("[OK]\n  not read yet, for 10 s\n");
	put(EVENT_READ, "csc/mash", 7195000, "ok");
	hides(" yet, ");
}

static void
nobody_owes_what_is_withdrawn(void **state)
{
	put(EVENT_SUBMISSION_ACCEPTANCE, "", 0, "ok");
	put(EVENT_CONTENT_CONSIGNMENT, "csc/mash", 0, "ok");
	shows("not collected yet");
	put(EVENT_WITHDRAWN, "", 60000, "ok");
	hides(" yet, ");
	shows("+1 min        withdrawn by its sender ");
}

static void
what_is_wrong(void **state)
{
	struct evidence_result *r = put(EVENT_CONTENT_CONSIGNMENT, "csc/mash", 0, "ok");

	r->verdict = EVIDENCE_FAIL;
	err_set(&r->why, ERR_SIGNATURE, "the log's key did not sign it");
	r = put(EVENT_NONE, "", 0, "");
	r->has_entry = false;
	r->verdict = EVIDENCE_FAIL;
	err_set(&r->why, ERR_FORMAT, "no JSON");
	shows("[FAIL: the log's key did not sign it]\n");
	shows("\n  entry 4 ");
	shows("[FAIL: no JSON]\n");
	line.n = 0;
	shows("bundle ID\n");
	buf_adds(&line.flags, "inconclusive since \033 about c:5k3 (ID)\nactive since T (ID)\n");
	shows("bundle ID\nflag on the case: inconclusive since ");
	shows("\nflag on the case: active since T (ID)\n");
	hides("\033");
	buf_free(&line.flags);
}

/* By the gateway's word: what is open, and the next step; what is closed or not told is
 * not. */
static void
open_deadlines(void **state)
{
	static const char text[] =
	    "{\"mailboxes\":[{\"mailbox\":\"uhcw/"
	    "paediatrics\",\"state\":\"waiting\",\"deadlines\":["
	    "{\"owed\":\"read\",\"due\":\"2026-11-25T12:00:00Z\",\"next_step\":\"cover\","
	    "\"next_at\":"
	    "\"2026-11-25T12:00:00Z\",\"state\":\"open\"},"
	    "{\"owed\":\"answer\",\"due\":\"2026-11-26T12:00:00Z\",\"next_step\":null,"
	    "\"next_at\":null,"
	    "\"state\":\"open\"},"
	    "{\"owed\":\"collect\",\"due\":\"2026-11-24T12:00:00Z\",\"next_step\":null,"
	    "\"next_at\":"
	    "null,\"state\":\"met\"}]}],\"deadlines\":[{\"owed\":\"final\",\"due\":"
	    "\"2026-11-27T12:00:00Z\",\"next_step\":null,\"next_at\":null,\"state\":"
	    "\"open\"}]}";
	struct err e;

	put(EVENT_SUBMISSION_ACCEPTANCE, "", 0, "ok");
	put(EVENT_CONTENT_CONSIGNMENT, "uhcw/paediatrics", 0, "ok");
	hides("owes");
	assert_ok(json_parse("bundle", text, strlen(text), 4096, &line.state, &e), &e);
	shows("  owes read, due 2026-11-25T12:00:00Z; then cover, 2026-11-25T12:00:00Z\n");
	shows("  owes answer, due 2026-11-26T12:00:00Z\n");
	shows("  owes final, due 2026-11-27T12:00:00Z\n");
	hides("owes collect");
	json_free(line.state);
	line.state = NULL;
}

/* Until when, and who looks instead; what is not of its form is not shown. */
static void
the_away_are_told(void **state)
{
	static const char text[] =
	    "{\"mailboxes\":[{\"mailbox\":\"csc/mash\",\"state\":\"waiting\"},"
	    "{\"mailbox\":\"uhcw/paediatrics\",\"state\":\"waiting\",\"away\":{\"since\":"
	    "\"2025-11-20T12:00:00.000Z\",\"until\":\"2025-12-01T12:00:00.000Z\","
	    "\"cover\":\"csc/duty\"}},{\"mailbox\":\"schools/st-j.dsl\",\"state\":\"waiting\","
	    "\"away\":{\"since\":\"2025-11-20T12:00:00.000Z\",\"until\":"
	    "\"2025-12-02T12:00:00.000Z\",\"cover\":null}},{\"mailbox\":\"wmp/ppu\",\"state\":"
	    "\"waiting\",\"away\":{\"until\":\"2025-12-03T12:00:00.000Z\"}}]}";
	struct err e;

	put(EVENT_CONTENT_CONSIGNMENT, "csc/mash", 0, "ok");
	put(EVENT_CONTENT_CONSIGNMENT, "uhcw/paediatrics", 0, "ok");
	put(EVENT_CONTENT_CONSIGNMENT, "schools/st-j.dsl", 0, "ok");
	put(EVENT_CONTENT_CONSIGNMENT, "wmp/ppu", 0, "ok");
	assert_ok(json_parse("bundle", text, strlen(text), 4096, &line.state, &e), &e);
	shows("yet, for 2 h\n  away until 2025-12-01T12:00:00.000Z, covered by csc/duty\n");
	shows("yet, for 2 h\n  away until 2025-12-02T12:00:00.000Z\n");
	shows("yet, for 2 h\n\nuhcw/paediatrics: waiting\n");
	hides("2025-12-03");
	json_free(line.state);
	line.state = NULL;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, fresh)
	const struct CMUnitTest tests[] = {
	    T(open_deadlines), T(the_away_are_told), T(spans),
	    T(a_story),	       T(what_is_owed),	     T(nobody_owes_what_is_withdrawn),
	    T(what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
