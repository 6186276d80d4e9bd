/* tree.c - the log's tree over the hashes that the ledger keeps. Runs in: store. Owns: nothing.
 * Trusts: the ledger, that a hash is what was put there; fsck computes it again. */
#include "store/tree.h"

#include <stdlib.h>
#include <string.h>

#define KEPT                                                                                       \
	4096 /* hashes: four leaves of late for each of 256 changes, and the paths above them */

struct tree {
	struct ledger *writer;
	struct {
		int64_t number; /* 0 with used false: none */
		bool used;
		uint8_t hash[DIGEST_BYTES];
	} kept[KEPT];
};

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

/* --- kept --- */

struct tree *
tree_new(struct ledger *writer)
{
	struct tree *t = mem_alloc(sizeof *t);

	t->writer = writer;
	return t;
}

void
tree_free(struct tree *t)
{
	free(t);
}

static void
keep(struct tree *t, int64_t number, const uint8_t hash[static DIGEST_BYTES])
{
	size_t at = (size_t)number % KEPT;

	t->kept[at].number = number;
	t->kept[at].used = true;
	memcpy(t->kept[at].hash, hash, DIGEST_BYTES);
}

int
tree_kept_get(void *tree, unsigned level, uint64_t index, uint8_t out[static DIGEST_BYTES],
	      struct err *e)
{
	int64_t number = tree_number(level, index);
	struct tree *t = tree;
	size_t at = (size_t)number % KEPT;

	if (t->kept[at].used && t->kept[at].number == number) {
		memcpy(out, t->kept[at].hash, DIGEST_BYTES);
		return 0;
	}
	if (tree_get(t->writer, level, index, out, e) < 0)
		return -1;
	keep(t, number, out);
	return 0;
}

int
tree_kept_put(void *tree, unsigned level, uint64_t index, const uint8_t hash[static DIGEST_BYTES],
	      struct err *e)
{
	struct tree *t = tree;

	keep(t, tree_number(level, index), hash);
	return tree_put(t->writer, level, index, hash, e);
}
