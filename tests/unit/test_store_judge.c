/* The gateway's rules for a bundle: each refusal a row that spoils a good one in one thing; control
 * commands, purge and fsck on the same rig. */
#include "store_rig.h"

#include <sys/socket.h>

#include "store/control.h"
#include "store/fsck.h"

static const char payload[] = "the payload, sealed";

/* --- one row a refusal --- */

static void
other_id(void)
{
	strcpy(rig.head.id, RIG_ID2);
}
static void
slots_missing(void)
{
	rig.head.to.n = 1;
}
static void
nobody_addressed(void)
{
	rig.head.to.n = 0;
}
static void
other_length(void)
{
	rig.head.payload_bytes++;
}
static void
odd_concern(void)
{
	rig.head.concern = 3;
}
static void
of_another_agency(void)
{
	strcpy(rig.head.from, "uhcw/emergency");
}
static void
sender_unknown(void)
{
	strcpy(rig.head.from, "csc/nobody");
}
static void
signed_elsewhere(void)
{
	strcpy(rig.signers[0].agency, "uhcw");
}
static void
signed_by_nobody(void)
{
	rig.head.signers.n = 0;
}
static void
class_unknown(void)
{
	strcpy(rig.head.klass, "secret-notes");
}
static void
recipient_unknown(void)
{
	strcpy(rig.to[1].mailbox, "uhcw/nobody");
}
static void
recipient_twice(void)
{
	strcpy(rig.to[1].mailbox, "uhcw/emergency");
}
static void
created_ahead(void)
{
	rig.head.created_ms += 3600 * 1000;
}
static void
created_long_ago(void)
{
	rig.head.created_ms -= INT64_C(8) * 24 * 3600 * 1000;
}
static void
key_of_another(void)
{
	rig_key(rig.to[1].key, 3);
}
static void
key_unknown(void)
{
	rig_key(rig.to[1].key, 99);
}

static void
one_person_twice(void)
{
	strcpy(rig.head.klass, "minutes");
	for (int i = 0; i < 2; i++)
		rig.signers[i] = (struct fact_signer){
		    .by = "person/csc/a.khan", .agency = "csc", .profile = PROFILE_PERSON_SIGN};
	rig.head.signers.n = 2;
}

static void
person_and_system(void)
{
	one_person_twice();
	rig.signers[1] = (struct fact_signer){
	    .by = "agency/csc", .agency = "csc", .profile = PROFILE_AGENCY_SIGN};
}

static void
pair_denied(void)
{
	one_person_twice();
	strcpy(rig.signers[1].by, "person/csc/r.lee");
	strcpy(rig.to[1].mailbox, "schools/st-j.dsl"); /* minutes go to uhcw only */
}

static void
cover_of_nobody(void)
{
	rig.to[1].cover = 1;
	strcpy(rig.to[1].covers, "csc/duty");
}

static void
cover_not_named(void)
{
	strcpy(rig.to[0].mailbox, "csc/duty");
	rig_key(rig.to[0].key, 2);
	rig.to[1].cover = 1;
	strcpy(rig.to[1].covers, "csc/duty");
}

static const struct {
	const char *what;
	void (*spoil)(void);
	enum err_code code;
	const char *names; /* in the sentence */
} rows[] = {
    {"another id", other_id, ERR_FORMAT, "id"},
    {"fewer slots than recipients", slots_missing, ERR_FORMAT, "slots"},
    {"no recipient", nobody_addressed, ERR_LIMIT, "to"},
    {"another payload length", other_length, ERR_DIGEST, "payload_bytes"},
    {"a concern of no kind", odd_concern, ERR_FORMAT, "concern"},
    {"from another agency", of_another_agency, ERR_DENIED, "from"},
    {"from nobody", sender_unknown, ERR_DENIED, "csc/nobody"},
    {"signed by another agency", signed_elsewhere, ERR_DENIED, "signed by"},
    {"signed by nobody", signed_by_nobody, ERR_SIGNATURE, "nobody"},
    {"no such class", class_unknown, ERR_DENIED, "secret-notes"},
    {"four eyes of one person", one_person_twice, ERR_SIGNATURE, "2 different persons"},
    {"four eyes, two of a machine", person_and_system, ERR_SIGNATURE, "1 did"},
    {"not of the pairs", pair_denied, ERR_DENIED, "may not go"},
    {"to nobody", recipient_unknown, ERR_UNKNOWN, "uhcw/nobody"},
    {"to one twice", recipient_twice, ERR_FORMAT, "twice"},
    {"created in the future", created_ahead, ERR_CLOCK, "created"},
    {"created long ago", created_long_ago, ERR_LIMIT, "created"},
    {"sealed for another's key", key_of_another, ERR_PROFILE, "uhcw/emergency"},
    {"sealed for an unknown key", key_unknown, ERR_ROUTE, "roster"},
    {"cover of who is not addressed", cover_of_nobody, ERR_DENIED, "covers csc/duty"},
    {"cover whom the roster does not name", cover_not_named, ERR_ROUTE, "is not the cover"},
};

