/* watch.c - safehand watch: a service that sends what is dropped and puts down what arrives. Runs
 * in: client; a process for the outbox and one for each mailbox, under one that starts them again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arrivals.h"
#include "commands.h"
#include "files.h"
#include "outbox.h"
#include "safehand/log.h"

#define LOCK_TRIES 75 /* of 200 ms: children of one that was killed take a moment to go */
#define LOCK_MS	   200
#define RESTART_MS 1000 /* before a child that died is started again */

static volatile sig_atomic_t stop;

struct child {
	pid_t pid;
	const char *mailbox; /* NULL: the outbox */
};

struct watch {
	struct client *c;
	const char *outbox, *inbox;
	struct child *children;
	size_t n;
	sigset_t open; /* the signals of before: what a wait and a child let through */
};

static void
on_signal(int sig)
{
	stop = 1;
}

/* A datagram of text; without a supervisor nothing is said (sd_notify(3)). */
static void
notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = path != NULL ? strlen(path) : 0;
	int fd;

	if (n == 0 || n >= sizeof to.sun_path || (*path != '/' && *path != '@'))
		return;
	memcpy(to.sun_path, path, n);
	if (*path == '@')
		to.sun_path[0] = '\0';
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return;
	(void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}

/* --- the outbox --- */

/* Until something changes in the folder, or the time is over. */
static void
wait_for_change(int in, int64_t ms)
{
	struct pollfd p = {.fd = in, .events = POLLIN};
	char events[4096];

	while (ms > 0 && stop == 0) {
		int slice = ms < LOCK_MS ? (int)ms : LOCK_MS;

		if (in < 0)
			retry_sleep(slice, &stop);
		else if (poll(&p, 1, slice) > 0) {
			(void)!read(in, events, sizeof events);
			return;
		}
		ms -= slice;
	}
}

static void
serve_outbox(struct client *c, const char *folder)
{
	int64_t scan = conf_int(c->conf, "watch", NULL, "scan");
	int64_t cap = conf_int(c->conf, "watch", NULL, "backoff");
	int in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), rc;
	unsigned tries = 0;
	struct err e;

	if (in >= 0 && inotify_add_watch(in, folder, IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
		close(in);
		in = -1; /* looking through it from time to time does, too */
	}
	while (stop == 0) {
		rc = outbox_scan(c, folder, &e);
		if (rc < 0)
			log_err(LOG_LEVEL_ERROR, "outbox", &e);
		if (rc == 0) {
			tries = 0;
			wait_for_change(in, scan);
		} else {
			retry_sleep(retry_pause_ms(tries, cap, 0, arc4random()), &stop);
			tries += tries < 32;
		}
	}
	if (in >= 0)
		close(in);
}

/* --- children --- */

static int
start(struct watch *w, struct child *child, struct err *e)
{
	pid_t parent = getpid();

	child->pid = fork();
	if (child->pid < 0)
		return err_sys(e, "fork");
	if (child->pid > 0)
		return 0;
	sigprocmask(SIG_SETMASK, &w->open, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* a parent that is killed takes its children along */
	if (getppid() != parent)
		_exit(0);
	if (child->mailbox == NULL)
		serve_outbox(w->c, w->outbox);
	else
		arrivals_serve(w->c, child->mailbox, w->inbox);
	client_close(w->c);
	_exit(0);
}

static void
restart(struct watch *w, pid_t pid)
{
	struct err e;

	for (size_t i = 0; i < w->n; i++) {
		if (w->children[i].pid != pid)
			continue;
		log_error("died", "child=%s",
			  w->children[i].mailbox != NULL ? w->children[i].mailbox : "outbox");
		retry_sleep(RESTART_MS, &stop);
		w->children[i].pid = -1;
		if (stop == 0 && start(w, &w->children[i], &e) < 0)
			log_err(LOG_LEVEL_ERROR, "start", &e);
	}
}

static void
stop_all(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->children[i].pid > 0)
			kill(w->children[i].pid, SIGTERM);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static int
start_all(struct watch *w, struct err *e)
{
	const char *name;

	w->children = mem_alloc(sizeof *w->children);
	if (w->outbox != NULL)
		w->children[w->n++] = (struct child){.pid = -1};
	for (size_t i = 0;
	     w->inbox != NULL && (name = conf_instance(w->c->conf, "mailbox", i)) != NULL; i++) {
		w->children = mem_realloc(w->children, w->n + 1, sizeof *w->children);
		w->children[w->n++] = (struct child){.pid = -1, .mailbox = name};
	}
	for (size_t i = 0; i < w->n; i++)
		if (start(w, &w->children[i], e) < 0)
			return -1;
	return 0;
}

static void
on_child(int sig)
{
}

static void
take_signals(void)
{
	struct sigaction act = {.sa_handler = on_signal}, child = {.sa_handler = on_child};

	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGCHLD, &child, NULL);
}

