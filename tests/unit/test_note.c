/* test_note.c - keys, signed notes, checkpoints, proofs as text; whatever is altered is refused. */
#include "tap.h"

#include "safehand/note.h"

static struct err e;
static struct note_signer *signer;
static struct note_key key;

static struct buf
checkpoint(uint64_t size)
{
	struct checkpoint c = {"localhost/log", size, {1, 2, 3}};
	struct buf text = {0}, note = {0};

	checkpoint_format(&c, &text);
	assert_ok(note_sign(signer, buf_str(&text), text.len, &note, &e), &e);
	buf_free(&text);
	return note;
}

static int
set_up(void **state)
{
	struct buf pem = pki_file("log/localhost_log.key"), vkey = pki_file("log/log.vkey");

	assert_ok(note_signer_new("localhost/log", pem.data, pem.len, &signer, &e), &e);
	assert_ok(note_key_parse(buf_str(&vkey), vkey.len, &key, &e), &e);
	assert_memory_equal(&key, note_signer_key(signer),
			    sizeof key); /* the script's vkey is the key's own */
	buf_wipe(&pem);
	buf_free(&vkey);
	return 0;
}

static int
tear_down(void **state)
{
	note_signer_free(signer);
	return 0;
}

/* The example key of the Go package golang.org/x/mod/sumdb/note, which c2sp.org/signed-note
 * describes. */
static void
a_known_key_parses(void **state)
{
	static const char known[] =
	    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
	static const char *const bad[] = {
	    "",
	    "a+b",
	    "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	    "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	    "PeterNeumann+c74f20a3+AhpcAA==",
	    "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"};
	struct note_key k;

	assert_ok(note_key_parse(known, strlen(known), &k, &e), &e);
	assert_string_equal(k.name, "PeterNeumann");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_refused(note_key_parse(bad[i], strlen(bad[i]), &k, &e), &e, ERR_FORMAT);
}

/* And its example note, signed by that key. */
static void
a_known_note_verifies(void **state)
{
	static const char vkey[] =
	    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
	static const char note[] =
	    "If you think cryptography is the answer to your problem,\n"
	    "then you don't know what your problem is.\n\n"
	    "\xe2\x80\x94 PeterNeumann "
	    "x08go/ZJkuBS9UG/"
	    "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
	struct note_key k;
	size_t n;

	assert_ok(note_key_parse(vkey, strlen(vkey), &k, &e), &e);
	assert_ok(note_verify(note, strlen(note), &k, &n, &e), &e);
	assert_int_equal(n, 57 + 42);
}

static void
checkpoints_round_trip(void **state)
{
	struct buf note = checkpoint(1842);
	struct checkpoint c;

	assert_ok(checkpoint_verify(note.data, note.len, &key, &c, &e), &e);
	assert_int_equal(c.size, 1842);
	assert_string_equal(c.origin, "localhost/log");
	assert_int_equal(c.root[1], 2);
	/* a witness's line beside ours is let be; a second line of ours is not */
	buf_adds(&note, "\xe2\x80\x94 witness.example AAAAAAECAwQ=\n");
	assert_ok(checkpoint_verify(note.data, note.len, &key, &c, &e), &e);
	buf_adds(&note, "no signature\n");
	assert_refused(checkpoint_verify(note.data, note.len, &key, &c, &e), &e, ERR_FORMAT);
	buf_free(&note);
}

static void
any_flipped_byte_is_caught(void **state)
{
	struct buf note = checkpoint(7);
	struct checkpoint c;

	for (size_t i = 0; i < note.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			note.data[i] ^= (uint8_t)(1 << bit);
			assert_int_equal(checkpoint_verify(note.data, note.len, &key, &c, &e), -1);
			note.data[i] ^= (uint8_t)(1 << bit);
		}
	for (size_t n = 0; n < note.len; n++)
		assert_int_equal(checkpoint_verify(note.data, n, &key, &c, &e), -1);
	buf_free(&note);
}

static void
anothers_signature_is_not_ours(void **state)
{
	struct buf pem = pki_file("foreign/log/localhost_log.key"), note = {0},
		   wrong = pki_file("certs/tsa/gw.key");
	struct note_signer *other;
	size_t n;

	assert_ok(note_signer_new("localhost/log", pem.data, pem.len, &other, &e), &e);
	assert_ok(note_sign(other, "hello\n", 6, &note, &e), &e);
	assert_refused(note_verify(note.data, note.len, &key, &n, &e), &e, ERR_SIGNATURE);
	note_signer_free(other);
	assert_refused(note_signer_new("localhost/log", wrong.data, wrong.len, &other, &e), &e,
		       ERR_SECRET);
	assert_refused(note_signer_new("local host", pem.data, pem.len, &other, &e), &e,
		       ERR_CONFIG);
	buf_wipe(&pem);
	buf_wipe(&wrong);
	buf_free(&note);
}

