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
    {"class", "retain", CONF_DURATION, true, "90d", 0, 0, NULL, "", NULL},
    {"class", "subscribe", CONF_WORD, true, "yes", 0, 0, "yes|no", "", NULL},
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
	assert_false(c->subscribe);
	assert_true(policy_find(p, "general")->subscribe);
	assert_null(policy_find(p, "discharge-letter"));
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_values),	 cmocka_unit_test(allows_pairs_only),
	    cmocka_unit_test(denies_by_default), cmocka_unit_test(refusals),
	    cmocka_unit_test(text_is_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
