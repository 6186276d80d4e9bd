/* test_file.c - files that appear whole and synced, or not at all: named, replaced, given up,
 * copied, and on a disk that is full. */
#include <fcntl.h>
#include <sys/stat.h>

#include "tap.h"

#include "lib/file_in.h"

static char folder[64];
static int dir_fd;
static struct err e;

static int
fresh(void **state)
{
	snprintf(folder, sizeof folder, "/tmp/test_file.XXXXXX");
	assert_non_null(mkdtemp(folder));
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir_fd >= 0);
	return 0;
}

static int
sweep(void **state)
{
	char command[128];

	close(dir_fd);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

/* How many names there are, hidden ones too. */
static int
names(void)
{
	char command[128];
	int n = -1;
	FILE *f;

	snprintf(command, sizeof command, "find %s -mindepth 1 | wc -l", folder);
	f = popen(command, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &n), 1);
	pclose(f);
	return n;
}

static void
holds(const char *name, const char *text)
{
	char got[64] = "";
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, got, sizeof got - 1), (ssize_t)strlen(text));
	assert_string_equal(got, text);
	close(fd);
}

static void
put(const char *name, const char *text, bool replace)
{
	struct new_file f;

	assert_ok(file_begin(&f, dir_fd, name, &e), &e);
	assert_ok(file_write(f.fd, text, strlen(text), name, &e), &e);
	assert_ok(file_commit(&f, name, replace, &e), &e);
	assert_int_equal(f.fd, -1);
}

static void
appears_when_committed(void **state)
{
	struct new_file f;
	struct stat st;

	assert_ok(file_begin(&f, dir_fd, "a", &e), &e);
	assert_ok(file_write(f.fd, "one", 3, "a", &e), &e);
	assert_int_equal(fstatat(dir_fd, "a", &st, 0), -1);
	assert_ok(file_commit(&f, "a", false, &e), &e);
	holds("a", "one");
	assert_int_equal(fstatat(dir_fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(names(), 1);
	file_abort(&f); /* committed: nothing is taken away */
	holds("a", "one");
}

static void
never_over_another(void **state)
{
	struct new_file f;

	put("a", "one", false);
	assert_ok(file_begin(&f, dir_fd, "a", &e), &e);
	assert_ok(file_write(f.fd, "two", 3, "a", &e), &e);
	assert_refused(file_commit(&f, "a", false, &e), &e, ERR_CONFLICT);
	file_abort(&f);
	holds("a", "one");
	assert_int_equal(names(), 1);
	put("a", "three", true); /* unless that is wanted */
	holds("a", "three");
	put("b", "four", true);
	assert_refused(file_rename(dir_fd, "b", "a", &e), &e, ERR_CONFLICT);
	holds("a", "three");
	assert_ok(file_rename(dir_fd, "b", "c", &e), &e);
	assert_refused(file_rename(dir_fd, "b", "d", &e), &e, ERR_SYSTEM);
	assert_int_equal(names(), 2);
}

static void
given_up_leaves_nothing(void **state)
{
	struct new_file f, none = {.fd = -1};

	assert_ok(file_begin(&f, dir_fd, "a", &e), &e);
	assert_ok(file_write(f.fd, "one", 3, "a", &e), &e);
	file_abort(&f);
	file_abort(&f); /* twice is once */
	file_abort(&none);
	assert_int_equal(names(), 0);
	assert_refused(file_begin(&f, -1, "a", &e), &e, ERR_SYSTEM);
	file_abort(&f);
}

/* Where a file system has no nameless files it has a hidden name until it is whole. */
static void
with_a_hidden_name(void **state)
{
	struct new_file f;

	for (int replace = 0; replace < 2; replace++) {
		assert_ok(file_begin(&f, dir_fd, "a", &e), &e);
		close(f.fd); /* as begin would have left it there */
		snprintf(f.temp, sizeof f.temp, ".a.0.part");
		f.fd = openat(dir_fd, f.temp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
		assert_ok(file_write(f.fd, "one", 3, "a", &e), &e);
		assert_ok(file_commit(&f, "a", replace, &e), &e);
		holds("a", "one");
		assert_int_equal(names(), 1);
	}
	f = (struct new_file){.dir_fd = dir_fd, .temp = ".b.0.part"};
	f.fd = openat(dir_fd, f.temp, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	assert_refused(file_commit(&f, "a", false, &e), &e, ERR_CONFLICT);
	file_abort(&f);
	assert_int_equal(names(), 1);
}

static void
a_full_disk(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC),
	    zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	assert_refused(file_write(full, "x", 1, "a", &e), &e, ERR_STORAGE);
	assert_string_equal(e.text, "a cannot be written: No space left on device");
	assert_refused(file_copy(zero, 0, full, 10, &e), &e, ERR_STORAGE);
	close(full);
	close(zero);
}

/* By the kernel, and by hand where it cannot; what is shorter than it should be is refused. */
static void
copies(void **state)
{
	uint8_t *big = mem_alloc(700000), *got = mem_alloc(700000);
	int from, to, zero = open("/dev/zero", O_RDONLY | O_CLOEXEC),
		      empty = open("/dev/null", O_RDONLY | O_CLOEXEC);

	arc4random_buf(big, 700000);
	from = openat(dir_fd, "from", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	to = openat(dir_fd, "to", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_int_equal(write(from, big, 700000), 700000);
	assert_ok(file_copy(from, 5, to, 699990, &e), &e);
	assert_int_equal(lseek(to, 0, SEEK_CUR), 699990);
	assert_int_equal(pread(to, got, 700000, 0), 699990);
	assert_memory_equal(got, big + 5, 699990);
	assert_refused(file_copy(from, 699999, to, 2, &e), &e, ERR_SYSTEM);
	assert_non_null(strstr(e.text, "cut short"));
	assert_int_equal(ftruncate(to, 0), 0);
	assert_int_equal(lseek(to, 0, SEEK_SET), 0);
	assert_ok(file_copy(zero, 0, to, 600000, &e), &e); /* no kernel copies from there */
	assert_int_equal(pread(to, got, 700000, 0), 600000);
	for (size_t i = 0; i < 600000; i++)
		assert_int_equal(got[i], 0);
	assert_refused(file_copy(empty, 0, to, 1, &e), &e, ERR_SYSTEM);
	assert_refused(file_copy(from, 0, from + 1000, 1, &e), &e, ERR_SYSTEM);
	close(from);
	close(to);
	close(zero);
	close(empty);
	free(big);
	free(got);
}

/* Hints to the kernel: whatever they are called with, the bytes stay what they are. */
static void
hints_change_nothing(void **state)
{
	const uint64_t eight = 8 * 1024 * 1024;
	uint8_t got[3];
	int fd = openat(dir_fd, "big", O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(fd, (off_t)(3 * eight)), 0);
	assert_int_equal(pwrite(fd, "abc", 3, (off_t)eight), 3);
	file_start_sync(fd, 0, 10);
	file_start_sync(fd, eight - 5, 10);
	file_start_sync(fd, 2 * eight - 5, eight);
	file_forget(fd, 0, 10);
	file_forget(fd, 0, 2 * eight);
	assert_int_equal(pread(fd, got, 3, (off_t)eight), 3);
	assert_memory_equal(got, "abc", 3);
	close(fd);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, sweep)
	const struct CMUnitTest tests[] = {
	    T(appears_when_committed), T(never_over_another), T(given_up_leaves_nothing),
	    T(with_a_hidden_name),     T(a_full_disk),	      T(copies),
	    T(hints_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
