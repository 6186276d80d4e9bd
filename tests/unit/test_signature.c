/* test_signature.c - certificates, trust, signatures and timestamps, good and refused. */
#include "pki_rig.h"

#include "safehand/identity.h"
#include "safehand/signature.h"
#include "safehand/time.h"
#include "safehand/timestamp.h"

static struct trust *trust;
static struct err e;
static const char content[] = "{\"safehand\":1}";

static struct buf
sign1(const char *base)
{
	struct signer *s = pki_signer(base);
	struct buf der = {0};

	assert_ok(signature_sign(content, sizeof content - 1, &s, 1, &der, &e), &e);
	signer_free(s);
	return der;
}

static int
verify(const struct buf *der, unsigned profiles, struct identity ids[SIGNERS_MAX], size_t *n)
{
	return signature_verify(content, sizeof content - 1, der->data, der->len, trust, profiles,
				time_now_ms(), TRUST_LIVE, ids, n, &e);
}

#define SIGNS (PROFILE_BIT(PROFILE_AGENCY_SIGN) | PROFILE_BIT(PROFILE_PERSON_SIGN))

static void
good_signature_names_its_signer(void **state)
{
	struct buf der = sign1("certs/agency-sign/uhcw");
	struct identity ids[SIGNERS_MAX];
	size_t n;

	for (int i = 0; i < 3; i++) { /* the second and third use the kept verdict */
		assert_ok(verify(&der, SIGNS, ids, &n), &e);
		assert_int_equal(n, 1);
		assert_string_equal(ids[0].by, "agency/uhcw");
		assert_string_equal(ids[0].agency, "uhcw");
	}
	buf_free(&der);
}

/* What is kept is found by all its bytes: with any of them changed it is another certificate. */
static void
altered_certificate_is_not_taken_for_a_kept_one(void **state)
{
	struct buf der = sign1("certs/agency-sign/uhcw"), pem = {0}, cert = {0};
	struct identity ids[SIGNERS_MAX];
	uint8_t *at;
	size_t n;

	pem = pki_file("certs/agency-sign/uhcw.pem");
	assert_ok(identity_pem_to_der(pem.data, pem.len, &cert, &e), &e);
	at = memmem(der.data, der.len, cert.data, cert.len);
	assert_non_null(at);
	for (size_t i = 0; i < cert.len; i++) {
		assert_ok(verify(&der, SIGNS, ids, &n), &e); /* kept, at the latest now */
		at[i] ^= 1;
		assert_int_equal(verify(&der, SIGNS, ids, &n), -1);
		at[i] ^= 1;
	}
	buf_free(&der);
	buf_free(&pem);
	buf_free(&cert);
}

static void
two_signers_and_a_countersigner(void **state)
{
	struct signer *two[2] = {pki_signer("certs/person-sign/csc_a.khan"),
				 pki_signer("certs/person-sign/csc_r.lee")};
	struct signer *third = pki_signer("certs/person-sign/wmp_d.green");
	struct buf der = {0}, more = {0};
	struct identity ids[SIGNERS_MAX];
	size_t n;

	assert_ok(signature_sign(content, sizeof content - 1, two, 2, &der, &e), &e);
	assert_ok(verify(&der, SIGNS, ids, &n), &e);
	assert_int_equal(n, 2);
	assert_ok(signature_add(der.data, der.len, content, sizeof content - 1, third, &more, &e),
		  &e);
	assert_ok(verify(&more, SIGNS, ids, &n), &e);
	assert_int_equal(n, 3);
	buf_clear(&der);
	assert_ok(signature_add(more.data, more.len, content, sizeof content - 1, third, &der, &e),
		  &e);
	assert_refused(verify(&der, SIGNS, ids, &n), &e, ERR_SIGNATURE); /* the same person twice */
	for (int i = 0; i < 2; i++)
		signer_free(two[i]);
	signer_free(third);
	buf_free(&der);
	buf_free(&more);
}

