/* test_roles.c - each role's place on its channels, taken by the test: everything that it could say
 * is said to the real other role, in its jail. From a less trusted role what is wrong is logged and
 * dropped, from a more trusted one it ends the process. */
#include <stdbool.h>

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/unit/tap.h"

#include "frame/chan.h"
#include "impostor.h"
#include "play.h"
#include "safehand/log.h"
#include "safehand/merkle.h"
#include "says.h"

static struct play play;

/* The two tables are one. */
static void
who_may_say_what(void **state)
{
	size_t known = 0;

	for (uint32_t kind = 0; kind < MSG_KINDS; kind++)
		known += msg_row(kind) != NULL;
	assert_int_equal(known, contracts_n);
	assert_null(msg_row(0));
	assert_null(msg_row(MSG_KINDS));
	for (size_t i = 0; i < contracts_n; i++) {
		const struct contract *c = &contracts[i];
		const struct msg_row *row = msg_row(c->kind);

		if (row->from != c->from || row->to != c->to || row->fd != c->fd)
			fail_msg("%s: %x to %x, fd %d: not what was agreed", row->name, row->from,
				 row->to, (int)row->fd);
	}
}

/* --- from the less trusted --- */

static uint32_t mark = MARK_FIRST;

/* Reads on to the mark; whether something was refused on the way. */
static bool
refused_before_mark(void)
{
	char want[32];
	bool refused = false;

	snprintf(want, sizeof want, "message %u may", ++mark);
	if (!says_mark(play.peer, mark))
		return false;
	while (play_until(&play, "bad-message")) {
		if (strstr(play.line, want) != NULL)
			return refused;
		refused = true;
	}
	fail_msg("the role is gone: %s", play.line);
	return false;
}

static void
say_all(enum role_id role, enum role_id from)
{
	for (size_t i = 0; i < contracts_n; i++)
		for (enum saying how = 0; how < SAYINGS; how++) {
			enum msg_kind kind = contracts[i].kind;
			bool refused;

			if (!says(play.peer, kind, how))
				fail_msg("%s is gone", role_name(role));
			refused = refused_before_mark();
			if (!refused && !says_may(kind, how, from, role))
				fail_msg("%s to %s, %s, way %d: not refused", role_name(from),
					 role_name(role), msg_row(kind)->name, (int)how);
		}
	for (unsigned n = 0; n < NONSENSES; n++) {
		assert_true(says_nonsense(play.peer, n));
		assert_true(refused_before_mark());
	}
}

/* What is said lawfully is answered, and somebody must read it. */
static void
say_all_read(enum role_id role, enum role_id from)
{
	pid_t reader;

	play_start(&play, role, from);
	if ((reader = fork()) == 0) {
		char dropped[1024];

		while (recv(play.peer, dropped, sizeof dropped, 0) > 0)
			;
		_exit(0);
	}
	say_all(role, from);
	assert_int_equal(kill(play.pid, 0), 0);
	shutdown(play.peer, SHUT_RDWR);
	assert_int_equal(waitpid(reader, NULL, 0), reader);
	play_end(&play);
}

static void
front_to_store(void **state)
{
	say_all_read(ROLE_STORE, ROLE_FRONT);
}

static void
verify_to_store(void **state)
{
	say_all_read(ROLE_STORE, ROLE_VERIFY);
}

static void
courier_to_store(void **state)
{
	say_all_read(ROLE_STORE, ROLE_COURIER);
}

static void
store_to_notary(void **state)
{
	say_all_read(ROLE_NOTARY, ROLE_STORE);
}

