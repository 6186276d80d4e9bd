/* test_key.c - keys encrypted at rest: what the administrator's openssl makes is opened, and each
 * thing that can be wrong with it has its refusal. */
#include "pki_rig.h"

#include "safehand/key.h"

#define WORD "open sesame"

static struct err e;

static struct buf
text_of(const char *s)
{
	struct buf b = {0};

	buf_adds(&b, s);
	return b;
}

/* What stock openssl makes of the timestamp key. */
static struct buf
sealed_by(const char *options)
{
	char command[512], chunk[4096];
	struct buf b = {0};
	FILE *f;

	snprintf(command, sizeof command,
		 "openssl pkcs8 -topk8 %s -in %s/certs/tsa/gw.key -passout 'pass:" WORD "'",
		 options, getenv("PKI"));
	f = popen(command, "r");
	assert_non_null(f);
	buf_add(&b, chunk, fread(chunk, 1, sizeof chunk, f));
	assert_int_equal(pclose(f), 0);
	return b;
}

static void
opens_what_openssl_seals(void **state)
{
	static const char *const options[] = {"-scrypt", "-v2 aes-256-cbc",
					      "-v2 aes-128-cbc -v2prf hmacWithSHA512 -iter 100000"};
	struct buf plain = pki_file("certs/tsa/gw.key"), word = text_of(WORD "\n");

	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		struct buf sealed = sealed_by(options[i]), opened = {0};

		assert_null(memmem(sealed.data, sealed.len, plain.data + 40, 40));
		assert_ok(key_open(&sealed, &word, &opened, &e), &e);
		assert_int_equal(opened.len, plain.len);
		assert_memory_equal(opened.data, plain.data, plain.len);
		buf_free(&sealed);
		buf_free(&opened);
	}
	buf_free(&plain);
	buf_free(&word);
}

static void
refusals(void **state)
{
	static const char *const words[] = {"", "\n", "open", "open sesame ", "Open sesame"};
	struct buf sealed = sealed_by("-scrypt"), word = text_of(WORD), opened = {0};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct buf wrong = text_of(words[i]);

		assert_refused(key_open(&sealed, &wrong, &opened, &e), &e, ERR_SECRET);
		assert_string_equal(e.text, "the passphrase does not open it");
		buf_free(&wrong);
	}
	for (size_t n = 0; n < sealed.len - 1; n += 11) {
		struct buf cut = {0};

		buf_add(&cut, sealed.data, n);
		assert_refused(key_open(&cut, &word, &opened, &e), &e, ERR_SECRET);
		buf_free(&cut);
	}
	assert_int_equal(opened.len, 0);
	buf_free(&opened);
	buf_free(&sealed);
	buf_free(&word);
}

static void
what_is_no_encrypted_key(void **state)
{
	static const char *const names[] = {"certs/tsa/gw.key", "certs/tsa/gw.pem", "trust/crl.pem",
					    "log/log.vkey"};
	struct buf word = text_of(WORD), opened = {0};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct buf file = pki_file(names[i]);

		assert_refused(key_open(&file, &word, &opened, &e), &e, ERR_SECRET);
		assert_string_equal(e.text, "no encrypted private key (PKCS#8) in PEM");
		buf_free(&file);
	}
	assert_int_equal(opened.len, 0);
	buf_free(&word);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(opens_what_openssl_seals),
					   cmocka_unit_test(refusals),
					   cmocka_unit_test(what_is_no_encrypted_key)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
