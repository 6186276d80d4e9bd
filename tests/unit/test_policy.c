/* Policy: built from configuration, deny by default, one row per refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "safehand/conf.h"
#include "safehand/limits.h"
#include "safehand/policy.h"

/* The rows that policy.h asks of a table, without the checks that master's table does itself. */
static const struct conf_row table[] = {
    {"class", "from", CONF_LIST, true, "", 0, 0, NULL, "", NULL},
    {"class", "to", CONF_LIST, true, "", 0, 0, NULL, "", NULL},
    {"class", "signatures", CONF_INT, true, "1", 0, 100, NULL, "", NULL},
    {"class", "max-bytes", CONF_SIZE, true, "2G", 0, INT64_MAX, NULL, "", NULL},
    {"class", "retain", CONF_STR, true, "90d", 0, 0, NULL, "", NULL},
    {"class", "subscribe", CONF_WORD, true, "yes", 0, 0, "yes|no|by-consent", "", NULL},
    {"class", "clock", CONF_WORD, true, "sending", 0, 0, "event|sending", "", NULL},
    {"class", "discounts", CONF_WORD, true, "no", 0, 0, "yes|no", "", NULL},
    {"class", "require", CONF_LIST, true, "", 0, 0, NULL, "", NULL},
    {"class", "media", CONF_LIST, true, "", 0, 0, NULL, "", NULL},
    {"class", "demand", CONF_LIST, true, "", 0, 0, NULL, "", NULL},
    {"class", "provisional", CONF_STR, true, "", 0, 0, NULL, "", NULL},
    {"class", "collect", CONF_STR, true, "", 0, 0, NULL, "", NULL},
    {"class", "read", CONF_STR, true, "", 0, 0, NULL, "", NULL},
    {"class", "answer", CONF_STR, true, "", 0, 0, NULL, "", NULL},
    {"class", "expects", CONF_STR, true, "", 0, 0, NULL, "", NULL},
    {"class", "ladder", CONF_LIST, true, "", 0, 0, NULL, "", NULL},
    {"class", "expect-ladder", CONF_LIST, true, "", 0, 0, NULL, "", NULL},
    {"mailbox", "calendar", CONF_STR, true, "", 0, 0, NULL, "", NULL},
    {"mailbox", "mail", CONF_STR, true, "", 0, 0, NULL, "", NULL},
    {"mailbox", "webhook", CONF_STR, true, "", 0, 0, NULL, "", NULL},
    {NULL, NULL, CONF_STR, false, NULL, 0, 0, NULL, NULL, NULL},
};

static void
report(void *ctx, const char *file, int line, const char *text)
{
}

static int
build(const char *text, struct policy **out, struct err *e)
{
	struct conf *c = NULL;
	int rc;

	if (conf_parse("test.conf", "", text, strlen(text), table, report, NULL, &c, e) < 0)
		fail_msg("%s", e->text);
	rc = policy_from_conf(c, out, e);
	conf_free(c);
	return rc;
}

static struct policy *
build_good(const char *text)
{
	struct policy *p = NULL;
	struct err e = {0};

	if (build(text, &p, &e) < 0)
		fail_msg("%s", e.text);
	return p;
}

#define MINUTES                                                                                    \
	"[class \"strategy-minutes\"]\nfrom = csc/*, police/child-abuse\nto = */paediatrics, "     \
	"csc/*\nto = schools/*\nsignatures = 2\nmax-bytes = 2M\nretain = 30d\nsubscribe = no\n"
#define GENERAL "[class \"general\"]\nfrom = */*\nto = */*\n"

static void
reads_values(void **state)
{
	struct policy *p = build_good(MINUTES GENERAL);
	const struct policy_class *c = policy_find(p, "strategy-minutes");

	assert_int_equal(policy_count(p), 2);
	assert_string_equal(policy_at(p, 0)->name, "general"); /* in order of name */
	assert_non_null(c);
	assert_int_equal(c->from.n, 2);
	assert_int_equal(c->to.n, 3);
	assert_int_equal(c->signatures, 2);
	assert_int_equal(c->max_bytes, 2 * MIB);
	assert_int_equal(c->retain_ms, INT64_C(30) * 24 * 3600 * 1000);
	assert_int_equal(c->subscribe, SUBSCRIBE_NO);
	assert_int_equal(policy_find(p, "general")->subscribe, SUBSCRIBE_YES);
	assert_null(policy_find(p, "discharge-letter"));
	policy_free(p);
}

