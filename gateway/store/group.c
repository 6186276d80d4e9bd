/* group.c - group commit. Runs in: store. Owns: the queue, the group under way, the size of the
 * tree. Trusts: the notary's seal. What fails half-way ends the process: the next start finds the
 * last commit, and nobody was answered since. */
#include "store/group.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "safehand/digest.h"
#include "safehand/entry.h"
#include "safehand/log.h"
#include "safehand/time.h"
#include "store/feed.h"
#include "store/ladder.h"
#include "store/tree.h"
#include "store/writeback.h"

#define GROUP_CHANGES_MAX 256
#define GROUP_BYTES_MAX	  (32 * MIB) /* to the journal: what a disk takes in some 100 ms */
#define SEAL_SECONDS	  60	     /* a notary that is silent so long is broken */

STAILQ_HEAD(changes, change);

struct touched {
	char mailbox[NAME_MAILBOX];
	struct touched *next;
};

#define SALTS 256 /* fetched at once: a system call for each costs more than its entry */

struct group {
	struct changes queue, flying;
	struct writeback *writeback; /* those that come to the queue later */
	struct event *turn; /* the next group starts when the loop is through with its messages */
	struct event *silence; /* of the notary */
	uint64_t size;	       /* of the tree */
	uint64_t sealed;       /* size of the last checkpoint */
	int64_t last_ms;       /* of the last entry: times in the log do not go back */
	int64_t begun_us;
	bool busy;		 /* a group is under way */
	struct touched *touched; /* mailboxes that have news in it */
	void (*idle)(struct store *s);
	struct group_counts counts;
	struct buf note, token; /* its seal */
	uint8_t salts[SALTS][ENTRY_SALT];
	unsigned salts_used;
};

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- life --- */

static void on_turn(evutil_socket_t fd, short what, void *arg);
static void on_written(void *ctx, struct change *c);

static void
on_silence(evutil_socket_t fd, short what, void *arg)
{
	log_fatal("notary-silent", &(struct err){ERR_INTERNAL, "no seal came"});
}

int
group_new(struct store *s, struct group **out, struct err *e)
{
	struct group *g = mem_alloc(sizeof *g);
	struct ledger_checkpoint last = {0};
	struct ledger_totals totals;

	s->tree = tree_new(s->writer);
	STAILQ_INIT(&g->queue);
	STAILQ_INIT(&g->flying);
	g->turn = evtimer_new(s->env->base, on_turn, s);
	g->silence = evtimer_new(s->env->base, on_silence, s);
	g->writeback = writeback_new(s->env->base, on_written, s);
	ledger_last_checkpoint(s->writer, &last, NULL, NULL);
	ledger_totals(s->writer, &totals);
	g->size = g->sealed = last.size;
	g->salts_used = SALTS;
	g->last_ms = last.time_ms;
	*out = g;
	if (g->turn == NULL || g->silence == NULL || g->writeback == NULL)
		return err_set(e, ERR_SYSTEM, "no event");
	if ((uint64_t)totals.entries != last.size)
		return err_set(e, ERR_HISTORY, "%lld entries, but the last checkpoint is of %llu",
			       (long long)totals.entries, (unsigned long long)last.size);
	return 0;
}

static void
touched_next(struct group *g)
{
	struct touched *t = g->touched;

	g->touched = t->next;
	free(t);
}

void
group_free(struct group *g)
{
	if (g == NULL)
		return;
	if (g->turn != NULL)
		event_free(g->turn);
	if (g->silence != NULL)
		event_free(g->silence);
	writeback_free(g->writeback);
	while (g->touched != NULL)
		touched_next(g);
	buf_free(&g->note);
	buf_free(&g->token);
	free(g);
}

void
group_greet(struct store *s)
{
	struct ledger_checkpoint last;
	struct buf note = {0};
	struct msg_note m = {0};

	if (ledger_last_checkpoint(s->reader, &last, &note, NULL))
		m.note = (struct blob){note.data, note.len};
	chan_send(s->notary, MSG_LAST, &m, -1);
	buf_free(&note);
}

