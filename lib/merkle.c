/* merkle.c - the tree of RFC 6962. Runs in: store (proves), notary and client (verify). Owns:
 * nothing. Pure but for the caller's get and put. */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "safehand/digest.h"
#include "safehand/merkle.h"

/* One running digest for the process: a new context for each node would cost more than the hash. */
static struct digest *
hasher(uint8_t prefix)
{
	static struct digest *d;

	if (d == NULL)
		d = digest_new();
	digest_reset(d);
	digest_add(d, &prefix, 1);
	return d;
}

void
merkle_leaf(const void *leaf, size_t len, uint8_t out[static DIGEST_BYTES])
{
	struct digest *d = hasher(0);

	digest_add(d, leaf, len);
	digest_get(d, out);
}

void
merkle_node(const uint8_t left[static DIGEST_BYTES], const uint8_t right[static DIGEST_BYTES],
	    uint8_t out[static DIGEST_BYTES])
{
	struct digest *d = hasher(1);

	digest_add(d, left, DIGEST_BYTES);
	digest_add(d, right, DIGEST_BYTES);
	digest_get(d, out);
}

int
merkle_append(uint64_t size, const uint8_t leaf_hash[static DIGEST_BYTES], merkle_get *get,
	      merkle_put *put, void *ctx, struct err *e)
{
	uint8_t hash[DIGEST_BYTES], left[DIGEST_BYTES];
	uint64_t index = size;

	memcpy(hash, leaf_hash, sizeof hash);
	if (put(ctx, 0, index, hash, e) < 0)
		return -1;
	/* each 1 bit at the end of the index is a subtree that this leaf completes */
	for (unsigned level = 0; index & 1; level++, index >>= 1) {
		if (get(ctx, level, index - 1, left, e) < 0)
			return -1;
		merkle_node(left, hash, hash);
		if (put(ctx, level + 1, index >> 1, hash, e) < 0)
			return -1;
	}
	return 0;
}

/* The largest power of two below n (n >= 2), as a level. */
static unsigned
split_level(uint64_t n)
{
	assert(n >= 2);
	return 63 - (unsigned)__builtin_clzll(n - 1);
}

/* MTH(D[start:start + n]); start is a multiple of the power of two at or above n, so that its parts
 * have places. */
static int
range_root(uint64_t start, uint64_t n, merkle_get *get, void *ctx, uint8_t out[static DIGEST_BYTES],
	   struct err *e)
{
	uint8_t left[DIGEST_BYTES];
	unsigned level;

	if ((n & (n - 1)) == 0) {
		level = 63 - (unsigned)__builtin_clzll(n);
		return get(ctx, level, start >> level, out, e);
	}
	level = split_level(n);
	if (get(ctx, level, start >> level, left, e) < 0 ||
	    range_root(start + (1ull << level), n - (1ull << level), get, ctx, out, e) < 0)
		return -1;
	merkle_node(left, out, out);
	return 0;
}

int
merkle_root(uint64_t size, merkle_get *get, void *ctx, uint8_t out[static DIGEST_BYTES],
	    struct err *e)
{
	if (size == 0) {
		digest_of("", 0, out);
		return 0;
	}
	return range_root(0, size, get, ctx, out, e);
}

static int
push_range(struct merkle_proof *out, uint64_t start, uint64_t n, merkle_get *get, void *ctx,
	   struct err *e)
{
	assert(out->n < PROOF_HASHES_MAX);
	return range_root(start, n, get, ctx, out->hashes[out->n++], e);
}

/* RFC 6962 section 2.1.1, inner hashes first */
static int
path(uint64_t index, uint64_t start, uint64_t n, merkle_get *get, void *ctx,
     struct merkle_proof *out, struct err *e)
{
	uint64_t k;

	if (n == 1)
		return 0;
	k = 1ull << split_level(n);
	if (index < k)
		return path(index, start, k, get, ctx, out, e) < 0
			   ? -1
			   : push_range(out, start + k, n - k, get, ctx, e);
	return path(index - k, start + k, n - k, get, ctx, out, e) < 0
		   ? -1
		   : push_range(out, start, k, get, ctx, e);
}

