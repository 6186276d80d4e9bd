/* identity.h - certificates: who they name, for which act, and whether to trust them (RFC 5280). */
#ifndef SAFEHAND_IDENTITY_H
#define SAFEHAND_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "safehand/err.h"
#include "safehand/limits.h"
#include "safehand/name.h"

struct buf;

/* A profile is one extended key usage, one form of name, one kind of key: see pki/common.sh. */
enum profile {
	PROFILE_AGENCY_TLS,
	PROFILE_AGENCY_SEAL,
	PROFILE_AGENCY_SIGN,
	PROFILE_PERSON_SIGN,
	PROFILE_GATEWAY_TLS,
	PROFILE_GATEWAY_SIGN,
	PROFILE_TSA,
	PROFILE_ROSTER_SIGN,
	PROFILES
};
#define PROFILE_BIT(p) (1u << (p))
const char *profile_name(enum profile p); /* "agency-tls" */

struct identity {
	enum profile profile;
	char by[NAME_BY]; /* the SAN URI without its scheme: "agency/uhcw", "person/uhcw/j.patel",
			     "mailbox/…" */
	char name[NAME_MAILBOX];    /* after the kind: "uhcw", "uhcw/j.patel" */
	char agency[NAME_AGENCY];   /* of agency, mailbox, person; else "" */
	uint8_t cert[DIGEST_BYTES]; /* SHA-256 of the DER: the fingerprint */
	uint8_t
	    x25519[KEY_BYTES]; /* agency-seal: the public key to seal to (RFC 7748); else zero */
	int64_t not_before_ms, not_after_ms;
};

/* Recognises the profile from extended key usage, name, key usage and key. No chain is looked at.
 * ERR_CERTIFICATE: not one whole DER certificate; ERR_PROFILE: none of ours. Pure. */
int identity_parse(const void *der, size_t len, struct identity *out, struct err *e);
/* The first certificate of PEM text as DER, appended to der. */
int identity_pem_to_der(const void *pem, size_t len, struct buf *der, struct err *e);
/* 1 if the PEM private key belongs to the certificate, 0 if not, -1 on error. */
int identity_key_fits(const void *key_pem, size_t key_len, const void *der, size_t der_len,
		      struct err *e);
/* The same for a public key in PEM, as identity_public_key writes it. */
int identity_public_fits(const void *public_pem, size_t len, const void *der, size_t der_len,
			 struct err *e);
/* The raw 32 bytes of an X25519 private key in PEM (PKCS#8, RFC 8410). */
int identity_x25519_secret(const void *key_pem, size_t len, uint8_t out[static KEY_BYTES],
			   struct err *e);
/* A new key ("P-256" or "X25519") in PEM, PKCS#8. */
int identity_new_key(const char *kind, struct buf *key_pem_secret, struct err *e);
/* A PKCS#10 request in PEM that proves possession of a P-256 key; subject is its common name. */
int identity_request(const void *key_pem, size_t len, const char *subject, struct buf *pem,
		     struct err *e);
/* The public key of a private one, PEM. */
int identity_public_key(const void *key_pem, size_t len, struct buf *pem, struct err *e);

/* Whom we trust: one root, the issuing CAs between, their revocations. */
struct trust;

enum trust_mode {
	TRUST_LIVE, /* at_ms is now: each CA of the chain must have a current CRL, else ERR_REVOKED
		     */
	TRUST_HISTORIC, /* at_ms may be long ago: CRLs serve if they are there; revocations after
			   at_ms do not count */
};

/* root: PEM, one or more certificates, all trusted. issuing, crl: PEM, may be NULL or empty. */
int trust_new(const struct buf *root, const struct buf *issuing, const struct buf *crl,
	      struct trust **out, struct err *e);
void trust_free(struct trust *t);
/* For so long beyond its next update a CRL still counts as current. 0 unless this is called. */
void trust_set_crl_grace(struct trust *t, int64_t ms);
/* A signature says when it was made, by its signer's clock. That is a claim: at_ms decides. A claim
 * that cannot be true is refused: of later than at_ms, of before the certificate was valid; each
 * by more than clocks may differ, ms. Unless this is called a day, the most that the gateway's
 * clock-skew may be set to: what a gateway took is taken by everybody. */
#define SIGNING_SKEW_MS (24 * 3600 * INT64_C(1000))
void trust_set_skew(struct trust *t, int64_t ms);
/* When the first of the CRLs in PEM text is due to be replaced. -1: there is no CRL, or one that
 * has no such date. */
int trust_crls_end(const void *pem, size_t len, int64_t *end_ms);
/* Adds issuing CAs in DER (from a roster or a signature); they must still lead to the root. */
int trust_add_issuing(struct trust *t, const void *der, size_t len, struct err *e);

/* Chain to the root at at_ms, revocation, profile among profiles (mask of PROFILE_BIT). A verdict
 * on a chain is kept by certificate, so that the next use of the same certificate costs no
 * signature check. ERR_CERTIFICATE no chain · ERR_EXPIRED outside validity · ERR_REVOKED ·
 * ERR_PROFILE. */
int trust_check(struct trust *t, const void *der, size_t len, unsigned profiles, int64_t at_ms,
		enum trust_mode mode, struct identity *out, struct err *e);

/* For the doors that must hand OpenSSL's own objects about (signature.c, timestamp.c); NULL-safe.
 */
struct x509_st;
struct x509_store_st;
int trust_check_x509(struct trust *t, struct x509_st *x, unsigned profiles, int64_t at_ms,
		     enum trust_mode mode, struct identity *out, struct err *e);

#endif
