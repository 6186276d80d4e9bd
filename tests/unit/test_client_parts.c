/* test_client_parts.c - the pure parts of the client: orders and sidecars, pauses, progress, claims
 * of the outbox, feeds, NHS numbers, what is final and what passes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#include "client/answer_head.h"
#include "client/arrivals.h"
#include "client/enroll.h"
#include "client/feed.h"
#include "client/files.h"
#include "safehand/json.h"
#include "client/order.h"
#include "client/outbox.h"
#include "client/progress.h"
#include "client/settings.h"

#define ID "019ab0c4-1111-7222-8333-444455556666"

/* --- orders --- */

static void
orders_take(void **state)
{
	struct order *o = order_new("/drop");
	struct client c;
	struct err e;

	client_init(&c);
	assert_ok(order_set(&c, o, "class", "general", &e), &e);
	assert_ok(order_set(&c, o, "to", "csc/mash", &e), &e);
	assert_ok(order_set(&c, o, "action", "12:csc/duty:2026-11-30", &e), &e);
	assert_ok(order_set(&c, o, "event-at", "2026-11-22T14:30:00Z", &e), &e);
	assert_ok(order_set(&c, o, "concern", "active", &e), &e);
	assert_ok(order_set(&c, o, "provisional", "", &e), &e);
	assert_ok(order_set(&c, o, "file", "a.pdf", &e), &e);
	assert_ok(order_set(&c, o, "file", "/x/b.pdf", &e), &e);
	assert_int_equal(o->m->actions[0].n, 12);
	assert_string_equal(o->m->actions[0].due, "2026-11-30");
	assert_true(o->m->provisional);
	assert_int_equal(o->m->concern, CONCERN_ACTIVE);
	assert_string_equal(o->files[0], "/drop/a.pdf");
	assert_string_equal(o->files[1], "/x/b.pdf");
	order_free(o);
}

static void
orders_refuse(void **state)
{
	static const struct {
		const char *what, *value;
		enum err_code code;
	} rows[] = {
	    {"class", "Strategy Minutes", ERR_USAGE},
	    {"from", "csc", ERR_USAGE},
	    {"to", "csc/", ERR_USAGE},
	    {"to", "csc/mash", ERR_USAGE}, /* there already */
	    {"exclude", "nobody", ERR_USAGE},
	    {"about", "943 476 5918", ERR_FORMAT}, /* check digit */
	    {"action", "csc/duty:2026-11-30", ERR_USAGE},
	    {"action", "0:csc/duty:2026-11-30", ERR_USAGE},
	    {"action", "1:csc:2026-11-30", ERR_USAGE},
	    {"action", "1:csc/duty:2026-02-30", ERR_USAGE},
	    {"action", "1:csc/duty:2026-11-30T", ERR_USAGE},
	    {"action", "1x:csc/duty:2026-11-30", ERR_USAGE},
	    {"event-at", "yesterday", ERR_USAGE},
	    {"concern", "none", ERR_USAGE},
	    {"reply-to", "019ab0c4", ERR_USAGE},
	    {"supersedes", "", ERR_USAGE},
	    {"cover", "second.json", ERR_USAGE},
	    {"colour", "red", ERR_USAGE},
	};
	struct order *o = order_new(NULL);
	struct client c;
	struct err e;

	client_init(&c);
	assert_ok(order_set(&c, o, "to", "csc/mash", &e), &e);
	assert_ok(order_set(&c, o, "cover", "first.json", &e), &e);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_refused(order_set(&c, o, rows[i].what, rows[i].value, &e), &e, rows[i].code);
	assert_int_equal(o->m->nto, 1);
	assert_int_equal(o->m->nactions, 0);
	order_free(o);
}

static int
read_sidecar(const char *text, struct order **o, struct err *e)
{
	struct client c;

	client_init(&c);
	*o = order_new("/drop");
	return order_sidecar(&c, *o, text, strlen(text), e);
}