#define OUTCOME "[class \"outcome\"]\nfrom = csc/*\nto = */*\n"
#define FULL                                                                                       \
	"[class \"full\"]\nfrom = */*\nto = csc/*\nclock = event\nsubscribe = by-consent\n"        \
	"require = child, meeting.at\nrequire = interpreter\nmedia = application/pdf, image/png\n" \
	"demand = csc/duty\nprovisional = within 3 working-days\ncollect = within 4 hours\n"       \
	"read = same school-day\nanswer = within 1 working-day by outcome\nsignatures = 2\n"       \
	"ladder = remind at 50%, cover at 100%, notify csc/duty at 100%, register at 150%\n"       \
	"expects = outcome within 1 working-day of the meeting\n"                                  \
	"expect-ladder = notify sender at 100%\ndiscounts = yes\n"                                 \
	"retain = 90d after the last answer\n"

static void
reads_all_keys(void **state)
{
	struct policy *p = build_good(FULL OUTCOME);
	const struct policy_class *c = policy_find(p, "full");
	static const char *const values[][2] = {
	    {"clock", "event"},
	    {"subscribe", "by-consent"},
	    {"provisional", "within 3 working-days"},
	    {"collect", "within 4 hours"},
	    {"read", "same school-day"},
	    {"answer", "within 1 working-day by outcome"},
	    {"expects", "outcome within 1 working-day of the event"},
	    {"discounts", "yes"},
	    {"retain", "90d after the last answer"}};

	assert_int_equal(c->require.n, 3);
	assert_string_equal(c->require.word[2], "interpreter");
	assert_int_equal(c->media.n, 2);
	assert_string_equal(c->demand.pattern[0], "csc/duty");
	assert_int_equal(c->ladder.n, 5);
	assert_int_equal(c->ladder.step[1].act, LADDER_OVERDUE);
	assert_int_equal(c->expect_ladder.n, 2);
	assert_true(c->clock_event && c->has_collect && c->has_read && c->has_provisional);
	assert_true(c->has_expects && c->discounts && c->retain_after_answer);
	assert_int_equal(c->answers, ANSWER_WITHIN);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct buf text = {0};

		policy_value(c, values[i][0], &text);
		assert_string_equal(buf_str(&text), values[i][1]);
		buf_free(&text);
	}
	policy_free(p);
	p = build_good(
	    "[class \"a\"]\nfrom = */*\nto = */*\nanswer = each action by its due date\n");
	assert_int_equal(policy_find(p, "a")->answers, ANSWER_ACTIONS);
	assert_int_equal(policy_find(p, "a")->ladder.n, 1);
	assert_false(policy_find(p, "a")->has_collect);
	policy_free(p);
}

static void
allows_pairs_only(void **state)
{
	static const struct {
		const char *from, *to;
		bool allowed;
	} rows[] = {
	    {"csc/mash", "uhcw/paediatrics", true},
	    {"csc/mash", "csc/duty", true},
	    {"csc/mash", "schools/st-j.dsl", true},
	    {"police/child-abuse", "uhcw/paediatrics", true},
	    {"csc/mash", "uhcw/emergency", false},    /* not to whom */
	    {"police/front-desk", "csc/duty", false}, /* not from whom */
	    {"uhcw/paediatrics", "csc/duty", false},  /* a pair has a direction */
	    {"csc-evil/mash", "csc/duty", false},     /* a name is matched whole */
	    {"csc/mash", "uhcw/paediatrics-2", false},
	};
	struct policy *p = build_good(MINUTES);
	const struct policy_class *c = policy_find(p, "strategy-minutes");

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (policy_allows(c, rows[i].from, rows[i].to) != rows[i].allowed)
			fail_msg("%s -> %s", rows[i].from, rows[i].to);
	assert_true(policy_may_send(c, "csc/mash"));
	assert_false(policy_may_send(c, "uhcw/emergency"));
	policy_free(p);
}

static void
denies_by_default(void **state)
{
	struct policy *p = build_good("");

	assert_int_equal(policy_count(p), 0);
	assert_null(policy_find(p, "general"));
	policy_free(p);
}

#define X "[class \"x\"]\nfrom = a/b\nto = a/b\n"
#define Y "[class \"y\"]\nfrom = a/b\nto = a/b\n"

