/* master.h - what the files of the master share. Runs in: master. */
#ifndef MASTER_H
#define MASTER_H

#include <sys/types.h>

#include "frame/chan.h"
#include "safehand/conf.h"

struct event_base;

#define CHILDREN_MAX                                                                               \
	80 /* 32 fronts, 32 verify workers, store, notary, courier, with room for those being      \
	      replaced */
#define FILES_MAX 64 /* certificates, keys, roster, roots of external authorities */

/* A configured file, read once at start and at each reload. */
struct master_file {
	char name[NAME_MAILBOX];
	unsigned roles; /* mask of 1 << role_id */
	bool secret;
	struct buf data;
};

/* Everything that a reload replaces as a whole. */
struct loaded {
	struct conf *conf;
	struct buf text; /* effective, as -N prints it */
	struct master_file files[FILES_MAX];
	size_t nfiles;
};

struct child {
	enum role_id role;
	uint32_t index;
	pid_t pid; /* 0: no child here */
	struct chan *ch;
	bool ready;
	bool reloading;		/* owes the answer to a reload */
	struct buf confinement; /* JSON as the role told it */
};

struct master {
	const char *conf_path;
	struct event_base *base;
	struct loaded now;
	struct child children[CHILDREN_MAX];
	int data_fd;
	bool stopping, serving;
	int exit_status;
	int reload_fd;	   /* control connection that waits for the end of a reload, -1 */
	int reload_wait;   /* roles that have not answered yet */
	bool reload_store; /* its turn comes when all others have answered */
	struct buf reload_faults;
};

/* load.c: reads and checks; every fault is reported on standard error with file:line. */
int load_conf(const char *path, struct conf **out, struct err *e);
int load_all(const char *path, struct loaded *out, struct err *e);
/* What only a start as root needs: the user and the jail. Reports as load_conf does. */
int load_check_root(const struct conf *c, struct err *e);
void load_free(struct loaded *l);
/* A fault that only the program can judge, told with the place where the value was set; e takes the
 * first. */
void load_report(const struct conf *c, const char *section, const char *name, const char *key,
		 const struct err *fault, struct err *e);
/* The whole of a file; a secret must be ours or root's, and nobody else's to read. */
int load_read(const char *path, bool secret, size_t max, struct buf *out, struct err *e);
/* A copy of data becomes a file of the roles (mask). */
void load_add(struct loaded *l, const char *name, unsigned roles, bool secret,
	      const struct buf *data, struct err *e);

/* A file that was loaded, NULL if there is none of that name. */
const struct buf *load_find(const struct loaded *l, const char *name);
/* It wants one line; reported at the setting that names it. */
void load_check_line(const struct loaded *l, const char *name, const char *section, const char *key,
		     struct err *e);

/* keys.c: each key is encrypted if its section has a passphrase, and only then. */
void keys_check(const struct loaded *l, struct err *e);
/* trial.c: the roles that hold keys are started, take all of l as at a start, and leave. What they
 * refuse is told as of the configuration at path. Ends when all have answered. */
int trial_keys(const char *path, struct loaded *l, struct err *e)
    __attribute__((warn_unused_result));

/* contacts.c: mail and webhooks. */
void contacts_check(const struct conf *c, struct err *e); /* what must stand together */
/* The webhooks' secrets as one file of the courier's: lines "PATTERN whsec_BASE64". */
#define WEBHOOK_KEYS_MAX (2 * 1024 * 1024) /* bytes: ten thousand of them */
void contacts_load(struct loaded *l, struct err *e);

/* classes.c: classes and calendars. */
void classes_check(const struct conf *c, struct err *e); /* what the configuration alone says */
/* Their mailboxes are in the roster; the calendars, compiled, become a file of the store's. */
void classes_load(struct loaded *l, struct err *e);
/* The whole policy in its canonical text, as policy_whole_text has it. Appends. */
int classes_text(const struct loaded *l, struct buf *out, struct err *e)
    __attribute__((warn_unused_result));

/* listen.c: bound sockets, close-on-exec; end with err. */
int listen_tcp(const char *address, struct err *e); /* "host:port", SO_REUSEPORT */
int listen_check(const char *address, bool loopback_only, struct err *e);
int listen_unix(const char *path, const char *user, struct err *e);

/* spawn.c: the children. */
/* One child, given its files; it waits for the rest and for GO. */
struct child *spawn_child(struct master *m, enum role_id role, uint32_t index,
			  const struct chan_handler *take, chan_gone *gone);
void spawn_all(struct master *m);
void spawn_reload(struct master *m, struct loaded *next); /* takes next over */
void spawn_stop(struct master *m);			  /* in order: fronts, store, the rest */
void spawn_reap(struct master *m);			  /* after SIGCHLD */
void spawn_describe(const struct master *m, struct buf *json);
struct child *spawn_find(struct master *m, enum role_id role, uint32_t index);

/* control.c: safehandctl and Prometheus. */
void control_open(struct master *m);
void control_reloaded(struct master *m); /* all roles have answered */
void reload_begin(struct master *m, int answer_fd);

#endif