static void
sidecars(void **state)
{
	static const struct {
		const char *text;
		enum err_code code;
	} rows[] = {
	    {"", ERR_FORMAT},
	    {"[]", ERR_FORMAT},
	    {"{\"class\":\"general\",\"class\":\"general\"}", ERR_FORMAT},
	    {"{\"clas\":\"general\"}", ERR_FORMAT},
	    {"{\"to\":\"csc/mash\"}", ERR_FORMAT},
	    {"{\"to\":[\"csc\"]}", ERR_USAGE},
	    {"{\"file\":[\"../state/linking.key\"]}", ERR_DENIED},
	    {"{\"file\":[\"/etc/passwd\"]}", ERR_DENIED},
	    {"{\"file\":[\".hidden\"]}", ERR_DENIED},
	    {"{\"file\":[\"\"]}", ERR_DENIED},
	    {"{\"cover\":\"../cover.json\"}", ERR_DENIED},
	    {"{\"cover\":\".cover.json\"}", ERR_DENIED},
	};
	struct order *o;
	struct err e;

	assert_ok(read_sidecar("{\"class\":\"general\",\"to\":[\"csc/mash\",\"wmp/ppu\"],\"file\":["
			       "\"a.pdf\"],\"provisional\":true,\"reply-to\":null}",
			       &o, &e),
		  &e);
	assert_int_equal(o->m->nto, 2);
	assert_true(o->m->provisional);
	assert_string_equal(o->files[0], "/drop/a.pdf");
	order_free(o);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (read_sidecar(rows[i].text, &o, &e) == 0 || e.code != rows[i].code)
			fail_msg("row %zu: %s", i, e.text);
		order_free(o);
	}
}

static void
nhs_numbers(void **state)
{
	assert_int_equal(keys_nhs_check("943 476 5919"), 0);
	assert_int_equal(keys_nhs_check("943-476-5919"), 0);
	assert_int_equal(keys_nhs_check("9434765918"), -1);
	assert_int_equal(keys_nhs_check("9434765991"), -1); /* two digits swapped */
	assert_int_equal(keys_nhs_check("943476591"), 1);
	assert_int_equal(keys_nhs_check("94347659199"), 1);
	assert_int_equal(keys_nhs_check("CSC-2026-17"), 1);
}

/* --- waiting --- */

static void
pauses(void **state)
{
	assert_int_equal(retry_pause_ms(0, 60000, 0, 0), 500);
	assert_int_equal(retry_pause_ms(0, 60000, 0, UINT32_MAX), 999);
	assert_int_equal(retry_pause_ms(3, 60000, 0, 0), 4000);
	assert_int_equal(retry_pause_ms(10, 60000, 0, 0), 30000); /* the cap */
	assert_int_equal(retry_pause_ms(4000000000u, 60000, 0, 0), 30000);
	assert_int_equal(retry_pause_ms(0, 60000, 7, 0), 7000); /* what the gateway asked */
	assert_int_equal(retry_pause_ms(0, 60000, 1000000, 0), 3600000); /* within an hour */
}

static void
tries(void **state)
{
	volatile sig_atomic_t stop = 0;
	struct retry r = {.most = 1, .cap_ms = 2, .stop = &stop};
	struct err busy = {.code = ERR_BUSY}, denied = {.code = ERR_DENIED};

	assert_false(retry_again(&r, &denied, 0));
	assert_true(retry_again(&r, &busy, 0));
	assert_false(retry_again(&r, &busy, 0)); /* no tries left */
	r.tries = 0;
	stop = 1;
	assert_false(retry_again(&r, &busy, 0));
}

static void
progress_lines(void **state)
{
	static const struct {
		uint64_t done, total;
		int64_t ms;
		const char *text;
	} rows[] = {
	    {0, 100, 0, "sending 0 B of 100 B"},
	    {50, 100, 100, "sending 50 B of 100 B"},
	    {MIB, 4 * MIB, 1000, "sending 1.0 MiB of 4.0 MiB, 1.0 MiB/s, 0:03 left"},
	    {GIB, 100 * GIB, 10000, "sending 1.0 GiB of 100.0 GiB, 102.4 MiB/s, 16:30 left"},
	    {100, 100, 1000, "sending 100 B of 100 B, 100 B/s, 0:00 left"},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_clear(&b);
		progress_text("sending", rows[i].done, rows[i].total, rows[i].ms, &b);
		assert_string_equal(buf_str(&b), rows[i].text);
	}
	buf_free(&b);
}

/* --- outbox, inbox --- */

