/* test_identity.c - what makes a certificate one of a profile: each rule a row that breaks just it;
 * keys that fit, and keys that do not. No chain is looked at here: self-made ones serve. */
#include "pki_rig.h"

#include "safehand/identity.h"

#define ARC  "2.25.306450688074897223438439316723139715727.1."
#define P256 "ec -pkeyopt ec_paramgen_curve:P-256"
#define URI  "subjectAltName=URI:safehand:"
#define SIGN "keyUsage=critical,digitalSignature"
#define LEAF "basicConstraints=critical,CA:FALSE"

static struct err e;

/* Made by stock openssl; an extension that is NULL is left out. */
static struct buf
certificate(const char *key, const char *eku, const char *san, const char *usage, const char *basic)
{
	const char *const extensions[] = {eku, san, usage, basic};
	struct buf command = {0}, pem = {0}, der = {0};
	FILE *f;
	int c;

	buf_addf(&command,
		 "openssl req -x509 -newkey %s -nodes -keyout /dev/null -days 30 -subj /CN=x "
		 "-config /dev/null",
		 key);
	for (size_t i = 0; i < 4; i++)
		if (extensions[i] != NULL)
			buf_addf(&command, " -addext '%s'", extensions[i]);
	buf_adds(&command, " 2>/dev/null");
	f = popen(buf_str(&command), "r");
	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		buf_addc(&pem, (char)c);
	if (pclose(f) != 0)
		fail_msg("%s", buf_str(&command));
	assert_ok(identity_pem_to_der(pem.data, pem.len, &der, &e), &e);
	buf_free(&command);
	buf_free(&pem);
	return der;
}

static const struct {
	const char *what, *key, *eku, *san, *usage, *basic;
	const char *words; /* of the refusal; NULL: it is one of ours */
} rows[] = {
    {"agency-sign", P256, "extendedKeyUsage=" ARC "3", URI "agency/uhcw", SIGN, LEAF, NULL},
    {"agency-tls", P256, "extendedKeyUsage=clientAuth," ARC "1", URI "agency/uhcw", SIGN, LEAF,
     NULL},
    {"tsa", P256, "extendedKeyUsage=critical,timeStamping", URI "tsa/gw", SIGN, LEAF, NULL},
    {"other kinds of names beside", P256, "extendedKeyUsage=" ARC "3",
     URI "agency/uhcw,DNS:uhcw.example", SIGN, LEAF, NULL},
    {"no extended key usage", P256, NULL, URI "agency/uhcw", SIGN, LEAF, "of no profile"},
    {"of two profiles", P256, "extendedKeyUsage=" ARC "3," ARC "4", URI "agency/uhcw", SIGN, LEAF,
     "of no profile"},
    {"half of a profile", P256, "extendedKeyUsage=clientAuth", URI "agency/uhcw", SIGN, LEAF,
     "of no profile"},
    {"an arc that is none", P256, "extendedKeyUsage=" ARC "9", URI "agency/uhcw", SIGN, LEAF,
     "of no profile"},
    {"stamping that is not critical", P256, "extendedKeyUsage=timeStamping", URI "tsa/gw", SIGN,
     LEAF, "of no profile"},
    {"no name", P256, "extendedKeyUsage=" ARC "3", NULL, SIGN, LEAF, "wants one name"},
    {"two names", P256, "extendedKeyUsage=" ARC "3", URI "agency/uhcw,URI:safehand:agency/csc",
     SIGN, LEAF, "wants one name"},
    {"another scheme", P256, "extendedKeyUsage=" ARC "3", "subjectAltName=URI:http:agency/uhcw",
     SIGN, LEAF, "wants one name"},
    {"a person's name", P256, "extendedKeyUsage=" ARC "3", URI "person/uhcw/a", SIGN, LEAF,
     "cannot be named"},
    {"a name of two parts", P256, "extendedKeyUsage=" ARC "3", URI "agency/uhcw/a", SIGN, LEAF,
     "cannot be named"},
    {"a name of one part", P256, "extendedKeyUsage=" ARC "4", URI "person/uhcw", SIGN, LEAF,
     "cannot be named"},
    {"capitals", P256, "extendedKeyUsage=" ARC "3", URI "agency/UHCW", SIGN, LEAF,
     "cannot be named"},
    {"a CA", P256, "extendedKeyUsage=" ARC "3", URI "agency/uhcw", SIGN ",keyCertSign",
     "basicConstraints=critical,CA:TRUE", "a CA certificate"},
    {"not said to be no CA", P256, "extendedKeyUsage=" ARC "3", URI "agency/uhcw", SIGN, NULL,
     "no CA"},
    {"another key usage", P256, "extendedKeyUsage=" ARC "3", URI "agency/uhcw",
     "keyUsage=critical,keyAgreement", LEAF, "P-256 key for signing"},
    {"more key usage", P256, "extendedKeyUsage=" ARC "3", URI "agency/uhcw", SIGN ",keyAgreement",
     LEAF, "P-256 key for signing"},
    {"no key usage", P256, "extendedKeyUsage=" ARC "3", URI "agency/uhcw", NULL, LEAF,
     "P-256 key for signing"},
    {"another curve", "ec -pkeyopt ec_paramgen_curve:P-384", "extendedKeyUsage=" ARC "3",
     URI "agency/uhcw", SIGN, LEAF, "P-256 key for signing"},
    {"RSA", "rsa:2048", "extendedKeyUsage=" ARC "3", URI "agency/uhcw", SIGN, LEAF,
     "P-256 key for signing"},
    {"Ed25519", "ed25519", "extendedKeyUsage=" ARC "3", URI "agency/uhcw", SIGN, LEAF,
     "P-256 key for signing"},
    {"sealing with a key that signs", P256, "extendedKeyUsage=" ARC "2", URI "mailbox/a/b",
     "keyUsage=critical,keyAgreement", LEAF, "X25519 key"},
};

