/* test_courier_stamp.c - the courier at played authorities: a token that holds is handed in,
 * whatever else comes is refused and the next authority is asked. */
#include "tsa_play.h"

#include "courier/courier.h"
#include "courier/call.h"
#include "frame/settings.h"
#include "safehand/log.h"
#include "safehand/time.h"

#define LIMIT_MS 20000 /* a test that takes longer has failed */

static struct event_base *base;
static struct calls *calls;
static struct courier *courier;
static struct role_env env;
static struct tsa_play play[3];
static char pki[256], foreign[300];
static struct {
	unsigned n;
	struct msg_stamped last;
	uint64_t sizes[128];
	struct buf token;
} got;
static struct err e;

static void
on_stamped(void *ctx, const struct msg_stamped *m)
{
	got.sizes[got.n++] = m->size;
	got.last = *m;
	buf_clear(&got.token);
	buf_add(&got.token, m->token.p, m->token.n);
}

static void
digest_for(uint64_t size, uint8_t out[static DIGEST_BYTES])
{
	memset(out, (int)size, DIGEST_BYTES);
}

static void
ask(uint64_t size)
{
	struct msg_stamp m = {.size = size};

	digest_for(size, m.digest);
	courier_stamp(courier, &m);
}

static void
on_limit(evutil_socket_t fd, short what, void *arg)
{
	event_base_loopbreak(base);
}

/* Runs until n tokens were handed in, or until part i was asked `hits` times. */
static void
run_until(unsigned n, size_t i, unsigned hits)
{
	struct timeval limit = {LIMIT_MS / 1000, 0};
	struct event *ev = evtimer_new(base, on_limit, NULL);
	int64_t end = time_mono_ms() + LIMIT_MS;

	evtimer_add(ev, &limit);
	while (got.n < n && play[i].hits < hits && time_mono_ms() < end)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(ev);
	if (got.n < n && play[i].hits < hits)
		fail_msg("%u tokens, %u requests: nothing more in %d ms", got.n, play[i].hits,
			 LIMIT_MS);
}

static void
run(unsigned n)
{
	run_until(n, 0, 1000000);
}

static void
conf_add(struct buf *text, const char *name, unsigned port, const char *timeout)
{
	buf_addf(text, "[tsa \"%s\"]\nurl = http://127.0.0.1:%u/tsr\nroot = r\ntimeout = %s\n",
		 name, port, timeout);
}

static void
env_clear(void)
{
	for (size_t i = 0; i < env.nfiles; i++)
		buf_free(&env.files[i].data);
	conf_free(env.conf);
	env = (struct role_env){.base = base};
}

/* env of sections [tsa], all with the same root. */
static void
env_set(struct buf *text, const char *root)
{
	struct buf whole = {0};

	env_clear();
	buf_adds(&whole, "[gateway]\nlisten = 127.0.0.1:0\n"
			 "[trust]\nroot = r\nissuing = i\ncrl = c\nroster = s\n"
			 "[front]\ncertificate = f\nkey = k\n"
			 "[notary]\norigin = t\nlog-key = l\ntsa-key = t\ntsa-certificate = u\n");
	buf_add(&whole, text->data, text->len);
	assert_ok(conf_parse("test.conf", "", whole.data, whole.len, settings_table, NULL, NULL,
			     &env.conf, &e),
		  &e);
	while (conf_instance(env.conf, "tsa", env.nfiles) != NULL) {
		struct role_file *f = &env.files[env.nfiles];

		snprintf(f->name, sizeof f->name, "tsa.%zu.root", env.nfiles++);
		f->data = pki_file(root);
	}
	buf_free(&whole);
	buf_clear(text);
}

/* The courier with the parts in order; all but the slow one have time enough. */
static void
begin_parts(size_t n, const enum part *parts, const char *root)
{
	static const char *const names[] = {"first", "second", "third"};
	struct buf text = {0};

	for (size_t i = 0; i < n; i++) {
		play_begin(&play[i], base, parts[i], pki);
		conf_add(&text, names[i], play[i].port, parts[i] == PART_SLOW ? "100ms" : "20s");
	}
	env_set(&text, root);
	assert_ok(courier_configure(courier, &env, &e), &e);
	buf_free(&text);
}