static void
claims(void **state)
{
	static const char *const bad[] = {"",	   "one.json",	ID,	      ID ".",
					  ID ".x", ID "..json", ID "-a.json", "x" ID ".a.json"};
	char id[UUID_TEXT];
	const char *sidecar;
	struct buf b = {0};

	outbox_claim_name(ID, "letter one.json", &b);
	assert_true(outbox_claim_parse(buf_str(&b), id, &sidecar));
	assert_string_equal(id, ID);
	assert_string_equal(sidecar, "letter one.json");
	buf_free(&b);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (outbox_claim_parse(bad[i], id, &sidecar))
			fail_msg("%s: taken for a claim", bad[i]);
	assert_true(outbox_is_sidecar("a.json"));
	assert_false(outbox_is_sidecar(".json"));
	assert_false(outbox_is_sidecar(".a.json"));
	assert_false(outbox_is_sidecar("a.json.tmp"));
}

/* Every state that a crash can leave has its next step. */
static void
spool_states(void **state)
{
	assert_int_equal(outbox_next(false, false), OUTBOX_SEAL);
	assert_int_equal(outbox_next(false, true), OUTBOX_SUBMIT);
	assert_int_equal(outbox_next(true, true), OUTBOX_FILE);
	assert_int_equal(outbox_next(true, false), OUTBOX_FILE); /* never sealed again */
}

/* Each code either passes by itself, or ends the order; each arrival likewise. */
static void
refusals(void **state)
{
	static const enum err_code passing[] = {
	    ERR_NETWORK, ERR_BUSY,   ERR_STORAGE,  ERR_CLOCK,	ERR_ROUTE, ERR_SYSTEM,
	    ERR_CONFIG,	 ERR_SECRET, ERR_INTERNAL, ERR_HISTORY, ERR_FAIL,  ERR_INCOMPLETE};
	static const enum err_code never[] = {ERR_NETWORK, ERR_BUSY,	ERR_STORAGE,
					      ERR_CLOCK,   ERR_SYSTEM,	ERR_CONFIG,
					      ERR_SECRET,  ERR_HISTORY, ERR_INTERNAL};

	for (int k = ERR_FAIL; k < ERR_CODES; k++) {
		struct err e = {.code = (enum err_code)k};
		bool pass = false, kept = false;

		for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
			pass = pass || passing[i] == e.code;
		for (size_t i = 0; i < sizeof never / sizeof *never; i++)
			kept = kept || never[i] == e.code;
		if (outbox_is_passing(&e) != pass)
			fail_msg("outbox: %s", err_name(e.code));
		if (kept && arrivals_is_final(&e))
			fail_msg("arrival: %s would be lost", err_name(e.code));
	}
	assert_true(arrivals_is_final(&(struct err){.code = ERR_SIGNATURE}));
	assert_true(arrivals_is_final(&(struct err){.code = ERR_ARCHIVE}));
}

#define ITEM                                                                                       \
	"{\"seq\":4,\"time\":\"2026-11-24T15:21:49.718Z\",\"event\":\"ContentConsignment\","       \
	"\"bundle\":\"" ID "\",\"from\":\"uhcw/emergency\",\"class\":\"general\",\"status\":"      \
	"\"final\",\"concern\":null,\"event_at\":null,\"payload_bytes\":27,\"as\":\"cover\","      \
	"\"state\":\"waiting\",\"code\":\"ok\"}"
#define PAGE(items) "{\"mailbox\":\"csc/mash\",\"after\":0,\"next\":4,\"items\":[" items "]}"

static void
feeds(void **state)
{
	static const char *const bad[] = {
	    "",
	    "{}",
	    PAGE("{}"),
	    PAGE("null"),
	    "{\"mailbox\":\"csc/duty\",\"after\":0,\"next\":4,\"items\":[]}",
	    "{\"mailbox\":\"csc/mash\",\"after\":0,\"next\":-4,\"items\":[]}",
	    "{\"mailbox\":\"csc/mash\",\"after\":0,\"next\":4,\"items\":[],\"more\":1}"};
	struct feed_page p;
	struct buf hostile = {0};
	struct err e;
	char *id;

	assert_ok(feed_parse(PAGE(ITEM), strlen(PAGE(ITEM)), "csc/mash", &p, &e), &e);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.next, 4);
	assert_true(feed_is_arrival(&p.items[0]));
	assert_true(p.items[0].cover);
	assert_string_equal(p.items[0].bundle, ID);
	feed_free(&p);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_refused(feed_parse(bad[i], strlen(bad[i]), "csc/mash", &p, &e), &e,
			       ERR_FORMAT);
	assert_refused(feed_parse(NULL, 0, "csc/mash", &p, &e), &e, ERR_FORMAT); /* no body */
	buf_adds(&hostile, PAGE(ITEM)); /* an id that would lead out of the folder */
	id = strstr((char *)hostile.data, ID);
	memcpy(id, "../../../../etc/passwd/./././././././", strlen(ID));
	assert_refused(feed_parse(hostile.data, hostile.len, "csc/mash", &p, &e), &e, ERR_FORMAT);
	buf_free(&hostile);
}

