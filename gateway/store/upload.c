/* upload.c - the way of a bundle into the store. Runs in: store. Owns: the uploads under way; their
 * bytes are the spool's. Trusts: of front that it hashed what it wrote to staging; the recipient
 * checks again. */
#include "store/denied.h"
#include "store/upload.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "safehand/digest.h"
#include "safehand/entry.h"
#include "safehand/log.h"
#include "safehand/time.h"
#include "store/accept.h"
#include "store/facts.h"
#include "store/judge.h"
#include "store/quota.h"
#include "store/worker.h"

enum upload_state {
	UPLOAD_CHECKING,   /* verify has the head */
	UPLOAD_SENDING,	   /* front writes the payload */
	UPLOAD_COMMITTING, /* in a group */
};

struct upload {
	struct change change; /* first: a change of an upload is the upload */
	LIST_ENTRY(upload) next;
	struct store *store;
	struct asker asker;
	enum upload_state state;
	bool left; /* its front wants no answer any more */
	bool resumed;
	uint32_t
	    after_s; /* of a refusal: seconds after which it may be taken; 0: as its code says */
	char id[UUID_TEXT];
	char agency[NAME_AGENCY];
	uint8_t cert[DIGEST_BYTES];
	struct buf head; /* until the payload may come; WHOLE: the payload behind it */
	bool whole;	 /* all of it came with BEGIN; once it is staged, head has its kept part */
	uint8_t head_sha256[DIGEST_BYTES];
	uint64_t head_bytes, payload_bytes;
	struct msg_facts_head facts; /* its lists' items are those of: */
	void *kept[FACTS_LISTS];
	uint64_t judged;     /* s->routes_changed when it was judged */
	struct stage *stage; /* while SENDING and until it is applied */
	int64_t seq;	     /* of the acceptance */
	struct buf line;     /* and its line in the log */
};

struct uploads {
	LIST_HEAD(, upload) list;
	size_t n;
};

struct uploads *
uploads_new(void)
{
	return mem_alloc(sizeof(struct uploads));
}

size_t
uploads_count(const struct uploads *u)
{
	return u->n;
}

static struct store *
store_of(void *env)
{
	return ((struct role_env *)env)->state;
}

/* --- life --- */

static struct upload *
upload_new(struct store *s, struct chan *front, uint64_t job, const char *id, const char *agency)
{
	struct upload *u = mem_alloc(sizeof *u);

	u->store = s;
	u->asker = (struct asker){front, job};
	strcpy(u->id, id);
	strcpy(u->agency, agency);
	LIST_INSERT_HEAD(&s->uploads->list, u, next);
	s->uploads->n++;
	return u;
}

static void
upload_free(struct upload *u)
{
	struct store *s = u->store;

	worker_forget(s->workers, u);
	if (u->stage != NULL)
		spool_stage_leave(u->stage, s->now());
	LIST_REMOVE(u, next);
	s->uploads->n--;
	facts_drop(u->kept);
	buf_free(&u->head);
	buf_free(&u->line);
	free(u);
}

void
uploads_free(struct store *s)
{
	while (!LIST_EMPTY(&s->uploads->list))
		upload_free(LIST_FIRST(&s->uploads->list));
	free(s->uploads);
}

static struct upload *
upload_find(struct store *s, const struct chan *front, uint64_t job)
{
	struct upload *u;

	LIST_FOREACH(u, &s->uploads->list, next)
	if (u->asker.job == job && u->asker.front == front)
		return u;
	return NULL;
}

static struct upload *
upload_of(struct store *s, const char *id, const struct upload *but)
{
	struct upload *u;

	LIST_FOREACH(u, &s->uploads->list, next)
	if (u != but && strcmp(u->id, id) == 0)
		return u;
	return NULL;
}

/* A front that breaks the order of its messages loses the job. */
static void
out_of_order(const struct chan *front, uint64_t job, const char *message)
{
	log_warn("front-out-of-order", "front=%u job=%llu message=%s", chan_index(front),
		 (unsigned long long)job, message);
}

/* --- refusals and repeats --- */

/* Not now: nothing is wrong with the bundle, and the log need not know. */
static void
turn_away(struct upload *u, const struct err *e)
{
	if (!u->left)
		reply_refuse_for(&u->asker, e, u->after_s);
	upload_free(u);
}

/* The gateway's own trouble, not a rule that the bundle breaks. */
static bool
is_ours(enum err_code code)
{
	return code == ERR_SYSTEM || code == ERR_STORAGE || code == ERR_BUSY ||
	       code == ERR_INTERNAL;
}

static void
refuse(struct upload *u, const struct err *e)
{
	bool known = u->facts.manifest_bytes > 0;

	accept_refused(u->store, u->agency, u->cert, u->id, known ? u->facts.manifest_sha256 : NULL,
		       e);
	turn_away(u, e);
}