bool
group_is_idle(const struct group *g)
{
	return !g->busy && STAILQ_EMPTY(&g->queue) && writeback_is_idle(g->writeback);
}

/* The messages that already lie in the channels join the group: the turn comes after them. */
static void
schedule(struct group *g)
{
	static const struct timeval at_once = {0, 0};

	if (!g->busy && !STAILQ_EMPTY(&g->queue))
		evtimer_add(g->turn, &at_once);
}

void
group_add(struct store *s, struct change *c)
{
	c->refused = false;
	STAILQ_INSERT_TAIL(&s->group->queue, c, next);
	schedule(s->group);
}

static void
on_written(void *ctx, struct change *c)
{
	group_add(ctx, c);
}

void
group_add_written(struct store *s, struct change *c, int fd, uint64_t bytes)
{
	writeback_add(s->group->writeback, c, fd, bytes);
}

void
group_drain(struct store *s, void (*idle)(struct store *s))
{
	s->group->idle = idle;
	if (group_is_idle(s->group))
		idle(s);
}

/* --- inside the transaction --- */

static void
touch(struct group *g, const char *mailbox)
{
	struct touched *t = g->touched;

	while (t != NULL && strcmp(t->mailbox, mailbox) != 0)
		t = t->next;
	if (t != NULL)
		return;
	t = mem_alloc(sizeof *t);
	strcpy(t->mailbox, mailbox);
	t->next = g->touched;
	g->touched = t;
}

static int64_t
entry_time(struct store *s)
{
	struct group *g = s->group;
	int64_t now = s->now();

	g->last_ms = now > g->last_ms ? now : g->last_ms;
	return g->last_ms;
}

static void
salt(struct group *g, uint8_t out[static ENTRY_SALT])
{
	if (g->salts_used == SALTS) {
		arc4random_buf(g->salts, sizeof g->salts);
		g->salts_used = 0;
	}
	memcpy(out, g->salts[g->salts_used], ENTRY_SALT);
	memset(g->salts[g->salts_used++], 0, ENTRY_SALT);
}

static void
entry_fill(struct group *g, struct entry *out, const struct group_entry *in)
{
	out->event = in->event;
	snprintf(out->bundle, sizeof out->bundle, "%s", in->id == NULL ? "" : in->id);
	snprintf(out->mailbox, sizeof out->mailbox, "%s", in->mailbox == NULL ? "" : in->mailbox);
	snprintf(out->code, sizeof out->code, "%s", in->code);
	if ((out->has_manifest = in->manifest_sha256 != NULL))
		memcpy(out->manifest_sha256, in->manifest_sha256, DIGEST_BYTES);
	if ((out->has_actor = in->actor != NULL))
		memcpy(out->actor, in->actor, DIGEST_BYTES);
	if ((out->has_statement = in->statement_sha256 != NULL))
		memcpy(out->statement_sha256, in->statement_sha256, DIGEST_BYTES);
	salt(g, out->salt);
}

static void
row_fill(struct ledger_entry *row, const struct entry *entry, const struct group_entry *in)
{
	*row = (struct ledger_entry){.seq = (int64_t)entry->seq,
				     .time_ms = entry->time_ms,
				     .event = in->event,
				     .bundle = in->bundle,
				     .expectation = in->expectation,
				     .part = in->part,
				     .has_actor = entry->has_actor};
	strcpy(row->mailbox, entry->mailbox);
	snprintf(row->code, sizeof row->code, "%s", entry->code);
	memcpy(row->actor, entry->actor, DIGEST_BYTES);
}

