/* verbs.c - what each of safehandctl's commands does. Runs in: store. Owns: nothing; the connection
 * is control.c's. Trusts: who may open the socket, not what they write into it. */
#include "store/control_in.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "build_id.h"
#include "safehand/entry.h"
#include "safehand/identity.h"
#include "safehand/log.h"
#include "safehand/time.h"
#include "store/alarm.h"
#include "store/backup.h"
#include "store/board.h"
#include "store/bundle_json.h"
#include "store/deadline.h"
#include "store/denied.h"
#include "store/desk.h"
#include "store/fsck.h"
#include "store/group.h"
#include "store/oversight.h"
#include "store/proof.h"
#include "store/purge.h"
#include "store/upload.h"
#include "store/feed.h"
#include "store/worker.h"
#include "store/members.h"

/* Never silently fine: "current", "overdue" and serving by its grace, "ended": nobody is let in. */
static void
status_crl(const struct store *s, struct buf *b)
{
	int64_t now = time_now_ms(), grace = conf_int(s->env->conf, "trust", NULL, "crl-grace");
	const struct buf *crl = role_file(s->env, "crl");
	char time[TIME_TEXT];
	int64_t end;

	if (crl == NULL || trust_crls_end(crl->data, crl->len, &end) < 0) {
		buf_json_str(b, "crl", "missing");
		return;
	}
	time_format(time, end);
	buf_json_str(b, "crl", now <= end ? "current" : now <= end + grace ? "overdue" : "ended");
	buf_json_str(b, "crl_until", time);
}

static void
status_ending(void *ctx, const char *calendar, const char *what, int64_t until)
{
	char day[DATE_TEXT];
	struct buf *b = ctx;

	buf_json_item(b);
	date_format(day, until);
	buf_addc(b, '{');
	buf_json_str(b, "calendar", calendar);
	buf_json_str(b, "what", what);
	buf_json_str(b, "until", day);
	buf_addc(b, '}');
}

static bool
run_status(struct control *c, char **words, size_t n)
{
	struct store *s = c->store;
	struct ledger_totals t;
	struct buf *b = &c->out;
	uint64_t done, total;
	int64_t open, overdue;
	char time[TIME_TEXT];

	ledger_totals(s->reader, &t);
	deadline_counts(s, &open, &overdue);
	time_format(time, s->started_ms);
	buf_addc(b, '{');
	buf_json_str(b, "version", SAFEHAND_VERSION);
	buf_json_str(b, "build", SAFEHAND_BUILD_ID);
	buf_json_str(b, "started", time);
	buf_json_int(b, "bundles", t.bundles);
	buf_json_int(b, "live", t.live);
	buf_json_int(b, "waiting", t.waiting);
	buf_json_int(b, "entries", t.entries);
	buf_json_int(b, "quarantined", t.quarantined);
	buf_json_int(b, "deadlines", open);
	buf_json_int(b, "overdue", overdue);
	buf_json_int(b, "uploads", (int64_t)uploads_count(s->uploads));
	buf_json_int(b, "long_polls", (int64_t)waiters_count(s->waiters));
	buf_json_int(b, "verify_workers", (int64_t)worker_count(s->workers));
	buf_json_int(b, "disk_free", (int64_t)spool_free_bytes(s->spool));
	if (s->members != NULL) {
		buf_json_int(b, "roster_serial", (int64_t)members_about(s->members)->serial);
		buf_json_int(b, "mailboxes", (int64_t)members_count(s->members));
	}
	if (fsck_progress(s, &done, &total)) {
		buf_json_key(b, "fsck");
		buf_addf(b, "{\"payload_bytes_read\":%" PRIu64 ",\"of\":%" PRIu64 "}", done, total);
	}
	buf_json_int(b, "alarms", (int64_t)(s->canary_alarms + s->fetch_alarms));
	status_crl(s, b);
	buf_json_key(b, "calendars_ending");
	buf_addc(b, '[');
	desks_each_ending(s->desks, s->now(), status_ending, b);
	buf_addc(b, ']');
	buf_json_key(b, "roles");
	buf_adds(b, c->roles.len > 0 ? buf_str(&c->roles) : "[]");
	buf_addc(b, '}');
	return false;
}

static void
list_bundle(void *ctx, const struct ledger_bundle *b)
{
	struct control *c = ctx;

	buf_json_item(&c->out);
	bundle_json(c->store, b, false, &c->out);
}

