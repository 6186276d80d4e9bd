/* tree.h - the log's tree (merkle.h) over the hashes that the ledger keeps. */
#ifndef SAFEHAND_STORE_TREE_H
#define SAFEHAND_STORE_TREE_H

#include "safehand/merkle.h"
#include "store/ledger.h"

/* The number under which the hash of a place is kept: the order in which hashes come to be, so that
 * the ledger only ever appends. */
int64_t tree_number(unsigned level, uint64_t index);

/* The same with the hashes of late in memory: a group appends and proves with the same few, and a
 * hash that is there never changes. Reads and writes through the writer. */
struct tree;
struct tree *tree_new(struct ledger *writer);
void tree_free(struct tree *t); /* NULL is fine */
int tree_kept_get(void *tree, unsigned level, uint64_t index, uint8_t out[static DIGEST_BYTES],
		  struct err *e);
int tree_kept_put(void *tree, unsigned level, uint64_t index,
		  const uint8_t hash[static DIGEST_BYTES], struct err *e);

/* For the functions of merkle.h; ctx is the struct ledger, which is asked each time: for who checks
 * it. ERR_HISTORY: a hash is missing. */
int tree_get(void *ledger, unsigned level, uint64_t index, uint8_t out[static DIGEST_BYTES],
	     struct err *e);
int tree_put(void *ledger, unsigned level, uint64_t index, const uint8_t hash[static DIGEST_BYTES],
	     struct err *e);

#endif
