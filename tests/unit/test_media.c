/* Documents are what their types say: the real ones of tests/data, made ones, wrong ones, and each
 * in pieces of any size. */
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

#include "safehand/buf.h"
#include "safehand/cover.h"
#include "safehand/media.h"

#define DOCX "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
#define XLSX "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#define ODT  "application/vnd.oasis.opendocument.text"

static struct err e;

static int
judge(const char *type, const void *p, size_t n, size_t piece)
{
	struct media *m = media_new(type);
	int rc;

	for (size_t at = 0; at < n; at += piece)
		media_add(m, (const char *)p + at, n - at < piece ? n - at : piece);
	rc = media_end(m, "a.doc", &e);
	media_free(m);
	return rc;
}

/* In pieces of any size the same. */
static bool
is_taken(const char *type, const void *p, size_t n)
{
	static const size_t pieces[] = {1, 2, 3, 7, 16, 1023, 1024, 1025};
	int rc = judge(type, p, n, n + 1);

	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
		assert_int_equal(judge(type, p, n, pieces[i]), rc);
	if (rc < 0)
		assert_int_equal(e.code, ERR_FORMAT);
	return rc == 0;
}

static void
read_file(const char *name, struct buf *out)
{
	char path[512];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/tests/data/%s", getenv("TOP"), name);
	assert_non_null(f = fopen(path, "rb"));
	do {
		buf_reserve(out, 4096);
		n = fread(out->data + out->len, 1, 4096, f);
		out->len += n;
	} while (n > 0);
	fclose(f);
}

/* Each real document is of its own type, and of no other but those that say nothing. */
static void
real_documents(void **state)
{
	static const char *const files[] = {"strategy-minutes.pdf", "discharge-summary.fhir.json",
					    "body-map.png", "marac-notes.odt"};
	static const char *const types[] = {"application/pdf",
					    "application/fhir+json",
					    "image/png",
					    ODT,
					    "image/jpeg",
					    "application/xml",
					    "audio/wav",
					    "video/mp4",
					    DOCX,
					    "image/tiff",
					    "application/dicom"};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct buf b = {0};

		read_file(files[i], &b);
		assert_string_equal(cover_media_type(files[i]), types[i]);
		for (size_t k = 0; k < sizeof types / sizeof *types; k++)
			if ((judge(types[k], b.data, b.len, 4096) == 0) != (i == k))
				fail_msg("%s as %s", files[i], types[k]);
		assert_true(is_taken(types[i], b.data, b.len));
		assert_false(is_taken(types[i], b.data, b.len / 2)); /* cut off */
		assert_int_equal(judge("application/octet-stream", b.data, b.len, 512), 0);
		buf_free(&b);
	}
}

#define B(s) s, sizeof s - 1

static void
made_documents(void **state)
{
	static const struct {
		const char *type, *bytes;
		size_t n;
		bool taken;
	} rows[] = {
	    {"application/pdf", B("%PDF-1.7\n%%EOF\n"), true},
	    {"application/pdf", B("MZ\x90%PDF-1.7\n%%EOF\n"), false},
	    {"application/pdf", B("%PDF-1.7\n"), false},
	    {"image/jpeg", B("\xff\xd8\xff\xe0 JFIF \xff\xd9"), true},
	    {"image/jpeg", B("\x89PNG\r\n\x1a\n"), false},
	    {"image/png", B("\xff\xd8\xff\xe0 JFIF \xff\xd9"), false},
	    {"image/tiff", B("II*\0...."), true},
	    {"image/tiff", B("IJ*\0...."), false},
	    {"application/zip", B("PK\3\4........PK\5\6......"), true},
	    {"application/zip", B("PK\3\4........"), false},
	    {DOCX, B("PK\3\4..[Content_Types].xml..word/document.xml..PK\5\6...."), true},
	    {DOCX, B("PK\3\4..[Content_Types].xml..xl/workbook.xml..PK\5\6...."), false},
	    {XLSX, B("PK\3\4..[Content_Types].xml..xl/workbook.xml..PK\5\6...."), true},
	    {ODT, B("PK\3\4..........................mimetype" ODT "PK..PK\5\6"), true},
	    {ODT, B("PK\3\4..........................mimetype" ODT "-templatePK..PK\5\6"), false},
	    {"application/json", B("\xef\xbb\xbf {\"a\": \"\xc3\xa9\"}\n"), true},
	    {"application/json", B("[1.5]"), true},
	    {"application/json", B("{\"a\": \"\xe9\"}"), false},
	    {"application/json", B("\"text\""), false},
	    {"application/json", B(""), false},
	    {"application/json", B("{"), false},
	    {"application/hl7+xml", B(" <?xml version=\"1.0\"?><a/>\n"), true},
	    {"application/xml", B("a<b>"), false},
	    {"text/plain", B("caf\xc3\xa9, \xe2\x82\xac, \xf0\x9f\x98\x80\r\n\tx"), true},
	    {"text/plain", B(""), true},
	    {"text/plain", B("caf\xe9"), false},
	    {"text/plain", B("caf\xc3"), false}, /* half a character at its end */
	    {"text/plain", B("a\0b"), false},
	    {"text/csv", B("a,b\x1b[31m"), false},
	    {"audio/wav", B("RIFF\1\2\3\4WAVEfmt "), true},
	    {"audio/wav", B("RIFF\1\2\3\4AVI fmt "), false},
	    {"audio/mpeg", B("ID3\4\0"), true},
	    {"audio/mpeg", B("\xff\xfb\x90"), true},
	    {"audio/mpeg", B("OggS"), false},
	    {"video/mp4",
	     B("\0\0\0\x18"
	       "ftypisom"),
	     true},
	    {"video/mp4",
	     B("\0\0\0\x18"
	       "moovisom"),
	     false},
	    {"message/rfc822", B("From: a@b\r\n\r\nx"), true},
	    {"message/rfc822", B("hello there"), false},
	    {"application/octet-stream", B("MZ\0\1"), true}, /* nothing is claimed */
	    {"model/stl", B("\xff"), true},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (is_taken(rows[i].type, rows[i].bytes, rows[i].n) != rows[i].taken)
			fail_msg("row %zu: %s", i, rows[i].type);
	assert_int_equal(judge("image/png", B("no"), 9), -1);
	assert_string_equal(e.text,
			    "a.doc: want image/png, which begins with a PNG's signature and ends "
			    "with IEND");
}

static void
dicom(void **state)
{
	char bytes[140] = {0};

	assert_false(is_taken("application/dicom", bytes, sizeof bytes));
	memcpy(bytes + 128, "DICM", 4);
	assert_true(is_taken("application/dicom", bytes, sizeof bytes));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(real_documents),
	    cmocka_unit_test(made_documents),
	    cmocka_unit_test(dicom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
