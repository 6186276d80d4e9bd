/* test_notary_seal.c - the notary signs what extends its last head, and nothing else, whatever the
 * store says. */
#include <stdbool.h>

#include "tap.h"

#include "notary/notary.h"
#include "safehand/digest.h"
#include "safehand/time.h"

static struct err e;
static struct notary n;
static uint8_t places[5][32][DIGEST_BYTES];
static const struct clock_state good_clock = {true, 10};
static int64_t now;
static bool doubt;

static int
get(void *ctx, unsigned level, uint64_t index, uint8_t out[static DIGEST_BYTES], struct err *err)
{
	memcpy(out, places[level][index], DIGEST_BYTES);
	return 0;
}

static int
put(void *ctx, unsigned level, uint64_t index, const uint8_t hash[static DIGEST_BYTES],
    struct err *err)
{
	memcpy(places[level][index], hash, DIGEST_BYTES);
	return 0;
}

static int
grow(void **state)
{
	uint8_t leaf[DIGEST_BYTES];

	for (uint64_t i = 0; i < 16; i++) {
		merkle_leaf(&i, sizeof i, leaf);
		assert_ok(merkle_append(i, leaf, get, put, NULL, &e), &e);
	}
	return 0;
}

static int
fresh(void **state)
{
	struct buf log = pki_file("log/localhost_log.key"), key = pki_file("certs/tsa/gw.key"),
		   cert = pki_file("certs/tsa/gw.pem");

	n = (struct notary){.clock = {.require = true, .error_ms = 1000}};
	assert_ok(note_signer_new("localhost/log", log.data, log.len, &n.signer, &e), &e);
	assert_ok(tsa_new(key.data, key.len, cert.data, cert.len, &n.tsa, &e), &e);
	buf_wipe(&log);
	buf_wipe(&key);
	buf_free(&cert);
	now = time_now_ms();
	return 0;
}

static int
drop(void **state)
{
	note_signer_free(n.signer);
	tsa_free(n.tsa);
	return 0;
}

/* SEAL for size from old, with the true proof. */
static int
seal(uint64_t old, uint64_t size, struct buf *note, struct buf *token)
{
	static struct merkle_proof proof;
	struct msg_seal head = {.size = size};

	assert_ok(merkle_root(size, get, NULL, head.root, &e), &e);
	if (old <= size)
		assert_ok(merkle_consistency(old, size, get, NULL, &proof, &e), &e);
	head.proof = (struct list){proof.hashes, proof.n};
	return notary_seal(&n, &head, &good_clock, now, note, token, &doubt, &e);
}

static void
a_log_grows_and_goes_on_after_a_restart(void **state)
{
	struct buf note = {0}, token = {0}, root = pki_file("trust/root.pem"),
		   issuing = pki_file("trust/issuing.pem");
	struct note_key key = *note_signer_key(n.signer);
	uint8_t digest[DIGEST_BYTES];
	struct checkpoint c;
	struct identity tsa;
	struct trust *t;
	int64_t at;
	size_t len;

	assert_ok(notary_last(&n, "", 0, &e), &e);
	assert_ok(seal(0, 3, &note, &token), &e);
	assert_ok(checkpoint_verify(note.data, note.len, &key, &c, &e), &e);
	assert_int_equal(c.size, 3);
	assert_ok(note_text(note.data, note.len, &len, &e), &e);
	digest_of(note.data, len, digest);
	assert_ok(trust_new(&root, &issuing, NULL, &t, &e), &e);
	assert_ok(timestamp_verify(token.data, token.len, digest, t, &at, &tsa, &e), &e);
	assert_int_equal(at, now);
	trust_free(t);
	drop(NULL);
	fresh(NULL); /* a new process: only what the ledger kept */
	assert_ok(notary_last(&n, note.data, note.len, &e), &e);
	buf_clear(&note);
	buf_clear(&token);
	assert_ok(seal(3, 11, &note, &token), &e);
	assert_int_equal(n.last.size, 11);
	buf_free(&note);
	buf_free(&token);
	buf_free(&root);
	buf_free(&issuing);
}

static void
what_does_not_extend_is_refused_and_changes_nothing(void **state)
{
	struct msg_seal forged = {.size = 9, .root = {1}};
	struct buf note = {0}, token = {0};

	assert_refused(seal(0, 3, &note, &token), &e, ERR_INTERNAL); /* before LAST */
	assert_ok(notary_last(&n, "", 0, &e), &e);
	assert_refused(notary_last(&n, "", 0, &e), &e, ERR_INTERNAL);
	assert_ok(seal(0, 8, &note, &token), &e);
	buf_clear(&note);
	assert_refused(seal(8, 8, &note, &token), &e, ERR_HISTORY);  /* the same again */
	assert_refused(seal(0, 5, &note, &token), &e, ERR_HISTORY);  /* back */
	assert_refused(seal(3, 12, &note, &token), &e, ERR_HISTORY); /* a proof from another size */
	assert_refused(notary_seal(&n, &forged, &good_clock, now, &note, &token, &doubt, &e), &e,
		       ERR_HISTORY);
	assert_int_equal(n.last.size, 8);
	assert_int_equal(note.len, 0);
	assert_ok(seal(8, 12, &note, &token), &e);
	buf_free(&note);
	buf_free(&token);
}

static void
anothers_last_checkpoint_is_refused(void **state)
{
	struct buf pem = pki_file("foreign/log/localhost_log.key"), note = {0}, text = {0};
	struct checkpoint c = {"localhost/log", 5, {0}};
	struct note_signer *other;

	assert_ok(note_signer_new("localhost/log", pem.data, pem.len, &other, &e), &e);
	checkpoint_format(&c, &text);
	assert_ok(note_sign(other, buf_str(&text), text.len, &note, &e), &e);
	assert_refused(notary_last(&n, note.data, note.len, &e), &e, ERR_SIGNATURE);
	note_signer_free(other);
	buf_wipe(&pem);
	buf_free(&note);
	buf_free(&text);
}

static void
the_clock_is_judged(void **state)
{
	struct clock_guard g = {.require = true, .error_ms = 100};

	assert_ok(clock_check(&g, &(struct clock_state){true, 100}, 1000, &doubt, &e), &e);
	assert_false(doubt);
	assert_refused(clock_check(&g, &(struct clock_state){true, 101}, 1001, &doubt, &e), &e,
		       ERR_CLOCK);
	assert_refused(clock_check(&g, &(struct clock_state){false, 0}, 1001, &doubt, &e), &e,
		       ERR_CLOCK);
	assert_refused(clock_check(&g, &(struct clock_state){true, 0}, 999, &doubt, &e), &e,
		       ERR_CLOCK); /* backwards */
	g.require = false;
	assert_ok(clock_check(&g, &(struct clock_state){false, 0}, 1002, &doubt, &e), &e);
	assert_true(doubt);
	assert_refused(clock_check(&g, &(struct clock_state){true, 0}, 1001, &doubt, &e), &e,
		       ERR_CLOCK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_log_grows_and_goes_on_after_a_restart, fresh, drop),
	    cmocka_unit_test_setup_teardown(what_does_not_extend_is_refused_and_changes_nothing,
					    fresh, drop),
	    cmocka_unit_test_setup_teardown(anothers_last_checkpoint_is_refused, fresh, drop),
	    cmocka_unit_test(the_clock_is_judged),
	};

	return cmocka_run_group_tests(tests, grow, NULL);
}
