/* test_cover.c - the cover sheet: whole and draft, each rule with the text that breaks just it. */
#include <stdbool.h>

#include "tap.h"

#include "safehand/cover.h"
#include "safehand/enc.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ID  "019ab0c0-0000-7000-8000-000000000001"
#define CHILD                                                                                      \
	"{\"name\":\"Isla Merrow\",\"role\":\"child\",\"born\":\"2021-03-14\","                    \
	"\"identifiers\":[{\"kind\":\"NHS\",\"value\":\"999 026 0419\"}],\"household\":\"H-2\"}"

static struct err e;

static const char written[] =
    "\"safehand_cover\":1,\"title\":\"Strategy meeting\",\"people\":[" CHILD "],"
    "\"meeting\":{\"at\":\"2026-11-22T14:30:00Z\",\"kind\":\"strategy\",\"chair\":\"A. Khan\"},"
    "\"event\":{\"at\":\"2026-11-21\",\"place\":\"home\"},"
    "\"attendees\":[{\"name\":\"R. Lee\",\"role\":\"social worker\"}],"
    "\"apologies\":[{\"name\":\"S. Okafor\"}],"
    "\"decisions\":[{\"text\":\"Enquiry today.\\nJointly.\",\"reason\":\"fracture\","
    "\"dissent\":\"none\"}],"
    "\"actions\":[{\"n\":1,\"owner\":\"uhcw/"
    "paediatrics\",\"due\":\"2026-11-24\",\"text\":\"Examine\"}],"
    "\"medical_opinion\":\"inconclusive\",\"language\":\"Polish\",\"interpreter\":\"T-5521\","
    "\"measurements\":[{\"date\":\"2026-11-21\",\"height_mm\":1015,\"weight_g\":13200}]";

static const char sent[] =
    ",\"id\":\"" ID "\",\"from\":\"csc/mash\",\"to\":[\"uhcw/paediatrics\","
    "\"csc/duty\"],\"documents\":[{\"name\":\"minutes.pdf\",\"type\":"
    "\"application/pdf\",\"size\":3105,\"sha256\":\"" HEX "\"},{\"name\":"
    "\"Bogumi\xc5\x82.odt\",\"type\":\"application/vnd.oasis.opendocument.text\","
    "\"size\":0,\"sha256\":\"" HEX "\"}]";

static void
whole_text(struct buf *out)
{
	buf_clear(out);
	buf_addf(out, "{%s%s}", written, sent);
}

static void
manifest_of_it(struct manifest *m, struct recipient to[2])
{
	memset(m, 0, sizeof *m);
	strcpy(m->id, ID);
	strcpy(m->from, "csc/mash");
	strcpy(to[0].mailbox, "uhcw/paediatrics");
	strcpy(to[1].mailbox, "csc/duty");
	m->to = to;
	m->nto = 2;
}

static void
whole_one_is_read(void **state)
{
	struct action actions[ACTIONS_MAX];
	struct buf text = {0}, again = {0};
	struct cover *c;

	whole_text(&text);
	assert_ok(cover_parse(text.data, text.len, &c, &e), &e);
	assert_int_equal(cover_documents(c), 2);
	assert_string_equal(cover_document(c, 0)->name, "minutes.pdf");
	assert_string_equal(cover_document(c, 0)->type, "application/pdf");
	assert_int_equal(cover_document(c, 0)->size, 3105);
	assert_int_equal(cover_document(c, 0)->sha256[1], 0x11);
	assert_string_equal(cover_document(c, 1)->name, "Bogumi\xc5\x82.odt");
	assert_string_equal(cover_opinion(c), "inconclusive");
	assert_int_equal(cover_actions(c, actions), 1);
	assert_int_equal(actions[0].n, 1);
	assert_string_equal(actions[0].owner, "uhcw/paediatrics");
	assert_string_equal(actions[0].due, "2026-11-24");
	cover_text(c, &again);
	assert_string_equal(buf_str(&again), buf_str(&text));
	cover_free(c);
	buf_free(&text);
	buf_free(&again);
}

