/* mail.h - the mail that tells of a notice. Runs in: courier. Pure. */
#ifndef COURIER_MAIL_H
#define COURIER_MAIL_H

#include "frame/msg.h"

/* The whole message, headers and body, lines of at most 998 bytes that end in CRLF (RFC 5322): who
 * owes what by when, and no content of any bundle. from: a checked address. The same job gives the
 * same Message-ID. Nothing of it but now_ms, from, and the checked members of m is used: ERR_FORMAT
 * if the notice does not pass notice_check, ERR_CONFIG if an address is none. */
int mail_compose(const struct msg_notify *m, const char *from, int64_t now_ms, struct buf *text,
		 struct err *e) __attribute__((warn_unused_result));

#endif
