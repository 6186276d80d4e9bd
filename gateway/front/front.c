/* front.c - the role: listeners, settings, start, reload and stop. Runs in: front. Owns: the
 * listeners and the TLS context. Trusts: master and store. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <event2/listener.h>

#include "frame/room.h"
#include "front/front.h"
#include "safehand/crypto.h"
#include "safehand/key.h"
#include "safehand/log.h"
#include "safehand/time.h"

#define FILES_RESERVED 128	  /* descriptors for channels, the loop, messages on their way */
#define LINES_MAX      50	  /* log lines a second that strangers can cause */
#define WARN_BEFORE    (86400000) /* ms: one day */
#define LINGER_S       2
#define WATCH_S	       3600

static struct front front;

bool
front_may_log(struct front *f)
{
	int64_t second = time_mono_ms() / 1000;

	if (second != f->log_second) {
		if (f->log_lines > LINES_MAX)
			log_warn("lines-withheld", "count=%u", f->log_lines - LINES_MAX);
		f->log_second = second;
		f->log_lines = 0;
	}
	return ++f->log_lines <= LINES_MAX;
}

/* --- settings --- */

static const struct timeval *
limit(struct front *f, const char *key)
{
	int64_t ms = conf_int(f->env->conf, "front", NULL, key);
	struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	/* one queue for all timers of a length: to arm is O(1) */
	return event_base_init_common_timeout(f->env->base, &tv);
}

static void
set_limits(struct front *f)
{
	const struct conf *conf = f->env->conf;
	struct rlimit files;
	const char *name;

	f->limits[DEADLINE_HANDSHAKE] = limit(f, "handshake-timeout");
	f->limits[DEADLINE_HEAD] = limit(f, "head-timeout");
	f->limits[DEADLINE_BODY] = limit(f, "body-timeout");
	f->limits[DEADLINE_IDLE] = limit(f, "idle-timeout");
	f->limits[DEADLINE_LINGER] =
	    event_base_init_common_timeout(f->env->base, &(struct timeval){LINGER_S, 0});
	f->connections_max = (size_t)conf_int(conf, "front", NULL, "connections");
	f->per_agency_max = (size_t)conf_int(conf, "front", NULL, "connections-per-agency");
	f->per_address_max = (size_t)conf_int(conf, "front", NULL, "handshakes-per-address");
	f->payload_max = 0;
	for (size_t i = 0; (name = conf_instance(conf, "class", i)) != NULL; i++) {
		uint64_t max = (uint64_t)conf_int(conf, "class", name, "max-bytes");

		f->payload_max = max > f->payload_max ? max : f->payload_max;
	}
	/* each connection may have a descriptor beside its socket; to run out of them is fatal */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
	    files.rlim_cur / 2 < f->connections_max + FILES_RESERVED / 2) {
		f->connections_max = files.rlim_cur > 2 * FILES_RESERVED
					 ? (files.rlim_cur - FILES_RESERVED) / 2
					 : 16;
		log_warn("few-files", "files=%llu connections=%zu",
			 (unsigned long long)files.rlim_cur, f->connections_max);
	}
}

/* The key without its encryption, which is opened into room_secret if it has some. */
static int
open_key(const struct front *f, struct buf *room_secret, const struct buf **pem, struct err *e)
{
	const struct buf *key = role_file(f->env, "front.key"),
			 *word = role_file(f->env, "front.key-passphrase");

	if (key == NULL)
		return err_set(e, ERR_CONFIG, "key is empty");
	*pem = key;
	if (word == NULL)
		return 0;
	room_new(room_secret, KEY_PEM_MAX);
	*pem = room_secret;
	if (key_open(key, word, room_secret, e) < 0)
		return err_wrap(e, "%s", conf_str(f->env->conf, "front", NULL, "key"));
	return 0;
}

static int
new_tls(struct front *f, struct err *e)
{
	struct buf room_secret = {0};
	struct tls_files files = {.certificate = role_file(f->env, "front.certificate"),
				  .root = role_file(f->env, "root"),
				  .issuing = role_file(f->env, "issuing"),
				  .crl = role_file(f->env, "crl"),
				  .crl_grace_ms =
				      conf_int(f->env->conf, "trust", NULL, "crl-grace")};
	bool allow_12 = strcmp(conf_str(f->env->conf, "front", NULL, "tls-min"), "1.2") == 0;
	struct tls *made = NULL;
	int rc;

	if (!files.certificate || !files.root || !files.issuing || !files.crl)
		return err_set(e, ERR_CONFIG, "certificate, root, issuing or crl is empty");
	rc = open_key(f, &room_secret, &files.key, e);
	if (rc == 0)
		rc = tls_new(&files, allow_12, &made, e);
	room_drop(&room_secret);
	role_secret_drop(f->env, "front.key");
	role_secret_drop(f->env, "front.key-passphrase");
	if (rc < 0)
		return -1;
	tls_free(f->tls);
	f->tls = made;
	return 0;
}

/* Before the day on which nobody could be let in any more, not after. */
static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct front *f = arg;
	int64_t now = time_now_ms(), soon = now + WARN_BEFORE;
	char when[TIME_TEXT];

	time_format(when, tls_crl_until_ms(f->tls));
	if (tls_crl_until_ms(f->tls) < soon)
		log_error(tls_crl_until_ms(f->tls) < now ? "crl-overdue" : "crl-ends", "until=%s",
			  when);
	time_format(when, tls_until_ms(f->tls));
	if (tls_until_ms(f->tls) < soon)
		log_error("certificate-ends", "until=%s", when);
}

