/* spawn.c - the roles as children: started, wired to each other, replaced, stopped. Runs in:
 * master. Owns: the children. Trusts: no child: what one says is checked by the table of messages.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "frame/role.h"
#include "master/master.h"
#include "safehand/log.h"

/* How many of a role, and which peers it talks to. Store stands in the middle. */
static const struct row {
	enum role_id role;
	const char *section; /* of its "processes", NULL: exactly one */
	bool to_store;
} rows[] = {
    {ROLE_STORE, NULL, false},	{ROLE_NOTARY, NULL, true},   {ROLE_VERIFY, "verify", true},
    {ROLE_COURIER, NULL, true}, {ROLE_FRONT, "front", true},
};
#define ROWS (sizeof rows / sizeof *rows)

struct child *
spawn_find(struct master *m, enum role_id role, uint32_t index)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (m->children[i].pid > 0 && m->children[i].role == role &&
		    m->children[i].index == index)
			return &m->children[i];
	return NULL;
}

static int64_t
count_of(const struct master *m, const struct row *row)
{
	return row->section ? conf_int(m->now.conf, row->section, NULL, "processes") : 1;
}

static void
binary_of(const struct master *m, enum role_id role, char out[static PATH_MAX])
{
	const char *dir = conf_str(m->now.conf, "gateway", NULL, "libexec");
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	self[n > 0 ? n : 0] = '\0';
	snprintf(out, PATH_MAX, "%s/safehand-%s", *dir ? dir : dirname(self), role_name(role));
}

static void
exec_child(const char *path, int fd)
{
	char *argv[] = {NULL, NULL}, name[PATH_MAX];

	signal(SIGCHLD, SIG_DFL);
	snprintf(name, sizeof name, "%s", path);
	argv[0] = basename(name);
	/* fd 3 is the role's channel; everything else of ours is closed */
	if (fd != 3 && dup2(fd, 3) < 0)
		_exit(126);
	fcntl(3, F_SETFD, 0);
	closefrom(4);
	execv(path, argv);
	fprintf(stderr, "safehandd: %s: %s\n", path, strerror(errno));
	_exit(127);
}

/* --- messages from a child --- */

static void
all_ready(struct master *m)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd;

	m->serving = true;
	log_info("serving", "version=%s", SAFEHAND_VERSION);
	if (path == NULL || strlen(path) >= sizeof sa.sun_path)
		return;
	strcpy(sa.sun_path,
	       path); /* sd_notify(3): one datagram of text; a leading @ is an abstract name */
	if (sa.sun_path[0] == '@')
		sa.sun_path[0] = '\0';
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	if (sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&sa,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
		log_warn("notify", "error=%s", strerror(errno));
	close(fd);
}

static void
send_bytes(struct child *c, enum msg_kind kind, const char *name, uint64_t number,
	   const struct buf *data)
{
	struct msg_named msg = {.number = number};

	snprintf(msg.name, sizeof msg.name, "%s", name);
	chan_send(c->ch, kind, &msg, role_memfd(name, data->data, data->len));
}

static void
send_files(struct master *m, struct child *c)
{
	send_bytes(c, MSG_CONF, "conf", c->index, &m->now.text);
	for (size_t i = 0; i < m->now.nfiles; i++) {
		const struct master_file *f = &m->now.files[i];

		if (f->roles & 1u << c->role)
			send_bytes(c, f->secret ? MSG_SECRET : MSG_FILE, f->name, 0, &f->data);
	}
}

/* --- reload --- */

static void
reload_child(struct master *m, struct child *c)
{
	send_files(m, c);
	chan_send(c->ch, MSG_RELOAD, &(struct msg_named){{0}, 0}, -1);
	c->reloading = true;
	m->reload_wait++;
}

/* c has answered, or died owing the answer: one that takes its place starts with the new files. */
static void
reload_answered(struct master *m, struct child *c)
{
	struct child *store = spawn_find(m, ROLE_STORE, 0);

	if (!c->reloading)
		return;
	c->reloading = false;
	if (--m->reload_wait > 0)
		return;
	if (m->reload_store && store != NULL && store->ch != NULL) {
		m->reload_store = false;
		reload_child(m, store);
		return;
	}
	control_reloaded(m);
}

/* The store comes last: it has the roster judged anew, and no worker may judge by an old CRL then.
 * A child that is starting was given the old files: it too is told. */
/* Each secret is with its role now, and a role that has one is not started again. */
static void
wipe_secrets(struct master *m)
{
	for (size_t i = 0; i < m->now.nfiles; i++)
		if (m->now.files[i].secret)
			buf_wipe(&m->now.files[i].data);
}

