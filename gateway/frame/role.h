/* role.h - what every role's main stands on: boot messages, jail, loop, reload, stop. Runs in: all
 * roles but master. */
#ifndef FRAME_ROLE_H
#define FRAME_ROLE_H

#include "frame/chan.h"
#include "safehand/conf.h"

struct event_base;

#define ROLE_FILES_MAX	 16
#define ROLE_LISTENS_MAX 4

/* A file or secret that master handed over. data is guarded and wiped for secrets, which must be
 * taken with role_secret_drop when the role has its key object. */
struct role_file {
	char name[NAME_MAILBOX]; /* "root", "issuing", "crl", "roster", "front.cert",
				    "notary.log.key", … */
	struct buf data;
	bool is_secret;
};

struct role_env {
	const struct role *role;
	struct event_base *base; /* epoll with changelist, no locks */
	struct conf *conf;	 /* effective, checked by master */
	uint32_t index;		 /* which of several */
	int data_fd;		 /* the data folder, -1 unless the role is given it */
	int listen_fd[ROLE_LISTENS_MAX];
	size_t listens;
	struct chan *master;
	void *state; /* the role's own static struct */
	struct role_file files[ROLE_FILES_MAX];
	size_t nfiles;
	size_t peers; /* channels to other roles that are open */
	bool token;   /* prepare has opened the way to a token: the jail lets it be used */
	bool stopping;
};

struct role {
	enum role_id id;
	/* The role's messages from peers. NULL-terminated kinds; ctx of handlers is struct
	 * role_env. */
	const struct chan_handler *handlers;
	/* After the boot messages and the warm-up, before the jail: read what needs a file system.
	 * May be NULL. */
	int (*prepare)(struct role_env *env, struct err *e);
	/* In the jail, before the loop. */
	int (*start)(struct role_env *env, struct err *e);
	/* A peer's channel is there (before start for the first ones; later when a verify worker is
	 * replaced). */
	void (*peer)(struct role_env *env, struct chan *ch);
	/* The peer is gone. NULL: the process ends. */
	void (*gone)(struct role_env *env, struct chan *ch);
	/* New conf and files stand in env. On -1 the old ones stay in force: env is as before and
	 * master is told. */
	int (*reload)(struct role_env *env, struct err *e);
	/* Finish; call role_exit when done. NULL: ends when the last peer has gone, who may need it
	 * to finish. grace_ms: after that the process ends anyhow. */
	void (*stop)(struct role_env *env, uint64_t grace_ms);
	/* A control connection (store only). */
	void (*control)(struct role_env *env, const struct msg_control *msg, int fd);
};

/* The main of every role's binary: never returns but to exit. fd 3 is the channel to master. */
int role_main(int argc, char **argv, const struct role *role);
void role_exit(struct role_env *env); /* leaves the loop; status 0 */

/* A file by name, NULL if master sent none. */
const struct buf *role_file(const struct role_env *env, const char *name);
/* Wipes a secret after use. */
void role_secret_drop(struct role_env *env, const char *name);

/* memfd with these bytes, sealed against change; ends the process on failure. */
int role_memfd(const char *name, const void *p, size_t n);
/* The same where there is somebody to be told to come again: -1 with ERR_BUSY. */
int role_memfd_try(const char *name, const void *p, size_t n, struct err *e)
    __attribute__((warn_unused_result));
/* Reads the whole of a regular file or memfd of at most max bytes from offset 0. */
int role_read_fd(int fd, size_t max, struct buf *out, struct err *e);

/* Bytes that go with a message: few travel in it (*inside, a view of p; -1 is returned), more as a
 * sealed memfd, which is returned. Ends the process on failure, as role_memfd. */
int role_carry(const char *name, const void *p, size_t n, struct blob *inside);
/* What came so, at most max bytes, appended to out: fd -1 says that they are inside. */
int role_carried(const struct blob *inside, int fd, size_t max, struct buf *out, struct err *e);

#endif
