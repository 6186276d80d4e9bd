/* test_crypto.c - which OpenSSL is taken, and what is said of an old one. */
#include "tap.h"

#include "safehand/crypto.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(oldest)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