static bool
is_of(const struct ledger_bundle *b, const char *agency)
{
	char of[NAME_AGENCY];

	name_agency(of, b->from);
	return strcmp(of, agency) == 0;
}

/* [4] Known by id: the same head of the same sender gets the first answer again. Who sends another
 * agency's bundle must not hear whether there is one: it is judged first, as an unknown one is. */
static bool
known_already(struct upload *u)
{
	struct ledger_bundle b;
	struct err e = {0};

	if (!ledger_bundle(u->store->reader, u->id, &b) || !is_of(&b, u->agency))
		return false;
	if (memcmp(b.head_sha256, u->head_sha256, DIGEST_BYTES) == 0) {
		accept_answer_again(u->store, &u->asker, &b);
		upload_free(u);
		return true;
	}
	err_set(&e, ERR_CONFLICT, "%s is known with other bytes", u->id);
	refuse(u, &e);
	return true;
}

static int
room_for(struct upload *u, struct err *e)
{
	struct store *s = u->store;
	const struct upload *other = upload_of(s, u->id, u);

	if (s->members == NULL)
		return err_set(e, ERR_BUSY, "the roster is not loaded yet");
	if (other != NULL && strcmp(other->agency, u->agency) == 0)
		return err_set(e, ERR_BUSY, "another connection is sending %s", u->id);
	return quota_take(s, u->agency, u->id, u->head_bytes + u->payload_bytes, u->resumed,
			  &u->after_s, e); /* [10] before a byte is taken */
}

/* --- the head --- */

/* Front may write now: the rest of the head is on the disk or in memory. */
static void
go(struct upload *u)
{
	struct msg_upload m = {.job = u->asker.job,
			       .offset = u->head_bytes,
			       .received = spool_stage_received(u->stage),
			       .head_bytes = u->head_bytes,
			       .payload_bytes = u->payload_bytes};
	struct err e = {0};
	int fd = dup(u->stage->fd);

	if (fd < 0) {
		err_sys(&e, "descriptor of an upload");
		turn_away(u, &e);
		return;
	}
	u->state = UPLOAD_SENDING;
	buf_free(&u->head);
	chan_send(u->asker.front, MSG_UPLOAD, &m, fd);
}

static int
judge(struct upload *u, struct ledger *l, const struct policy_class **klass, struct err *e)
{
	struct store *s = u->store;
	const struct judge_case c = {.facts = &u->facts,
				     .id = u->id,
				     .agency = u->agency,
				     .head_bytes = u->head_bytes,
				     .payload_bytes = u->payload_bytes,
				     .policy = s->policy,
				     .members = s->members,
				     .ledger = l,
				     .settings = &s->settings,
				     .now_ms = s->now()};

	u->judged = s->routes_changed;
	return denied_check_head(l, &u->facts, e) < 0 ? -1 : judge_bundle(&c, klass, e);
}

/* What the rules allow may still have the id of another agency's bundle: an id is given once. */
static int
id_is_free(const struct upload *u, struct err *e)
{
	struct ledger_bundle b;

	return ledger_bundle(u->store->reader, u->id, &b)
		   ? err_set(e, ERR_CONFLICT, "%s is known with other bytes", u->id)
		   : 0;
}

/* The log names the bytes that we keep, not those that verify says it read. */
static int
check_manifest(const struct upload *u, struct err *e)
{
	uint8_t digest[DIGEST_BYTES];

	if (u->facts.manifest_bytes > u->head_bytes - BUNDLE_FIXED_BYTES)
		return err_set(e, ERR_INTERNAL, "verify speaks of a longer manifest");
	digest_of(u->head.data + BUNDLE_FIXED_BYTES, u->facts.manifest_bytes, digest);
	if (memcmp(digest, u->facts.manifest_sha256, DIGEST_BYTES) != 0)
		return err_set(e, ERR_INTERNAL, "verify speaks of another manifest");
	return 0;
}

static void received(struct upload *u, uint64_t length, const uint8_t digest[static DIGEST_BYTES]);

/* All of it is here: to where small ones wait for their group. */
static void
stage_whole(struct upload *u)
{
	uint8_t digest[DIGEST_BYTES];
	struct err e = {0};

	digest_of(u->head.data + u->head_bytes, u->payload_bytes, digest);
	if (spool_stage_whole(u->store->spool, u->id, u->agency, &u->head, u->head_bytes,
			      u->head_sha256, u->store->now(), &u->stage, &e) < 0)
		turn_away(u, &e);
	else
		received(u, u->payload_bytes, digest);
}

