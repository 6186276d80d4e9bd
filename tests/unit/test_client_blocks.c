/* test_client_blocks.c - what moves a bundle between the network and a file: whole blocks of it,
 * and its payload's digest while it comes in. */
#include <fcntl.h>
#include <sys/stat.h>

#include "tap.h"

#include "client/blocks.h"
#include "client/intake.h"
#include "safehand/bundle.h"
#include "safehand/digest.h"

#define BYTES (3 * BLOCKS_BYTES + 4321)

static uint8_t bytes[BYTES];
static struct err e;

static int
fill(void **state)
{
	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 11);
	return 0;
}

static int
file_of(size_t n)
{
	char name[] = "/tmp/test_blocks.XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(pwrite(fd, bytes, n, 0), (ssize_t)n);
	return fd;
}

/* --- blocks --- */

static void
reads_what_the_file_has(void **state)
{
	static const size_t rooms[] = {1000, 4096, 65536, BLOCKS_BYTES, 2 * BLOCKS_BYTES};
	static const size_t starts[] = {0, 1, 4095, BLOCKS_BYTES - 1, BLOCKS_BYTES, BYTES - 1};
	uint8_t *got = mem_alloc(2 * BLOCKS_BYTES);
	int fd = file_of(BYTES);

	for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
		for (size_t k = 0; k < sizeof starts / sizeof *starts; k++) {
			struct blocks b = {0};
			size_t at = starts[k], n;

			do {
				n = rooms[i];
				assert_ok(blocks_read(&b, fd, at, got, &n, &e), &e);
				assert_true(n <= rooms[i] && at + n <= BYTES);
				assert_memory_equal(got, bytes + at, n);
				at += n;
			} while (n > 0);
			assert_int_equal(at, BYTES);
			blocks_free(&b);
		}
	free(got);
	close(fd);
}

/* As curl does after a refusal on a connection that was kept. */
static void
reads_again_from_the_start(void **state)
{
	struct blocks b = {0};
	uint8_t got[100];
	size_t n = sizeof got;
	int fd = file_of(BYTES);

	assert_ok(blocks_read(&b, fd, BYTES - 100, got, &n, &e), &e);
	n = sizeof got;
	assert_ok(blocks_read(&b, fd, 0, got, &n, &e), &e);
	assert_memory_equal(got, bytes, sizeof got);
	blocks_free(&b);
	close(fd);
}

static void
writes_all_that_came(void **state)
{
	static const size_t pieces[] = {999, 16384, BLOCKS_BYTES, BYTES};
	static const size_t starts[] = {0, 1, 5000, BLOCKS_BYTES, BLOCKS_BYTES + 77};
	uint8_t *got = mem_alloc(BYTES);

	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
		for (size_t k = 0; k < sizeof starts / sizeof *starts; k++) {
			struct blocks b = {0};
			int fd = file_of(starts[k]);
			struct stat st;

			for (size_t at = starts[k]; at < BYTES; at += pieces[i])
				assert_ok(blocks_write(
					      &b, fd, at, bytes + at,
					      at + pieces[i] < BYTES ? pieces[i] : BYTES - at, &e),
					  &e);
			assert_ok(blocks_flush(&b, fd, &e), &e);
			blocks_free(&b);
			assert_true(fstat(fd, &st) == 0 && st.st_size == BYTES);
			assert_int_equal(pread(fd, got, BYTES, 0), BYTES);
			assert_memory_equal(got, bytes, BYTES);
			close(fd);
		}
	free(got);
}

static void
tells_that_it_cannot(void **state)
{
	int ro = open("/dev/null", O_RDONLY | O_CLOEXEC),
	    wo = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct blocks b = {0};
	size_t n = 10;
	uint8_t got[10];

	assert_int_equal(blocks_read(&b, wo, 0, got, &n, &e), -1);
	assert_int_equal(e.code, ERR_SYSTEM);
	blocks_free(&b);
	assert_ok(blocks_write(&b, ro, 0, bytes, 10, &e), &e); /* it waits */
	assert_int_equal(blocks_flush(&b, ro, &e), -1);
	assert_int_equal(blocks_write(&b, ro, 10, bytes, BLOCKS_BYTES, &e), -1);
	assert_int_equal(e.code, ERR_SYSTEM);
	blocks_free(&b);
	close(ro);
	close(wo);
}

/* --- intake --- */

/* A head in front of bytes; its length. */
static size_t
make_head(uint8_t *out, size_t payload)
{
	struct bundle_head h = {300, 200, 80, payload};

	bundle_head_format(&h, out);
	return bundle_head_bytes(&h);
}

static void
digest_of_the_payload(void **state)
{
	static const size_t pieces[] = {1, 7, 100, 603, 604, 605, 16384, BYTES};
	uint8_t *shb = mem_alloc(BYTES), want[DIGEST_BYTES], got[DIGEST_BYTES];
	size_t head = make_head(shb, 70000), n = head + 70000;

	memcpy(shb + BUNDLE_FIXED_BYTES, bytes, BYTES - BUNDLE_FIXED_BYTES);
	digest_of(shb + head, 70000, want);
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		struct intake *in = intake_new();

		for (size_t at = 0; at < n; at += pieces[i]) {
			assert_false(intake_get(in, got));
			intake_add(in, at, shb + at, at + pieces[i] < n ? pieces[i] : n - at);
		}
		assert_int_equal(intake_at(in), n);
		assert_true(intake_get(in, got));
		assert_memory_equal(got, want, DIGEST_BYTES);
		intake_add(in, n, shb, 1); /* more than the bundle has */
		assert_false(intake_get(in, got));
		intake_free(in);
	}
	free(shb);
}

static void
begins_anew_and_skips_nothing(void **state)
{
	uint8_t *shb = mem_alloc(BYTES), want[DIGEST_BYTES], got[DIGEST_BYTES];
	size_t head = make_head(shb, 5000);
	struct intake *in = intake_new();

	memcpy(shb + BUNDLE_FIXED_BYTES, bytes, 10000);
	digest_of(shb + head, 5000, want);
	intake_add(in, 0, bytes, 9000); /* another file */
	intake_add(in, 0, shb, head + 1000);
	intake_add(in, head + 2000, shb + head + 2000, 3000); /* a gap */
	assert_int_equal(intake_at(in), head + 1000);
	assert_false(intake_get(in, got));
	intake_add(in, head + 1000, shb + head + 1000, 4000);
	assert_true(intake_get(in, got));
	assert_memory_equal(got, want, DIGEST_BYTES);
	intake_free(in);
	free(shb);
}

static void
what_is_no_bundle_has_none(void **state)
{
	struct intake *in = intake_new();
	uint8_t got[DIGEST_BYTES];

	assert_false(intake_get(in, got));
	intake_add(in, 0, bytes, 20); /* shorter than any head */
	assert_false(intake_get(in, got));
	intake_add(in, 20, bytes + 20, 5000);
	assert_false(intake_get(in, got));
	intake_free(in);
	intake_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_the_file_has),
	    cmocka_unit_test(reads_again_from_the_start),
	    cmocka_unit_test(writes_all_that_came),
	    cmocka_unit_test(tells_that_it_cannot),
	    cmocka_unit_test(digest_of_the_payload),
	    cmocka_unit_test(begins_anew_and_skips_nothing),
	    cmocka_unit_test(what_is_no_bundle_has_none),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
