/* load.c - reads and checks the configuration and the files that it names. Runs in: master.
 * Owns: nothing. Trusts: the administrator, after checking each value, owner and mode. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frame/role.h"
#include "frame/settings.h"
#include "master/master.h"
#include "safehand/enc.h"
#include "safehand/key.h"

#define R(r) (1u << ROLE_##r)

#define PASSWORD_MAX_BYTES (KEY_PASSPHRASE_MAX + 1) /* one line */
#define AUTHORITIES_MAX	   8 /* each is a file of the courier's, which takes ROLE_FILES_MAX */

/* Which role is given which file. Secrets go to their one role and nowhere else. */
static const struct source {
	const char *name, *section, *key;
	unsigned roles;
	bool secret;
	size_t max;
	bool optional; /* "" is no file */
} sources[] = {
    {"root", "trust", "root", R(FRONT) | R(VERIFY), false, CRL_MAX_BYTES, false},
    {"issuing", "trust", "issuing", R(FRONT) | R(VERIFY), false, CRL_MAX_BYTES, false},
    {"crl", "trust", "crl", R(FRONT) | R(VERIFY) | R(STORE), false, CRL_MAX_BYTES, false},
    {"roster", "trust", "roster", R(STORE), false, ROSTER_MAX_BYTES, false},
    {"front.certificate", "front", "certificate", R(FRONT), false, CRL_MAX_BYTES, false},
    {"front.key", "front", "key", R(FRONT), true, CERTIFICATE_MAX_BYTES, false},
    {"front.key-passphrase", "front", "key-passphrase", R(FRONT), true, PASSWORD_MAX_BYTES, true},
    {"notary.log-key", "notary", "log-key", R(NOTARY), true, CERTIFICATE_MAX_BYTES, false},
    {"notary.tsa-key", "notary", "tsa-key", R(NOTARY), true, CERTIFICATE_MAX_BYTES, false},
    {"notary.tsa-certificate", "notary", "tsa-certificate", R(NOTARY), false, CRL_MAX_BYTES, false},
    {"notary.notice-key", "notary", "notice-key", R(NOTARY), true, CERTIFICATE_MAX_BYTES, true},
    {"notary.notice-certificate", "notary", "notice-certificate", R(NOTARY), false, CRL_MAX_BYTES,
     true},
    {"notary.key-passphrase", "notary", "key-passphrase", R(NOTARY), true, PASSWORD_MAX_BYTES,
     true},
    {"mail.password", "mail", "password", R(COURIER), true, PASSWORD_MAX_BYTES, true},
    {"mail.root", "mail", "root", R(COURIER), false, CRL_MAX_BYTES, true},
    {"courier.webhook-root", "courier", "webhook-root", R(COURIER), false, CRL_MAX_BYTES, true},
};

static void
report(void *ctx, const char *file, int line, const char *text)
{
	if (line > 0)
		fprintf(stderr, "%s:%d: %s\n", file, line, text);
	else
		fprintf(stderr, "%s: %s\n", file, text);
}

void
load_report(const struct conf *c, const char *section, const char *name, const char *key,
	    const struct err *fault, struct err *e)
{
	const char *where = conf_where(c, section, name, key);

	fprintf(stderr, "%s: %s: %s\n", where, key, fault->text);
	if (e->code == ERR_OK)
		err_set(e, ERR_CONFIG, "%s: %s: %s", where, key, fault->text);
}

static int
check_addresses(const struct conf *c, struct err *e)
{
	const char *address, *metrics = conf_str(c, "gateway", NULL, "metrics");
	struct err fault;

	for (size_t i = 0; (address = conf_item(c, "gateway", NULL, "listen", i)) != NULL; i++)
		if (listen_check(address, false, &fault) < 0)
			load_report(c, "gateway", NULL, "listen", &fault, e);
	if (*metrics != '\0' && listen_check(metrics, true, &fault) < 0)
		load_report(c, "gateway", NULL, "metrics", &fault, e);
	return e->code == ERR_OK ? 0 : -1;
}

static int
check_authorities(const struct conf *c, struct err *e)
{
	struct err fault;
	const char *name;

	for (size_t i = 0; (name = conf_instance(c, "tsa", i)) != NULL; i++) {
		if (strlen(name) >= NAME_MAILBOX) {
			err_set(&fault, ERR_CONFIG, "tsa \"%s\": a name has at most %d bytes", name,
				NAME_MAILBOX - 1);
			load_report(c, "tsa", name, "url", &fault, e);
		}
		if (i == AUTHORITIES_MAX) {
			err_set(&fault, ERR_CONFIG, "tsa \"%s\": at most %d authorities", name,
				AUTHORITIES_MAX);
			load_report(c, "tsa", name, "url", &fault, e);
		}
	}
	return e->code == ERR_OK ? 0 : -1;
}