static void
draft_is_completed_and_matches(void **state)
{
	struct buf draft = {0}, text = {0}, want = {0};
	struct recipient to[2] = {0};
	struct manifest m;
	struct cover *d, *c;
	struct cover_document docs[2] = {
	    {.name = "minutes.pdf", .type = "application/pdf", .size = 3105},
	    {.name = "Bogumi\xc5\x82.odt", .type = "application/vnd.oasis.opendocument.text"}};

	manifest_of_it(&m, to);
	for (int i = 0; i < 2; i++)
		assert_int_equal(hex_decode(docs[i].sha256, DIGEST_BYTES, HEX), 0);
	buf_addf(&draft, " {%s}\n ", written);
	assert_ok(cover_parse_draft(draft.data, draft.len, &d, &e), &e);
	assert_ok(cover_complete(d, &m, docs, 2, &text, &e), &e);
	buf_addf(&want, " {%s%s}", written, sent);
	assert_string_equal(buf_str(&text), buf_str(&want));
	assert_ok(cover_parse(text.data, text.len, &c, &e), &e);
	assert_ok(cover_match(c, &m, &e), &e);
	cover_free(c);
	cover_free(d);

	buf_clear(&text);
	d = cover_new();
	assert_non_null(d);
	assert_ok(cover_complete(d, &m, NULL, 0, &text, &e), &e);
	assert_ok(cover_parse(text.data, text.len, &c, &e), &e);
	assert_int_equal(cover_documents(c), 0);
	assert_null(cover_opinion(c));
	cover_free(c);
	strcpy(docs[1].name, "MINUTES.pdf"); /* one file to some file systems */
	assert_refused(cover_complete(d, &m, docs, 2, &text, &e), &e, ERR_ARCHIVE);
	cover_free(d);
	buf_free(&draft);
	buf_free(&text);
	buf_free(&want);
}

static void
other_bundle_is_seen(void **state)
{
	struct buf text = {0};
	struct recipient to[2] = {0};
	struct manifest m;
	struct cover *c;

	whole_text(&text);
	assert_ok(cover_parse(text.data, text.len, &c, &e), &e);
	manifest_of_it(&m, to);
	m.id[35] = '2';
	assert_refused(cover_match(c, &m, &e), &e, ERR_DIGEST);
	assert_non_null(strstr(e.text, ".id"));
	manifest_of_it(&m, to);
	strcpy(m.from, "wmp/ppu");
	assert_refused(cover_match(c, &m, &e), &e, ERR_DIGEST);
	assert_non_null(strstr(e.text, ".from"));
	manifest_of_it(&m, to);
	m.nto = 1;
	assert_refused(cover_match(c, &m, &e), &e, ERR_DIGEST);
	assert_non_null(strstr(e.text, ".to"));
	manifest_of_it(&m, to);
	strcpy(to[1].mailbox, "wmp/ppu");
	assert_refused(cover_match(c, &m, &e), &e, ERR_DIGEST);
	manifest_of_it(&m, to); /* the order of the slots */
	strcpy(to[0].mailbox, "csc/duty");
	strcpy(to[1].mailbox, "uhcw/paediatrics");
	assert_refused(cover_match(c, &m, &e), &e, ERR_DIGEST);
	cover_free(c);
	buf_free(&text);
}

struct row {
	const char *from, *to, *names;
	enum err_code code;
};

