/* enroll.c - safehand enroll: makes keys, requests and a starting configuration; takes the issued
 * certificates in. Runs in: client. Owns: the folder that is enrolled into. Trusts: certificates
 * only if they fit a key that lies here. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "enroll.h"
#include "files.h"
#include "gate.h"

struct enrolment {
	struct client *c;
	const char *agency, *into;
	int dir;
	struct secret *passphrase_secret; /* NULL: keys in the clear, in files of their owner */
	struct buf out;			  /* what is told */
};

/* --- keys and requests --- */

/* In guarded memory only while it is encrypted. */
static int
encrypt(const struct enrolment *n, const struct buf *pem_secret, struct buf *file, struct err *e)
{
	struct secret *key_secret = NULL;
	int rc = secret_new(pem_secret->data, pem_secret->len, &key_secret, e);

	if (rc == 0)
		rc = secret_seal(key_secret, n->passphrase_secret, SECRET_INTERACTIVE, file, e);
	secret_free(key_secret);
	return rc;
}

static int
write_part(struct enrolment *n, const char *stem, const char *suffix, const struct buf *b,
	   struct err *e)
{
	struct buf name = {0};
	int rc;

	buf_addf(&name, "%s%s", stem, suffix);
	if (files_exists(n->dir, buf_str(&name)))
		rc = err_set(e, ERR_CONFLICT, "%s/%s is there already; nothing was changed",
			     n->into, buf_str(&name));
	else
		rc = files_write(n->dir, buf_str(&name), b->data, b->len, e);
	buf_free(&name);
	return rc;
}

static int
keep_key(struct enrolment *n, const char *stem, const struct buf *pem_secret, struct err *e)
{
	struct buf file = {0}, public = {0};
	int rc = -1;

	if (identity_public_key(pem_secret->data, pem_secret->len, &public, e) == 0 &&
	    (n->passphrase_secret == NULL || encrypt(n, pem_secret, &file, e) == 0) &&
	    write_part(n, stem, ".key", n->passphrase_secret != NULL ? &file : pem_secret, e) == 0)
		rc = write_part(n, stem, ".pub", &public, e);
	buf_free(&file);
	buf_free(&public);
	return rc;
}

/* A P-256 key and the PKCS#10 request that proves its possession. */
static int
make_signing(struct enrolment *n, enum profile p, const char *subject, struct err *e)
{
	struct buf pem_secret = {0}, request = {0}, stem = {0};
	int rc = -1;

	enroll_stem(p, subject, &stem);
	if (identity_new_key("P-256", &pem_secret, e) == 0 &&
	    identity_request(pem_secret.data, pem_secret.len, subject, &request, e) == 0 &&
	    keep_key(n, buf_str(&stem), &pem_secret, e) == 0)
		rc = write_part(n, buf_str(&stem), ".csr", &request, e);
	buf_addf(&n->out, "pki/issue %s %s --csr %s/%s.csr\n", profile_name(p), subject, n->into,
		 buf_str(&stem));
	buf_wipe(&pem_secret);
	buf_free(&request);
	buf_free(&stem);
	return rc;
}

/* An X25519 key; its request is made once the agency can sign it. */
static int
make_mailbox(struct enrolment *n, const char *mailbox, struct err *e)
{
	struct buf pem_secret = {0}, stem = {0};
	int rc = -1;

	enroll_stem(PROFILE_AGENCY_SEAL, mailbox, &stem);
	if (identity_new_key("X25519", &pem_secret, e) == 0)
		rc = keep_key(n, buf_str(&stem), &pem_secret, e);
	buf_wipe(&pem_secret);
	buf_free(&stem);
	return rc;
}

/* --- the first step --- */

static int
check_name(const struct enrolment *n, const char *what, const char *name, struct err *e)
{
	char of[NAME_AGENCY];

	if (!name_is_mailbox(name))
		return err_set(e, ERR_USAGE, "--%s %s: want agency/name", what, name);
	name_agency(of, name);
	if (strcmp(of, n->agency) != 0)
		return err_set(e, ERR_USAGE, "--%s %s: not of agency %s", what, name, n->agency);
	return 0;
}

