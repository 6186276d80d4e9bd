/* test_store_fetch.c - [12]: each fetch of a bundle's bytes is in the log, and none waits for it.
 */
#include "store_rig.h"

#include <signal.h>
#include <sys/resource.h>

#include "frame/range.h"
#include "safehand/fetched.h"
#include "store/fetch_book.h"

#define PAYLOAD "the sealed payload"
#define TOTAL	(24 + 40 + 30 + (uint64_t)strlen(PAYLOAD))
#define NOON	INT64_C(1795381445000)
#define SLOTS	4096 /* of the book */

/* Front's question for a part, with the certificate of that number. */
static struct msg_ask
question(uint8_t cert, uint32_t range, uint64_t a, uint64_t b)
{
	struct msg_ask m = rig_question(ASK_FETCH, "uhcw");

	strcpy(m.mailbox, "uhcw/emergency");
	strcpy(m.id, RIG_ID);
	memset(m.cert, cert, sizeof m.cert);
	m.range = range;
	m.number = a;
	m.number2 = b;
	return m;
}

static void
fetch(uint8_t cert, uint32_t range, uint64_t a, uint64_t b)
{
	struct msg_ask m = question(cert, range, a, b);

	rig_ask(&m);
}

static void
fetch_all(uint8_t cert)
{
	fetch(cert, RANGE_ALL, 0, 0);
	assert_int_equal(rig.reply.kind, MSG_BODY);
}

struct found {
	struct ledger_entry entry[SLOTS + 8];
	size_t n;
};

static struct found found;

static void
find_row(void *ctx, const struct ledger_entry *entry)
{
	if (entry->event == EVENT_FETCHED)
		found.entry[found.n++] = *entry;
}

/* The codes of the Fetched entries, a line each, without their times. */
static void
want(const char *codes)
{
	struct ledger_bundle b;
	struct buf have = {0};

	found.n = 0;
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	ledger_each_entry(rig.store->reader, b.n, find_row, NULL);
	for (size_t i = 0; i < found.n; i++)
		buf_addf(&have, "%.*s\n", (int)strcspn(found.entry[i].code, "@"),
			 found.entry[i].code);
	assert_string_equal(buf_str(&have), codes);
	buf_free(&have);
}

static int
setup(void **state)
{
	rig = (struct rig){.roster_serial = 3, .conf = rig_conf_text, .clock_ms = NOON};
	rig_setup_here();
	rig_submit(RIG_ID, PAYLOAD, 2);
	rig_expect(201, ERR_OK);
	return 0;
}

#define ALL "range:0-111/112\n"

static void
a_fetch_is_an_entry(void **state)
{
	struct fetched said;
	struct err e = {0};

	assert_int_equal(TOTAL, 112);
	fetch_all(7);
	want(ALL);
	assert_string_equal(found.entry[0].mailbox, "uhcw/emergency");
	assert_int_equal(found.entry[0].actor[31], 7);
	assert_int_equal(found.entry[0].time_ms, NOON);
	assert_int_equal(fetched_parse(found.entry[0].code, &said, &e), 0);
	assert_int_equal(said.at_ms, NOON);
	rig_ask_mailbox(ASK_BUNDLE, "csc", "", RIG_ID); /* the sender sees it */
	assert_true(rig_body_has("\"event\":\"Fetched\""));
	rig_ask_mailbox(ASK_EVIDENCE, "csc", "", RIG_ID);
	assert_true(rig_body_has("\"event\":\"Fetched\",\"mailbox\":\"uhcw/emergency\""));
	is_sound();
}

static void
what_leaves_is_what_it_says(void **state)
{
	fetch(1, RANGE_FROM, 10, 20);
	assert_int_equal(rig.reply.ranged, true);
	assert_int_equal(rig.reply.from, 10);
	assert_int_equal(rig.reply.count, 11);
	fetch(2, RANGE_LAST, 5, 0);
	fetch(3, RANGE_FROM, 100, INT64_MAX);
	fetch(4, RANGE_KINDS, 1, 2); /* no kind at all: all of it */
	want("range:10-20/112\nrange:107-111/112\nrange:100-111/112\n" ALL);
	is_sound();
}

/* If-None-Match, If-Range, HEAD, a range outside: the log tells of bytes that left, no others. */
static void
nothing_leaves_nothing_is_said(void **state)
{
	struct msg_ask m = question(1, RANGE_ALL, 0, 0);
	char etag[ETAG_TEXT];

	m.head_only = 1;
	rig_ask(&m);
	assert_int_equal(rig.reply.kind, MSG_BODY);
	assert_false(rig.reply.lent);
	strcpy(etag, rig.reply.etag);
	m = question(1, RANGE_ALL, 0, 0);
	strcpy(m.have, etag);
	rig_ask(&m);
	assert_int_equal(rig.reply.kind, MSG_REPLY);
	assert_int_equal(rig.reply.status, 304);
	fetch(1, RANGE_FROM, 112, INT64_MAX);
	assert_int_equal(rig.reply.status, 416);
	assert_int_equal(rig.reply.total, 112);
	want("");
	m = question(1, RANGE_FROM, 1, 2);
	memset(m.if_range, '0', ETAG_TEXT - 1); /* of something else: then all of it */
	rig_ask(&m);
	assert_false(rig.reply.ranged);
	want(ALL);
}

