/* blocks.h - a file read or written in whole blocks, whatever pieces its bytes are wanted or come
 * in. A block lies in its pages as its bytes do in the file's: where the two differ by a few bytes
 * the kernel copies up to ten times slower (measured). */
#ifndef CLIENT_BLOCKS_H
#define CLIENT_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "safehand/err.h"

#define BLOCKS_BYTES (256 * 1024) /* of a block */

/* {0} is valid. Either read or written: never both. */
struct blocks {
	uint8_t *bytes;	   /* heap, BLOCKS_BYTES, page aligned; NULL until the first use */
	uint64_t base;	   /* of bytes[0] in the file, a multiple of BLOCKS_BYTES */
	size_t begin, end; /* what is there of it; equal: nothing */
};

/* Up to *n bytes of fd from offset at on; *n: how many came, 0 at the file's end. ERR_SYSTEM. */
int blocks_read(struct blocks *b, int fd, uint64_t at, void *out, size_t *n, struct err *e)
    __attribute__((warn_unused_result));
/* n bytes for offset at on, which is where the last ones ended, or anywhere after a flush. They may
 * wait for their block to be full. ERR_SYSTEM, ERR_STORAGE. */
int blocks_write(struct blocks *b, int fd, uint64_t at, const void *p, size_t n, struct err *e)
    __attribute__((warn_unused_result));
/* What waits is written. */
int blocks_flush(struct blocks *b, int fd, struct err *e) __attribute__((warn_unused_result));
void blocks_free(struct blocks *b); /* what waits is dropped; {0} after */

#endif
