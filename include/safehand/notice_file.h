/* notice_file.h - a notice as it travels and lies in a mailbox: the framing of a bundle (bundle.h)
 * whose manifest is the notice's text, with 0 slots and a payload of 0 bytes. bundle_head_parse
 * refuses that head: nobody but the gateway makes one. */
#ifndef SAFEHAND_NOTICE_FILE_H
#define SAFEHAND_NOTICE_FILE_H

#include "safehand/buf.h"
#include "safehand/identity.h"
#include "safehand/notice.h"

#define NOTICE_FILE_MAX                                                                            \
	(BUNDLE_FIXED_BYTES + NOTICE_MAX_BYTES + SIGNATURE_MAX_BYTES) /* bytes, all of it */

struct notice_file { /* the parts point into the bytes that were parsed */
	const uint8_t *text, *signature;
	size_t text_len, signature_len;
};

/* Does such a head begin a notice: SHB1, no slots, no payload? */
bool notice_file_is(const uint8_t fixed[static BUNDLE_FIXED_BYTES]);
/* The whole of bytes. ERR_FORMAT: no such head, longer or shorter than it says, a text that is no
 * notice's; ERR_LIMIT. The text itself is not parsed. Pure. */
int notice_file_parse(const void *bytes, size_t len, struct notice_file *out, struct err *e)
    __attribute__((warn_unused_result));
void notice_file_format(const void *text, size_t text_len, const void *signature,
			size_t signature_len, struct buf *out);
/* The signature, by one gateway-sign certificate that trust_check accepts, and then the text.
 * ERR_SIGNATURE (also more than one signer), what trust_check says, what notice_parse says. */
int notice_verify(const struct notice_file *f, struct trust *t, int64_t at_ms, enum trust_mode mode,
		  struct notice *out, struct identity *signer, struct err *e)
    __attribute__((warn_unused_result));

#endif
