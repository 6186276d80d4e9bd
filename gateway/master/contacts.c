/* contacts.c - mail and webhooks in the configuration: what must stand together, and the webhooks'
 * secrets. Runs in: master. Owns: nothing. Trusts: the administrator, after checking. */
#include <string.h>

#include "frame/contact.h"
#include "master/master.h"
#include "safehand/enc.h"
#include "safehand/name.h"

#define KEY_FILE_MAX 128 /* bytes: whsec_ and base64 of WEBHOOK_KEY_MAX, a newline */

static bool
is_set(const struct conf *c, const char *section, const char *name, const char *key)
{
	return *conf_str(c, section, name, key) != '\0';
}

static void
fault(const struct conf *c, const char *section, const char *name, const char *key,
      const char *text, struct err *e)
{
	struct err why;

	err_set(&why, ERR_CONFIG, "%s", text);
	load_report(c, section, name, key, &why, e);
}

static void
check_mail(const struct conf *c, struct err *e)
{
	const char *server = conf_str(c, "mail", NULL, "server");
	struct contact_server s = {0};
	struct err unused;

	if (*server != '\0' && contact_server(server, &s, &unused) < 0)
		return; /* was reported as the value's own fault */
	if (*server != '\0' && !is_set(c, "mail", NULL, "from"))
		fault(c, "mail", NULL, "server", "a server wants from = ADDRESS beside it", e);
	if (is_set(c, "mail", NULL, "user") != is_set(c, "mail", NULL, "password"))
		fault(c, "mail", NULL, is_set(c, "mail", NULL, "user") ? "user" : "password",
		      "want both user and password, or neither", e);
	if (strcmp(conf_str(c, "mail", NULL, "tls"), "if-offered") == 0 && !s.loopback)
		fault(c, "mail", NULL, "tls", "if-offered: only to a server on a loopback address",
		      e);
}

static void
check_mailbox(const struct conf *c, const char *pattern, struct err *e)
{
	bool hook = is_set(c, "mailbox", pattern, "webhook");

	if (!name_is_pattern(pattern))
		fault(c, "mailbox", pattern, "mail",
		      "the section's name: want agency/role, * for any", e);
	if (is_set(c, "mailbox", pattern, "mail") && !is_set(c, "mail", NULL, "server"))
		fault(c, "mailbox", pattern, "mail", "there is no [mail] server to send it", e);
	if (hook != is_set(c, "mailbox", pattern, "webhook-key"))
		fault(c, "mailbox", pattern, hook ? "webhook" : "webhook-key",
		      "want both webhook and webhook-key, or neither", e);
}

void
contacts_check(const struct conf *c, struct err *e)
{
	const char *pattern;

	check_mail(c, e);
	for (size_t i = 0; (pattern = conf_instance(c, "mailbox", i)) != NULL; i++)
		check_mailbox(c, pattern, e);
}

static void
load_key(struct loaded *l, const char *pattern, struct buf *keys_secret, struct err *e)
{
	const char *path = conf_str(l->conf, "mailbox", pattern, "webhook-key");
	struct buf text_secret = {0}, key_secret = {0};
	struct err why;

	if (load_read(path, true, KEY_FILE_MAX, &text_secret, &why) < 0 ||
	    contact_key(text_secret.data, text_secret.len, &key_secret, &why) < 0) {
		load_report(l->conf, "mailbox", pattern, "webhook-key", &why, e);
	} else {
		buf_addf(keys_secret, "%s ", pattern);
		buf_add(keys_secret, text_secret.data, strcspn(buf_str(&text_secret), "\n"));
		buf_addc(keys_secret, '\n');
	}
	buf_wipe(&text_secret);
	buf_wipe(&key_secret);
}

void
contacts_load(struct loaded *l, struct err *e)
{
	struct buf keys_secret = {0};
	const char *pattern;

	load_check_line(l, "mail.password", "mail", "password", e); /* protocols of lines trip */
	buf_reserve(&keys_secret, WEBHOOK_KEYS_MAX); /* never moved: no copy stays behind */
	for (size_t i = 0; (pattern = conf_instance(l->conf, "mailbox", i)) != NULL; i++) {
		if (!is_set(l->conf, "mailbox", pattern, "webhook-key"))
			continue;
		if (keys_secret.len + NAME_MAILBOX + KEY_FILE_MAX > WEBHOOK_KEYS_MAX) {
			fault(l->conf, "mailbox", pattern, "webhook-key", "too many of them", e);
			break;
		}
		load_key(l, pattern, &keys_secret, e);
	}
	if (keys_secret.len > 0)
		load_add(l, "courier.webhook-keys", 1u << ROLE_COURIER, true, &keys_secret, e);
	buf_wipe(&keys_secret);
}
