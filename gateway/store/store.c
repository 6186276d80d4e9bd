/* store.c - the store's life: opens ledger and spool, hands messages to their files, ticks, stops.
 * Runs in: store. Owns: the role's one struct. Trusts: master and notary; of verify and front the
 * facts, not the conclusions. */
#include <stdlib.h>
#include <sys/resource.h>

#include <event2/event.h>

#include "safehand/crypto.h"
#include "safehand/log.h"
#include "safehand/time.h"
#include "store/ask.h"
#include "store/backup.h"
#include "store/control.h"
#include "store/desk.h"
#include "store/feed.h"
#include "store/fsck.h"
#include "store/fetch_book.h"
#include "store/group.h"
#include "store/ladder.h"
#include "store/members.h"
#include "store/outbox.h"
#include "store/purge.h"
#include "store/quota.h"
#include "store/receipt.h"
#include "store/roster.h"
#include "store/route.h"
#include "store/routing.h"
#include "store/tree.h"
#include "store/upload.h"
#include "store/usual.h"
#include "store/worker.h"

#define DESCRIPTORS_LEAST 1024 /* what any system gives; the jail asks for more */
#define STAGES_PART	  4    /* of the descriptors: the rest is for checks, answers and files */
#define TICK_SECONDS	  10

static struct store store;

/* --- settings --- */

/* Both or neither. */
static int
policy_take(struct store *s, struct err *e)
{
	struct policy *p;
	struct desks *d;

	if (policy_from_conf(s->env->conf, &p, e) < 0)
		return -1;
	if (desks_new(s->env->conf, role_file(s->env, "calendars"), &d, e) < 0) {
		policy_free(p);
		return -1;
	}
	policy_free(s->policy);
	desks_free(s->desks);
	s->policy = p;
	s->desks = d;
	return 0;
}

static void
settings_take(struct store *s)
{
	const struct conf *c = s->env->conf;

	s->settings = (struct store_settings){
	    .staging_age_ms = conf_int(c, "store", NULL, "staging-age"),
	    .clock_skew_ms = conf_int(c, "store", NULL, "clock-skew"),
	    .created_age_ms = conf_int(c, "store", NULL, "created-age"),
	    .fetches_alarm = (uint32_t)conf_int(c, "store", NULL, "fetches-alarm"),
	    .uploads_per_agency = (uint64_t)conf_int(c, "store", NULL, "uploads-per-agency"),
	    .quota = (uint64_t)conf_int(c, "store", NULL, "quota"),
	    .quota_bundles = (uint64_t)conf_int(c, "store", NULL, "quota-bundles"),
	    .rate = conf_int(c, "store", NULL, "rate")};
}

/* As many as this process may have. */
static size_t
descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return DESCRIPTORS_LEAST;
	return limit.rlim_cur < DESCRIPTORS_LEAST ? DESCRIPTORS_LEAST : (size_t)limit.rlim_cur;
}

static struct spool_conf
spool_settings(const struct conf *c)
{
	struct spool_conf out = {.segment_bytes =
				     (uint64_t)conf_int(c, "store", NULL, "journal-segment"),
				 .small_max = (uint64_t)conf_int(c, "store", NULL, "small"),
				 .memory_max = 64 * MIB,
				 .stages_max = descriptors() / STAGES_PART,
				 .free_min = (uint64_t)conf_int(c, "store", NULL, "disk-reserve")};

	/* a record must fit a segment, with its header and room to spare */
	if (out.segment_bytes < 2 * out.small_max)
		out.segment_bytes = 2 * out.small_max;
	return out;
}

/* --- life --- */

/* SQLite opens its files by path: before the jail. */
static int
store_prepare(struct role_env *env, struct err *e)
{
	struct store *s = &store;

	crypto_tell();
	env->state = s;
	s->env = env;
	s->now = time_now_ms;
	s->started_ms = s->now();
	s->workers = workers_new();
	s->uploads = uploads_new();
	s->waiters = waiters_new();
	s->usual = usual_new();
	s->receipts = receipts_new();
	s->rates = rates_new();
	s->roster = roster_new();
	s->outbox = outbox_new();
	settings_take(s);
	if (policy_take(s, e) < 0 || ledger_open(env->data_fd, true, &s->writer, e) < 0)
		return -1;
	return ledger_open(env->data_fd, false, &s->reader, e);
}

static bool
has_row(void *ctx, const char *id)
{
	struct store *s = ctx;
	struct ledger_bundle b;

	return ledger_bundle(s->reader, id, &b);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct store *s = arg;
	int64_t now = s->now();

	spool_stage_expire(s->spool, now - s->settings.staging_age_ms);
	purge_tick(s, now);
	fetch_book_tick(s);
	deadline_tick(s); /* the clock may have been set */
}

static void
on_purge_again(evutil_socket_t fd, short what, void *arg)
{
	struct store *s = arg;

	purge_tick(s, s->now());
}