static int
begin(void **state)
{
	got.n = 0;
	base = event_base_new();
	calls = calls_new(base);
	courier = courier_new(base, calls, on_stamped, NULL);
	env = (struct role_env){.base = base};
	memset(play, 0, sizeof play);
	return 0;
}

static int
end(void **state)
{
	courier_free(courier);
	calls_free(calls);
	for (size_t i = 0; i < 3; i++)
		if (play[i].listener != NULL)
			play_end(&play[i]);
	event_base_loop(base, EVLOOP_NONBLOCK); /* the parts see that their clients are gone */
	env_clear();
	event_base_free(base);
	return 0;
}

static void
check_token(uint64_t size, const char *tsa)
{
	struct buf root = pki_file("trust/root.pem");
	uint8_t digest[DIGEST_BYTES];
	int64_t ms;

	digest_for(size, digest);
	assert_int_equal(got.last.size, size);
	assert_string_equal(got.last.tsa, tsa);
	assert_ok(timestamp_verify_external(got.token.data, got.token.len, digest, &root, &ms, &e),
		  &e);
	assert_int_equal(ms, got.last.time_ms);
	assert_in_range(ms, time_now_ms() - 60000, time_now_ms() + 1000);
	digest[0] ^= 1;
	assert_refused(
	    timestamp_verify_external(got.token.data, got.token.len, digest, &root, &ms, &e), &e,
	    ERR_DIGEST);
	buf_free(&root);
}

static void
good(void **state)
{
	static const enum part parts[] = {PART_GOOD};

	begin_parts(1, parts, "trust/root.pem");
	ask(5);
	run(1);
	check_token(5, "first");
	assert_int_equal(courier_waiting(courier), 0);
}

/* In the order of asking, one after the other, none twice. */
static void
in_order(void **state)
{
	static const enum part parts[] = {PART_GOOD};

	begin_parts(1, parts, "trust/root.pem");
	for (uint64_t i = 1; i <= 4; i++)
		ask(i);
	run(4);
	for (uint64_t i = 1; i <= 4; i++)
		assert_int_equal(got.sizes[i - 1], i);
	assert_int_equal(play[0].hits, 4);
}

/* Whatever the first does wrong, the second is asked, and its token is what counts. */
static void
failover(void **state)
{
	static const enum part wrong[] = {PART_NO_NONCE, PART_OTHER,	   PART_GARBAGE, PART_EMPTY,
					  PART_LONG,	 PART_LONG_HEADER, PART_SLOW,	 PART_CUT,
					  PART_STATUS,	 PART_TYPE};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		enum part parts[] = {wrong[i], PART_GOOD};

		end(NULL);
		begin(NULL);
		begin_parts(2, parts, "trust/root.pem");
		ask(i + 1);
		run(1);
		check_token(i + 1, "second");
		assert_int_equal(play[0].hits, 1);
	}
}

static void
dead(void **state)
{
	struct buf text = {0};

	play_begin(&play[0], base, PART_GOOD, pki); /* its port, closed again */
	evconnlistener_disable(play[0].listener);
	play_begin(&play[1], base, PART_GOOD, pki);
	conf_add(&text, "dead", play[0].port, "20s");
	conf_add(&text, "alive", play[1].port, "20s");
	play_end(&play[0]);
	play[0].listener = NULL;
	env_set(&text, "trust/root.pem");
	assert_ok(courier_configure(courier, &env, &e), &e);
	buf_free(&text);
	ask(3);
	run(1);
	check_token(3, "alive");
	ask(4); /* the dead one rests: asked of the living at once */
	run(2);
	check_token(4, "alive");
}

static void
redirect(void **state)
{
	static const enum part parts[] = {PART_REDIRECT, PART_GOOD};

	begin_parts(2, parts, "trust/root.pem");
	play_begin(&play[2], base, PART_GOOD, pki);
	play[0].to = &play[2];
	ask(1);
	run(1);
	check_token(1, "second");
	assert_int_equal(play[2].hits, 0);
}

