/* store_rig.h - the whole role store in one process with the test: its own loop, ledger and spool
 * in a temporary folder, and fake fronts, verify and notary at the other ends of real channels. */
#ifndef TESTS_STORE_RIG_H
#define TESTS_STORE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "frame/settings.h"
#include "safehand/digest.h"
#include "safehand/enc.h"
#include "safehand/entry.h"
#include "safehand/identity.h"
#include "safehand/note.h"
#include "safehand/statement.h"
#include "safehand/time.h"
#include "store/disk.h"
#include "store/fsck.h"
#include "store/group.h"
#include "store/members.h"
#include "store/store.h"

#define RIG_ID		 "019ab000-0000-7000-8000-000000000001"
#define RIG_ID2		 "019ab000-0000-7000-8000-000000000002"
#define RIG_TO_MAX	 4
#define RIG_NOTIFIED_MAX 16

static const char rig_conf_text[] =
    "[gateway]\nlisten = 127.0.0.1:0\n"
    "[trust]\nroot = r\nissuing = i\ncrl = c\nroster = s\n"
    "[front]\ncertificate = f\nkey = k\n"
    "[notary]\norigin = test/log\nlog-key = l\ntsa-key = t\ntsa-certificate = u\n"
    "[store]\ndisk-reserve = 0\njournal-segment = 4M\nsmall = 64K\nquota = 8M\n"
    "uploads-per-agency = 4\n"
    "[class \"general\"]\nfrom = csc/*, uhcw/*\nto = */*\nmax-bytes = 1M\n"
    "[class \"minutes\"]\nfrom = csc/*\nto = uhcw/*\nsignatures = 2\nmax-bytes = 1M\n";

/* Room for bundles of many turns of the loop. */
__attribute__((unused)) static const char rig_conf_large[] =
    "[gateway]\nlisten = 127.0.0.1:0\n"
    "[trust]\nroot = r\nissuing = i\ncrl = c\nroster = s\n"
    "[front]\ncertificate = f\nkey = k\n"
    "[notary]\norigin = test/log\nlog-key = l\ntsa-key = t\ntsa-certificate = u\n"
    "[store]\ndisk-reserve = 0\njournal-segment = 4M\nsmall = 64K\nquota = 256M\n"
    "[class \"general\"]\nfrom = csc/*, uhcw/*\nto = */*\nmax-bytes = 64M\n";

struct rig_reply {
	int kind; /* 0: none yet; MSG_REPLY, MSG_BODY, MSG_UPLOAD */
	uint64_t job;
	unsigned status;
	enum err_code code;
	char detail[ERR_TEXT_MAX], etag[ETAG_TEXT];
	int64_t upload_offset;
	uint32_t upload_complete, retry_after;
	bool lent, ranged;	     /* of BODY: with a descriptor, of a part */
	uint64_t from, count, total; /* of BODY; total: of 416 */
	struct buf body;	     /* of BODY: prefix and what lies in the descriptor */
	struct msg_upload upload;
	int fd; /* of UPLOAD */
};

struct rig {
	char folder[256];
	int data_fd;
	struct role_env env;
	struct store *store;
	struct chan *front, *verify, *notary, *courier;		/* the test's ends */
	struct chan *s_front, *s_verify, *s_notary, *s_courier; /* the store's ends */
	const char *base;					/* NULL: /tmp */
	const char *conf;
	struct buf calendars; /* compiled, one after the other */
	int64_t clock_ms;     /* what the store's clock says; 0: the machine's */
	void (*configure)(struct policy *policy); /* what the configuration does not say */
	struct rig_reply reply;
	unsigned replies;
	/* what verify finds */
	struct msg_facts_head head;
	struct fact_recipient to[RIG_TO_MAX];
	struct fact_name about[2];
	struct fact_signer signers[2];
	struct msg_facts_statement statement;
	struct fact_signer signer;
	struct msg_facts_route route;
	struct fact_name route_names[8];
	struct err refusal; /* code not ERR_OK: verify refuses */
	uint64_t roster_serial;
	uint8_t roster_digest;
	bool roster_bad_key;
	/* the notary */
	bool hold; /* keeps a SEAL back */
	bool refuse_seal;
	struct msg_seal held;
	struct merkle_proof held_proof;
	uint64_t sealed_size;
	uint8_t sealed_root[DIGEST_BYTES];
	unsigned seals;
	bool refuse_notices;
	unsigned notices;     /* that were signed */
	struct notice notice; /* the last of them */
	/* the courier */
	enum { COURIER_OK, COURIER_FAILS, COURIER_SILENT } courier_does;
	struct msg_notify notified[RIG_NOTIFIED_MAX];
	size_t nnotified;
	uint64_t job;
};

