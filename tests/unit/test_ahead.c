/* test_ahead.c - portions made ahead are those that would have been made when asked for: all of
 * them, in order, to the end or to what was refused; given up under way; without a thread. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "tap.h"

#include "lib/ahead.h"

#define PORTIONS 1000

static struct err e;
static bool no_threads;

/* Instead of the C library's. */
int
pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*run)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (no_threads)
		return EAGAIN;
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(t, a, run, arg);
}

struct source {
	unsigned made, last; /* portions; after so many comes the end, or */
	bool fails;
};

static int
make(void *ctx, uint8_t *out, size_t *n, uint64_t *mark, struct err *why)
{
	struct source *s = ctx;

	if (s->made == s->last) {
		if (s->fails) {
			*n = 7; /* no portion all the same */
			return err_set(why, ERR_SECRET, "portion %u is altered", s->made);
		}
		*n = 0;
		*mark = 99;
		return 0;
	}
	*n = s->made % 5 == 0 ? AHEAD_BYTES : s->made % 1000 + 1;
	*mark = 3 * s->made;
	memset(out, (int)(s->made % 251), *n);
	s->made++;
	return 0;
}

static void
is_portion(unsigned i, const uint8_t *p, size_t n, uint64_t mark)
{
	assert_int_equal(n, i % 5 == 0 ? AHEAD_BYTES : i % 1000 + 1);
	assert_int_equal(mark, 3 * i);
	for (size_t k = 0; k < n; k++)
		if (p[k] != i % 251)
			fail_msg("byte %zu of portion %u", k, i);
}

static void
to_the_end(bool aside, unsigned portions, bool fails)
{
	struct source s = {.last = portions, .fails = fails};
	struct ahead *a = ahead_new(make, &s, aside);
	const uint8_t *p;
	uint64_t mark;
	size_t n;

	for (unsigned i = 0; i < portions; i++) {
		assert_ok(ahead_next(a, &p, &n, &mark, &e), &e);
		is_portion(i, p, n, mark);
	}
	for (int again = 0; again < 3; again++) {
		if (fails) {
			assert_refused(ahead_next(a, &p, &n, &mark, &e), &e, ERR_SECRET);
		} else {
			assert_ok(ahead_next(a, &p, &n, &mark, &e), &e);
			assert_int_equal(mark, 99);
		}
		assert_int_equal(n, 0);
	}
	ahead_stop(a);
	ahead_stop(a);
	assert_int_equal(s.made, portions);
	ahead_free(a);
}

static void
all_in_order(void **state)
{
	static const unsigned portions[] = {
	    0,	     1, AHEAD_PORTIONS - 1, AHEAD_PORTIONS, AHEAD_PORTIONS + 1, 2 * AHEAD_PORTIONS,
	    PORTIONS};

	for (size_t i = 0; i < sizeof portions / sizeof *portions; i++)
		for (int how = 0; how < 4; how++)
			to_the_end(how & 1, portions[i], how & 2);
}

static void
without_a_thread(void **state)
{
	no_threads = true;
	to_the_end(true, PORTIONS, false);
	to_the_end(true, PORTIONS, true);
	no_threads = false;
}

/* It makes no more than there is room for, and stops where it is. */
static void
given_up_under_way(void **state)
{
	for (unsigned taken = 0; taken < 3 * AHEAD_PORTIONS; taken++) {
		struct source s = {.last = PORTIONS};
		struct ahead *a = ahead_new(make, &s, true);
		const uint8_t *p;
		uint64_t mark;
		size_t n;

		for (unsigned i = 0; i < taken; i++) {
			assert_ok(ahead_next(a, &p, &n, &mark, &e), &e);
			is_portion(i, p, n, mark);
		}
		if (taken % 2 == 0)
			ahead_stop(a);
		ahead_free(a);
		assert_true(s.made >= taken && s.made <= taken + AHEAD_PORTIONS);
	}
	ahead_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_in_order),
	    cmocka_unit_test(without_a_thread),
	    cmocka_unit_test(given_up_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
