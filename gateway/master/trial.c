/* trial.c - safehandd -n: would the roles take their keys? Each that holds some is started, given
 * its files, asked, and gone again; none of them serves. Runs in: master. Owns: those children.
 * Trusts: no word of theirs beyond a sentence to show. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <event2/event.h>

#include "frame/role.h"
#include "master/master.h"

static const enum role_id roles[] = {ROLE_FRONT, ROLE_NOTARY};
#define ROLES (sizeof roles / sizeof *roles)

static void
tell(const struct master *m, enum role_id role, const char *text, size_t n)
{
	fprintf(stderr, "%s: %s: %.*s\n", m->conf_path, role_name(role), (int)n, text);
}

static void
on_ready(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_ready *r = msg;
	struct master *m = ctx;
	struct child *c = spawn_find(m, chan_peer(ch), 0);

	c->ready = r->text.n == 0;
	c->reloading = false;
	if (!c->ready)
		tell(m, c->role, (const char *)r->text.p, r->text.n);
}

static void
on_gone(void *ctx, struct chan *ch)
{
	struct master *m = ctx;
	struct child *c = spawn_find(m, chan_peer(ch), 0);

	if (c->reloading)
		tell(m, c->role, "ended without an answer", 23);
	chan_free(ch);
	c->ch = NULL;
	for (size_t i = 0; i < ROLES; i++)
		if (spawn_find(m, roles[i], 0)->ch != NULL)
			return;
	event_base_loopbreak(m->base);
}

int
trial_keys(const char *path, struct loaded *l, struct err *e)
{
	static const struct chan_handler handlers[] = {{MSG_READY, on_ready}, {0, NULL}};
	struct master m = {.conf_path = path, .now = *l, .base = event_base_new()};
	struct child *c;
	int rc = 0;

	if (m.base == NULL)
		return err_set(e, ERR_SYSTEM, "no event base");
	for (size_t i = 0; i < ROLES; i++) {
		c = spawn_child(&m, roles[i], 0, handlers, on_gone);
		c->reloading = true; /* owes the answer */
		chan_send(c->ch, MSG_GO, &(struct msg_named){.number = GO_TRY}, -1);
	}
	event_base_dispatch(m.base);
	for (size_t i = 0; i < ROLES; i++) {
		c = spawn_find(&m, roles[i], 0);
		waitpid(c->pid, NULL, 0);
		if (!c->ready)
			rc = err_set(e, ERR_CONFIG, "%s: refused by %s", path, role_name(roles[i]));
	}
	event_base_free(m.base);
	return rc;
}
