/* main.c - the courier's process: the one role that speaks outward. Runs in: courier. Owns: the
 * courier. Trusts: master, store. */
#include "courier/courier.h"
#include "courier/http.h"
#include "safehand/log.h"

static struct {
	struct courier *courier;
	struct chan *store;
} state;

static void
on_stamped(void *ctx, const struct msg_stamped *m)
{
	chan_send(state.store, MSG_STAMPED, m, -1);
	log_info("stamped", "size=%llu tsa=%s", (unsigned long long)m->size, m->tsa);
}

static void
on_stamp(void *ctx, struct chan *ch, const void *msg, int fd)
{
	courier_stamp(state.courier, msg);
}

static void
peer(struct role_env *env, struct chan *ch)
{
	state.store = ch;
}

static int
prepare(struct role_env *env, struct err *e)
{
	return http_prepare(e);
}

static int
start(struct role_env *env, struct err *e)
{
	state.courier = courier_new(env->base, on_stamped, NULL);
	return courier_configure(state.courier, env, e);
}

static int
reload(struct role_env *env, struct err *e)
{
	return courier_configure(state.courier, env, e);
}

int
main(int argc, char **argv)
{
	static const struct chan_handler handlers[] = {{MSG_STAMP, on_stamp}, {0, NULL}};
	static const struct role role = {.id = ROLE_COURIER,
					 .handlers = handlers,
					 .prepare = prepare,
					 .start = start,
					 .peer = peer,
					 .reload = reload};

	return role_main(argc, argv, &role);
}