static const struct row rows[] = {
    {"{\"safehand_cover\":1", "{\"extra\":1,\"safehand_cover\":1", "extra: unknown", ERR_FORMAT},
    {"\"safehand_cover\":1,", "", "safehand_cover: missing", ERR_FORMAT},
    {"\"safehand_cover\":1", "\"safehand_cover\":2", "version 1", ERR_FORMAT},
    {"\"title\"", "\"language\":\"x\",\"title\"", "cover.json", ERR_FORMAT}, /* twice */
    {"Strategy meeting", "Strategy\\nmeeting", "title: a control", ERR_FORMAT},
    {"Strategy meeting", "Strategy \\u202emeeting", "title: a control", ERR_FORMAT},
    {"\"title\":\"Strategy meeting\"", "\"title\":1", "title: want", ERR_FORMAT},
    {"\"title\":\"Strategy meeting\"", "\"title\":null", "title: want", ERR_FORMAT},
    {"\"people\":[" CHILD "]", "\"people\":[1]", "people: want an object", ERR_FORMAT},
    {"\"name\":\"Isla Merrow\",", "", "people.name: missing", ERR_FORMAT},
    {"\"role\":\"child\"", "\"age\":5", "people.age: unknown", ERR_FORMAT},
    {"2021-03-14", "14.3.2021", "people.born", ERR_FORMAT},
    {"2021-03-14", "2021-02-30", "people.born", ERR_FORMAT},
    {"\"kind\":\"NHS\",", "", "identifiers.kind: missing", ERR_FORMAT},
    {"{\"kind\":\"NHS\",\"value\":\"999 026 0419\"}", "\"9\"", "identifiers: want", ERR_FORMAT},
    {"\"at\":\"2026-11-22T14:30:00Z\",", "", "meeting.at: missing", ERR_FORMAT},
    {"2026-11-22T14:30:00Z", "2026-11-22 14:30", "meeting.at", ERR_FORMAT},
    {"\"at\":\"2026-11-21\",\"place\"", "\"at\":\"yesterday\",\"place\"", "event.at", ERR_FORMAT},
    {"\"place\":\"home\"", "\"room\":\"home\"", "event.room: unknown", ERR_FORMAT},
    {"\"event\":{", "\"event\":\"x\",\"title\":{", "cover.json", ERR_FORMAT},
    {"\"name\":\"R. Lee\",", "", "attendees.name: missing", ERR_FORMAT},
    {"{\"name\":\"S. Okafor\"}", "\"S. Okafor\"", "apologies: want", ERR_FORMAT},
    {"\"text\":\"Enquiry today.\\nJointly.\",", "", "decisions.text: missing", ERR_FORMAT},
    {"Enquiry today.", "Enquiry\\u001b[2J", "decisions.text: a control", ERR_FORMAT},
    {"\"n\":1", "\"n\":0", "actions.n", ERR_FORMAT},
    {"\"n\":1", "\"n\":65", "actions.n", ERR_FORMAT},
    {"\"n\":1", "\"n\":1.0", "1.0", ERR_FORMAT},
    {"\"actions\":[",
     "\"actions\":[{\"n\":1,\"owner\":\"a/b\",\"due\":\"2026-11-24\",\"text\":\"x\"},",
     "stands twice", ERR_FORMAT},
    {"\"owner\":\"uhcw/paediatrics\"", "\"owner\":\"paediatrics\"", "actions.owner", ERR_FORMAT},
    {"\"due\":\"2026-11-24\"", "\"due\":\"2026-11-31\"", "actions.due", ERR_FORMAT},
    {",\"text\":\"Examine\"", "", "actions.text: missing", ERR_FORMAT},
    {"inconclusive", "plausible", "medical_opinion", ERR_FORMAT},
    {"\"language\":\"Polish\"", "\"language\":[]", "language: want", ERR_FORMAT},
    {"\"height_mm\":1015,\"weight_g\":13200", "\"person\":\"Isla\"", "height_mm or weight_g",
     ERR_FORMAT},
    {"1015", "3001", "measurements: want at most", ERR_FORMAT},
    {"13200", "700001", "measurements: want at most", ERR_FORMAT},
    {"13200", "13.2", "13.2", ERR_FORMAT},
    {"{\"date\":\"2026-11-21\",", "{", "measurements.date: missing", ERR_FORMAT},
    {"{\"date\":\"2026-11-21\"", "{\"date\":\"21st\"", "measurements.date: 21st", ERR_FORMAT},
    {",\"id\":\"" ID "\"", "", "id: missing", ERR_FORMAT},
    {",\"from\":\"csc/mash\"", "", "from: missing", ERR_FORMAT},
    {"\"to\":[\"uhcw/paediatrics\",\"csc/duty\"],", "", "to: missing", ERR_FORMAT},
    {"0000-7000", "0000-4000", "id: ", ERR_FORMAT},
    {"csc/mash", "CSC/mash", "from: ", ERR_FORMAT},
    {"\"csc/duty\"", "\"duty\"", "to: duty", ERR_FORMAT},
    {"\"csc/duty\"", "7", "to[1]", ERR_FORMAT},
    {"\"documents\":[", "\"documents\":[1,", "documents: want an object", ERR_FORMAT},
    {"\"size\":3105,", "", "documents.size: missing", ERR_FORMAT},
    {"3105", "-1", "-1", ERR_FORMAT},
    {"\"application/pdf\"", "\"pdf\"", "documents.type", ERR_FORMAT},
    {"\"application/pdf\"", "\"application/\"", "documents.type", ERR_FORMAT},
    {"\"application/pdf\"", "\"a/b/c\"", "documents.type", ERR_FORMAT},
    {"\"application/pdf\"", "\"a/b; x=y\"", "documents.type", ERR_FORMAT},
    {"\"sha256\":\"00", "\"sha256\":\"0G", "documents.sha256", ERR_FORMAT},
    {"minutes.pdf", "../minutes.pdf", "no file name", ERR_ARCHIVE},
    {"minutes.pdf", "/etc/passwd", "no file name", ERR_ARCHIVE},
    {"minutes.pdf", "a\\\\b", "no file name", ERR_ARCHIVE},
    {"minutes.pdf", "..", "no file name", ERR_ARCHIVE},
    {"minutes.pdf", ".", "no file name", ERR_ARCHIVE},
    {"minutes.pdf", "", "no file name", ERR_ARCHIVE},
    {"minutes.pdf", "a\\u001bb", "documents.name: a control", ERR_FORMAT},
    {"minutes.pdf", "fdp.\\u202eexe", "documents.name: a control", ERR_FORMAT},
    {"minutes.pdf", "Cover.JSON", "cover sheet's own", ERR_ARCHIVE},
    {"minutes.pdf", "BOGUMI\xc5\x82.odt", "stands twice", ERR_ARCHIVE},
    {"minutes.pdf", "minutes\xff.pdf", "UTF-8", ERR_FORMAT},
};

