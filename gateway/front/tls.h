/* tls.h - the role's door to OpenSSL: who may connect, and as whom. Runs in: front. */
#ifndef FRONT_TLS_H
#define FRONT_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"
#include "safehand/identity.h"

struct bufferevent;
struct event_base;

struct tls; /* keys, trust and revocations of one configuration; live connections outlast it */

struct tls_files {
	const struct buf *certificate, *key; /* our own, gateway-tls, with its chain; PEM */
	const struct buf *root, *issuing, *crl;
	int64_t crl_grace_ms; /* that a list serves beyond its next update */
};

/* allow_12: TLS 1.2 as well as 1.3. ERR_CERTIFICATE, ERR_PROFILE, ERR_SECRET naming the file. */
int tls_new(const struct tls_files *files, bool allow_12, struct tls **out, struct err *e);
void tls_free(struct tls *t);

/* A buffered connection that demands a client certificate; fd is owned by it from here on. NULL if
 * there is no memory for one: fd is closed then. */
struct bufferevent *tls_accept(struct tls *t, struct event_base *base, int fd);
/* After the handshake: who it is. */
int tls_peer(struct bufferevent *bev, struct identity *out, struct err *e);
/* After a handshake that failed: why; ERR_NETWORK when the client just left. */
void tls_why(struct bufferevent *bev, struct err *e);
/* Is the client's certificate, or a CA above it, in t's revocation lists? */
bool tls_is_revoked(const struct tls *t, struct bufferevent *bev);
/* Says that no more will be sent (close_notify). */
void tls_shutdown(struct bufferevent *bev);
/* When the first of the revocation lists is due to be replaced: from then on, and beyond the grace,
 * nobody is let in. */
int64_t tls_crl_until_ms(const struct tls *t);
/* When our own certificate ends. */
int64_t tls_until_ms(const struct tls *t);

#endif
