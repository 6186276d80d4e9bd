/* The spool: places, sync, crash at each stage (reopened as after kill -9), torn and damaged
 * records. Numbers in [brackets] are the numbered facts of safehand-store(8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "safehand/enc.h"
#include "store/crc.h"
#include "store/disk.h"
#include "store/spool.h"

#define SMALL_MAX 4096

static char folder[] = "/tmp/safehand-spool-XXXXXX";
static int datafd = -1;
static const struct spool_conf conf = {.segment_bytes = 64 * KIB,
				       .small_max = SMALL_MAX,
				       .memory_max = 16 * KIB,
				       .free_min = 0,
				       .stages_max = 8};

static int
setup(void **state)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	datafd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(datafd >= 0);
	return 0;
}

static int
teardown(void **state)
{
	char command[64];

	close(datafd);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static struct spool *
reopen(struct spool *old, uint32_t segment, uint64_t end)
{
	struct spool *s = NULL;
	struct err e = {0};

	spool_close(old);
	if (spool_open(datafd, &conf, segment, end, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

static void
id_make(char id[UUID_TEXT], unsigned n)
{
	snprintf(id, UUID_TEXT, "019ab000-0000-7000-8000-%012x", n);
}

/* A head of 24 + 10 + 20 + 80 bytes. */
static void
head_make(struct buf *head, uint64_t payload)
{
	buf_clear(head);
	buf_adds(head, "SHB1");
	buf_be32(head, 10);
	buf_be32(head, 20);
	buf_be32(head, 80);
	buf_be64(head, payload);
	for (int i = 0; i < 110; i++)
		buf_addc(head, (char)('a' + i % 26));
}

static struct stage *
stage_begin(struct spool *s, unsigned n, uint64_t payload)
{
	uint8_t digest[DIGEST_BYTES] = {1, 2, 3};
	struct buf head = {0};
	struct stage *st = NULL;
	struct err e = {0};
	char id[UUID_TEXT];

	id_make(id, n);
	head_make(&head, payload);
	if (spool_stage(s, id, "csc", &head, digest, payload, 1000, &st, &e) < 0)
		fail_msg("%s", e.text);
	buf_free(&head);
	return st;
}

static void
payload_write(struct stage *st, uint64_t from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)((from + i) * 7);

		assert_int_equal(pwrite(st->fd, &c, 1, (off_t)(st->head_bytes + from + i)), 1);
	}
}

static struct spool_place
put(struct spool *s, unsigned n, uint64_t payload)
{
	struct stage *st = stage_begin(s, n, payload);
	struct spool_place at;
	struct err e = {0};

	payload_write(st, 0, payload);
	if (spool_put(s, st, &at, &e) < 0)
		fail_msg("%s", e.text);
	return at;
}

static int
check(struct spool *s, unsigned n, const struct spool_place *at, bool erased)
{
	struct err e = {0};
	char id[UUID_TEXT];

	id_make(id, n);
	return spool_check(s, id, at, erased, &e) < 0 ? (int)e.code : 0;
}

static void
reads_back(struct spool *s, unsigned n, const struct spool_place *at, uint64_t payload)
{
	struct buf lent = {0};
	struct err e = {0};
	char id[UUID_TEXT];
	uint64_t offset;
	int fd = -1;

	id_make(id, n);
	assert_int_equal(spool_lend(s, id, at, 0, &fd, &offset, &e), 0);
	assert_int_equal(disk_read(fd, offset, at->length, &lent, &e), 0);
	assert_int_equal(at->length, 134 + payload);
	assert_memory_equal(lent.data, "SHB1", 4);
	for (uint64_t i = 0; i < payload; i++)
		assert_int_equal(lent.data[134 + i], (uint8_t)(i * 7));
	assert_int_equal(pwrite(fd, "x", 1, 0), -1); /* nobody changes what was accepted */
	close(fd);
	buf_clear(&lent);
	assert_int_equal(spool_lend(s, id, at, 134, &fd, &offset, &e), 0);
	assert_int_equal(offset, at->segment > 0 ? 0 : 134); /* of a small one nothing before it */
	assert_int_equal(disk_read(fd, offset, payload, &lent, &e), 0);
	if (payload > 1)
		assert_int_equal(lent.data[1], 7);
	close(fd);
	buf_free(&lent);
}

