/* test_roster.c - the roster that pki/roster signs is read; one row per refusal. */
#include "pki_rig.h"

#include "safehand/bundle.h"
#include "safehand/roster.h"
#include "safehand/time.h"

static struct trust *trust;
static struct err e;

static int
setup(void **state)
{
	trust = pki_trust();
	return 0;
}

static int
teardown(void **state)
{
	trust_free(trust);
	return 0;
}

static int
verify(const struct buf *file, int64_t at_ms, struct roster **out)
{
	return roster_verify(file->data, file->len, trust, at_ms, TRUST_LIVE, out, NULL, NULL, &e);
}

static void
reads_what_pki_signed(void **state)
{
	struct buf file = pki_file("roster.shr"), vkey = pki_file("log/log.vkey");
	uint8_t digest[DIGEST_BYTES] = {0}, zero[DIGEST_BYTES] = {0};
	const struct roster_mailbox *m;
	struct identity signer, key;
	struct roster *r = NULL;

	assert_ok(roster_verify(file.data, file.len, trust, time_now_ms(), TRUST_LIVE, &r, &signer,
				digest, &e),
		  &e);
	assert_int_equal(signer.profile, PROFILE_ROSTER_SIGN);
	assert_memory_not_equal(digest, zero, sizeof digest);
	assert_int_equal(r->nagencies, 4);
	assert_int_equal(r->nmailboxes, 8);
	assert_int_equal(r->nclasses, 15);
	assert_int_equal(r->nissuers, 1);
	assert_true(r->serial > 0);
	assert_string_equal(r->area, "Coventry");
	assert_memory_equal(r->log_text, vkey.data, strlen(r->log_text));
	m = roster_find(r, "schools/st-j.dsl");
	assert_non_null(m);
	assert_string_equal(m->cover, "schools/st-j.head");
	assert_string_equal(m->title, "St John's: designated safeguarding lead");
	assert_string_equal(roster_agency(r, "wmp")->contact, "ppu@wmp.example");
	assert_string_equal(roster_agency(r, "wmp")->area, "west-midlands");
	assert_string_equal(roster_agency(r, "uhcw")->area, "coventry");
	assert_ok(roster_key(m, trust, time_now_ms(), &key, &e), &e);
	assert_string_equal(key.name, "schools/st-j.dsl");
	assert_null(roster_find(r, "schools/none"));
	assert_null(roster_agency(r, "none"));
	roster_free(r);
	buf_free(&file);
	buf_free(&vkey);
}

static void
refuses_another_mailboxes_certificate(void **state)
{
	struct buf file = pki_file("roster.shr");
	struct roster_mailbox swapped;
	struct roster *r = NULL;
	struct identity key;

	assert_ok(verify(&file, time_now_ms(), &r), &e);
	swapped = *roster_find(r, "wmp/ppu");
	swapped.certificates = r->mailboxes[0].certificates;
	assert_string_not_equal(r->mailboxes[0].name, "wmp/ppu");
	assert_refused(roster_key(&swapped, trust, time_now_ms(), &key, &e), &e, ERR_PROFILE);
	assert_refused(roster_key(&swapped, trust, time_now_ms() + 4000LL * 86400000, &key, &e), &e,
		       ERR_EXPIRED);
	roster_free(r);
	buf_free(&file);
}

static void
refuses_foreign_expired_altered(void **state)
{
	struct buf file = pki_file("roster.shr"), foreign = pki_file("foreign/roster.shr");
	struct roster *r = NULL;

	assert_refused(verify(&foreign, time_now_ms(), &r), &e, ERR_CERTIFICATE);
	/* its certificates and CRL hold for longer than the roster does only with historic eyes */
	assert_refused(roster_verify(file.data, file.len, trust, time_now_ms() + 91LL * 86400000,
				     TRUST_HISTORIC, &r, NULL, NULL, &e),
		       &e, ERR_EXPIRED);
	assert_non_null(strstr(e.text, "pki/roster"));
	file.len--;
	assert_refused(verify(&file, time_now_ms(), &r), &e, ERR_FORMAT);
	file.len++;
	file.data[SIGNED_FIXED_BYTES + 40] ^= 1;
	assert_refused(verify(&file, time_now_ms(), &r), &e, ERR_SIGNATURE);
	buf_free(&file);
	buf_free(&foreign);
}

/* Any one byte: a sample of all places, the whole file being tens of kilobytes. */
static void
any_flipped_byte_is_refused(void **state)
{
	struct buf file = pki_file("roster.shr");
	struct roster *r = NULL;

	for (size_t i = 0; i < file.len; i += i < 200 ? 1 : 37) {
		file.data[i] ^= 0x10;
		if (verify(&file, time_now_ms(), &r) == 0)
			fail_msg("byte %zu of %zu: flipped and accepted", i, file.len);
		file.data[i] ^= 0x10;
	}
	buf_free(&file);
}

/* The text with the first old (after the last "mark") replaced by new. */
static struct buf
altered(const struct buf *text, const char *old, const char *new)
{
	const char *at = strstr(buf_str(text), old);
	struct buf out = {0};

	if (at == NULL)
		fail_msg("%s: not in the roster", old);
	buf_add(&out, text->data, (size_t)(at - buf_str(text)));
	buf_adds(&out, new);
	buf_adds(&out, at + strlen(old));
	return out;
}

