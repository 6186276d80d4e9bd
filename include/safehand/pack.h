/* pack.h - documents into one archive: pax tar, zstd; as a stream, in constant memory. The same
 * documents make the same bytes: no owners, no times. Reading stands in unpack.h. */
#ifndef SAFEHAND_PACK_H
#define SAFEHAND_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "safehand/err.h"
#include "safehand/limits.h"

/* Takes packed bytes; -1 with err stops the packing. */
typedef int pack_sink(void *ctx, const void *p, size_t n, struct err *e);

struct pack; /* an archive under way */

/* The process must have a UTF-8 LC_CTYPE, else names outside ASCII are refused (ERR_ARCHIVE). */
int pack_begin(pack_sink *sink, void *ctx, struct pack **out, struct err *e)
    __attribute__((warn_unused_result));
/* The next entry, of size bytes. The first must be the cover sheet, no name may come twice (that is
 * the caller's to see to). ERR_ARCHIVE: not a document's name (name.h). */
int pack_entry(struct pack *p, const char *name, uint64_t size, struct err *e)
    __attribute__((warn_unused_result));
/* Bytes of the entry in any portions. ERR_DIGEST: more than its size. */
int pack_data(struct pack *p, const void *bytes, size_t n, struct err *e)
    __attribute__((warn_unused_result));
/* The end of the archive. This and pack_entry: ERR_DIGEST if the entry before has fewer bytes than
 * its size. */
int pack_end(struct pack *p, struct err *e) __attribute__((warn_unused_result));
void pack_free(struct pack *p); /* NULL is fine; what was not ended is left as it is */

#endif