static void
on_checked(void *ctx, enum msg_kind kind, const void *facts, const struct err *why)
{
	const struct policy_class *klass;
	struct upload *u = ctx;
	struct err e = {0};

	if (kind != MSG_FACTS_HEAD) {
		if (is_ours(why->code))
			turn_away(u, why);
		else
			refuse(u, why);
		return;
	}
	facts_keep(&u->facts, u->kept, facts);
	if (check_manifest(u, &e) < 0) {
		turn_away(u, &e);
		return;
	}
	if (judge(u, u->store->reader, &klass, &e) < 0 || id_is_free(u, &e) < 0) {
		refuse(u, &e);
		return;
	}
	if (u->whole) {
		stage_whole(u);
		return;
	}
	if (spool_stage(u->store->spool, u->id, u->agency, &u->head, u->head_sha256,
			u->payload_bytes, u->store->now(), &u->stage, &e) < 0 ||
	    (!u->resumed && spool_stage_restart(u->stage, &e) < 0)) {
		turn_away(u, &e);
		return;
	}
	go(u);
}

/* u->head is there. */
static void
begin(struct upload *u)
{
	struct err e = {0};

	if (!u->whole)
		u->head_bytes = u->head.len;
	digest_of(u->head.data, u->head_bytes, u->head_sha256);
	if (denied_check(u->store->reader, u->cert, u->agency, &e) < 0) {
		turn_away(u, &e);
		return;
	}
	if (known_already(u))
		return;
	if (room_for(u, &e) < 0) {
		turn_away(u, &e);
		return;
	}
	if (worker_check(u->store->workers, CHECK_HEAD, u->agency, u->head.data, u->head_bytes,
			 u->store->now(), on_checked, u, &e) < 0)
		turn_away(u, &e);
}

static bool
lengths_fit(const struct upload *u)
{
	return u->head_bytes >= BUNDLE_FIXED_BYTES && u->head_bytes <= HEAD_MAX_BYTES &&
	       u->payload_bytes <= PAYLOAD_MAX_BYTES &&
	       u->head.len == u->head_bytes + (u->whole ? u->payload_bytes : 0);
}

void
upload_take_begin(void *env, struct chan *ch, const void *msg, int fd)
{
	const struct msg_begin *m = msg;
	struct upload *u = upload_new(store_of(env), ch, m->job, m->id, m->agency);
	struct err e = {0};
	int rc;

	u->head_bytes = m->head_bytes;
	u->payload_bytes = m->payload_bytes;
	u->whole = m->whole != 0;
	memcpy(u->cert, m->cert, DIGEST_BYTES);
	rc = role_carried(&m->bytes, fd, u->whole ? CARRY_MAX_BYTES : HEAD_MAX_BYTES, &u->head, &e);
	if (fd >= 0)
		close(fd);
	if (rc == 0 && (!uuid_is_v7(u->id) || !lengths_fit(u)))
		rc = err_set(&e, ERR_USAGE, "not a bundle's id, head or length");
	if (rc < 0) {
		turn_away(u, &e);
		return;
	}
	begin(u);
}

/* --- resumed --- */

static int
resume(struct upload *u, const struct msg_resume *m, struct err *e)
{
	struct store *s = u->store;
	struct stage *st = spool_stage_find(s->spool, u->id);
	uint64_t there;

	if (st == NULL || strcmp(st->agency, u->agency) != 0)
		return err_set(e, ERR_UNKNOWN, "there is none that you may know of");
	if (st->busy)
		return err_set(e, ERR_BUSY, "another connection is sending %s", u->id);
	if (spool_stage_head(s->spool, st, &u->head, e) < 0) {
		spool_stage_drop(s->spool, st);
		return err_set(e, ERR_UNKNOWN, "there is none that you may know of");
	}
	there = st->head_bytes + spool_stage_received(st);
	if (m->offset != there)
		return err_set(e, ERR_ORDER, "the upload stands at %llu, not at %llu",
			       (unsigned long long)there, (unsigned long long)m->offset);
	if (m->total != 0 && m->total != st->head_bytes + st->payload_bytes)
		return err_set(e, ERR_CONFLICT, "the upload is of %llu bytes, not of %llu",
			       (unsigned long long)(st->head_bytes + st->payload_bytes),
			       (unsigned long long)m->total);
	u->payload_bytes = st->payload_bytes;
	return 0;
}

void
upload_take_resume(void *env, struct chan *ch, const void *msg, int fd)
{
	const struct msg_resume *m = msg;
	struct store *s = store_of(env);
	struct upload *u = upload_new(s, ch, m->job, m->id, m->agency);
	struct ledger_bundle b;
	struct err e = {0};

	u->resumed = true;
	memcpy(u->cert, m->cert, DIGEST_BYTES);
	if (denied_check(s->reader, u->cert, u->agency, &e) < 0) {
		turn_away(u, &e);
		return;
	}
	if (ledger_bundle(s->reader, u->id, &b) && is_of(&b, u->agency)) {
		accept_answer_again(s, &u->asker, &b); /* the answer was lost on its way */
		upload_free(u);
		return;
	}
	if (resume(u, m, &e) < 0) {
		turn_away(u, &e);
		return;
	}
	begin(u);
}

