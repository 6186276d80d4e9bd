/* test_pack.c - archives written and read again; each hostile archive is built here and refused. */
#include <dirent.h>
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "tap.h"

#include "safehand/digest.h"
#include "safehand/pack.h"
#include "safehand/unpack.h"

#include "../../lib/zstd_frame.h"

static struct err e;

/* --- bytes in memory as sink and source --- */

static int
collect(void *ctx, const void *p, size_t n, struct err *err)
{
	buf_add(ctx, p, n);
	return 0;
}

struct reader {
	const struct buf *b;
	size_t at, portion;
	bool fails;
};

static int
portions(void *ctx, const void **p, size_t *n, struct err *err)
{
	struct reader *r = ctx;

	*n = r->b->len - r->at < r->portion ? r->b->len - r->at : r->portion;
	*p = r->b->data + r->at;
	r->at += *n;
	return r->fails && *n == 0 ? err_set(err, ERR_SECRET, "cut") : 0;
}

/* --- reading a whole archive --- */

#define NAMES_TEXT 8192

struct result {
	char names[NAMES_TEXT]; /* each ended by a newline */
	uint64_t bytes;
	uint8_t last[DIGEST_BYTES];
};

static int
read_entries(struct unpack *u, int dir_fd, struct result *out)
{
	char name[DOCUMENT_NAME_MAX + 1];
	struct buf text = {0};
	uint64_t size;
	int rc;

	while ((rc = unpack_next(u, name, &size, &e)) == 1) {
		if (strlen(out->names) + strlen(name) + 2 < NAMES_TEXT)
			strcat(strcat(out->names, name), "\n");
		out->bytes += size;
		if (strcmp(out->names, "cover.json\n") == 0)
			rc = unpack_text(u, &text, &e);
		else
			rc = unpack_file(u, dir_fd, out->last, &e);
		if (rc < 0)
			break;
	}
	buf_free(&text);
	return rc;
}

static int
read_all(const struct buf *b, size_t portion, uint64_t max, int dir_fd, struct result *out)
{
	struct reader r = {b, 0, portion, false};
	struct unpack *u;
	int rc;

	memset(out, 0, sizeof *out);
	assert_ok(unpack_begin(portions, &r, max, &u, &e), &e);
	rc = read_entries(u, dir_fd, out);
	unpack_free(u);
	return rc;
}

/* --- our own writer --- */

static void
put(struct pack *p, const char *name, const void *bytes, size_t n)
{
	assert_ok(pack_entry(p, name, n, &e), &e);
	assert_ok(pack_data(p, bytes, n / 2, &e), &e);
	assert_ok(pack_data(p, (const char *)bytes + n / 2, n - n / 2, &e), &e);
}

static void
pack_good(struct buf *out, const void *bytes, size_t n)
{
	struct pack *p;

	assert_ok(pack_begin(collect, out, &p, &e), &e);
	put(p, "cover.json", "{}", 2);
	put(p, "empty.txt", "", 0);
	put(p, "\xc5\x81ucja's notes.odt", bytes, n);
	assert_ok(pack_end(p, &e), &e);
	pack_free(p);
}

static void
good_one_round_trips_in_any_portions(void **state)
{
	static const size_t sizes[] = {1, 511, 512, 513, 65536, 300000};
	uint8_t bytes[300000], want[DIGEST_BYTES];
	struct result r;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i % 3 ? rand() : 'x');
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct buf b = {0}, again = {0};

		pack_good(&b, bytes, sizes[i]);
		pack_good(&again, bytes, sizes[i]);
		assert_int_equal(b.len, again.len); /* deterministic */
		assert_memory_equal(b.data, again.data, b.len);
		digest_of(bytes, sizes[i], want);
		for (size_t portion = 1; portion < 100000; portion = portion * 7 + 1) {
			assert_ok(read_all(&b, portion, 0, -1, &r), &e);
			assert_string_equal(r.names,
					    "cover.json\nempty.txt\n\xc5\x81ucja's notes.odt\n");
			assert_int_equal(r.bytes, sizes[i] + 2);
			assert_memory_equal(r.last, want, DIGEST_BYTES);
		}
		buf_free(&b);
		buf_free(&again);
	}
}

static int
full(void *ctx, const void *p, size_t n, struct err *err)
{
	return err_set(err, ERR_STORAGE, "no room");
}

