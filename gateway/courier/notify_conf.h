/* notify_conf.h - what is known of the mail server and the webhooks: one set, shared by what was
 * begun with it. Runs in: courier. */
#ifndef COURIER_NOTIFY_CONF_H
#define COURIER_NOTIFY_CONF_H

#include <stdbool.h>

#include "frame/role.h"

struct notify_key {
	char pattern[NAME_MAILBOX];
	struct buf key_secret;
};

struct notify_conf {
	unsigned users; /* freed with the last */
	char *server, *from, *user;
	struct buf password_secret; /* a NUL follows */
	struct buf mail_roots, hook_roots;
	bool tls_if_offered;
	int64_t timeout_ms, give_up_ms;
	struct notify_key *keys;
	size_t nkeys;
};

/* With one user. The secrets of env are dropped. ERR_CONFIG. */
int notify_conf_new(struct role_env *env, struct notify_conf **out, struct err *e)
    __attribute__((warn_unused_result));
struct notify_conf *notify_conf_use(struct notify_conf *c);
void notify_conf_leave(struct notify_conf *c); /* NULL is fine */
/* The secret of the section [mailbox "pattern"], or NULL. */
const struct buf *notify_conf_key(const struct notify_conf *c, const char *pattern);

#endif
