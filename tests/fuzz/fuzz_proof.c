/* fuzz_proof.c - inclusion and consistency proofs as text: refused, or written again as they were;
 * and the verifiers on what they say. Runs in: tests. */
#include "fuzz.h"
#include "safehand/note.h"

/* But for the line that is let be, it is written as it was: what is written is read as the same. */
static void
again(uint64_t index, const struct merkle_proof *proof, const char *note, size_t len)
{
	struct merkle_proof same;
	struct buf text = {0};
	const char *rest;
	uint64_t at;
	size_t left;
	struct err e = {0};

	tlog_proof_format(index, proof, note, len, &text);
	assert(tlog_proof_parse(text.data, text.len, &at, &same, &rest, &left, &e) == 0);
	assert(at == index && same.n == proof->n && left == len && memcmp(rest, note, len) == 0);
	for (size_t i = 0; i < same.n; i++)
		assert(memcmp(same.hashes[i], proof->hashes[i], DIGEST_BYTES) == 0);
	buf_free(&text);
}

static void
try_inclusion(const uint8_t *p, size_t n)
{
	uint8_t leaf[DIGEST_BYTES] = {1}, root[DIGEST_BYTES] = {2};
	struct merkle_proof proof;
	const char *note;
	uint64_t index;
	size_t len;
	struct err e = {0};

	if (tlog_proof_parse((const char *)p, n, &index, &proof, &note, &len, &e) < 0) {
		fuzz_refused(&e);
		return;
	}
	assert(note + len == (const char *)p + n && proof.n <= PROOF_HASHES_MAX);
	again(index, &proof, note, len);
	for (uint64_t size = 0; size < 64; size++) /* no proof of random hashes leads anywhere */
		assert(merkle_verify_inclusion(leaf, index, size, &proof, root, &e) < 0);
	assert(merkle_verify_inclusion(leaf, index, UINT64_MAX, &proof, root, &e) < 0);
}

static void
try_consistency(const uint8_t *p, size_t n)
{
	uint8_t old_root[DIGEST_BYTES] = {1}, root[DIGEST_BYTES] = {2};
	struct merkle_proof proof;
	struct buf text = {0};
	const char *note;
	uint64_t old;
	size_t len;
	struct err e = {0};

	if (tlog_consistency_parse((const char *)p, n, &old, &proof, &note, &len, &e) < 0) {
		fuzz_refused(&e);
		return;
	}
	tlog_consistency_format(old, &proof, note, len, &text);
	assert(text.len == n && memcmp(text.data, p, n) == 0);
	assert(merkle_verify_consistency(old, UINT64_MAX, &proof, old_root, root, &e) < 0 ||
	       old == 0);
	if (old < UINT64_MAX)
		assert(merkle_verify_consistency(old, old + 1, &proof, old_root, root, &e) < 0 ||
		       old == 0);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	try_inclusion(p, n);
	try_consistency(p, n);
	return 0;
}
