/* notice_file.c - a notice as it travels: the framing of a bundle without slots and payload, and
 * its judging. Runs in: store (frames), client (judges). Pure. Trusts: no length, no byte. */
#include <string.h>

#include "safehand/bundle.h"
#include "safehand/notice_file.h"
#include "safehand/enc.h"

bool
notice_file_is(const uint8_t fixed[static BUNDLE_FIXED_BYTES])
{
	return memcmp(fixed, "SHB1", 4) == 0 && be32_get(fixed + 12) == 0 &&
	       be64_get(fixed + 16) == 0;
}

int
notice_file_parse(const void *bytes, size_t len, struct notice_file *out, struct err *e)
{
	const uint8_t *p = bytes;
	size_t text, signature;

	if (len < BUNDLE_FIXED_BYTES || !notice_file_is(p))
		return err_set(e, ERR_FORMAT,
			       "notice: no head of a notice: SHB1, 0 slots, payload of 0 bytes");
	text = be32_get(p + 4);
	signature = be32_get(p + 8);
	if (text > NOTICE_MAX_BYTES || signature > SIGNATURE_MAX_BYTES)
		return err_set(e, ERR_LIMIT,
			       "notice: text of %zu bytes (limit %d), signature of %zu (limit %d)",
			       text, NOTICE_MAX_BYTES, signature, SIGNATURE_MAX_BYTES);
	if (text == 0 || signature == 0)
		return err_set(e, ERR_FORMAT, "notice: text or signature is empty");
	if (BUNDLE_FIXED_BYTES + text + signature != len)
		return err_set(e, ERR_FORMAT, "notice: %zu bytes, its head says %zu", len,
			       BUNDLE_FIXED_BYTES + text + signature);
	if (!notice_is(p + BUNDLE_FIXED_BYTES, text))
		return err_set(e, ERR_FORMAT,
			       "notice: a bundle without slots and payload, and no notice");
	*out = (struct notice_file){p + BUNDLE_FIXED_BYTES, p + BUNDLE_FIXED_BYTES + text, text,
				    signature};
	return 0;
}

void
notice_file_format(const void *text, size_t text_len, const void *signature, size_t signature_len,
		   struct buf *out)
{
	uint8_t fixed[BUNDLE_FIXED_BYTES];
	struct bundle_head head = {.manifest_bytes = (uint32_t)text_len,
				   .signature_bytes = (uint32_t)signature_len};

	bundle_head_format(&head, fixed);
	buf_add(out, fixed, sizeof fixed);
	buf_add(out, text, text_len);
	buf_add(out, signature, signature_len);
}