void
spawn_reload(struct master *m, struct loaded *next)
{
	load_free(&m->now);
	m->now = *next;
	*next = (struct loaded){0};
	m->reload_store = true;
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child *c = &m->children[i];

		if (c->pid > 0 && c->ch != NULL && c->role != ROLE_STORE)
			reload_child(m, c);
	}
	wipe_secrets(m);
}

static void
on_ready(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_ready *r = msg;
	struct master *m = ctx;
	struct child *c = spawn_find(m, chan_peer(ch), chan_index(ch));

	if (c == NULL)
		return;
	if (c->ready) { /* the answer to a reload: text is the refusal, if any */
		if (r->text.n > 0)
			buf_addf(&m->reload_faults, "%s%s: %.*s", m->reload_faults.len ? "; " : "",
				 role_name(c->role), (int)r->text.n, (const char *)r->text.p);
		reload_answered(m, c);
		return;
	}
	c->ready = true;
	buf_clear(&c->confinement);
	buf_add(&c->confinement, r->text.p, r->text.n);
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (m->children[i].pid > 0 && !m->children[i].ready)
			return;
	if (!m->serving && !m->stopping)
		all_ready(m);
}

static const struct chan_handler handlers[] = {{MSG_READY, on_ready}, {0, NULL}};

static void
on_gone(void *ctx, struct chan *ch)
{
	struct child *c = spawn_find(ctx, chan_peer(ch), chan_index(ch));

	if (c != NULL && c->ch == ch)
		c->ch = NULL;
	chan_free(ch); /* why it went is told by its exit status: spawn_reap */
}

/* --- start --- */

static void
send_sockets(struct master *m, struct child *c)
{
	struct msg_named msg = {0};
	const char *address;
	struct err e;
	int fd;

	for (size_t i = 0; (address = conf_item(m->now.conf, "gateway", NULL, "listen", i)) != NULL;
	     i++) {
		snprintf(msg.name, sizeof msg.name, "%s", address);
		if ((fd = listen_tcp(address, &e)) < 0)
			log_fatal("listen", &e);
		chan_send(c->ch, MSG_LISTEN, &msg, fd);
	}
}

struct child *
spawn_child(struct master *m, enum role_id role, uint32_t index, const struct chan_handler *take,
	    chan_gone *gone)
{
	struct child *c = m->children;
	char path[PATH_MAX];
	struct err e;
	int fds[2];

	while (c < m->children + CHILDREN_MAX && c->pid > 0)
		c++;
	assert(c < m->children + CHILDREN_MAX);
	binary_of(m, role, path);
	chan_pair(fds);
	*c = (struct child){.role = role, .index = index};
	if ((c->pid = fork()) == 0)
		exec_child(path, fds[1]);
	if (c->pid < 0) {
		err_sys(&e, "fork");
		log_fatal("spawn", &e);
	}
	close(fds[1]);
	c->ch = chan_new(m->base, fds[0], ROLE_MASTER, role, index, take, gone, m);
	send_files(m, c);
	return c;
}

static struct child *
start_child(struct master *m, enum role_id role, uint32_t index)
{
	struct child *c = spawn_child(m, role, index, handlers, on_gone);

	if (role == ROLE_STORE)
		chan_send(c->ch, MSG_DIR, &(struct msg_named){.name = "data"},
			  fcntl(m->data_fd, F_DUPFD_CLOEXEC, 0));
	if (role == ROLE_FRONT)
		send_sockets(m, c);
	return c;
}

static void
go(struct child *c)
{
	chan_send(c->ch, MSG_GO, &(struct msg_named){{0}, 0}, -1);
}

/* Wires c to the store; the store learns of it at once, before or after its own GO. */
static void
join_store(struct master *m, struct child *c)
{
	struct child *store = spawn_find(m, ROLE_STORE, 0);
	int fds[2];

	if (store == NULL || store->ch == NULL)
		return; /* it died just now: spawn_reap ends the service */
	chan_pair(fds);
	chan_send(c->ch, MSG_PEER, &(struct msg_peer){ROLE_STORE, 0}, fds[0]);
	chan_send(store->ch, MSG_PEER, &(struct msg_peer){c->role, c->index}, fds[1]);
}

void
spawn_all(struct master *m)
{
	for (size_t r = 0; r < ROWS; r++)
		for (int64_t i = 0; i < count_of(m, &rows[r]); i++) {
			struct child *c = start_child(m, rows[r].role, (uint32_t)i);

			if (rows[r].to_store) {
				join_store(m, c);
				go(c);
			}
		}
	go(spawn_find(m, ROLE_STORE, 0)); /* last: all its peers are there */
	wipe_secrets(m);
}

