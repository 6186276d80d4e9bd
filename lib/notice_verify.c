/* notice_verify.c - judges a notice: who signed it, then what it says. Runs in: client. Pure.
 * Trusts: the root, and no byte of the notice. */
#include "safehand/notice_file.h"
#include "safehand/signature.h"

int
notice_verify(const struct notice_file *f, struct trust *t, int64_t at_ms, enum trust_mode mode,
	      struct notice *out, struct identity *signer, struct err *e)
{
	struct identity ids[SIGNERS_MAX];
	size_t n = 0;

	if (signature_verify(f->text, f->text_len, f->signature, f->signature_len, t,
			     PROFILE_BIT(PROFILE_GATEWAY_SIGN), at_ms, mode, ids, &n, e) < 0)
		return err_wrap(e, "notice");
	if (n != 1)
		return err_set(e, ERR_SIGNATURE, "notice: %zu signers, want one", n);
	*signer = ids[0];
	return notice_parse(f->text, f->text_len, out, e);
}
