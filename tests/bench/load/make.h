/* make.h - bundles and statements, signed before anything is measured. */
#ifndef BENCH_MAKE_H
#define BENCH_MAKE_H

#include "pool.h"
#include "safehand/limits.h"
#include "safehand/name.h"

struct made {
	char id[UUID_TEXT];
	uint8_t manifest_sha256[DIGEST_BYTES];
	struct job accept;
};

struct set {
	struct made *made;
	size_t n;
	struct buf payload; /* one for all of a set: each has its own id, manifest and signature */
};

/* n bundles of a document of so many bytes that does not compress, from a mailbox to mailboxes
 * ("a/b,c/d"), of class general. */
void make_bundles(struct set *set, const char *pki, const char *from, const char *to, size_t bytes,
		  size_t n);
void set_free(struct set *set);
/* What a mailbox asks: the bundle's bytes, then its key against the signed receipt. */
void make_collect(struct job *job, const char *pki, const char *mailbox, const struct made *m);
void make_get(struct job *job, const char *path);

#endif
