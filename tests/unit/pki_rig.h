/* pki_rig.h - signers and trust from the test PKI, for the tests that need both. */
#ifndef TESTS_PKI_RIG_H
#define TESTS_PKI_RIG_H

#include "tap.h"

#include "safehand/signature.h"

/* From $PKI/STEM.key and $PKI/STEM.pem; signer_free it. */
static inline struct signer *
pki_signer(const char *stem)
{
	struct buf key, cert;
	char name[256];
	struct signer *s;
	struct err e;

	snprintf(name, sizeof name, "%s.key", stem);
	key = pki_file(name);
	snprintf(name, sizeof name, "%s.pem", stem);
	cert = pki_file(name);
	assert_ok(signer_new(key.data, key.len, cert.data, cert.len, &s, &e), &e);
	buf_wipe(&key);
	buf_free(&cert);
	return s;
}

/* Root, issuing CA and CRL; trust_free it. */
static inline struct trust *
pki_trust(void)
{
	struct buf root = pki_file("trust/root.pem"), issuing = pki_file("trust/issuing.pem"),
		   crl = pki_file("trust/crl.pem");
	struct trust *t;
	struct err e;

	assert_ok(trust_new(&root, &issuing, &crl, &t, &e), &e);
	buf_free(&root);
	buf_free(&issuing);
	buf_free(&crl);
	return t;
}

#endif
