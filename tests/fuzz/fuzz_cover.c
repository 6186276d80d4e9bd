/* fuzz_cover.c - the cover sheet and its draft: refused, or a sheet that can be shown, asked and
 * written again. Runs in: tests. */
#include "fuzz.h"
#include "safehand/cover.h"
#include "safehand/enc.h"

static void
use(const struct cover *c)
{
	struct action actions[ACTIONS_MAX];
	struct buf text = {0};

	cover_show(c, &text);
	for (size_t i = 0; i < text.len; i++) /* lines and paragraphs are its own */
		text.data[i] = text.data[i] == '\n' || text.data[i] == '\t' ? ' ' : text.data[i];
	assert(utf8_is_clean(text.data, text.len));
	assert(cover_actions(c, actions) <= ACTIONS_MAX);
	for (size_t i = 0; i < cover_documents(c); i++)
		assert(name_is_document(cover_document(c, i)->name));
	cover_opinion(c);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct cover *c = NULL, *again = NULL;
	struct buf text = {0};
	struct err e = {0};

	if (cover_parse(p, n, &c, &e) == 0) {
		use(c);
		cover_text(c, &text);
		assert(cover_parse(text.data, text.len, &again, &e) == 0);
		assert(cover_documents(c) == cover_documents(again));
	} else {
		fuzz_refused(&e);
	}
	cover_free(c);
	cover_free(again);
	c = NULL;
	e = (struct err){0};
	if (cover_parse_draft(p, n, &c, &e) == 0)
		use(c);
	else
		fuzz_refused(&e);
	cover_free(c);
	buf_free(&text);
	return 0;
}
