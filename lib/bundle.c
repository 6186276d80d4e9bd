/* bundle.c - the framing of bundles and signed files. Runs in: front, store, verify, client. Pure.
 * Trusts: no length. */
#include <string.h>

#include "safehand/bundle.h"
#include "safehand/enc.h"

int
bundle_head_parse(const uint8_t fixed[static BUNDLE_FIXED_BYTES], struct bundle_head *out,
		  struct err *e)
{
	struct bundle_head h = {be32_get(fixed + 4), be32_get(fixed + 8), be32_get(fixed + 12),
				be64_get(fixed + 16)};

	if (memcmp(fixed, "SHB1", 4) != 0)
		return err_set(e, ERR_FORMAT, "bundle: does not begin with SHB1");
	if (h.manifest_bytes == 0 || h.signature_bytes == 0 || h.payload_bytes == 0)
		return err_set(e, ERR_FORMAT, "bundle: manifest, signature or payload is empty");
	if (h.manifest_bytes > MANIFEST_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "bundle: manifest of %u bytes, limit %d",
			       h.manifest_bytes, MANIFEST_MAX_BYTES);
	if (h.signature_bytes > SIGNATURE_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "bundle: signature of %u bytes, limit %d",
			       h.signature_bytes, SIGNATURE_MAX_BYTES);
	if (h.slots_bytes > SLOTS_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "bundle: slots of %u bytes, limit %d", h.slots_bytes,
			       SLOTS_MAX_BYTES);
	if (h.slots_bytes % SLOT_BYTES != 0)
		return err_set(e, ERR_FORMAT, "bundle: slots of %u bytes, want a multiple of %d",
			       h.slots_bytes, SLOT_BYTES);
	if (h.payload_bytes > PAYLOAD_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "bundle: payload of %llu bytes",
			       (unsigned long long)h.payload_bytes);
	*out = h;
	return 0;
}

void
bundle_head_format(const struct bundle_head *h, uint8_t fixed[static BUNDLE_FIXED_BYTES])
{
	memcpy(fixed, "SHB1", 4);
	be32_put(fixed + 4, h->manifest_bytes);
	be32_put(fixed + 8, h->signature_bytes);
	be32_put(fixed + 12, h->slots_bytes);
	be64_put(fixed + 16, h->payload_bytes);
}

size_t
bundle_head_bytes(const struct bundle_head *h)
{
	return BUNDLE_FIXED_BYTES + (size_t)h->manifest_bytes + h->signature_bytes + h->slots_bytes;
}

int
signed_parse(const void *bytes, size_t len, size_t max, struct signed_file *out, struct err *e)
{
	const uint8_t *p = bytes;
	size_t content, signature;

	if (len < SIGNED_FIXED_BYTES || memcmp(p, "SHS1", 4) != 0)
		return err_set(e, ERR_FORMAT, "signed file: does not begin with SHS1");
	content = be32_get(p + 4);
	signature = be32_get(p + 8);
	if (content == 0 || signature == 0)
		return err_set(e, ERR_FORMAT, "signed file: no %s inside",
			       content == 0 ? "content" : "signature");
	if (content > max || signature > SIGNATURE_MAX_BYTES)
		return err_set(
		    e, ERR_LIMIT,
		    "signed file: content of %zu bytes (limit %zu), signature of %zu (limit %d)",
		    content, max, signature, SIGNATURE_MAX_BYTES);
	if (SIGNED_FIXED_BYTES + content + signature != len)
		return err_set(e, ERR_FORMAT, "signed file: %zu bytes, its parts say %zu", len,
			       SIGNED_FIXED_BYTES + content + signature);
	*out = (struct signed_file){p + SIGNED_FIXED_BYTES, p + SIGNED_FIXED_BYTES + content,
				    content, signature};
	return 0;
}

void
signed_format(const void *content, size_t content_len, const void *signature, size_t signature_len,
	      struct buf *out)
{
	buf_adds(out, "SHS1");
	buf_be32(out, (uint32_t)content_len);
	buf_be32(out, (uint32_t)signature_len);
	buf_add(out, content, content_len);
	buf_add(out, signature, signature_len);
}