static void
writer_refuses(void **state)
{
	static const char *const names[] = {"",
					    ".",
					    "..",
					    "a/b",
					    "/a",
					    "a\\b",
					    "a\nb",
					    "a\x1b[2Jb",
					    "fdp.\xe2\x80\xae"
					    "exe",
					    "\xff"};
	char name[DOCUMENT_NAME_MAX + 2];
	struct buf b = {0};
	struct pack *p;
	uint8_t noise[300000];

	assert_ok(pack_begin(collect, &b, &p, &e), &e);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_refused(pack_entry(p, names[i], 1, &e), &e, ERR_ARCHIVE);
	memset(name, 'n', sizeof name);
	name[DOCUMENT_NAME_MAX + 1] = '\0';
	assert_refused(pack_entry(p, name, 1, &e), &e, ERR_ARCHIVE);
	assert_refused(pack_entry(p, "x", UINT64_MAX, &e), &e, ERR_LIMIT);
	name[DOCUMENT_NAME_MAX] = '\0';
	put(p, name, "", 0);
	assert_ok(pack_entry(p, "a", 3, &e), &e);
	assert_refused(pack_data(p, "abcd", 4, &e), &e, ERR_DIGEST); /* it grew */
	assert_ok(pack_data(p, "ab", 2, &e), &e);
	assert_refused(pack_entry(p, "b", 1, &e), &e, ERR_DIGEST); /* it shrank */
	assert_refused(pack_end(p, &e), &e, ERR_DIGEST);
	pack_free(p);
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)rand();
	assert_ok(pack_begin(full, NULL, &p, &e), &e);
	assert_ok(pack_entry(p, "cover.json", sizeof noise, &e), &e);
	assert_refused(pack_data(p, noise, sizeof noise, &e), &e, ERR_STORAGE);
	pack_free(p);
	buf_free(&b);
}

static void
written_as_files_once(void **state)
{
	char dir[] = "/tmp/safehand-test.XXXXXX", path[64];
	int fd, dir_fd;
	struct buf b = {0};
	struct result r;
	struct stat st;

	assert_non_null(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	pack_good(&b, "hello", 5);
	assert_ok(read_all(&b, 4096, 0, dir_fd, &r), &e);
	assert_int_equal(fstatat(dir_fd, "empty.txt", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(fstatat(dir_fd, "\xc5\x81ucja's notes.odt", &st, 0), 0);
	assert_int_equal(st.st_size, 5);
	/* what is there already is not overwritten, nor followed */
	assert_refused(read_all(&b, 4096, 0, dir_fd, &r), &e, ERR_SYSTEM);
	snprintf(path, sizeof path, "%s/kept", dir);
	assert_int_equal(unlinkat(dir_fd, "empty.txt", 0), 0);
	assert_int_equal(symlinkat(path, dir_fd, "empty.txt"), 0);
	assert_refused(read_all(&b, 4096, 0, dir_fd, &r), &e, ERR_SYSTEM);
	assert_int_equal(fstatat(dir_fd, "kept", &st, 0), -1);
	/* a disk that is full: what stands in for it is a folder that takes no files */
	fd = open("/proc/self", O_RDONLY | O_DIRECTORY);
	assert_int_equal(read_all(&b, 4096, 0, fd, &r), -1);
	close(fd);
	assert_int_equal(unlinkat(dir_fd, "empty.txt", 0), 0);
	assert_int_equal(unlinkat(dir_fd, "\xc5\x81ucja's notes.odt", 0), 0);
	close(dir_fd);
	assert_int_equal(rmdir(dir), 0);
	buf_free(&b);
}

/* --- hostile archives, by libarchive itself --- */

static la_ssize_t
to_buf(struct archive *a, void *ctx, const void *p, size_t n)
{
	buf_add(ctx, p, n);
	return (la_ssize_t)n;
}

enum how { PLAIN, SPARSE, GNU = 4, NO_COVER = 8, BEFORE_COVER = 16, UNPACKED = 32 };

static struct archive *
hostile_begin(struct buf *out, int how)
{
	struct archive *a = archive_write_new();

	if (how & GNU)
		assert_int_equal(archive_write_set_format_gnutar(a), ARCHIVE_OK);
	else
		assert_int_equal(archive_write_set_format_pax(a), ARCHIVE_OK);
	if (!(how & UNPACKED))
		assert_int_equal(archive_write_add_filter_zstd(a), ARCHIVE_OK);
	archive_write_set_bytes_per_block(a, 0);
	assert_int_equal(archive_write_open2(a, out, NULL, to_buf, NULL, NULL), ARCHIVE_OK);
	return a;
}

static void
hostile_add(struct archive *a, const char *name, unsigned type, const char *link, int how,
	    const void *bytes, size_t n)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)n);
	if (type == AE_IFLNK)
		archive_entry_set_symlink(entry, link);
	else if (link != NULL)
		archive_entry_set_hardlink(entry, link);
	if (how & SPARSE)
		archive_entry_sparse_add_entry(entry, 512, (la_int64_t)n - 1024);
	if (archive_write_header(a, entry) < ARCHIVE_WARN)
		fail_msg("%s: %s", name, archive_error_string(a));
	if (n > 0)
		archive_write_data(a, bytes, n);
	archive_entry_free(entry);
}