static struct rig rig;

static const struct {
	const char *mailbox, *cover;
	uint8_t key;
} rig_members[] = {
    {"csc/mash", "", 1},
    {"csc/duty", "", 2},
    {"uhcw/emergency", "uhcw/paediatrics", 3},
    {"uhcw/paediatrics", "", 4},
    {"schools/st-j.dsl", "", 5},
};
#define RIG_MEMBERS (sizeof rig_members / sizeof *rig_members)

static void
rig_key(uint8_t out[static DIGEST_BYTES], uint8_t n)
{
	memset(out, n, DIGEST_BYTES);
}

static int64_t
rig_now(void)
{
	return rig.clock_ms == 0 ? time_now_ms() : rig.clock_ms;
}

/* --- verify --- */

static void
rig_send_roster(struct chan *ch, uint64_t job)
{
	struct msg_roster_end end = {.job = job,
				     .serial = rig.roster_serial,
				     .rows = RIG_MEMBERS,
				     .issued_ms = 0,
				     .expires_ms = TIME_MAX_MS};

	for (size_t i = 0; i < RIG_MEMBERS; i++) {
		struct fact_certificate c = {.not_before_ms = 0, .not_after_ms = TIME_MAX_MS};
		struct msg_roster_row row = {.job = job, .certificates = {&c, 1}};

		if (rig.roster_bad_key && rig_members[i].key == 3)
			c.code = ERR_REVOKED;
		rig_key(c.cert, rig_members[i].key);
		strcpy(row.mailbox, rig_members[i].mailbox);
		strcpy(row.cover, rig_members[i].cover);
		chan_send(ch, MSG_ROSTER_ROW, &row, -1);
	}
	memset(end.content_sha256, rig.roster_digest, DIGEST_BYTES);
	chan_send(ch, MSG_ROSTER_END, &end, -1);
}

static void
rig_on_check(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_check *m = msg;

	close(fd);
	if (rig.refusal.code != ERR_OK && m->what != CHECK_ROSTER) {
		struct msg_refused no = {.job = m->job, .code = rig.refusal.code};

		strcpy(no.text, rig.refusal.text);
		chan_send(ch, MSG_REFUSED, &no, -1);
		return;
	}
	rig.head.job = rig.statement.job = rig.route.job = m->job;
	switch ((enum check)m->what) {
	case CHECK_HEAD: chan_send(ch, MSG_FACTS_HEAD, &rig.head, -1); break;
	case CHECK_STATEMENT: chan_send(ch, MSG_FACTS_STATEMENT, &rig.statement, -1); break;
	case CHECK_ROUTE: chan_send(ch, MSG_FACTS_ROUTE, &rig.route, -1); break;
	case CHECK_ROSTER: rig_send_roster(ch, m->job); break;
	}
}

/* --- notary: seals what extends its last head, with a note that is not signed --- */

