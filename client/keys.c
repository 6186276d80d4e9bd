/* keys.c - our keys, and what is made with them. Runs in: client. Owns: nothing. Trusts: files that
 * only their owner may read. */
#include <assert.h>
#include <fcntl.h>
#include <string.h>

#include "files.h"
#include "gate.h"
#include "safehand/seal.h"

static int
unseal_by_file(const struct secret *file_secret, const char *passphrase_path, struct secret **out,
	       struct err *e)
{
	struct secret *word_secret;
	int rc;

	if (secret_read_line(passphrase_path, &word_secret, e) < 0)
		return -1;
	rc = secret_unseal(file_secret, word_secret, out, e);
	secret_free(word_secret);
	return rc;
}

/* What was typed for one key is tried for the next: a person is asked once for all that it opens.
 */
static int
unseal_by_hand(struct client *c, const struct secret *file_secret, const char *path,
	       struct secret **out, struct err *e)
{
	struct buf prompt = {0};
	int rc;

	if (c->typed_secret != NULL) {
		if (secret_unseal(file_secret, c->typed_secret, out, e) == 0)
			return 0;
		if (e->code != ERR_SECRET)
			return -1;
		secret_free(c->typed_secret);
		c->typed_secret = NULL;
	}
	buf_addf(&prompt, "passphrase of %s", path);
	rc = secret_ask(buf_str(&prompt), &c->typed_secret, e);
	buf_free(&prompt);
	return rc < 0 ? -1 : secret_unseal(file_secret, c->typed_secret, out, e);
}

int
keys_read(struct client *c, const char *path, const char *passphrase_path, struct secret **out,
	  struct err *e)
{
	struct secret *file_secret;
	int rc;

	if (secret_read(path, &file_secret, e) < 0)
		return -1;
	if (!secret_is_sealed(file_secret)) {
		*out = file_secret;
		return 0;
	}
	rc = *passphrase_path != '\0' ? unseal_by_file(file_secret, passphrase_path, out, e)
				      : unseal_by_hand(c, file_secret, path, out, e);
	if (rc < 0)
		err_wrap(e, "%s", path);
	secret_free(file_secret);
	return rc;
}

/* --- signers --- */

static int
only_identity(const struct conf *conf, const char *kind, const char **out, struct err *e)
{
	const char *name;

	*out = NULL;
	for (size_t i = 0; (name = conf_instance(conf, "identity", i)) != NULL; i++) {
		if (kind != NULL && strcmp(conf_str(conf, "identity", name, "kind"), kind) != 0)
			continue;
		if (*out != NULL)
			return err_set(e, ERR_USAGE, "--as: which identity? %s or %s", *out, name);
		*out = name;
	}
	if (*out == NULL)
		return err_set(e, ERR_CONFIG, "no [identity] of kind %s is configured",
			       kind != NULL ? kind : "system");
	return 0;
}

static int
find_identity(const struct conf *conf, const char *name, const char *kind, struct err *e)
{
	const char *have;

	for (size_t i = 0; (have = conf_instance(conf, "identity", i)) != NULL; i++)
		if (strcmp(have, name) == 0)
			break;
	if (have == NULL)
		return err_set(e, ERR_USAGE, "--as %s: no [identity \"%s\"] is configured", name,
			       name);
	if (kind != NULL && strcmp(conf_str(conf, "identity", name, "kind"), kind) != 0)
		return err_set(e, ERR_USAGE, "--as %s: this is signed as a %s", name, kind);
	return 0;
}

static int
load_signer(struct client *c, const struct conf *conf, const char *name, struct signer **out,
	    struct err *e)
{
	const char *pass = conf_str(conf, "identity", name, "passphrase");
	bool person = strcmp(conf_str(conf, "identity", name, "kind"), "person") == 0;
	enum profile wants = person ? PROFILE_PERSON_SIGN : PROFILE_AGENCY_SIGN;
	struct secret *key_secret = NULL;
	struct buf cert = {0};
	int rc = -1;

	if (*pass == '\0' && !person)
		pass = conf_str(conf, "agency", NULL, "passphrase");
	if (keys_read(c, conf_str(conf, "identity", name, "key"), pass, &key_secret, e) < 0)
		return -1;
	if (files_read(AT_FDCWD, conf_str(conf, "identity", name, "certificate"), CRL_MAX_BYTES,
		       &cert, e) == 0)
		rc = signer_new(key_secret->data, key_secret->len, cert.data, cert.len, out, e);
	if (rc == 0 && signer_identity(*out)->profile != wants) {
		rc = err_set(e, ERR_PROFILE, "its certificate is of profile %s, wanted is %s",
			     profile_name(signer_identity(*out)->profile), profile_name(wants));
		signer_free(*out);
		*out = NULL;
	}
	secret_free(key_secret);
	buf_free(&cert);
	return rc < 0 ? err_wrap(e, "identity %s", name) : 0;
}

int
keys_signer(struct client *c, const char *name, const char *kind, struct signer **out,
	    struct err *e)
{
	const struct conf *conf;

	if (client_conf(c, &conf, e) < 0)
		return -1;
	if (name == NULL ? only_identity(conf, kind, &name, e) < 0
			 : find_identity(conf, name, kind, e) < 0)
		return -1;
	return load_signer(c, conf, name, out, e);
}