static void
hostile_end(struct archive *a)
{
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

static const char xs[4096] = "xxxx";

static void
each_hostile_entry_is_refused(void **state)
{
	static const struct {
		const char *name, *link;
		unsigned type;
		int how;
		size_t n;
		const char *why;
	} rows[] = {
	    {"/etc/passwd", NULL, AE_IFREG, PLAIN, 1, "no name"},
	    {"../x", NULL, AE_IFREG, PLAIN, 1, "no name"},
	    {"..", NULL, AE_IFREG, PLAIN, 1, "no name"},
	    {".", NULL, AE_IFREG, PLAIN, 1, "no name"},
	    {"a/b", NULL, AE_IFREG, PLAIN, 1, "no name"},
	    {"a/", NULL, AE_IFREG, PLAIN, 1, "no "}, /* a folder to libarchive */
	    {"a\\b", NULL, AE_IFREG, PLAIN, 1, "no name"},
	    {"a\nb", NULL, AE_IFREG, PLAIN, 1, "no name"},
	    {"a\x1b[2Jb", NULL, AE_IFREG, PLAIN, 1, "no name"},
	    {"a\x7f", NULL, AE_IFREG, PLAIN, 1, "no name"},
	    {"a\xc2\x9b", NULL, AE_IFREG, PLAIN, 1, "no name"}, /* CSI in one character */
	    {"fdp.\xe2\x80\xae"
	     "exe",
	     NULL, AE_IFREG, PLAIN, 1, "no name"},
	    {"a\xff", NULL, AE_IFREG, GNU, 1, "no "},
	    {"a\xc0\xaf", NULL, AE_IFREG, GNU, 1, "no "}, /* an overlong slash */
	    {"l", "/etc/passwd", AE_IFLNK, PLAIN, 0, "a link"},
	    {"l", "cover.json", AE_IFREG, PLAIN, 0, "a link"},
	    {"d", NULL, AE_IFDIR, PLAIN, 0, "no regular file"},
	    {"d", NULL, AE_IFCHR, PLAIN, 0, "no regular file"},
	    {"d", NULL, AE_IFBLK, PLAIN, 0, "no regular file"},
	    {"f", NULL, AE_IFIFO, PLAIN, 0, "no regular file"},
	    {"s", NULL, AE_IFREG, SPARSE, sizeof xs, "a sparse file"},
	    {"good.txt", NULL, AE_IFREG, PLAIN, 1, "stands twice"},
	    {"GOOD.txt", NULL, AE_IFREG, PLAIN, 1, "stands twice"},
	    {"cover.json", NULL, AE_IFREG, PLAIN, 1, "stands twice"},
	    {"Cover.json", NULL, AE_IFREG, PLAIN, 1, "stands twice"},
	    {"x", NULL, AE_IFREG, NO_COVER, 1, "must be cover.json"},
	    {"x", NULL, AE_IFREG, BEFORE_COVER, 1, "must be cover.json"},
	    {"x", NULL, AE_IFREG, UNPACKED, 1, "not packed with zstd"},
	};
	struct result r;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int how = rows[i].how;
		struct buf b = {0};
		struct archive *a = hostile_begin(&b, how);

		if (!(how & (NO_COVER | BEFORE_COVER)))
			hostile_add(a, "cover.json", AE_IFREG, NULL, 0, "{}", 2);
		if (!(how & (NO_COVER | BEFORE_COVER)))
			hostile_add(a, "good.txt", AE_IFREG, NULL, 0, "g", 1);
		hostile_add(a, rows[i].name, rows[i].type, rows[i].link, how, xs, rows[i].n);
		if (how & BEFORE_COVER)
			hostile_add(a, "cover.json", AE_IFREG, NULL, 0, "{}", 2);
		hostile_end(a);
		e.text[0] = '\0';
		if (read_all(&b, 4096, 0, -1, &r) != -1 || e.code != ERR_ARCHIVE)
			fail_msg("row %zu (%s): not refused, or as %s: %s", i, rows[i].name,
				 err_name(e.code), e.text);
		if (strstr(e.text, rows[i].why) == NULL)
			fail_msg("row %zu (%s): \"%s\" does not say %s", i, rows[i].name, e.text,
				 rows[i].why);
		buf_free(&b);
	}
}

