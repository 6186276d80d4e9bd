/* fuzz_note.c - signed notes, checkpoints, verifier keys: refused, or what C2SP says. Runs in:
 * tests. */
#include "fuzz.h"
#include "safehand/history.h"
#include "safehand/note.h"

static const struct note_key *
log_key(void)
{
	static struct note_key key;
	struct buf text = {0};
	struct err e;

	if (key.name[0] == '\0') {
		fuzz_read("log.vkey", &text);
		if (note_key_parse(buf_str(&text), text.len, &key, &e) < 0)
			exit(2);
		buf_free(&text);
	}
	return &key;
}

static void
try_checkpoint(const uint8_t *p, size_t n)
{
	struct checkpoint c, again;
	struct buf text = {0};
	struct err e = {0};

	if (checkpoint_parse(p, n, &c, &e) < 0) {
		fuzz_refused(&e);
		return;
	}
	checkpoint_format(&c, &text);
	assert(n >= text.len &&
	       memcmp(text.data, p, text.len) == 0); /* extension lines may follow */
	assert(checkpoint_parse(text.data, text.len, &again, &e) == 0);
	assert(again.size == c.size && memcmp(again.root, c.root, DIGEST_BYTES) == 0);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct note_key key;
	struct checkpoint c;
	size_t text, signed_text;
	struct err e = {0};

	try_checkpoint(p, n);
	if (note_key_parse((const char *)p, n, &key, &e) < 0)
		fuzz_refused(&e);
	if (note_text(p, n, &text, &e) == 0) {
		assert(text > 0 && text < n && p[text - 1] == '\n');
		try_checkpoint(p, text);
	}
	if (note_verify(p, n, log_key(), &signed_text, &e) == 0)
		assert(signed_text == text);
	else
		fuzz_refused(&e);
	if (checkpoint_verify(p, n, log_key(), &c, &e) == 0) {
		assert(strcmp(c.origin, log_key()->name) == 0);
		assert(history_judge(log_key(), p, n, p, n, NULL, &c, &e) == 0);
	}
	return 0;
}