/* --- answers --- */

#define FLAG_HEAD                                                                                  \
	"{\"about\":\"c:5k3\",\"concern\":\"inconclusive\",\"bundle\":\"" ID                       \
	"\",\"since\":\"2026-11-22T21:04:05Z\","
#define SOURCE(id) "{\"bundle\":\"" id "\",\"since\":\"2026-11-22T21:04:05Z\"}"
#define ONE	   FLAG_HEAD "\"bundles\":1,\"sources\":[" SOURCE(ID) "]}"
#define MANY	   FLAG_HEAD "\"bundles\":20,\"sources\":[" SOURCE(ID) "," SOURCE("other") "]}"

/* Flags of a case: each in a line, and again as JSON; one that is not of its form refuses all. */
static void
flags(void **state)
{
	static const char *const bad[] = {
	    "[{}]",
	    "[1]",
	    "[" ONE ",{\"about\":\"c:5k3\"}]",
	    "[" FLAG_HEAD "\"bundles\":1}]",
	    "[" FLAG_HEAD "\"bundles\":1,\"sources\":[{}]}]",
	    "[" FLAG_HEAD "\"bundles\":1,\"sources\":[\"" ID "\"]}]",
	    "[" FLAG_HEAD "\"bundles\":\"1\",\"sources\":[]}]",
	};
	struct buf lines = {0}, items = {0}, text = {0};
	struct json *doc;
	struct err e;

	buf_adds(&text, "{\"flags\":[" ONE "," MANY "]}");
	assert_ok(json_parse("t", text.data, text.len, 4096, &doc, &e), &e);
	assert_ok(feed_flags(json_member(doc, "flags"), "t", &lines, &items, &e), &e);
	assert_string_equal(buf_str(&lines),
			    "inconclusive since 2026-11-22T21:04:05Z about c:5k3 (" ID ")\n"
			    "inconclusive since 2026-11-22T21:04:05Z about c:5k3 (" ID
			    ", other and 18 more)\n");
	assert_string_equal(buf_str(&items), ONE "," MANY);
	json_free(doc);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		buf_clear(&text);
		buf_addf(&text, "{\"flags\":%s}", bad[i]);
		assert_ok(json_parse("t", text.data, text.len, 4096, &doc, &e), &e);
		assert_refused(feed_flags(json_member(doc, "flags"), "t", &lines, &items, &e), &e,
			       ERR_FORMAT);
		json_free(doc);
	}
	buf_free(&lines);
	buf_free(&items);
	buf_free(&text);
}

static void
heads(void **state)
{
	static const struct {
		const char *line, *etag;
		int64_t offset, from;
		bool complete;
	} rows[] = {
	    {"ETag: \"abc\"\r\n", "abc", -1, -1, false},
	    {"etag:\t\"abc\"", "abc", -1, -1, false},
	    {"ETag: abc", "", -1, -1, false},
	    {"ETag: \"", "", -1, -1, false},
	    {"ETagged: \"abc\"", "", -1, -1, false},
	    {"Upload-Offset: 17\r\n", "", 17, -1, false},
	    {"Upload-Offset: -17", "", -1, -1, false},
	    {"Upload-Offset: 0x17", "", -1, -1, false},
	    {"Upload-Offset: 1234567890123456789", "", -1, -1, false},
	    {"Upload-Offset:", "", -1, -1, false},
	    {"Upload-Complete: ?1", "", -1, -1, true},
	    {"Upload-Complete: ?0", "", -1, -1, false},
	    {"Upload-Complete: ?11", "", -1, -1, false},
	    {"Content-Range: bytes 5-9/10", "", -1, 5, false},
	    {"Content-Range: bytes */10", "", -1, -1, false},
	    {"Content-Range: bytes 5", "", -1, -1, false},
	    {"Content-Range: lines 5-9/10", "", -1, -1, false},
	};
	struct answer_head h;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		answer_head_init(&h);
		answer_line(rows[i].line, strlen(rows[i].line), &h);
		if (strcmp(h.etag, rows[i].etag) != 0 || h.upload_offset != rows[i].offset ||
		    h.range_from != rows[i].from || h.upload_complete != rows[i].complete)
			fail_msg("%s", rows[i].line);
	}
}

