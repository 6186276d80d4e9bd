/* control.c - the control socket (safehandctl) and the metrics port. Runs in: master. Owns: the two
 * listening sockets. Trusts: who may open the socket (root, its group). A command is one line;
 * reload and stop are done here, all else is the store's: it is given the connection with the line
 * still unread. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "frame/role.h"
#include "master/master.h"
#include "safehand/log.h"

#define LINE_MAX_BYTES 4096 /* of a command */
#define LINE_SECONDS   5    /* for the line to come */

struct pending {
	struct master *m;
	int fd;
	struct event *ev;
};

/* code ERR_OK: text is what was done, else why it was not. */
static void
answer(int fd, enum err_code code, const char *key, const char *text)
{
	struct buf json = {0};
	char line[LINE_MAX_BYTES];

	/* the line was only peeked at: closed with it unread, the answer would be thrown away */
	if (recv(fd, line, sizeof line, MSG_DONTWAIT) < 0)
		log_debug("control", "error=%s", strerror(errno));
	buf_addc(&json, '{');
	buf_json_str(&json, code == ERR_OK ? key : "error", text);
	if (code != ERR_OK)
		buf_json_str(&json, "code", err_name(code));
	buf_adds(&json, "}\n");
	if (send(fd, json.data, json.len, MSG_NOSIGNAL) < 0)
		log_warn("control", "error=%s", strerror(errno));
	buf_free(&json);
	close(fd);
}

static void
to_store(struct master *m, enum control_kind kind, int fd)
{
	struct child *store = spawn_find(m, ROLE_STORE, 0);
	struct msg_control msg = {.kind = kind};
	struct buf roles = {0};

	if (store == NULL || store->ch == NULL || !m->serving) {
		if (kind == CONTROL_METRICS)
			close(fd);
		else
			answer(fd, ERR_BUSY, "control", "starting or stopping: ask again");
		return;
	}
	spawn_describe(m, &roles);
	msg.roles = (struct blob){roles.data, roles.len};
	chan_send(store->ch, MSG_CONTROL, &msg, fd);
	buf_free(&roles);
}

void
control_reloaded(struct master *m)
{
	if (m->reload_faults.len > 0)
		log_error("reload", "faults=%s", buf_str(&m->reload_faults));
	else
		log_info("reload", "result=%s", "taken");
	if (m->reload_fd >= 0)
		answer(m->reload_fd, m->reload_faults.len ? ERR_CONFIG : ERR_OK, "reload",
		       m->reload_faults.len ? buf_str(&m->reload_faults) : "taken");
	m->reload_fd = -1;
	buf_clear(&m->reload_faults);
}

/* What of the journal and of the number of processes cannot change under way. */
static void
check_numbers(const struct master *m, const struct conf *next)
{
	static const struct {
		const char *section, *key;
	} fixed[] = {{"front", "processes"},
		     {"verify", "processes"},
		     {"store", "small"},
		     {"store", "journal-segment"}};

	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
		int64_t now = conf_int(m->now.conf, fixed[i].section, NULL, fixed[i].key);
		int64_t then = conf_int(next, fixed[i].section, NULL, fixed[i].key);

		if (now != then)
			log_warn("reload-needs-restart", "key=%s.%s now=%lld next=%lld",
				 fixed[i].section, fixed[i].key, (long long)now, (long long)then);
	}
}

/* Sockets and folders are fixed at start. */
static void
check_fixed(const struct master *m, const struct conf *next)
{
	static const char *const keys[] = {"listen",  "user",	 "jail",   "data",
					   "control", "metrics", "libexec"};
	struct buf a = {0}, b = {0};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		buf_clear(&a);
		buf_clear(&b);
		if (i == 0) {
			const char *v;

			for (size_t k = 0;
			     (v = conf_item(m->now.conf, "gateway", NULL, "listen", k)) != NULL;
			     k++)
				buf_addf(&a, "%s,", v);
			for (size_t k = 0;
			     (v = conf_item(next, "gateway", NULL, "listen", k)) != NULL; k++)
				buf_addf(&b, "%s,", v);
		} else {
			buf_adds(&a, conf_str(m->now.conf, "gateway", NULL, keys[i]));
			buf_adds(&b, conf_str(next, "gateway", NULL, keys[i]));
		}
		if (strcmp(buf_str(&a), buf_str(&b)) != 0)
			log_warn("reload-needs-restart", "key=%s now=%s next=%s", keys[i],
				 buf_str(&a), buf_str(&b));
	}
	buf_free(&a);
	buf_free(&b);
}

