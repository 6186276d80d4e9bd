/* role.c - the life of a role: boot messages, jail, loop, reload, stop. Runs in: all roles but
 * master. Owns: the role's environment. Trusts: master. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "frame/jail.h"
#include "frame/role.h"
#include "frame/room.h"
#include "frame/settings.h"
#include "safehand/log.h"

#define MASTER_FD      3	  /* the channel that master left us */
#define FILE_MAX_BYTES (32 * MIB) /* the largest is the roster */
#define PEERS_MAX      64	  /* fronts and verify workers of one gateway */

/* The peers that boot named before there was a loop. */
static struct {
	struct msg_peer who[PEERS_MAX];
	int fd[PEERS_MAX];
	size_t n;
	struct role_file files[ROLE_FILES_MAX]; /* of a reload under way */
	size_t nfiles;
	struct conf *conf;
	bool trial; /* GO_TRY */
} boot;

static struct role_env env = {.data_fd = -1};

int
role_memfd_try(const char *name, const void *p, size_t n, struct err *e)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t k;

	for (size_t done = 0; fd >= 0 && done < n; done += (size_t)k)
		if ((k = pwrite(fd, (const char *)p + done, n - done, (off_t)done)) <= 0)
			break;
	if (fd >= 0 && lseek(fd, 0, SEEK_END) == (off_t)n &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		return fd;
	err_sys(e, "memfd %s of %zu bytes", name, n);
	e->code = ERR_BUSY; /* descriptors and memory come back when what is under way has ended */
	if (fd >= 0)
		close(fd);
	return -1;
}

int
role_memfd(const char *name, const void *p, size_t n)
{
	struct err e;
	int fd = role_memfd_try(name, p, n, &e);

	if (fd < 0)
		log_fatal("memory", &e);
	return fd;
}

int
role_read_fd(int fd, size_t max, struct buf *out, struct err *e)
{
	struct stat st;
	size_t start = out->len;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "fstat");
	if (!S_ISREG(st.st_mode) || st.st_size < 0 || (uint64_t)st.st_size > max)
		return err_set(e, ERR_LIMIT, "%lld bytes, limit %zu", (long long)st.st_size, max);
	buf_reserve(out, (size_t)st.st_size);
	while (out->len - start < (size_t)st.st_size) {
		size_t done = out->len - start;
		ssize_t n = pread(fd, out->data + out->len, (size_t)st.st_size - done, (off_t)done);

		if (n < 0)
			return err_sys(e, "read");
		if (n == 0)
			return err_set(e, ERR_FORMAT, "shrank while it was read");
		out->len += (size_t)n;
	}
	out->data[out->len] = '\0';
	return 0;
}

int
role_carry(const char *name, const void *p, size_t n, struct blob *inside)
{
	if (n > CARRY_MAX_BYTES)
		return role_memfd(name, p, n);
	*inside = (struct blob){p, n};
	return -1;
}

int
role_carried(const struct blob *inside, int fd, size_t max, struct buf *out, struct err *e)
{
	if (fd >= 0)
		return inside->n == 0 ? role_read_fd(fd, max, out, e)
				      : err_set(e, ERR_FORMAT, "bytes twice: inside and beside");
	if (inside->n > max)
		return err_set(e, ERR_LIMIT, "%zu bytes, limit %zu", inside->n, max);
	buf_add(out, inside->p, inside->n);
	return 0;
}

static void
file_drop(struct role_file *f)
{
	if (f->is_secret)
		room_drop(&f->data);
	else
		buf_wipe(&f->data);
}

/* Its place in the files, nfiles if master sent none of that name. */
static size_t
find_file(const struct role_env *of, const char *name)
{
	size_t i = 0;

	while (i < of->nfiles && strcmp(of->files[i].name, name) != 0)
		i++;
	return i;
}

const struct buf *
role_file(const struct role_env *of, const char *name)
{
	size_t i = find_file(of, name);

	return i < of->nfiles && of->files[i].data.len > 0 ? &of->files[i].data : NULL;
}

void
role_secret_drop(struct role_env *of, const char *name)
{
	size_t i = find_file(of, name);

	if (i < of->nfiles)
		file_drop(&of->files[i]);
}

/* --- messages of master --- */

static void
take_file(const struct msg_named *m, int fd, bool secret)
{
	struct role_file *f = &boot.files[boot.nfiles];
	struct stat st;
	struct err e;

	assert(boot.nfiles < ROLE_FILES_MAX);
	*f = (struct role_file){.is_secret = secret};
	snprintf(f->name, sizeof f->name, "%s", m->name);
	if (secret && fstat(fd, &st) == 0 && st.st_size <= (off_t)FILE_MAX_BYTES)
		room_new(&f->data, (size_t)st.st_size); /* what is read never moves from there */
	if (role_read_fd(fd, FILE_MAX_BYTES, &f->data, &e) < 0) {
		err_wrap(&e, "file %s", m->name);
		log_fatal("boot", &e);
	}
	boot.nfiles++;
	close(fd);
}