static void
problems(void **state)
{
	static const struct {
		const char *body;
		long status;
		enum err_code code;
	} rows[] = {
	    {"{\"code\":\"denied\",\"detail\":\"no\"}", 403, ERR_DENIED},
	    {"{\"code\":\"route-changed\",\"status\":409}", 409, ERR_ROUTE},
	    {"{\"code\":\"ok\"}", 500, ERR_NETWORK}, /* a refusal is no success */
	    {"{\"code\":\"nonsense\"}", 500, ERR_NETWORK},
	    {"{\"detail\":\"no\"}", 500, ERR_NETWORK},
	    {"{\"code\":\"denied\",\"more\":1}", 403, ERR_NETWORK},
	    {"<html>proxy</html>", 502, ERR_NETWORK},
	    {"", 404, ERR_UNKNOWN},
	};
	struct buf body = {0};
	struct err e;

	assert_refused(answer_problem(&body, 404, &e), &e, ERR_UNKNOWN); /* no body at all */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_clear(&body);
		buf_adds(&body, rows[i].body);
		assert_refused(answer_problem(&body, rows[i].status, &e), &e, rows[i].code);
	}
	buf_free(&body);
}

/* --- enrolment --- */

static void
report(void *ctx, const char *file, int line, const char *text)
{
	fail_msg("%s:%d: %s", file, line, text);
}

/* What enroll writes is a configuration without a fault. */
static void
enrolments(void **state)
{
	struct enroll_conf how = {"uhcw", "https://localhost", "/etc/pass"};
	struct buf text = {0};
	struct conf *c;
	struct err e;

	enroll_conf_begin(&how, &text);
	enroll_conf_mailbox("uhcw/emergency", &text);
	enroll_conf_person("uhcw/j.patel", how.passphrase, &text);
	assert_ok(
	    conf_parse("t.conf", "/e", text.data, text.len, settings_table, report, NULL, &c, &e),
	    &e);
	assert_ok(settings_check(c, &e), &e);
	assert_string_equal(conf_str(c, "mailbox", "uhcw/emergency", "key"),
			    "/e/agency-seal_emergency.key");
	assert_string_equal(conf_str(c, "identity", "j.patel", "certificate"),
			    "/e/person-sign_j.patel.pem");
	assert_string_equal(conf_str(c, "identity", "uhcw", "kind"), "system");
	assert_string_equal(conf_str(c, "identity", "j.patel", "passphrase"), "/etc/pass");
	conf_free(c);
	buf_free(&text);
}

/* --- files --- */

/* Only what a process that is no more left: not ours, not what just looks like it. */
static void
sweeping(void **state)
{
	char folder[] = "/tmp/safehand-files-XXXXXX", mine[64];
	const char *const kept[] = {mine, "a.tmp", "a.shs", "a.x1.tmp", ".1.tmp.shs"};
	pid_t dead = fork();
	char gone[64];
	int dir;

	if (dead == 0)
		_exit(0);
	assert_int_equal(waitpid(dead, NULL, 0), dead);
	snprintf(mine, sizeof mine, "a.shs.%d.tmp", (int)getpid());
	snprintf(gone, sizeof gone, "a.shs.%d.tmp", (int)dead);
	assert_non_null(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY);
	close(openat(dir, gone, O_CREAT | O_WRONLY, 0600));
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		close(openat(dir, kept[i], O_CREAT | O_WRONLY, 0600));
	files_sweep(dir);
	assert_false(files_exists(dir, gone));
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		assert_true(files_exists(dir, kept[i]));
		unlinkat(dir, kept[i], 0);
	}
	close(dir);
	assert_int_equal(rmdir(folder), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(orders_take),    cmocka_unit_test(orders_refuse),
	    cmocka_unit_test(sidecars),	      cmocka_unit_test(nhs_numbers),
	    cmocka_unit_test(pauses),	      cmocka_unit_test(tries),
	    cmocka_unit_test(progress_lines), cmocka_unit_test(claims),
	    cmocka_unit_test(spool_states),   cmocka_unit_test(refusals),
	    cmocka_unit_test(feeds),	      cmocka_unit_test(flags),
	    cmocka_unit_test(heads),	      cmocka_unit_test(problems),
	    cmocka_unit_test(enrolments),     cmocka_unit_test(sweeping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
