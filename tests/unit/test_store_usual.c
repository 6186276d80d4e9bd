/* test_store_usual.c - what counts as a mailbox's usual hour, and when it is out of it. Runs in:
 * tests. */
#include "store/usual.h"
#include "tap.h"

#define HOUR 3600000LL

static uint32_t count, usual;

/* n fetches within the hour; how many of them raised an alarm. */
static unsigned
fetch(struct usual *r, const char *mailbox, int64_t hour, unsigned n)
{
	unsigned alarms = 0;

	for (unsigned i = 0; i < n; i++)
		alarms += usual_add(r, mailbox, hour * HOUR + i, 10, &count, &usual);
	return alarms;
}

static void
a_stranger_to_fetching(void **state)
{
	struct usual *r = usual_new();

	assert_int_equal(fetch(r, "csc/mash", 1000, 10), 0); /* up to the floor */
	assert_int_equal(fetch(r, "csc/mash", 1000, 1), 1);
	assert_int_equal(count, 11);
	assert_int_equal(usual, 0);
	assert_int_equal(fetch(r, "csc/mash", 1000, 500), 0);	   /* told once an hour */
	assert_int_equal(fetch(r, "uhcw/emergency", 1000, 10), 0); /* each for itself */
	usual_free(r);
}

static void
a_busy_one_is_not_an_outlier(void **state)
{
	struct usual *r = usual_new();
	unsigned alarms = 0;

	for (int64_t h = 1000; h < 1048; h++)
		alarms += fetch(r, "csc/mash", h, 20);
	assert_true(alarms >= 1 && alarms <= 2); /* while it is learnt */
	assert_in_range(usual, 18, 20);
	assert_int_equal(fetch(r, "csc/mash", 1048, 90), 0);
	assert_int_equal(fetch(r, "csc/mash", 1048, 20), 1); /* beyond five times the usual */
	usual_free(r);
}

static void
silence_and_clocks(void **state)
{
	struct usual *r = usual_new();

	for (int64_t h = 1000; h < 1048; h++)
		fetch(r, "csc/mash", h, 20);
	assert_int_equal(fetch(r, "csc/mash", 1048 + 10000, 11),
			 1); /* what was usual is forgotten */
	assert_int_equal(usual, 0);
	assert_int_equal(fetch(r, "csc/mash", 5, 100),
			 0); /* a clock that went back: the same hour on */
	assert_int_equal(count, 111);
	usual_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_stranger_to_fetching),
	    cmocka_unit_test(a_busy_one_is_not_an_outlier),
	    cmocka_unit_test(silence_and_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
