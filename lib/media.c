/* media.c - whether a document is what its media type says. Runs in: client. Pure. Trusts: no byte;
 * a name and a type are what a sender claims. */
#include "safehand/media.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/buf.h"
#include "safehand/cover.h"
#include "safehand/enc.h"

#define HEAD_BYTES                                                                                 \
	256 /* DICOM's mark stands after 128 bytes, OpenDocument's type in the first 100 */
#define TAIL_BYTES 1024 /* of a PDF's end mark */
#define PART_MAX   32	/* bytes of a part's name in an Office file */

enum way { PLAIN, TEXT, PARTS };

struct media {
	const struct kind *kind;
	char type[MEDIA_TYPE_TEXT];
	uint8_t head[HEAD_BYTES], tail[TAIL_BYTES];
	size_t nhead, ntail;
	uint8_t carry[PART_MAX]; /* what a piece ended with: half a character, or half a name */
	size_t ncarry;
	bool is_no_text, has_part;
};

/* What must be so, and what is said of it. */
struct kind {
	const char *type; /* begins with + for the end of a type, ends with / for its beginning */
	enum way way;
	bool (*is_it)(const struct media *m);
	const char *part; /* PARTS: this name stands in it */
	const char *says;
};

static bool
begins(const struct media *m, size_t at, const char *bytes, size_t n)
{
	return m->nhead >= at + n && memcmp(m->head + at, bytes, n) == 0;
}

static bool
ends(const struct media *m, const char *bytes, size_t n)
{
	return m->ntail >= n && memcmp(m->tail + m->ntail - n, bytes, n) == 0;
}

static bool
is_pdf(const struct media *m)
{
	return begins(m, 0, "%PDF-", 5) && memmem(m->tail, m->ntail, "%%EOF", 5) != NULL;
}

static bool
is_png(const struct media *m)
{
	return begins(m, 0, "\x89PNG\r\n\x1a\n", 8) && begins(m, 12, "IHDR", 4) &&
	       ends(m, "IEND\xae\x42\x60\x82", 8);
}

static bool
is_jpeg(const struct media *m)
{
	return begins(m, 0, "\xff\xd8\xff", 3) && memmem(m->tail, m->ntail, "\xff\xd9", 2) != NULL;
}

static bool
is_tiff(const struct media *m)
{
	return begins(m, 0, "II*\0", 4) || begins(m, 0, "MM\0*", 4);
}

static bool
is_zip(const struct media *m)
{
	return begins(m, 0, "PK\3\4", 4) && memmem(m->tail, m->ntail, "PK\5\6", 4) != NULL;
}

/* OpenDocument 1.2 part 3 section 3.3: the first entry is called mimetype, stored as it is. */
static bool
is_odf(const struct media *m)
{
	size_t n = strlen(m->type);

	return is_zip(m) && begins(m, 30, "mimetype", 8) && begins(m, 38, m->type, n) &&
	       begins(m, 38 + n, "PK", 2);
}

static bool
is_office(const struct media *m)
{
	return is_zip(m) && m->has_part;
}

static bool
is_wav(const struct media *m)
{
	return begins(m, 0, "RIFF", 4) && begins(m, 8, "WAVE", 4);
}

static bool
is_mp3(const struct media *m)
{
	return begins(m, 0, "ID3", 3) ||
	       (m->nhead > 2 && m->head[0] == 0xff && (m->head[1] & 0xe6) == 0xe2);
}

static bool
is_mp4(const struct media *m)
{
	return begins(m, 4, "ftyp", 4);
}

static bool
is_dicom(const struct media *m)
{
	return begins(m, 128, "DICM", 4);
}

/* A header's name and a colon. */
static bool
is_mail(const struct media *m)
{
	size_t n = 0;

	while (n < m->nhead && m->head[n] > ' ' && m->head[n] < 0x7f && m->head[n] != ':')
		n++;
	return n > 0 && n < m->nhead && m->head[n] == ':';
}

static bool
is_text(const struct media *m)
{
	return !m->is_no_text && m->ncarry == 0;
}

/* The first and the last byte that are no white space, after a byte order mark. */
static bool
is_between(const struct media *m, const char *first, const char *last)
{
	size_t at = begins(m, 0, "\xef\xbb\xbf", 3) ? 3 : 0, end = m->ntail;

	while (at < m->nhead && strchr(" \t\r\n", m->head[at]) != NULL)
		at++;
	while (end > 0 && strchr(" \t\r\n", m->tail[end - 1]) != NULL)
		end--;
	return at < m->nhead && end > 0 && m->head[at] != 0 && m->tail[end - 1] != 0 &&
	       strchr(first, m->head[at]) != NULL && strchr(last, m->tail[end - 1]) != NULL;
}

static bool
is_json(const struct media *m)
{
	return is_text(m) && is_between(m, "{[", "}]");
}

static bool
is_xml(const struct media *m)
{
	return is_between(m, "<", ">");
}

#define ODF    "application/vnd.oasis.opendocument."
#define OFFICE "application/vnd.openxmlformats-officedocument."

