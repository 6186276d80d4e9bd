/* test_merkle.c - roots and proofs against a naive model of RFC 6962 section 2.1, and proofs that
 * must fail. */
#include <stdbool.h>

#include "tap.h"

#include "safehand/digest.h"
#include "safehand/enc.h"
#include "safehand/merkle.h"

#define LEAVES 130 /* crosses two powers of two */

static struct err e;
static uint8_t places[9][256][DIGEST_BYTES], leaves[LEAVES][DIGEST_BYTES];
static bool there[9][256];

static int
get(void *ctx, unsigned level, uint64_t index, uint8_t out[static DIGEST_BYTES], struct err *err)
{
	if (level > 8 || index > 255 || !there[level][index])
		return err_set(err, ERR_INTERNAL, "no place %u %llu", level,
			       (unsigned long long)index);
	memcpy(out, places[level][index], DIGEST_BYTES);
	return 0;
}

static int
put(void *ctx, unsigned level, uint64_t index, const uint8_t hash[static DIGEST_BYTES],
    struct err *err)
{
	assert_false(there[level][index]); /* a complete subtree is put once */
	there[level][index] = true;
	memcpy(places[level][index], hash, DIGEST_BYTES);
	return 0;
}

/* MTH as the RFC writes it. */
static void
naive(size_t from, size_t n, uint8_t out[static DIGEST_BYTES])
{
	uint8_t left[DIGEST_BYTES], right[DIGEST_BYTES];
	size_t k = 1;

	if (n == 0) {
		digest_of("", 0, out);
		return;
	}
	if (n == 1) {
		memcpy(out, leaves[from], DIGEST_BYTES);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	naive(from, k, left);
	naive(from + k, n - k, right);
	merkle_node(left, right, out);
}

static int
grow(void **state)
{
	for (uint64_t i = 0; i < LEAVES; i++) {
		char text[16];

		snprintf(text, sizeof text, "leaf %d", (int)i);
		merkle_leaf(text, strlen(text), leaves[i]);
		assert_ok(merkle_append(i, leaves[i], get, put, NULL, &e), &e);
	}
	return 0;
}

static void
known_hashes(void **state)
{
	uint8_t h[DIGEST_BYTES];
	char hex[HEX_LEN(DIGEST_BYTES)];

	/* the empty tree and the empty leaf: SHA-256 of nothing and of one zero byte (RFC 6962
	 * section 2.1) */
	assert_ok(merkle_root(0, get, NULL, h, &e), &e);
	hex_encode(hex, h, sizeof h);
	assert_string_equal(hex,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	merkle_leaf("", 0, h);
	hex_encode(hex, h, sizeof h);
	assert_string_equal(hex,
			    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

static void
roots_agree_with_the_model(void **state)
{
	uint8_t a[DIGEST_BYTES], b[DIGEST_BYTES];

	for (uint64_t n = 0; n <= LEAVES; n++) {
		assert_ok(merkle_root(n, get, NULL, a, &e), &e);
		naive(0, n, b);
		assert_memory_equal(a, b, DIGEST_BYTES);
	}
}

static void
each_leaf_is_proven_in_each_tree(void **state)
{
	struct merkle_proof p;
	uint8_t root[DIGEST_BYTES];

	for (uint64_t n = 1; n <= LEAVES; n++) {
		naive(0, n, root);
		for (uint64_t i = 0; i < n; i++) {
			assert_ok(merkle_inclusion(i, n, get, NULL, &p, &e), &e);
			assert_ok(merkle_verify_inclusion(leaves[i], i, n, &p, root, &e), &e);
			assert_refused(
			    merkle_verify_inclusion(leaves[(i + 1) % LEAVES], i, n, &p, root, &e),
			    &e, ERR_FAIL);
			assert_refused(merkle_verify_inclusion(leaves[i], n, n, &p, root, &e), &e,
				       ERR_FAIL);
			if (n > 1) {
				assert_refused(
				    merkle_verify_inclusion(leaves[i], i ^ 1, n, &p, root, &e), &e,
				    ERR_FAIL);
				p.hashes[p.n - 1][5] ^= 1;
				assert_refused(
				    merkle_verify_inclusion(leaves[i], i, n, &p, root, &e), &e,
				    ERR_FAIL);
				p.n--;
				assert_refused(
				    merkle_verify_inclusion(leaves[i], i, n, &p, root, &e), &e,
				    ERR_FAIL);
			}
		}
	}
	assert_refused(merkle_inclusion(5, 5, get, NULL, &p, &e), &e, ERR_UNKNOWN);
}

static void
each_tree_extends_each_earlier_one(void **state)
{
	struct merkle_proof p;
	uint8_t old_root[DIGEST_BYTES], root[DIGEST_BYTES], forked[DIGEST_BYTES] = {1};

	for (uint64_t n = 1; n <= LEAVES; n++) {
		naive(0, n, root);
		for (uint64_t old = 0; old <= n; old++) {
			naive(0, old, old_root);
			assert_ok(merkle_consistency(old, n, get, NULL, &p, &e), &e);
			assert_ok(merkle_verify_consistency(old, n, &p, old_root, root, &e), &e);
			if (old == 0)
				continue;
			assert_refused(merkle_verify_consistency(old, n, &p, forked, root, &e), &e,
				       ERR_FAIL);
			assert_refused(merkle_verify_consistency(old, n, &p, old_root, forked, &e),
				       &e, ERR_FAIL);
			if (p.n > 0) {
				p.hashes[0][0] ^= 1;
				assert_refused(
				    merkle_verify_consistency(old, n, &p, old_root, root, &e), &e,
				    ERR_FAIL);
				p.hashes[0][0] ^= 1;
				p.n--;
				assert_refused(
				    merkle_verify_consistency(old, n, &p, old_root, root, &e), &e,
				    ERR_FAIL);
			}
		}
	}
	assert_refused(merkle_consistency(6, 5, get, NULL, &p, &e), &e, ERR_UNKNOWN);
	assert_refused(merkle_verify_consistency(6, 5, &p, root, root, &e), &e, ERR_FAIL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_hashes),
	    cmocka_unit_test(roots_agree_with_the_model),
	    cmocka_unit_test(each_leaf_is_proven_in_each_tree),
	    cmocka_unit_test(each_tree_extends_each_earlier_one),
	};

	return cmocka_run_group_tests(tests, grow, NULL);
}
