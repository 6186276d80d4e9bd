/* group.h - group commit: what arrives while one group commits is the next one. Of each group, in
 * this order: entries in the tree, bytes synced [1] while the notary seals, one transaction of
 * the ledger, and only then the answers [3]. */
#ifndef SAFEHAND_STORE_GROUP_H
#define SAFEHAND_STORE_GROUP_H

#include <sys/queue.h>

#include "store/store.h"

/* One thing that is to happen wholly or not at all. Embedded in whatever asks for it. */
struct change {
	STAILQ_ENTRY(change) next;
	/* Inside the transaction, in the order of arrival, seeing what the changes before it did:
	 * first every check, on store->writer, then what it writes. -1 refuses it: nothing was
	 * written. */
	int (*apply)(struct store *s, struct change *c, struct err *e);
	/* After the commit; refusal NULL if it happened. Frees the change. */
	void (*done)(struct store *s, struct change *c, const struct err *refusal);
	uint64_t bytes; /* that it adds to the journal, for the size of a group */
	bool refused;
	struct err refusal;
};

/* An entry to be: what is absent is NULL, 0 or "". */
struct group_entry {
	uint32_t event;	     /* enum entry_event of entry.h */
	int64_t bundle;	     /* its row; 0: none */
	int64_t expectation; /* or its; an entry is of one of them at most */
	const char *id;	     /* the bundle's or expectation's */
	const uint8_t *manifest_sha256, *actor, *statement_sha256;
	const char *mailbox, *code;
	int64_t part;	  /* see struct ledger_entry */
	struct buf *line; /* gets its line too; NULL: not wanted */
};

/* base of store->env must be there. The tree is loaded from the ledger. */
int group_new(struct store *s, struct group **out, struct err *e)
    __attribute__((warn_unused_result));
void group_free(struct group *g); /* what is queued is its owner's */
/* The last checkpoint goes to the notary: it refuses to seal before. */
void group_greet(struct store *s);

void group_add(struct store *s, struct change *c);
/* The same once the first bytes of fd are written, so that its group's sync is short: other groups
 * go on meanwhile. fd stays open until apply. */
void group_add_written(struct store *s, struct change *c, int fd, uint64_t bytes);
/* Only inside apply: the next entry of the log; returns its seq. */
int64_t group_enter(struct store *s, const struct group_entry *entry);
/* Nothing under way, nothing queued, nothing being written. */
bool group_is_idle(const struct group *g);
/* Takes no more; idle() once all that was taken is answered. */
void group_drain(struct store *s, void (*idle)(struct store *s));

/* The notary's answers. */
void group_take_sealed(void *env, struct chan *ch, const void *msg, int fd);
void group_take_refused(const struct msg_refused *m);
/* The courier's: a token of another authority; it joins whatever transaction is open. */
void group_take_stamped(struct store *s, const struct msg_stamped *m);

/* Of the last group that was sealed: inside done, of its own. Views, good until the next seal. */
struct group_seal {
	uint64_t size; /* of the tree */
	struct blob note, token;
};
struct group_seal group_seal(const struct group *g);

struct group_counts {
	uint64_t groups, changes, entries, refused;
	uint64_t largest;   /* changes in one group */
	uint64_t commit_us; /* summed, from the first change applied to the commit */
};
const struct group_counts *group_counts(const struct group *g);
uint64_t group_size(const struct group *g); /* of the tree, with the group under way */

#endif
