/* test_pkcs11.c - a signing key in a token (SoftHSM2 by the pkcs11 engine): what it signs verifies,
 * the key never is in a file of ours, and each thing that can be wrong with it has its refusal. */
#include "pki_rig.h"

#include <sys/stat.h>

#include "safehand/identity.h"
#include "safehand/time.h"

#define MODULE "?module-path=/usr/lib/softhsm/libsofthsm2.so"
#define KEY    "pkcs11:token=safehand;object=uhcw-sign;type=private"

static char folder[] = "/tmp/safehand-token-XXXXXX";
static const char content[] = "what is signed";
static struct err e;

static int
open_signer(const char *uri, const char *stem, struct signer **out)
{
	char name[128];
	struct buf cert;
	int rc;

	snprintf(name, sizeof name, "%s.pem", stem);
	cert = pki_file(name);
	rc = signer_new(uri, strlen(uri), cert.data, cert.len, out, &e);
	buf_free(&cert);
	return rc;
}

/* Before anything has logged in to the token. */
static void
a_wrong_pin_is_refused(void **state)
{
	struct signer *s = NULL;

	assert_refused(open_signer(KEY MODULE "&pin-value=0000", "certs/agency-sign/uhcw", &s), &e,
		       ERR_SECRET);
	assert_non_null(strstr(e.text, "the PIN right"));
}

static void
signs_from_the_token(void **state)
{
	struct trust *trust = pki_trust();
	struct identity ids[SIGNERS_MAX];
	struct buf der = {0};
	struct signer *s;
	size_t n;

	assert_ok(open_signer(KEY MODULE "&pin-value=5678\n", "certs/agency-sign/uhcw", &s), &e);
	assert_string_equal(signer_identity(s)->by, "agency/uhcw");
	assert_ok(signature_sign(content, sizeof content - 1, &s, 1, &der, &e), &e);
	assert_ok(signature_verify(content, sizeof content - 1, der.data, der.len, trust,
				   1u << PROFILE_AGENCY_SIGN, time_now_ms(), TRUST_LIVE, ids, &n,
				   &e),
		  &e);
	assert_int_equal(n, 1);
	assert_string_equal(ids[0].by, "agency/uhcw");
	signer_free(s);
	trust_free(trust);
	buf_free(&der);
}

static void
refusals(void **state)
{
	static const struct {
		const char *uri, *stem, *names;
	} rows[] = {
	    {"pkcs11:token=safehand;object=none;type=private" MODULE "&pin-value=5678",
	     "certs/agency-sign/uhcw", "no such key"},
	    {"pkcs11:token=none;object=uhcw-sign;type=private" MODULE "&pin-value=5678",
	     "certs/agency-sign/uhcw", "no such key"},
	    {KEY MODULE "&pin-value=5678", "certs/agency-sign/csc", "not the certificate's"},
	    {KEY, "certs/agency-sign/uhcw", "module-path"},
	    {KEY "?pin-value=5678", "certs/agency-sign/uhcw", "module-path"},
	    {KEY "?xmodule-path=/x&pin-value=5678", "certs/agency-sign/uhcw", "module-path"},
	    {KEY MODULE, "certs/agency-sign/uhcw", "pin-value"},
	    {KEY MODULE "&pin-value=", "certs/agency-sign/uhcw", "pin-value"},
	    {KEY "?module-path=/usr/lib/softhsm/other.so&pin-value=5678", "certs/agency-sign/uhcw",
	     "two modules"},
	    {"pkcs11:\npkcs11:", "certs/agency-sign/uhcw", "one line"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct signer *s = NULL;

		if (open_signer(rows[i].uri, rows[i].stem, &s) == 0)
			fail_msg("%s: not refused", rows[i].uri);
		assert_int_equal(e.code, ERR_SECRET);
		if (strstr(e.text, rows[i].names) == NULL)
			fail_msg("%s: %s", rows[i].uri, e.text);
		if (strstr(e.text, "5678") != NULL)
			fail_msg("the PIN is told: %s", e.text);
	}
}

static void
too_long(void **state)
{
	struct signer *s = NULL;
	char uri[2000];

	memset(uri, 'a', sizeof uri);
	memcpy(uri, "pkcs11:", 7);
	uri[sizeof uri - 1] = '\0';
	assert_refused(open_signer(uri, "certs/agency-sign/uhcw", &s), &e, ERR_SECRET);
}

static int
make_token(void **state)
{
	char command[1024], path[64];
	FILE *f;

	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/softhsm2.conf", folder);
	f = fopen(path, "w");
	fprintf(f, "directories.tokendir = %s\nlog.level = ERROR\n", folder);
	fclose(f);
	setenv("SOFTHSM2_CONF", path, 1);
	snprintf(
	    command, sizeof command,
	    "softhsm2-util --init-token --free --label safehand --so-pin 1234 --pin 5678 >&2 && "
	    "softhsm2-util --import %s/certs/agency-sign/uhcw.key --label uhcw-sign --id 01 "
	    "--token safehand --pin 5678 >&2",
	    getenv("PKI"));
	return system(command);
}

static int
drop_token(void **state)
{
	char command[64];

	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_wrong_pin_is_refused),
					   cmocka_unit_test(signs_from_the_token),
					   cmocka_unit_test(refusals), cmocka_unit_test(too_long)};

	return cmocka_run_group_tests(tests, make_token, drop_token);
}
