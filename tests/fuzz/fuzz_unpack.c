/* fuzz_unpack.c - whatever tar comes, unpack.c gives plain names, each once, within the limits, or
 * refuses; and the same in any portions. Runs in: tests. As a libFuzzer target, whose first byte
 * says whether the rest is a tar (to be packed here) or packed already; or with its own main
 * (FUZZ_MAIN): fuzz_unpack [ROUNDS [SEED]] mutates its seeds. */
#include <assert.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "safehand/buf.h"
#include "safehand/digest.h"
#include "safehand/name.h"
#include "safehand/unpack.h"

#define INPUT_MAX (64 * 1024)
#define TOTAL_MAX (1024 * 1024) /* bytes of documents: a limit that mutated sizes do run into */

static la_ssize_t
to_buf(struct archive *a, void *ctx, const void *p, size_t n)
{
	buf_add(ctx, p, n);
	return (la_ssize_t)n;
}

static struct archive *
writer(int (*format)(struct archive *), bool packed, struct buf *out)
{
	struct archive *a = archive_write_new();

	assert(format(a) == ARCHIVE_OK);
	assert(!packed || archive_write_add_filter_zstd(a) == ARCHIVE_OK);
	archive_write_set_bytes_per_block(a, 0);
	assert(archive_write_open2(a, out, NULL, to_buf, NULL, NULL) == ARCHIVE_OK);
	return a;
}

static void
add(struct archive *a, const char *name, unsigned type, const char *link, const void *p, size_t n)
{
	struct archive_entry *entry = archive_entry_new();

	if (name != NULL)
		archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_size(entry, (la_int64_t)n);
	if (type == AE_IFLNK)
		archive_entry_set_symlink(entry, link);
	else if (link != NULL)
		archive_entry_set_hardlink(entry, link);
	archive_write_header(a, entry);
	if (n > 0)
		archive_write_data(a, p, n);
	archive_entry_free(entry);
}

static void
zstd(const uint8_t *p, size_t n, struct buf *out)
{
	struct archive *a = writer(archive_write_set_format_raw, true, out);

	add(a, NULL, AE_IFREG, NULL, p, n);
	archive_write_close(a);
	archive_write_free(a);
}

struct reader {
	const struct buf *b;
	size_t at, portion;
};

static int
portions(void *ctx, const void **p, size_t *n, struct err *e)
{
	struct reader *r = ctx;

	*n = r->b->len - r->at < r->portion ? r->b->len - r->at : r->portion;
	*p = r->b->data + r->at;
	r->at += *n;
	return 0;
}

/* As the cover sheet is read: into memory. */
static int
text_digest(struct unpack *u, uint8_t digest[static DIGEST_BYTES], struct err *e)
{
	struct buf text = {0};
	int rc = unpack_text(u, &text, e);

	digest_of(text.data, text.len, digest);
	buf_free(&text);
	return rc;
}

/* Names, sizes and digests of all entries; whether the archive was taken. */
static bool
unpack_all(const struct buf *b, size_t portion, bool as_text, struct buf *seen)
{
	struct reader r = {b, 0, portion};
	char name[DOCUMENT_NAME_MAX + 1];
	uint8_t digest[DIGEST_BYTES];
	uint64_t size, total = 0;
	struct unpack *u;
	struct err e;
	int rc;

	assert(unpack_begin(portions, &r, TOTAL_MAX, &u, &e) == 0);
	while ((rc = unpack_next(u, name, &size, &e)) == 1) {
		total += size;
		assert(name_is_document(name) && total <= TOTAL_MAX);
		assert((strcmp(name, "cover.json") == 0) == (seen->len == 0));
		buf_addf(seen, "/%s/", name); /* a slash is in no name */
		if ((as_text ? text_digest(u, digest, &e) : unpack_file(u, -1, digest, &e)) < 0) {
			rc = -1;
			break;
		}
		buf_hex(seen, digest, sizeof digest);
	}
	assert(rc == 0 || e.code == ERR_ARCHIVE);
	assert(rc != 0 || r.at == b->len); /* what is taken was read to its end */
	unpack_free(u);
	return rc == 0;
}