static void
each_bad_certificate_has_its_refusal(void **state)
{
	static const struct {
		const char *base;
		enum err_code want;
	} rows[] = {
	    {"bad/expired-agency-sign", ERR_EXPIRED},
	    {"bad/notyet-agency-sign", ERR_EXPIRED},
	    {"bad/revoked-agency-sign", ERR_REVOKED},
	    {"foreign/certs/agency-sign/uhcw", ERR_CERTIFICATE},
	    {"certs/agency-tls/uhcw", ERR_PROFILE},
	    {"certs/roster-sign/admin", ERR_PROFILE},
	};
	struct identity ids[SIGNERS_MAX];
	size_t n;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf der = sign1(rows[i].base);

		assert_refused(verify(&der, SIGNS, ids, &n), &e, rows[i].want);
		buf_free(&der);
	}
}

/* Of a second ago it is judged, and made now: by as much as clocks may differ that is let be. (What
 * is dated ahead, or before its certificate, by others than us: tests/interop/faults.py.) */
static void
a_signature_is_not_of_after_its_judgement(void **state)
{
	struct buf der = sign1("certs/agency-sign/uhcw");
	struct identity ids[SIGNERS_MAX];
	int64_t at_ms = time_now_ms() - 2000;
	size_t n;

	trust_set_skew(trust, 0);
	assert_refused(signature_verify(content, sizeof content - 1, der.data, der.len, trust,
					SIGNS, at_ms, TRUST_HISTORIC, ids, &n, &e),
		       &e, ERR_CLOCK);
	assert_non_null(strstr(e.text, "dated"));
	trust_set_skew(trust, 10000);
	assert_ok(signature_verify(content, sizeof content - 1, der.data, der.len, trust, SIGNS,
				   at_ms, TRUST_HISTORIC, ids, &n, &e),
		  &e);
	trust_set_skew(trust, SIGNING_SKEW_MS);
	buf_free(&der);
}

static void
selfmade_certificate_is_refused(void **state)
{
	struct buf pem = pki_file("bad/selfmade-agency-sign.pem"), der = {0};
	struct identity id;

	assert_ok(identity_pem_to_der(pem.data, pem.len, &der, &e), &e);
	assert_refused(
	    trust_check(trust, der.data, der.len, ~0u, time_now_ms(), TRUST_LIVE, &id, &e), &e,
	    ERR_CERTIFICATE);
	der.data[der.len / 2] ^= 1;
	assert_refused(
	    trust_check(trust, der.data, der.len - 1, ~0u, time_now_ms(), TRUST_LIVE, &id, &e), &e,
	    ERR_CERTIFICATE);
	buf_free(&pem);
	buf_free(&der);
}

static void
any_flipped_byte_is_caught(void **state)
{
	struct buf der = sign1("certs/agency-sign/uhcw");
	char other[sizeof content];
	struct identity ids[SIGNERS_MAX];
	size_t n;

	for (size_t i = 0; i < sizeof content - 1; i++) {
		memcpy(other, content, sizeof other);
		other[i] ^= 1;
		assert_refused(signature_verify(other, sizeof other - 1, der.data, der.len, trust,
						SIGNS, time_now_ms(), TRUST_LIVE, ids, &n, &e),
			       &e, ERR_SIGNATURE);
	}
	/* also in what nobody would miss: versions, parameters, the copy of the CA's certificate */
	for (size_t i = 0; i < 8 * der.len; i++) {
		der.data[i / 8] ^= 1u << i % 8;
		if (verify(&der, SIGNS, ids, &n) == 0)
			fail_msg("bit %zu of byte %zu: not caught", i % 8, i / 8);
		der.data[i / 8] ^= 1u << i % 8;
	}
	assert_ok(verify(&der, SIGNS, ids, &n), &e);
	buf_addc(&der, 0);
	assert_refused(verify(&der, SIGNS, ids, &n), &e, ERR_SIGNATURE); /* a byte after the end */
	buf_free(&der);
}

