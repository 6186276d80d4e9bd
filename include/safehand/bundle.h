/* bundle.h - the framing of a bundle (.shb) and of signed files (.shr, statements). Pure: bytes in,
 * offsets out. */
#ifndef SAFEHAND_BUNDLE_H
#define SAFEHAND_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"
#include "safehand/limits.h"

/* "SHB1" | u32 manifest | u32 signature | u32 slots | u64 payload, big-endian */
struct bundle_head {
	uint32_t manifest_bytes, signature_bytes,
	    slots_bytes; /* slots 0: as fetched from a mailbox */
	uint64_t payload_bytes;
};

/* The fixed part. ERR_FORMAT no magic, an empty part, slots that are no multiple of SLOT_BYTES;
 * ERR_LIMIT. */
int bundle_head_parse(const uint8_t fixed[static BUNDLE_FIXED_BYTES], struct bundle_head *out,
		      struct err *e);
void bundle_head_format(const struct bundle_head *h, uint8_t fixed[static BUNDLE_FIXED_BYTES]);
/* Bytes of everything ahead of the payload, the fixed part included. */
size_t bundle_head_bytes(const struct bundle_head *h);

/* "SHS1" | u32 content | u32 signature | content | signature. The whole of bytes; the parts point
 * into it. max: largest content. ERR_FORMAT, ERR_LIMIT. */
#define SIGNED_FIXED_BYTES 12 /* magic and two lengths */

struct signed_file {
	const uint8_t *content, *signature;
	size_t content_bytes, signature_bytes;
};
int signed_parse(const void *bytes, size_t len, size_t max, struct signed_file *out, struct err *e);
void signed_format(const void *content, size_t content_len, const void *signature,
		   size_t signature_len, struct buf *out);

#endif