int64_t
group_enter(struct store *s, const struct group_entry *in)
{
	struct group *g = s->group;
	struct entry entry = {.seq = g->size, .time_ms = entry_time(s)};
	struct ledger_entry row;
	uint8_t leaf[DIGEST_BYTES];
	struct buf line = {0};
	struct err e = {0};

	entry_fill(g, &entry, in);
	row_fill(&row, &entry, in);
	entry_format(&entry, &line);
	merkle_leaf(line.data, line.len, leaf);
	ledger_add_entry(s->writer, &row, &line);
	if (merkle_append(g->size, leaf, tree_kept_get, tree_kept_put, s->tree, &e) < 0)
		log_fatal("tree", &e);
	if (in->line != NULL)
		buf_add(in->line, line.data, line.len);
	buf_free(&line);
	g->size++;
	g->counts.entries++;
	if (row.mailbox[0] != '\0')
		touch(g, row.mailbox);
	return row.seq;
}

/* --- a group's way --- */

static void
take_group(struct group *g)
{
	struct change *c;
	uint64_t n = 0, bytes = 0;

	while ((c = STAILQ_FIRST(&g->queue)) != NULL && n < GROUP_CHANGES_MAX &&
	       (n == 0 || bytes + c->bytes <= GROUP_BYTES_MAX)) {
		STAILQ_REMOVE_HEAD(&g->queue, next);
		STAILQ_INSERT_TAIL(&g->flying, c, next);
		bytes += c->bytes;
		n++;
	}
	g->counts.groups++;
	g->counts.changes += n;
	if (n > g->counts.largest)
		g->counts.largest = n;
}

static void
apply_all(struct store *s)
{
	struct group *g = s->group;
	struct change *c;
	uint32_t segment;
	uint64_t end;

	ledger_begin(s->writer);
	STAILQ_FOREACH(c, &g->flying, next)
	{
		err_clear(&c->refusal);
		c->refused = c->apply(s, c, &c->refusal) < 0;
		g->counts.refused += c->refused;
	}
	spool_tail(s->spool, &segment, &end);
	ledger_set_tail(s->writer, segment, end);
}

static void
wake(struct store *s)
{
	for (; s->group->touched != NULL; touched_next(s->group))
		feed_wake(s, s->group->touched->mailbox);
}

/* [3] Committed: now, and only now, the answers. done() may add changes: they are of the next
 * group. */
static void
commit(struct store *s)
{
	struct group *g = s->group;
	struct change *c;

	ledger_release(s->reader);
	ledger_commit(s->writer);
	ledger_hold(s->reader);
	g->counts.commit_us += (uint64_t)(now_us() - g->begun_us);
	while ((c = STAILQ_FIRST(&g->flying)) != NULL) {
		STAILQ_REMOVE_HEAD(&g->flying, next);
		c->done(s, c, c->refused ? &c->refusal : NULL);
	}
	wake(s);
	g->busy = false;
	ladders_committed(s);
	schedule(g);
	if (g->idle != NULL && group_is_idle(g))
		g->idle(s);
}

/* [6] Asked for the head that extends the last one; the notary refuses any other. */
static void
seal(struct store *s)
{
	struct group *g = s->group;
	struct timeval limit = {SEAL_SECONDS, 0};
	struct msg_seal m = {.size = g->size};
	struct merkle_proof proof;
	struct err e = {0};

	if (merkle_root(g->size, tree_kept_get, s->tree, m.root, &e) < 0 ||
	    merkle_consistency(g->sealed, g->size, tree_kept_get, s->tree, &proof, &e) < 0)
		log_fatal("tree", &e);
	m.proof = (struct list){proof.hashes, proof.n}; /* struct fact_hash is its 32 bytes */
	chan_send(s->notary, MSG_SEAL, &m, -1);
	evtimer_add(g->silence, &limit);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct store *s = arg;
	struct group *g = s->group;

	if (g->busy || STAILQ_EMPTY(&g->queue))
		return;
	g->busy = true;
	g->begun_us = now_us();
	take_group(g);
	apply_all(s);
	if (g->size > g->sealed)
		seal(s);      /* before the sync: the notary signs while the disk writes */
	spool_sync(s->spool); /* [1] bytes before the commit: no row without bytes */
	if (g->size == g->sealed)
		commit(s); /* nothing that the log tells of: refusals, subscriptions */
}