static void
rig_seal(void)
{
	struct checkpoint c = {.origin = "test/log", .size = rig.held.size};
	struct msg_sealed m = {.size = rig.held.size, .time_ms = rig_now()};
	struct buf note = {0};
	struct err e = {0};

	if (merkle_verify_consistency(rig.sealed_size, rig.held.size, &rig.held_proof,
				      rig.sealed_root, rig.held.root, &e) < 0)
		fail_msg("seal: %s", e.text);
	memcpy(c.root, rig.held.root, DIGEST_BYTES);
	checkpoint_format(&c, &note);
	buf_adds(&note, "\n\xe2\x80\x94 test/log AAAAAAAA\n");
	m.note = (struct blob){note.data, note.len};
	m.token = (struct blob){(const uint8_t *)"token", 5};
	rig.sealed_size = rig.held.size;
	memcpy(rig.sealed_root, rig.held.root, DIGEST_BYTES);
	rig.seals++;
	chan_send(rig.notary, MSG_SEALED, &m, -1);
	buf_free(&note);
}

static void
rig_on_last(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_note *m = msg;
	struct checkpoint c = {0};
	struct err e = {0};
	size_t text;

	digest_of("", 0, rig.sealed_root);
	rig.sealed_size = 0;
	if (m->note.n == 0)
		return;
	assert_int_equal(note_text(m->note.p, m->note.n, &text, &e), 0);
	assert_int_equal(checkpoint_parse(m->note.p, text, &c, &e), 0);
	rig.sealed_size = c.size;
	memcpy(rig.sealed_root, c.root, DIGEST_BYTES);
}

static void
rig_on_seal(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_seal *m = msg;
	struct msg_refused no = {.code = ERR_CLOCK};

	rig.held = *m;
	rig.held_proof.n = m->proof.n;
	if (m->proof.n > 0)
		memcpy(rig.held_proof.hashes, m->proof.items, m->proof.n * DIGEST_BYTES);
	if (rig.refuse_seal)
		chan_send(ch, MSG_REFUSED, &no, -1);
	else if (!rig.hold)
		rig_seal();
}

/* A notice with its true text, and bytes for a signature. */
static void
rig_on_notice(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_notice *m = msg;
	struct msg_noticed yes = {.job = m->job, .signature = {(const uint8_t *)"signature", 9}};
	struct msg_refused no = {.job = m->job, .code = ERR_CONFIG};
	struct buf text = {0};
	struct err e = {0};

	if (rig.refuse_notices) {
		chan_send(ch, MSG_REFUSED, &no, -1);
		return;
	}
	if (notice_check(&m->notice, &e) < 0)
		fail_msg("%s", e.text);
	rig.notices++;
	rig.notice = m->notice;
	notice_format(&m->notice, &text);
	yes.text = (struct blob){text.data, text.len};
	chan_send(ch, MSG_NOTICED, &yes, -1);
	buf_free(&text);
}

/* --- courier --- */

static void
rig_on_notify(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_notify *m = msg;
	struct msg_notified done = {.job = m->job, .ok = rig.courier_does == COURIER_OK};

	if (rig.nnotified < RIG_NOTIFIED_MAX)
		rig.notified[rig.nnotified++] = *m;
	if (rig.courier_does != COURIER_SILENT)
		chan_send(ch, MSG_NOTIFIED, &done, -1);
}

static void
rig_on_stamp(void *ctx, struct chan *ch, const void *msg, int fd)
{
	/* asked of an authority that never answers */
}

/* --- front --- */

static void
rig_reply_clear(void)
{
	if (rig.reply.fd > 0)
		close(rig.reply.fd);
	buf_free(&rig.reply.body);
	rig.reply = (struct rig_reply){.fd = -1};
}

static void
rig_on_reply(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_reply *m = msg;
	struct err e = {0};

	rig_reply_clear();
	rig.replies++;
	rig.reply.kind = MSG_REPLY;
	rig.reply.job = m->job;
	rig.reply.status = m->status;
	rig.reply.code = m->code;
	rig.reply.upload_offset = m->upload_offset;
	rig.reply.upload_complete = m->upload_complete;
	rig.reply.retry_after = m->retry_after;
	rig.reply.total = m->total;
	strcpy(rig.reply.detail, m->detail);
	strcpy(rig.reply.etag, m->etag);
	if (fd >= 0) {
		assert_int_equal(disk_read(fd, 0, m->fd_bytes, &rig.reply.body, &e), 0);
		close(fd);
	} else {
		buf_add(&rig.reply.body, m->body.p, m->body.n);
	}
}

