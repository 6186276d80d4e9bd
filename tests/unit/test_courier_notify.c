/* test_courier_notify.c - mail and webhooks at real listeners on loopback
 * (tests/interop/listeners.py: aiosmtpd, and a server that judges signatures): delivered, refused,
 * tried again, given up; and what is composed, whatever the message says. */
#include "tap.h"

#include <signal.h>
#include <sys/wait.h>

#include <event2/event.h>

#include "courier/call.h"
#include "courier/courier.h"
#include "courier/mail.h"
#include "courier/notify.h"
#include "courier/webhook.h"
#include "frame/room.h"
#include "frame/settings.h"
#include "safehand/json.h"
#include "safehand/log.h"
#include "safehand/time.h"

#define LIMIT_MS 20000 /* a test that takes longer has failed */
#define KEY	 "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define JOBS	 64

static struct err e;
static struct event_base *base;
static struct calls *calls;
static struct notify *notify;
static struct role_env env;
static struct json *ports;
static char record[64];
static struct {
	unsigned n;
	struct msg_notified by_job[JOBS];
	bool came[JOBS];
} got;

static void
on_notified(void *ctx, const struct msg_notified *m)
{
	assert_in_range(m->job, 1, JOBS - 1);
	assert_false(got.came[m->job]); /* each ends once */
	got.by_job[m->job] = *m;
	got.came[m->job] = true;
	got.n++;
}

/* --- the listeners --- */

static pid_t listeners;
static int listeners_in;
static FILE *listeners_out;