/* Asked of the courier when other authorities are configured; their tokens come when they come. */
static void
stamp_elsewhere(struct store *s, const struct msg_sealed *m)
{
	struct msg_stamp stamp = {.size = m->size};
	const uint8_t *end = memmem(m->note.p, m->note.n, "\n\n", 2);

	if (s->courier == NULL || end == NULL || conf_instance(s->env->conf, "tsa", 0) == NULL)
		return;
	digest_of(m->note.p, (size_t)(end + 1 - m->note.p), stamp.digest);
	chan_send(s->courier, MSG_STAMP, &stamp, -1);
}

void
group_take_sealed(void *env, struct chan *ch, const void *msg, int fd)
{
	struct store *s = ((struct role_env *)env)->state;
	const struct msg_sealed *m = msg;
	struct group *g = s->group;
	struct ledger_checkpoint c = {.size = m->size, .time_ms = m->time_ms};

	if (!g->busy || m->size != g->size || g->size == g->sealed)
		log_fatal("seal", &(struct err){ERR_INTERNAL, "a seal that was not asked for"});
	evtimer_del(g->silence);
	buf_clear(&g->note);
	buf_clear(&g->token);
	buf_add(&g->note, m->note.p, m->note.n);
	buf_add(&g->token, m->token.p, m->token.n);
	ledger_add_checkpoint(s->writer, &c, &g->note, &g->token);
	g->sealed = g->size;
	commit(s);
	stamp_elsewhere(s, m);
}

static bool
is_authority(const struct conf *c, const char *name)
{
	const char *tsa;

	for (size_t i = 0; (tsa = conf_instance(c, "tsa", i)) != NULL; i++)
		if (strcmp(tsa, name) == 0)
			return true;
	return false;
}

/* The token itself is for whoever reads it to judge; here it must be one that we asked for. */
static int
stamp_check(const struct store *s, const struct msg_stamped *m, struct err *e)
{
	struct ledger_checkpoint c;

	if (!is_authority(s->env->conf, m->tsa))
		return err_set(e, ERR_INTERNAL, "no such authority: %s", m->tsa);
	if (m->token.n == 0)
		return err_set(e, ERR_INTERNAL, "no token");
	if (!ledger_checkpoint(s->writer, m->size, &c, NULL, NULL) || c.size != m->size)
		return err_set(e, ERR_INTERNAL, "no checkpoint of %llu entries",
			       (unsigned long long)m->size);
	return 0;
}

void
group_take_stamped(struct store *s, const struct msg_stamped *m)
{
	struct err e;

	if (stamp_check(s, m, &e) < 0) {
		log_err(LOG_LEVEL_WARN, "stamp-dropped", &e);
		return;
	}
	ledger_release(s->reader);
	ledger_add_stamp(s->writer, m->size, m->tsa, m->time_ms, m->token.p, m->token.n);
	ledger_hold(s->reader);
	log_info("stamped", "size=%llu tsa=%s", (unsigned long long)m->size, m->tsa);
}

void
group_take_refused(const struct msg_refused *m)
{
	struct err e = {0};

	err_set(&e, m->code < ERR_CODES ? m->code : ERR_INTERNAL, "notary: %s", m->text);
	log_fatal("seal-refused", &e);
}

struct group_seal
group_seal(const struct group *g)
{
	return (struct group_seal){
	    g->sealed, {g->note.data, g->note.len}, {g->token.data, g->token.len}};
}

const struct group_counts *
group_counts(const struct group *g)
{
	return &g->counts;
}

uint64_t
group_size(const struct group *g)
{
	return g->size;
}
