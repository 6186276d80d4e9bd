/* metrics.c - the Prometheus text (exposition format 0.0.4). Runs in: store. Owns: nothing. */
#include "safehand/identity.h"
#include "store/control.h"
#include "store/deadline.h"
#include "store/desk.h"
#include "store/feed.h"
#include "store/group.h"
#include "store/upload.h"
#include "store/worker.h"

static void
metric(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
	buf_addf(out, "# HELP safehand_%s %s\n# TYPE safehand_%s %s\nsafehand_%s %llu\n", name,
		 help, name, type, name, (unsigned long long)value);
}

static uint64_t
crl_end(const struct store *s)
{
	const struct buf *crl = role_file(s->env, "crl");
	int64_t end;

	if (crl == NULL || trust_crls_end(crl->data, crl->len, &end) < 0 || end < 0)
		return 0;
	return (uint64_t)end / 1000;
}

static void
count_ending(void *ctx, const char *calendar, const char *what, int64_t until)
{
	++*(uint64_t *)ctx;
}

static uint64_t
calendars_ending(const struct store *s)
{
	uint64_t n = 0;

	desks_each_ending(s->desks, s->now(), count_ending, &n);
	return n;
}

void
metrics_text(struct store *s, struct buf *out)
{
	const struct group_counts *g = group_counts(s->group);
	struct ledger_totals t;
	int64_t open, overdue;

	ledger_totals(s->reader, &t);
	deadline_counts(s, &open, &overdue);
	metric(out, "bundles_total", "counter", "Bundles accepted in the ledger's life.",
	       (uint64_t)t.bundles);
	metric(out, "bundles_live", "gauge", "Bundles whose bytes are kept.", (uint64_t)t.live);
	metric(out, "deliveries_waiting", "gauge", "Deliveries not yet collected.",
	       (uint64_t)t.waiting);
	metric(out, "bundles_quarantined", "gauge", "Bundles with damaged bytes.",
	       (uint64_t)t.quarantined);
	metric(out, "deadlines_open", "gauge", "What is owed and not yet done.", (uint64_t)open);
	metric(out, "deadlines_overdue", "gauge", "Of that, what is overdue.", (uint64_t)overdue);
	metric(out, "log_entries_total", "counter", "Entries in the log.", (uint64_t)t.entries);
	metric(out, "groups_total", "counter", "Groups committed since the start.", g->groups);
	metric(out, "changes_total", "counter", "Changes in those groups.", g->changes);
	metric(out, "changes_refused_total", "counter", "Changes refused in a group.", g->refused);
	metric(out, "group_largest", "gauge", "Changes in the largest group.", g->largest);
	metric(out, "group_commit_microseconds_total", "counter",
	       "Time from a group's first change to its commit, summed.", g->commit_us);
	metric(out, "uploads", "gauge", "Uploads under way.", uploads_count(s->uploads));
	metric(out, "staged_bytes", "gauge", "Bytes of small uploads in memory.",
	       spool_staged_bytes(s->spool));
	metric(out, "long_polls", "gauge", "Feeds that wait for news.", waiters_count(s->waiters));
	metric(out, "verify_outstanding", "gauge", "Checks that verify has not answered.",
	       worker_outstanding(s->workers));
	metric(out, "disk_free_bytes", "gauge", "Free on the data folder's file system.",
	       spool_free_bytes(s->spool));
	metric(out, "canary_alarms_total", "counter", "Fetches of canaries.", s->canary_alarms);
	metric(out, "fetch_alarms_total", "counter",
	       "Hours in which a mailbox fetched far more than it usually does.", s->fetch_alarms);
	metric(out, "crl_end_seconds", "gauge",
	       "When the first revocation list is due to be replaced, in Unix time; 0: none.",
	       crl_end(s));
	metric(out, "calendars_ending", "gauge",
	       "Calendars in use whose closed days or terms end soon: see safehandctl status.",
	       calendars_ending(s));
}