static bool
judge(const struct buf *packed)
{
	struct buf whole = {0}, pieces = {0};
	bool a = unpack_all(packed, packed->len + 1, false, &whole);
	bool b = unpack_all(packed, packed->len / 7 + 1, true, &pieces);

	assert(a == b);
	assert(!a || strcmp(buf_str(&whole), buf_str(&pieces)) == 0);
	buf_free(&whole);
	buf_free(&pieces);
	return a;
}

static bool
one(const uint8_t *p, size_t n, bool is_tar)
{
	struct buf packed = {0};
	bool taken;

	if (is_tar)
		zstd(p, n, &packed);
	else
		buf_add(&packed, p, n);
	taken = judge(&packed);
	buf_free(&packed);
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	if (n > 0)
		one(p + 1, n - 1, p[0] & 1);
	return 0;
}

#ifdef FUZZ_MAIN
#define SEEDS 4

static void
make_seed(int i, struct buf *out)
{
	static const char text[5000] = "typed minutes";
	struct archive *a = writer(
	    i % 2 ? archive_write_set_format_gnutar : archive_write_set_format_pax, false, out);

	add(a, "cover.json", AE_IFREG, NULL, "{}", 2);
	add(a, "\xc5\x81ucja.odt", AE_IFREG, NULL, text, sizeof text);
	add(a,
	    "a-name-of-more-than-a-hundred-bytes-needs-more-than-the-old-header-has-room-for-"
	    "and-so-an-extended-one.pdf",
	    AE_IFREG, NULL, text, 513);
	if (i >= 2)
		add(a, "link", i == 2 ? AE_IFLNK : AE_IFREG, "cover.json", NULL, 0);
	archive_write_close(a);
	archive_write_free(a);
}

static uint64_t
next(uint64_t *x) /* xorshift64: a seed gives the same run again */
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* A header's checksum set right again, so that the mutated field is looked at. */
static void
mend(uint8_t *header)
{
	unsigned sum = 0;
	char text[8];

	memset(header + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += header[i];
	snprintf(text, sizeof text, "%06o", sum & 0777777);
	memcpy(header + 148, text, 7);
}

static void
mutate(struct buf *b, uint64_t *x)
{
	static const char *const pieces[] = {
	    "../", "/", "\\", "\x1b", "\xff", "7777777", "path=", "size=", "GNU.sparse.size=9\n",
	    "1",   "2", "5",  "x"};
	size_t block = next(x) % (b->len / 512) * 512, at = block + next(x) % 512;
	const char *piece = pieces[next(x) % (sizeof pieces / sizeof *pieces)];

	switch (next(x) % 4) {
	case 0: b->data[at] ^= (uint8_t)(1u << next(x) % 8); break;
	case 1: memcpy(b->data + at, piece, b->len - at < strlen(piece) ? 0 : strlen(piece)); break;
	case 2: b->data[block + 156] = (uint8_t)("0123456789xgLKSVM"[next(x) % 17]); break;
	default: b->len = next(x) % 8 ? b->len : block + 512;
	}
	if (next(x) % 8)
		mend(b->data + block);
}

int
main(int argc, char **argv)
{
	uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000;
	uint64_t x = argc > 2 ? strtoull(argv[2], NULL, 10) : 88172645463325252u;
	uint64_t taken = 0;

	assert(x != 0 && setlocale(LC_CTYPE, "C.UTF-8") != NULL);
	for (uint64_t i = 0; i < rounds; i++) {
		struct buf tar = {0}, packed = {0};

		make_seed((int)(next(&x) % SEEDS), &tar);
		if (next(&x) % 4) {
			for (uint64_t m = next(&x) % 4; m > 0; m--)
				mutate(&tar, &x);
			taken += one(tar.data, tar.len, true);
		} else { /* the packed bytes themselves */
			zstd(tar.data, tar.len, &packed);
			packed.data[next(&x) % packed.len] ^= (uint8_t)(1u << next(&x) % 8);
			taken += one(packed.data, packed.len, false);
		}
		buf_free(&tar);
		buf_free(&packed);
	}
	printf("fuzz_unpack: %llu archives, %llu taken, each with plain names within the limits\n",
	       (unsigned long long)rounds, (unsigned long long)taken);
	return taken > rounds / 50 ? 0 : 1; /* a run that takes next to nothing shows nothing */
}
#endif
