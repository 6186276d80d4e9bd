/* tree.c - the log's tree over the hashes that the ledger keeps. Runs in: store. Owns: nothing.
 * Trusts: the ledger, that a hash is what was put there; fsck computes it again. */
#include "store/tree.h"

/* A leaf's own hash is followed by those of the subtrees that it completes, smallest first. So what
 * comes before the hash of a subtree: all that the leaves before its last leaf brought (each leaf
 * one, each second one more, …), and its level's many of that last leaf. */
int64_t
tree_number(unsigned level, uint64_t index)
{
	uint64_t last = ((index + 1) << level) - 1, before = 0;

	for (uint64_t k = last; k > 0; k >>= 1)
		before += k;
	return (int64_t)(before + level);
}

int
tree_get(void *ledger, unsigned level, uint64_t index, uint8_t out[static DIGEST_BYTES],
	 struct err *e)
{
	if (!ledger_hash(ledger, tree_number(level, index), out))
		return err_set(e, ERR_HISTORY, "the log's hash %llu of level %u is missing",
			       (unsigned long long)index, level);
	return 0;
}

int
tree_put(void *ledger, unsigned level, uint64_t index, const uint8_t hash[static DIGEST_BYTES],
	 struct err *e)
{
	ledger_add_hash(ledger, tree_number(level, index), hash);
	return 0;
}
