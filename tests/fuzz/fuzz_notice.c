/* fuzz_notice.c - whatever text comes, notice_parse refuses it, or takes just what notice_format
 * would write; and so with the framing. Runs in: tests. As a libFuzzer target, or with its own main
 * (FUZZ_MAIN): fuzz_notice [ROUNDS [SEED]] mutates good notices. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/buf.h"
#include "safehand/enc.h"
#include "safehand/notice_file.h"

static void
try_text(const uint8_t *p, size_t n)
{
	struct buf again = {0}, sentence = {0};
	struct notice out;
	struct err e;

	if (notice_parse(p, n, &out, &e) == 0) {
		assert(notice_is(p, n));
		assert(notice_check(&out, &e) == 0);
		notice_format(&out, &again);
		assert(again.len == n && memcmp(again.data, p, n) == 0);
		notice_show(&out, &sentence);
		assert(utf8_is_clean((const char *)sentence.data, sentence.len));
	}
	buf_free(&again);
	buf_free(&sentence);
}

static void
try_file(const uint8_t *p, size_t n)
{
	struct buf again = {0};
	struct notice_file f;
	struct err e;

	if (notice_file_parse(p, n, &f, &e) == 0) {
		notice_file_format(f.text, f.text_len, f.signature, f.signature_len, &again);
		assert(again.len == n && memcmp(again.data, p, n) == 0);
		try_text(f.text, f.text_len);
	}
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	try_text(p, n);
	try_file(p, n);
	return 0;
}

#ifdef FUZZ_MAIN
static uint64_t
next(uint64_t *x) /* xorshift64 */
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void
seed_text(uint64_t *x, struct buf *text)
{
	struct notice n = {.id = "019ab0c0-0000-7000-8000-000000000001",
			   .created_ms = 1795381445000,
			   .kind = (enum notice_kind)(next(x) % NOTICE_KINDS),
			   .to = "csc/mash",
			   .klass = "strategy-minutes",
			   .from = "csc/mash",
			   .mailbox = "uhcw/paediatrics",
			   .owed = (enum deadline_kind)(next(x) % DEADLINE_KINDS),
			   .action = (uint32_t)(next(x) % 3),
			   .start_ms = 1795000000123,
			   .due_ms = 1795381444999};

	strcpy(next(x) % 2 == 0 ? n.bundle : n.expectation, "019ab0c0-0000-7000-8000-000000000002");
	notice_format(&n, text);
}

static void
mutate(uint64_t *x, struct buf *b)
{
	static const char bits[] = "\"\\{}[]:,0-19azZ \x80\xff";

	for (uint64_t n = next(x) % 4; n > 0 && b->len > 2; n--) {
		size_t at = next(x) % b->len;

		switch (next(x) % 4) {
		case 0: b->data[at] ^= 1u << next(x) % 8; break;
		case 1: b->data[at] = (uint8_t)bits[next(x) % (sizeof bits - 1)]; break;
		case 2: b->len = at > 0 ? at : 1; break;
		case 3: buf_addc(b, (char)b->data[at]); break;
		}
	}
}

int
main(int argc, char **argv)
{
	uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
	uint64_t x = argc > 2 ? strtoull(argv[2], NULL, 10) : 88172645463325252u;

	printf("fuzz_notice: seed %llu\n", (unsigned long long)x);
	for (uint64_t i = 0; i < rounds; i++) {
		struct buf text = {0}, file = {0};

		seed_text(&x, &text);
		if (next(&x) % 2 == 0)
			mutate(&x, &text);
		notice_file_format(text.data, text.len, "signature", 9, &file);
		mutate(&x, &file);
		LLVMFuzzerTestOneInput(text.data, text.len);
		LLVMFuzzerTestOneInput(file.data, file.len);
		buf_free(&text);
		buf_free(&file);
	}
	printf("fuzz_notice: %llu rounds, nothing broke\n", (unsigned long long)rounds);
	return 0;
}
#endif
