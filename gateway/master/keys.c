/* keys.c - the gateway's keys at rest: each is encrypted if its section has a passphrase, and only
 * then. Runs in: master, which opens none of them. Owns: nothing. Trusts: the administrator, after
 * checking. */
#include <string.h>

#include "master/master.h"

#define SEALED "-----BEGIN ENCRYPTED PRIVATE KEY-----" /* PKCS#8, RFC 7468 section 11 */
#define WEAKLY "Proc-Type: 4,ENCRYPTED"		       /* RFC 1421: one round of MD5 */
#define SEAL   "openssl pkcs8 -topk8 -scrypt -in OLD -out NEW"

static const struct row {
	const char *section, *key, *name,
	    *passphrase; /* names: of files, as roles are given them */
} rows[] = {
    {"front", "key", "front.key", "front.key-passphrase"},
    {"notary", "log-key", "notary.log-key", "notary.key-passphrase"},
    {"notary", "tsa-key", "notary.tsa-key", "notary.key-passphrase"},
    {"notary", "notice-key", "notary.notice-key", "notary.key-passphrase"},
};

static bool
has(const struct buf *key, const char *words)
{
	return memmem(key->data, key->len, words, strlen(words)) != NULL;
}

static int
check(const struct row *row, const struct buf *key, bool has_passphrase, struct err *e)
{
	bool sealed = has(key, SEALED);

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

		if (key != NULL &&
		    check(&rows[i], key, load_find(l, rows[i].passphrase) != NULL, &fault) < 0)
			load_report(l->conf, rows[i].section, NULL, rows[i].key, &fault, e);
	}
}