/* --- crc --- */

static void
crc_known_values(void **state)
{
	uint8_t b[32];

	/* RFC 3720 appendix B.4 */
	memset(b, 0, sizeof b);
	assert_int_equal(crc32c(0, b, 32), 0x8a9136aa);
	memset(b, 0xff, sizeof b);
	assert_int_equal(crc32c(0, b, 32), 0x62a8ab43);
	for (int i = 0; i < 32; i++)
		b[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, b, 32), 0x46dd794e);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

/* --- places --- */

static void
small_goes_to_the_journal(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct spool_place a = put(s, 1, 1000), b = put(s, 2, 0);
	uint32_t segment;
	uint64_t end;

	spool_sync(s);
	assert_int_equal(a.segment, 1);
	assert_int_equal(b.segment, 1);
	assert_int_equal(a.kept, 24 + 10 + 20);
	reads_back(s, 1, &a, 1000);
	reads_back(s, 2, &b, 0);
	spool_tail(s, &segment, &end);
	s = reopen(s, segment, end);
	reads_back(s, 1, &a, 1000);
	reads_back(s, 2, &b, 0);
	spool_close(s);
}

static void
large_is_a_file(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct spool_place a = put(s, 0xab, 10000);

	spool_sync(s);
	assert_int_equal(a.segment, 0);
	assert_int_equal(
	    faccessat(datafd, "bundles/ab/019ab000-0000-7000-8000-0000000000ab.shb", F_OK, 0), 0);
	reads_back(s, 0xab, &a, 10000);
	s = reopen(s, 0, 0);
	assert_int_equal(check(s, 0xab, &a, false), 0);
	spool_close(s);
}

static size_t walked(struct spool *s);

/* Promise 3: what a front is lent has no key slot in it; the store still has them, until the purge.
 */
static void
slots_are_not_lent(void **state)
{
	static const uint8_t zero[80];
	struct spool *s = reopen(NULL, 0, 0);
	struct spool_place at = put(s, 0xab, 10000);
	struct buf head = {0}, lent = {0}, back = {0};
	struct err e = {0};
	char id[UUID_TEXT];
	uint64_t offset;
	int fd = -1;

	id_make(id, 0xab);
	head_make(&head, 10000);
	spool_sync(s);
	assert_int_equal(spool_lend(s, id, &at, 134, &fd, &offset, &e), 0);
	assert_int_equal(disk_read(fd, 0, 134, &lent, &e), 0);
	close(fd);
	assert_memory_equal(lent.data, head.data, 54);
	assert_memory_equal(lent.data + 54, zero, 80);
	assert_int_equal(spool_read(s, id, &at, 134, &back, &e), 0);
	assert_memory_equal(back.data, head.data, 134);
	assert_int_equal(walked(s), 1);
	/* without them the bundle is damaged; purged, it needs none */
	assert_int_equal(
	    unlinkat(datafd, "bundles/ab/019ab000-0000-7000-8000-0000000000ab.slots", 0), 0);
	assert_int_equal(check(s, 0xab, &at, false), ERR_DIGEST);
	buf_clear(&back);
	assert_int_equal(spool_read(s, id, &at, 134, &back, &e), -1);
	assert_int_equal(e.code, ERR_DIGEST);
	assert_int_equal(spool_erase(s, id, &at, &e), 0);
	assert_int_equal(check(s, 0xab, &at, true), 0);
	buf_free(&head);
	buf_free(&lent);
	buf_free(&back);
	spool_close(s);
}