static int
check_names(const struct enrolment *n, const struct args *a, const char *what, struct err *e)
{
	for (size_t i = 0; i < args_count(a, what); i++)
		if (check_name(n, what, args_nth(a, what, i), e) < 0)
			return -1;
	return 0;
}

static int
make_all(struct enrolment *n, const struct args *a, struct err *e)
{
	if (make_signing(n, PROFILE_AGENCY_TLS, n->agency, e) < 0 ||
	    make_signing(n, PROFILE_AGENCY_SIGN, n->agency, e) < 0)
		return -1;
	for (size_t i = 0; i < args_count(a, "person"); i++)
		if (make_signing(n, PROFILE_PERSON_SIGN, args_nth(a, "person", i), e) < 0)
			return -1;
	for (size_t i = 0; i < args_count(a, "mailbox"); i++)
		if (make_mailbox(n, args_nth(a, "mailbox", i), e) < 0)
			return -1;
	return 0;
}

static int
write_conf(struct enrolment *n, const struct args *a, struct err *e)
{
	const char *file = args_value(a, "passphrase-file");
	char *whole = file != NULL ? realpath(file, NULL) : NULL;
	struct enroll_conf conf = {
	    .agency = n->agency, .url = args_value(a, "url"), .passphrase = whole};
	struct buf text = {0}, root = {0};
	int rc = -1;

	enroll_conf_begin(&conf, &text);
	for (size_t i = 0; i < args_count(a, "mailbox"); i++)
		enroll_conf_mailbox(args_nth(a, "mailbox", i), &text);
	for (size_t i = 0; i < args_count(a, "person"); i++)
		enroll_conf_person(args_nth(a, "person", i), whole, &text);
	if (files_read(AT_FDCWD, args_value(a, "root"), CRL_MAX_BYTES, &root, e) == 0 &&
	    files_write(n->dir, "root.pem", root.data, root.len, e) == 0)
		rc = files_write(n->dir, "safehand.conf", text.data, text.len, e);
	buf_free(&text);
	buf_free(&root);
	free(whole);
	return rc;
}

static int
get_passphrase(struct enrolment *n, const struct args *a, struct err *e)
{
	struct secret *again_secret = NULL;
	const char *file = args_value(a, "passphrase-file");
	int rc = 0;

	if (args_has(a, "unencrypted"))
		return file == NULL ? 0
				    : err_set(e, ERR_USAGE,
					      "--unencrypted and --passphrase-file: "
					      "which?");
	if (file != NULL)
		return secret_read_line(file, &n->passphrase_secret, e);
	if (secret_ask("passphrase of the new keys", &n->passphrase_secret, e) < 0 ||
	    secret_ask("once more", &again_secret, e) < 0)
		return -1;
	if (n->passphrase_secret->len != again_secret->len ||
	    memcmp(n->passphrase_secret->data, again_secret->data, again_secret->len) != 0)
		rc = err_set(e, ERR_SECRET, "the two passphrases differ; nothing was made");
	secret_free(again_secret);
	return rc;
}

static int
begin(struct enrolment *n, const struct args *a, struct err *e)
{
	if (n->agency == NULL || !name_is_agency(n->agency))
		return err_set(e, ERR_USAGE, "--agency %s: want [a-z0-9][a-z0-9-]*",
			       n->agency != NULL ? n->agency : "");
	if (args_value(a, "url") == NULL || args_value(a, "root") == NULL)
		return err_set(e, ERR_USAGE,
			       "--url and --root are wanted: which gateway, and the "
			       "root certificate as the administrator gave it to you");
	if (check_names(n, a, "mailbox", e) < 0 || check_names(n, a, "person", e) < 0)
		return -1;
	if (files_folder(n->into, &n->dir, e) < 0)
		return -1;
	if (files_exists(n->dir, "safehand.conf"))
		return err_set(e, ERR_CONFLICT,
			       "%s/safehand.conf is there already; nothing was "
			       "changed",
			       n->into);
	if (get_passphrase(n, a, e) < 0 || make_all(n, a, e) < 0 || write_conf(n, a, e) < 0)
		return -1;
	buf_addf(&n->out,
		 "\nThese are for the administrator, who runs the lines above and gives the "
		 "certificates back:\n  safehand enroll --into %s --take CERTIFICATE…\n",
		 n->into);
	return 0;
}

