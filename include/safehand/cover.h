/* cover.h - the cover sheet (cover.json): what people need to know, seen by recipients only. JSON,
 * strict.
 *
 * Members ("?": may be absent):
 *	safehand_cover   1
 *	id, from, to     as in the manifest; to: the mailboxes of all recipients, in its order
 *	documents        [{name, type, size, sha256}]
 *	title?           a line
 *	people?          [{name, role?, born?, identifiers? [{kind, value}], household?}]
 *	meeting?, event? {at, kind?, place?, chair?}       at: a date, or a time in UTC
 *	attendees?       [{name, role?}]; apologies? likewise
 *	decisions?       [{text, reason?, dissent?}]
 *	actions?         [{n, owner, due, text}]            n, owner, due as in the manifest
 *	medical_opinion? accidental | non-accidental | inconclusive | none (none was asked for)
 *	language?, interpreter?                             a line each
 *	measurements?    [{date, height_mm?, weight_g?, person?}]
 * A draft, which a person writes, is the same without id, from, to and documents.
 */
#ifndef SAFEHAND_COVER_H
#define SAFEHAND_COVER_H

#include "safehand/buf.h"
#include "safehand/err.h"
#include "safehand/limits.h"
#include "safehand/manifest.h"

#define COVER_NAME	"cover.json" /* its name in the archive; no document may be called so */
#define MEDIA_TYPE_TEXT 128	     /* type/subtype (RFC 6838 section 4.2) and the NUL */

struct cover;

/* A document as its cover sheet names it. */
struct cover_document {
	char name[DOCUMENT_NAME_MAX + 1];
	char type[MEDIA_TYPE_TEXT];
	uint64_t size;
	uint8_t sha256[DIGEST_BYTES];
};

/* The whole sheet as it stands inside a bundle: id, from, to and documents must be there.
 * ERR_FORMAT naming the member, ERR_LIMIT; ERR_ARCHIVE for a document's name that is hostile or
 * stands twice (also but for the case of letters). Pure. */
int cover_parse(const void *text, size_t len, struct cover **out, struct err *e)
    __attribute__((warn_unused_result));
/* What a person wrote before sending: id, from, to, documents must not be there. */
int cover_parse_draft(const void *text, size_t len, struct cover **out, struct err *e)
    __attribute__((warn_unused_result));
/* An empty draft. */
struct cover *cover_new(void);
void cover_free(struct cover *c); /* NULL is fine */

/* Fills a draft in: the manifest's id, from and recipients, and the documents; appends the text of
 * the whole sheet, what the person wrote as it was. ERR_LIMIT over COVER_MAX_BYTES; what
 * cover_parse refuses. */
int cover_complete(const struct cover *draft, const struct manifest *m,
		   const struct cover_document *documents, size_t n, struct buf *text,
		   struct err *e) __attribute__((warn_unused_result));
/* The sheet names the same id, sender and recipients as the manifest: else ERR_DIGEST naming which.
 * Stops ciphertext that was signed anew and forwarded under a false flag. */
int cover_match(const struct cover *c, const struct manifest *m, struct err *e)
    __attribute__((warn_unused_result));

/* The media type that a file's name suggests by its suffix; never NULL. Static string. */
const char *cover_media_type(const char *name);
size_t cover_documents(const struct cover *c);
const struct cover_document *cover_document(const struct cover *c, size_t i);
/* Number, owner and date of each action, as the manifest wants them. Returns how many. */
size_t cover_actions(const struct cover *c, struct action out[static ACTIONS_MAX]);
/* The medical opinion, NULL if there is none. Lives as long as the sheet. */
const char *cover_opinion(const struct cover *c);
/* The sheet for a person at a terminal: clean UTF-8, a line or a paragraph per fact. */
void cover_show(const struct cover *c, struct buf *text);
/* The sheet's own text as it was parsed. */
void cover_text(const struct cover *c, struct buf *text);

#endif