static void
rig_on_body(void *ctx, struct chan *ch, const void *msg, int fd)
{
	const struct msg_body *m = msg;
	struct err e = {0};

	rig_reply_clear();
	rig.replies++;
	rig.reply.kind = MSG_BODY;
	rig.reply.job = m->job;
	rig.reply.status = 200;
	strcpy(rig.reply.etag, m->etag);
	rig.reply.lent = fd >= 0;
	rig.reply.ranged = m->ranged != 0;
	rig.reply.from = m->from;
	rig.reply.count = m->count;
	buf_add(&rig.reply.body, m->prefix.p, m->prefix.n);
	if (fd < 0)
		return;
	assert_int_equal(disk_read(fd, m->offset, m->length, &rig.reply.body, &e), 0);
	close(fd);
}

static void
rig_on_upload(void *ctx, struct chan *ch, const void *msg, int fd)
{
	rig_reply_clear();
	rig.replies++;
	rig.reply.kind = MSG_UPLOAD;
	rig.reply.upload = *(const struct msg_upload *)msg;
	rig.reply.job = rig.reply.upload.job;
	rig.reply.fd = fd;
}

static const struct chan_handler rig_handlers[] = {
    {MSG_CHECK, rig_on_check},	 {MSG_LAST, rig_on_last},
    {MSG_SEAL, rig_on_seal},	 {MSG_NOTICE, rig_on_notice},
    {MSG_NOTIFY, rig_on_notify}, {MSG_STAMP, rig_on_stamp},
    {MSG_REPLY, rig_on_reply},	 {MSG_BODY, rig_on_body},
    {MSG_UPLOAD, rig_on_upload}, {0, NULL},
};

/* --- life --- */

static void
rig_gone(void *ctx, struct chan *ch)
{
}

static struct chan *
rig_pair(enum role_id peer, struct chan **stores)
{
	int fds[2];

	chan_pair(fds);
	*stores = chan_new(rig.env.base, fds[0], ROLE_STORE, peer, 0, store_role.handlers, rig_gone,
			   &rig.env);
	store_role.peer(&rig.env, *stores);
	return chan_new(rig.env.base, fds[1], peer, ROLE_STORE, 0, rig_handlers, rig_gone, NULL);
}

static void
rig_turns(unsigned n)
{
	while (n-- > 0)
		event_base_loop(rig.env.base, EVLOOP_NONBLOCK);
}

/* Runs the loop until the store has nothing to do. */
static void
rig_settle(void)
{
	for (int quiet = 0; quiet < 3;) {
		rig_turns(3);
		quiet = rig.hold || group_is_idle(rig.store->group) ? quiet + 1 : 0;
	}
}

static void
rig_start(const char *conf)
{
	struct event_config *config = event_config_new();
	struct err e = {0};

	rig.env = (struct role_env){.role = &store_role};
	rig.env.data_fd = rig.data_fd;
	if (conf_parse("test.conf", "", conf, strlen(conf), settings_table, NULL, NULL,
		       &rig.env.conf, &e) < 0)
		fail_msg("%s", e.text);
	strcpy(rig.env.files[0].name, "roster");
	buf_adds(&rig.env.files[0].data, "the roster's bytes");
	strcpy(rig.env.files[1].name, "crl");
	buf_adds(&rig.env.files[1].data, "the lists");
	strcpy(rig.env.files[2].name, "calendars");
	buf_add(&rig.env.files[2].data, rig.calendars.data, rig.calendars.len);
	rig.env.nfiles = 3;
	if (store_role.prepare(&rig.env, &e) < 0)
		fail_msg("%s", e.text);
	event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	rig.env.base = event_base_new_with_config(config);
	event_config_free(config);
	rig.store = rig.env.state;
	rig.store->now = rig_now;
	if (rig.configure != NULL)
		rig.configure(rig.store->policy);
	rig.front = rig_pair(ROLE_FRONT, &rig.s_front);
	rig.verify = rig_pair(ROLE_VERIFY, &rig.s_verify);
	rig.notary = rig_pair(ROLE_NOTARY, &rig.s_notary);
	rig.courier = rig_pair(ROLE_COURIER, &rig.s_courier);
	if (store_role.start(&rig.env, &e) < 0)
		fail_msg("%s", e.text);
	rig_settle();
}