static void
what_is_fetched_again_is_counted(void **state)
{
	fetch(1, RANGE_FROM, 0, 9);
	for (uint64_t i = 1; i < 5; i++)
		fetch(1, RANGE_FROM, 10 * i, 10 * i + 9);
	fetch_all(2); /* another machine of theirs */
	want("range:0-9/112\n" ALL);
	rig.clock_ms = NOON + FETCH_QUIET_MS - 1;
	fetch_book_tick(rig.store);
	rig_settle();
	want("range:0-9/112\n" ALL);
	rig.clock_ms++;
	fetch_book_tick(rig.store);
	rig_settle();
	want("range:0-9/112\n" ALL "again:4:40\n");
	assert_int_equal(found.entry[2].actor[0], 1);
	fetch_book_tick(rig.store);
	rig_settle();
	assert_int_equal(found.n, 3);
	is_sound();
}

/* The hour is over and nobody has looked since: what was counted comes before what is new. */
static void
an_hour_later_it_is_an_entry_again(void **state)
{
	fetch_all(1);
	fetch_all(1);
	rig.clock_ms += FETCH_QUIET_MS;
	fetch_all(1);
	want(ALL "again:1:112\n" ALL);
	fetch_all(1);
	want(ALL "again:1:112\n" ALL);
	is_sound();
}

/* [12] The answer left and the group did not: the next start enters it, once. */
static void
killed_before_its_entry(void **state)
{
	rig.hold = true;
	fetch_all(1);
	fetch_all(1);
	want("");
	rig_kill();
	rig.hold = false;
	rig_start(rig.conf);
	rig_settle();
	want(ALL);
	rig_restart();
	want(ALL);
	rig.clock_ms += FETCH_QUIET_MS;
	fetch_book_tick(rig.store);
	rig_settle();
	want(ALL "again:1:112\n");
	rig_restart();
	rig.clock_ms += FETCH_QUIET_MS;
	fetch_book_tick(rig.store);
	rig_settle();
	want(ALL "again:1:112\n");
	is_sound();
}

/* [12] What was counted outlives the process; so does a count that was on its way to the log. */
static void
killed_while_it_counts(void **state)
{
	fetch_all(1);
	fetch_all(1);
	fetch_all(1);
	rig_restart();
	fetch_all(1);
	rig.clock_ms += FETCH_QUIET_MS;
	rig.hold = true;
	fetch_book_tick(rig.store);
	rig_settle();
	want(ALL);
	rig_kill();
	rig.hold = false;
	rig_start(rig.conf);
	rig_settle();
	want(ALL "again:3:336\n");
	is_sound();
}

static void
damage(uint64_t offset, const void *p, size_t n)
{
	int fd = openat(rig.data_fd, "fetches", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, (off_t)offset), n);
	close(fd);
}

/* A power cut: a slot of two halves, or one that was written before what the ledger knows. */
static void
slots_that_are_not_borne_out_are_dropped(void **state)
{
	uint8_t old[256];
	int fd;

	rig.hold = true;
	fetch_all(1);
	fd = openat(rig.data_fd, "fetches", O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, old, sizeof old, 0), sizeof old);
	close(fd);
	rig_kill();
	rig.hold = false;
	rig_start(rig.conf);
	want(ALL);
	rig_kill();
	damage(0, old, sizeof old); /* entered already */
	old[100] ^= 1;
	damage(256, old, sizeof old); /* not as it was written */
	rig_start(rig.conf);
	want(ALL);
	fetch_all(2);
	want(ALL ALL);
	is_sound();
}

static void
cert_of(struct msg_ask *m, unsigned n)
{
	memset(m->cert, 0, sizeof m->cert);
	m->cert[0] = (uint8_t)n;
	m->cert[1] = (uint8_t)(n >> 8);
}

static void
fetch_by(unsigned n)
{
	struct msg_ask m = question(0, RANGE_ALL, 0, 0);

	cert_of(&m, n);
	rig_ask(&m);
}

/* Nothing leaves that could not be noted, and room is made by what can be told. */
static void
a_full_book_refuses_and_makes_room(void **state)
{
	rig.hold = true;
	for (unsigned i = 0; i < SLOTS; i++)
		fetch_by(i);
	assert_int_equal(rig.reply.kind, MSG_BODY);
	fetch_by(SLOTS);
	rig_expect(503, ERR_BUSY);
	rig.hold = false;
	rig_seal();
	rig_settle();
	for (unsigned i = 0; i < SLOTS; i++) /* all of them are counting now */
		fetch_by(i);
	assert_int_equal(rig.reply.kind, MSG_BODY);
	fetch_by(SLOTS);
	rig_expect(503, ERR_BUSY);
	fetch_by(SLOTS);
	assert_int_equal(rig.reply.kind, MSG_BODY);
	is_sound();
}

static void
what_cannot_be_noted_does_not_leave(void **state)
{
	struct rlimit was, none;
	char *large = mem_alloc(100001);

	memset(large, 'L', 100000);
	rig_submit(RIG_ID2, large, 1); /* a file of its own: lending it writes nothing */
	rig_expect(201, ERR_OK);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = (struct rlimit){0, was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/emergency", RIG_ID2);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	rig_expect((unsigned)err_http(ERR_SYSTEM), ERR_SYSTEM);
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/emergency", RIG_ID2);
	assert_int_equal(rig.reply.kind, MSG_BODY);
	free(large);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(a_fetch_is_an_entry),
	    T(what_leaves_is_what_it_says),
	    T(nothing_leaves_nothing_is_said),
	    T(what_is_fetched_again_is_counted),
	    T(an_hour_later_it_is_an_entry_again),
	    T(killed_before_its_entry),
	    T(killed_while_it_counts),
	    T(slots_that_are_not_borne_out_are_dropped),
	    T(a_full_book_refuses_and_makes_room),
	    T(what_cannot_be_noted_does_not_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