static void
each_rule_refuses_and_names_the_member(void **state)
{
	struct buf good = {0}, text = {0};
	struct cover *c;

	whole_text(&good);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *at = strstr(buf_str(&good), rows[i].from);

		if (at == NULL)
			fail_msg("row %zu: %s is not in the text", i, rows[i].from);
		buf_clear(&text);
		buf_add(&text, good.data, (size_t)(at - buf_str(&good)));
		buf_adds(&text, rows[i].to);
		buf_adds(&text, at + strlen(rows[i].from));
		if (cover_parse(text.data, text.len, &c, &e) == 0)
			fail_msg("row %zu (%s -> %s): not refused", i, rows[i].from, rows[i].to);
		if (strstr(e.text, rows[i].names) == NULL || e.code != rows[i].code)
			fail_msg("row %zu: %s: \"%s\" does not name %s", i, err_name(e.code),
				 e.text, rows[i].names);
	}
	buf_free(&good);
	buf_free(&text);
}

static void
limits(void **state)
{
	struct buf text = {0};
	char name[DOCUMENT_NAME_MAX + 2];
	struct cover *c;

	for (int over = 0; over < 2; over++) { /* the longest name, and one byte more */
		memset(name, 'n', sizeof name);
		name[DOCUMENT_NAME_MAX + over] = '\0';
		buf_clear(&text);
		buf_addf(
		    &text,
		    "{\"safehand_cover\":1,\"id\":\"" ID "\",\"from\":\"a/b\",\"to\":[\"c/d\"],"
		    "\"documents\":[{\"name\":\"%s\",\"type\":\"a/b\",\"size\":1,\"sha256\":\"" HEX
		    "\"}]}",
		    name);
		if (over)
			assert_refused(cover_parse(text.data, text.len, &c, &e), &e, ERR_ARCHIVE);
		else
			assert_ok(cover_parse(text.data, text.len, &c, &e), &e);
		if (!over)
			cover_free(c);
	}
	buf_clear(&text);
	buf_adds(&text, "{\"safehand_cover\":1,\"title\":\"");
	for (int i = 0; i < 513; i++)
		buf_addc(&text, 'x');
	buf_adds(&text, "\"}");
	assert_refused(cover_parse_draft(text.data, text.len, &c, &e), &e, ERR_LIMIT);
	whole_text(&text);
	while (text.len < COVER_MAX_BYTES)
		buf_addc(&text, ' ');
	assert_ok(cover_parse(text.data, text.len, &c, &e), &e);
	cover_free(c);
	buf_addc(&text, ' ');
	assert_refused(cover_parse(text.data, text.len, &c, &e), &e, ERR_LIMIT);
	buf_free(&text);
}