static void
refusals(void **state)
{
	static const struct {
		const char *text, *names;
	} rows[] = {
	    {"[class \"Minutes\"]\nfrom = a/b\nto = a/b\n", "not a class name"},
	    {"[class \"x\"]\nto = a/b\n", "from: empty"},
	    {"[class \"x\"]\nfrom = a/b\n", "to: empty"},
	    {"[class \"x\"]\nfrom = a\nto = a/b\n", "test.conf:2: class \"x\": from"},
	    {"[class \"x\"]\nfrom = a/b\nto = a/b*\n", "test.conf:3: class \"x\": to"},
	    {"[class \"x\"]\nfrom = a/b\nto = a/b\nsignatures = 0\n", "signatures"},
	    {"[class \"x\"]\nfrom = a/b\nto = a/b\nsignatures = 9\n", "signatures"},
	    {"[class \"x\"]\nfrom = a/b\nto = a/b\nmax-bytes = 0\n", "max-bytes"},
	    {"[class \"x\"]\nfrom = a/b\nto = a/b\nmax-bytes = 2T\n", "max-bytes"},
	    {"[class \"notice\"]\nfrom = a/b\nto = a/b\n", "the gateway's own notices"},
	    {X "retain = 1h\n", "test.conf:4: class \"x\": retain: 1h: want 1d"},
	    {X "retain = 36501d\n", "want 1d to 36500d"},
	    {X "retain = 90d after the answer\n", "want 1d to 36500d"},
	    {X "retain = 90d after the last answer\n", "no answer is owed"},
	    {X "require = child, shoe-size\n", "shoe-size: no field"},
	    {X "require = child, child\n", "child: given twice"},
	    {X "media = pdf\n", "pdf: not a media type"},
	    {X "media = application/PDF\n", "not a media type"},
	    {X "media = application/\n", "not a media type"},
	    {X "media = application/pdf;x=1\n", "not a media type"},
	    {X "demand = a/*\n", "a/*: not a mailbox"},
	    {X "demand = a/b, a/b\n", "a/b: given twice"},
	    {X "demand = c/d\n", "c/d: to does not allow it"},
	    {X "collect = soon\n", "test.conf:4: class \"x\": collect: soon: want within N"},
	    {X "read = within 0 days\n", "read: within 0 days"},
	    {X "provisional = within 3 moons\n", "provisional: within 3 moons"},
	    {X "answer = when they like\n", "answer: when they like"},
	    {X "answer = within 1 day by Outcome\n", "Outcome: no class name"},
	    {X "answer = within 1 day by outcome\n", "by outcome: no such class"},
	    {X "answer = within 1 day by outcome\n" OUTCOME, "no recipient may send that back"},
	    {X "expects = outcome\n", "want CLASS RULE of the meeting"},
	    {X "expects = Outcome within 1 day\n", "Outcome: no class name"},
	    {X "expects = outcome within 1 moon of the meeting\n", "within 1 moon"},
	    {X "expects = outcome within 1 day\n", "outcome: no such class"},
	    {X "expects = outcome within 1 day\n" OUTCOME, "outcome: the sender may not send that"},
	    {X "expects = x within 1 day\n", "x: leads back to itself"},
	    {X "expects = y within 1 day\n" Y "expects = x within 1 day\n", "leads back to itself"},
	    {X "collect = within 1 day\nladder = shout at 100%\n",
	     "ladder: shout at 100%: want remind"},
	    {X "ladder = remind at 50%\n", "ladder: nothing is owed"},
	    {X "expect-ladder = register at 50%\n", "expect-ladder: nothing is expected"},
	    {X "read = within 1 day\nladder = cover at 50%, cover at 100%\n", "happen once"},
	    {X "read = within 1 day\nladder = register at 50%, register at 100%\n", "happen once"},
	    {X "expects = y within 1 day\nexpect-ladder = register at 1%, register at 2%\n" Y,
	     "happen once"},
	    {X "expects = y within 1 day\nexpect-ladder = cover at 100%\n" Y, "has no cover"},
	    {X "expects = y within 1 day\nexpect-ladder = remind at 100%\n" Y, "nobody to remind"},
	    {X "collect = within 2 days\nread = within 1 day\n", "later than it must be read"},
	    {X "collect = within 2 days\nanswer = within 1 day\n",
	     "later than it must be answered"},
	    {X "read = within 2 working-days\nanswer = within 1 working-day\n",
	     "read: later than it must be answered"},
	    {X "discounts = yes\n", "discounts: wants signatures = 2"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct policy *p = NULL;
		struct err e = {0};

		assert_int_equal(build(rows[i].text, &p, &e), -1);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_null(p);
		if (strstr(e.text, rows[i].names) == NULL)
			fail_msg("%s: %s", rows[i].text, e.text);
	}
}

/* The same rules in another order of sections are the same policy; any changed value is another. */
static void
text_is_canonical(void **state)
{
	static const char *const other[] = {
	    "[class \"general\"]\nfrom = a/*\nto = */*\n",
	    "[class \"general\"]\nfrom = */*\nto = a/*\n",
	    GENERAL "signatures = 2\n",
	    GENERAL "max-bytes = 1G\n",
	    GENERAL "retain = 91d\n",
	    GENERAL "subscribe = no\n",
	    GENERAL "subscribe = by-consent\n",
	    GENERAL "clock = event\n",
	    GENERAL "require = title\n",
	    GENERAL "media = text/plain\n",
	    GENERAL "demand = a/b\n",
	    GENERAL "collect = within 1 hour\n",
	    GENERAL "read = within 1 hour\n",
	    GENERAL "provisional = within 1 hour\n",
	    GENERAL "answer = within 1 hour\n",
	    GENERAL "answer = each action by its due date\n",
	    GENERAL "read = within 1 hour\nladder = remind at 50%\n",
	    GENERAL "signatures = 2\ndiscounts = yes\n",
	    GENERAL MINUTES,
	};
	struct policy *a = build_good(MINUTES GENERAL), *b = build_good(GENERAL MINUTES);
	struct policy *g = build_good(GENERAL);
	struct buf ta = {0}, tb = {0}, tg = {0};

	policy_text(a, &ta);
	policy_text(b, &tb);
	policy_text(g, &tg);
	assert_string_equal(buf_str(&ta), buf_str(&tb));
	for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
		struct policy *p = build_good(other[i]);
		struct buf t = {0};

		policy_text(p, &t);
		assert_string_not_equal(buf_str(&t), buf_str(&tg));
		buf_free(&t);
		policy_free(p);
	}
	buf_free(&ta);
	buf_free(&tb);
	buf_free(&tg);
	policy_free(a);
	policy_free(b);
	policy_free(g);
}

