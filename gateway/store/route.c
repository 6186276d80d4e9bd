/* route.c - POST /v1/route: whom to seal for. Runs in: store. Owns: the requests under way. Trusts:
 * nothing; verify parses the request. */
#include "store/denied.h"
#include "store/route.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "safehand/time.h"
#include "store/exclusion.h"
#include "store/group.h"
#include "store/reply.h"
#include "store/routing.h"
#include "store/store.h"
#include "store/worker.h"

#define REQUEST_MAX (128 * 1024) /* 400 names, 64 pseudonyms, and room */

struct route {
	struct change change; /* first: keeping its exclusion is the route */
	struct store *store;
	struct asker asker;
	char agency[NAME_AGENCY];
	struct exclusion exclusion;
	struct buf json;
};

static int
sender_check(const struct route *r, const struct msg_facts_route *f,
	     const struct policy_class **klass, struct err *e)
{
	char of[NAME_AGENCY];

	name_agency(of, f->from);
	if (strcmp(of, r->agency) != 0 || members_find(r->store->members, f->from) == NULL)
		return err_set(e, ERR_DENIED, "from: %s is not a mailbox of %s", f->from,
			       r->agency);
	*klass = policy_find(r->store->policy, f->klass);
	if (*klass == NULL)
		return err_set(e, ERR_DENIED, "class %s: there is none here", f->klass);
	if (!policy_may_send(*klass, f->from))
		return err_set(e, ERR_DENIED, "class %s: %s may not send it", f->klass, f->from);
	return 0;
}

static void
route_free(struct route *r)
{
	exclusion_clear(&r->exclusion);
	buf_free(&r->json);
	free(r);
}

static int
answer(struct route *r, const struct msg_facts_route *f, struct err *e)
{
	struct store *s = r->store;
	struct routing how = {.ledger = s->reader, .from = f->from, .about = &f->about};

	if (s->members == NULL)
		return err_set(e, ERR_BUSY, "the roster is not loaded yet");
	if (sender_check(r, f, &how.klass, e) < 0)
		return -1;
	how.members = s->members;
	exclusion_init(&r->exclusion, f->from, f->klass, &f->about, &f->exclude);
	return routing_answer(&how, f, s->now(), &r->json, e);
}

/* --- whom the sender excludes is remembered before it is told whom to seal for --- */

static int
keep_apply(struct store *s, struct change *c, struct err *e)
{
	const struct route *r = (const struct route *)c;

	s->routes_changed++;
	exclusion_keep(s->writer, &r->exclusion, s->now());
	return 0;
}

static void
keep_done(struct store *s, struct change *c, const struct err *refusal)
{
	struct route *r = (struct route *)c;

	if (refusal != NULL)
		reply_refuse(&r->asker, refusal);
	else
		reply_json(&r->asker, 200, &r->json);
	route_free(r);
}

static void
on_checked(void *ctx, enum msg_kind kind, const void *facts, const struct err *why)
{
	struct route *r = ctx;
	struct store *s = r->store;
	struct err e = {0};

	if (kind != MSG_FACTS_ROUTE) {
		reply_refuse(&r->asker, why);
	} else if (answer(r, facts, &e) < 0) {
		reply_refuse(&r->asker, &e);
	} else if (!exclusion_is_kept(s->reader, &r->exclusion, s->now())) {
		r->change = (struct change){.apply = keep_apply, .done = keep_done};
		group_add(s, &r->change);
		return;
	} else {
		reply_json(&r->asker, 200, &r->json);
	}
	route_free(r);
}

void
route_take(void *env, struct chan *ch, const void *msg, int fd)
{
	const struct msg_route *m = msg;
	struct store *s = ((struct role_env *)env)->state;
	struct asker a = {ch, m->job};
	struct buf body = {0};
	struct err e = {0};
	struct route *r;
	int rc = denied_check(s->reader, m->cert, m->agency, &e);

	if (rc == 0)
		rc = role_carried(&m->bytes, fd, REQUEST_MAX, &body, &e);

	if (fd >= 0)
		close(fd);
	if (rc < 0) {
		reply_refuse(&a, &e);
		buf_free(&body);
		return;
	}
	r = mem_alloc(sizeof *r);
	*r = (struct route){.store = s, .asker = a};
	strcpy(r->agency, m->agency);
	if (worker_check(s->workers, CHECK_ROUTE, r->agency, body.data, body.len, s->now(),
			 on_checked, r, &e) < 0) {
		reply_refuse(&a, &e);
		route_free(r);
	}
	buf_free(&body);
}
