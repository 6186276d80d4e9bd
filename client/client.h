/* client.h - what the commands share: configuration, trust, roster, folders, each opened when it is
 * first asked for; and how they speak to people. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/conf.h"
#include "safehand/err.h"
#include "safehand/limits.h"

struct client {
	const char *config_path; /* --config, or NULL */
	bool json, quiet;
	struct conf *conf;
	int state_fd; /* the state folder, or -1 */
	const volatile sig_atomic_t
	    *stop;		     /* not 0: come to an end; NULL: the process is just killed */
	struct secret *typed_secret; /* keys.c's: the passphrase last typed, or NULL */
	/* gate.c's */
	struct trust *trust;
	struct roster *roster;
	/* Those before them: who was given one may still work with it when they are renewed. */
	struct trust *last_trust;
	struct roster *last_roster;
	uint8_t roster_sha256[DIGEST_BYTES];
	struct http *http;
	struct secret *tls_key_secret;
	int64_t opened_ms; /* when gate_open last saw to CRL and roster; 0: never */
	/* past.c's */
	struct past *past;
	bool past_busy, past_seen; /* it is asked for now; it was, in this contact */
};

void client_init(struct client *c);
void client_close(struct client *c);

/* The configuration, checked; the client's. Every fault is told on stderr with file:line.
 * ERR_CONFIG. */
int client_conf(struct client *c, const struct conf **out, struct err *e)
    __attribute__((warn_unused_result));
/* Whether there is one: named, or in its place. */
bool client_has_conf(const struct client *c);
/* The state folder's descriptor, the client's; made if it is not there. ERR_CONFIG if others than
 * its owner can look into it. */
int client_state(struct client *c, int *fd, struct err *e) __attribute__((warn_unused_result));
/* A folder inside the state folder, made if it is not there; *fd is the caller's. */
int client_folder(struct client *c, const char *name, int *fd, struct err *e)
    __attribute__((warn_unused_result));

/* --- saying things: say.c --- */

/* A result on standard output; a newline is put after it if it ends in none. */
int say(const struct client *c, const struct buf *text, struct err *e)
    __attribute__((warn_unused_result));
/* A line on stderr about what is going on, escaped; nothing with --quiet or --json. */
void say_note(const struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The error, as the common options want it: a sentence on stderr, or an object on stdout. Returns
 * the exit status. */
int say_error(const struct client *c, const struct err *e);

#endif
