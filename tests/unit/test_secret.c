/* test_secret.c - key files that are refused, each with its sentence; keys at rest. */
#include <fcntl.h>
#include <sys/stat.h>

#include "tap.h"

#include "safehand/secret.h"

static char path[64];

static int
put(const void *p, size_t n, mode_t mode)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	return 0;
}

static int
setup(void **state)
{
	snprintf(path, sizeof path, "/tmp/test_secret.%d", (int)getpid());
	return 0;
}

static int
teardown(void **state)
{
	unlink(path);
	return 0;
}

static void
reads_its_owners_file(void **state)
{
	struct secret *s;
	struct err e;

	put("open sesame\n", 12, 0600);
	assert_ok(secret_read(path, &s, &e), &e);
	assert_int_equal(s->len, 12);
	secret_free(s);
	assert_ok(secret_read_line(path, &s, &e), &e);
	assert_string_equal((char *)s->data, "open sesame");
	secret_free(s);
	put("00ff10\n", 7, 0400);
	assert_ok(secret_read_hex(path, 3, &s, &e), &e);
	assert_memory_equal(s->data, "\x00\xff\x10", 3);
	secret_free(s);
}

static void
refuses_files(void **state)
{
	struct secret *s = NULL;
	struct err e;
	char link[80];

	put("x", 1, 0640);
	assert_refused(secret_read(path, &s, &e), &e, ERR_SECRET);
	assert_non_null(strstr(e.text, "chmod 600"));
	put("x", 1, 0604);
	assert_refused(secret_read(path, &s, &e), &e, ERR_SECRET);
	put("", 0, 0600);
	assert_refused(secret_read(path, &s, &e), &e, ERR_SECRET);
	put("\n", 1, 0600);
	assert_refused(secret_read_line(path, &s, &e), &e, ERR_SECRET);
	put("00ff1", 5, 0600);
	assert_refused(secret_read_hex(path, 3, &s, &e), &e, ERR_FORMAT);
	put("00ff10\0", 7, 0600);
	assert_refused(secret_read_hex(path, 3, &s, &e), &e, ERR_FORMAT);
	snprintf(link, sizeof link, "%s.link", path);
	assert_int_equal(symlink(path, link), 0);
	assert_refused(secret_read(link, &s, &e), &e, ERR_SECRET);
	assert_non_null(strstr(e.text, "symbolic link"));
	unlink(link);
	assert_refused(secret_read("/dev/null", &s, &e), &e, ERR_SECRET);
	assert_refused(secret_read("/nowhere/at/all", &s, &e), &e, ERR_SYSTEM);
	assert_int_equal(truncate(path, SECRET_MAX_BYTES + 1), 0);
	assert_refused(secret_read(path, &s, &e), &e, ERR_LIMIT);
	if (geteuid() == 0) {
		put("x", 1, 0600);
		assert_int_equal(chown(path, 12345, 12345), 0);
		assert_refused(secret_read(path, &s, &e), &e, ERR_SECRET);
		assert_non_null(strstr(e.text, "chown"));
	}
	assert_null(s);
}

static struct secret *
secret_of(const void *p, size_t n)
{
	struct secret *s;
	struct err e;

	assert_ok(secret_new(p, n, &s, &e), &e);
	return s;
}

static void
seals_and_opens(void **state)
{
	struct secret *key = secret_of("the key", 7), *good = secret_of("right", 5),
		      *bad = secret_of("wrong", 5), *sealed, *back = NULL;
	struct buf file = {0};
	struct err e;

	assert_false(secret_is_sealed(key));
	assert_ok(secret_seal(key, good, SECRET_INTERACTIVE, &file, &e), &e);
	assert_null(memmem(file.data, file.len, "the key", 7));
	sealed = secret_of(file.data, file.len);
	assert_true(secret_is_sealed(sealed));
	assert_refused(secret_unseal(sealed, bad, &back, &e), &e, ERR_SECRET);
	assert_ok(secret_unseal(sealed, good, &back, &e), &e);
	assert_string_equal((char *)back->data, "the key");
	secret_free(back);
	/* each part of the file matters: salt, nonce, tag, text */
	for (size_t at = 20; at < sealed->len; at += 13) {
		sealed->data[at] ^= 1;
		assert_refused(secret_unseal(sealed, good, &back, &e), &e, ERR_SECRET);
		sealed->data[at] ^= 1;
	}
	buf_free(&file);
	secret_free(key);
	secret_free(good);
	secret_free(bad);
	secret_free(sealed);
}

/* Before any work is done for it. */
static void
refuses_limits(void **state)
{
	struct secret *word = secret_of("right", 5), *sealed, *back = NULL;
	uint8_t file[4 + 16 + 16 + 24 + 16 + 1] = "SHK1";
	struct err e;

	sealed = secret_of(file, sizeof file - 1);
	assert_refused(secret_unseal(sealed, word, &back, &e), &e, ERR_FORMAT);
	secret_free(sealed);
	file[11] = 1; /* one pass */
	sealed = secret_of(file, sizeof file);
	assert_refused(secret_unseal(sealed, word, &back, &e), &e, ERR_FORMAT);
	assert_non_null(strstr(e.text, "over 0 bytes"));
	sealed->data[12] = 1; /* 2^56 bytes */
	assert_refused(secret_unseal(sealed, word, &back, &e), &e, ERR_FORMAT);
	sealed->data[12] = 0;
	sealed->data[16] = 1;	/* 16 MiB, but */
	sealed->data[11] = 200; /* 200 passes */
	assert_refused(secret_unseal(sealed, word, &back, &e), &e, ERR_FORMAT);
	secret_free(sealed);
	secret_free(word);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_its_owners_file),
	    cmocka_unit_test(refuses_files),
	    cmocka_unit_test(seals_and_opens),
	    cmocka_unit_test(refuses_limits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
