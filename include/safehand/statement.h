/* statement.h - what a recipient signs: that it collected, opened, read or answered a bundle; and
 * what its sender signs, who takes it back. JSON, strict. */
#ifndef SAFEHAND_STATEMENT_H
#define SAFEHAND_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/entry.h"
#include "safehand/err.h"
#include "safehand/identity.h"
#include "safehand/limits.h"
#include "safehand/name.h"

#define STATEMENT_CODE 64 /* bytes of a code, NUL included */

enum statement_kind {
	STATEMENT_COLLECTED,
	STATEMENT_OPENED,
	STATEMENT_READ,
	STATEMENT_ANSWERED,
	STATEMENT_WITHDRAWN, /* of its sender: mailbox is whom it is from */
	STATEMENT_KINDS
};
const char *statement_kind_name(enum statement_kind k); /* "collected" */

struct statement {
	enum statement_kind kind;
	char bundle[UUID_TEXT];
	char mailbox[NAME_MAILBOX];
	uint8_t manifest_sha256[DIGEST_BYTES];
	bool has_content; /* opened, read and answered; not collected, withdrawn, nor an opening
			     that failed */
	uint8_t content_sha256[DIGEST_BYTES];
	int64_t at_ms;		   /* whole seconds */
	char by[NAME_BY];	   /* the signer's name: "agency/uhcw", "person/uhcw/j.patel" */
	char code[STATEMENT_CODE]; /* "ok"; opened: also the name of an error; answered: accepted,
				      declined or done, ":N" may follow */
	char reply[UUID_TEXT];	   /* answered: a bundle that answers; empty: null */
};

/* The whole of text, strictly. ERR_FORMAT naming the member, ERR_LIMIT. Pure. */
int statement_parse(const void *text, size_t len, struct statement *out, struct err *e);
void statement_format(const struct statement *in, struct buf *text);

/* Who may sign it: a system's certificate for collected, opened and withdrawn, a person's for read
 * and answered; of the mailbox's agency, and named in "by". ERR_PROFILE, ERR_DENIED. Pure. */
int statement_check_signer(const struct statement *s, const struct identity *signer, struct err *e);
/* The event that it becomes in the log. */
enum entry_event statement_event(const struct statement *s);

#endif
