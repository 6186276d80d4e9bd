/* smtp.h - one mail to one address, through the configured server (RFC 5321). Runs in: courier. */
#ifndef COURIER_SMTP_H
#define COURIER_SMTP_H

#include "courier/call.h"

/* text must live until the call ends, the rest until smtp_begin returns. */
struct smtp_mail {
	const char *server; /* smtp://HOST:PORT, smtps://HOST:PORT */
	const char *from, *to;
	const char *user, *password_secret; /* "": nobody logs in */
	bool tls_if_offered;		    /* else the mail goes over TLS or not at all */
	const struct buf *roots;	    /* PEM; NULL: the system's */
	const struct buf *text;		    /* headers and body, lines end in CRLF */
	int64_t timeout_ms;		    /* from the first packet to the server's last answer */
};

/* done is called later. Lasting is a refusal of 500 to 599, a server without TLS, a certificate
 * that does not lead to the roots. ERR_USAGE: the URL. */
int smtp_begin(struct calls *c, const struct smtp_mail *mail, call_done *done, void *ctx,
	       struct call **out, struct err *e) __attribute__((warn_unused_result));

#endif
