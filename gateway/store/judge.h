/* judge.h - the gateway's rules for a bundle whose signature holds: one row a rule. Pure but for
 * the subscriptions that it reads. */
#ifndef SAFEHAND_STORE_JUDGE_H
#define SAFEHAND_STORE_JUDGE_H

#include "frame/msg.h"
#include "safehand/policy.h"
#include "store/members.h"
#include "store/routing.h"
#include "store/store.h"

struct judge_case {
	const struct msg_facts_head *facts;
	const char *id;			    /* that the request named */
	const char *agency;		    /* of the TLS certificate */
	uint64_t head_bytes, payload_bytes; /* that came, or that were announced */
	const struct policy *policy;
	const struct members *members;
	struct ledger *ledger;
	const struct store_settings *settings;
	int64_t now_ms;
};

/* -1: e names the rule that refuses it. *klass: the class it is of, the policy's. */
int judge_bundle(const struct judge_case *c, const struct policy_class **klass, struct err *e)
    __attribute__((warn_unused_result));

/* How far may `at` lie ahead of now? ERR_CLOCK naming what. */
int judge_clock(int64_t at_ms, int64_t now_ms, int64_t skew_ms, const char *what, struct err *e)
    __attribute__((warn_unused_result));

#endif
