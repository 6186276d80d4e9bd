/* webhook.h - a notice as a signed POST, by the rules of standardwebhooks.com. Runs in: courier.
 * Pure. */
#ifndef COURIER_WEBHOOK_H
#define COURIER_WEBHOOK_H

#include "frame/msg.h"

#define WEBHOOK_LINE 160 /* bytes of a header's line, NUL included: each of the three fits */

/* The body is the notice's text (notice_format). The headers:
 *	webhook-id: NOTICE_JOB            the same at each try: who took it once drops the next
 *	webhook-timestamp: SECONDS        since 1970, of this try
 *	webhook-signature: v1,BASE64      HMAC-SHA256 over "ID.SECONDS.BODY" */
struct webhook {
	struct buf body;
	char id[WEBHOOK_LINE], timestamp[WEBHOOK_LINE], signature[WEBHOOK_LINE];
};
/* webhook_clear it, also after a refusal. ERR_FORMAT: the notice does not pass notice_check. */
int webhook_compose(const struct msg_notify *m, const void *key_secret, size_t key_len,
		    int64_t now_ms, struct webhook *out, struct err *e)
    __attribute__((warn_unused_result));
void webhook_clear(struct webhook *w); /* {0} after */

#endif
