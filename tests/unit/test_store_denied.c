/* test_store_denied.c - a certificate revoked on the spot, at the real store: refused in each role
 * in which it could act, across a restart, until it is restored. */
#include "ladder_rig.h"

#include "safehand/enc.h"
#include "store/denied.h"

static struct err refused;

static void
took(void *ctx, const struct err *refusal)
{
	refused = refusal != NULL ? *refusal : (struct err){0};
}

static void
act(void (*what)(struct store *s, const char *hex, purge_done *done, void *ctx), const char *hex,
    enum err_code want)
{
	refused.code = ERR_CODES;
	what(rig.store, hex, took, NULL);
	rig_settle();
	if (refused.code != want)
		fail_msg("%s: %s: %s", hex, err_name(refused.code), refused.text);
}

static const char *
hex_of(uint8_t byte)
{
	static char hex[HEX_LEN(DIGEST_BYTES)];
	uint8_t cert[DIGEST_BYTES];

	memset(cert, byte, sizeof cert);
	hex_encode(hex, cert, sizeof cert);
	return hex;
}

static void
begin(const char *id)
{
	struct buf head = {0};

	rig_bundle(&head, id, payload, 1);
	memset(rig.signers[0].cert, 0x51, DIGEST_BYTES);
	rig_begin(&head, id, strlen(payload));
	buf_free(&head);
}

static void
is_refused(const char *what)
{
	if (rig.reply.kind != MSG_REPLY || rig.reply.code != ERR_REVOKED)
		fail_msg("%s: %s", what, err_name(rig.reply.code));
}

static void
of_the_connection(void **state)
{
	struct msg_ask q = rig_question(ASK_CLASSES, "csc");
	struct msg_resume resume = {.job = 900, .offset = 10};
	struct msg_route route = {.job = 901};

	act(denied_revoke, hex_of(0xc5), ERR_OK); /* the rig's connections */
	begin(RIG_ID);
	is_refused("BEGIN");
	memset(q.cert, 0xc5, DIGEST_BYTES);
	rig_ask(&q);
	is_refused("ASK");
	strcpy(resume.agency, "csc");
	strcpy(resume.id, RIG_ID);
	memset(resume.cert, 0xc5, DIGEST_BYTES);
	rig_reply_clear();
	chan_send(rig.front, MSG_RESUME, &resume, -1);
	rig_settle();
	is_refused("RESUME");
	strcpy(route.agency, "csc");
	memset(route.cert, 0xc5, DIGEST_BYTES);
	rig_reply_clear();
	chan_send(rig.front, MSG_ROUTE, &route, role_memfd("route", "{}", 2));
	rig_settle();
	is_refused("ROUTE");
	rig_restart();
	begin(RIG_ID);
	is_refused("BEGIN after a restart");
	act(denied_restore, hex_of(0xc5), ERR_OK);
	rig_submit(RIG_ID, payload, 1);
	rig_expect(201, ERR_OK);
}

static void
of_who_signed_or_is_sealed_for(void **state)
{
	act(denied_revoke, hex_of(0x51), ERR_OK);
	begin(RIG_ID);
	is_refused("a signer");
	assert_non_null(strstr(rig.reply.detail, "signed by agency/csc"));
	act(denied_restore, hex_of(0x51), ERR_OK);
	act(denied_revoke, hex_of(3), ERR_OK); /* uhcw/emergency's seal */
	begin(RIG_ID);
	is_refused("a recipient");
	assert_non_null(strstr(rig.reply.detail, "sealed for uhcw/emergency"));
	act(denied_restore, hex_of(3), ERR_OK);
	begin(RIG_ID);
	assert_int_equal(rig.reply.kind, MSG_UPLOAD);
}

/* Judged before it was revoked, applied after: refused all the same. */
static void
while_it_is_under_way(void **state)
{
	struct ledger_bundle b;

	begin(RIG_ID);
	assert_int_equal(rig.reply.kind, MSG_UPLOAD);
	act(denied_revoke, hex_of(0x51), ERR_OK);
	rig_write(payload, 0, strlen(payload));
	rig_send_end(payload);
	is_refused("the end of an upload");
	assert_false(ledger_bundle(rig.store->reader, RIG_ID, &b));
}

static void
of_who_states(void **state)
{
	rig_submit(RIG_ID, payload, 1);
	rig_expect(201, ERR_OK);
	act(denied_revoke, hex_of(0), ERR_OK); /* what the rig's statements are signed with */
	rig_say(RIG_ID, "uhcw/emergency", STATEMENT_COLLECTED, "ok");
	is_refused("a statement");
	act(denied_restore, hex_of(0), ERR_OK);
	rig_says(RIG_ID, "uhcw/emergency", STATEMENT_COLLECTED, "ok");
}

static void
is_recorded(void **state)
{
	struct buf json = {0};
	struct ledger_entry e;
	unsigned n = 0;

	act(denied_revoke, hex_of(0x77), ERR_OK);
	act(denied_revoke, hex_of(0x77), ERR_CONFLICT);
	denied_list(rig.store, &json);
	assert_non_null(strstr(buf_str(&json), hex_of(0x77)));
	act(denied_restore, hex_of(0x77), ERR_OK);
	act(denied_restore, hex_of(0x77), ERR_UNKNOWN);
	act(denied_revoke, "77", ERR_USAGE);
	act(denied_revoke, "zz", ERR_USAGE);
	buf_clear(&json);
	denied_list(rig.store, &json);
	assert_string_equal(buf_str(&json), "{\"revoked\":[]}");
	for (int64_t seq = 0; ledger_entry(rig.store->reader, seq, &e); seq++)
		if (e.event == EVENT_KEY_CHANGE) {
			assert_true(e.has_actor && e.actor[0] == 0x77);
			assert_string_equal(e.code, n++ == 0 ? "revoked" : "restored");
		}
	assert_int_equal(n, 2);
	is_sound();
	buf_free(&json);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(of_the_connection),     T(of_who_signed_or_is_sealed_for),
	    T(while_it_is_under_way), T(of_who_states),
	    T(is_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