static int
filter_word(struct ledger_filter *f, char *word, struct err *e)
{
	char *value = strchr(word, '=');

	if (value == NULL)
		return err_set(e, ERR_USAGE, "%s: want KEY=VALUE", word);
	*value++ = '\0';
	if (strcmp(word, "agency") == 0)
		f->agency = value;
	else if (strcmp(word, "mailbox") == 0)
		f->mailbox = value;
	else if (strcmp(word, "class") == 0)
		f->klass = value;
	else if (strcmp(word, "before") == 0)
		f->before = strtoll(value, NULL, 10);
	else if (strcmp(word, "limit") == 0)
		f->limit = (uint32_t)strtoul(value, NULL, 10);
	else
		return err_set(e, ERR_USAGE, "%s: want agency, mailbox, class, before or limit",
			       word);
	return 0;
}

/* false: the refusal is the answer. */
static bool
filter_take(struct control *c, char **words, size_t n, struct ledger_filter *f)
{
	struct err e = {0};

	*f = (struct ledger_filter){.before = INT64_MAX, .limit = OVERSIGHT_ROWS};
	for (size_t i = 0; i < n; i++)
		if (filter_word(f, words[i], &e) < 0) {
			control_refuse(c, &e);
			return false;
		}
	f->limit = f->limit > OVERSIGHT_ROWS_MAX ? OVERSIGHT_ROWS_MAX : f->limit;
	return true;
}

static bool
run_bundles(struct control *c, char **words, size_t n)
{
	struct ledger_filter f;

	if (!filter_take(c, words, n, &f))
		return false;
	buf_adds(&c->out, "{\"bundles\":[");
	ledger_each_bundle(c->store->reader, &f, list_bundle, c);
	buf_adds(&c->out, "]}");
	return false;
}

static void
list_mailbox(void *ctx, const struct ledger_mailbox *m)
{
	struct buf *b = ctx;
	char time[TIME_TEXT];

	buf_json_item(b);
	buf_addc(b, '{');
	buf_json_str(b, "mailbox", m->name);
	buf_json_int(b, "waiting", m->waiting);
	if (m->oldest_ms > 0)
		time_format(time, m->oldest_ms);
	buf_json_str(b, "oldest", m->oldest_ms > 0 ? time : NULL);
	buf_addc(b, '}');
}

static bool
run_mailboxes(struct control *c, char **words, size_t n)
{
	buf_adds(&c->out, "{\"mailboxes\":[");
	ledger_each_mailbox(c->store->reader, list_mailbox, &c->out);
	buf_adds(&c->out, "]}");
	return false;
}

static bool
find_bundle(struct control *c, const char *id, struct ledger_bundle *b)
{
	struct err e = {0};

	if (ledger_bundle(c->store->reader, id, b))
		return true;
	err_set(&e, ERR_UNKNOWN, "%s: no such bundle", id);
	control_refuse(c, &e);
	return false;
}

/* evidence ID lists what there is; evidence SEQ is the file itself. */
static bool
run_evidence(struct control *c, char **words, size_t n)
{
	struct ledger_bundle b;
	struct err e = {0};
	char *end;
	int64_t seq = strtoll(words[0], &end, 10);

	if (*end == '\0' && seq >= 0) {
		if (proof_evidence(c->store, seq, &c->out, &e) < 0)
			control_refuse(c, &e);
		return false;
	}
	if (find_bundle(c, words[0], &b))
		evidence_list_json(c->store->reader, &b, NULL, &c->out);
	return false;
}

static void
list_quarantined(void *ctx, const struct ledger_bundle *b, int64_t since_ms, const char *why)
{
	struct buf *out = ctx;
	char time[TIME_TEXT];

	buf_json_item(out);
	time_format(time, since_ms);
	buf_addc(out, '{');
	buf_json_str(out, "bundle", b->id);
	buf_json_str(out, "from", b->from);
	buf_json_str(out, "since", time);
	buf_json_str(out, "why", why);
	buf_addc(out, '}');
}

static bool
run_quarantine(struct control *c, char **words, size_t n)
{
	buf_adds(&c->out, "{\"quarantine\":[");
	ledger_each_quarantined(c->store->reader, list_quarantined, &c->out);
	buf_adds(&c->out, "]}");
	return false;
}

/* What purge and release come to. */
static void
later(void *ctx, const struct err *refusal)
{
	struct control *c = ctx;

	if (refusal != NULL)
		control_refuse(c, refusal);
	else
		buf_adds(&c->out, "{\"done\":true}");
	control_answer(c);
}

