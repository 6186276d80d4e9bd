/* test_chains.c - chains of certificates: RFC 5280's rules on the way from the root, each broken
 * alone in a chain that is good otherwise. All made by stock openssl. */
#include "pki_rig.h"

#include "safehand/identity.h"
#include "safehand/time.h"

#define P256 "ec -pkeyopt ec_paramgen_curve:P-256"
#define CA   "basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign,cRLSign\\n"
#define LEAF                                                                                       \
	"basicConstraints=critical,CA:FALSE\\nkeyUsage=critical,digitalSignature\\n"               \
	"extendedKeyUsage=2.25.306450688074897223438439316723139715727.1.3\\n"                     \
	"subjectAltName=URI:safehand:agency/uhcw%s\\n"
#define DAYS   "-days 30"
#define SHA256 "-sha256"

static char folder[] = "/tmp/safehand-chains-XXXXXX";
static struct err e;

/* NAME.pem and NAME.key in the folder, signed by ISSUER ("": by itself). */
static void
make(const char *name, const char *issuer, const char *key, const char *how, const char *extensions)
{
	struct buf command = {0};

	buf_addf(&command,
		 "cd %s && openssl req -new -newkey %s -nodes -keyout %s.key -subj '/CN=%s' "
		 "-config /dev/null -out %s.csr 2>/dev/null && printf '%s' >%s.ext && "
		 "openssl x509 -req -in %s.csr -extfile %s.ext %s ",
		 folder, key, name, name, name, extensions, name, name, name, how);
	if (*issuer != '\0')
		buf_addf(&command, "-CA %s.pem -CAkey %s.key -CAcreateserial", issuer, issuer);
	else
		buf_addf(&command, "-signkey %s.key", name);
	buf_addf(&command, " -out %s.pem 2>/dev/null", name);
	if (system(buf_str(&command)) != 0)
		fail_msg("%s", buf_str(&command));
	buf_free(&command);
}

static struct buf
take(const char *name)
{
	struct buf b = {0};
	char path[128];
	FILE *f;
	int c;

	snprintf(path, sizeof path, "%s/%s.pem", folder, name);
	assert_non_null(f = fopen(path, "r"));
	while ((c = getc(f)) != EOF)
		buf_addc(&b, (char)c);
	fclose(f);
	return b;
}

/* What is said of the leaf, with this root and these CAs beside it. */
static int
judge(const char *root, const char *const issuing[static 2], const char *leaf)
{
	struct buf root_pem = take(root), pem = take(leaf), der = {0}, cas = {0}, crl = {0};
	struct identity id;
	struct trust *t;
	int rc;

	for (size_t i = 0; i < 2 && issuing[i] != NULL; i++) {
		struct buf one = take(issuing[i]);

		buf_add(&cas, one.data, one.len);
		buf_free(&one);
	}
	assert_ok(identity_pem_to_der(pem.data, pem.len, &der, &e), &e);
	if ((rc = trust_new(&root_pem, &cas, &crl, &t, &e)) == 0) {
		rc = trust_check(t, der.data, der.len, 1u << PROFILE_AGENCY_SIGN, time_now_ms(),
				 TRUST_HISTORIC, &id, &e);
		trust_free(t);
	}
	buf_free(&root_pem);
	buf_free(&pem);
	buf_free(&der);
	buf_free(&cas);
	return rc;
}

