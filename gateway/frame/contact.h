/* contact.h - whom the gateway tells outside of its mailboxes, and through which server: addresses
 * and keys as the configuration names them. Runs in: master (checks), courier (uses). Pure. */
#ifndef FRAME_CONTACT_H
#define FRAME_CONTACT_H

#include <stdbool.h>
#include <stddef.h>

#include "safehand/buf.h"
#include "safehand/err.h"

#define CONTACT_MAIL_MAX 254 /* bytes of an address (RFC 5321 section 4.5.3.1.3) */
#define CONTACT_HOST_MAX 253 /* bytes of a host's name (RFC 1035 section 2.3.4) */
#define CONTACT_URL_MAX	 511 /* bytes of a webhook's URL: it travels in msg_notify */
#define WEBHOOK_KEY_MIN	 24  /* bytes of a secret, and WEBHOOK_KEY_MAX: standardwebhooks.com */
#define WEBHOOK_KEY_MAX	 64

/* An address that is written the same way everywhere: local@domain, the local part of letters,
 * digits and .!#$%&'*+/=?^_`{|}~- (RFC 5322 atext and dots), the domain of labels. No quotes, no
 * comments, no blanks, no control characters, no second line. ERR_CONFIG. */
int contact_mail(const char *text, struct err *e) __attribute__((warn_unused_result));

/* smtp://HOST:PORT (STARTTLS) or smtps://HOST:PORT (TLS from the first byte); HOST a name, an IPv4
 * address, or an IPv6 address in brackets; no user, no path. */
struct contact_server {
	bool tls; /* smtps */
	char host[CONTACT_HOST_MAX + 1];
	unsigned port;
	bool loopback; /* 127.0.0.0/8, [::1] or localhost */
};
/* ERR_CONFIG */
int contact_server(const char *text, struct contact_server *out, struct err *e)
    __attribute__((warn_unused_result));

/* https://HOST[:PORT]/PATH, or http: to a loopback address; no user, no fragment. ERR_CONFIG. */
int contact_webhook(const char *text, struct err *e) __attribute__((warn_unused_result));
/* Length of its "scheme://host:port": what shares a server. */
size_t contact_webhook_server(const char *url);

/* whsec_BASE64 and at most one newline: a webhook's secret, WEBHOOK_KEY_MIN..MAX bytes, appended
 * to key_secret. ERR_CONFIG, without telling any of it. */
int contact_key(const void *text, size_t len, struct buf *key_secret, struct err *e)
    __attribute__((warn_unused_result));

#endif