static void
name_lengths(void **state)
{
	char name[DOCUMENT_NAME_MAX + 2];
	struct result r;

	memset(name, 'n', sizeof name);
	for (int over = 0; over < 2; over++) {
		struct buf b = {0};
		struct archive *a = hostile_begin(&b, 0);

		hostile_add(a, "cover.json", AE_IFREG, NULL, 0, "{}", 2);
		name[DOCUMENT_NAME_MAX + over] = '\0';
		hostile_add(a, name, AE_IFREG, NULL, 0, "x", 1);
		name[DOCUMENT_NAME_MAX + over] = 'n';
		hostile_end(a);
		if (over)
			assert_refused(read_all(&b, 4096, 0, -1, &r), &e, ERR_ARCHIVE);
		else
			assert_ok(read_all(&b, 4096, 0, -1, &r), &e);
		buf_free(&b);
	}
}

static void
too_many(void **state)
{
	struct result r;

	for (int over = 0; over < 2; over++) {
		struct buf b = {0};
		struct archive *a = hostile_begin(&b, GNU);

		hostile_add(a, "cover.json", AE_IFREG, NULL, 0, "{}", 2);
		for (int i = 0; i < DOCUMENTS_MAX + over; i++) {
			char name[16];

			snprintf(name, sizeof name, "%d", i);
			hostile_add(a, name, AE_IFREG, NULL, 0, "", 0);
		}
		hostile_end(a);
		if (over)
			assert_refused(read_all(&b, 4096, 0, -1, &r), &e, ERR_ARCHIVE);
		else
			assert_ok(read_all(&b, 4096, 0, -1, &r), &e);
		buf_free(&b);
	}
}

/* Zeros of n bytes as a document; what the limits say to that. */
static void
pack_zeros(struct buf *b, uint64_t n)
{
	static const uint8_t zeros[1 << 16];
	struct pack *p;

	assert_ok(pack_begin(collect, b, &p, &e), &e);
	put(p, "cover.json", "{}", 2);
	assert_ok(pack_entry(p, "zeros", n, &e), &e);
	for (; n > 0; n -= sizeof zeros)
		assert_ok(pack_data(p, zeros, sizeof zeros, &e), &e);
	assert_ok(pack_end(p, &e), &e);
	pack_free(p);
}

static void
too_large_and_bombs(void **state)
{
	struct buf b = {0}, cover = {0};
	struct archive *a;
	struct result r;
	char *big = mem_alloc(COVER_MAX_BYTES + 1);

	pack_zeros(&b, 1 * MIB);
	assert_ok(read_all(&b, 4096, 1 * MIB + 2, -1, &r), &e);
	assert_refused(read_all(&b, 4096, 1 * MIB + 1, -1, &r), &e, ERR_ARCHIVE);
	buf_clear(&b);
	pack_zeros(&b, EXPANSION_FREE - MIB); /* below, no ratio is judged */
	assert_ok(read_all(&b, 65536, 0, -1, &r), &e);
	buf_clear(&b);
	pack_zeros(&b, EXPANSION_FREE + MIB);
	assert_refused(read_all(&b, 65536, 0, -1, &r), &e, ERR_ARCHIVE);
	assert_non_null(strstr(e.text, "times as many"));
	a = hostile_begin(&cover, 0);
	hostile_add(a, "cover.json", AE_IFREG, NULL, 0, big, COVER_MAX_BYTES + 1);
	hostile_end(a);
	assert_refused(read_all(&cover, 4096, 0, -1, &r), &e, ERR_ARCHIVE);
	free(big);
	buf_free(&b);
	buf_free(&cover);
}