static void
on_file(void *ctx, struct chan *ch, const void *msg, int fd)
{
	take_file(msg, fd, false);
}

static void
on_secret(void *ctx, struct chan *ch, const void *msg, int fd)
{
	take_file(msg, fd, true);
}

static void
on_conf(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_named *m = msg;
	struct buf text = {0};
	struct err e;

	if (role_read_fd(fd, CONF_FILE_MAX_BYTES, &text, &e) < 0 ||
	    conf_parse("effective", "", text.data, text.len, settings_table, NULL, NULL, &boot.conf,
		       &e) < 0)
		log_fatal("boot", &e);
	env.index = (uint32_t)m->number;
	buf_free(&text);
	close(fd);
}

static void
peer_gone(void *ctx, struct chan *ch)
{
	env.peers--;
	if (!env.stopping)
		chan_drain(env.master); /* it may have said that all stop, and we read this first */
	if (env.role->gone != NULL) {
		env.role->gone(&env, ch);
		return;
	}
	if (env.stopping) { /* the others stop as well: no fault */
		role_exit(&env);
		return;
	}
	log_error("peer-gone", "peer=%s index=%u", role_name(chan_peer(ch)), chan_index(ch));
	exit(1);
}

static void
open_peer(const struct msg_peer *m, int fd)
{
	struct chan *ch;

	assert(m->role < ROLE_IDS);
	ch = chan_new(env.base, fd, env.role->id, (enum role_id)m->role, m->index,
		      env.role->handlers, peer_gone, &env);
	env.peers++;
	if (env.role->peer != NULL)
		env.role->peer(&env, ch);
}

static void
on_peer(void *ctx, struct chan *ch, const void *msg, int fd)
{
	if (env.base != NULL) {
		open_peer(msg, fd);
		return;
	}
	assert(boot.n < PEERS_MAX);
	boot.who[boot.n] = *(const struct msg_peer *)msg;
	boot.fd[boot.n++] = fd;
}

static void
on_listen(void *ctx, struct chan *ch, const void *msg, int fd)
{
	assert(env.listens < ROLE_LISTENS_MAX);
	env.listen_fd[env.listens++] = fd;
}

static void
on_dir(void *ctx, struct chan *ch, const void *msg, int fd)
{
	env.data_fd = fd;
}

static void
on_control(void *ctx, struct chan *ch, const void *msg, int fd)
{
	if (env.role->control != NULL)
		env.role->control(&env, msg, fd);
	else
		close(fd);
}

/* The new conf and files take the place of the old; undone by a second call. */
static void
swap_in(void)
{
	struct role_file files[ROLE_FILES_MAX];
	struct conf *conf = env.conf;
	size_t n = env.nfiles;

	memcpy(files, env.files, sizeof files);
	memcpy(env.files, boot.files, sizeof files);
	memcpy(boot.files, files, sizeof files);
	env.nfiles = boot.nfiles;
	boot.nfiles = n;
	env.conf = boot.conf;
	boot.conf = conf;
}

static void
drop_staged(void)
{
	for (size_t i = 0; i < boot.nfiles; i++)
		file_drop(&boot.files[i]);
	boot.nfiles = 0;
	conf_free(boot.conf);
	boot.conf = NULL;
}

static void
on_reload(void *ctx, struct chan *ch, const void *msg, int fd)
{
	struct msg_ready done = {0};
	struct err e = {0};

	swap_in();
	if (env.role->reload == NULL || env.role->reload(&env, &e) == 0) {
		log_info("reloaded", "");
	} else {
		swap_in();
		log_err(LOG_LEVEL_ERROR, "reload-refused", &e);
		done.text = (struct blob){(const uint8_t *)e.text, strlen(e.text)};
	}
	drop_staged();
	chan_send(env.master, MSG_READY, &done, -1);
}

static void
on_grace_over(evutil_socket_t fd, short what, void *arg)
{
	log_warn("grace-over", "");
	role_exit(&env);
}

static void
on_stop(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_named *m = msg;
	struct timeval grace = {(time_t)(m->number / 1000), (suseconds_t)(m->number % 1000 * 1000)};

	env.stopping = true;
	event_base_once(env.base, -1, EV_TIMEOUT, on_grace_over, NULL, &grace);
	if (env.role->stop != NULL)
		env.role->stop(&env, m->number);
	else if (env.peers == 0)
		role_exit(&env);
}

