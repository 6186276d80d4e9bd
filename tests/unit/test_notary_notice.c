/* test_notary_notice.c - the notary signs a notice that it composed itself, and no other. */
#include "pki_rig.h"

#include "notary/notary.h"
#include "safehand/notice_file.h"
#include "safehand/time.h"

static struct err e;

static struct notice
notice_make(void)
{
	struct notice n = {.created_ms = time_now_ms() / 1000 * 1000,
			   .kind = NOTICE_OVERDUE,
			   .to = "csc/mash",
			   .bundle = "019ab000-0000-7000-8000-000000000001",
			   .klass = "strategy-minutes",
			   .from = "csc/mash",
			   .mailbox = "uhcw/emergency",
			   .owed = DEADLINE_READ,
			   .start_ms = 1000,
			   .due_ms = 2000};

	uuid_new(n.id, n.created_ms);
	return n;
}

static void
a_notice_is_signed(void **state)
{
	struct notary n = {.notices = pki_signer("certs/gateway-sign/gw")};
	struct trust *trust = pki_trust();
	struct notice fields = notice_make(), back;
	struct buf text = {0}, signature = {0}, file = {0};
	struct notice_file parts;
	struct identity signer;

	assert_ok(notary_notice(&n, &fields, &text, &signature, &e), &e);
	notice_file_format(text.data, text.len, signature.data, signature.len, &file);
	assert_ok(notice_file_parse(file.data, file.len, &parts, &e), &e);
	assert_ok(
	    notice_verify(&parts, trust, fields.created_ms, TRUST_HISTORIC, &back, &signer, &e),
	    &e);
	assert_string_equal(back.id, fields.id);
	assert_string_equal(back.mailbox, "uhcw/emergency");
	assert_int_equal(back.due_ms, 2000);
	assert_int_equal(signer.profile, PROFILE_GATEWAY_SIGN);
	buf_free(&text);
	buf_free(&signature);
	buf_free(&file);
	trust_free(trust);
	signer_free(n.notices);
}

/* Whatever the store says: a field of another form is no notice's, and nothing is signed. */
static void
what_is_no_notice_is_refused(void **state)
{
	struct notary n = {.notices = pki_signer("certs/gateway-sign/gw")};
	struct notice good = notice_make(), bad[6];
	struct buf text = {0}, signature = {0};

	for (size_t i = 0; i < 6; i++)
		bad[i] = good;
	strcpy(bad[0].to, "csc/mash\",\"x\":\"");
	bad[1].kind = NOTICE_KINDS;
	bad[2].owed = DEADLINE_KINDS;
	strcpy(bad[3].expectation, bad[3].bundle);
	bad[4].due_ms = 999;
	strcpy(bad[5].id, "x");
	for (size_t i = 0; i < 6; i++) {
		assert_refused(notary_notice(&n, &bad[i], &text, &signature, &e), &e, ERR_FORMAT);
		assert_int_equal(text.len + signature.len, 0);
	}
	signer_free(n.notices);
	n.notices = NULL;
	assert_refused(notary_notice(&n, &good, &text, &signature, &e), &e, ERR_CONFIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_notice_is_signed),
	    cmocka_unit_test(what_is_no_notice_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