/* --- stop --- */

static size_t
tell_stop(struct master *m, unsigned roles)
{
	uint64_t grace = (uint64_t)conf_int(m->now.conf, "gateway", NULL, "grace");
	size_t n = 0;

	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child *c = &m->children[i];

		if (c->pid <= 0 || !(roles & 1u << c->role))
			continue;
		n++;
		if (c->ch != NULL)
			chan_send(c->ch, MSG_STOP, &(struct msg_named){.number = grace}, -1);
	}
	return n;
}

static bool
lives(const struct master *m, unsigned roles)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (m->children[i].pid > 0 && roles & 1u << m->children[i].role)
			return true;
	return false;
}

#define FRONTS (1u << ROLE_FRONT)
#define STORES (1u << ROLE_STORE)
#define REST   (1u << ROLE_VERIFY | 1u << ROLE_NOTARY | 1u << ROLE_COURIER)

/* The next wave when the one before has ended: clients first, then all others; of those the store
 * leaves first, since its helpers end when their channels to it have closed. */
static void
next_wave(struct master *m)
{
	static unsigned told;
	unsigned wave = lives(m, FRONTS) ? FRONTS : STORES | REST;

	if (!lives(m, FRONTS | STORES | REST)) {
		event_base_loopbreak(m->base);
		return;
	}
	if (!(told & wave)) {
		tell_stop(m,
			  wave & ~STORES); /* ahead of the store, so that they know why it goes */
		tell_stop(m, wave & STORES);
	}
	told |= wave;
}

static void
on_too_late(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;

	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (m->children[i].pid > 0) {
			log_warn("killed", "child=%s pid=%d", role_name(m->children[i].role),
				 (int)m->children[i].pid);
			kill(m->children[i].pid, SIGKILL);
		}
	event_base_loopbreak(m->base);
}

void
spawn_stop(struct master *m)
{
	int64_t grace = conf_int(m->now.conf, "gateway", NULL, "grace") + 5000;
	struct timeval late = {(time_t)(grace / 1000), (suseconds_t)(grace % 1000 * 1000)};

	if (m->stopping)
		return;
	m->stopping = true;
	event_base_once(m->base, -1, EV_TIMEOUT, on_too_late, m, &late);
	next_wave(m);
}

/* --- ends of children --- */

static void
describe_end(const struct child *c, int status)
{
	if (WIFSIGNALED(status))
		log_error("role-died", "child=%s index=%u pid=%d signal=%s", role_name(c->role),
			  c->index, (int)c->pid, strsignal(WTERMSIG(status)));
	else
		log_error("role-died", "child=%s index=%u pid=%d status=%d", role_name(c->role),
			  c->index, (int)c->pid, WEXITSTATUS(status));
}

static void
forget(struct master *m, struct child *c)
{
	reload_answered(m, c);
	chan_free(c->ch);
	buf_free(&c->confinement);
	*c = (struct child){0};
}

static void
replace_worker(struct master *m, struct child *c)
{
	uint32_t index = c->index;

	forget(m, c);
	log_info("worker-replaced", "index=%u", index);
	c = start_child(m, ROLE_VERIFY, index);
	join_store(m, c);
	go(c);
}

static void
ended(struct master *m, struct child *c, int status)
{
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (c->role == ROLE_VERIFY && clean && !m->stopping) {
		replace_worker(m, c);
		return;
	}
	if (!m->stopping || !clean) {
		describe_end(c, status);
		m->exit_status =
		    1; /* the service ends with any of its roles: systemd starts it again */
	}
	forget(m, c);
	if (m->stopping)
		next_wave(m);
	else
		spawn_stop(m);
}

void
spawn_reap(struct master *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < CHILDREN_MAX; i++)
			if (m->children[i].pid == pid) {
				ended(m, &m->children[i], status);
				break;
			}
}

void
spawn_describe(const struct master *m, struct buf *json)
{
	bool first = true;

	buf_addc(json, '[');
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		const struct child *c = &m->children[i];

		if (c->pid <= 0)
			continue;
		buf_adds(json, first ? "{" : ",{");
		first = false;
		buf_json_str(json, "role", role_name(c->role));
		buf_json_int(json, "index", c->index);
		buf_json_int(json, "pid", c->pid);
		buf_json_key(json, "confinement");
		buf_adds(json, c->confinement.len ? buf_str(&c->confinement) : "null");
		buf_addc(json, '}');
	}
	buf_addc(json, ']');
}