/* Master trusts no child: all of it is dropped, and it serves. */
static void
child_to_master(enum role_id role)
{
	char mark_said[32];
	int status;

	snprintf(mark_said, sizeof mark_said, "message %u may", MARK_FIRST);
	play_start_master(&play, role);
	if (!play_until(&play, mark_said) || strstr(play.line, role_name(role)) == NULL)
		fail_msg("master is gone: %s", play.line);
	if (!play_until(&play, "msg=serving"))
		fail_msg("master does not serve: %s", play.line);
	assert_int_equal(kill(play.pid, SIGTERM), 0);
	while (play_until(&play, "role="))
		;
	status = play_ended(&play);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("master ended with %x: %s", (unsigned)status, play.line);
}

static void
children_to_master(void **state)
{
	child_to_master(ROLE_FRONT);
	child_to_master(ROLE_VERIFY);
	child_to_master(ROLE_NOTARY);
	child_to_master(ROLE_COURIER);
	child_to_master(ROLE_STORE);
}

/* --- from the more trusted --- */

static void
ends_of(enum role_id role, enum role_id from, enum msg_kind kind, enum saying how)
{
	int status;

	play_start(&play, role, from);
	says(play.peer, kind, how);
	if (!play_until(&play, "bad-message"))
		fail_msg("%s to %s, %s, way %d: not refused: %s", role_name(from), role_name(role),
			 msg_row(kind)->name, (int)how, play.line);
	status = play_ended(&play);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
}

/* One wrong word ends it: of each kind that is not for it, and of its own in each wrong way. */
static void
one_word_ends(enum role_id role, enum role_id from)
{
	for (size_t i = 0; i < contracts_n; i++) {
		bool its_own = says_may(contracts[i].kind, SAY_ZERO, from, role);

		for (enum saying how = 0; how < (its_own ? SAYINGS : 1); how++)
			if (!says_may(contracts[i].kind, how, from, role))
				ends_of(role, from, contracts[i].kind, how);
	}
}

static void
store_to_front(void **state)
{
	one_word_ends(ROLE_FRONT, ROLE_STORE);
}

static void
store_to_verify(void **state)
{
	one_word_ends(ROLE_VERIFY, ROLE_STORE);
}

static void
store_to_courier(void **state)
{
	one_word_ends(ROLE_COURIER, ROLE_STORE);
}

static void
notary_to_store(void **state)
{
	one_word_ends(ROLE_STORE, ROLE_NOTARY);
}

/* --- a store in strange hands, at the notary --- */

#define LEAVES 16
static uint8_t places[6][2 * LEAVES][DIGEST_BYTES];

static int
get_hash(void *ctx, unsigned level, uint64_t i, uint8_t out[static DIGEST_BYTES], struct err *e)
{
	memcpy(out, places[level][i], DIGEST_BYTES);
	return 0;
}

static int
put_hash(void *ctx, unsigned level, uint64_t i, const uint8_t hash[static DIGEST_BYTES],
	 struct err *e)
{
	memcpy(places[level][i], hash, DIGEST_BYTES);
	return 0;
}

static void
grow_tree(void)
{
	uint8_t leaf[DIGEST_BYTES];
	struct err e;

	for (uint64_t i = 0; i < LEAVES; i++) {
		merkle_leaf(&i, sizeof i, leaf);
		assert_ok(merkle_append(i, leaf, get_hash, put_hash, NULL, &e), &e);
	}
}

/* Says it as a store would and takes the one answer: its kind. */
static uint32_t
answer_to(enum msg_kind kind, const void *said, struct buf *note)
{
	struct buf bytes = {0}, raw = {0};
	uint32_t got;
	struct err e;
	void *msg;
	int fd;

	msg_encode(kind, said, &bytes);
	assert_int_equal(send(play.peer, bytes.data, bytes.len, MSG_NOSIGNAL), bytes.len);
	if (chan_recv_blocking(play.peer, ROLE_STORE, ROLE_NOTARY, &got, &msg, &raw, &fd, &e) < 0)
		fail_msg("%s: %s", msg_row(kind)->name, e.text);
	if (got == MSG_SEALED && note != NULL)
		buf_add(note, ((struct msg_sealed *)msg)->note.p,
			((struct msg_sealed *)msg)->note.n);
	msg_free(msg_row(got), msg);
	free(msg);
	buf_free(&bytes);
	buf_free(&raw);
	return got;
}