static void
each_rule_refuses(void **state)
{
	struct ledger_totals before, after;

	ledger_totals(rig.store->reader, &before);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf head = {0};

		rig_bundle(&head, RIG_ID, payload, 2);
		rows[i].spoil();
		rig_begin(&head, RIG_ID, strlen(payload));
		if (rig.reply.code != rows[i].code ||
		    strstr(rig.reply.detail, rows[i].names) == NULL)
			fail_msg("%s: %s: %s", rows[i].what, err_name(rig.reply.code),
				 rig.reply.detail);
		buf_free(&head);
	}
	ledger_totals(rig.store->reader, &after);
	assert_int_equal(after.bundles, before.bundles); /* a refusal changes nothing … */
	assert_int_equal(after.entries - before.entries,
			 sizeof rows / sizeof *rows); /* … and each is in the log */
}

static void
two_persons_may(void **state)
{
	struct buf head = {0};

	rig_bundle(&head, RIG_ID, payload, 2);
	one_person_twice();
	strcpy(rig.signers[1].by, "person/csc/r.lee");
	rig_begin(&head, RIG_ID, strlen(payload));
	assert_int_equal(rig.reply.kind, MSG_UPLOAD);
	buf_free(&head);
}

static void
class_has_a_size(void **state)
{
	struct buf head = {0};
	char *large = mem_alloc(2 * MIB + 1);

	memset(large, 'x', 2 * MIB);
	rig_bundle(&head, RIG_ID, large, 1);
	rig_begin(&head, RIG_ID, strlen(large));
	rig_expect(413, ERR_LIMIT);
	buf_free(&head);
	free(large);
}

/* --- control --- */

static void
command(const char *line, struct buf *out)
{
	struct msg_control m = {.kind = CONTROL_COMMAND};
	int fds[2];
	char part[4096];
	ssize_t n;

	buf_clear(out);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(write(fds[1], line, strlen(line)), (ssize_t)strlen(line));
	if (line[0] == 'G')
		m.kind = CONTROL_METRICS;
	store_role.control(&rig.env, &m, fds[0]);
	for (int i = 0; i < 20; i++)
		rig_settle();
	while ((n = read(fds[1], part, sizeof part)) > 0)
		buf_add(out, part, (size_t)n);
	close(fds[1]);
}

static void
expect_command(const char *line, const char *has)
{
	struct buf out = {0};

	command(line, &out);
	if (strstr(buf_str(&out), has) == NULL)
		fail_msg("%s: %s", line, buf_str(&out));
	buf_free(&out);
}

static void
commands(void **state)
{
	rig_submit(RIG_ID, payload, 2);
	expect_command("status\n", "\"bundles\":1");
	expect_command("bundles\n", RIG_ID);
	expect_command("bundles agency=csc limit=5\n", RIG_ID);
	expect_command("bundles agency=uhcw\n", "{\"bundles\":[]}");
	expect_command("bundles colour=red\n", "\"code\":\"usage\"");
	expect_command("mailboxes\n", "\"mailbox\":\"uhcw/emergency\",\"waiting\":1");
	expect_command("evidence " RIG_ID "\n", "SubmissionAcceptance");
	expect_command("evidence 3\n", "safehand_evidence");
	expect_command("evidence 99999\n", "\"code\":\"unknown\"");
	expect_command("quarantine\n", "{\"quarantine\":[]}");
	expect_command("release " RIG_ID "\n", "\"code\":\"unknown\"");
	expect_command("fsck\n", "\"ok\":true");
	expect_command("fsck quick\n", "\"ok\":true");
	expect_command("fsck deep\n", "\"code\":\"usage\"");
	expect_command("dance\n", "\"code\":\"usage\"");
	expect_command("status now\n", "\"code\":\"usage\"");
	expect_command("\n", "\"code\":\"usage\"");
	expect_command("GET /metrics HTTP/1.1\r\n\r\n", "safehand_bundles_total 1\n");
}

