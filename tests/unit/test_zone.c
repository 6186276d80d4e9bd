/* Time zones: every zone of the system against the C library's own reading of the same files, wall
 * times against a search minute by minute, malformed files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "safehand/buf.h"
#include "safehand/calendar.h"
#include "safehand/zone.h"

#define FOLDER "/usr/share/zoneinfo/"
#define FROM   ((CALENDAR_FIRST_DAY - 2) * INT64_C(86400))
#define TO     ((CALENDAR_LAST_DAY + 2) * INT64_C(86400))

static struct zone z;

static void
read_file(const char *name, struct buf *out)
{
	char path[256];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, FOLDER "%s", name);
	assert_non_null(f = fopen(path, "rb"));
	buf_reserve(out, 1 << 20);
	while ((n = fread(out->data + out->len, 1, 4096, f)) > 0)
		out->len += n;
	fclose(f);
}

static void
load(const char *name)
{
	struct buf b = {0};
	struct err e = {0};

	read_file(name, &b);
	if (zone_parse(b.data, b.len, FROM, TO, &z, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	buf_free(&b);
}

static void
use_libc(const char *name)
{
	char tz[256];

	snprintf(tz, sizeof tz, ":" FOLDER "%s", name);
	setenv("TZ", tz, 1);
	tzset();
}

static int32_t
libc_offset(int64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;

	localtime_r(&t, &tm);
	return (int32_t)tm.tm_gmtoff;
}

/* Each change of offset lies where the C library has it, and there is none between. */
static void
compare(const char *name)
{
	load(name);
	use_libc(name);
	for (size_t i = 0; i < z.n; i++) {
		int64_t at = z.change[i].at;

		if (libc_offset(at - 1) == libc_offset(at) ||
		    libc_offset(at) != zone_offset(&z, at) ||
		    libc_offset(at - 1) != zone_offset(&z, at - 1))
			fail_msg("%s: change %zu at %lld", name, i, (long long)at);
	}
	for (int64_t at = FROM + 1; at < TO; at += 6 * 86400 + 12345)
		if (libc_offset(at) != zone_offset(&z, at))
			fail_msg("%s: %lld: %d, want %d", name, (long long)at, zone_offset(&z, at),
				 libc_offset(at));
}

static void
every_zone(void **state)
{
	FILE *f = fopen(FOLDER "zone.tab", "r");
	char line[512], name[256];
	int n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL)
		if (line[0] != '#' && sscanf(line, "%*s %*s %255s", name) == 1) {
			compare(name);
			n++;
		}
	fclose(f);
	compare("UTC");
	compare("Etc/GMT+12");
	compare("GB");
	assert_true(n > 400);
	assert_false(zone_is_name("../zone.tab") || zone_is_name("/etc/passwd"));
	assert_true(zone_is_name("Etc/GMT+12"));
}

/* The first instant at which the zone's clock shows the time; if none does, the first after. */
static int64_t
search(int64_t local)
{
	for (int64_t at = local - 27 * 3600;; at += 60)
		if (at + zone_offset(&z, at) == local)
			return at;
		else if (at > local + 27 * 3600)
			break;
	for (size_t i = 0; i < z.n; i++)
		if (local < z.change[i].at + z.change[i].offset)
			return z.change[i].at;
	fail();
	return 0;
}

static void
wall_times(void **state)
{
	static const char *const zones[] = {
	    "Europe/London",  "America/New_York", "Australia/Lord_Howe", "Africa/Cairo",
	    "America/Havana", "Pacific/Chatham",  "Africa/Casablanca",	 "Asia/Kathmandu"};

	for (size_t k = 0; k < sizeof zones / sizeof *zones; k++) {
		load(zones[k]);
		for (size_t i = 0; i < z.n && i < 24; i++)
			for (int64_t m = -200; m <= 200; m += 5) {
				int64_t local =
				    z.change[i].at / 900 * 900 + z.change[i].offset + m * 60;

				if (zone_instant(&z, local) != search(local))
					fail_msg("%s %lld: %lld, want %lld", zones[k],
						 (long long)local,
						 (long long)zone_instant(&z, local),
						 (long long)search(local));
			}
	}
	load("Europe/London"); /* 2026-03-29 01:30 is skipped, 2026-10-25 01:30 comes twice */
	assert_int_equal(zone_instant(&z, 1774747800), 1774746000);
	assert_int_equal(zone_instant(&z, 1792891800), 1792891800 - 3600);
}

