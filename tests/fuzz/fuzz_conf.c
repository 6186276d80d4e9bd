/* fuzz_conf.c - the gateway's configuration against its real table: refused with reports that name
 * a line, or printed and read again as the same. Nothing is included: the name of a file in the
 * text must not open one. Runs in: tests. */
#include "fuzz.h"
#include "frame/settings.h"
#include "safehand/conf.h"

static unsigned reports;

static void
on_report(void *ctx, const char *file, int line, const char *text)
{
	assert(file != NULL && line >= 0 && text != NULL && text[0] != '\0');
	reports++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct conf *c = NULL, *again = NULL;
	struct buf text = {0}, twice = {0};
	struct err e = {0};

	reports = 0;
	if (conf_parse("fuzz.conf", "/nonexistent", p, n, settings_table, on_report, NULL, &c, &e) <
	    0) {
		fuzz_refused(&e);
		assert(reports > 0);
		return 0;
	}
	conf_print(c, false, &text);
	assert(conf_parse("again", "/nonexistent", text.data, text.len, settings_table, on_report,
			  NULL, &again, &e) == 0);
	conf_print(again, false, &twice);
	assert(text.len == twice.len && memcmp(text.data, twice.data, text.len) == 0);
	conf_free(c);
	conf_free(again);
	buf_free(&text);
	buf_free(&twice);
	return 0;
}