/* --- the second step --- */

/* The key that lies here under the certificate's name must be its own. Its public half serves: the
 * private one need not be opened. */
static int
check_fits(struct enrolment *n, const struct identity *id, const char *stem, const struct buf *der,
	   struct err *e)
{
	struct buf name = {0}, public = {0};
	int fits = -1;

	buf_addf(&name, "%s.pub", stem);
	if (!files_exists(n->dir, buf_str(&name)))
		err_set(e, ERR_UNKNOWN, "%s %s: nothing was asked for it here",
			profile_name(id->profile), id->name);
	else if (files_read(n->dir, buf_str(&name), CRL_MAX_BYTES, &public, e) == 0)
		fits = identity_public_fits(public.data, public.len, der->data, der->len, e);
	if (fits == 0)
		err_set(e, ERR_SECRET, "%s %s: not of the key that lies here",
			profile_name(id->profile), id->name);
	buf_free(&name);
	buf_free(&public);
	return fits == 1 ? 0 : -1;
}

static int
take_certificate(struct enrolment *n, const char *path, struct err *e)
{
	struct buf pem = {0}, der = {0}, stem = {0}, name = {0};
	struct identity id;
	int rc = -1;

	if (files_read(AT_FDCWD, path, CRL_MAX_BYTES, &pem, e) == 0 &&
	    identity_pem_to_der(pem.data, pem.len, &der, e) == 0 &&
	    identity_parse(der.data, der.len, &id, e) == 0) {
		enroll_stem(id.profile, id.name, &stem);
		buf_addf(&name, "%s.pem", buf_str(&stem));
		if (check_fits(n, &id, buf_str(&stem), &der, e) == 0)
			rc = files_write(n->dir, buf_str(&name), pem.data, pem.len, e);
	}
	if (rc == 0)
		buf_addf(&n->out, "taken: %s %s\n", profile_name(id.profile), id.name);
	else
		err_wrap(e, "%s", path);
	buf_free(&pem);
	buf_free(&der);
	buf_free(&stem);
	buf_free(&name);
	return rc;
}

/* The mailbox's public key in an attached signature of the agency. */
static int
request_mailbox(struct enrolment *n, struct signer *s, const char *mailbox, struct err *e)
{
	struct buf stem = {0}, name = {0}, public = {0}, request = {0};
	int rc = -1;

	enroll_stem(PROFILE_AGENCY_SEAL, mailbox, &stem);
	buf_addf(&name, "%s.pub", buf_str(&stem));
	if (files_read(n->dir, buf_str(&name), CRL_MAX_BYTES, &public, e) == 0 &&
	    signature_attach(public.data, public.len, s, &request, e) == 0) {
		buf_clear(&name);
		buf_addf(&name, "%s.request", buf_str(&stem));
		rc = files_write(n->dir, buf_str(&name), request.data, request.len, e);
		buf_addf(&n->out, "pki/issue agency-seal %s --request %s/%s\n", mailbox, n->into,
			 buf_str(&name));
	}
	buf_free(&stem);
	buf_free(&name);
	buf_free(&public);
	buf_free(&request);
	return rc;
}

static bool
has_file(const struct enrolment *n, enum profile p, const char *name, const char *suffix)
{
	struct buf file = {0};
	bool is;

	enroll_stem(p, name, &file);
	buf_adds(&file, suffix);
	is = files_exists(n->dir, buf_str(&file));
	buf_free(&file);
	return is;
}

