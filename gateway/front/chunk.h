/* chunk.h - the chunked coding of a body, strictly (RFC 9112 section 7.1). Runs in: front. Pure. */
#ifndef FRONT_CHUNK_H
#define FRONT_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNK_LINE_MAX                                                                             \
	272 /* bytes of a size line: 16 digits and an extension, which is ignored                  \
	     */

/* {0} is ready for a body. */
struct chunk {
	int state;
	uint64_t size;	    /* of this chunk, while its line is read; then what is left of it */
	unsigned digits;    /* of the size */
	unsigned line;	    /* bytes of the line so far */
	const char *reason; /* of a refusal; static string */
};

/* Takes bytes from p until there are data, the end, or nothing more: *used of them. 1: *data, *len
 * are a piece of the body inside p, of at most most bytes; call again with the rest. 0: the whole
 * of p is used, or the body is at its end (chunk_is_done); what follows is not looked at. -1:
 * refused (400). Trailer fields are refused: nothing here has a use for them. */
int chunk_decode(struct chunk *c, const uint8_t *p, size_t n, size_t most, size_t *used,
		 const uint8_t **data, size_t *len);
bool chunk_is_done(const struct chunk *c);

#endif
