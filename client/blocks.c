/* blocks.c - a file read or written in whole blocks. Runs in: client. Owns: one block. */
#include "blocks.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_BYTES 4096
/* The beginning of a file that may stay in the machine's memory; of what is longer each block is
 * forgotten when it has been read, so that the next one is not for a page that must be got first.
 */
#define KEEP_BYTES (256 * 1024 * 1024)

/* An empty block that holds offset at. */
static int
begin_at(struct blocks *b, uint64_t at, struct err *e)
{
	if (b->bytes == NULL && (b->bytes = aligned_alloc(PAGE_BYTES, BLOCKS_BYTES)) == NULL)
		return err_sys(e, "memory for a block");
	b->begin = b->end = (size_t)(at % BLOCKS_BYTES);
	b->base = at - b->begin;
	return 0;
}

static int
fill(struct blocks *b, int fd, uint64_t at, struct err *e)
{
	ssize_t got;

	if (b->bytes != NULL && b->base >= KEEP_BYTES)
		posix_fadvise(fd, (off_t)b->base, BLOCKS_BYTES, POSIX_FADV_DONTNEED);
	if (begin_at(b, at, e) < 0)
		return -1;
	do
		got = pread(fd, b->bytes + b->begin, BLOCKS_BYTES - b->begin, (off_t)at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(e, "read");
	b->end += (size_t)got;
	return 0;
}

int
blocks_read(struct blocks *b, int fd, uint64_t at, void *out, size_t *n, struct err *e)
{
	size_t from, there;

	if ((at < b->base + b->begin || at >= b->base + b->end) && fill(b, fd, at, e) < 0)
		return -1;
	from = (size_t)(at - b->base);
	there = b->end - from;
	if (*n > there)
		*n = there;
	memcpy(out, b->bytes + from, *n);
	return 0;
}

int
blocks_flush(struct blocks *b, int fd, struct err *e)
{
	while (b->begin < b->end) {
		ssize_t k =
		    pwrite(fd, b->bytes + b->begin, b->end - b->begin, (off_t)(b->base + b->begin));

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return err_sys(e, "write");
		b->begin += (size_t)k;
	}
	return 0;
}

int
blocks_write(struct blocks *b, int fd, uint64_t at, const void *p, size_t n, struct err *e)
{
	const uint8_t *from = p;

	while (n > 0) {
		size_t take;

		if (b->begin == b->end && begin_at(b, at, e) < 0)
			return -1;
		assert(at == b->base + b->end);
		take = BLOCKS_BYTES - b->end;
		take = n < take ? n : take;
		memcpy(b->bytes + b->end, from, take);
		b->end += take;
		from += take;
		at += take;
		n -= take;
		if (b->end == BLOCKS_BYTES && blocks_flush(b, fd, e) < 0)
			return -1;
	}
	return 0;
}

void
blocks_free(struct blocks *b)
{
	free(b->bytes);
	*b = (struct blocks){0};
}