/* [8] Erased and told to who had not collected; the evidence stays. */
static void
purge(void **state)
{
	struct ledger_bundle b;
	struct msg_ask ask;

	rig_submit(RIG_ID, payload, 2);
	expect_command("purge " RIG_ID "\n", "\"done\":true");
	expect_command("purge " RIG_ID "\n", "\"code\":\"order\"");
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_int_equal(b.state, BUNDLE_ERASED);
	rig_ask_mailbox(ASK_FEED, "uhcw", "uhcw/emergency", "");
	assert_true(rig_body_has("\"event\":\"Purged\""));
	rig_ask_mailbox(ASK_FETCH, "uhcw", "uhcw/emergency", RIG_ID);
	rig_expect(404, ERR_UNKNOWN);
	ask = rig_question(ASK_EVIDENCE_FILE, "csc");
	strcpy(ask.id, RIG_ID);
	ask.number = 3; /* the acceptance, after start, policy and roster */
	rig_ask(&ask);
	rig_expect(200, ERR_OK);
	assert_true(rig_body_has("\"manifest\":"));
	expect_command("fsck\n", "\"ok\":true");
	rig_submit(RIG_ID2, payload, 1);
	rig_restart();
	expect_command("fsck\n", "\"ok\":true");
}

/* fsck finds what is wrong: a row whose bytes are damaged, and a leaf that was changed. */
static void
fsck_finds(void **state)
{
	struct ledger_bundle b;
	int fd;

	rig_submit(RIG_ID, payload, 1);
	fd = openat(rig.data_fd, "journal/00000001.seg", O_RDWR);
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_int_equal(pwrite(fd, "?", 1, (off_t)(b.place.offset + 26)), 1);
	close(fd);
	expect_command("fsck\n", RIG_ID ": [1]");
	assert_int_equal(
	    system("sqlite3 ledger.db \"UPDATE entry SET line = x'00' WHERE seq = 1\""), 0);
	expect_command("fsck\n", "entry 1: [6]");
}

/* Each fact, broken in the ledger; one damage more with each row. */
static void
fsck_knows_each_fact(void **state)
{
	static const struct {
		const char *harm, *found;
	} harms[] = {
	    {"UPDATE agency SET bytes = bytes + 1", "[10] its bundles and bytes"},
	    {"UPDATE mailbox SET waiting = 9", "what waits there is counted wrong"},
	    {"UPDATE bundle SET head_sha256 = zeroblob(32)", "[4] another head"},
	    {"UPDATE bundle SET manifest_sha256 = zeroblob(32)", "[4] another manifest"},
	    {"UPDATE delivery SET state = 2", "[5] collected in uhcw/emergency without"},
	    {"UPDATE entry SET code = 'x' WHERE seq = 1", "entry 1: [5] not what its row says"},
	    {"UPDATE entry SET event = 9 WHERE event = 3", "[5] no ContentConsignment"},
	    {"UPDATE hash SET hash = zeroblob(32) WHERE n = 2", "[6] not that of its halves"},
	    {"INSERT INTO quarantine VALUES (1, 1, 'x')", "\"ok\":false"},
	    {"UPDATE bundle SET state = 2", "[8] purged by its row alone"},
	    {"SELECT 1", "[9] purged, and in quarantine"},
	    {"DELETE FROM quarantine", "[8] journal: byte 0 of slots and payload"},
	    {"UPDATE bundle SET offset = offset + 8", "[2] bytes without a row"},
	    {"DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)", "[3] "},
	};
	char command[256];

	rig_submit(RIG_ID, payload, 1);
	expect_command("fsck\n", "\"ok\":true");
	for (size_t i = 0; i < sizeof harms / sizeof *harms; i++) {
		snprintf(command, sizeof command, "sqlite3 ledger.db \"%s\" >&2", harms[i].harm);
		assert_int_equal(system(command), 0);
		expect_command("fsck\n", harms[i].found);
	}
}

/* One walk at a time. */
static void
fsck_once(void **state)
{
	struct err e = {0};

	assert_int_equal(fsck_start(rig.store, true, NULL, NULL, &e), 0);
	assert_int_equal(fsck_start(rig.store, true, NULL, NULL, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	fsck_stop(rig.store);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(each_rule_refuses),
	    T(two_persons_may),
	    T(class_has_a_size),
	    T(commands),
	    T(purge),
	    T(fsck_finds),
	    T(fsck_knows_each_fact),
	    T(fsck_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
