/* test_base.c - errors, buffers, encodings, times, names: what everything stands on. */
#include "tap.h"

#include "safehand/digest.h"
#include "safehand/enc.h"
#include "safehand/name.h"
#include "safehand/time.h"

static struct err e;

static void
every_error_has_its_row(void **state)
{
	for (int i = 0; i < ERR_CODES; i++) {
		assert_non_null(err_name((enum err_code)i));
		assert_true(strlen(err_title((enum err_code)i)) > 3);
		assert_int_equal(err_by_name(err_name((enum err_code)i)), i);
		assert_true(err_http((enum err_code)i) >= 200 && err_http((enum err_code)i) < 600);
		assert_true((i == ERR_OK) == (err_exit((enum err_code)i) == 0));
	}
	assert_int_equal(err_by_name("no such"), ERR_CODES);
}

static void
what_comes_from_outside_is_escaped(void **state)
{
	char longer[2 * ERR_TEXT_MAX];

	assert_int_equal(err_set(&e, ERR_FORMAT, "a%sb", "\x1b[31m\n"), -1);
	assert_string_equal(e.text, "a\\x1b[31m\\x0ab");
	err_set(&e, ERR_FORMAT, "%s", "caf\xc3\xa9 \xff \xe2\x80\xae");
	assert_string_equal(
	    e.text,
	    "caf\xc3\xa9 \\xff \\xe2\\x80\\xae"); /* the last turns the reading order round */
	err_wrap(&e, "file %d", 7);
	assert_string_equal(e.text, "file 7: caf\xc3\xa9 \\xff \\xe2\\x80\\xae");
	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	err_set(&e, ERR_FORMAT, "%s", longer);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	assert_int_equal(err_set(NULL, ERR_FORMAT, "nobody listens"), -1);
}

static void
a_buffer_grows_by_doubling(void **state)
{
	struct buf b = {0};
	size_t grown = 0, cap = 0;

	for (size_t i = 0; i < 1 << 20; i++) {
		buf_addc(&b, (char)i);
		grown += b.cap != cap;
		cap = b.cap;
	}
	assert_int_equal(b.len, 1 << 20);
	assert_true(grown <=
		    16); /* 64 bytes to 2 MiB; growing to just what is needed were half a million */
	buf_free(&b);
}

static void
json_text(void **state)
{
	struct buf b = {0};

	buf_addc(&b, '{');
	buf_json_str(&b, "a", "x\"\\\n\x01\xff\xc3\xa9");
	buf_json_int(&b, "n", -3);
	buf_json_hex(&b, "h", "\x00\xab", 2);
	buf_json_b64(&b, "b", "abcd", 4);
	buf_json_str(&b, "z", NULL);
	buf_addc(&b, '}');
	assert_string_equal(buf_str(&b), "{\"a\":\"x\\\"\\\\\\n\\u0001\xEF\xBF\xBD\xc3\xa9\",\"n\":"
					 "-3,\"h\":\"00ab\",\"b\":\"YWJjZA==\",\"z\":null}");
	buf_wipe(&b);
	assert_string_equal(buf_str(&b), "");
	buf_adds(&b, "[");
	for (int i = 0; i < 3; i++) {
		buf_json_item(&b);
		buf_addc(&b, '1');
	}
	assert_string_equal(buf_str(&b), "[1,1,1");
	buf_free(&b);
}

static void
hex_base64_base32(void **state)
{
	static const char *const bad[] = {
	    "A", "AA", "AAA", "AA==A", "AA=A", "A===", "AB==", "AAB=", "A A=", "AA\n=", "AA-_"};
	/* RFC 4648 section 10 */
	static const struct {
		const char *plain, *b64, *b32;
	} rows[] = {{"", "", ""},
		    {"f", "Zg==", "my"},
		    {"fo", "Zm8=", "mzxq"},
		    {"foo", "Zm9v", "mzxw6"},
		    {"foob", "Zm9vYg==", "mzxw6yq"},
		    {"fooba", "Zm9vYmE=", "mzxw6ytb"},
		    {"foobar", "Zm9vYmFy", "mzxw6ytboi"}};
	struct buf b = {0};
	uint8_t raw[2];
	char text[32];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_clear(&b);
		buf_base64(&b, rows[i].plain, strlen(rows[i].plain));
		assert_string_equal(buf_str(&b), rows[i].b64);
		buf_clear(&b);
		assert_int_equal(base64_decode(&b, rows[i].b64, strlen(rows[i].b64), 100), 0);
		assert_string_equal(buf_str(&b), rows[i].plain);
		base32_encode(text, rows[i].plain, strlen(rows[i].plain));
		assert_string_equal(text, rows[i].b32);
	}
	buf_clear(&b);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(base64_decode(&b, bad[i], strlen(bad[i]), 100), -1);
	assert_int_equal(b.len, 0);
	assert_int_equal(base64_decode(&b, "Zm9v", 4, 2), -1); /* more than the caller allows */
	assert_int_equal(hex_decode(raw, 2, "0aff"), 0);
	assert_int_equal(raw[1], 0xff);
	assert_int_equal(hex_decode(raw, 2, "0aFF"), -1);
	assert_int_equal(hex_decode(raw, 2, "0af"), -1);
	assert_int_equal(hex_decode(raw, 2, "0aff0"), -1);
	buf_free(&b);
}

