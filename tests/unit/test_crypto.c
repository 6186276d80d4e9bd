/* test_crypto.c - which OpenSSL is taken, and what is said of an old one. */
#include "tap.h"

#include <sys/wait.h>

#include "safehand/crypto.h"
#include "safehand/digest.h"

static void
oldest(void **state)
{
	static const struct {
		unsigned long version;
		int old;
	} rows[] = {{0x30000150L, 1}, {0x30000130L, 1}, {0x1010117fL, 1}, {0, 1},
		    {0x30000160L, 0}, {0x30000170L, 0}, {0x30500000L, 0}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *said = crypto_judge(rows[i].version);

		if ((said != NULL) != rows[i].old)
			fail_msg("%lx: %s", rows[i].version, said ? said : "taken");
	}
	assert_non_null(strstr(crypto_judge(0x30000130L), "3.0.22"));
	assert_non_null(strstr(crypto_judge(0x30000130L), "apt-get install libssl3"));
	assert_null(crypto_old()); /* what runs here was installed by make deps */
}

/* A process that has used libcrypto: its memory is not wiped, and it is too late. */
static void
used_before(void)
{
	uint8_t digest[DIGEST_BYTES];
	struct err e;

	digest_of("", 0, digest);
	_exit(crypto_guard(65536, &e) < 0 && e.code == ERR_SYSTEM &&
		      strcmp(e.text, "libcrypto was used before its memory was guarded") == 0
		  ? 0
		  : 1);
}

static void
guarded_first_or_not_at_all(void **state)
{
	uint8_t digest[DIGEST_BYTES];
	int status;
	struct err e;
	pid_t pid;

	if ((pid = fork()) == 0)
		used_before();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_ok(crypto_guard(65536, &e), &e);
	digest_of("", 0, digest);
	assert_refused(crypto_guard(65536, &e), &e, ERR_SYSTEM);
	assert_string_equal(e.text, "libcrypto's memory is guarded already");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(guarded_first_or_not_at_all),
					   cmocka_unit_test(oldest)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