static bool
run_act(struct control *c, const char *id,
	void (*act)(struct store *s, int64_t bundle, purge_done *done, void *ctx))
{
	struct ledger_bundle b;

	if (!find_bundle(c, id, &b))
		return false;
	act(c->store, b.n, later, c);
	return true;
}

static bool
run_purge(struct control *c, char **words, size_t n)
{
	return run_act(c, words[0], purge_bundle);
}

static bool
run_release(struct control *c, char **words, size_t n)
{
	return run_act(c, words[0], quarantine_release);
}

static void
on_still(void *ctx, const struct err *refusal)
{
	struct control *c = ctx;

	if (refusal != NULL)
		control_refuse(c, refusal);
	else
		backup_json(c->store, &c->out);
	c->holds = refusal == NULL;
	control_answer(c);
}

/* The connection stays, and with it what was promised, until safehandctl has its copy or is gone.
 */
static bool
run_backup(struct control *c, char **words, size_t n)
{
	backup_begin(c->store, on_still, c);
	return true;
}

static void
checked(void *ctx, const struct buf *json)
{
	struct control *c = ctx;

	buf_add(&c->out, json->data, json->len);
	control_answer(c);
}

/* board [mailbox=M] [limit=N]: all that is overdue, or what a mailbox owes. */
static bool
run_board(struct control *c, char **words, size_t n)
{
	struct ledger_filter f;

	if (filter_take(c, words, n, &f))
		board_json(c->store, f.mailbox, f.limit, &c->out);
	return false;
}

static bool
run_fsck(struct control *c, char **words, size_t n)
{
	bool quick = n == 1 && strcmp(words[0], "quick") == 0;
	struct err e = {0};

	if (n == 1 && !quick)
		err_set(&e, ERR_USAGE, "%s: want quick, or nothing", words[0]);
	else if (fsck_start(c->store, !quick, checked, c, &e) == 0)
		return true;
	control_refuse(c, &e);
	return false;
}

static bool
run_canary(struct control *c, char **words, size_t n)
{
	struct ledger_bundle b;

	if (!find_bundle(c, words[0], &b))
		return false;
	canary_set(c->store, b.id, later, c);
	return true;
}

static bool
run_uncanary(struct control *c, char **words, size_t n)
{
	struct ledger_bundle b;

	if (!find_bundle(c, words[0], &b))
		return false;
	canary_remove(c->store, b.id, later, c);
	return true;
}

static bool
run_canaries(struct control *c, char **words, size_t n)
{
	canary_list(c->store, &c->out);
	return false;
}

static bool
run_hold(struct control *c, char **words, size_t n)
{
	return run_act(c, words[0], hold_bundle);
}

static bool
run_revoke(struct control *c, char **words, size_t n)
{
	denied_revoke(c->store, words[0], later, c);
	return true;
}

static bool
run_restore(struct control *c, char **words, size_t n)
{
	denied_restore(c->store, words[0], later, c);
	return true;
}

static bool
run_revoked(struct control *c, char **words, size_t n)
{
	denied_list(c->store, &c->out);
	return false;
}

static bool
run_oversight(struct control *c, char **words, size_t n,
	      int (*ask)(struct store *s, char **words, size_t n, struct buf *json, struct err *e))
{
	struct err e = {0};

	if (ask(c->store, words, n, &c->out, &e) < 0)
		control_refuse(c, &e);
	return false;
}

static bool
run_audit(struct control *c, char **words, size_t n)
{
	return run_oversight(c, words, n, audit_json);
}

static bool
run_report(struct control *c, char **words, size_t n)
{
	return run_oversight(c, words, n, report_json);
}

const struct command control_commands[] = {
    {"status", 0, 0, run_status},	  {"bundles", 0, 5, run_bundles},
    {"mailboxes", 0, 0, run_mailboxes},	  {"evidence", 1, 1, run_evidence},
    {"quarantine", 0, 0, run_quarantine}, {"release", 1, 1, run_release},
    {"purge", 1, 1, run_purge},		  {"fsck", 0, 1, run_fsck},
    {"backup", 0, 0, run_backup},	  {"board", 0, 2, run_board},
    {"canary", 1, 1, run_canary},	  {"uncanary", 1, 1, run_uncanary},
    {"canaries", 0, 0, run_canaries},	  {"hold", 1, 1, run_hold},
    {"audit", 0, 7, run_audit},		  {"report", 0, 3, run_report},
    {"revoke", 1, 1, run_revoke},	  {"unrevoke", 1, 1, run_restore},
    {"revoked", 0, 0, run_revoked},	  {NULL, 0, 0, NULL},
};