static void
no_proxy(void **state)
{
	static const enum part parts[] = {PART_GOOD};
	static const char *const names[] = {"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY",
					    "ALL_PROXY"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		setenv(names[i], "http://127.0.0.1:9", 1);
	begin_parts(1, parts, "trust/root.pem");
	ask(1);
	run(1);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	check_token(1, "first");
}

/* A token of an authority that does not lead to the configured root is none. */
static void
foreign_root(void **state)
{
	static const enum part parts[] = {PART_GOOD, PART_GOOD};

	begin_parts(2, parts, "trust/root.pem");
	play[0].pki = foreign;
	ask(9);
	run(1);
	check_token(9, "second");
	assert_int_equal(play[0].hits, 1);
}

/* The only authority fails: it is asked again after its rest, and the stamp is not lost. */
static void
again(void **state)
{
	static const enum part parts[] = {PART_STATUS};
	int64_t begun;

	begin_parts(1, parts, "trust/root.pem");
	ask(2);
	run_until(1, 0, 1);
	begun = time_mono_ms();
	play[0].part = PART_GOOD;
	run(1);
	check_token(2, "first");
	assert_in_range(time_mono_ms() - begun, courier_backoff(1) - 50, LIMIT_MS);
}

static void
backoff(void **state)
{
	assert_int_equal(courier_backoff(0), 0);
	assert_int_equal(courier_backoff(1), 1000);
	assert_int_equal(courier_backoff(2), 2000);
	assert_int_equal(courier_backoff(4), 8000);
	assert_int_equal(courier_backoff(12), 600000);
	assert_int_equal(courier_backoff(4000000000u), 600000);
}

/* None configured: idle. */
static void
none(void **state)
{
	struct buf text = {0};

	env_set(&text, "trust/root.pem");
	assert_ok(courier_configure(courier, &env, &e), &e);
	ask(1);
	assert_int_equal(courier_waiting(courier), 0);
}

/* Too many wait: the oldest goes, not the one under way and not the newest. */
static void
bounded(void **state)
{
	static const enum part parts[] = {PART_SLOW};

	begin_parts(1, parts, "trust/root.pem");
	for (uint64_t i = 1; i <= 70; i++)
		ask(i);
	assert_int_equal(courier_waiting(courier), 64);
	play[0].part = PART_GOOD;
	run(64);
	assert_int_equal(got.sizes[0], 1);
	assert_int_equal(got.sizes[1], 8);
	assert_int_equal(got.sizes[63], 70);
}

/* A reload while one is under way: asked anew of the new ones. What does not configure changes
 * nothing.
 */
static void
reload(void **state)
{
	static const enum part parts[] = {PART_SLOW};
	struct buf text = {0};

	begin_parts(1, parts, "trust/root.pem");
	env_set((conf_add(&text, "first", play[0].port, "20s"), &text), "trust/root.pem");
	assert_ok(courier_configure(courier, &env, &e), &e);
	ask(6);
	run_until(1, 0, 1);
	play_begin(&play[1], base, PART_GOOD, pki);
	conf_add(&text, "next", play[1].port, "20s");
	env_set(&text, "members");
	assert_refused(courier_configure(courier, &env, &e), &e, ERR_CONFIG);
	assert_non_null(strstr(e.text, "tsa \"next\": root"));
	assert_int_equal(courier_waiting(courier), 1);
	conf_add(&text, "next", play[1].port, "20s");
	env_set(&text, "trust/root.pem");
	assert_ok(courier_configure(courier, &env, &e), &e);
	run(1);
	check_token(6, "next");
	assert_int_equal(play[0].hits, 1);
	buf_free(&text);
}

static void
long_name(void **state)
{
	char name[NAME_MAILBOX + 1];
	struct buf text = {0};

	memset(name, 'a', NAME_MAILBOX);
	name[NAME_MAILBOX] = '\0';
	conf_add(&text, name, 1, "1s");
	env_set(&text, "trust/root.pem");
	assert_refused(courier_configure(courier, &env, &e), &e, ERR_CONFIG);
	buf_free(&text);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {ROW(good),
					   ROW(in_order),
					   ROW(failover),
					   ROW(dead),
					   ROW(redirect),
					   ROW(no_proxy),
					   ROW(foreign_root),
					   ROW(again),
					   ROW(none),
					   ROW(bounded),
					   ROW(reload),
					   ROW(long_name),
					   cmocka_unit_test(backoff)};

	snprintf(pki, sizeof pki, "%s", getenv("PKI"));
	snprintf(foreign, sizeof foreign, "%s/foreign", pki);
	log_init("courier", LOG_LEVEL_WARN);
	if (calls_prepare(&e) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
