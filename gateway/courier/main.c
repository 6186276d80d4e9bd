/* main.c - the courier's process: the one role that speaks outward. Runs in: courier. Owns: the
 * courier, what it notifies of. Trusts: master, store. */
#include "courier/call.h"
#include "courier/courier.h"
#include "courier/notify.h"
#include "safehand/crypto.h"
#include "safehand/log.h"

static struct {
	struct calls *calls;
	struct courier *courier;
	struct notify *notify;
	struct chan *store;
} state;

static void
on_stamped(void *ctx, const struct msg_stamped *m)
{
	chan_send(state.store, MSG_STAMPED, m, -1);
	log_info("stamped", "size=%llu tsa=%s", (unsigned long long)m->size, m->tsa);
}

static void
on_notified(void *ctx, const struct msg_notified *m)
{
	chan_send(state.store, MSG_NOTIFIED, m, -1);
}

static void
on_stamp(void *ctx, struct chan *ch, const void *msg, int fd)
{
	courier_stamp(state.courier, msg);
}

static void
on_notify(void *ctx, struct chan *ch, const void *msg, int fd)
{
	notify_add(state.notify, msg);
}

static void
peer(struct role_env *env, struct chan *ch)
{
	state.store = ch;
}

static int
prepare(struct role_env *env, struct err *e)
{
	crypto_tell();
	return calls_prepare(e);
}

/* Both or neither: what may be refused comes first, and notify_configure refuses nothing that
 * master let through. */
static int
configure(struct role_env *env, struct err *e)
{
	return courier_configure(state.courier, env, e) < 0
		   ? -1
		   : notify_configure(state.notify, env, e);
}

static int
start(struct role_env *env, struct err *e)
{
	state.calls = calls_new(env->base);
	state.courier = courier_new(env->base, state.calls, on_stamped, NULL);
	state.notify = notify_new(env->base, state.calls, on_notified, NULL);
	return configure(env, e);
}

int
main(int argc, char **argv)
{
	static const struct chan_handler handlers[] = {
	    {MSG_STAMP, on_stamp}, {MSG_NOTIFY, on_notify}, {0, NULL}};
	static const struct role role = {.id = ROLE_COURIER,
					 .handlers = handlers,
					 .prepare = prepare,
					 .start = start,
					 .peer = peer,
					 .reload = configure};

	return role_main(argc, argv, &role);
}