static void
stock_openssl_agrees(void **state)
{
	struct buf der = sign1("certs/person-sign/csc_a.khan");
	char path[] = "/tmp/safehand-test.XXXXXX", command[1024];
	FILE *f = fdopen(mkstemp(path), "w");

	fwrite(der.data, 1, der.len, f);
	fclose(f);
	snprintf(command, sizeof command,
		 "printf '%%s' '%s' | openssl cms -verify -binary -inform DER -in %s -content "
		 "/dev/stdin -CAfile %s/trust/root.pem "
		 "-purpose any -cades -out /dev/null 2>/dev/null",
		 content, path, getenv("PKI"));
	assert_int_equal(system(command), 0);
	unlink(path);
	buf_free(&der);
}

static void
missing_or_old_crl_refuses_live_only(void **state)
{
	struct buf root = pki_file("trust/root.pem"), issuing = pki_file("trust/issuing.pem"),
		   crl = pki_file("trust/crl.pem");
	struct buf pem = pki_file("certs/agency-sign/uhcw.pem"),
		   gone = pki_file("bad/revoked-agency-sign.pem"), der = {0};
	struct buf early = pki_file("certs/agency-tls/csc.pem"), first = {0};
	int64_t now = time_now_ms(), year = 365LL * 86400 * 1000;
	struct identity id;
	struct trust *t;

	assert_ok(identity_pem_to_der(pem.data, pem.len, &der, &e), &e);
	assert_ok(trust_new(&root, &issuing, NULL, &t, &e), &e);
	assert_refused(trust_check(t, der.data, der.len, ~0u, now, TRUST_LIVE, &id, &e), &e,
		       ERR_REVOKED);
	assert_ok(trust_check(t, der.data, der.len, ~0u, now, TRUST_HISTORIC, &id, &e), &e);
	trust_free(t);
	assert_ok(trust_new(&root, &issuing, &crl, &t, &e), &e);
	assert_refused(trust_check(t, der.data, der.len, ~0u, now + year / 2, TRUST_LIVE, &id, &e),
		       &e, ERR_REVOKED);
	assert_refused(trust_check(t, der.data, der.len, ~0u, now + 20 * year, TRUST_LIVE, &id, &e),
		       &e, ERR_EXPIRED);
	buf_clear(&der);
	assert_ok(identity_pem_to_der(gone.data, gone.len, &der, &e), &e);
	assert_refused(trust_check(t, der.data, der.len, ~0u, now + 60000, TRUST_HISTORIC, &id, &e),
		       &e, ERR_REVOKED);
	buf_clear(&first);
	assert_ok(identity_pem_to_der(early.data, early.len, &first, &e), &e);
	assert_ok(identity_parse(first.data, first.len, &id, &e),
		  &e); /* issued some moments before the revocation */
	assert_ok(trust_check(t, der.data, der.len, ~0u, id.not_before_ms, TRUST_HISTORIC, &id, &e),
		  &e);
	trust_free(t);
	buf_free(&root);
	buf_free(&issuing);
	buf_free(&crl);
	buf_free(&pem);
	buf_free(&gone);
	buf_free(&early);
	buf_free(&first);
	buf_free(&der);
}