static const struct chan_handler master_handlers[] = {
    {MSG_CONF, on_conf},       {MSG_SECRET, on_secret},
    {MSG_FILE, on_file},       {MSG_PEER, on_peer},
    {MSG_LISTEN, on_listen},   {MSG_DIR, on_dir},
    {MSG_RELOAD, on_reload},   {MSG_STOP, on_stop},
    {MSG_CONTROL, on_control}, {0, NULL}};

static void
master_gone(void *ctx, struct chan *ch)
{
	if (!env.stopping)
		log_warn("master-gone", "");
	exit(env.stopping ? 0 : 1);
}

void
role_exit(struct role_env *of)
{
	event_base_loopbreak(of->base);
}

/* --- the main --- */

/* Everything that master sends before GO, one after the other. */
static void
read_boot(void)
{
	struct buf raw = {0};
	uint32_t kind = 0;
	struct err e;

	while (kind != MSG_GO) {
		const struct chan_handler *h = master_handlers;
		void *msg;
		int fd;

		if (chan_recv_blocking(MASTER_FD, env.role->id, ROLE_MASTER, &kind, &msg, &raw, &fd,
				       &e) < 0)
			log_fatal("boot", &e);
		while (h->kind != 0 && h->kind != kind)
			h++;
		if (h->kind != 0)
			h->take(NULL, NULL, msg, fd);
		else
			assert(kind == MSG_GO);
		if (kind == MSG_GO)
			boot.trial = ((const struct msg_named *)msg)->number == GO_TRY;
		msg_free(msg_row(kind), msg);
		free(msg);
	}
	buf_free(&raw);
}

/* What libraries load lazily must be loaded while there still is a file system. */
static void
warm_up(void)
{
	time_t now = time(NULL);
	struct tm tm;

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		log_warn("locale", "wanted=%s", "C.UTF-8");
	tzset();
	localtime_r(&now, &tm);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP,
	       SIG_IGN); /* a terminal's signals reach the whole group: only master acts on them */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
}

static struct event_base *
new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	event_config_set_flag(config,
			      EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST | EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (base == NULL)
		log_fatal("boot", &(struct err){ERR_SYSTEM, "no event base"});
	return base;
}

/* Master only wants to know whether the files would be taken. */
static _Noreturn void
end_trial(int rc, const struct err *e)
{
	struct msg_ready done = {0};

	if (rc < 0)
		done.text = (struct blob){(const uint8_t *)e->text, strlen(e->text)};
	env.master = chan_new(env.base, MASTER_FD, env.role->id, ROLE_MASTER, 0, master_handlers,
			      master_gone, &env);
	chan_send(env.master, MSG_READY, &done, -1);
	exit(0);
}

static void
start(struct buf *told)
{
	const struct role *role = env.role;
	struct jail jail = {.user = conf_str(env.conf, "gateway", NULL, "user"),
			    .root = conf_str(env.conf, "gateway", NULL, "jail"),
			    .data_fd = env.data_fd};
	struct err e;
	int rc;

	env.base = new_base(); /* its descriptors are made while they can be */
	rc = role->prepare != NULL ? role->prepare(&env, &e) : 0;
	if (boot.trial)
		end_trial(rc, &e);
	if (rc < 0)
		log_fatal("prepare", &e);
	jail.token = env.token;
	if (jail_enter(role->id, &jail, told, &e) < 0)
		log_fatal("jail", &e);
	env.master = chan_new(env.base, MASTER_FD, role->id, ROLE_MASTER, 0, master_handlers,
			      master_gone, &env);
	for (size_t i = 0; i < boot.n; i++)
		open_peer(&boot.who[i], boot.fd[i]);
	if (role->start != NULL && role->start(&env, &e) < 0)
		log_fatal("start", &e);
}

static enum log_level
level_of(const char *word)
{
	return strcmp(word, "debug") == 0  ? LOG_LEVEL_DEBUG
	       : strcmp(word, "warn") == 0 ? LOG_LEVEL_WARN
					   : LOG_LEVEL_INFO;
}

int
role_main(int argc, char **argv, const struct role *role)
{
	struct buf told = {0};

	env.role = role;
	log_init(role_name(role->id), LOG_LEVEL_INFO);
	if (fcntl(MASTER_FD, F_GETFD) < 0) {
		fprintf(stderr,
			"safehand-%s: started by safehandd, not by hand; see safehandd(8)\n",
			role_name(role->id));
		return 2;
	}
	fcntl(MASTER_FD, F_SETFD, FD_CLOEXEC);
	read_boot();
	swap_in();
	log_level_set(level_of(conf_str(env.conf, "gateway", NULL, "log")));
	warm_up();
	start(&told);
	chan_send(env.master, MSG_READY, &(struct msg_ready){{told.data, told.len}}, -1);
	log_info("ready", "confinement=%s", buf_str(&told));
	buf_free(&told);
	event_base_dispatch(env.base);
	log_info("stopped", "");
	exit(0);
}
