/* fuzz_evidence.c - evidence from whoever hands it over: parsing, judging and writing never break,
 * what is parsed is written again as it was, and what is not a seed is never OK. Runs in: tests. As
 * a libFuzzer target (parsing alone), or with its own main (FUZZ_MAIN):
 * fuzz_evidence ROUNDS SEED ROOT.PEM LOG.VKEY FILE... mutates the files. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/evidence.h"

#define PARTS 7

static struct buf *
part(struct evidence *ev, size_t i)
{
	struct buf *const parts[PARTS] = {
	    &ev->entry,	    &ev->proof,	    &ev->timestamp,	     &ev->manifest,
	    &ev->signature, &ev->statement, &ev->statement_signature};

	return parts[i];
}

static bool
is_same(struct evidence *a, struct evidence *b)
{
	for (size_t i = 0; i < PARTS; i++)
		if (part(a, i)->len != part(b, i)->len ||
		    (part(a, i)->len > 0 &&
		     memcmp(part(a, i)->data, part(b, i)->data, part(a, i)->len) != 0))
			return false;
	return true;
}

static void
check_round(struct evidence *ev)
{
	struct evidence again;
	struct buf text = {0};
	struct err e;

	evidence_format(ev, &text);
	assert(evidence_parse(text.data, text.len, &again, &e) == 0);
	assert(is_same(ev, &again));
	evidence_free(&again);
	buf_free(&text);
}

/* The parsers behind, each on a part that it would meet only if all before it held. */
static void
parse_parts(const struct evidence *ev)
{
	struct merkle_proof path;
	struct manifest *m = NULL;
	struct statement s;
	struct entry entry;
	const char *note;
	uint64_t index;
	size_t n;
	struct err e;

	if (entry_parse(buf_str(&ev->entry), ev->entry.len, &entry, &e) < 0)
		assert(e.text[0] != '\0');
	if (tlog_proof_parse(buf_str(&ev->proof), ev->proof.len, &index, &path, &note, &n, &e) == 0)
		assert(note + n == buf_str(&ev->proof) + ev->proof.len);
	if (manifest_parse(buf_str(&ev->manifest), ev->manifest.len, &m, &e) == 0)
		manifest_free(m);
	if (statement_parse(buf_str(&ev->statement), ev->statement.len, &s, &e) < 0)
		assert(e.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct evidence ev;
	struct err e;

	if (evidence_parse(p, n, &ev, &e) == 0) {
		check_round(&ev);
		parse_parts(&ev);
	} else {
		assert(e.text[0] != '\0');
	}
	evidence_free(&ev);
	return 0;
}

#ifdef FUZZ_MAIN
static uint64_t
next(uint64_t *x) /* xorshift64: a seed gives the same run again */
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void
read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "r");
	int c;

	if (f == NULL) {
		perror(path);
		exit(2);
	}
	while ((c = getc(f)) != EOF)
		buf_addc(out, (char)c);
	fclose(f);
}

static void
hurt(struct buf *b, uint64_t *x)
{
	size_t at;

	if (b->len == 0)
		return;
	at = next(x) % b->len;
	switch (next(x) % 5) {
	case 0: b->data[at] ^= (uint8_t)(1u << next(x) % 8); break;
	case 1: b->data[at] = (uint8_t)next(x); break;
	case 2: b->len = at; break;
	case 3: memmove(b->data + at, b->data + at + 1, --b->len - at); break;
	default: buf_add(b, b->data + at, b->len - at < 64 ? b->len - at : 64);
	}
}

/* Half the rounds change parts, half the text. */
static void
mutate(const struct buf *seed, uint64_t *x, struct buf *out)
{
	struct evidence ev;
	struct err e;

	buf_reserve(out, seed->len + 64 * 8);
	if (next(x) % 2 == 0 && evidence_parse(seed->data, seed->len, &ev, &e) == 0) {
		for (uint64_t m = next(x) % 3 + 1; m > 0; m--) {
			struct buf *b = part(&ev, next(x) % PARTS);

			buf_reserve(b, 64);
			hurt(b, x);
		}
		evidence_format(&ev, out);
		evidence_free(&ev);
		return;
	}
	buf_add(out, seed->data, seed->len);
	for (uint64_t m = next(x) % 3 + 1; m > 0; m--)
		hurt(out, x);
}

/* OK is for the seed's own parts alone. */
static bool
judge(const struct buf *text, const struct buf *seed, struct trust *t, const struct note_key *log)
{
	struct evidence_result r = {.verdict = EVIDENCE_FAIL};
	struct evidence ev, was;
	struct err e;
	bool taken;

	taken = evidence_parse(text->data, text->len, &ev, &e) == 0;
	if (taken)
		evidence_verify(&ev, t, log, &r);
	if (r.verdict == EVIDENCE_OK) {
		assert(evidence_parse(seed->data, seed->len, &was, &e) == 0);
		assert(is_same(&ev, &was));
		evidence_free(&was);
	}
	evidence_free(&ev);
	return taken;
}

int
main(int argc, char **argv)
{
	uint64_t rounds, x, taken = 0;
	struct buf root = {0}, log = {0};
	struct note_key key;
	struct trust *t;
	struct err e = {0};

	if (argc < 6) {
		fprintf(stderr, "usage: fuzz_evidence ROUNDS SEED ROOT.PEM LOG.VKEY FILE...\n");
		return 2;
	}
	rounds = strtoull(argv[1], NULL, 10);
	x = strtoull(argv[2], NULL, 10) | 1;
	read_file(argv[3], &root);
	read_file(argv[4], &log);
	if (trust_new(&root, NULL, NULL, &t, &e) < 0 ||
	    note_key_parse(buf_str(&log), log.len, &key, &e) < 0) {
		fprintf(stderr, "fuzz_evidence: %s\n", e.text);
		return 2;
	}
	for (uint64_t i = 0; i < rounds; i++) {
		struct buf seed = {0}, text = {0};

		read_file(argv[5 + next(&x) % (uint64_t)(argc - 5)], &seed);
		mutate(&seed, &x, &text);
		LLVMFuzzerTestOneInput(text.data, text.len);
		taken += judge(&text, &seed, t, &key);
		buf_free(&seed);
		buf_free(&text);
	}
	trust_free(t);
	buf_free(&root);
	buf_free(&log);
	printf("fuzz_evidence: %llu files, %llu taken, none forged\n", (unsigned long long)rounds,
	       (unsigned long long)taken);
	return taken > rounds / 20 ? 0 : 1; /* a run that takes next to nothing judges nothing */
}
#endif