/* As by kill -9: nothing is finished. */
static void
rig_kill(void)
{
	struct chan *all[] = {rig.front,   rig.verify,	 rig.notary,   rig.courier,
			      rig.s_front, rig.s_verify, rig.s_notary, rig.s_courier};

	store_drop(rig.store);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		chan_free(all[i]);
	event_base_free(rig.env.base);
	conf_free(rig.env.conf);
	for (size_t i = 0; i < rig.env.nfiles; i++)
		buf_free(&rig.env.files[i].data);
	rig_reply_clear();
}

/* The rig's fields say how. */
static int
rig_setup_here(void)
{
	rig.reply.fd = -1;
	snprintf(rig.folder, sizeof rig.folder, "%s/safehand-store-XXXXXX",
		 rig.base == NULL ? "/tmp" : rig.base);
	assert_non_null(mkdtemp(rig.folder));
	rig.data_fd = open(rig.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rig_start(rig.conf);
	return 0;
}

static inline int
rig_setup(void **state)
{
	rig = (struct rig){.roster_serial = 3, .conf = rig_conf_text};
	return rig_setup_here();
}

static int
rig_teardown(void **state)
{
	char command[288];

	rig_kill();
	buf_free(&rig.calendars);
	close(rig.data_fd);
	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof command, "rm -rf %s", rig.folder);
	return system(command);
}

static inline void
rig_restart(void)
{
	rig_kill();
	rig_start(rig.conf);
}

/* --- requests --- */

/* A head of a bundle to n mailboxes with this payload, and what verify will say of it. */
static void
rig_bundle(struct buf *head, const char *id, const char *payload, size_t recipients)
{
	static const char *const names[] = {"uhcw/emergency", "uhcw/paediatrics", "csc/duty"};
	struct msg_facts_head *f = &rig.head;

	buf_clear(head);
	buf_adds(head, "SHB1");
	buf_be32(head, 40);
	buf_be32(head, 30);
	buf_be32(head, (uint32_t)(recipients * SLOT_BYTES));
	buf_be64(head, strlen(payload));
	buf_adds(head, id);
	buf_adds(head, "mmmm");
	for (int i = 0; i < 30; i++)
		buf_addc(head, 's');
	for (size_t i = 0; i < recipients * SLOT_BYTES; i++)
		buf_addc(head, (char)('A' + i / SLOT_BYTES));
	*f = (struct msg_facts_head){.created_ms = rig_now() - 1000,
				     .event_at_ms = TIME_NONE,
				     .manifest_bytes = 40,
				     .signature_bytes = 30,
				     .payload_bytes = strlen(payload)};
	strcpy(f->id, id);
	strcpy(f->from, "csc/mash");
	strcpy(f->klass, "general");
	digest_of(head->data + 24, 40, f->manifest_sha256);
	digest_of(payload, strlen(payload), f->payload_sha256);
	for (size_t i = 0; i < recipients; i++) {
		rig.to[i] = (struct fact_recipient){0};
		strcpy(rig.to[i].mailbox, names[i]);
		rig_key(rig.to[i].key, (uint8_t)(i < 2 ? 3 + i : 2));
	}
	f->to = (struct list){rig.to, recipients};
	rig.signers[0] = (struct fact_signer){
	    .by = "agency/csc", .agency = "csc", .profile = PROFILE_AGENCY_SIGN};
	f->signers = (struct list){rig.signers, 1};
}