/* The next child that ended; 0: none did, a signal came. What comes between the look and the wait
 * is held until the wait: none is lost. */
static pid_t
wait_for_child(const struct watch *w)
{
	pid_t pid = waitpid(-1, NULL, WNOHANG);

	if (pid == 0)
		sigsuspend(&w->open);
	return pid;
}

static int
serve(struct watch *w, struct err *e)
{
	sigset_t held;
	int rc;

	sigemptyset(&held);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGCHLD);
	sigprocmask(SIG_BLOCK, &held, &w->open);
	rc = start_all(w, e);
	if (rc == 0) {
		log_info("serving", "children=%zu", w->n);
		notify("READY=1");
	}
	while (rc == 0 && stop == 0) {
		pid_t pid = wait_for_child(w);

		if (pid > 0 && stop == 0)
			restart(w, pid);
		else if (pid < 0 && errno != EINTR)
			rc = err_sys(e, "children");
	}
	sigprocmask(SIG_SETMASK, &w->open, NULL);
	notify("STOPPING=1");
	stop_all(w);
	free(w->children);
	log_info("stopped", "children=%zu", w->n);
	return rc;
}

/* One service for a state folder: two would take each other's steps. */
static int
lock(struct client *c, int *fd, struct err *e)
{
	int state;

	if (client_state(c, &state, e) < 0)
		return -1;
	*fd = openat(state, "watch.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd < 0)
		return err_sys(e, "watch.lock");
	for (int i = 0; i < LOCK_TRIES && stop == 0; i++) {
		if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		retry_sleep(LOCK_MS, &stop);
	}
	close(*fd);
	return err_set(e, ERR_BUSY, "another safehand watch serves this state folder");
}

/* A watch that was killed may have left files half written; nobody else writes there now. */
static int
sweep(struct client *c, struct err *e)
{
	static const char *const folders[] = {"pending", "evidence", "spool"};
	int fd;

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		if (client_folder(c, folders[i], &fd, e) < 0)
			return -1;
		files_sweep(fd);
		close(fd);
	}
	return client_state(c, &fd, e) < 0 ? -1 : (files_sweep(fd), 0);
}

static int
run(struct client *c, const struct args *a, struct err *e)
{
	struct watch w = {
	    .c = c, .outbox = args_value(a, "outbox"), .inbox = args_value(a, "inbox")};
	const struct conf *conf;
	int fd, rc;

	if (args_want(a, 0, 0, "", e) < 0 || client_conf(c, &conf, e) < 0)
		return -1;
	if (w.outbox == NULL && w.inbox == NULL)
		return err_set(e, ERR_USAGE, "--outbox or --inbox is wanted");
	if (w.inbox != NULL && conf_instance(conf, "mailbox", 0) == NULL)
		return err_set(e, ERR_CONFIG, "--inbox: no [mailbox] is configured");
	take_signals();
	c->stop = &stop;
	if (lock(c, &fd, e) < 0)
		return stop != 0 ? 0 : -1; /* told to end before it had begun */
	log_init("watch", LOG_LEVEL_INFO);
	c->quiet = true; /* it speaks by its log */
	rc = sweep(c, e) < 0 ? -1 : serve(&w, e);
	close(fd);
	return rc;
}

static const struct args_row options[] = {
    {"outbox", "FOLDER", "send what is dropped here with a sidecar NAME.json", false},
    {"inbox", "FOLDER", "put what arrives here, a folder per mailbox", false},
    {NULL, NULL, NULL, false},
};

const struct command watch_command = {
    .name = "watch",
    .operands = "",
    .summary = "run as a service: send what is dropped, put down what arrives",
    .about = "A sidecar is a JSON object: class, to, file (lists: of mailboxes, of names beside "
	     "it), and what\nsafehand send takes: from, about, household, exclude, cover, action, "
	     "event-at, concern, reply-to,\nsupersedes, provisional, as. It may come before its "
	     "files. What was sent goes to FOLDER/sent/ID,\nwhat was refused to FOLDER/failed/ID "
	     "with error.json. Nothing is lost while the gateway is away,\nand nothing is sent or "
	     "put down twice. SIGTERM ends it.\n",
    .options = options,
    .run = run,
};
