/* keys.c - the gateway's keys at rest: each is encrypted if its section has a passphrase, and only
 * then; or in a token. Runs in: master, which opens none of them. Owns: nothing. Trusts: the
 * administrator, after checking. */
#include <string.h>

#include "master/master.h"

#define SEALED "-----BEGIN ENCRYPTED PRIVATE KEY-----" /* PKCS#8, RFC 7468 section 11 */
#define WEAKLY "Proc-Type: 4,ENCRYPTED"		       /* RFC 1421: one round of MD5 */
#define URI    "pkcs11:"			       /* RFC 7512 */
#define MODULE "module-path="
#define CLIENT "/p11-kit-client.so"
#define SEAL   "openssl pkcs8 -topk8 -scrypt -in OLD -out NEW"

static const struct row {
	const char *section, *key, *name, *passphrase; /* names: of files, as roles are given them
							*/
	const char *no_token;			       /* why it may not be in one; NULL: it may */
} rows[] = {
    {"front", "key", "front.key", "front.key-passphrase",
     "every client would wait while it signs for one"},
    {"notary", "log-key", "notary.log-key", "notary.key-passphrase",
     "OpenSSL's engine for tokens knows no Ed25519"},
    {"notary", "tsa-key", "notary.tsa-key", "notary.key-passphrase", NULL},
    {"notary", "notice-key", "notary.notice-key", "notary.key-passphrase", NULL},
};

static bool
has(const struct buf *key, const char *words)
{
	return memmem(key->data, key->len, words, strlen(words)) != NULL;
}

/* A module of a token's maker wants files, sockets, devices and threads that no jail lets through:
 * it runs in p11-kit server, outside, and the role speaks with that over one socket. */
static bool
is_by_socket(const struct buf *uri)
{
	const char *module = strstr(buf_str(uri), MODULE);
	size_t n = module != NULL ? strcspn(module, "&\r\n") : 0, wanted = strlen(CLIENT);

	return n > wanted && memcmp(module + n - wanted, CLIENT, wanted) == 0;
}

static int
check_uri(const struct row *row, const struct loaded *l, const struct buf *uri, struct err *e)
{
	if (row->no_token != NULL)
		return err_set(e, ERR_SECRET, "it cannot be in a token: %s: want PEM",
			       row->no_token);
	if (*conf_str(l->conf, row->section, NULL, "token") == '\0')
		return err_set(e, ERR_SECRET,
			       "it is in a token, and [%s] has no token, the socket of p11-kit "
			       "server",
			       row->section);
	if (!is_by_socket(uri))
		return err_set(e, ERR_SECRET,
			       "a token is reached through p11-kit server: want " MODULE "…" CLIENT
			       " in the URI");
	return 0;
}

static int
check_pem(const struct row *row, const struct loaded *l, const struct buf *key, struct err *e)
{
	bool sealed = has(key, SEALED), has_passphrase = load_find(l, row->passphrase) != NULL;

	if (has(key, WEAKLY))
		return err_set(e, ERR_SECRET,
			       "encrypted in the manner of before PKCS#8, which protects little: "
			       "say " SEAL);
	if (sealed && !has_passphrase)
		return err_set(e, ERR_SECRET, "it is encrypted, and [%s] has no key-passphrase",
			       row->section);
	if (!sealed && has_passphrase)
		return err_set(e, ERR_SECRET,
			       "it is not encrypted, and [%s] has a key-passphrase: say " SEAL,
			       row->section);
	return 0;
}

void
keys_check(const struct loaded *l, struct err *e)
{
	struct err fault;

	load_check_line(l, "front.key-passphrase", "front", "key-passphrase", e);
	load_check_line(l, "notary.key-passphrase", "notary", "key-passphrase", e);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct buf *key = load_find(l, rows[i].name);
		int rc = 0;

		if (key == NULL)
			continue;
		rc = strncmp(buf_str(key), URI, strlen(URI)) == 0
			 ? check_uri(&rows[i], l, key, &fault)
			 : check_pem(&rows[i], l, key, &fault);
		if (rc < 0)
			load_report(l->conf, rows[i].section, NULL, rows[i].key, &fault, e);
	}
}