static const struct {
	const char *old, *new, *words;
	enum err_code code;
} faults[] = {
    {"\"safehand_roster\":1", "\"safehand_roster\":2", "want 1", ERR_FORMAT},
    {"\"safehand_roster\":1,", "", "safehand_roster", ERR_FORMAT},
    {"\"area\"", "\"aera\"", "aera", ERR_FORMAT},
    {"\"area\"", "\"area\":\"x\",\"area\"", "area", ERR_FORMAT},
    {"\"area\":\"west-midlands\"", "\"area\":\"West Midlands\"", "wmp.area", ERR_FORMAT},
    {"\"area\":\"west-midlands\"", "\"area\":null", "area", ERR_FORMAT},
    {"\"issued\":\"2", "\"issued\":\"x", "issued", ERR_FORMAT},
    {"\"issued\":\"20", "\"issued\":\"29", "not after", ERR_FORMAT},
    {"\"log\":\"localhost/log+", "\"log\":\"localhost/log-", "roster.log", ERR_FORMAT},
    {"\"name\":\"csc\"", "\"name\":\"uhcw\"", "there twice", ERR_FORMAT},
    {"\"name\":\"csc\"", "\"name\":\"CSC\"", "CSC", ERR_FORMAT},
    {"\"name\":\"csc\"", "\"name\":\"gateway\"", "reserved", ERR_FORMAT},
    {"\"name\":\"csc/duty\"", "\"name\":\"csc/mash\"", "there twice", ERR_FORMAT},
    {"\"name\":\"csc/duty\"", "\"name\":\"wmp/duty\"", "another agency's", ERR_FORMAT},
    {"\"name\":\"csc/duty\"", "\"name\":\"csc\"", "want agency/role", ERR_FORMAT},
    {"\"cover\":\"uhcw/paediatrics\"", "\"cover\":\"uhcw/none\"", "is no mailbox", ERR_FORMAT},
    {"\"cover\":\"uhcw/paediatrics\"", "\"cover\":\"uhcw\"", "want agency/role", ERR_FORMAT},
    {"\"cover\":\"uhcw/paediatrics\"", "\"cover\":\"uhcw/emergency\"", "leads back", ERR_FORMAT},
    {"\"cover\":\"uhcw/paediatrics\"", "\"cover\":7", "cover", ERR_FORMAT},
    {"\"certificates\":[\"", "\"certificates\":[\"!", "base64", ERR_FORMAT},
    {"\"certificates\":[\"", "\"certificates\":[\"\",\"", "base64", ERR_FORMAT},
    {"\"issuers\":[\"", "\"issuers\":[\"!", "issuers", ERR_FORMAT},
    {"\"signatures\":2", "\"signatures\":9", "want 1..8", ERR_FORMAT},
    {"\"signatures\":2", "\"signatures\":0", "want 1..8", ERR_FORMAT},
    {"\"name\":\"general\"", "\"name\":\"referral\"", "there twice", ERR_FORMAT},
    {"\"name\":\"general\"", "\"name\":\"General\"", "General", ERR_FORMAT},
};

static void
each_fault_is_named(void **state)
{
	struct buf text = pki_file("roster.json");
	struct roster *r = NULL;

	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		struct buf bad = altered(&text, faults[i].old, faults[i].new);

		if (roster_parse(bad.data, bad.len, &r, &e) == 0)
			fail_msg("%s: not refused", faults[i].new);
		if (e.code != faults[i].code || strstr(e.text, faults[i].words) == NULL)
			fail_msg("%s: refused with %s: %s", faults[i].new, err_name(e.code),
				 e.text);
		buf_free(&bad);
	}
	buf_free(&text);
}

/* A chain of covers of any length is fine, a ring that others lead into is not. */
static void
covers_are_walked(void **state)
{
	static const char *const last[] = {"null", "\"a/r49\"", "\"a/r199\""};
	struct buf text = pki_file("roster.json");

	for (size_t k = 0; k < 3; k++) {
		struct roster *r = NULL;
		struct buf all = {0};
		char *agencies = strstr(buf_str(&text), "\"agencies\":["),
		     *issuers = strstr(buf_str(&text), "\"issuers\"");

		buf_add(&all, text.data, (size_t)(agencies - buf_str(&text)));
		buf_adds(&all, "\"agencies\":[{\"name\":\"a\",\"title\":\"\",\"contact\":\"\","
			       "\"mailboxes\":[");
		for (int i = 0; i < 200; i++) {
			buf_addf(&all,
				 "%s{\"name\":\"a/r%d\",\"title\":\"\",\"contact\":\"\","
				 "\"cover\":",
				 i > 0 ? "," : "", i);
			if (i < 199)
				buf_addf(&all, "\"a/r%d\"", i + 1);
			else
				buf_adds(&all, last[k]);
			buf_adds(&all, ",\"certificates\":[\"AAAA\"]}");
		}
		buf_adds(&all, "]}],");
		buf_adds(&all, issuers);
		if (k == 0) {
			assert_ok(roster_parse(all.data, all.len, &r, &e), &e);
			roster_free(r);
		} else {
			assert_refused(roster_parse(all.data, all.len, &r, &e), &e, ERR_FORMAT);
			assert_non_null(strstr(e.text, "leads back"));
		}
		buf_free(&all);
	}
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_pki_signed),
	    cmocka_unit_test(refuses_another_mailboxes_certificate),
	    cmocka_unit_test(refuses_foreign_expired_altered),
	    cmocka_unit_test(any_flipped_byte_is_refused),
	    cmocka_unit_test(each_fault_is_named),
	    cmocka_unit_test(covers_are_walked),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
