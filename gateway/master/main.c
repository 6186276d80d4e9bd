/* main.c - safehandd: reads the configuration, binds the sockets, starts the roles, hands keys to
 * their role. Runs in: master. Owns: the children, the control socket. Trusts: its command line and
 * configuration. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "frame/role.h"
#include "master/master.h"
#include "safehand/log.h"

static const char usage[] =
    "usage: safehandd [-nNPV] [-f FILE]\n"
    "\n"
    "The Safehand gateway: takes sealed bundles in, keeps them, gives them out against signed "
    "receipts.\n"
    "\n"
    "  -f, --config FILE  configuration (default /etc/safehand/safehand.conf)\n"
    "  -n, --check        check configuration and files, report every fault with file:line, exit\n"
    "  -N, --print        print the effective configuration, exit\n"
    "  -P, --policy       print the policy in the text whose digest the log has, exit\n"
    "  -V, --version      print the version, exit\n"
    "  -h, --help         print this, exit\n"
    "\n"
    "It stays in the foreground and logs to standard error. SIGHUP reloads, SIGTERM stops. See "
    "safehandd(8).\n";

static struct master master = {.data_fd = -1, .reload_fd = -1};

static int
print_effective(const char *path)
{
	struct buf text = {0};
	struct conf *c;
	struct err e;

	if (load_conf(path, &c, &e) < 0)
		return err_exit(ERR_CONFIG);
	conf_print(c, true, &text);
	fwrite(text.data, 1, text.len, stdout);
	buf_free(&text);
	conf_free(c);
	return 0;
}

static int
check(const char *path)
{
	struct loaded l = {0};
	struct err e;

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (load_all(path, &l, &e) < 0)
		return err_exit(ERR_CONFIG);
	if (trial_keys(path, &l, &e) < 0) {
		load_free(&l);
		return err_exit(ERR_CONFIG);
	}
	if (load_check_root(l.conf, &e) < 0)
		printf("%s: good, but as root it would not start\n", path);
	else
		printf("%s: good\n", path);
	load_free(&l);
	return 0;
}

static int
print_policy(const char *path)
{
	struct buf text = {0};
	struct loaded l = {0};
	struct err e;
	int rc;

	if (load_all(path, &l, &e) < 0)
		return err_exit(ERR_CONFIG);
	rc = classes_text(&l, &text, &e);
	if (rc == 0)
		fwrite(text.data, 1, text.len, stdout);
	buf_free(&text);
	load_free(&l);
	return rc == 0 ? 0 : err_exit(e.code);
}

/* The folder is the store's alone. */
static int
open_data(const struct conf *c, struct err *e)
{
	const char *path = conf_str(c, "gateway", NULL, "data");
	const struct passwd *pw =
	    geteuid() == 0 ? getpwnam(conf_str(c, "gateway", NULL, "user")) : NULL;
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "data folder %s", path);
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_sys(e, "data folder %s", path);
	if ((pw != NULL && fchown(fd, pw->pw_uid, pw->pw_gid) < 0) || fchmod(fd, 0700) < 0) {
		err_sys(e, "data folder %s", path);
		close(fd);
		return -1;
	}
	master.data_fd = fd;
	return 0;
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	if (sig == SIGCHLD)
		spawn_reap(&master);
	else if (sig == SIGHUP)
		reload_begin(&master, -1);
	else
		spawn_stop(&master);
}

static void
take_signals(struct event_base *base)
{
	static const int signals[] = {SIGCHLD, SIGHUP, SIGTERM, SIGINT};

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct event *ev = evsignal_new(base, signals[i], on_signal, NULL);

		if (ev == NULL || event_add(ev, NULL) < 0)
			log_fatal("signals", &(struct err){ERR_SYSTEM, "no event"});
	}
	signal(SIGPIPE, SIG_IGN);
}

static int
serve(const char *path)
{
	struct err e;

	log_init("master", LOG_LEVEL_INFO);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* it holds every key until it has handed them over */
	/* nor are they swapped; what is never touched, most of ICU's data behind libical, stays out
	 */
	if (geteuid() == 0 && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		log_warn("not-locked", "error=%s", strerror(errno));
	if (load_all(path, &master.now, &e) < 0)
		return err_exit(ERR_CONFIG);
	if (load_check_root(master.now.conf, &e) < 0)
		return err_exit(ERR_CONFIG);
	if (geteuid() != 0)
		log_warn("unprivileged", "skipped=%s", "chroot and change of user need root");
	if (open_data(master.now.conf, &e) < 0)
		log_fatal("start", &e);
	master.conf_path = path;
	if ((master.base = event_base_new()) == NULL)
		log_fatal("start", &(struct err){ERR_SYSTEM, "no event base"});
	take_signals(master.base);
	control_open(&master);
	spawn_all(&master);
	event_base_dispatch(master.base);
	unlink(conf_str(master.now.conf, "gateway", NULL, "control"));
	log_info("stopped", "status=%d", master.exit_status);
	return master.exit_status;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"config", 1, NULL, 'f'},  {"check", 0, NULL, 'n'},
						{"print", 0, NULL, 'N'},   {"policy", 0, NULL, 'P'},
						{"version", 0, NULL, 'V'}, {"help", 0, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	const char *path = "/etc/safehand/safehand.conf";
	int mode = 0;

	for (int o; (o = getopt_long(argc, argv, "f:nNPVh", options, NULL)) != -1;)
		switch (o) {
		case 'f': path = optarg; break;
		case 'n':
		case 'N':
		case 'P': mode = o; break;
		case 'V': printf("safehandd %s\n", SAFEHAND_VERSION); return 0;
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return err_exit(ERR_USAGE);
		}
	if (optind < argc) {
		fprintf(stderr, "safehandd: %s: no arguments wanted\n%s", argv[optind], usage);
		return err_exit(ERR_USAGE);
	}
	switch (mode) {
	case 'n': return check(path);
	case 'N': return print_effective(path);
	case 'P': return print_policy(path);
	default: return serve(path);
	}
}