static void
rig_begin_as(const struct buf *head, const char *id, uint64_t payload_bytes, const char *agency)
{
	struct msg_begin m = {
	    .job = ++rig.job, .head_bytes = head->len, .payload_bytes = payload_bytes};

	strcpy(m.agency, agency);
	strcpy(m.id, id);
	memset(m.cert, 0xc5, DIGEST_BYTES);
	rig_reply_clear();
	chan_send(rig.front, MSG_BEGIN, &m, role_memfd("head", head->data, head->len));
	rig_settle();
}

static void
rig_begin(const struct buf *head, const char *id, uint64_t payload_bytes)
{
	rig_begin_as(head, id, payload_bytes, "csc");
}

/* The payload from byte `from` on into the staging that the last UPLOAD named, without END. */
static void
rig_write(const char *payload, size_t from, size_t n)
{
	assert_int_equal(rig.reply.kind, MSG_UPLOAD);
	assert_int_equal(
	    pwrite(rig.reply.fd, payload + from, n, (off_t)(rig.reply.upload.offset + from)),
	    (ssize_t)n);
}

static void
rig_send_end(const char *payload)
{
	struct msg_end m = {.job = rig.job, .length = strlen(payload)};

	digest_of(payload, strlen(payload), m.digest);
	rig_reply_clear();
	chan_send(rig.front, MSG_END, &m, -1);
	rig_settle();
}

static inline void
rig_submit(const char *id, const char *payload, size_t recipients)
{
	struct buf head = {0};

	rig_bundle(&head, id, payload, recipients);
	rig_begin(&head, id, strlen(payload));
	if (rig.reply.kind != MSG_UPLOAD)
		fail_msg("%s: %s", err_name(rig.reply.code), rig.reply.detail);
	rig_write(payload, 0, strlen(payload));
	rig_send_end(payload);
	buf_free(&head);
}

static inline struct msg_ask
rig_question(enum ask what, const char *agency)
{
	struct msg_ask m = {.job = ++rig.job, .what = what};

	strcpy(m.agency, agency);
	return m;
}

static inline void
rig_ask(const struct msg_ask *m)
{
	rig_reply_clear();
	chan_send(rig.front, MSG_ASK, m, -1);
	rig_settle();
}

static inline void
rig_ask_mailbox(enum ask what, const char *agency, const char *mailbox, const char *id)
{
	struct msg_ask m = rig_question(what, agency);

	strcpy(m.mailbox, mailbox);
	strcpy(m.id, id);
	rig_ask(&m);
}

/* Asks for the route of rig.route. */
static inline void
rig_ask_route(const char *agency)
{
	struct msg_route m = {.job = ++rig.job};

	strcpy(m.agency, agency);
	rig_reply_clear();
	chan_send(rig.front, MSG_ROUTE, &m, role_memfd("route", "{}", 2));
	rig_settle();
}

static void
rig_expect(unsigned status, enum err_code code)
{
	if (rig.reply.kind == 0)
		fail_msg("no answer");
	if (rig.reply.status != status || rig.reply.code != code)
		fail_msg("%u %s: %s, wanted %u %s", rig.reply.status, err_name(rig.reply.code),
			 rig.reply.detail, status, err_name(code));
}

static inline bool
rig_body_has(const char *text)
{
	return strstr(buf_str(&rig.reply.body), text) != NULL;
}

/* fsck finds nothing. */
static inline void
is_sound(void)
{
	struct buf json = {0};

	fsck_json(rig.store, &json);
	if (strstr(buf_str(&json), "\"ok\":true") == NULL)
		fail_msg("%s", buf_str(&json));
	buf_free(&json);
}

#endif