static void
bytes_behind_the_end(void **state)
{
	struct buf b = {0}, tar = {0}, zeros = {0};
	struct result r;
	size_t n;

	pack_good(&b, "x", 1);
	n = b.len;
	buf_addc(&b, 0); /* behind the frame */
	assert_refused(read_all(&b, 4096, 0, -1, &r), &e, ERR_ARCHIVE);
	b.len = n;
	buf_add(&b, "\x50\x2a\x4d\x18\x01\x00\x00\x00x", 9); /* a skippable frame hides a byte */
	assert_refused(read_all(&b, 4096, 0, -1, &r), &e, ERR_ARCHIVE);
	b.len = n;
	buf_reserve(&b, n);
	buf_add(&b, b.data, n); /* the same again */
	assert_refused(read_all(&b, 4096, 0, -1, &r), &e, ERR_ARCHIVE);
	for (size_t cut = 1; cut < n; cut++) {
		b.len = n - cut;
		assert_refused(read_all(&b, 4096, 0, -1, &r), &e, ERR_ARCHIVE);
	}
	b.len = 0;
	assert_refused(read_all(&b, 4096, 0, -1, &r), &e, ERR_ARCHIVE);
	buf_free(&b);
	buf_free(&tar);
	buf_free(&zeros);
}

/* A raw-format archive is nothing but its content, packed: any tar, however malformed. */
static void
zstd_of(const struct buf *tar, struct buf *out)
{
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
	assert_int_equal(archive_write_add_filter_zstd(a), ARCHIVE_OK);
	archive_write_set_bytes_per_block(a, 0);
	assert_int_equal(archive_write_open2(a, out, NULL, to_buf, NULL, NULL), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	archive_write_data(a, tar->data, tar->len);
	archive_entry_free(entry);
	hostile_end(a);
}

static void
tar_that_is_none(void **state)
{
	struct buf tar = {0}, b = {0}, twice = {0};
	struct archive *a = hostile_begin(&tar, UNPACKED);
	struct result r;
	size_t n;

	hostile_add(a, "cover.json", AE_IFREG, NULL, 0, "{}", 2);
	hostile_add(a, "x", AE_IFREG, NULL, 0, xs, sizeof xs);
	hostile_end(a);
	n = tar.len;
	zstd_of(&tar, &b);
	assert_ok(read_all(&b, 4096, 0, -1, &r), &e);
	zstd_of(&b, &twice); /* packed twice */
	assert_refused(read_all(&twice, 4096, 0, -1, &r), &e, ERR_ARCHIVE);
	for (int i = 0; i < 1024; i++) /* bytes behind the tar's end, not zero */
		buf_addc(&tar, 'h');
	buf_clear(&b);
	zstd_of(&tar, &b);
	assert_refused(read_all(&b, 4096, 0, -1, &r), &e, ERR_ARCHIVE);
	tar.len = n - 1024 - 2048; /* cut inside a document */
	buf_clear(&b);
	zstd_of(&tar, &b);
	assert_refused(read_all(&b, 4096, 0, -1, &r), &e, ERR_ARCHIVE);
	memset(tar.data, 0xFF, tar.len);
	buf_clear(&b);
	zstd_of(&tar, &b);
	assert_refused(read_all(&b, 4096, 0, -1, &r), &e, ERR_ARCHIVE);
	memset(tar.data, 0, tar.len); /* an end without an entry */
	buf_clear(&b);
	zstd_of(&tar, &b);
	assert_refused(read_all(&b, 4096, 0, -1, &r), &e, ERR_ARCHIVE);
	buf_free(&tar);
	buf_free(&b);
	buf_free(&twice);
}

/* 128 MiB of zeros behind the end of a good tar: no document's, yet not for nothing. */
static void
zeros_behind_the_end(void **state)
{
	struct buf tar = {0}, b = {0};
	struct archive *a = hostile_begin(&tar, UNPACKED);
	struct result r;

	hostile_add(a, "cover.json", AE_IFREG, NULL, 0, "{}", 2);
	hostile_end(a);
	buf_reserve(&tar, 2 * EXPANSION_FREE);
	memset(tar.data + tar.len, 0, 2 * EXPANSION_FREE);
	tar.len += 2 * EXPANSION_FREE;
	zstd_of(&tar, &b);
	assert_refused(read_all(&b, 1024, 0, -1, &r), &e, ERR_ARCHIVE);
	assert_non_null(strstr(e.text, "times as many"));
	buf_free(&tar);
	buf_free(&b);
}

static void
zstd_frames(void **state)
{
#define ROW(text, ok)                                                                              \
	{                                                                                          \
		text, sizeof text - 1, ok                                                          \
	}
	static const struct {
		const char *bytes;
		size_t n;
		bool ok;
	} rows[] = {
	    /* magic, descriptor, window or size, blocks, checksum */
	    ROW("\x28\xb5\x2f\xfd\x00\x58\x01\x00\x00", true),
	    ROW("\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00x", true), /* one raw byte */
	    ROW("\x28\xb5\x2f\xfd\x20\x09\x4b\x00\x00x", true), /* a run of 9 */
	    ROW("\x28\xb5\x2f\xfd\x04\x58\x01\x00\x00"
		"abcd",
		true), /* with a checksum */
	    ROW("\x28\xb5\x2f\xfd\x04\x58\x01\x00\x00"
		"abc",
		false),
	    ROW("\x28\xb5\x2f\xfd\x00\x68\x01\x00\x00", true),	/* 8 MiB */
	    ROW("\x28\xb5\x2f\xfd\x00\x69\x01\x00\x00", false), /* an eighth more */
	    ROW("\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00", false), /* 3.75 TiB */
	    ROW("\x28\xb5\x2f\xfd\xa0\x00\x00\x80\x00\x01\x00\x00", true),
	    ROW("\x28\xb5\x2f\xfd\xa0\x01\x00\x80\x00\x01\x00\x00", false),
	    ROW("\x28\xb5\x2f\xfd\x01\x58\x07\x01\x00\x00", false), /* a dictionary */
	    ROW("\x28\xb5\x2f\xfd\x08\x58\x01\x00\x00", false),	    /* a reserved bit */
	    ROW("\x28\xb5\x2f\xfd\x00\x58\x07\x00\x00", false),	    /* a reserved block */
	    ROW("\x28\xb5\x2f\xfd\x00\x58\x09\x00\x10", false),	    /* a block too large */
	    ROW("\x29\xb5\x2f\xfd\x00\x58\x01\x00\x00", false),
	    ROW("\x50\x2a\x4d\x18\x00\x00\x00\x00", false),	    /* skippable */
	    ROW("\x28\xb5\x2f\xfd\x00\x58\x01\x00\x00\x00", false), /* more behind it */
	    ROW("\x28\xb5\x2f\xfd\x00\x58\x00\x00\x00", false),	    /* no last block */
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct zstd_frame whole = {0}, bytes = {0};
		bool ok = zstd_frame_add(&whole, rows[i].bytes, rows[i].n, &e) == 0, again = true;

		for (size_t k = 0; k < rows[i].n && again; k++)
			again = zstd_frame_add(&bytes, rows[i].bytes + k, 1, &e) == 0;
		if ((ok && zstd_frame_is_done(&whole)) != rows[i].ok || ok != again ||
		    (ok && zstd_frame_is_done(&bytes) != zstd_frame_is_done(&whole)))
			fail_msg("row %zu: %d %d", i, ok, again);
	}
}

static void
refusals_of_the_source_and_of_haste(void **state)
{
	struct buf b = {0};
	struct reader r = {&b, 0, 4096, true};
	char name[DOCUMENT_NAME_MAX + 1];
	struct result out = {0};
	struct unpack *u;
	uint64_t size;

	pack_good(&b, "x", 1);
	assert_ok(unpack_begin(portions, &r, 0, &u, &e), &e);
	assert_refused(read_entries(u, -1, &out), &e, ERR_SECRET); /* in its own words */
	unpack_free(u);
	r = (struct reader){&b, 0, 4096, false};
	assert_ok(unpack_begin(portions, &r, 0, &u, &e), &e);
	assert_int_equal(unpack_next(u, name, &size, &e), 1);
	assert_refused(unpack_next(u, name, &size, &e), &e, ERR_INTERNAL);
	unpack_free(u);
	setlocale(LC_CTYPE, "C"); /* the name outside ASCII is no text there */
	assert_refused(read_all(&b, 4096, 0, -1, &out), &e, ERR_ARCHIVE);
	setlocale(LC_CTYPE, "C.UTF-8");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_one_round_trips_in_any_portions),
	    cmocka_unit_test(writer_refuses),
	    cmocka_unit_test(written_as_files_once),
	    cmocka_unit_test(each_hostile_entry_is_refused),
	    cmocka_unit_test(name_lengths),
	    cmocka_unit_test(too_many),
	    cmocka_unit_test(too_large_and_bombs),
	    cmocka_unit_test(bytes_behind_the_end),
	    cmocka_unit_test(tar_that_is_none),
	    cmocka_unit_test(zeros_behind_the_end),
	    cmocka_unit_test(zstd_frames),
	    cmocka_unit_test(refusals_of_the_source_and_of_haste),
	};

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
