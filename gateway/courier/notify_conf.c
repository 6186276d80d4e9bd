/* notify_conf.c - the mail server, the webhooks' secrets. Runs in: courier. Owns: the secrets.
 * Trusts: master, which checked them. */
#include "courier/notify_conf.h"

#include <stdlib.h>
#include <string.h>

#include "frame/contact.h"

#define KEYS	 "courier.webhook-keys" /* lines "PATTERN whsec_BASE64" */
#define PASSWORD "mail.password"

static void
take_file(const struct role_env *env, const char *name, struct buf *out)
{
	const struct buf *file = role_file(env, name);

	if (file != NULL)
		buf_add(out, file->data, file->len);
}

/* "PATTERN whsec_BASE64", n bytes of them. */
static int
take_key(struct notify_conf *c, const char *line, size_t n, struct err *e)
{
	size_t name = strcspn(line, " ");
	struct notify_key *k;

	if (name >= n || name >= NAME_MAILBOX)
		return err_set(e, ERR_CONFIG, "a webhook's key without its pattern");
	c->keys = mem_realloc(c->keys, c->nkeys + 1, sizeof *c->keys);
	k = &c->keys[c->nkeys++];
	*k = (struct notify_key){0};
	memcpy(k->pattern, line, name);
	buf_reserve(&k->key_secret, WEBHOOK_KEY_MAX);
	return contact_key(line + name + 1, n - name - 1, &k->key_secret, e);
}

static int
take_keys(struct notify_conf *c, const struct role_env *env, struct err *e)
{
	const struct buf *file = role_file(env, KEYS);
	const char *line = file != NULL ? buf_str(file) : "";

	while (*line != '\0') {
		size_t n = strcspn(line, "\n");

		if (take_key(c, line, n, e) < 0)
			return -1;
		line += n + (line[n] == '\n');
	}
	return 0;
}

/* One line, whose end is not part of it. */
static void
take_password(struct notify_conf *c, const struct role_env *env)
{
	const struct buf *file = role_file(env, PASSWORD);

	if (file == NULL)
		return;
	buf_add(&c->password_secret, file->data, strcspn(buf_str(file), "\n"));
}

static void
conf_release(struct notify_conf *c)
{
	for (size_t i = 0; i < c->nkeys; i++)
		buf_wipe(&c->keys[i].key_secret);
	free(c->keys);
	buf_wipe(&c->password_secret);
	buf_free(&c->mail_roots);
	buf_free(&c->hook_roots);
	free(c->server);
	free(c->from);
	free(c->user);
	free(c);
}

int
notify_conf_new(struct role_env *env, struct notify_conf **out, struct err *e)
{
	struct notify_conf *c = mem_alloc(sizeof *c);

	c->users = 1;
	c->server = mem_strdup(conf_str(env->conf, "mail", NULL, "server"));
	c->from = mem_strdup(conf_str(env->conf, "mail", NULL, "from"));
	c->user = mem_strdup(conf_str(env->conf, "mail", NULL, "user"));
	c->tls_if_offered = strcmp(conf_str(env->conf, "mail", NULL, "tls"), "if-offered") == 0;
	c->timeout_ms = conf_int(env->conf, "courier", NULL, "timeout");
	c->give_up_ms = conf_int(env->conf, "courier", NULL, "give-up");
	take_file(env, "mail.root", &c->mail_roots);
	take_file(env, "courier.webhook-root", &c->hook_roots);
	take_password(c, env);
	if (take_keys(c, env, e) < 0) {
		conf_release(c);
		return -1;
	}
	role_secret_drop(env, KEYS);
	role_secret_drop(env, PASSWORD);
	*out = c;
	return 0;
}

struct notify_conf *
notify_conf_use(struct notify_conf *c)
{
	c->users++;
	return c;
}

void
notify_conf_leave(struct notify_conf *c)
{
	if (c != NULL && --c->users == 0)
		conf_release(c);
}

const struct buf *
notify_conf_key(const struct notify_conf *c, const char *pattern)
{
	for (size_t i = 0; i < c->nkeys; i++)
		if (strcmp(c->keys[i].pattern, pattern) == 0)
			return &c->keys[i].key_secret;
	return NULL;
}