/* The true extension from one size to another. */
static struct msg_seal
extension(uint64_t from, uint64_t to, struct merkle_proof *proof)
{
	struct msg_seal s = {.size = to};
	struct err e;

	assert_ok(merkle_root(to, get_hash, NULL, s.root, &e), &e);
	assert_ok(merkle_consistency(from, to, get_hash, NULL, proof, &e), &e);
	s.proof = (struct list){proof->hashes, proof->n};
	return s;
}

/* It is not answered when it is taken. */
static void
send_last(const struct msg_note *m)
{
	struct buf bytes = {0};

	msg_encode(MSG_LAST, m, &bytes);
	assert_int_equal(send(play.peer, bytes.data, bytes.len, MSG_NOSIGNAL), bytes.len);
	buf_free(&bytes);
}

static void
refused_head(const struct msg_seal *head, const char *what)
{
	if (answer_to(MSG_SEAL, head, NULL) != MSG_REFUSED)
		fail_msg("%s: signed", what);
}

/* Every head that is none of its last's extensions, and after each the true one still goes. */
static void
say_false_heads(uint64_t last)
{
	struct merkle_proof proof;
	struct msg_seal s = extension(last, last + 1, &proof);

	s.root[0] ^= 1;
	refused_head(&s, "another root");
	s = extension(last, last + 1, &proof);
	s.size = last;
	refused_head(&s, "the same size again");
	s.size = last - 1;
	refused_head(&s, "a smaller tree");
	s.size = 0;
	refused_head(&s, "an empty tree");
	s.size = UINT64_MAX;
	refused_head(&s, "a size that there cannot be");
	s = extension(last, last + 1, &proof);
	s.proof.n = 0;
	refused_head(&s, "no proof");
	s = extension(last - 1, last + 1, &proof);
	refused_head(&s, "a proof from another size");
	s = extension(last, last + 1, &proof);
	proof.hashes[0][0] ^= 1;
	refused_head(&s, "a wrong proof");
	if (answer_to(MSG_LAST, &(struct msg_note){{NULL, 0}}, NULL) != MSG_REFUSED)
		fail_msg("told of another past: taken");
}

static void
notary_never_signs_a_head_that_does_not_extend_its_last(void **state)
{
	static struct msg_note fresh;
	struct merkle_proof proof;
	struct msg_seal s;

	grow_tree();
	play_start(&play, ROLE_NOTARY, ROLE_STORE);
	s = extension(0, 1, &proof);
	refused_head(&s, "a head before its past is told");
	send_last(&fresh);
	for (uint64_t size = 1; size < 12; size += 3) {
		struct buf note = {0};

		s = extension(size == 1 ? 0 : size - 3, size, &proof);
		assert_int_equal(answer_to(MSG_SEAL, &s, &note), MSG_SEALED);
		assert_non_null(strstr(buf_str(&note), "localhost/log\n"));
		buf_free(&note);
		if (size > 1)
			say_false_heads(size);
	}
	play_end(&play);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_may_say_what),
	    cmocka_unit_test(front_to_store),
	    cmocka_unit_test(verify_to_store),
	    cmocka_unit_test(courier_to_store),
	    cmocka_unit_test(store_to_notary),
	    cmocka_unit_test(children_to_master),
	    cmocka_unit_test(store_to_front),
	    cmocka_unit_test(store_to_verify),
	    cmocka_unit_test(store_to_courier),
	    cmocka_unit_test(notary_to_store),
	    cmocka_unit_test(notary_never_signs_a_head_that_does_not_extend_its_last)};

	/* leaks are found by ptrace, which the roles' jails forbid */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
	if (strstr(argv[0], "safehand-") != NULL && strstr(argv[0], "test_roles") == NULL)
		return impostor_main(argv[0]);
	log_init("test", LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
