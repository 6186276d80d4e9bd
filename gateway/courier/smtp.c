/* smtp.c - one mail to one address. Runs in: courier. A door to curl. Owns: nothing. Trusts: no
 * byte of the server; addresses and text were checked by whoever made them. */
#include "courier/smtp.h"

#include <stdio.h>
#include <string.h>

#include "courier/call_in.h"

/* The two that need no more than the words, which TLS covers. A server may offer others, and curl
 * prefers them: for a user with a domain a ticket (GSSAPI), whose library asks for the kernel's key
 * ring, at which the jail ends the process. */
#define LOGINS "AUTH=PLAIN;AUTH=LOGIN"

/* What is still to be sent. */
struct text {
	const struct buf *b;
	size_t at;
};

static size_t
on_read(char *to, size_t size, size_t n, void *arg)
{
	struct text *t = arg;
	size_t left = t->b->len - t->at;

	n = size * n < left ? size * n : left;
	if (n > 0)
		memcpy(to, t->b->data + t->at, n);
	t->at += n;
	return n;
}

static void
judge(struct call *call, CURLcode result, struct call_end *end)
{
	char digits[16];
	long code = 0;

	if (result == CURLE_OK)
		return;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &code);
	call_failed(call, result, end);
	end->lasting |= code >= 500 && code <= 599;
	snprintf(digits, sizeof digits, "%ld", code);
	if (code >= 400 && strstr(call->told, digits) == NULL) /* curl tells it of some commands */
		err_set(&end->why, ERR_NETWORK, "%s: the server said %ld", call->url, code);
}

static void
set_mail(struct call *call, const struct smtp_mail *m)
{
	long use = m->tls_if_offered ? CURLUSESSL_TRY : CURLUSESSL_ALL;
	struct text *t = mem_alloc(sizeof *t);
	CURL *c = call->easy;

	*t = (struct text){m->text, 0};
	call->of_kind = t;
	call->recipients = curl_slist_append(NULL, m->to);
	call_option(call->recipients != NULL &&
		    curl_easy_setopt(c, CURLOPT_USE_SSL, use) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_MAIL_FROM, m->from) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_MAIL_RCPT, call->recipients) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_READDATA, t) == CURLE_OK);
	if (*m->user != '\0')
		call_option(curl_easy_setopt(c, CURLOPT_LOGIN_OPTIONS, LOGINS) == CURLE_OK &&
			    curl_easy_setopt(c, CURLOPT_USERNAME, m->user) == CURLE_OK &&
			    curl_easy_setopt(c, CURLOPT_PASSWORD, m->password_secret) == CURLE_OK);
}

int
smtp_begin(struct calls *c, const struct smtp_mail *mail, call_done *done, void *ctx,
	   struct call **out, struct err *e)
{
	struct call *call = call_new(c, "smtp,smtps", mail->roots, mail->timeout_ms, done, ctx);
	struct buf url = {0};
	int rc;

	call->judge = judge;
	set_mail(call, mail);
	/* curl says hello with the path's name: ours, not the machine's */
	buf_addf(&url, "%s/%s", mail->server, strchr(mail->from, '@') + 1);
	rc = call_begin(call, buf_str(&url), e);
	if (rc == 0)
		*out = call;
	buf_free(&url);
	return rc;
}
