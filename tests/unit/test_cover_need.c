/* What a class can require of a cover sheet: each field, written, empty, said to be none; the draft
 * to fill in. */
#include "tap.h"

#include "safehand/cover_need.h"
#include "safehand/json.h"

static struct err e;

static bool
is_met(const char *members, const char *field)
{
	struct cover *c = NULL;
	struct buf text = {0};
	bool met;

	buf_addf(&text, "{\"safehand_cover\":1%s%s}", *members ? "," : "", members);
	if (cover_parse_draft(text.data, text.len, &c, &e) < 0)
		fail_msg("%s: %s", buf_str(&text), e.text);
	met = cover_need_met(c, field);
	cover_free(c);
	buf_free(&text);
	return met;
}

static void
met_and_not(void **state)
{
	static const struct {
		const char *field, *members;
		bool met;
	} rows[] = {
	    {"title", "\"title\":\"Minutes\"", true},
	    {"title", "\"title\":\"  \"", false},
	    {"child", "\"people\":[{\"name\":\"A\",\"role\":\"child\"}]", true},
	    {"child", "\"people\":[{\"name\":\"A\",\"role\":\"mother\"}]", false},
	    {"child", "\"people\":[{\"name\":\"A\"}]", false},
	    {"child", "\"people\":[{\"name\":\" \",\"role\":\"child\"}]", false},
	    {"child", "\"people\":[]", false},
	    {"child.born",
	     "\"people\":[{\"name\":\"A\",\"role\":\"child\",\"born\":\"2021-03-14\"}]", true},
	    /* of each child */
	    {"child.born",
	     "\"people\":[{\"name\":\"A\",\"role\":\"child\",\"born\":\"2021-03-14\"},"
	     "{\"name\":\"B\",\"role\":\"child\"}]",
	     false},
	    {"child.born",
	     "\"people\":[{\"name\":\"A\",\"role\":\"child\",\"born\":\"2021-03-14\"},"
	     "{\"name\":\"B\",\"role\":\"mother\"}]",
	     true},
	    {"child.identifiers",
	     "\"people\":[{\"name\":\"A\",\"role\":\"child\",\"identifiers\":[{\"kind\":\"NHS "
	     "number\","
	     "\"value\":\"999 026 0419\"}]}]",
	     true},
	    {"child.identifiers",
	     "\"people\":[{\"name\":\"A\",\"role\":\"child\",\"identifiers\":[{\"kind\":\"NHS "
	     "number\","
	     "\"value\":\"\"}]}]",
	     false},
	    {"child.identifiers",
	     "\"people\":[{\"name\":\"A\",\"role\":\"child\",\"identifiers\":[]}]", false},
	    {"household", "\"people\":[{\"name\":\"A\",\"role\":\"child\",\"household\":\"CV-1\"}]",
	     true},
	    {"household", "\"people\":[{\"name\":\"A\",\"role\":\"child\"}]", false},
	    {"meeting.at", "\"meeting\":{\"at\":\"2026-11-22\"}", true},
	    {"meeting.chair", "\"meeting\":{\"at\":\"2026-11-22\"}", false},
	    {"meeting.chair", "\"meeting\":{\"at\":\"2026-11-22\",\"chair\":\"A. Khan\"}", true},
	    {"meeting.kind", "\"meeting\":{\"at\":\"2026-11-22\",\"kind\":\"strategy\"}", true},
	    {"meeting.place", "\"meeting\":{\"at\":\"2026-11-22\",\"place\":\"\"}", false},
	    {"event.at", "\"event\":{\"at\":\"2026-11-22T10:00:00Z\"}", true},
	    {"event.at", "\"meeting\":{\"at\":\"2026-11-22\"}", false},
	    {"event.kind", "\"event\":{\"at\":\"2026-11-22\",\"kind\":\"attendance\"}", true},
	    {"event.place", "\"event\":{\"at\":\"2026-11-22\"}", false},
	    {"attendees", "\"attendees\":[{\"name\":\"A. Khan\"}]", true},
	    {"attendees", "\"attendees\":[]", false},
	    {"attendees", "\"attendees\":[{\"name\":\"\"}]", false},
	    {"apologies", "\"apologies\":[]", true}, /* nobody sent any */
	    {"apologies", "\"apologies\":[{\"name\":\"\"}]", false},
	    {"decisions", "\"decisions\":[{\"text\":\"enquiry\"}]", true},
	    {"decisions", "\"decisions\":[]", false},
	    {"actions", "\"actions\":[]", true}, /* none was agreed */
	    {"actions",
	     "\"actions\":[{\"n\":1,\"owner\":\"a/"
	     "b\",\"due\":\"2026-11-24\",\"text\":\"examine\"}]",
	     true},
	    {"actions",
	     "\"actions\":[{\"n\":1,\"owner\":\"a/b\",\"due\":\"2026-11-24\",\"text\":\"\"}]",
	     false},
	    {"medical-opinion", "\"medical_opinion\":\"inconclusive\"", true},
	    {"medical-opinion", "\"medical_opinion\":\"none\"", true},
	    {"language", "\"language\":\"Polish\"", true},
	    {"interpreter", "\"interpreter\":\"not needed\"", true},
	    {"interpreter", "\"interpreter\":\"\"", false},
	    {"measurements.height",
	     "\"measurements\":[{\"date\":\"2026-11-21\",\"height_mm\":1015}]", true},
	    {"measurements.height",
	     "\"measurements\":[{\"date\":\"2026-11-21\",\"weight_g\":13200}]", false},
	    {"measurements.weight",
	     "\"measurements\":[{\"date\":\"2026-11-21\",\"weight_g\":13200}]", true},
	    {"measurements.weight", "\"measurements\":[{\"date\":\"2026-11-21\",\"weight_g\":0}]",
	     false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (is_met(rows[i].members, rows[i].field) != rows[i].met)
			fail_msg("%s of %s", rows[i].field, rows[i].members);
	for (size_t i = 0; cover_need_at(i) != NULL; i++) {
		size_t known = 0;

		for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
			known += strcmp(rows[k].field, cover_need_at(i)) == 0;
		if (known == 0 || is_met("", cover_need_at(i)))
			fail_msg("%s: no row here, or met by an empty sheet", cover_need_at(i));
	}
}

static void
names(void **state)
{
	size_t n = 0;

	for (; cover_need_at(n) != NULL; n++) {
		assert_true(cover_need_is(cover_need_at(n)));
		assert_true(strlen(cover_need_help(cover_need_at(n))) > 10);
	}
	assert_true(n > 15);
	assert_false(cover_need_is("Child") || cover_need_is("") || cover_need_is("child."));
	assert_null(cover_need_help("shoe-size"));
}

/* What it looks like; and left as it is, none of its fields counts as written. */
static void
skeleton(void **state)
{
	static const char *const some[] = {"interpreter", "child.born", "meeting.chair",
					   "measurements.height"};
	struct buf text = {0};

	cover_need_skeleton(some, 4, &text);
	assert_string_equal(
	    buf_str(&text),
	    "{\"safehand_cover\": 1,\n"
	    " \"people\": [{\"role\": \"child\", \"name\": \"\", \"born\": \"\"}],\n"
	    " \"meeting\": {\"at\": \"\", \"chair\": \"\"},\n"
	    " \"interpreter\": \"\",\n"
	    " \"measurements\": [{\"date\": \"\", \"height_mm\": 0}]}\n");
	for (size_t i = 0; cover_need_at(i) != NULL; i++) {
		const char *one = cover_need_at(i);
		struct cover *c = NULL;
		struct json *doc = NULL;

		buf_clear(&text);
		cover_need_skeleton(&one, 1, &text);
		assert_ok(json_parse("draft", text.data, text.len, COVER_MAX_BYTES, &doc, &e), &e);
		json_free(doc);
		if (cover_parse_draft(text.data, text.len, &c, &e) < 0)
			continue;
		if (cover_need_met(c, one))
			fail_msg("%s: met as it is", one);
		cover_free(c);
	}
	buf_clear(&text);
	cover_need_skeleton(NULL, 0, &text);
	assert_string_equal(buf_str(&text), "{\"safehand_cover\": 1}\n");
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(met_and_not),
	    cmocka_unit_test(names),
	    cmocka_unit_test(skeleton),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
