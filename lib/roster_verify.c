/* roster_verify.c - the roster's log key and signature, and which certificate of a mailbox holds.
 * Runs in: verify, client. Trusts: the root; no byte before the signature holds. */
#include <assert.h>
#include <string.h>

#include "safehand/bundle.h"
#include "safehand/digest.h"
#include "safehand/roster.h"
#include "safehand/signature.h"
#include "safehand/time.h"

int
roster_parse(const void *text, size_t len, struct roster **out, struct err *e)
{
	struct roster *r = NULL;

	if (roster_read(text, len, &r, e) < 0)
		return -1;
	if (note_key_parse(r->log_text, strlen(r->log_text), &r->log, e) < 0) {
		roster_free(r);
		return err_wrap(e, "roster.log");
	}
	*out = r;
	return 0;
}

int
roster_verify(const void *bytes, size_t len, struct trust *t, int64_t at_ms, enum trust_mode mode,
	      struct roster **out, struct identity *signer, uint8_t *content_sha256, struct err *e)
{
	struct identity ids[SIGNERS_MAX];
	struct roster *r = NULL;
	struct signed_file f;
	char expired[TIME_TEXT];
	size_t n;

	if (signed_parse(bytes, len, ROSTER_MAX_BYTES, &f, e) < 0 ||
	    signature_verify(f.content, f.content_bytes, f.signature, f.signature_bytes, t,
			     PROFILE_BIT(PROFILE_ROSTER_SIGN), at_ms, mode, ids, &n, e) < 0 ||
	    roster_parse(f.content, f.content_bytes, &r, e) < 0)
		return -1;
	assert(r != NULL);
	if (r->expires_ms <= at_ms) {
		time_format(expired, r->expires_ms);
		roster_free(r);
		return err_set(e, ERR_EXPIRED,
			       "roster: expired at %s: the administrator must sign a new one "
			       "(pki/roster)",
			       expired);
	}
	assert(n > 0);
	if (signer != NULL)
		*signer = ids[0];
	if (content_sha256 != NULL)
		digest_of(f.content, f.content_bytes, content_sha256);
	*out = r;
	return 0;
}

int
roster_key(const struct roster_mailbox *m, struct trust *t, int64_t at_ms, struct identity *out,
	   struct err *e)
{
	struct err why;

	err_set(e, ERR_CERTIFICATE, "it has no certificate");
	for (size_t i = 0; i < m->ncertificates; i++) {
		int rc =
		    trust_check(t, m->certificates[i].der, m->certificates[i].len,
				PROFILE_BIT(PROFILE_AGENCY_SEAL), at_ms, TRUST_LIVE, out, &why);

		if (rc == 0 && strcmp(out->name, m->name) == 0)
			return 0;
		if (rc == 0)
			err_set(&why, ERR_PROFILE, "its certificate is %s's", out->name);
		if (i == 0) /* the newest: what is wrong with that one matters */
			*e = why;
	}
	return err_wrap(e, "%s", m->name);
}