static void
utf8(void **state)
{
	static const char *const bad[] = {
	    "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xc3", "\xff"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(utf8_is_valid(bad[i], strlen(bad[i])));
	assert_true(utf8_is_clean("Zo\xc3\xab \xf0\x9f\x91\xb6", 9));
	assert_false(utf8_is_clean("a\tb", 3));
	assert_false(utf8_is_clean("\xc2\x85", 2));	/* C1 */
	assert_false(utf8_is_clean("\xe2\x80\xae", 3)); /* right-to-left override */
	assert_true(mem_equal("abc", "abc", 3));
	assert_false(mem_equal("abc", "abd", 3));
}

static void
times(void **state)
{
	static const char *const bad[] = {"2026-02-29T00:00:00Z",
					  "2026-11-22T24:00:00Z",
					  "2026-11-22T21:04:60Z",
					  "2026-11-22t21:04:05Z",
					  "2026-11-22T21:04:05",
					  "2026-11-22T21:04:05+00:00",
					  "2026-11-22 21:04:05Z",
					  "1969-12-31T23:59:59Z",
					  "2026-13-01T00:00:00Z",
					  "2026-1-01T00:00:00Z",
					  ""};
	char text[TIME_TEXT];
	int64_t ms;

	assert_int_equal(time_parse("2026-11-22T21:04:05Z", &ms), 0);
	assert_int_equal(ms, 1795381445000);
	time_format_ms(text, ms + 412);
	assert_string_equal(text, "2026-11-22T21:04:05.412Z");
	assert_int_equal(time_parse_ms(text, &ms), 0);
	assert_int_equal(ms, 1795381445412);
	assert_int_equal(time_parse("2028-02-29T12:00:00Z", &ms), 0);
	time_format(text, TIME_MAX_MS);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(time_parse(bad[i], &ms), -1);
	assert_int_equal(time_parse_ms("2026-11-22T21:04:05Z", &ms), -1);
	assert_int_equal(time_parse_ms("2026-11-22T21:04:05.41Z", &ms), -1);
}

static void
names(void **state)
{
	static const char *const bad[] = {"",	   "/",	    "a/",    "/b",	  "a//b",
					  "A/b",   "a/B",   "a/b/c", "-a/b",	  "a/.b",
					  "a.b/c", "a/b c", "a/..",  "\xc3\xa9/b"};
	char id[UUID_TEXT], agency[NAME_AGENCY];

	assert_true(name_is_mailbox("schools/st-j.dsl"));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(name_is_mailbox(bad[i]));
	assert_false(name_is_agency("abcdefghijklmnopqrstuvwxyz123456"));
	assert_true(name_is_pattern("*/*") && name_is_pattern("csc/*") && name_is_pattern("*/dsl"));
	assert_false(name_is_pattern("c*/x") || name_is_pattern("*") || name_is_pattern("*/d*"));
	assert_true(name_matches("csc/*", "csc/mash") && name_matches("*/*", "a/b") &&
		    name_matches("*/dsl", "schools/dsl"));
	assert_false(name_matches("csc/*", "cs/mash") || name_matches("csc/mash", "csc/mas") ||
		     name_matches("cs/*", "csc/mash"));
	name_agency(agency, "csc/mash");
	assert_string_equal(agency, "csc");
	uuid_new(id, 1795381445412);
	assert_true(uuid_is_v7(id));
	assert_int_equal(uuid_time_ms(id), 1795381445412);
	id[14] = '4'; /* another version */
	assert_false(uuid_is_v7(id));
	assert_false(uuid_is_v7("019AB0C0-0000-7000-8000-000000000000"));
	assert_true(name_is_about("c:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	assert_false(name_is_about("x:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") ||
		     name_is_about("c:a1"));
}

/* RFC 4231, cases 1, 2, 3 and 6: keys shorter and longer than a block. */
static void
hmac_has_its_vectors(void **state)
{
	static const struct {
		size_t key_len;
		char key, data_char;
		size_t n;
		const char *text, *want;
	} rows[] = {
	    {20, 0x0b, 0, 8, "Hi There",
	     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	    {4, 0, 0, 28, "what do ya want for nothing?",
	     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	    {20, (char)0xaa, (char)0xdd, 50, NULL,
	     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
	    {131, (char)0xaa, 0, 54, "Test Using Larger Than Block-Size Key - Hash Key First",
	     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	};
	char key[131], data[64], hex[HEX_LEN(DIGEST_BYTES)];
	uint8_t mac[DIGEST_BYTES];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		memset(key, rows[i].key, sizeof key);
		if (rows[i].key == 0)
			memcpy(key, "Jefe", 4);
		memset(data, rows[i].data_char, sizeof data);
		if (rows[i].text != NULL)
			memcpy(data, rows[i].text, rows[i].n);
		digest_hmac(key, rows[i].key_len, data, rows[i].n, mac);
		hex_encode(hex, mac, sizeof mac);
		assert_string_equal(hex, rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_error_has_its_row),
	    cmocka_unit_test(what_comes_from_outside_is_escaped),
	    cmocka_unit_test(a_buffer_grows_by_doubling),
	    cmocka_unit_test(json_text),
	    cmocka_unit_test(hex_base64_base32),
	    cmocka_unit_test(utf8),
	    cmocka_unit_test(times),
	    cmocka_unit_test(names),
	    cmocka_unit_test(hmac_has_its_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
