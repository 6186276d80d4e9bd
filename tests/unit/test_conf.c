/* test_conf.c - configuration: values by type, defaults, instances, includes; each fault told with
 * its line, all at once. */
#include <stdbool.h>
#include <unistd.h>

#include "tap.h"

#include "safehand/conf.h"
#include "safehand/name.h"

static struct err e;

static int
is_pattern(const char *v, struct err *err)
{
	return name_is_pattern(v) ? 0 : err_set(err, ERR_CONFIG, "%s: no pattern", v);
}

static const struct conf_row table[] = {
    {"g", "name", CONF_STR, false, NULL, 0, 0, NULL, "a name", NULL},
    {"g", "path", CONF_PATH, false, "", 0, 0, NULL, "a path", NULL},
    {"g", "paths", CONF_PATHS, false, "", 0, 0, NULL, "paths", NULL},
    {"g", "n", CONF_INT, false, "3", 1, 10, NULL, "a number", NULL},
    {"g", "size", CONF_SIZE, false, "64K", 0, 1 << 30, NULL, "a size", NULL},
    {"g", "time", CONF_DURATION, false, "5m", 0, 0, NULL, "a time", NULL},
    {"g", "on", CONF_BOOL, false, "no", 0, 0, NULL, "a switch", NULL},
    {"g", "word", CONF_WORD, false, "one", 0, 0, "one|two", "a word", NULL},
    {"class", "from", CONF_LIST, true, NULL, 0, 0, NULL, "patterns", is_pattern},
    {"class", "max", CONF_SIZE, true, "2G", 0, 0, NULL, "a size", NULL},
    {NULL, NULL, CONF_STR, false, NULL, 0, 0, NULL, NULL, NULL},
};

struct told {
	struct buf text;
	int n;
};

static void
tell(void *ctx, const char *file, int line, const char *text)
{
	struct told *t = ctx;

	buf_addf(&t->text, "%s:%d: %s\n", file, line, text);
	t->n++;
}

static int
parse(const char *text, struct told *t, struct conf **c)
{
	buf_clear(&t->text);
	t->n = 0;
	return conf_parse("f", "/d", text, strlen(text), table, tell, t, c, &e);
}

static void
values_and_defaults(void **state)
{
	struct told t = {0};
	struct conf *c, *again;
	struct buf out = {0};

	assert_ok(
	    parse(
		"# c\n[g]\nname = a b # comment\n path=x/y\npaths = a, /e/b\npaths = c\nsize = "
		"2M\ntime = 1500ms\non = "
		"yes\nword = two\n"
		"[class \"b\"]\nfrom = a/*, b/c\nfrom = */*\n[class \"a\"]\nfrom = a/b\nmax = 1\n",
		&t, &c),
	    &e);
	assert_string_equal(conf_str(c, "g", NULL, "name"), "a b");
	assert_string_equal(conf_str(c, "g", NULL, "path"), "/d/x/y");
	assert_string_equal(conf_item(c, "g", NULL, "paths", 0), "/d/a");
	assert_string_equal(conf_item(c, "g", NULL, "paths", 1), "/e/b");
	assert_string_equal(conf_item(c, "g", NULL, "paths", 2), "/d/c");
	assert_null(conf_item(c, "g", NULL, "paths", 3));
	assert_int_equal(conf_int(c, "g", NULL, "n"), 3);
	assert_int_equal(conf_int(c, "g", NULL, "size"), 2 << 20);
	assert_int_equal(conf_int(c, "g", NULL, "time"), 1500);
	assert_true(conf_bool(c, "g", NULL, "on"));
	assert_string_equal(conf_instance(c, "class", 0), "b");
	assert_string_equal(conf_instance(c, "class", 1), "a");
	assert_null(conf_instance(c, "class", 2));
	assert_string_equal(conf_item(c, "class", "b", "from", 2), "*/*");
	assert_null(conf_item(c, "class", "b", "from", 3));
	assert_true(conf_int(c, "class", "b", "max") == 2ll << 30);
	assert_string_equal(conf_where(c, "g", NULL, "word"), "f:10");
	assert_string_equal(conf_where(c, "g", NULL, "n"), "default");
	/* what is printed reads back to the same */
	for (int verbose = 0; verbose < 2; verbose++) {
		struct buf second = {0};

		buf_clear(&out);
		conf_print(c, verbose, &out);
		assert_ok(parse(buf_str(&out), &t, &again), &e);
		conf_print(again, false, &second);
		if (!verbose)
			assert_string_equal(buf_str(&second), buf_str(&out));
		conf_free(again);
		buf_free(&second);
	}
	conf_free(c);
	buf_free(&out);
	buf_free(&t.text);
}