static const struct kind kinds[] = {
    {"application/pdf", PLAIN, is_pdf, NULL, "begins with %PDF- and ends with %%EOF"},
    {"image/png", PLAIN, is_png, NULL, "begins with a PNG's signature and ends with IEND"},
    {"image/jpeg", PLAIN, is_jpeg, NULL, "begins with ff d8 ff and ends with ff d9"},
    {"image/tiff", PLAIN, is_tiff, NULL, "begins with II or MM and 42"},
    {ODF "text", PLAIN, is_odf, NULL, "is a zip that begins with its media type"},
    {ODF "spreadsheet", PLAIN, is_odf, NULL, "is a zip that begins with its media type"},
    {ODF "presentation", PLAIN, is_odf, NULL, "is a zip that begins with its media type"},
    {OFFICE "wordprocessingml.document", PARTS, is_office, "word/document",
     "is a zip with a part word/document.xml"},
    {OFFICE "spreadsheetml.sheet", PARTS, is_office, "xl/workbook",
     "is a zip with a part xl/workbook.xml"},
    {OFFICE "presentationml.presentation", PARTS, is_office, "ppt/presentation",
     "is a zip with a part ppt/presentation.xml"},
    {"application/zip", PLAIN, is_zip, NULL, "begins with PK and ends with its directory"},
    {"application/json", TEXT, is_json, NULL, "is UTF-8 between { and } or [ and ]"},
    {"+json", TEXT, is_json, NULL, "is UTF-8 between { and } or [ and ]"},
    {"application/xml", PLAIN, is_xml, NULL, "begins with < and ends with >"},
    {"text/xml", PLAIN, is_xml, NULL, "begins with < and ends with >"},
    {"+xml", PLAIN, is_xml, NULL, "begins with < and ends with >"},
    {"text/", TEXT, is_text, NULL, "is UTF-8 without control characters"},
    {"audio/wav", PLAIN, is_wav, NULL, "begins with RIFF and WAVE"},
    {"audio/mpeg", PLAIN, is_mp3, NULL, "begins with ID3 or a frame of MPEG audio"},
    {"video/mp4", PLAIN, is_mp4, NULL, "begins with ftyp"},
    {"application/dicom", PLAIN, is_dicom, NULL, "has DICM after 128 bytes"},
    {"message/rfc822", PLAIN, is_mail, NULL, "begins with a header"},
};

static bool
is_kind(const struct kind *k, const char *type)
{
	size_t n = strlen(k->type), len = strlen(type);

	if (k->type[0] == '+')
		return len > n && strcmp(type + len - n, k->type) == 0;
	return k->type[n - 1] == '/' ? strncmp(type, k->type, n) == 0 : strcmp(type, k->type) == 0;
}

struct media *
media_new(const char *type)
{
	struct media *m = mem_alloc(sizeof *m);

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && m->kind == NULL; i++)
		if (strlen(type) < sizeof m->type && is_kind(&kinds[i], type))
			m->kind = &kinds[i];
	if (m->kind != NULL)
		strcpy(m->type, type);
	return m;
}

void
media_free(struct media *m)
{
	free(m);
}

static void
keep_ends(struct media *m, const uint8_t *p, size_t n)
{
	size_t head = HEAD_BYTES - m->nhead < n ? HEAD_BYTES - m->nhead : n;
	size_t tail = n < TAIL_BYTES ? n : TAIL_BYTES;
	size_t old = m->ntail + tail > TAIL_BYTES ? TAIL_BYTES - tail : m->ntail;

	memcpy(m->head + m->nhead, p, head);
	m->nhead += head;
	memmove(m->tail, m->tail + m->ntail - old, old);
	memcpy(m->tail + old, p + n - tail, tail);
	m->ntail = old + tail;
}

/* Bytes of the last character that are there and not all of it. */
static size_t
half_character(const uint8_t *p, size_t n)
{
	for (size_t k = 1; k <= 3 && k <= n; k++) {
		uint8_t c = p[n - k];
		size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

		if ((c & 0xc0) != 0x80)
			return want > k ? k : 0;
	}
	return 0;
}

static bool
is_plain_text(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] < 0x20 && strchr("\t\r\n\f", p[i]) == NULL) || p[i] == 0 || p[i] == 0x7f)
			return false;
	return utf8_is_valid(p, n);
}

/* A piece behind what the one before ended with; all but its own half goes to use. */
static void
join(struct media *m, const uint8_t *p, size_t n)
{
	struct buf all = {0};
	size_t keep;

	buf_add(&all, m->carry, m->ncarry);
	buf_add(&all, p, n);
	if (m->kind->way == TEXT) {
		keep = half_character(all.data, all.len);
		m->is_no_text |= !is_plain_text(all.data, all.len - keep);
	} else {
		size_t part = strlen(m->kind->part);

		keep = all.len < part - 1 ? all.len : part - 1;
		m->has_part |= memmem(all.data, all.len, m->kind->part, part) != NULL;
	}
	memcpy(m->carry, all.data + all.len - keep, keep);
	m->ncarry = keep;
	buf_free(&all);
}

void
media_add(struct media *m, const void *p, size_t n)
{
	if (m->kind == NULL || n == 0)
		return;
	keep_ends(m, p, n);
	if (m->kind->way != PLAIN)
		join(m, p, n);
}

int
media_end(const struct media *m, const char *name, struct err *e)
{
	if (m->kind == NULL || m->kind->is_it(m))
		return 0;
	return err_set(e, ERR_FORMAT, "%s: want %s, which %s", name, m->type, m->kind->says);
}
