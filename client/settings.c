/* settings.c - the client's settings, one row each. Runs in: client. Pure, but for the default
 * path. */
#include "settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "safehand/limits.h"
#include "safehand/name.h"

#define SECOND	     1000
#define MINUTE	     (60 * SECOND)
#define HOUR	     (60 * MINUTE)
#define DAY	     (24LL * HOUR)
#define CONFIG_WHOLE "/etc/safehand/client.conf" /* of the machine */

static int
is_url(const char *v, struct err *e)
{
	size_t n = strlen("https://");

	if (strncmp(v, "https://", n) != 0 || v[n] == '\0' || v[n] == '/')
		return err_set(e, ERR_CONFIG, "%s: want https://HOST[:PORT]", v);
	if (strpbrk(v + n, "/?#@ ") != NULL)
		return err_set(e, ERR_CONFIG, "%s: want https://HOST[:PORT] and nothing after it",
			       v);
	return 0;
}

static int
is_agency(const char *v, struct err *e)
{
	return name_is_agency(v) ? 0 : err_set(e, ERR_CONFIG, "%s: want [a-z0-9][a-z0-9-]*", v);
}

#define G "gateway"
#define A "agency"
#define M "mailbox"
#define I "identity"
#define W "watch"

const struct conf_row settings_table[] = {
    /* section, key, type, named, default, min, max, choices, help, check */
    {G, "url", CONF_STR, false, NULL, 0, 0, NULL, "the gateway: https://HOST[:PORT]", is_url},
    {G, "root", CONF_PATH, false, NULL, 0, 0, NULL,
     "root certificate, PEM: whom all trust rests on", NULL},
    {G, "issuing", CONF_PATH, false, "", 0, 0, NULL,
     "issuing CA certificates, PEM; those of the roster serve else", NULL},
    {G, "crl", CONF_PATH, false, "", 0, 0, NULL,
     "CRLs, PEM, that somebody else keeps current; default: fetched from the gateway", NULL},
    {G, "crl-age", CONF_DURATION, false, "15m", 0, 7 * DAY, NULL,
     "a fetched CRL or roster older than this is fetched again", NULL},
    {G, "connect-timeout", CONF_DURATION, false, "10s", 100, 10 * MINUTE, NULL, "for a connection",
     NULL},
    {G, "stall-timeout", CONF_DURATION, false, "60s", SECOND, HOUR, NULL,
     "a transfer without a byte for so long has failed", NULL},
    {G, "retries", CONF_INT, false, "5", 0, 1000, NULL,
     "how often a command tries again when the gateway is busy or away", NULL},
    {G, "proxy", CONF_STR, false, "", 0, 0, NULL,
     "an HTTP proxy to the gateway: http://HOST:PORT; default: none, whatever the environment says",
     NULL},
    {A, "name", CONF_STR, false, NULL, 0, 0, NULL, "our agency's name in the roster", is_agency},
    {A, "state", CONF_PATH, false, NULL, 0, 0, NULL,
     "state folder: roster, spool, evidence, cursors", NULL},
    {A, "tls-certificate", CONF_PATH, false, NULL, 0, 0, NULL,
     "agency-tls certificate with its chain, PEM", NULL},
    {A, "tls-key", CONF_PATH, false, NULL, 0, 0, NULL, "its key", NULL},
    {A, "linking-key", CONF_PATH, false, "", 0, 0, NULL, "the members' linking key, for pseudonyms",
     NULL},
    {A, "passphrase", CONF_PATH, false, "", 0, 0, NULL,
     "file with the passphrase of encrypted keys; default: asked for at the terminal", NULL},
    {M, "certificate", CONF_PATH, true, NULL, 0, 0, NULL, "agency-seal certificate, PEM", NULL},
    {M, "key", CONF_PATH, true, NULL, 0, 0, NULL, "its X25519 key", NULL},
    {M, "old-key", CONF_PATH, true, "", 0, 0, NULL,
     "the key before a renewal: opens what was sealed before it", NULL},
    {I, "kind", CONF_WORD, true, NULL, 0, 0, "system|person",
     "system: an agency-sign certificate; person: a person-sign one", NULL},
    {I, "certificate", CONF_PATH, true, NULL, 0, 0, NULL, "certificate with its chain, PEM", NULL},
    {I, "key", CONF_PATH, true, NULL, 0, 0, NULL, "its key", NULL},
    {I, "passphrase", CONF_PATH, true, "", 0, 0, NULL,
     "file with this key's passphrase; default: asked for at the terminal", NULL},
    {W, "wait", CONF_DURATION, false, "60s", SECOND, 5 * MINUTE, NULL,
     "how long one question to a mailbox waits for news", NULL},
    {W, "scan", CONF_DURATION, false, "5s", 100, HOUR, NULL,
     "how often the outbox is looked through, beside being told of changes", NULL},
    {W, "backoff", CONF_DURATION, false, "5m", SECOND, DAY, NULL,
     "the longest pause between tries when the gateway is away", NULL},
    {NULL, NULL, CONF_STR, false, NULL, 0, 0, NULL, NULL, NULL},
};

void
settings_default_path(struct buf *out)
{
	const char *told = getenv("SAFEHAND_CONFIG"), *home = getenv("HOME");

	buf_clear(out);
	if (told != NULL && *told != '\0') {
		buf_adds(out, told);
		return;
	}
	if (home != NULL && *home != '\0') {
		buf_addf(out, "%s/.config/safehand/safehand.conf", home);
		if (access(buf_str(out), F_OK) == 0)
			return;
	}
	buf_clear(out);
	buf_adds(out, CONFIG_WHOLE);
}

int
settings_check(const struct conf *c, struct err *e)
{
	const char *agency = conf_str(c, A, NULL, "name"), *name;
	char of[NAME_AGENCY];

	for (size_t i = 0; (name = conf_instance(c, M, i)) != NULL; i++) {
		if (!name_is_mailbox(name))
			return err_set(e, ERR_CONFIG, "%s: mailbox \"%s\": want agency/role",
				       conf_where(c, M, name, "key"), name);
		name_agency(of, name);
		if (strcmp(of, agency) != 0)
			return err_set(e, ERR_CONFIG, "%s: mailbox \"%s\": not of agency %s",
				       conf_where(c, M, name, "key"), name, agency);
	}
	for (size_t i = 0; (name = conf_instance(c, I, i)) != NULL; i++)
		if (*name == '\0')
			return err_set(e, ERR_CONFIG, "%s: an identity without a name",
				       conf_where(c, I, name, "key"));
	return 0;
}