/* --- mailboxes --- */

static int
raw_key(struct client *c, const struct conf *conf, const char *path, struct secret **out,
	struct err *e)
{
	struct secret *pem_secret;
	uint8_t raw_secret[KEY_BYTES];
	int rc;

	if (keys_read(c, path, conf_str(conf, "agency", NULL, "passphrase"), &pem_secret, e) < 0)
		return -1;
	rc = identity_x25519_secret(pem_secret->data, pem_secret->len, raw_secret, e);
	secret_free(pem_secret);
	if (rc == 0)
		rc = secret_new(raw_secret, sizeof raw_secret, out, e);
	explicit_bzero(raw_secret, sizeof raw_secret);
	return rc;
}

static int
own_certificate(const struct conf *conf, const char *mailbox, struct identity *out, struct err *e)
{
	const char *path = conf_str(conf, "mailbox", mailbox, "certificate");
	struct buf pem = {0}, der = {0};
	int rc = -1;

	if (files_read(AT_FDCWD, path, CRL_MAX_BYTES, &pem, e) == 0 &&
	    identity_pem_to_der(pem.data, pem.len, &der, e) == 0 &&
	    identity_parse(der.data, der.len, out, e) == 0)
		rc = 0;
	if (rc < 0)
		err_wrap(e, "%s", path);
	else if (out->profile != PROFILE_AGENCY_SEAL || strcmp(out->name, mailbox) != 0)
		rc = err_set(e, ERR_PROFILE, "%s: not the agency-seal certificate of %s", path,
			     mailbox);
	buf_free(&pem);
	buf_free(&der);
	return rc;
}

static bool
has_mailbox(const struct conf *conf, const char *mailbox)
{
	const char *name;

	for (size_t i = 0; (name = conf_instance(conf, "mailbox", i)) != NULL; i++)
		if (strcmp(name, mailbox) == 0)
			return true;
	return false;
}

int
keys_mailbox(struct client *c, const char *mailbox, const uint8_t cert[static DIGEST_BYTES],
	     struct secret **out, struct err *e)
{
	const struct conf *conf;
	struct identity own;
	const char *old;

	if (client_conf(c, &conf, e) < 0)
		return -1;
	if (!has_mailbox(conf, mailbox))
		return err_set(e, ERR_CONFIG, "no [mailbox \"%s\"] is configured", mailbox);
	if (own_certificate(conf, mailbox, &own, e) < 0)
		return -1;
	if (memcmp(own.cert, cert, DIGEST_BYTES) == 0)
		return raw_key(c, conf, conf_str(conf, "mailbox", mailbox, "key"), out, e);
	old = conf_str(conf, "mailbox", mailbox, "old-key");
	if (*old == '\0')
		return err_set(e, ERR_SECRET,
			       "sealed for another certificate of %s; after a renewal, old-key "
			       "names the key before it",
			       mailbox);
	return raw_key(c, conf, old, out, e);
}

int
keys_mailbox_own(struct client *c, const char *mailbox, struct err *e)
{
	struct secret *key_secret = NULL;
	const struct conf *conf;
	struct identity own;

	if (client_conf(c, &conf, e) < 0)
		return -1;
	if (!has_mailbox(conf, mailbox))
		return err_set(e, ERR_CONFIG, "no [mailbox \"%s\"] is configured", mailbox);
	if (own_certificate(conf, mailbox, &own, e) < 0 ||
	    raw_key(c, conf, conf_str(conf, "mailbox", mailbox, "key"), &key_secret, e) < 0)
		return -1;
	secret_free(key_secret);
	return 0;
}

/* --- pseudonyms --- */

int
keys_nhs_check(const char *identifier)
{
	int digits[10], n = 0, sum = 0;

	for (const char *p = identifier; *p != '\0'; p++) {
		if (*p == ' ' || *p == '-')
			continue;
		if (*p < '0' || *p > '9' || n == 10)
			return 1;
		digits[n++] = *p - '0';
	}
	if (n != 10)
		return 1;
	for (int i = 0; i < 9; i++)
		sum += digits[i] * (10 - i);
	return (11 - sum % 11) % 11 == digits[9] ? 0 : -1;
}

int
keys_pseudonym(struct client *c, char kind, const char *identifier, char out[static ABOUT_TEXT],
	       struct err *e)
{
	const struct conf *conf;
	struct secret *linking_secret;
	const char *path;
	int rc;

	if (name_is_about(identifier)) {
		strcpy(out, identifier);
		return 0;
	}
	if (kind == 'c' && keys_nhs_check(identifier) < 0)
		return err_set(e, ERR_FORMAT, "--about %s: its check digit is wrong: mistyped?",
			       identifier);
	if (client_conf(c, &conf, e) < 0)
		return -1;
	path = conf_str(conf, "agency", NULL, "linking-key");
	if (*path == '\0')
		return err_set(e, ERR_CONFIG,
			       "[agency] linking-key is not configured: without it no "
			       "pseudonym can be made");
	if (secret_read_hex(path, KEY_BYTES, &linking_secret, e) < 0)
		return -1;
	rc = seal_pseudonym(linking_secret->data, kind, identifier, out, e);
	secret_free(linking_secret);
	return rc;
}