static void
listeners_start(void)
{
	char script[512], line[4096];
	int in[2], out[2];
	FILE *f;

	strcpy(record, "/tmp/safehand-record-XXXXXX");
	assert_int_not_equal(close(mkstemp(record)), -1);
	snprintf(script, sizeof script, "%s/tests/interop/listeners.py", getenv("TOP"));
	assert_int_equal(pipe(in) | pipe(out), 0);
	if ((listeners = fork()) == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execl("/usr/bin/python3", "python3", "-B", script, getenv("PKI"), record, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	listeners_in = in[1];
	assert_non_null(f = fdopen(out[0], "r"));
	assert_non_null(fgets(line, sizeof line, f));
	listeners_out = f; /* stays open: nothing that they say may end them */
	assert_ok(json_parse("ports", line, strlen(line), sizeof line, &ports, &e), &e);
}

static void
listeners_stop(void)
{
	close(listeners_in);
	waitpid(listeners, NULL, 0);
	fclose(listeners_out);
	unlink(record);
	json_free(ports);
}

static int
port(const char *name)
{
	return (int)json_number(ports, name);
}

/* The n-th line of what came, from 0; NULL. */
static const char *
came(unsigned n)
{
	static char line[16 * 1024];
	FILE *f = fopen(record, "r");

	assert_non_null(f);
	do
		if (fgets(line, sizeof line, f) == NULL) {
			fclose(f);
			return NULL;
		}
	while (n-- > 0);
	fclose(f);
	return line;
}

static void
assert_came(unsigned n, const char *words)
{
	const char *line = came(n);

	if (line == NULL || strstr(line, words) == NULL)
		fail_msg("%s: not in %s", words, line != NULL ? line : "nothing that came");
}

/* --- the courier's part --- */

static void
file_add(const char *name, const char *text, bool secret)
{
	struct role_file *f = &env.files[env.nfiles++];

	snprintf(f->name, sizeof f->name, "%s", name);
	if (secret)
		room_new(&f->data, strlen(text));
	buf_adds(&f->data, text);
	f->is_secret = secret;
}

static void
env_clear(void)
{
	for (size_t i = 0; i < env.nfiles; i++)
		role_secret_drop(&env, env.files[i].name);
	conf_free(env.conf);
	env = (struct role_env){.base = base};
}

/* With these settings beside the rest, the test PKI's root for mail and webhooks, the password. */
static void
configure(const char *settings)
{
	struct buf whole = {0}, root = pki_file("trust/root.pem");

	env_clear();
	buf_adds(&whole, "[gateway]\nlisten = 127.0.0.1:0\n"
			 "[trust]\nroot = r\nissuing = i\ncrl = c\nroster = s\n"
			 "[front]\ncertificate = f\nkey = k\n"
			 "[notary]\norigin = t\nlog-key = l\ntsa-key = t\ntsa-certificate = u\n");
	buf_adds(&whole, settings);
	assert_ok(conf_parse("test.conf", "", whole.data, whole.len, settings_table, NULL, NULL,
			     &env.conf, &e),
		  &e);
	file_add("mail.root", buf_str(&root), false);
	file_add("courier.webhook-root", buf_str(&root), false);
	file_add("mail.password", "secret word\n", true);
	file_add("courier.webhook-keys", "schools/* " KEY "\n*/* " KEY "\n", true);
	assert_ok(notify_configure(notify, &env, &e), &e);
	assert_null(role_file(&env, "mail.password")); /* dropped */
	assert_null(role_file(&env, "courier.webhook-keys"));
	buf_free(&whole);
	buf_free(&root);
}

static void
configure_mail(const char *scheme, const char *server, const char *more)
{
	char text[512];

	snprintf(text, sizeof text,
		 "[mail]\nserver = %s://127.0.0.1:%d\nfrom = safehand@gw.example\n%s", scheme,
		 port(server), more);
	configure(text);
}

static struct msg_notify
sample(uint64_t job, enum notify_kind kind)
{
	struct msg_notify m = {.job = job, .kind = kind, .pattern = "schools/*"};
	struct notice *n = &m.notice;

	strcpy(m.address, "dsl@st-j.example");
	*n = (struct notice){.id = "019ab0c0-0000-7000-8000-000000000001",
			     .created_ms = 1795381445000,
			     .kind = NOTICE_REMINDER,
			     .to = "schools/st-j.dsl",
			     .bundle = "019ab0c0-0000-7000-8000-000000000002",
			     .klass = "domestic-incident",
			     .from = "wmp/ppu",
			     .mailbox = "schools/st-j.dsl",
			     .owed = DEADLINE_READ,
			     .start_ms = 1795000000123,
			     .due_ms = 1795381444999};
	return m;
}

static void
tell(uint64_t job, const char *address)
{
	struct msg_notify m = sample(job, NOTIFY_MAIL);

	strcpy(m.address, address);
	notify_add(notify, &m);
}

static void
tell_hook(uint64_t job, const char *server, const char *path)
{
	struct msg_notify m = sample(job, NOTIFY_WEBHOOK);

	snprintf(m.address, sizeof m.address, "%s://127.0.0.1:%d%s",
		 strncmp(server, "https", 5) == 0 ? "https" : "http", port(server), path);
	notify_add(notify, &m);
}

static void
on_limit(evutil_socket_t fd, short what, void *arg)
{
	event_base_loopbreak(base);
}

static void
run(unsigned n)
{
	struct timeval limit = {LIMIT_MS / 1000, 0};
	struct event *ev = evtimer_new(base, on_limit, NULL);
	int64_t end = time_mono_ms() + LIMIT_MS;

	evtimer_add(ev, &limit);
	while (got.n < n && time_mono_ms() < end)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(ev);
	if (got.n < n)
		fail_msg("%u of %u ended in %d ms", got.n, n, LIMIT_MS);
}

static void
assert_delivered(uint64_t job)
{
	assert_true(got.came[job]);
	if (!got.by_job[job].ok)
		fail_msg("job %d: %s", (int)job, got.by_job[job].text);
}

static void
assert_failed(uint64_t job, const char *words)
{
	assert_true(got.came[job]);
	assert_false(got.by_job[job].ok);
	if (strstr(got.by_job[job].text, words) == NULL)
		fail_msg("job %d: \"%s\" does not tell: %s", (int)job, got.by_job[job].text, words);
}

static int
begin(void **state)
{
	memset(&got, 0, sizeof got);
	listeners_start();
	base = event_base_new();
	calls = calls_new(base);
	notify = notify_new(base, calls, on_notified, NULL);
	return 0;
}

static int
end(void **state)
{
	notify_free(notify);
	calls_free(calls);
	env_clear();
	event_base_free(base);
	listeners_stop();
	return 0;
}

/* --- mail --- */

static void
mail_is_delivered(void **state)
{
	static const char *const whole[] = {
	    "\"tls\": true",
	    "\"hello\": \"gw.example\"",
	    "\"from\": \"safehand@gw.example\"",
	    "\"to\": [\"dsl@st-j.example\"]",
	    "[\"From\", \"Safehand <safehand@gw.example>\"]",
	    "[\"Subject\", \"Safehand: reminder: domestic-incident, schools/st-j.dsl\"]",
	    "[\"Message-ID\", \"<019ab0c0-0000-7000-8000-000000000001.7@gw.example>\"]",
	    "[\"Auto-Submitted\", \"auto-generated\"]",
	    "\"defects\": []",
	    "\"bare\": false",
	    "019ab0c0-0000-7000-8000-000000000002",
	};

	configure_mail("smtp", "starttls", "");
	tell(7, "dsl@st-j.example");
	run(1);
	assert_delivered(7);
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		assert_came(0, whole[i]);
	assert_null(came(1));
	assert_int_equal(notify_waiting(notify), 0);
}

static void
mail_by_each_way(void **state)
{
	configure_mail("smtps", "smtps", "");
	tell(1, "a@b.example");
	run(1);
	assert_delivered(1);
	assert_came(0, "\"tls\": true");
	configure_mail("smtp", "login", "user = gateway\npassword = p\n");
	tell(2, "a@b.example");
	run(2);
	assert_delivered(2);
	assert_came(1, "\"login\": \"gateway\"");
	configure_mail("smtp", "plain", "tls = if-offered\n");
	tell(3, "a@b.example");
	run(3);
	assert_delivered(3);
	assert_came(2, "\"tls\": false");
	configure_mail("smtp", "starttls", "tls = if-offered\n"); /* offered: taken */
	tell(4, "a@b.example");
	run(4);
	assert_delivered(4);
	assert_came(3, "\"tls\": true");
	configure_mail("smtp", "domain", "user = gateway@mail.test\npassword = p\n");
	tell(5, "a@b.example");
	run(5);
	assert_delivered(5);
	assert_came(4, "\"login\": \"gateway@mail.test\""); /* and no ticket was tried before */
}

/* Refused for good: failed at the first try, though there is an hour. */
static void
mail_refused(void **state)
{
	configure_mail("smtp", "starttls", "");
	tell(1, "refused@b.example");
	tell(2, "spam@b.example");
	tell(3, "a@b.example");
	run(3);
	assert_failed(1, "refused after 1 try");
	assert_failed(1, "550");
	assert_failed(2, "refused after 1 try");
	assert_failed(2, "554");
	assert_delivered(3);
	configure_mail("smtp", "plain", ""); /* tls = require */
	tell(4, "a@b.example");
	run(4);
	assert_failed(4, "refused after 1 try");
	configure_mail("smtp", "foreign", "");
	tell(5, "a@b.example");
	run(5);
	assert_failed(5, "refused after 1 try");
	assert_failed(5, "certificate");
	configure_mail("smtp", "foreign", "tls = if-offered\n");
	tell(6, "a@b.example");
	run(6);
	assert_failed(6, "certificate");
	configure_mail("smtp", "login", "user = nobody\npassword = p\n");
	tell(8, "a@b.example");
	run(7);
	assert_failed(8, "refused after 1 try");
	assert_null(came(1)); /* only the third came through */
	configure("");
	tell(9, "a@b.example");
	run(8);
	assert_failed(9, "no [mail] server");
}

static void
mail_is_tried_again(void **state)
{
	int64_t begun = time_mono_ms();

	configure_mail("smtp", "starttls", "");
	tell(1, "busy@b.example"); /* 451, then taken */
	run(1);
	assert_delivered(1);
	assert_in_range(time_mono_ms() - begun, courier_backoff(1) - 50, LIMIT_MS);
	assert_came(0, "busy@b.example");
	assert_null(came(1));
}

static void
mail_is_given_up(void **state)
{
	char text[256];

	configure_mail("smtp", "starttls",
		       "[courier]\ntimeout = 100ms\ngive-up = 1s\n"); /* no answer */
	tell(1, "slow@b.example");
	run(1);
	assert_failed(1, "given up after 1 try");
	snprintf(text, sizeof text,
		 "[mail]\nserver = smtp://127.0.0.1:%d\nfrom = a@b.example\n"
		 "[courier]\ngive-up = 2s\n",
		 1); /* nobody listens there */
	configure(text);
	tell(2, "a@b.example");
	run(2);
	assert_failed(2, "given up after 2 tries");
	assert_failed(2, "connect");
	configure_mail("smtp", "starttls", ""); /* and what is addressed to nobody */
	tell(3, "two\r\nlines@b.example");
	run(3);
	assert_failed(3, "want an address");
}

/* --- webhooks --- */

static void
webhook_is_delivered(void **state)
{
	configure("");
	tell_hook(5, "http", "/a/b?c=d");
	run(1);
	assert_delivered(5);
	assert_came(0, "\"signed\": true");
	assert_came(0, "\"method\": \"POST\", \"path\": \"/a/b?c=d\", \"tls\": false");
	assert_came(0, "\"content-type\": \"application/json\"");
	assert_came(0, "\"webhook-id\": \"019ab0c0-0000-7000-8000-000000000001_5\"");
	assert_came(0, "\"body\": {\"safehand_notice\": 1, \"id\": \"019ab0c0-");
	tell_hook(6, "https", "/");
	run(2);
	assert_delivered(6);
	assert_came(1, "\"tls\": true");
	assert_came(1, "\"signed\": true");
}

static void
webhook_refused(void **state)
{
	configure("");
	tell_hook(1, "http", "/404/9");
	tell_hook(2, "http", "/410/9");
	tell_hook(3, "http", "/302/9"); /* not followed */
	tell_hook(4, "https_foreign", "/");
	run(4);
	assert_failed(1, "refused after 1 try");
	assert_failed(1, "HTTP status 404");
	assert_failed(2, "HTTP status 410");
	assert_failed(3, "HTTP status 302");
	assert_failed(4, "refused after 1 try");
	assert_failed(4, "certificate");
	assert_non_null(came(2));
	assert_null(came(3));
}

static void
webhook_is_tried_again(void **state)
{
	int64_t begun = time_mono_ms();

	configure("");
	tell_hook(1, "http", "/500/1");
	tell_hook(2, "http", "/503/2");
	tell_hook(3, "http", "/rest/2"); /* 429, Retry-After: 2 */
	tell_hook(4, "http", "/408/1");
	run(4);
	for (uint64_t job = 1; job <= 4; job++)
		assert_delivered(job);
	assert_in_range(time_mono_ms() - begun, 1950, LIMIT_MS);
}

static void
webhook_is_given_up(void **state)
{
	configure("[courier]\ntimeout = 100ms\ngive-up = 1s\n");
	tell_hook(1, "http", "/slow");
	tell_hook(2, "http", "/cut");
	tell_hook(3, "http", "/rest/4000"); /* longer than there is time */
	run(3);
	assert_failed(1, "given up after 1 try");
	assert_failed(2, "given up after 1 try");
	assert_failed(3, "given up after 1 try");
	assert_failed(3, "HTTP status 429");
}

static void
webhook_without_a_key(void **state)
{
	struct msg_notify m = sample(1, NOTIFY_WEBHOOK);

	configure("");
	strcpy(m.pattern, "none/*");
	strcpy(m.address, "https://127.0.0.1:1/");
	notify_add(notify, &m);
	m = sample(2, NOTIFY_WEBHOOK);
	strcpy(m.address, "http://far.example/");
	notify_add(notify, &m);
	m = sample(3, NOTIFY_KINDS);
	notify_add(notify, &m);
	m = sample(4, NOTIFY_WEBHOOK);
	strcpy(m.address, "https://127.0.0.1:1/");
	m.notice.due_ms = m.notice.start_ms - 1;
	notify_add(notify, &m);
	run(4);
	assert_failed(1, "none/*");
	assert_failed(2, "loopback");
	assert_failed(3, "neither");
	assert_failed(4, "notice.due");
}

/* --- many --- */

/* One server that hangs holds nobody else up. */
static void
a_slow_one_holds_nobody_up(void **state)
{
	configure("[courier]\ntimeout = 5m\n");
	for (uint64_t job = 1; job <= 20; job++)
		tell_hook(job, "http", "/slow");
	for (uint64_t job = 21; job <= 40; job++)
		tell_hook(job, "https", "/");
	run(20);
	for (uint64_t job = 21; job <= 40; job++)
		assert_delivered(job);
	assert_int_equal(notify_waiting(notify), 20);
}

/* What is under way at a reload ends as it began; what waits goes by the new settings. */
static void
reload(void **state)
{
	char text[256];

	configure_mail("smtp", "starttls", "");
	tell(1, "busy@b.example");
	tell(2, "a@b.example");
	run(1); /* the second; the first rests */
	snprintf(text, sizeof text, "user = gateway\npassword = p\n");
	configure_mail("smtp", "login", text);
	run(2);
	assert_delivered(1);
	assert_delivered(2);
	assert_came(1, "\"server\": \"login\"");
}

static void
too_many(void **state)
{
	struct msg_notify m = sample(1, NOTIFY_MAIL);

	configure("");
	for (unsigned i = 0; i < NOTIFY_WAITING_MAX; i++) {
		m.job = JOBS; /* never comes to its turn in this test */
		notify_add(notify, &m);
	}
	assert_int_equal(got.n, 0);
	m.job = 2;
	notify_add(notify, &m);
	assert_failed(2, "too many");
	assert_int_equal(notify_waiting(notify), NOTIFY_WAITING_MAX);
}

/* --- what is composed --- */

/* Whatever stands in a member: refused, or one message whose headers are those that we write. */
static void
no_member_begins_a_header(void **state)
{
	static const char *const hostile[] = {
	    "x\r\nBcc: a@b.example", "x\nX: y", "x\r\n\r\nbody", "a b", "\xe2\x80\xae", "<x>"};
	struct buf text = {0};
	struct webhook hook;

	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
		for (int member = 0; member < 8; member++) {
			struct msg_notify m = sample(1, NOTIFY_MAIL);
			char *const members[] = {
			    m.address,	     m.notice.id,	   m.notice.to,
			    m.notice.bundle, m.notice.expectation, m.notice.klass,
			    m.notice.from,   m.notice.mailbox};

			strcpy(members[member], hostile[i]);
			assert_int_equal(mail_compose(&m, "gw@b.example", 0, &text, &e), -1);
			assert_int_equal(text.len, 0);
			if (member > 0)
				assert_refused(webhook_compose(&m, "k", 1, 0, &hook, &e), &e,
					       ERR_FORMAT);
		}
	assert_refused(mail_compose(&(struct msg_notify){0}, "gw@b.example", 0, &text, &e), &e,
		       ERR_FORMAT);
	buf_free(&text);
}

static void
the_mail_is_just_this(void **state)
{
	struct msg_notify m = sample(7, NOTIFY_MAIL);
	struct buf text = {0};

	assert_ok(mail_compose(&m, "safehand@gw.example", 1795381445000, &text, &e), &e);
	assert_string_equal(
	    buf_str(&text),
	    "Date: Sun, 22 Nov 2026 21:04:05 +0000\r\n"
	    "From: Safehand <safehand@gw.example>\r\n"
	    "To: <dsl@st-j.example>\r\n"
	    "Subject: Safehand: reminder: domestic-incident, schools/st-j.dsl\r\n"
	    "Message-ID: <019ab0c0-0000-7000-8000-000000000001.7@gw.example>\r\n"
	    "Auto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n"
	    "\r\n"
	    "schools/st-j.dsl is reminded: it owes the reading of domestic-incident\r\n"
	    "019ab0c0-0000-7000-8000-000000000002 from wmp/ppu; since\r\n"
	    "2026-11-18T11:06:40Z, due 2026-11-22T21:04:04Z\r\n"
	    "\r\n"
	    "Mailbox: schools/st-j.dsl\r\n"
	    "Bundle: 019ab0c0-0000-7000-8000-000000000002\r\n"
	    "\r\n"
	    "This message was written by a machine. It holds nothing of any document:\r\n"
	    "what there is to read lies in the mailbox, for the safehand client.\r\n");
	buf_free(&text);
}

/* A vector made with Python's hmac. */
static void
the_signature_is_just_this(void **state)
{
	struct msg_notify m = sample(7, NOTIFY_WEBHOOK);
	struct webhook hook;

	assert_ok(webhook_compose(&m, "0123456789abcdef01234567", 24, 1795381445999, &hook, &e),
		  &e);
	assert_string_equal(hook.id, "webhook-id: 019ab0c0-0000-7000-8000-000000000001_7");
	assert_string_equal(hook.timestamp, "webhook-timestamp: 1795381445");
	assert_string_equal(hook.signature,
			    "webhook-signature: v1,qhqPMbtQWNbNMtE5oW4scGHLUaD+BoqVKiGkn/Elu6U=");
	webhook_clear(&hook);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ROW(mail_is_delivered),
	    ROW(mail_by_each_way),
	    ROW(mail_refused),
	    ROW(mail_is_tried_again),
	    ROW(mail_is_given_up),
	    ROW(webhook_is_delivered),
	    ROW(webhook_refused),
	    ROW(webhook_is_tried_again),
	    ROW(webhook_is_given_up),
	    ROW(webhook_without_a_key),
	    ROW(a_slow_one_holds_nobody_up),
	    ROW(reload),
	    ROW(too_many),
	    cmocka_unit_test(no_member_begins_a_header),
	    cmocka_unit_test(the_mail_is_just_this),
	    cmocka_unit_test(the_signature_is_just_this),
	};

	signal(SIGPIPE, SIG_IGN);
	log_init("courier", LOG_LEVEL_WARN);
	if (calls_prepare(&e) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