/* --- the payload has come, or will not --- */

/* A long upload may have been judged by a roster, a policy or subscriptions that are no more. */
static int
apply(struct store *s, struct change *c, struct err *e)
{
	struct upload *u = (struct upload *)c;
	const struct policy_class *klass = policy_find(s->policy, u->facts.klass);
	struct acceptance a = {.facts = &u->facts,
			       .cert = u->cert,
			       .head_sha256 = u->head_sha256,
			       .stage = u->stage,
			       .line = &u->line};

	u->stage = NULL; /* taken */
	if (u->judged != s->routes_changed && judge(u, s->writer, &klass, e) < 0) {
		spool_stage_drop(s->spool, a.stage);
		return -1;
	}
	a.klass = klass;
	return accept_bundle(s, &a, &u->seq, e);
}

static void
done(struct store *s, struct change *c, const struct err *refusal)
{
	struct upload *u = (struct upload *)c;
	const struct proof_fresh fresh = {.line = &u->line,
					  .kept = &u->head,
					  .manifest_bytes = u->facts.manifest_bytes,
					  .signature_bytes = u->facts.signature_bytes};

	if (refusal != NULL && is_ours(refusal->code)) {
		turn_away(u, refusal);
		return;
	}
	if (refusal != NULL) {
		refuse(u, refusal);
		return;
	}
	if (!u->left)
		accept_answer(s, &u->asker, 201, u->seq, u->whole ? &fresh : NULL);
	upload_free(u);
}

static void
commit(struct upload *u)
{
	u->state = UPLOAD_COMMITTING;
	u->change.apply = apply;
	u->change.done = done;
	if (u->stage->small) {
		u->change.bytes = u->head_bytes + u->payload_bytes;
		group_add(u->store, &u->change);
	} else {
		group_add_written(u->store, &u->change, u->stage->fd,
				  u->head_bytes + u->payload_bytes);
	}
}

/* So many bytes came, of this digest: are they those that were signed? */
static void
received(struct upload *u, uint64_t length, const uint8_t digest[static DIGEST_BYTES])
{
	struct err e = {0};

	if (length == u->facts.payload_bytes &&
	    memcmp(digest, u->facts.payload_sha256, DIGEST_BYTES) == 0) {
		commit(u);
		return;
	}
	err_set(&e, ERR_DIGEST, "payload: not the %llu bytes that were signed",
		(unsigned long long)u->facts.payload_bytes);
	spool_stage_drop(u->store->spool, u->stage); /* going on with it would end here again */
	u->stage = NULL;
	refuse(u, &e);
}

void
upload_take_end(void *env, struct chan *ch, const void *msg, int fd)
{
	const struct msg_end *m = msg;
	struct upload *u = upload_find(store_of(env), ch, m->job);

	if (u != NULL && u->state == UPLOAD_SENDING)
		received(u, m->length, m->digest);
	else
		out_of_order(ch, m->job, "end");
}

void
upload_take_cut(void *env, struct chan *ch, const void *msg, int fd)
{
	const struct msg_cut *m = msg;
	struct asker a = {ch, m->job};

	if (!upload_cancel(store_of(env), &a))
		out_of_order(ch, m->job, "cut");
}

bool
upload_cancel(struct store *s, const struct asker *a)
{
	struct upload *u = upload_find(s, a->front, a->job);

	if (u == NULL)
		return false;
	if (u->state == UPLOAD_COMMITTING)
		u->left = true; /* it happens all the same; a repeat gets the answer */
	else
		upload_free(u);
	return true;
}

bool
upload_is_committing(struct store *s, const char *id)
{
	const struct upload *u = upload_of(s, id, NULL);

	return u != NULL && u->state == UPLOAD_COMMITTING;
}

void
upload_tell(struct store *s, const struct asker *a, const char *agency, const char *id)
{
	struct stage *st = spool_stage_find(s->spool, id);
	struct upload *u = upload_of(s, id, NULL);
	struct buf head = {0};
	struct ledger_bundle b;
	struct err e = {0};

	if (ledger_bundle(s->reader, id, &b) && is_of(&b, agency))
		reply_offset(a, b.place.length, true);
	else if (u != NULL && u->state == UPLOAD_COMMITTING && strcmp(u->agency, agency) == 0)
		reply_refuse(a, &(struct err){ERR_BUSY, "it is being committed"});
	else if (st != NULL && strcmp(st->agency, agency) == 0 &&
		 (st->busy || spool_stage_head(s->spool, st, &head, &e) == 0))
		reply_offset(a, st->head_bytes + spool_stage_received(st), false);
	else
		reply_unknown(a);
	buf_free(&head);
}