int
merkle_inclusion(uint64_t index, uint64_t size, merkle_get *get, void *ctx,
		 struct merkle_proof *out, struct err *e)
{
	out->n = 0;
	if (index >= size)
		return err_set(e, ERR_UNKNOWN, "leaf %llu of a tree of %llu",
			       (unsigned long long)index, (unsigned long long)size);
	return path(index, 0, size, get, ctx, out, e);
}

/* SUBPROOF of RFC 6962 section 2.1.2; whole: is D[start:start + old] a subtree that the verifier
 * knows the root of? */
static int
subproof(uint64_t old, uint64_t start, uint64_t n, bool whole, merkle_get *get, void *ctx,
	 struct merkle_proof *out, struct err *e)
{
	uint64_t k;

	if (old == n)
		return whole ? 0 : push_range(out, start, n, get, ctx, e);
	k = 1ull << split_level(n);
	if (old <= k)
		return subproof(old, start, k, whole, get, ctx, out, e) < 0
			   ? -1
			   : push_range(out, start + k, n - k, get, ctx, e);
	return subproof(old - k, start + k, n - k, false, get, ctx, out, e) < 0
		   ? -1
		   : push_range(out, start, k, get, ctx, e);
}

int
merkle_consistency(uint64_t old, uint64_t size, merkle_get *get, void *ctx,
		   struct merkle_proof *out, struct err *e)
{
	out->n = 0;
	if (old > size)
		return err_set(e, ERR_UNKNOWN, "the tree has %llu leaves, not yet %llu",
			       (unsigned long long)size, (unsigned long long)old);
	return old == 0 || old == size ? 0 : subproof(old, 0, size, true, get, ctx, out, e);
}

/* --- verifiers --- */

static int
no_proof(struct err *e)
{
	return err_set(e, ERR_FAIL, "the proof does not lead to the root");
}

int
merkle_verify_inclusion(const uint8_t leaf_hash[static DIGEST_BYTES], uint64_t index, uint64_t size,
			const struct merkle_proof *proof, const uint8_t root[static DIGEST_BYTES],
			struct err *e)
{
	uint64_t fn = index, sn = size - 1;
	uint8_t r[DIGEST_BYTES];

	if (index >= size)
		return no_proof(e);
	memcpy(r, leaf_hash, sizeof r);
	for (size_t i = 0; i < proof->n; i++) {
		if (sn == 0)
			return no_proof(e);
		if ((fn & 1) || fn == sn) {
			merkle_node(proof->hashes[i], r, r);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			merkle_node(r, proof->hashes[i], r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(r, root, sizeof r) == 0 ? 0 : no_proof(e);
}

/* The walk of RFC 9162 section 2.1.4.2 from the first hash on: fr must become the old root, sr the
 * new one. */
static bool
walk(uint64_t fn, uint64_t sn, const struct merkle_proof *proof, size_t from, uint8_t *fr,
     uint8_t *sr)
{
	for (size_t i = from; i < proof->n; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			merkle_node(proof->hashes[i], fr, fr);
			merkle_node(proof->hashes[i], sr, sr);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			merkle_node(sr, proof->hashes[i], sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0;
}

int
merkle_verify_consistency(uint64_t old, uint64_t size, const struct merkle_proof *proof,
			  const uint8_t old_root[static DIGEST_BYTES],
			  const uint8_t root[static DIGEST_BYTES], struct err *e)
{
	uint8_t fr[DIGEST_BYTES], sr[DIGEST_BYTES];
	uint64_t fn = old - 1, sn = size - 1;
	bool power = (old & (old - 1)) == 0;

	if (old > size ||
	    (old == size && (proof->n != 0 || memcmp(old_root, root, DIGEST_BYTES) != 0)))
		return no_proof(e);
	if (old == 0 || old == size)
		return proof->n == 0 ? 0 : no_proof(e);
	if (proof->n == 0 && !power)
		return no_proof(e);
	for (; fn & 1; fn >>= 1)
		sn >>= 1;
	if (!power && proof->n == 0)
		return no_proof(e);
	memcpy(fr, power ? old_root : proof->hashes[0], sizeof fr);
	memcpy(sr, fr, sizeof sr);
	if (!walk(fn, sn, proof, power ? 0 : 1, fr, sr) || memcmp(fr, old_root, sizeof fr) != 0 ||
	    memcmp(sr, root, sizeof sr) != 0)
		return no_proof(e);
	return 0;
}
