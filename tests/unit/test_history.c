/* test_history.c - a log that grows is followed; one that forks, shrinks or signs two roots is
 * caught, and stays caught. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tap.h"

#include "safehand/history.h"

#define LEAVES 24
#define FORK   9 /* the two logs have so many leaves in common */

static struct err e;
static struct note_signer *signer, *stranger;
static struct note_key key;
static uint8_t places[2][6][2 * LEAVES][DIGEST_BYTES]; /* the log, and its fork */
static char path[512];
static int dir;

static int
get(void *log, unsigned level, uint64_t index, uint8_t out[static DIGEST_BYTES], struct err *err)
{
	memcpy(out, places[*(int *)log][level][index], DIGEST_BYTES);
	return 0;
}

static int
put(void *log, unsigned level, uint64_t index, const uint8_t hash[static DIGEST_BYTES],
    struct err *err)
{
	memcpy(places[*(int *)log][level][index], hash, DIGEST_BYTES);
	return 0;
}

static struct buf
note_by(const struct note_signer *s, int log, uint64_t size)
{
	struct checkpoint c = {.origin = "localhost/log", .size = size};
	struct buf text = {0}, note = {0};

	assert_ok(merkle_root(size, get, &log, c.root, &e), &e);
	checkpoint_format(&c, &text);
	assert_ok(note_sign(s, buf_str(&text), text.len, &note, &e), &e);
	buf_free(&text);
	return note;
}

static struct merkle_proof
proof_of(int log, uint64_t old, uint64_t size)
{
	struct merkle_proof p;

	assert_ok(merkle_consistency(old, size, get, &log, &p, &e), &e);
	return p;
}

/* --- judging --- */

static void
each_pair_of_sizes_is_judged(void **state)
{
	struct checkpoint seen;

	for (uint64_t old = 0; old <= LEAVES; old++)
		for (uint64_t size = 0; size <= LEAVES; size++) {
			struct buf was = note_by(signer, 0, old), is = note_by(signer, 0, size);
			struct merkle_proof p = {0};

			if (size >= old)
				p = proof_of(0, old, size);
			if (size >= old)
				assert_ok(history_judge(&key, was.data, was.len, is.data, is.len,
							&p, &seen, &e),
					  &e);
			else
				assert_refused(history_judge(&key, was.data, was.len, is.data,
							     is.len, &p, &seen, &e),
					       &e, ERR_HISTORY);
			buf_free(&was);
			buf_free(&is);
		}
}

/* A fork cannot be proved from what lies behind it, with its own proof or with the true one. */
static void
each_fork_is_caught(void **state)
{
	struct checkpoint seen;

	for (uint64_t old = 1; old <= LEAVES; old++)
		for (uint64_t size = old > FORK ? old : FORK + 1; size <= LEAVES; size++) {
			struct buf was = note_by(signer, 0, old), is = note_by(signer, 1, size);
			struct merkle_proof own = proof_of(1, old, size),
					    other = proof_of(0, old, size);
			int rc = history_judge(&key, was.data, was.len, is.data, is.len, &own,
					       &seen, &e);

			assert_int_equal(rc, old <= FORK ? 0 : -1);
			if (old > FORK)
				assert_int_equal(e.code, ERR_HISTORY);
			if (size > old)
				assert_refused(history_judge(&key, was.data, was.len, is.data,
							     is.len, &other, &seen, &e),
					       &e, ERR_HISTORY);
			buf_free(&was);
			buf_free(&is);
		}
}

static void
what_is_no_contradiction_is_said_otherwise(void **state)
{
	struct buf was = note_by(signer, 0, 5), is = note_by(signer, 0, 7),
		   foreign = note_by(stranger, 0, 7);
	struct merkle_proof p = proof_of(0, 5, 7);
	struct checkpoint seen;

	assert_refused(
	    history_judge(&key, was.data, was.len, foreign.data, foreign.len, &p, &seen, &e), &e,
	    ERR_SIGNATURE);
	assert_refused(
	    history_judge(&key, foreign.data, foreign.len, is.data, is.len, &p, &seen, &e), &e,
	    ERR_SIGNATURE);
	assert_refused(history_judge(&key, was.data, was.len, "none\n", 5, &p, &seen, &e), &e,
		       ERR_FORMAT);
	assert_refused(history_judge(&key, was.data, was.len, is.data, is.len, NULL, &seen, &e), &e,
		       ERR_INCOMPLETE);
	assert_ok(history_judge(&key, NULL, 0, is.data, is.len, NULL, &seen, &e), &e);
	assert_int_equal(seen.size, 7);
	buf_free(&was);
	buf_free(&is);
	buf_free(&foreign);
}