static void
checkpoint_texts_that_are_none(void **state)
{
	static const char *const bad[] = {
	    "",
	    "o\n",
	    "o\n1\n",
	    "o\n01\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
	    "o\n-1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
	    "o\n1\nAAAA\n",
	    "\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
	    "o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	    "o\n99999999999999999999\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
	    "o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"};
	static const struct {
		const char *text;
		size_t n;
	} hostile[] = {
	    {"o\0p\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 51},
	    {"o\xff\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 50},
	    {"o\x1b[2J\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 53},
	};
	struct checkpoint c;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_refused(checkpoint_parse(bad[i], strlen(bad[i]), &c, &e), &e, ERR_FORMAT);
	/* an origin that would be cut short, one that no terminal should see: found by fuzz_note */
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
		assert_refused(checkpoint_parse(hostile[i].text, hostile[i].n, &c, &e), &e,
			       ERR_FORMAT);
}

static void
proofs_round_trip(void **state)
{
	static const char *const bad[] = {"",
					  "c2sp.org/tlog-proof@v2\nindex 0\n\nx\n",
					  "c2sp.org/tlog-proof@v1\nindex\n\nx\n",
					  "c2sp.org/tlog-proof@v1\nindex 01\n\nx\n",
					  "c2sp.org/tlog-proof@v1\nindex 0\n\n",
					  "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx\n",
					  "c2sp.org/tlog-proof@v1\nindex 0\n"};
	struct merkle_proof p = {.n = 2, .hashes = {{1}, {2}}}, q;
	struct buf note = checkpoint(9), text = {0};
	const char *inner;
	uint64_t index;
	size_t n;

	tlog_proof_format(5, &p, note.data, note.len, &text);
	assert_ok(tlog_proof_parse(text.data, text.len, &index, &q, &inner, &n, &e), &e);
	assert_int_equal(index, 5);
	assert_int_equal(q.n, 2);
	assert_memory_equal(q.hashes, p.hashes, 2 * DIGEST_BYTES);
	assert_int_equal(n, note.len);
	assert_memory_equal(inner, note.data, n);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_refused(tlog_proof_parse(bad[i], strlen(bad[i]), &index, &q, &inner, &n, &e),
			       &e, ERR_FORMAT);
	buf_clear(&text);
	buf_adds(&text, "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 3\n\nx\n");
	assert_ok(tlog_proof_parse(text.data, text.len, &index, &q, &inner, &n, &e), &e);
	assert_int_equal(index, 3);
	buf_free(&note);
	buf_free(&text);
}

static void
consistency_as_text(void **state)
{
	static const char *const bad[] = {
	    "",
	    "old 3",
	    "old\n\nnote\n",
	    "old 03\n\nnote\n",
	    "old -1\n\nnote\n",
	    "new 3\n\nnote\n",
	    "old 3\n",
	    "old 3\n\n",
	    "old 3\nAAAA\n\nnote\n",
	    "old 3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n\nnote\n",
	};
	struct merkle_proof p = {.n = 2, .hashes = {{1}, {2}}}, q;
	struct buf text = {0};
	const char *inner;
	uint64_t old;
	size_t n;

	tlog_consistency_format(12, &p, "note\n", 5, &text);
	assert_ok(tlog_consistency_parse(text.data, text.len, &old, &q, &inner, &n, &e), &e);
	assert_int_equal(old, 12);
	assert_int_equal(q.n, 2);
	assert_memory_equal(p.hashes, q.hashes, 2 * DIGEST_BYTES);
	assert_int_equal(n, 5);
	assert_memory_equal(inner, "note\n", 5);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_refused(
		    tlog_consistency_parse(bad[i], strlen(bad[i]), &old, &q, &inner, &n, &e), &e,
		    ERR_FORMAT);
	buf_clear(&text);
	buf_adds(&text, "old 1\n");
	for (int i = 0; i <= PROOF_HASHES_MAX; i++)
		buf_adds(&text, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
	buf_adds(&text, "\nnote\n");
	assert_refused(tlog_consistency_parse(text.data, text.len, &old, &q, &inner, &n, &e), &e,
		       ERR_FORMAT);
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(consistency_as_text),
	    cmocka_unit_test(a_known_key_parses),
	    cmocka_unit_test(a_known_note_verifies),
	    cmocka_unit_test(checkpoints_round_trip),
	    cmocka_unit_test(any_flipped_byte_is_caught),
	    cmocka_unit_test(anothers_signature_is_not_ours),
	    cmocka_unit_test(checkpoint_texts_that_are_none),
	    cmocka_unit_test(proofs_round_trip),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