/* --- listeners --- */

static void
listeners_set(struct front *f, bool on)
{
	for (size_t i = 0; i < ROLE_LISTENS_MAX; i++)
		if (f->listeners[i] != NULL && on)
			evconnlistener_enable(f->listeners[i]);
		else if (f->listeners[i] != NULL)
			evconnlistener_disable(f->listeners[i]);
}

static void
on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *address, int n, void *arg)
{
	struct front *f = arg;

	if (f->connections < f->connections_max) {
		conn_new(f, fd, address);
		return;
	}
	evutil_closesocket(fd);
	if (front_may_log(f))
		log_warn("full", "connections=%zu", f->connections);
}

static void
on_listen_again(evutil_socket_t fd, short what, void *arg)
{
	listeners_set(arg, true);
}

/* Out of descriptors: what waits to be accepted would wake the loop without end. */
static void
on_accept_error(struct evconnlistener *l, void *arg)
{
	struct front *f = arg;

	if (front_may_log(f))
		log_warn("accept", "error=%s", strerror(errno));
	listeners_set(f, false);
	event_add(f->listen_again, &(struct timeval){1, 0});
}

static int
open_listeners(struct front *f, struct err *e)
{
	for (size_t i = 0; i < f->env->listens; i++) {
		f->listeners[i] = evconnlistener_new(f->env->base, on_accept, f,
						     LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
						     0, f->env->listen_fd[i]);
		if (f->listeners[i] == NULL)
			return err_set(e, ERR_SYSTEM, "no listener");
		evconnlistener_set_error_cb(f->listeners[i], on_accept_error);
	}
	return 0;
}

/* --- the role's life --- */

static void
on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct front *f = arg;

	conn_reap(f);
	if (f->stopping && LIST_EMPTY(&f->live))
		role_exit(f->env);
}

static void
close_all(struct front *f)
{
	while (!LIST_EMPTY(&f->live))
		conn_close(LIST_FIRST(&f->live));
}

/* Just before the grace ends: the store is told how far each upload came. */
static void
on_last_call(evutil_socket_t fd, short what, void *arg)
{
	close_all(arg);
}

/* What libcrypto loads lazily must be loaded while there still is a file system. */
static int
front_prepare(struct role_env *env, struct err *e)
{
	crypto_tell();
	front.env = env;
	env->state = &front;
	return new_tls(&front, e);
}

static struct event *
new_event(struct front *f, short what, event_callback_fn call)
{
	struct event *ev = event_new(f->env->base, -1, what, call, f);

	if (ev == NULL)
		log_fatal("start", &(struct err){ERR_SYSTEM, "no event"});
	return ev;
}

static int
front_start(struct role_env *env, struct err *e)
{
	struct front *f = &front;

	/* numbers of jobs go on where an earlier life of the role ended */
	f->last_job = (uint64_t)time_now_ms() * 1000;
	f->agencies = tally_new();
	f->strangers = tally_new();
	f->reaper = new_event(f, 0, on_reap);
	f->listen_again = new_event(f, 0, on_listen_again);
	f->last_call = new_event(f, 0, on_last_call);
	f->watch = new_event(f, EV_PERSIST, on_watch);
	set_limits(f);
	event_add(f->watch, &(struct timeval){WATCH_S, 0});
	on_watch(-1, 0, f);
	return open_listeners(f, e);
}

static void
front_peer(struct role_env *env, struct chan *ch)
{
	if (chan_peer(ch) == ROLE_STORE)
		front.store = ch;
}

static int
front_reload(struct role_env *env, struct err *e)
{
	struct front *f = &front;
	struct conn *c, *after;

	if (new_tls(f, e) < 0)
		return -1;
	set_limits(f);
	on_watch(-1, 0, f);
	for (c = LIST_FIRST(&f->live); c != NULL; c = after) {
		after = LIST_NEXT(c, next);
		if (!c->known || !tls_is_revoked(f->tls, c->bev))
			continue;
		log_warn("client-revoked", "agency=%s", c->agency);
		conn_close(c);
	}
	return 0;
}

static void
front_stop(struct role_env *env, uint64_t grace_ms)
{
	struct front *f = &front;
	uint64_t last = grace_ms - grace_ms / 10;
	struct conn *c, *after;

	f->stopping = true;
	for (size_t i = 0; i < ROLE_LISTENS_MAX; i++)
		if (f->listeners[i] != NULL) {
			evconnlistener_free(f->listeners[i]);
			f->listeners[i] = NULL;
		}
	event_del(f->listen_again);
	for (c = LIST_FIRST(&f->live); c != NULL; c = after) {
		after = LIST_NEXT(c, next);
		conn_stop(c);
	}
	event_add(f->last_call,
		  &(struct timeval){(time_t)(last / 1000), (suseconds_t)(last % 1000 * 1000)});
	event_active(f->reaper, EV_TIMEOUT, 0);
}

const struct role front_role = {.id = ROLE_FRONT,
				.handlers = job_handlers,
				.prepare = front_prepare,
				.start = front_start,
				.peer = front_peer,
				.reload = front_reload,
				.stop = front_stop};
