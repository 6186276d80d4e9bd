/* store.h - what the files of the store share: its one struct and who calls whom. Runs in: store.
 *
 *	front -> upload, ask, receipt, feed      requests
 *	         worker -> verify                 what was signed, checked
 *	         judge, accept                    the rules
 *	         group -> spool, tree, notary, ledger
 *	front <- reply                            after the commit
 *	clock -> ladder, step, outbox            what nobody answered */
#ifndef SAFEHAND_STORE_STORE_H
#define SAFEHAND_STORE_STORE_H

#include "frame/role.h"
#include "safehand/policy.h"
#include "store/ledger.h"
#include "store/spool.h"

struct event;
struct group;
struct tree;
struct uploads;
struct members;
struct waiters;
struct workers;
struct receipts;
struct roster;
struct fsck;
struct rates;
struct desks;
struct fetch_book;
struct ladders;
struct outbox;

struct store_settings {
	int64_t staging_age_ms, clock_skew_ms, created_age_ms;
	uint64_t uploads_per_agency, quota, quota_bundles;
	int64_t rate;		/* bundles of an agency a minute, 0: any */
	uint32_t fetches_alarm; /* of a mailbox in an hour */
};

struct store {
	struct role_env *env;
	struct store_settings settings;
	struct ledger *writer; /* the group's; its changes are unseen until the commit */
	struct ledger *reader; /* everybody else's */
	struct spool *spool;
	struct policy *policy;
	struct desks *desks; /* calendars and addresses of mailboxes */
	struct ladders *ladders;
	struct outbox *outbox;
	struct members *members; /* NULL until the roster was checked */
	struct receipts *receipts;
	struct roster *roster;
	struct workers *workers;
	struct group *group;
	struct tree *tree; /* made with the group */
	struct uploads *uploads;
	struct waiters *waiters;
	struct usual *usual;
	struct fetch_book *fetches;
	uint64_t canary_alarms, fetch_alarms; /* since the start */
	uint64_t routes_changed; /* counts changes of roster, policy, subscriptions: what was judged
				    before one is judged again when it is applied */
	struct chan *notary, *courier;
	struct rates *rates;
	struct fsck *fsck; /* NULL: none is under way */
	bool still;	   /* a backup is being made: nothing is erased, see backup.h */
	struct event *tick, *purge_again;
	size_t purges;	      /* of bundles whose time has come, under way */
	int64_t (*now)(void); /* ms since 1970: every decision asks it; tests play another */
	int64_t started_ms;
};

extern const struct role store_role; /* store.c */
/* Gives everything back, as a process does that ends: what is not committed is not there. */
void store_drop(struct store *s);

#endif
