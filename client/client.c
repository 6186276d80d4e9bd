/* client.c - opens what the commands need, when they need it. Runs in: client. Owns: configuration
 * and state folder. Trusts: its own user's files, after checking owner and mode. */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safehand/enc.h"
#include "gate.h"
#include "past.h"
#include "safehand/secret.h"
#include "settings.h"

void
client_init(struct client *c)
{
	*c = (struct client){.state_fd = -1};
}

void
client_close(struct client *c)
{
	past_close(c);
	gate_close(c);
	secret_free(c->typed_secret);
	conf_free(c->conf);
	if (c->state_fd >= 0)
		close(c->state_fd);
	client_init(c);
}

static void
report(void *ctx, const char *file, int line, const char *text)
{
	const struct client *c = ctx;
	struct buf clean = {0};

	if (c->json)
		return; /* the first one is in the error object */
	text_escape(&clean, text, strlen(text));
	if (line > 0)
		fprintf(stderr, "%s:%d: %s\n", file, line, buf_str(&clean));
	else
		fprintf(stderr, "%s: %s\n", file, buf_str(&clean));
	buf_free(&clean);
}

int
client_conf(struct client *c, const struct conf **out, struct err *e)
{
	struct buf path = {0};
	int rc = 0;

	if (c->conf == NULL) {
		if (c->config_path != NULL)
			buf_adds(&path, c->config_path);
		else
			settings_default_path(&path);
		rc = conf_load(buf_str(&path), settings_table, report, c, &c->conf, e);
		if (rc == 0 && (rc = settings_check(c->conf, e)) < 0) {
			conf_free(c->conf);
			c->conf = NULL;
		}
	}
	buf_free(&path);
	*out = c->conf;
	return rc;
}

bool
client_has_conf(const struct client *c)
{
	struct buf path = {0};
	bool is;

	if (c->conf != NULL || c->config_path != NULL)
		return true;
	settings_default_path(&path);
	is = access(buf_str(&path), F_OK) == 0;
	buf_free(&path);
	return is;
}

static int
check_folder(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "state folder %s", path);
	if (st.st_uid != geteuid())
		return err_set(e, ERR_CONFIG,
			       "state folder %s: it belongs to user %u; run as that "
			       "user, or name another folder",
			       path, (unsigned)st.st_uid);
	if ((st.st_mode & 077) != 0)
		return err_set(e, ERR_CONFIG,
			       "state folder %s: others may look into it; say: chmod 700 %s", path,
			       path);
	return 0;
}

int
client_state(struct client *c, int *fd, struct err *e)
{
	const struct conf *conf;
	const char *path;
	int dir;

	if (c->state_fd >= 0) {
		*fd = c->state_fd;
		return 0;
	}
	if (client_conf(c, &conf, e) < 0)
		return -1;
	path = conf_str(conf, "agency", NULL, "state");
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "state folder %s", path);
	if ((dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_sys(e, "state folder %s", path);
	if (check_folder(dir, path, e) < 0) {
		close(dir);
		return -1;
	}
	*fd = c->state_fd = dir;
	return 0;
}

int
client_folder(struct client *c, const char *name, int *fd, struct err *e)
{
	int state;

	if (client_state(c, &state, e) < 0)
		return -1;
	if (mkdirat(state, name, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "state folder: %s", name);
	*fd = openat(state, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *fd >= 0 ? 0 : err_sys(e, "state folder: %s", name);
}