void
reload_begin(struct master *m, int answer_fd)
{
	struct loaded next = {0};
	struct err e;

	if (m->reload_wait > 0 || !m->serving || m->stopping) {
		if (answer_fd >= 0)
			answer(answer_fd, ERR_BUSY, "reload",
			       "busy: starting, stopping or reloading already");
		return;
	}
	if (load_all(m->conf_path, &next, &e) < 0) {
		log_err(LOG_LEVEL_ERROR, "reload-refused", &e);
		if (answer_fd >= 0)
			answer(answer_fd, e.code, "reload", e.text);
		return;
	}
	check_fixed(m, next.conf);
	check_numbers(m, next.conf);
	m->reload_fd = answer_fd;
	spawn_reload(m, &next);
}

static void
pending_free(struct pending *p)
{
	event_free(p->ev);
	free(p);
}

static void
on_line(evutil_socket_t fd, short what, void *arg)
{
	struct pending *p = arg;
	struct master *m = p->m;
	char line[LINE_MAX_BYTES];
	ssize_t n = recv(fd, line, sizeof line - 1, MSG_PEEK | MSG_DONTWAIT);
	char *end = n > 0 ? memchr(line, '\n', (size_t)n) : NULL;

	if (n <= 0 || what & EV_TIMEOUT || (end == NULL && n == sizeof line - 1)) {
		close(fd);
		pending_free(p);
		return;
	}
	if (end == NULL)
		return; /* the rest is on its way */
	*end = '\0';
	pending_free(p);
	if (strcmp(line, "reload") == 0)
		reload_begin(m, fd);
	else if (strcmp(line, "stop") == 0) {
		answer(fd, ERR_OK, "stop", "stopping");
		spawn_stop(m);
	} else
		to_store(m, CONTROL_COMMAND, fd);
}

static void
on_control(evutil_socket_t listener, short what, void *arg)
{
	struct timeval wait = {LINE_SECONDS, 0};
	struct pending *p;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	p = mem_alloc(sizeof *p);
	*p = (struct pending){.m = arg, .fd = fd};
	p->ev = event_new(p->m->base, fd, EV_READ | EV_PERSIST, on_line, p);
	if (p->ev == NULL || event_add(p->ev, &wait) < 0)
		log_fatal("control", &(struct err){ERR_SYSTEM, "no event"});
}

static void
on_metrics(evutil_socket_t listener, short what, void *arg)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		to_store(arg, CONTROL_METRICS, fd);
}

static void
serve(struct master *m, int fd, event_callback_fn on_accept, struct err *e)
{
	struct event *ev;

	if (fd < 0)
		log_fatal("listen", e);
	ev = event_new(m->base, fd, EV_READ | EV_PERSIST, on_accept, m);
	if (ev == NULL || event_add(ev, NULL) < 0)
		log_fatal("listen", &(struct err){ERR_SYSTEM, "no event"});
}

void
control_open(struct master *m)
{
	const struct conf *c = m->now.conf;
	const char *metrics = conf_str(c, "gateway", NULL, "metrics");
	struct err e = {0};

	serve(m,
	      listen_unix(conf_str(c, "gateway", NULL, "control"),
			  conf_str(c, "gateway", NULL, "user"), &e),
	      on_control, &e);
	if (*metrics != '\0')
		serve(m, listen_tcp(metrics, &e), on_metrics, &e);
}