int
load_conf(const char *path, struct conf **out, struct err *e)
{
	struct conf *c;

	err_clear(e);
	if (conf_load(path, settings_table, report, NULL, &c, e) < 0)
		return -1;
	check_addresses(c, e);
	classes_check(c, e);
	check_authorities(c, e);
	contacts_check(c, e);
	if (e->code != ERR_OK) {
		conf_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

/* Only root can become another, and only root needs the user to be there. */
static void
check_user(const struct conf *c, struct err *e)
{
	const char *user = conf_str(c, "gateway", NULL, "user");
	const struct passwd *pw = geteuid() == 0 ? getpwnam(user) : NULL;
	struct err fault = {0};

	if (geteuid() != 0)
		return;
	if (pw == NULL)
		err_set(&fault, ERR_CONFIG,
			"%s: no such user; make it (useradd --system %s) or name another", user,
			user);
	else if (pw->pw_uid == 0)
		err_set(&fault, ERR_CONFIG, "%s: is root; name one who is not", user);
	if (fault.code != ERR_OK)
		load_report(c, "gateway", NULL, "user", &fault, e);
}

static void
check_jail(const struct conf *c, struct err *e)
{
	const char *jail = conf_str(c, "gateway", NULL, "jail");
	struct err fault = {0};
	struct stat st;

	if (geteuid() != 0)
		return;
	if (stat(jail, &st) < 0)
		err_sys(&fault, "%s", jail);
	else if (!S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022) != 0)
		err_set(&fault, ERR_CONFIG,
			"%s: want an empty folder that is root's and that only root may write to",
			jail);
	if (fault.code != ERR_OK)
		load_report(c, "gateway", NULL, "jail", &fault, e);
}

static int
check_owner(const struct stat *st, struct err *e)
{
	if (st->st_mode & 077)
		return err_set(e, ERR_CONFIG,
			       "mode %04o: a key may be read by its owner only: chmod 600",
			       st->st_mode & 07777);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(e, ERR_CONFIG, "owned by user %u: want root or ourselves",
			       st->st_uid);
	return 0;
}

int
load_check_root(const struct conf *c, struct err *e)
{
	err_clear(e);
	check_user(c, e);
	check_jail(c, e);
	return e->code == ERR_OK ? 0 : -1;
}

int
load_read(const char *path, bool secret, size_t max, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc = -1;
	struct stat st;

	if (fd < 0)
		return err_sys(e, "%s", path);
	if (fstat(fd, &st) < 0)
		err_sys(e, "%s", path);
	else if ((!secret || check_owner(&st, e) == 0) && role_read_fd(fd, max, out, e) == 0)
		rc = 0;
	if (rc < 0 && strncmp(e->text, path, strlen(path)) != 0)
		err_wrap(e, "%s", path);
	close(fd);
	return rc;
}

void
load_add(struct loaded *l, const char *name, unsigned roles, bool secret, const struct buf *data,
	 struct err *e)
{
	struct master_file *f = &l->files[l->nfiles];

	if (l->nfiles == FILES_MAX) {
		err_set(e, ERR_LIMIT, "more than %d files", FILES_MAX);
		return;
	}
	*f = (struct master_file){.roles = roles, .secret = secret};
	snprintf(f->name, sizeof f->name, "%s", name);
	buf_add(&f->data, data->data, data->len);
	l->nfiles++;
}

const struct buf *
load_find(const struct loaded *l, const char *name)
{
	for (size_t i = 0; i < l->nfiles; i++)
		if (strcmp(l->files[i].name, name) == 0)
			return &l->files[i].data;
	return NULL;
}

void
load_check_line(const struct loaded *l, const char *name, const char *section, const char *key,
		struct err *e)
{
	const struct buf *line = load_find(l, name);
	struct err fault;
	size_t n = line != NULL ? line->len : 0;

	if (line == NULL)
		return;
	if (n > 0 && line->data[n - 1] == '\n')
		n--;
	if (n > 0 && utf8_is_clean(line->data, n))
		return;
	err_set(&fault, ERR_CONFIG, "the file wants one line, without control characters");
	load_report(l->conf, section, NULL, key, &fault, e);
}

static void
load_file(struct loaded *l, const struct source *s, const char *instance, const char *name,
	  struct err *e)
{
	const char *path = conf_str(l->conf, s->section, instance, s->key);
	struct buf data = {0};
	struct err fault;

	if (s->optional && *path == '\0')
		return;
	if (load_read(path, s->secret, s->max, &data, &fault) < 0)
		load_report(l->conf, s->section, instance, s->key, &fault, e);
	else
		load_add(l, name, s->roles, s->secret, &data, e);
	buf_wipe(&data);
}

int
load_all(const char *path, struct loaded *out, struct err *e)
{
	static const struct source authority = {
	    .section = "tsa", .key = "root", .roles = R(COURIER), .max = CRL_MAX_BYTES};
	struct loaded l = {0};
	const char *tsa;

	if (load_conf(path, &l.conf, e) < 0)
		return -1;
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
		load_file(&l, &sources[i], NULL, sources[i].name, e);
	for (size_t i = 0; (tsa = conf_instance(l.conf, "tsa", i)) != NULL; i++) {
		char name[NAME_MAILBOX];

		snprintf(name, sizeof name, "tsa.%zu.root", i);
		load_file(&l, &authority, tsa, name, e);
	}
	keys_check(&l, e);
	contacts_load(&l, e);
	classes_load(&l, e);
	if (e->code != ERR_OK) {
		load_free(&l);
		return -1;
	}
	conf_print(l.conf, false, &l.text);
	*out = l;
	return 0;
}

void
load_free(struct loaded *l)
{
	for (size_t i = 0; i < l->nfiles; i++)
		buf_wipe(&l->files[i].data);
	conf_free(l->conf);
	buf_free(&l->text);
	*l = (struct loaded){0};
}
