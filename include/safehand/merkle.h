/* merkle.h - the tree of RFC 6962 section 2.1 (SHA-256): roots, inclusion and consistency proofs,
 * and their verifiers.
 *
 * The tree's complete subtrees have fixed places (level, index): level 0 are the leaves' hashes,
 * (l, i) covers the leaves i * 2^l .. (i + 1) * 2^l - 1. They never change once they are there;
 * where they are kept is the caller's. */
#ifndef SAFEHAND_MERKLE_H
#define SAFEHAND_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "safehand/err.h"
#include "safehand/limits.h"

/* A place's hash into out; -1 with err if it cannot be had. Only complete subtrees are asked for.
 */
typedef int merkle_get(void *ctx, unsigned level, uint64_t index, uint8_t out[static DIGEST_BYTES],
		       struct err *e);
/* Keeps the hash of a place; -1 with err. */
typedef int merkle_put(void *ctx, unsigned level, uint64_t index,
		       const uint8_t hash[static DIGEST_BYTES], struct err *e);

struct merkle_proof {
	size_t n;
	uint8_t hashes[PROOF_HASHES_MAX][DIGEST_BYTES];
};

/* SHA-256(0x00 | leaf), SHA-256(0x01 | left | right) */
void merkle_leaf(const void *leaf, size_t len, uint8_t out[static DIGEST_BYTES]);
void merkle_node(const uint8_t left[static DIGEST_BYTES], const uint8_t right[static DIGEST_BYTES],
		 uint8_t out[static DIGEST_BYTES]);

/* Adds leaf number size to a tree of that many; puts the leaf's hash and each subtree that it
 * completes. */
int merkle_append(uint64_t size, const uint8_t leaf_hash[static DIGEST_BYTES], merkle_get *get,
		  merkle_put *put, void *ctx, struct err *e);
/* The root of the first size leaves; SHA-256 of nothing for 0. */
int merkle_root(uint64_t size, merkle_get *get, void *ctx, uint8_t out[static DIGEST_BYTES],
		struct err *e);
/* PATH(index, D[size]); index < size. */
int merkle_inclusion(uint64_t index, uint64_t size, merkle_get *get, void *ctx,
		     struct merkle_proof *out, struct err *e);
/* PROOF(old, D[size]); old <= size. Empty if old is 0 or size. */
int merkle_consistency(uint64_t old, uint64_t size, merkle_get *get, void *ctx,
		       struct merkle_proof *out, struct err *e);

/* RFC 9162 sections 2.1.3.2 and 2.1.4.2. ERR_FAIL: the proof does not lead to the root. Pure. */
int merkle_verify_inclusion(const uint8_t leaf_hash[static DIGEST_BYTES], uint64_t index,
			    uint64_t size, const struct merkle_proof *proof,
			    const uint8_t root[static DIGEST_BYTES], struct err *e);
int merkle_verify_consistency(uint64_t old, uint64_t size, const struct merkle_proof *proof,
			      const uint8_t old_root[static DIGEST_BYTES],
			      const uint8_t root[static DIGEST_BYTES], struct err *e);

#endif