/* As soon as the agency's own certificate is here. */
static int
request_mailboxes(struct enrolment *n, const struct conf *conf, struct err *e)
{
	const char *agency = conf_str(conf, "agency", NULL, "name"), *mailbox;
	struct signer *s = NULL;
	int rc = 0;

	if (!has_file(n, PROFILE_AGENCY_SIGN, agency, ".pem"))
		return 0;
	for (size_t i = 0; rc == 0 && (mailbox = conf_instance(conf, "mailbox", i)) != NULL; i++) {
		if (has_file(n, PROFILE_AGENCY_SEAL, mailbox, ".pem") ||
		    has_file(n, PROFILE_AGENCY_SEAL, mailbox, ".request"))
			continue;
		if (s == NULL)
			rc = keys_signer(n->c, NULL, "system", &s, e);
		if (rc == 0)
			rc = request_mailbox(n, s, mailbox, e);
	}
	signer_free(s);
	return rc;
}

static int
take_in(struct enrolment *n, const struct args *a, struct err *e)
{
	const struct conf *conf;
	struct buf path = {0};
	int rc = 0;

	buf_addf(&path, "%s/safehand.conf", n->into);
	if (n->c->config_path == NULL)
		n->c->config_path = buf_str(&path);
	if (files_folder(n->into, &n->dir, e) < 0 || client_conf(n->c, &conf, e) < 0)
		rc = -1;
	for (size_t i = 0; rc == 0 && i < args_operands(a); i++)
		rc = take_certificate(n, args_operand(a, i), e);
	if (rc == 0)
		rc = request_mailboxes(n, conf, e);
	buf_free(&path);
	n->c->config_path = NULL;
	return rc;
}

static int
tell(struct enrolment *n, struct err *e)
{
	struct buf json = {0};
	int rc;

	if (!n->c->json)
		return say(n->c, &n->out, e);
	buf_addc(&json, '{');
	buf_json_str(&json, "folder", n->into);
	buf_json_str(&json, "text", buf_str(&n->out));
	buf_addc(&json, '}');
	rc = say(n->c, &json, e);
	buf_free(&json);
	return rc;
}

static int
run(struct client *c, const struct args *a, struct err *e)
{
	struct enrolment n = {
	    .c = c, .agency = args_value(a, "agency"), .into = args_value(a, "into"), .dir = -1};
	int rc;

	if (n.into == NULL)
		return err_set(e, ERR_USAGE, "--into FOLDER is wanted");
	if (args_has(a, "take"))
		rc = args_want(a, 1, SIZE_MAX, "CERTIFICATE", e) < 0 ? -1 : take_in(&n, a, e);
	else
		rc = args_want(a, 0, 0, "", e) < 0 ? -1 : begin(&n, a, e);
	if (rc == 0)
		rc = tell(&n, e);
	if (n.dir >= 0)
		close(n.dir);
	secret_free(n.passphrase_secret);
	buf_free(&n.out);
	return rc;
}

static const struct args_row options[] = {
    {"into", "FOLDER", "keys, requests, certificates and configuration", false},
    {"agency", "NAME", "our agency's name", false},
    {"url", "URL", "the gateway: https://HOST[:PORT]", false},
    {"root", "FILE", "root certificate, PEM, as the administrator gave it to you", false},
    {"mailbox", "MAILBOX", "a mailbox of ours", true},
    {"person", "NAME", "agency/person who signs here", true},
    {"passphrase-file", "FILE", "passphrase of the new keys; default: asked for", false},
    {"unencrypted", NULL, "keys in the clear, readable by their owner only", false},
    {"take", NULL, "take issued certificates in (the second step)", false},
    {NULL, NULL, NULL, false},
};

const struct command enroll_command = {
    .name = "enroll",
    .operands = "[CERTIFICATE…]",
    .summary = "make keys and requests; take the issued certificates in",
    .about = "First: makes keys, requests for pki/issue and a starting configuration. Then, with "
	     "--take, takes\nthe issued certificates in: each must fit a key that was made here. "
	     "Mailboxes are asked for once the\nagency's own signing certificate is here.\n",
    .options = options,
    .run = run,
};
