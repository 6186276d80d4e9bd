/* check.h - bytes from outside become facts, or a refusal. Runs in: verify. */
#ifndef SAFEHAND_VERIFY_CHECK_H
#define SAFEHAND_VERIFY_CHECK_H

#include "frame/msg.h"
#include "safehand/identity.h"
#include "safehand/roster.h"

/* Facts with the memory that their lists point to. */
struct head_facts {
	struct msg_facts_head msg;
	struct fact_recipient *to;
	struct fact_name about[ABOUT_MAX];
	struct fact_action actions[ACTIONS_MAX];
	struct fact_signer signers[SIGNERS_MAX];
};

struct statement_facts {
	struct msg_facts_statement msg;
	struct fact_signer signer;
};

struct route_facts {
	struct msg_facts_route msg;
	struct fact_name *about, *to, *exclude;
};

/* The head of a bundle: fixed part, manifest, signature, slots and nothing after them. Signature,
 * chain, revocation and profile are judged first, live at now_ms; only then the manifest is parsed,
 * and compared with the lengths and the slots. out is zeroed memory of the caller's. */
int check_head(struct trust *t, const void *bytes, size_t n, int64_t now_ms, struct head_facts *out,
	       struct err *e) __attribute__((warn_unused_result));
void check_head_free(struct head_facts *f);

/* A signed statement: exactly one signer, who may sign this kind, for this mailbox. */
int check_statement(struct trust *t, const void *bytes, size_t n, int64_t now_ms,
		    struct statement_facts *out, struct err *e) __attribute__((warn_unused_result));

/* {"class", "from", "about": […], "to": […], "exclude": […]}; about and exclude may be left out. It
 * is not signed: the sender is authenticated by its connection. */
int check_route(const void *bytes, size_t n, struct route_facts *out, struct err *e)
    __attribute__((warn_unused_result));
void check_route_free(struct route_facts *f);

/* One mailbox of a roster; certificates takes m->ncertificates facts. */
void check_roster_row(struct trust *t, const struct roster_mailbox *m, int64_t now_ms,
		      struct fact_certificate *certificates, struct msg_roster_row *out);

#endif