static void
draft_has_nothing_that_the_sending_fills_in(void **state)
{
	static const char *const members[] = {"\"id\":\"" ID "\"", "\"from\":\"csc/mash\"",
					      "\"to\":[]", "\"documents\":[]"};
	struct buf text = {0};
	struct cover *c;

	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		buf_clear(&text);
		buf_addf(&text, "{%s,%s}", written, members[i]);
		assert_refused(cover_parse_draft(text.data, text.len, &c, &e), &e, ERR_FORMAT);
		assert_non_null(strstr(e.text, "not in a draft"));
	}
	whole_text(&text);
	for (size_t n = 0; n < text.len; n++)
		assert_int_equal(cover_parse(text.data, n, &c, &e), -1);
	buf_free(&text);
}

static void
media_types_by_suffix(void **state)
{
	assert_string_equal(cover_media_type("minutes.PDF"), "application/pdf");
	assert_string_equal(cover_media_type("a.fhir.json"), "application/fhir+json");
	assert_string_equal(cover_media_type("a.json"), "application/json");
	assert_string_equal(cover_media_type(".pdf"), "application/octet-stream");
	assert_string_equal(cover_media_type("pdf"), "application/octet-stream");
	assert_string_equal(cover_media_type(""), "application/octet-stream");
}

static void
shown_to_a_person(void **state)
{
	static const char want[] =
	    "Title: Strategy meeting\n"
	    "Person: Isla Merrow, child, born 2021-03-14, NHS 999 026 0419, household H-2\n"
	    "Meeting: 2026-11-22T14:30:00Z, strategy, chair A. Khan\n"
	    "Event: 2026-11-21, home\n"
	    "Present: R. Lee, social worker\n"
	    "Apologies: S. Okafor\n"
	    "Decision: Enquiry today.\n    Jointly.\n"
	    "  Reason: fracture\n"
	    "  Dissent: none\n"
	    "Action 1, uhcw/paediatrics, due 2026-11-24: Examine\n"
	    "Medical opinion: inconclusive\n"
	    "Measured: 2026-11-21, 101.5 cm, 13.200 kg\n"
	    "Language: Polish\n"
	    "Interpreter: T-5521\n"
	    "Document: minutes.pdf, application/pdf, 3105 bytes\n"
	    "Document: Bogumi\xc5\x82.odt, application/vnd.oasis.opendocument.text, 0 bytes\n";
	struct buf text = {0}, shown = {0};
	struct cover *c;

	whole_text(&text);
	assert_ok(cover_parse(text.data, text.len, &c, &e), &e);
	cover_show(c, &shown);
	assert_string_equal(buf_str(&shown), want);
	cover_free(c);
	buf_free(&text);
	buf_free(&shown);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_one_is_read),
	    cmocka_unit_test(draft_is_completed_and_matches),
	    cmocka_unit_test(other_bundle_is_seen),
	    cmocka_unit_test(each_rule_refuses_and_names_the_member),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(draft_has_nothing_that_the_sending_fills_in),
	    cmocka_unit_test(media_types_by_suffix),
	    cmocka_unit_test(shown_to_a_person),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