/* --- remembering --- */

static struct history *
reopen(struct history *h)
{
	history_close(h);
	h = NULL;
	assert_ok(history_open(dir, &key, &h, &e), &e);
	return h;
}

static int
see(struct history *h, int log, uint64_t size)
{
	struct buf note = note_by(signer, log, size);
	struct merkle_proof p = {0};
	int rc;

	if (history_size(h) <= size)
		p = proof_of(log, history_size(h), size);
	rc = history_see(h, note.data, note.len, &p, &e);
	buf_free(&note);
	return rc;
}

static bool
has_file(const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
assert_file(const char *name, const struct buf *want)
{
	char text[NOTE_MAX_BYTES];
	int fd = openat(dir, name, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, sizeof text);
	close(fd);
	assert_int_equal(n, want->len);
	assert_memory_equal(text, want->data, want->len);
}

static void
a_log_that_grows_is_followed(void **state)
{
	struct history *h = reopen(NULL);
	struct buf last = note_by(signer, 0, 12);

	assert_int_equal(history_size(h), 0);
	assert_ok(see(h, 0, 3), &e);
	assert_ok(see(h, 0, 3), &e);
	assert_ok(see(h, 0, 8), &e);
	h = reopen(h); /* another run */
	assert_int_equal(history_size(h), 8);
	assert_ok(see(h, 0, 12), &e);
	assert_file("checkpoint", &last);
	assert_false(has_file("new"));
	assert_false(has_file("CONTRADICTION"));
	history_close(h);
	buf_free(&last);
}

static void
an_empty_log_is_remembered_too(void **state)
{
	struct history *h = reopen(NULL);

	assert_ok(see(h, 0, 0), &e);
	h = reopen(h);
	assert_ok(see(h, 0, 4), &e);
	assert_int_equal(history_size(h), 4);
	history_close(h);
}

/* Refused now, after a restart, and of the true log too, until a person takes the mark away. */
static void
contradicts(int log, uint64_t size)
{
	struct history *h = reopen(NULL);
	struct buf was = note_by(signer, 0, 12), is = note_by(signer, log, size);

	assert_ok(see(h, 0, 12), &e);
	assert_refused(see(h, log, size), &e, ERR_HISTORY);
	assert_non_null(strstr(e.text, "remove the file CONTRADICTION"));
	assert_file("checkpoint", &was);
	assert_file("contradiction.old", &was);
	assert_file("contradiction.new", &is);
	assert_refused(see(h, 0, 13), &e, ERR_HISTORY);
	history_close(h);
	h = NULL;
	assert_refused(history_open(dir, &key, &h, &e), &e, ERR_HISTORY);
	assert_non_null(strstr(e.text, "remove the file CONTRADICTION"));
	assert_null(h);
	assert_int_equal(unlinkat(dir, "CONTRADICTION", 0), 0);
	h = reopen(h);
	assert_ok(see(h, 0, 13), &e);
	history_close(h);
	buf_free(&was);
	buf_free(&is);
}

static void
a_fork_is_kept_as_proof(void **state)
{
	contradicts(1, 20);
}

static void
two_roots_of_one_size_are_kept(void **state)
{
	contradicts(1, 12);
}

static void
a_shorter_log_is_refused(void **state)
{
	contradicts(0, 11);
}

/* Nothing is marked for what the log never signed, or for want of a proof. */
static void
no_mark_without_the_logs_own_hand(void **state)
{
	struct buf foreign = note_by(stranger, 1, 20), good = note_by(signer, 0, 14);
	struct history *h = reopen(NULL);

	assert_ok(see(h, 0, 12), &e);
	assert_refused(history_see(h, foreign.data, foreign.len, NULL, &e), &e, ERR_SIGNATURE);
	assert_refused(history_see(h, "x", 1, NULL, &e), &e, ERR_FORMAT);
	assert_refused(history_see(h, good.data, good.len, NULL, &e), &e, ERR_INCOMPLETE);
	assert_false(has_file("CONTRADICTION"));
	h = reopen(h);
	assert_ok(see(h, 0, 14), &e);
	history_close(h);
	buf_free(&foreign);
	buf_free(&good);
}

/* A proof asked for before another process saw more is no contradiction. */
static void
two_processes_do_not_accuse_the_log(void **state)
{
	struct history *a = reopen(NULL), *b = NULL;

	assert_ok(see(a, 0, 5), &e);
	b = reopen(b);
	assert_ok(see(b, 0, 10), &e);
	assert_refused(see(a, 0, 8), &e, ERR_BUSY);
	assert_int_equal(history_size(a), 10);
	assert_ok(see(a, 0, 11), &e);
	assert_false(has_file("CONTRADICTION"));
	assert_refused(see(b, 1, 20), &e, ERR_BUSY);
	assert_refused(see(b, 1, 20), &e, ERR_HISTORY);
	assert_refused(see(a, 0, 12), &e, ERR_HISTORY); /* the mark is for all */
	history_close(a);
	history_close(b);
}

static void
put_text(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
what_was_remembered_is_not_believed_unsigned(void **state)
{
	struct buf other = note_by(stranger, 0, 3);
	struct history *h = NULL;

	put_text("checkpoint", "localhost/log\n3\nAAAA\n");
	assert_refused(history_open(dir, &key, &h, &e), &e, ERR_HISTORY);
	assert_non_null(strstr(e.text, "remove the file checkpoint"));
	put_text("checkpoint", buf_str(&other));
	assert_refused(history_open(dir, &key, &h, &e), &e, ERR_HISTORY);
	unlinkat(dir, "checkpoint", 0);
	assert_int_equal(symlinkat("/etc/passwd", dir, "checkpoint"), 0);
	assert_refused(history_open(dir, &key, &h, &e), &e, ERR_SYSTEM);
	assert_null(h);
	buf_free(&other);
}

/* What a killed process left behind is in nobody's way. */
static void
a_half_written_file_is_written_over(void **state)
{
	struct history *h;

	put_text("new", "half of a no");
	h = reopen(NULL);
	assert_ok(see(h, 0, 3), &e);
	h = reopen(h);
	assert_int_equal(history_size(h), 3);
	history_close(h);
}

static int
setup(void **state)
{
	struct buf pem = pki_file("log/localhost_log.key"),
		   other = pki_file("foreign/log/localhost_log.key");
	uint8_t leaf[DIGEST_BYTES];

	assert_ok(note_signer_new("localhost/log", pem.data, pem.len, &signer, &e), &e);
	assert_ok(note_signer_new("localhost/log", other.data, other.len, &stranger, &e), &e);
	key = *note_signer_key(signer);
	for (int log = 0; log < 2; log++)
		for (uint64_t i = 0; i < LEAVES; i++) {
			uint64_t content = log == 1 && i >= FORK ? 1000 + i : i;

			merkle_leaf(&content, sizeof content, leaf);
			assert_ok(merkle_append(i, leaf, get, put, &log, &e), &e);
		}
	buf_wipe(&pem);
	buf_wipe(&other);
	return 0;
}

static int
teardown(void **state)
{
	note_signer_free(signer);
	note_signer_free(stranger);
	return 0;
}

static int
folder(void **state)
{
	snprintf(path, sizeof path, "%s/history.XXXXXX", getenv("BUILD"));
	assert_non_null(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	return 0;
}

static int
sweep(void **state)
{
	struct dirent *d;
	DIR *all = fdopendir(dir);

	while ((d = readdir(all)) != NULL)
		unlinkat(dir, d->d_name, 0);
	closedir(all);
	return rmdir(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_pair_of_sizes_is_judged),
	    cmocka_unit_test(each_fork_is_caught),
	    cmocka_unit_test(what_is_no_contradiction_is_said_otherwise),
	    cmocka_unit_test_setup_teardown(a_log_that_grows_is_followed, folder, sweep),
	    cmocka_unit_test_setup_teardown(an_empty_log_is_remembered_too, folder, sweep),
	    cmocka_unit_test_setup_teardown(a_fork_is_kept_as_proof, folder, sweep),
	    cmocka_unit_test_setup_teardown(two_roots_of_one_size_are_kept, folder, sweep),
	    cmocka_unit_test_setup_teardown(a_shorter_log_is_refused, folder, sweep),
	    cmocka_unit_test_setup_teardown(no_mark_without_the_logs_own_hand, folder, sweep),
	    cmocka_unit_test_setup_teardown(two_processes_do_not_accuse_the_log, folder, sweep),
	    cmocka_unit_test_setup_teardown(what_was_remembered_is_not_believed_unsigned, folder,
					    sweep),
	    cmocka_unit_test_setup_teardown(a_half_written_file_is_written_over, folder, sweep),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