static void
segments_roll_over(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct spool_place at[40];
	uint32_t segment;
	uint64_t end;

	for (unsigned i = 0; i < 40; i++)
		at[i] = put(s, i, 3900);
	spool_sync(s);
	assert_int_equal(at[0].segment, 1);
	assert_int_equal(at[39].segment, 3); /* 15 of 4104 bytes fit 64 KiB */
	spool_tail(s, &segment, &end);
	s = reopen(s, segment, end);
	for (unsigned i = 0; i < 40; i++)
		reads_back(s, i, &at[i], 3900);
	spool_close(s);
}

/* Each upload has a descriptor: there are only so many, and those that nobody sends on go first. */
static void
stages_have_a_limit(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	uint8_t digest[DIGEST_BYTES] = {1};
	struct stage *st[9], *more = NULL;
	struct buf head = {0};
	struct err e = {0};
	char id[UUID_TEXT];
	uint64_t bytes;

	for (unsigned i = 0; i < 8; i++)
		st[i] = stage_begin(s, i, 100);
	id_make(id, 8);
	head_make(&head, 100);
	assert_int_equal(spool_stage(s, id, "csc", &head, digest, 100, 1000, &more, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	spool_stage_leave(st[3], 1000);
	st[8] = stage_begin(s, 8, 100);
	assert_non_null(st[8]);
	id_make(id, 3);
	assert_null(spool_stage_find(s, id));
	assert_int_equal(spool_stage_count(s, "csc", &bytes), 8);
	buf_free(&head);
	spool_close(s);
}

/* --- what the system refuses half-way --- */

/* [2] A large one that cannot take its place leaves nothing behind. */
static void
refused_file_leaves_nothing(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct stage *st = stage_begin(s, 0xab, 10000);
	struct spool_place at;
	struct err e = {0};

	payload_write(st, 0, 10000);
	assert_int_equal(mkdirat(datafd, "bundles/ab", 0700), 0);
	assert_int_equal(
	    mkdirat(datafd, "bundles/ab/019ab000-0000-7000-8000-0000000000ab.shb", 0700), 0);
	assert_int_equal(spool_put(s, st, &at, &e), -1);
	assert_int_equal(e.code, ERR_SYSTEM);
	assert_int_equal(
	    faccessat(datafd, "bundles/ab/019ab000-0000-7000-8000-0000000000ab.slots", F_OK, 0),
	    -1);
	spool_close(s);
}

/* A disk that takes only a part of a record: nothing of it stands behind the next one. */
static void
half_a_record_is_undone(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct rlimit was, now;
	struct spool_place a;
	struct stage *st;
	struct err e = {0};

	put(s, 1, 100);
	st = stage_begin(s, 2, 3900);
	payload_write(st, 0, 3900);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	now = (struct rlimit){2000, was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	assert_int_equal(spool_put(s, st, &a, &e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(e.code, ERR_SYSTEM);
	assert_int_equal(walked(s), 1);
	a = put(s, 3, 50);
	spool_sync(s);
	reads_back(s, 3, &a, 50);
	assert_int_equal(walked(s), 2);
	spool_close(s);
}

/* [9] Out of descriptors is not damaged: nothing goes into quarantine, and an erasure is due still.
 */
static void
no_descriptor_is_no_damage(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct spool_place small = put(s, 1, 100), large = put(s, 0xab, 10000);
	struct rlimit was, none;
	struct err e = {0};
	char id[UUID_TEXT];

	for (unsigned n = 2; put(s, n, 3000).segment == small.segment; n++)
		; /* the segment that grows is open already */
	spool_sync(s);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = (struct rlimit){3, was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(check(s, 1, &small, false), ERR_SYSTEM);
	assert_int_equal(check(s, 0xab, &large, false), ERR_SYSTEM);
	id_make(id, 1);
	assert_int_equal(spool_erase(s, id, &small, &e), -1);
	assert_int_equal(e.code, ERR_SYSTEM);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(check(s, 1, &small, false), 0);
	assert_int_equal(check(s, 0xab, &large, false), 0);
	spool_close(s);
}

/* --- crashes --- */

/* [2] The group that was appended but never committed: its bytes are no record afterwards. */
static int
count_row(void *ctx, const char *id, const struct spool_place *at)
{
	size_t *n = ctx;

	assert_string_not_equal(id, "");
	++*n;
	return 0;
}

static size_t
walked(struct spool *s)
{
	struct err e = {0};
	size_t n = 0;

	uint32_t part = 0;
	int more;

	do
		more = spool_walk(s, part++, count_row, &n, &e);
	while (more > 0);
	assert_int_equal(more, 0);
	return n;
}

static void
crash_before_commit_journal(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct spool_place a = put(s, 1, 1000), lost, again;
	uint32_t segment;
	uint64_t end;

	spool_sync(s);
	spool_tail(s, &segment, &end); /* what the ledger committed */
	for (unsigned i = 2; i < 30; i++)
		lost = put(s, i, 3900); /* into a second segment */
	assert_int_equal(lost.segment, 2);
	spool_sync(s);
	assert_int_equal(walked(s), 29);
	s = reopen(s, segment, end);
	assert_int_equal(walked(s), 1);
	reads_back(s, 1, &a, 1000);
	assert_int_equal(check(s, 29, &lost, false), ERR_DIGEST);
	again = put(s, 5, 100);
	assert_int_equal(again.offset, end + 64);
	reads_back(s, 5, &again, 100);
	assert_int_equal(walked(s), 2);
	spool_close(s);
}

/* [2] The first group ever was lost: nothing in the ledger. */
static void
crash_before_first_commit(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);

	put(s, 1, 10);
	spool_sync(s);
	s = reopen(s, 0, 0);
	assert_int_equal(walked(s), 0);
	assert_int_equal(put(s, 1, 10).segment, 1);
	spool_close(s);
}

static bool
keep_one(void *ctx, const char *id)
{
	return strcmp(id, ctx) == 0;
}

static void
crash_before_commit_file(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct spool_place a = put(s, 1, 5000), b = put(s, 2, 5000);
	struct err e = {0};
	char id[UUID_TEXT];
	size_t swept = 0;

	spool_sync(s);
	s = reopen(s, 0, 0);
	id_make(id, 1);
	assert_int_equal(spool_sweep(s, keep_one, id, &swept, &e), 0);
	assert_int_equal(swept, 2); /* its file and its slots */
	assert_int_equal(check(s, 1, &a, false), 0);
	assert_int_equal(check(s, 2, &b, false), ERR_DIGEST);
	spool_close(s);
}

/* A record torn by a power cut, wherever it tore: never taken for whole. */
static void
torn_records(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct spool_place a = put(s, 1, 500);
	char zero[8] = {0};
	int fd;

	spool_sync(s);
	fd = openat(datafd, "journal/00000001.seg", O_RDWR);
	for (uint64_t at = 0; at < a.offset + a.length; at += sizeof zero) {
		char was[sizeof zero];

		assert_int_equal(pread(fd, was, sizeof was, (off_t)at), sizeof was);
		assert_int_equal(pwrite(fd, zero, sizeof zero, (off_t)at), sizeof zero);
		if (memcmp(was, zero, sizeof zero) != 0)
			assert_int_equal(check(s, 1, &a, false), ERR_DIGEST);
		assert_int_equal(pwrite(fd, was, sizeof was, (off_t)at), sizeof was);
		assert_int_equal(check(s, 1, &a, false), 0);
	}
	close(fd);
	spool_close(s);
}

/* [9] Damage is told of the one bundle; its neighbours stay readable. */
static void
damage_is_of_one(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct spool_place a = put(s, 1, 500), b = put(s, 2, 500), c = put(s, 3, 500);
	struct buf out = {0};
	struct err e = {0};
	char id[UUID_TEXT];
	uint64_t offset;
	int fd = openat(datafd, "journal/00000001.seg", O_RDWR), lent = -1;

	assert_int_equal(pwrite(fd, "\xff", 1, (off_t)(b.offset + b.length - 1)), 1);
	close(fd);
	reads_back(s, 1, &a, 500);
	reads_back(s, 3, &c, 500);
	id_make(id, 2);
	assert_int_equal(spool_lend(s, id, &b, 0, &lent, &offset, &e), -1);
	assert_int_equal(e.code, ERR_DIGEST);
	assert_int_equal(spool_read(s, id, &b, b.kept, &out, &e), 0); /* the manifest is whole */
	assert_int_equal(out.len, b.kept);
	id_make(id, 1);
	assert_int_equal(spool_lend(s, id, &b, 0, &lent, &offset, &e),
			 -1); /* not the record of that id */
	buf_free(&out);
	spool_close(s);
}

/* --- uploads --- */

static void
upload_survives_a_restart(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct stage *st = stage_begin(s, 1, 9000);
	struct spool_place at;
	struct buf head = {0};
	struct err e = {0};
	char id[UUID_TEXT];
	uint64_t bytes;

	id_make(id, 1);
	payload_write(st, 0, 5000);
	s = reopen(s, 0, 0);
	st = spool_stage_find(s, id);
	assert_non_null(st);
	assert_string_equal(st->agency, "csc");
	assert_int_equal(spool_stage_head(s, st, &head, &e), 0);
	assert_int_equal(head.len, 134);
	assert_int_equal(st->payload_bytes, 9000);
	assert_int_equal(spool_stage_count(s, "csc", &bytes), 1);
	assert_int_equal(bytes, 9134);
	assert_int_equal(spool_stage_count(s, "police", &bytes), 0);
	st = stage_begin(s, 1, 9000);
	assert_int_equal(spool_stage_received(st), 5000);
	assert_int_equal(spool_stage_restart(st, &e), 0);
	assert_int_equal(spool_stage_received(st), 0);
	payload_write(st, 0, 9000);
	assert_int_equal(spool_put(s, st, &at, &e), 0);
	spool_sync(s);
	reads_back(s, 1, &at, 9000);
	assert_null(spool_stage_find(s, id));
	buf_free(&head);
	spool_close(s);
}

static void
upload_refusals(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct stage *st = stage_begin(s, 1, 9000), *again = NULL;
	uint8_t digest[DIGEST_BYTES] = {1, 2, 3}, other[DIGEST_BYTES] = {9};
	struct spool_place at;
	struct buf head = {0};
	struct err e = {0};
	char id[UUID_TEXT];

	id_make(id, 1);
	head_make(&head, 9000);
	assert_int_equal(spool_stage(s, id, "csc", &head, digest, 9000, 1, &again, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	payload_write(st, 0, 100);
	spool_stage_leave(st, 5);
	/* another head: from the start */
	assert_int_equal(spool_stage(s, id, "csc", &head, other, 9000, 1, &again, &e), 0);
	assert_int_equal(spool_stage_received(again), 0);
	payload_write(again, 0, 100);
	spool_stage_leave(again, 5);
	/* another agency: from the start */
	assert_int_equal(spool_stage(s, id, "police", &head, other, 9000, 1, &again, &e), 0);
	assert_int_equal(spool_stage_received(again), 0);
	payload_write(again, 0, 8999);
	assert_int_equal(spool_put(s, again, &at, &e), -1);
	assert_int_equal(e.code, ERR_DIGEST);
	assert_null(spool_stage_find(s, id));
	/* memory for small ones: idle ones make room, busy ones do not */
	st = stage_begin(s, 2, 3900);
	for (unsigned i = 3; i < 6; i++)
		stage_begin(s, i, 3900);
	assert_int_equal(spool_staged_bytes(s), 4 * 4034);
	id_make(id, 9);
	head_make(&head, 3000);
	assert_int_equal(spool_stage(s, id, "csc", &head, digest, 3000, 1, &again, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	spool_stage_leave(st, 5);
	assert_int_equal(spool_stage(s, id, "csc", &head, digest, 3000, 1, &again, &e), 0);
	assert_int_equal(spool_staged_bytes(s), 3 * 4034 + 3134);
	buf_free(&head);
	spool_close(s);
}

static void
uploads_expire(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct stage *idle = stage_begin(s, 1, 9000), *busy = stage_begin(s, 2, 9000);
	struct stat sb;

	spool_stage_leave(idle, 100);
	busy->used_ms = 100;
	assert_int_equal(spool_stage_expire(s, 100), 0);
	assert_int_equal(spool_stage_expire(s, 101), 1);
	spool_close(s);
	assert_int_equal(fstatat(datafd, "staging", &sb, 0), 0);
	s = reopen(NULL, 0, 0);
	assert_null(spool_stage_find(s, "019ab000-0000-7000-8000-000000000001"));
	assert_non_null(spool_stage_find(s, "019ab000-0000-7000-8000-000000000002"));
	spool_close(s);
}

/* [10] Refused before a byte is taken. */
static void
low_disk(void **state)
{
	struct spool_conf tight = conf;
	struct spool *s = NULL;
	struct stage *st;
	struct buf head = {0};
	uint8_t digest[DIGEST_BYTES] = {0};
	struct err e = {0};

	tight.free_min = UINT64_MAX / 2;
	assert_int_equal(spool_open(datafd, &tight, 0, 0, &s, &e), 0);
	assert_int_equal(spool_room(s, 1, &e), -1);
	assert_int_equal(e.code, ERR_STORAGE);
	head_make(&head, 9000);
	assert_int_equal(spool_stage(s, "019ab000-0000-7000-8000-000000000001", "csc", &head,
				     digest, 9000, 1, &st, &e),
			 -1);
	assert_int_equal(e.code, ERR_STORAGE);
	assert_null(spool_stage_find(s, "019ab000-0000-7000-8000-000000000001"));
	buf_free(&head);
	spool_close(s);
}

/* [7] A sync that fails ends the process at once. */
static void
failed_sync_is_fatal(void **state)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		disk_sync(-1, "test");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

/* [8] */
static void
erasure_keeps_the_first_part(void **state)
{
	struct spool *s = reopen(NULL, 0, 0);
	struct spool_place at[2] = {put(s, 1, 3000), put(s, 2, 9000)};
	struct spool_place next = put(s, 3, 3000);

	spool_sync(s);
	for (unsigned i = 0; i < 2; i++) {
		struct buf out = {0};
		struct err e = {0};
		char id[UUID_TEXT];

		id_make(id, i + 1);
		assert_int_equal(spool_erase(s, id, &at[i], &e), 0);
		assert_int_equal(spool_erase(s, id, &at[i], &e), 0);
		assert_int_equal(check(s, i + 1, &at[i], true), 0);
		assert_int_equal(check(s, i + 1, &at[i], false), ERR_DIGEST);
		assert_int_equal(spool_read(s, id, &at[i], at[i].kept, &out, &e), 0);
		assert_memory_equal(out.data + 24, "abcdefghij", 10);
		buf_free(&out);
	}
	reads_back(s, 3, &next, 3000);
	assert_int_equal(walked(s), 3);
	spool_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(crc_known_values),
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	    T(small_goes_to_the_journal),
	    T(large_is_a_file),
	    T(slots_are_not_lent),
	    T(stages_have_a_limit),
	    T(refused_file_leaves_nothing),
	    T(half_a_record_is_undone),
	    T(no_descriptor_is_no_damage),
	    T(segments_roll_over),
	    T(crash_before_commit_journal),
	    T(crash_before_first_commit),
	    T(crash_before_commit_file),
	    T(torn_records),
	    T(damage_is_of_one),
	    T(upload_survives_a_restart),
	    T(upload_refusals),
	    T(uploads_expire),
	    T(low_disk),
	    T(failed_sync_is_fatal),
	    T(erasure_keeps_the_first_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