static void
each_rule_of_a_profile(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf der = certificate(rows[i].key, rows[i].eku, rows[i].san, rows[i].usage,
					     rows[i].basic);
		struct identity id;
		int rc = identity_parse(der.data, der.len, &id, &e);

		if ((rc == 0) != (rows[i].words == NULL))
			fail_msg("%s: %d %s", rows[i].what, rc, rc < 0 ? e.text : "");
		if (rc < 0 && (e.code != ERR_PROFILE || strstr(e.text, rows[i].words) == NULL))
			fail_msg("%s: %s: %s", rows[i].what, err_name(e.code), e.text);
		buf_free(&der);
	}
}

static void
bytes_that_are_no_certificate(void **state)
{
	struct buf pem = pki_file("certs/agency-sign/uhcw.pem"), der = {0}, ber = {0};
	struct identity id;

	assert_ok(identity_pem_to_der(pem.data, pem.len, &der, &e), &e);
	assert_ok(identity_parse(der.data, der.len, &id, &e), &e);
	assert_string_equal(id.by, "agency/uhcw");
	/* the same in other bytes, its length with a zero in front: found by fuzz_certificate */
	assert_int_equal(der.data[1], 0x82);
	buf_add(&ber, "\x30\x83\0", 3);
	buf_add(&ber, der.data + 2, der.len - 2);
	assert_refused(identity_parse(ber.data, ber.len, &id, &e), &e, ERR_CERTIFICATE);
	buf_free(&ber);
	assert_refused(identity_parse(der.data, der.len - 1, &id, &e), &e, ERR_CERTIFICATE);
	assert_refused(identity_parse("", 0, &id, &e), &e, ERR_CERTIFICATE);
	buf_addc(&der, 0);
	assert_refused(identity_parse(der.data, der.len, &id, &e), &e, ERR_CERTIFICATE);
	assert_refused(identity_pem_to_der("-----BEGIN", 10, &der, &e), &e, ERR_CERTIFICATE);
	buf_free(&pem);
	buf_free(&der);
}

/* A private key, its public half and the certificate know each other; strangers do not. */
static void
keys_and_their_halves(void **state)
{
	struct buf pem = pki_file("certs/agency-sign/uhcw.pem"),
		   key = pki_file("certs/agency-sign/uhcw.key"),
		   other = pki_file("certs/agency-sign/csc.key"), der = {0}, public = {0},
		   made = {0};

	assert_ok(identity_pem_to_der(pem.data, pem.len, &der, &e), &e);
	assert_ok(identity_public_key(key.data, key.len, &public, &e), &e);
	assert_int_equal(identity_public_fits(public.data, public.len, der.data, der.len, &e), 1);
	buf_clear(&public);
	assert_ok(identity_public_key(other.data, other.len, &public, &e), &e);
	assert_int_equal(identity_public_fits(public.data, public.len, der.data, der.len, &e), 0);
	assert_refused(identity_public_fits(pem.data, pem.len, der.data, der.len, &e), &e,
		       ERR_FORMAT);
	assert_refused(identity_public_fits(public.data, public.len, "", 0, &e), &e,
		       ERR_CERTIFICATE);
	assert_refused(identity_key_fits(key.data, key.len, "", 0, &e), &e, ERR_CERTIFICATE);
	assert_refused(identity_key_fits(pem.data, pem.len, der.data, der.len, &e), &e, ERR_SECRET);
	assert_refused(identity_public_key(pem.data, pem.len, &public, &e), &e, ERR_SECRET);
	assert_refused(identity_request(pem.data, pem.len, "x", &public, &e), &e, ERR_SECRET);
	assert_ok(identity_new_key("X25519", &made, &e), &e);
	/* such a key cannot sign: the agency signs for it */
	assert_refused(identity_request(made.data, made.len, "x", &public, &e), &e, ERR_SYSTEM);
	buf_clear(&public);
	assert_ok(identity_public_key(made.data, made.len, &public, &e), &e);
	assert_non_null(strstr(buf_str(&public), "BEGIN PUBLIC KEY"));
	buf_wipe(&key);
	buf_wipe(&other);
	buf_wipe(&made);
	buf_free(&pem);
	buf_free(&der);
	buf_free(&public);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_rule_of_a_profile),
	    cmocka_unit_test(bytes_that_are_no_certificate),
	    cmocka_unit_test(keys_and_their_halves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
