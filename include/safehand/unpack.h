/* unpack.h - documents out of an archive that may be hostile: plain files with plain names beneath
 * one folder, or a refusal. As a stream, in constant memory. */
#ifndef SAFEHAND_UNPACK_H
#define SAFEHAND_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"
#include "safehand/err.h"
#include "safehand/limits.h"

/* Gives the next packed bytes, valid until the next call; *n = 0 at the end. -1 with err stops. */
typedef int unpack_source(void *ctx, const void **p, size_t *n, struct err *e);

struct unpack; /* an archive being read */

/* max_bytes: all documents together; 0: DOCUMENTS_TOTAL_MAX. The process must have a UTF-8
 * LC_CTYPE. Every refusal of this file is ERR_ARCHIVE, unless source says another. */
int unpack_begin(unpack_source *source, void *ctx, uint64_t max_bytes, struct unpack **out,
		 struct err *e) __attribute__((warn_unused_result));
/* 1: an entry, its name (one that name_is_document allows) and size; 0: the end, and source has
 * given all; -1: refused. The first is cover.json, of at most COVER_MAX_BYTES, and no other is.
 * Refused are: what is no regular file (links, devices, fifos, folders), sparse files, names that
 * are no document's or stand twice (also but for the case of letters), more than DOCUMENTS_MAX
 * documents, too many bytes, expansion beyond EXPANSION_MAX, anything but one zstd frame with a
 * window of at most 8 MiB around one tar. What is left of the entry before must have been taken. */
int unpack_next(struct unpack *u, char name[static DOCUMENT_NAME_MAX + 1], uint64_t *size,
		struct err *e) __attribute__((warn_unused_result));
/* The entry's bytes, appended to out: for the cover sheet. */
int unpack_text(struct unpack *u, struct buf *out, struct err *e)
    __attribute__((warn_unused_result));
/* The entry as a new file (mode 0600, synced) under its name in dir_fd; dir_fd -1: nothing is
 * written. sha256 takes its digest. */
int unpack_file(struct unpack *u, int dir_fd, uint8_t sha256[static DIGEST_BYTES], struct err *e)
    __attribute__((warn_unused_result));
void unpack_free(struct unpack *u); /* NULL is fine */

#endif
