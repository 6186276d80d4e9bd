/* webhook.c - a notice as a signed POST. Runs in: courier. Pure. Trusts: no member before
 * notice_check. */
#include "courier/webhook.h"

#include <stdio.h>

#include "safehand/digest.h"
#include "safehand/notice.h"

static void
sign(const char *id, long long seconds, const struct buf *body, const void *key_secret,
     size_t key_len, char out[static WEBHOOK_LINE])
{
	uint8_t mac[DIGEST_BYTES];
	struct buf text = {0};

	buf_addf(&text, "%s.%lld.", id, seconds);
	buf_add(&text, body->data, body->len);
	digest_hmac(key_secret, key_len, text.data, text.len, mac);
	buf_clear(&text);
	buf_base64(&text, mac, sizeof mac);
	snprintf(out, WEBHOOK_LINE, "webhook-signature: v1,%s", buf_str(&text));
	buf_free(&text);
}

int
webhook_compose(const struct msg_notify *m, const void *key_secret, size_t key_len, int64_t now_ms,
		struct webhook *out, struct err *e)
{
	char id[UUID_TEXT + 24];
	long long seconds = now_ms / 1000;

	*out = (struct webhook){0};
	if (notice_check(&m->notice, e) < 0)
		return -1;
	notice_format(&m->notice, &out->body);
	snprintf(id, sizeof id, "%s_%llu", m->notice.id, (unsigned long long)m->job);
	snprintf(out->id, sizeof out->id, "webhook-id: %s", id);
	snprintf(out->timestamp, sizeof out->timestamp, "webhook-timestamp: %lld", seconds);
	sign(id, seconds, &out->body, key_secret, key_len, out->signature);
	return 0;
}

void
webhook_clear(struct webhook *w)
{
	buf_free(&w->body);
	*w = (struct webhook){0};
}