static void
whole_text(const char *conf, const char *calendars, struct buf *out)
{
	struct buf compiled = {0};
	struct policy *p = NULL;
	struct conf *c = NULL;
	struct err e = {0};

	if (conf_parse("test.conf", "", conf, strlen(conf), table, report, NULL, &c, &e) < 0 ||
	    policy_from_conf(c, &p, &e) < 0)
		fail_msg("%s", e.text);
	buf_adds(&compiled, calendars);
	policy_whole_text(p, compiled.len > 0 ? &compiled : NULL, c, out);
	policy_free(p);
	conf_free(c);
	buf_free(&compiled);
}

#define MAILBOXES "[mailbox \"a/*\"]\ncalendar = office\n[mailbox \"*/*\"]\nmail = x@y.example\n"

/* Each part of what the log's digest covers makes another text: classes, calendars, mailboxes, and
 * the order of these, since the first that covers a mailbox holds. */
static void
whole_text_has_each_part(void **state)
{
	static const struct {
		const char *conf, *calendars;
	} rows[] = {
	    {GENERAL MAILBOXES, "calendar office\nend\n"},
	    {GENERAL "read = within 1 hour\n" MAILBOXES, "calendar office\nend\n"},
	    {GENERAL MAILBOXES, "calendar office\nclosed 2026-12-25 2026-12-25\nend\n"},
	    {GENERAL MAILBOXES, ""},
	    {GENERAL "[mailbox \"a/*\"]\ncalendar = office\n", "calendar office\nend\n"},
	    {GENERAL "[mailbox \"b/*\"]\ncalendar = office\n", "calendar office\nend\n"},
	    {GENERAL "[mailbox \"a/*\"]\ncalendar = other\n", "calendar office\nend\n"},
	    {GENERAL "[mailbox \"a/*\"]\nmail = office\n", "calendar office\nend\n"},
	    {GENERAL "[mailbox \"a/*\"]\nwebhook = office\n", "calendar office\nend\n"},
	    {GENERAL
	     "[mailbox \"*/*\"]\nmail = x@y.example\n[mailbox \"a/*\"]\ncalendar = office\n",
	     "calendar office\nend\n"},
	};
	struct buf texts[sizeof rows / sizeof *rows] = {0};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		whole_text(rows[i].conf, rows[i].calendars, &texts[i]);
		for (size_t k = 0; k < i; k++)
			if (strcmp(buf_str(&texts[i]), buf_str(&texts[k])) == 0)
				fail_msg("rows %zu and %zu have one text", k, i);
	}
	assert_non_null(strstr(buf_str(&texts[0]),
			       "\ncalendar office\nend\nmailbox a/*\ncalendar office\nmail \n"
			       "webhook \nmailbox */*\ncalendar \nmail x@y.example\nwebhook \n"));
	assert_int_equal(strncmp(buf_str(&texts[0]), "safehand-policy 1\nclass general\n", 32), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		buf_free(&texts[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_values),
	    cmocka_unit_test(reads_all_keys),
	    cmocka_unit_test(allows_pairs_only),
	    cmocka_unit_test(denies_by_default),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(text_is_canonical),
	    cmocka_unit_test(whole_text_has_each_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