/* root, then issuing, then the leaf. */
static const struct {
	const char *what;
	const char *ca_key, *ca_how, *ca_extensions; /* of issuing */
	const char *how, *more;			     /* of the leaf; more: after its name */
	bool good;
} rows[] = {
    {"a good chain", P256, DAYS, CA, DAYS, "", true},
    {"a path length that is kept", P256, DAYS,
     "basicConstraints=critical,CA:TRUE,pathlen:0\\nkeyUsage=critical,keyCertSign\\n", DAYS, "",
     true},
    {"a CA that says it is none", P256, DAYS,
     "basicConstraints=critical,CA:FALSE\\nkeyUsage=critical,keyCertSign\\n", DAYS, "", false},
    {"a CA that does not say it", P256, DAYS, "keyUsage=critical,keyCertSign\\n", DAYS, "", false},
    {"a CA that may not sign certificates", P256, DAYS,
     "basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,cRLSign\\n", DAYS, "", false},
    {"a CA that may do nothing of the kind", P256, DAYS,
     "basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,digitalSignature\\n", DAYS, "", false},
    {"a CA of another purpose", P256, DAYS, CA "extendedKeyUsage=serverAuth\\n", DAYS, "", true},
    {"an expired CA", P256, "-days -1", CA, DAYS, "", false},
    {"an unknown critical extension in the CA", P256, DAYS, CA "1.2.3.4=critical,DER:0500\\n", DAYS,
     "", false},
    {"an unknown extension in the CA that is not critical", P256, DAYS, CA "1.2.3.4=DER:0500\\n",
     DAYS, "", true},
    {"names constrained to others", P256, DAYS,
     CA "nameConstraints=critical,permitted;DNS:good.example\\n", DAYS, ",DNS:evil.example", false},
    {"names excluded", P256, DAYS, CA "nameConstraints=critical,excluded;DNS:evil.example\\n", DAYS,
     ",DNS:evil.example", false},
    {"names constrained in a way that cannot be judged", P256, DAYS,
     CA "nameConstraints=critical,permitted;URI:.example\\n", DAYS, "", false},
    {"a weak key of the CA", "rsa:1024", DAYS, CA, DAYS, "", false},
    {"a weak digest under the CA", P256, DAYS " -sha1", CA, DAYS, "", false},
    {"a weak digest under the leaf", P256, DAYS, CA, DAYS " -sha1", "", false},
    {"a policy that must be there", P256, DAYS,
     CA "policyConstraints=critical,requireExplicitPolicy:0\\n", DAYS, "", false},
    {"an unknown critical extension in the leaf", P256, DAYS, CA, DAYS,
     "\\n1.2.3.4=critical,DER:0500", false},
    {"an expired leaf", P256, DAYS, CA, "-days -1", "", false},
};

static void
each_rule_of_the_path(void **state)
{
	char leaf[1024];

	make("root", "", P256, DAYS " " SHA256, CA);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int rc;

		snprintf(leaf, sizeof leaf, LEAF, rows[i].more);
		make("issuing", "root", rows[i].ca_key, rows[i].ca_how, rows[i].ca_extensions);
		make("leaf", "issuing", P256, rows[i].how, leaf);
		rc = judge("root", (const char *const[2]){"issuing", NULL}, "leaf");
		if ((rc == 0) != rows[i].good)
			fail_msg("%s: %s", rows[i].what, rc == 0 ? "taken" : e.text);
		if (rc < 0 && strlen(e.text) < 20)
			fail_msg("%s: refused without a word: %s", rows[i].what, e.text);
	}
}

static void
longer_than_the_path_length(void **state)
{
	static const char *const two[2] = {"first", "second"};
	char leaf[1024];

	snprintf(leaf, sizeof leaf, LEAF, "");
	make("root", "", P256, DAYS, CA);
	make("first", "root", P256, DAYS, CA);
	make("second", "first", P256, DAYS, CA);
	make("leaf", "second", P256, DAYS, leaf);
	assert_ok(judge("root", two, "leaf"), &e);
	make("first", "root", P256, DAYS,
	     "basicConstraints=critical,CA:TRUE,pathlen:0\\nkeyUsage=critical,keyCertSign\\n");
	make("second", "first", P256, DAYS, CA);
	make("leaf", "second", P256, DAYS, leaf);
	assert_int_equal(judge("root", two, "leaf"), -1);
	assert_non_null(strstr(e.text, "path length"));
}

/* The names are right, the signature is another's. */
static void
of_another_hand(void **state)
{
	static const char *const one[2] = {"issuing", NULL};
	char leaf[1024];

	snprintf(leaf, sizeof leaf, LEAF, "");
	make("root", "", P256, DAYS, CA);
	make("issuing", "root", P256, DAYS, CA);
	make("leaf", "issuing", P256, DAYS, leaf);
	assert_ok(judge("root", one, "leaf"), &e);
	make("issuing", "root", P256, DAYS, CA); /* the same name, another key */
	assert_int_equal(judge("root", one, "leaf"), -1);
	make("leaf", "", P256, DAYS, leaf); /* by itself */
	assert_int_equal(judge("root", one, "leaf"), -1);
	make("leaf", "issuing", P256, DAYS, leaf);
	make("root", "", P256, DAYS, CA); /* another root of the same name */
	assert_int_equal(judge("root", one, "leaf"), -1);
	/* a leaf is no CA for another leaf */
	make("root", "", P256, DAYS, CA);
	make("issuing", "root", P256, DAYS, leaf);
	make("leaf", "issuing", P256, DAYS, leaf);
	assert_int_equal(judge("root", one, "leaf"), -1);
}

static int
begin(void **state)
{
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
end(void **state)
{
	char command[64];

	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_rule_of_the_path),
					   cmocka_unit_test(longer_than_the_path_length),
					   cmocka_unit_test(of_another_hand)};

	return cmocka_run_group_tests(tests, begin, end);
}