static void
timestamps(void **state)
{
	struct buf key = pki_file("certs/tsa/gw.key"), cert = pki_file("certs/tsa/gw.pem"),
		   token = {0};
	struct buf fkey = pki_file("foreign/certs/tsa/gw.key"),
		   fcert = pki_file("foreign/certs/tsa/gw.pem");
	uint8_t digest[DIGEST_BYTES] = {7}, other[DIGEST_BYTES] = {8};
	int64_t now = time_now_ms(), at;
	struct identity id;
	struct tsa *tsa;

	assert_ok(tsa_new(key.data, key.len, cert.data, cert.len, &tsa, &e), &e);
	assert_ok(tsa_stamp(tsa, digest, now, &token, &e), &e);
	assert_ok(timestamp_verify(token.data, token.len, digest, trust, &at, &id, &e), &e);
	assert_int_equal(at, now);
	assert_string_equal(id.by, "tsa/gw");
	assert_refused(timestamp_verify(token.data, token.len, other, trust, &at, &id, &e), &e,
		       ERR_DIGEST);
	assert_refused(timestamp_verify(token.data, token.len - 1, digest, trust, &at, &id, &e), &e,
		       ERR_FORMAT);
	token.data[token.len - 20] ^= 1; /* inside the signature value */
	assert_refused(timestamp_verify(token.data, token.len, digest, trust, &at, &id, &e), &e,
		       ERR_SIGNATURE);
	tsa_free(tsa);
	buf_clear(&token);
	assert_ok(tsa_new(fkey.data, fkey.len, fcert.data, fcert.len, &tsa, &e), &e);
	assert_ok(tsa_stamp(tsa, digest, now, &token, &e), &e);
	assert_refused(timestamp_verify(token.data, token.len, digest, trust, &at, &id, &e), &e,
		       ERR_CERTIFICATE);
	tsa_free(tsa);
	assert_refused(tsa_new(key.data, key.len, fcert.data, fcert.len, &tsa, &e), &e, ERR_SECRET);
	buf_wipe(&key);
	buf_wipe(&fkey);
	buf_free(&cert);
	buf_free(&fcert);
	buf_free(&token);
}

static void
keys_fit_or_do_not(void **state)
{
	struct buf key = pki_file("certs/agency-seal/uhcw_emergency.key"),
		   pem = pki_file("certs/agency-seal/uhcw_emergency.pem");
	struct buf other = pki_file("certs/agency-seal/csc_duty.key"), der = {0}, made = {0};
	uint8_t raw[KEY_BYTES];
	struct identity id;

	assert_ok(identity_pem_to_der(pem.data, pem.len, &der, &e), &e);
	assert_ok(identity_parse(der.data, der.len, &id, &e), &e);
	assert_int_equal(id.profile, PROFILE_AGENCY_SEAL);
	assert_string_equal(id.name, "uhcw/emergency");
	assert_int_equal(identity_key_fits(key.data, key.len, der.data, der.len, &e), 1);
	assert_int_equal(identity_key_fits(other.data, other.len, der.data, der.len, &e), 0);
	assert_ok(identity_x25519_secret(key.data, key.len, raw, &e), &e);
	assert_ok(identity_new_key("P-256", &made, &e), &e);
	assert_refused(identity_x25519_secret(made.data, made.len, raw, &e), &e, ERR_SECRET);
	buf_clear(&der);
	assert_ok(identity_request(made.data, made.len, "agency-sign uhcw", &der, &e), &e);
	assert_non_null(strstr(buf_str(&der), "BEGIN CERTIFICATE REQUEST"));
	buf_wipe(&key);
	buf_wipe(&other);
	buf_wipe(&made);
	buf_free(&pem);
	buf_free(&der);
}

static int
set_up(void **state)
{
	trust = pki_trust();
	return 0;
}

static int
tear_down(void **state)
{
	trust_free(trust);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_signature_names_its_signer),
	    cmocka_unit_test(altered_certificate_is_not_taken_for_a_kept_one),
	    cmocka_unit_test(two_signers_and_a_countersigner),
	    cmocka_unit_test(each_bad_certificate_has_its_refusal),
	    cmocka_unit_test(a_signature_is_not_of_after_its_judgement),
	    cmocka_unit_test(selfmade_certificate_is_refused),
	    cmocka_unit_test(any_flipped_byte_is_caught),
	    cmocka_unit_test(stock_openssl_agrees),
	    cmocka_unit_test(missing_or_old_crl_refuses_live_only),
	    cmocka_unit_test(timestamps),
	    cmocka_unit_test(keys_fit_or_do_not),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