/* A version 2 file with one type, and the rule. */
static void
make(struct buf *b, const char *rule)
{
	static const uint8_t head[44] = {'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4};
	static const uint8_t type[10] = {0, 0, 0, 0, 0, 0, 'G', 'M', 'T', 0};

	buf_clear(b);
	buf_add(b, head, sizeof head);
	buf_add(b, type, sizeof type);
	buf_add(b, head, sizeof head);
	buf_add(b, type, sizeof type);
	buf_addf(b, "\n%s\n", rule);
}

static void
rules(void **state)
{
	static const struct {
		const char *rule;
		int64_t at;
		int32_t offset;
	} good[] = {
	    {"GMT0", 1774746000, 0},
	    {"<+0330>-3:30", 1774746000, 12600},
	    {"", 1774746000, 0},
	    {"GMT0BST,M3.5.0/1,M10.5.0", 1774745999, 0},
	    {"GMT0BST,M3.5.0/1,M10.5.0", 1774746000, 3600},
	    {"IST-1GMT0,M10.5.0,M3.5.0/1", 1774745999, 0},
	    {"IST-1GMT0,M10.5.0,M3.5.0/1", 1774746000, 3600},
	    {"XXX3EDT4,0/0,J365/23", 1774746000, -14400},      /* always summer */
	    {"AAA0BBB-2:15:30,J60/0,J61/0", 1709251200, 8130}, /* 1 March of a leap year */
	    {"AAA0BBB-1,59/0,60/0", 1709164800, 3600},	       /* 29 February of it */
	};
	static const char *const bad[] = {"GM0",
					  "GMT",
					  "GMT0BST",
					  "GMT0BST,M3.5.0/1",
					  "GMT0 ",
					  "GMT25",
					  "GMT0BST,M13.1.0,M10.5.0",
					  "GMT0BST,M3.6.0,M10.5.0",
					  "GMT0BST,J0,J5",
					  "GMT0BST,366,5",
					  "<+03-3",
					  "GMT0BST,M3.5.0/168,1",
					  "GMT0BST,M3.5.0/1,M10.5.0,",
					  "GMT0:60"};
	struct buf b = {0};
	struct err e;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		make(&b, good[i].rule);
		if (zone_parse(b.data, b.len, FROM, TO, &z, &e) < 0)
			fail_msg("%s: %s", good[i].rule, e.text);
		if (zone_offset(&z, good[i].at) != good[i].offset)
			fail_msg("%s: %d", good[i].rule, zone_offset(&z, good[i].at));
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		make(&b, bad[i]);
		if (zone_parse(b.data, b.len, FROM, TO, &z, &e) == 0)
			fail_msg("%s: taken", bad[i]);
		assert_int_equal(e.code, ERR_FORMAT);
	}
	buf_free(&b);
}

/* Cut anywhere, or with any byte of its heads changed: refused, or a zone; never read beyond. */
static void
malformed(void **state)
{
	struct buf b = {0};
	struct err e;

	read_file("Europe/London", &b);
	for (size_t n = 0; n < b.len; n++) {
		uint8_t *cut = malloc(n + 1);

		memcpy(cut, b.data, n);
		assert_int_equal(zone_parse(cut, n, FROM, TO, &z, &e), -1);
		assert_int_equal(e.code, ERR_FORMAT);
		free(cut);
	}
	for (size_t i = 0; i < b.len; i++)
		for (int x = 1; x < 256; x *= 2) {
			b.data[i] ^= (uint8_t)x;
			if (zone_parse(b.data, b.len, FROM, TO, &z, &e) < 0)
				assert_int_equal(e.code, ERR_FORMAT);
			b.data[i] ^= (uint8_t)x;
		}
	make(&b, "GMT0");
	b.data[4] = '1';
	assert_int_equal(zone_parse(b.data, b.len, FROM, TO, &z, &e), -1);
	assert_non_null(strstr(e.text, "version 1"));
	make(&b, "GMT0");
	b.data[31] = 1;
	assert_int_equal(zone_parse(b.data, b.len, FROM, TO, &z, &e), -1);
	assert_non_null(strstr(e.text, "leap seconds"));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_zone),
	    cmocka_unit_test(wall_times),
	    cmocka_unit_test(rules),
	    cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