static void
each_fault_has_its_line(void **state)
{
	static const struct {
		const char *text, *told;
	} rows[] = {
	    {"[g]\nname = a\nother = 1\n", "f:3: other: no such key in [g]"},
	    {"[g]\nname = a\nname = b\n", "f:3: name: given twice, first at f:2"},
	    {"[h]\nx = 1\n[g]\nname = a\n", "f:1: [h]: no such section"},
	    {"[g]\n", "f:0: [g]: name is missing"},
	    {"[g]\nname = a\n[class \"x\"]\nmax = 1\n", "[class \"x\"]: from is missing"},
	    {"[g]\nname = a\nn = 11\n", "f:3: n = 11: outside 1 to 10"},
	    {"[g]\nname = a\nn = -1\n", "f:3: n = -1: want a whole number"},
	    {"[g]\nname = a\nn = 1x\n", "want a whole number"},
	    {"[g]\nname = a\nsize = 1KB\n", "want a size such as"},
	    {"[g]\nname = a\nsize = 99999999T\n", "want a size"},
	    {"[g]\nname = a\nsize = 2G\n", "outside 0 to 1073741824 bytes"},
	    {"[g]\nname = a\ntime = 5\n", "want a time such as"},
	    {"[g]\nname = a\non = true\n", "want yes or no"},
	    {"[g]\nname = a\nword = on\n", "want one of one|two"},
	    {"[g]\nname = a\n[class \"x\"]\nfrom = a/b, ,c/d\n", "f:4: from: an empty item"},
	    {"[g]\nname = a\n[class \"x\"]\nfrom = nobody\n", "f:4: from: nobody: no pattern"},
	    {"[g \"x\"]\n[g]\nname = a\n", "f:1: [g]: takes no instance"},
	    {"[class]\n[g]\nname = a\n", "f:1: [class]: wants an instance"},
	    {"[class \"\"]\n[g]\nname = a\n", "f:1: a section's instance"},
	    {"[g\nname = a\n[g]\nname = a\n", "f:1: a section wants"},
	    {"name = a\n[g]\nname = a\n", "f:1: name: stands before the first section"},
	    {"[g]\nname = a\nwhatever\n", "f:3: want key = value"},
	    {"[g]\nname = a\npath = a\xff\n", "f:3: not UTF-8"},
	    {"[g]\nname = a\npath = a\x01\n", "f:3: a control character"},
	    {"include none.conf\n[g]\nname = a\n", "f:1: /d/none.conf"},
	};
	struct told t = {0};
	struct conf *c;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_refused(parse(rows[i].text, &t, &c), &e, ERR_CONFIG);
		if (strstr(buf_str(&t.text), rows[i].told) == NULL)
			fail_msg("row %zu: told %s", i, buf_str(&t.text));
		assert_int_equal(t.n, 1);
	}
	buf_free(&t.text);
}

static void
all_faults_at_once(void **state)
{
	struct told t = {0};
	struct conf *c;

	assert_refused(parse("[g]\nn = 0\nother = 1\nword = x\n[zz]\n[class \"y\"]\n", &t, &c), &e,
		       ERR_CONFIG);
	assert_int_equal(t.n, 6); /* four on their lines, name and from missing */
	assert_string_equal(e.text, "f:2: n = 0: outside 1 to 10"); /* the first one */
	buf_free(&t.text);
}

static void
files_and_includes(void **state)
{
	char dir[] = "/tmp/safehand-conf-XXXXXX", path[64], inner[64];
	struct told t = {0};
	struct conf *c;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/a.conf", dir);
	snprintf(inner, sizeof inner, "%s/b.conf", dir);
	assert_refused(conf_load(path, table, tell, &t, &c, &e), &e, ERR_CONFIG);
	f = fopen(path, "w");
	fputs("[g]\nname = a\npath = p\ninclude b.conf\n", f);
	fclose(f);
	f = fopen(inner, "w");
	fputs("[class \"x\"]\nfrom = nobody\n", f);
	fclose(f);
	buf_clear(&t.text);
	assert_refused(conf_load(path, table, tell, &t, &c, &e), &e, ERR_CONFIG);
	assert_non_null(strstr(buf_str(&t.text), "b.conf:2: from: nobody"));
	f = fopen(inner, "w");
	fputs("[class \"x\"]\nfrom = a/b\n", f);
	fclose(f);
	assert_ok(conf_load(path, table, tell, &t, &c, &e), &e);
	assert_true(strncmp(conf_str(c, "g", NULL, "path"), dir, strlen(dir)) == 0);
	conf_free(c);
	f = fopen(inner, "w");
	fputs("include a.conf\n", f); /* a circle */
	fclose(f);
	buf_clear(&t.text);
	assert_refused(conf_load(path, table, tell, &t, &c, &e), &e, ERR_CONFIG);
	assert_non_null(strstr(buf_str(&t.text), "deep"));
	unlink(path);
	unlink(inner);
	rmdir(dir);
	buf_free(&t.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_and_defaults),
	    cmocka_unit_test(each_fault_has_its_line),
	    cmocka_unit_test(all_faults_at_once),
	    cmocka_unit_test(files_and_includes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
