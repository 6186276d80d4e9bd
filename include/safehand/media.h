/* media.h - a document is what its media type says, as far as its bytes show: how it begins, how it
 * ends, that text is text. Pure. Used by: bundle_write (before anything is sealed), tests. */
#ifndef SAFEHAND_MEDIA_H
#define SAFEHAND_MEDIA_H

#include <stddef.h>

#include "safehand/err.h"

struct media; /* a document that is being looked at */

/* PDF, PNG, JPEG, TIFF, ZIP, OpenDocument, Office Open XML, JSON, XML (also TYPE+json, TYPE+xml),
 * text, WAV, MP3, MP4, DICOM, mail. Of other types nothing is claimed, and nothing refused. */
struct media *media_new(const char *type);
/* Its bytes in order, in pieces of any size. */
void media_add(struct media *m, const void *p, size_t n);
/* All have come. ERR_FORMAT: "NAME: want TYPE, which …". */
int media_end(const struct media *m, const char *name, struct err *e)
    __attribute__((warn_unused_result));
void media_free(struct media *m); /* NULL is fine */

#endif
