/* zstd_frame.h - watches a zstd stream go by (RFC 8878 section 3.1): one frame, and its window. */
#ifndef ZSTD_FRAME_H
#define ZSTD_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/err.h"

/* RFC 8878 section 3.1.1.1.2: what every decoder should support; a larger one costs memory. */
#define ZSTD_WINDOW_MAX ((uint64_t)8 * 1024 * 1024)

/* Zero-initialised: before the first byte. */
struct zstd_frame {
	int part;	  /* of the frame: which comes now */
	uint8_t head[18]; /* what has come of magic and frame header, or of a block header */
	size_t n;	  /* bytes in head */
	uint64_t left;	  /* of a block's content, or of the checksum */
	bool last;	  /* the block under way is the last */
	bool has_checksum;
};

/* The next bytes. ERR_ARCHIVE: no zstd, a skippable frame, a dictionary, a window too large, bytes
 * after the frame. */
int zstd_frame_add(struct zstd_frame *z, const void *p, size_t n, struct err *e)
    __attribute__((warn_unused_result));
/* Whether the frame is whole. */
bool zstd_frame_is_done(const struct zstd_frame *z);

#endif
