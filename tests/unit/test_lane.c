/* test_lane.c - a digest taken aside is the digest: of every length about a block's, in pieces of
 * any size, asked for in between, given up under way, and where there is no thread to be had. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "tap.h"

#include "safehand/digest.h"
#include "safehand/lane.h"

#define BYTES (8 * 1024 * 1024)

static uint8_t *bytes;
static bool no_threads;
static unsigned threads;
static sigset_t its_mask; /* what the last thread was started with */

/* Instead of the C library's. */
int
pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*run)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (no_threads)
		return EAGAIN;
	threads++;
	pthread_sigmask(SIG_SETMASK, NULL, &its_mask);
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(t, a, run, arg);
}

static int
fill(void **state)
{
	bytes = mem_alloc(BYTES);
	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	return 0;
}

static int
drop(void **state)
{
	free(bytes);
	return 0;
}

static void
is_digest_of(struct lane *l, size_t n)
{
	uint8_t want[DIGEST_BYTES], got[DIGEST_BYTES];

	digest_of(bytes, n, want);
	lane_get(l, got);
	assert_memory_equal(got, want, DIGEST_BYTES);
}

static void
in_pieces(size_t n, size_t piece)
{
	struct lane *l = lane_new();

	for (size_t at = 0; at < n; at += piece)
		lane_add(l, bytes + at, n - at < piece ? n - at : piece);
	is_digest_of(l, n);
	is_digest_of(l, n); /* again */
	lane_free(l);
}

static void
every_length(void **state)
{
	static const size_t edges[] = {LANE_ALONE, LANE_ALONE + LANE_WAITING / 4,
				       LANE_ALONE + LANE_WAITING, 2 * LANE_ALONE + LANE_WAITING};
	static const size_t pieces[] = {4099, 65553, 256 * 1024, BYTES};

	in_pieces(0, 1);
	in_pieces(1, 1);
	for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
		for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++)
			for (size_t n = edges[i] - 1; n <= edges[i] + 1; n++)
				in_pieces(n, pieces[k]);
	in_pieces(BYTES, 65553);
}

static void
goes_on_after_get(void **state)
{
	struct lane *l = lane_new();

	for (size_t at = 0; at < BYTES; at += BYTES / 32) {
		lane_add(l, bytes + at, BYTES / 32);
		is_digest_of(l, at + BYTES / 32);
	}
	lane_free(l);
}

static void
given_up_under_way(void **state)
{
	for (int i = 0; i < 50; i++) {
		struct lane *l = lane_new();

		lane_add(l, bytes, LANE_ALONE + LANE_WAITING / 2 + (size_t)i);
		lane_free(l);
	}
	lane_free(NULL);
}

static void
small_ones_need_no_thread(void **state)
{
	threads = 0;
	in_pieces(LANE_ALONE, 4096);
	assert_int_equal(threads, 0);
	in_pieces(LANE_ALONE + 1, 4096);
	assert_int_equal(threads, 1);
}

static void
without_a_thread(void **state)
{
	no_threads = true;
	in_pieces(BYTES, 65553);
	no_threads = false;
}

/* A handler runs in the thread that waits for it. */
static void
takes_no_signal(void **state)
{
	sigset_t after;

	in_pieces(BYTES, BYTES);
	assert_true(sigismember(&its_mask, SIGINT) && sigismember(&its_mask, SIGTERM));
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_false(sigismember(&after, SIGINT));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_length),	  cmocka_unit_test(goes_on_after_get),
	    cmocka_unit_test(given_up_under_way), cmocka_unit_test(small_ones_need_no_thread),
	    cmocka_unit_test(without_a_thread),	  cmocka_unit_test(takes_no_signal),
	};

	return cmocka_run_group_tests(tests, fill, drop);
}
