/* manifest.h - the part of a bundle that the gateway reads: who sends what to whom. JSON, strict,
 * at most 64 KiB. */
#ifndef SAFEHAND_MANIFEST_H
#define SAFEHAND_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"
#include "safehand/limits.h"
#include "safehand/name.h"

#define MANIFEST_NO_TIME INT64_MIN /* event_at is null */
#define DUE_TEXT	 11	   /* YYYY-MM-DD and the NUL */

enum concern { CONCERN_NONE, CONCERN_INCONCLUSIVE, CONCERN_ACTIVE };
const char *concern_name(enum concern c); /* NULL for none */

struct recipient {
	char mailbox[NAME_MAILBOX];
	bool cover;		   /* "as": "cover", else "to" */
	char covers[NAME_MAILBOX]; /* "for": with cover, a mailbox that is named as "to" */
	uint8_t key[DIGEST_BYTES]; /* SHA-256 of the certificate that its slot is sealed for */
};

struct action {
	int64_t n; /* number in the cover sheet, 1.. */
	char owner[NAME_MAILBOX];
	char due[DUE_TEXT];
};

struct manifest {
	char id[UUID_TEXT];
	int64_t created_ms, event_at_ms; /* whole seconds; event_at may be MANIFEST_NO_TIME */
	char from[NAME_MAILBOX];
	char klass[NAME_CLASS];
	bool provisional; /* "status": "provisional", else "final" */
	char about[ABOUT_MAX][ABOUT_TEXT];
	size_t nabout;
	struct recipient *to; /* heap; 1..RECIPIENTS_MAX, in the order of the slots */
	size_t nto;
	struct action actions[ACTIONS_MAX];
	size_t nactions;
	char reply_to[UUID_TEXT], supersedes[UUID_TEXT]; /* empty: null */
	enum concern concern;
	uint8_t slots_sha256[DIGEST_BYTES], payload_sha256[DIGEST_BYTES],
	    key_commitment[DIGEST_BYTES];
	uint64_t payload_bytes;
};

/* The whole text into *out (manifest_free it). ERR_FORMAT or ERR_LIMIT naming the member. Pure. */
int manifest_parse(const void *text, size_t len, struct manifest **out, struct err *e);
void manifest_free(struct manifest *m);
/* The text of a manifest that is within its limits; ERR_LIMIT over 64 KiB. */
int manifest_format(const struct manifest *m, struct buf *text, struct err *e);

#endif
