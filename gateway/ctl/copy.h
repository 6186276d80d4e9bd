/* copy.h - the files of a data folder that a backup has, copied with their digests. Runs in:
 * safehandctl. */
#ifndef CTL_COPY_H
#define CTL_COPY_H

#include <stdbool.h>

#include "safehand/buf.h"
#include "safehand/digest.h"
#include "safehand/err.h"

#define COPY_NAME_MAX 128 /* bundles/ab/ID.slots and shorter */

/* Names below a data or backup folder: the ledger, segments, bundles; nothing else is copied. */
bool copy_is_name(const char *name);
/* The file `name` of one folder to the same name in another, which must not have it; the folders in
 * between are made. Blocks of zeros become holes; owner and mode are kept as far as one may;
 * synced. sha256 is of its bytes. */
int copy_file(int from, int to, const char *name, uint8_t sha256[static DIGEST_BYTES],
	      struct err *e);
/* each() for every file of the folder that copy_is_name knows. */
int copy_each(int from, int (*each)(void *ctx, const char *name, struct err *e), void *ctx,
	      struct err *e);
/* A small file of our own, synced; its owner is the folder's. */
int copy_text(int to, const char *name, const void *p, size_t n, struct err *e);
/* Folder and file system, at the end. */
int copy_sync(int folder, struct err *e);

#endif