static int
store_start(struct role_env *env, struct err *e)
{
	struct store *s = env->state;
	struct spool_conf conf = spool_settings(env->conf);
	struct timeval every = {TICK_SECONDS, 0};
	uint32_t segment;
	uint64_t end;
	size_t swept;

	ledger_tail(s->reader, &segment, &end);
	if (spool_open(env->data_fd, &conf, segment, end, &s->spool, e) < 0 ||
	    spool_sweep(s->spool, has_row, s, &swept, e) < 0 || group_new(s, &s->group, e) < 0)
		return -1;
	s->ladders = ladders_new(s);
	if (backup_prove(s, e) < 0)
		return -1;
	if (fetch_book_open(s, e) < 0)
		return -1;
	if (s->notary == NULL)
		return err_set(e, ERR_INTERNAL, "no notary");
	s->tick = event_new(env->base, -1, EV_PERSIST, on_tick, s);
	s->purge_again = evtimer_new(env->base, on_purge_again, s);
	if (s->tick == NULL || s->purge_again == NULL || event_add(s->tick, &every) < 0)
		return err_set(e, ERR_SYSTEM, "no event");
	group_greet(s);
	roster_tell_start(s);
	roster_tell_policy(s);
	roster_load(s);
	purge_resume(s);
	return 0;
}

static void
store_peer(struct role_env *env, struct chan *ch)
{
	struct store *s = env->state;

	switch (chan_peer(ch)) {
	case ROLE_VERIFY: worker_join(s->workers, ch); break;
	case ROLE_NOTARY: s->notary = ch; break;
	case ROLE_COURIER: s->courier = ch; break;
	default: break; /* fronts speak first */
	}
}

static void
store_gone(struct role_env *env, struct chan *ch)
{
	struct store *s = env->state;

	if (chan_peer(ch) == ROLE_VERIFY) {
		worker_leave(s->workers, ch);
		chan_free(ch);
		return;
	}
	/* A front has nothing more to ask; whether it should have gone is master's to judge, who
	 * stops us next. Askers still point to its channel: it stays. */
	if (env->stopping || chan_peer(ch) == ROLE_FRONT)
		return;
	log_error("peer-gone", "peer=%s index=%u", role_name(chan_peer(ch)), chan_index(ch));
	exit(1);
}

static int
store_reload(struct role_env *env, struct err *e)
{
	struct store *s = env->state;

	if (policy_take(s, e) < 0)
		return -1;
	settings_take(s);
	spool_reserve(s->spool, spool_settings(env->conf).free_min);
	roster_tell_policy(s);
	roster_load(s);
	return 0;
}

static void
drained(struct store *s)
{
	role_exit(s->env);
}

static void
store_stop(struct role_env *env, uint64_t grace_ms)
{
	struct store *s = env->state;

	feed_dismiss(s);
	ladders_stop(s);
	group_drain(s, drained);
}

void
store_drop(struct store *s)
{
	uploads_free(s);
	receipts_free(s->receipts);
	waiters_free(s->waiters);
	fsck_stop(s);
	usual_free(s->usual);
	fetch_book_close(s);
	rates_free(s->rates);
	event_free(s->tick);
	event_free(s->purge_again);
	ladders_free(s->ladders);
	outbox_free(s->outbox);
	group_free(s->group);
	tree_free(s->tree);
	workers_free(s->workers);
	roster_free(s->roster);
	members_free(s->members);
	policy_free(s->policy);
	desks_free(s->desks);
	spool_close(s->spool);
	ledger_close(s->reader);
	ledger_close(s->writer);
	*s = (struct store){0};
}

/* --- messages --- */

static void
take_cancel(void *env, struct chan *ch, const void *msg, int fd)
{
	struct store *s = ((struct role_env *)env)->state;
	struct asker a = {ch, ((const struct msg_job *)msg)->job};

	/* what is none of these was answered meanwhile: the two messages crossed */
	if (!feed_cancel(s, &a) && !upload_cancel(s, &a))
		receipt_cancel(s, &a);
}

static void
take_refused(void *env, struct chan *ch, const void *msg, int fd)
{
	struct store *s = ((struct role_env *)env)->state;
	const struct msg_refused *m = msg;

	switch (chan_peer(ch)) {
	case ROLE_NOTARY:
		if (m->job == 0)
			group_take_refused(m);
		else
			ladder_take_refused(s, m);
		break;
	case ROLE_VERIFY: worker_take_refused(s->workers, ch, m); break;
	default: log_warn("stamp-refused", "error=%s", m->text); break;
	}
}

static void
take_stamped(void *env, struct chan *ch, const void *msg, int fd)
{
	struct store *s = ((struct role_env *)env)->state;

	group_take_stamped(s, msg);
}

static const struct chan_handler handlers[] = {
    {MSG_BEGIN, upload_take_begin},
    {MSG_RESUME, upload_take_resume},
    {MSG_END, upload_take_end},
    {MSG_CUT, upload_take_cut},
    {MSG_ASK, ask_take},
    {MSG_STATEMENT, receipt_take},
    {MSG_ROUTE, route_take},
    {MSG_CANCEL, take_cancel},
    {MSG_FACTS_HEAD, worker_take_facts_head},
    {MSG_FACTS_STATEMENT, worker_take_facts_statement},
    {MSG_FACTS_ROUTE, worker_take_facts_route},
    {MSG_ROSTER_ROW, worker_take_roster_row},
    {MSG_ROSTER_END, worker_take_roster_end},
    {MSG_REFUSED, take_refused},
    {MSG_RETIRE, worker_take_retire},
    {MSG_SEALED, group_take_sealed},
    {MSG_STAMPED, take_stamped},
    {MSG_NOTICED, ladder_take_noticed},
    {MSG_NOTIFIED, outbox_take_notified},
    {0, NULL},
};

const struct role store_role = {
    .id = ROLE_STORE,
    .handlers = handlers,
    .prepare = store_prepare,
    .start = store_start,
    .peer = store_peer,
    .gone = store_gone,
    .reload = store_reload,
    .stop = store_stop,
    .control = control_take,
};
