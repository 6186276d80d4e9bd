/* zstd_frame.c - watches a zstd stream go by. Runs in: client. Pure. Trusts: no byte. libarchive's
 * filter takes frame after frame, hides bytes in skippable ones, and allocates windows of 128 MiB.
 */
#include <string.h>

#include "zstd_frame.h"

#define MAGIC_BYTES    4
#define BLOCK_HEAD     3
#define BLOCK_MAX      (128 * 1024) /* RFC 8878 section 3.1.1.2.4 */
#define CHECKSUM_BYTES 4

enum part { PART_HEAD, PART_BLOCK, PART_CONTENT, PART_CHECKSUM, PART_DONE };
enum block { BLOCK_RAW, BLOCK_RLE, BLOCK_COMPRESSED, BLOCK_RESERVED };

static uint64_t
little(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n > 0)
		v = v << 8 | p[--n];
	return v;
}

/* Bytes of the frame header's last field, from its descriptor (section 3.1.1.1.1). */
static size_t
size_bytes(uint8_t descriptor)
{
	static const size_t bytes[] = {0, 2, 4, 8};
	bool single = descriptor & 0x20;

	return descriptor >> 6 == 0 && single ? 1 : bytes[descriptor >> 6];
}

/* How many bytes of magic and header there are, as far as they have come. */
static size_t
head_bytes(const struct zstd_frame *z)
{
	uint8_t d;

	if (z->n <= MAGIC_BYTES)
		return MAGIC_BYTES + 1;
	d = z->head[MAGIC_BYTES];
	return MAGIC_BYTES + 1 + (d & 0x20 ? 0 : 1) + size_bytes(d);
}

/* Section 3.1.1.1.2; a single segment's window is its content. */
static uint64_t
window(const uint8_t *head)
{
	uint8_t d = head[MAGIC_BYTES], w = head[MAGIC_BYTES + 1];
	uint64_t base = UINT64_C(1) << (10 + (w >> 3));

	if (d & 0x20)
		return little(head + MAGIC_BYTES + 1, size_bytes(d));
	return base + base / 8 * (w & 7);
}

static int
take_head(struct zstd_frame *z, struct err *e)
{
	uint8_t d = z->head[MAGIC_BYTES];

	if (little(z->head, MAGIC_BYTES) != 0xFD2FB528)
		return err_set(e, ERR_ARCHIVE, "archive: not packed with zstd");
	if (d & 0x0B) /* a reserved bit, or the id of a dictionary that we do not have */
		return err_set(e, ERR_ARCHIVE, "archive: a zstd frame of another kind");
	if (window(z->head) > ZSTD_WINDOW_MAX)
		return err_set(e, ERR_ARCHIVE, "archive: zstd window of %llu bytes, limit %llu",
			       (unsigned long long)window(z->head),
			       (unsigned long long)ZSTD_WINDOW_MAX);
	z->has_checksum = d & 0x04;
	z->part = PART_BLOCK;
	z->n = 0;
	return 0;
}

/* Section 3.1.1.2. */
static int
take_block(struct zstd_frame *z, struct err *e)
{
	uint64_t v = little(z->head, BLOCK_HEAD);
	enum block type = v >> 1 & 3;

	if (type == BLOCK_RESERVED || v >> 3 > BLOCK_MAX)
		return err_set(e, ERR_ARCHIVE, "archive: a zstd block of another kind");
	z->last = v & 1;
	z->left = type == BLOCK_RLE ? 1 : v >> 3;
	z->part = PART_CONTENT;
	z->n = 0;
	return 0;
}

static void
after_content(struct zstd_frame *z)
{
	if (z->part == PART_CONTENT && z->last && z->has_checksum) {
		z->part = PART_CHECKSUM;
		z->left = CHECKSUM_BYTES;
	} else {
		z->part = z->part == PART_CONTENT && !z->last ? PART_BLOCK : PART_DONE;
	}
}

int
zstd_frame_add(struct zstd_frame *z, const void *bytes, size_t n, struct err *e)
{
	const uint8_t *p = bytes, *end = p + n;

	while (p < end) {
		size_t take = (size_t)(end - p);

		switch ((enum part)z->part) {
		case PART_HEAD:
			z->head[z->n++] = *p++;
			if (z->n == head_bytes(z) && take_head(z, e) < 0)
				return -1;
			break;
		case PART_BLOCK:
			z->head[z->n++] = *p++;
			if (z->n == BLOCK_HEAD && take_block(z, e) < 0)
				return -1;
			break;
		case PART_CONTENT:
		case PART_CHECKSUM:
			take = take < z->left ? take : (size_t)z->left;
			z->left -= take;
			p += take;
			break;
		case PART_DONE: return err_set(e, ERR_ARCHIVE, "archive: bytes after its end");
		}
		if ((z->part == PART_CONTENT || z->part == PART_CHECKSUM) && z->left == 0)
			after_content(z);
	}
	return 0;
}

bool
zstd_frame_is_done(const struct zstd_frame *z)
{
	return z->part == PART_DONE;
}
