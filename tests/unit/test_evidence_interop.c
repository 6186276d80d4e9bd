/* test_evidence_interop.c - the same word from C and from Python: on evidence that C made, good,
 * lacking, wrong and mutated, and on evidence that Python made with stock openssl's timestamps. */
#include "evidence_wrongs.h"

#define MUTATED 300
#define SEED	88172645463325252u
#define JUDGE                                                                                      \
	"/usr/bin/python3 -B '%s/tests/interop/verify_evidence.py' --root '%s/trust/root.pem' "    \
	"--crl '%s/trust/crl.pem' --log '%s/log/log.vkey' '%s'/*.evidence"
#define WRITE	      "mkdir '%s' && /usr/bin/python3 -B '%s/tests/interop/selftest.py' '%s' --write '%s'"
#define FILE_MAX_READ (64 * 1024)

static char dir[400];
static unsigned files;

static void
put(const struct buf *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/c/%05u.evidence", dir, files++);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text->data, 1, text->len, f), text->len);
	fclose(f);
}

static void
put_evidence(const struct evidence *ev)
{
	struct buf text = {0};

	evidence_format(ev, &text);
	put(&text);
	buf_free(&text);
}

static void
put_plan(const struct rig_plan *p)
{
	struct evidence ev;

	rig_make(p, &ev);
	put_evidence(&ev);
	evidence_free(&ev);
}

static struct buf *
part(struct evidence *ev, size_t i)
{
	struct buf *const parts[] = {
	    &ev->entry,	    &ev->proof,	    &ev->timestamp,	     &ev->manifest,
	    &ev->signature, &ev->statement, &ev->statement_signature};

	return parts[i % 7];
}

static uint64_t
next(uint64_t *x) /* xorshift64: the same run each time */
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* A byte of a part or of the file; a part cut short, doubled, or the place of another taken. */
static void
put_mutated(const struct evidence *good, const struct evidence *other, uint64_t *x)
{
	struct evidence ev = *good, from = *other;
	struct buf copy = {0}, *b = part(&ev, next(x)), text = {0};
	size_t at = next(x) % b->len, n = next(x) % 6;

	buf_add(&copy, b->data, b->len);
	*b = copy;
	switch (n) {
	case 0: copy.data[at] ^= 1u << next(x) % 8; break;
	case 1: copy.data[at] = (uint8_t)next(x); break;
	case 2: b->len = at; break;
	case 3: buf_addc(b, copy.data[at]); break;
	case 4: *b = *part(&from, next(x)); break;
	default: break;
	}
	evidence_format(&ev, &text);
	if (n == 5)
		text.data[next(x) % text.len] ^= 1u << next(x) % 8;
	put(&text);
	if (n == 4)
		buf_free(&copy);
	else
		buf_free(b);
	buf_free(&text);
}

static void
put_all(void)
{
	static const enum entry_event good[] = {EVENT_SUBMISSION_ACCEPTANCE,
						EVENT_SUBMISSION_REJECTION,
						EVENT_CONTENT_CONSIGNMENT,
						EVENT_CONTENT_HANDOVER,
						EVENT_OPENED,
						EVENT_OPEN_FAILURE,
						EVENT_READ,
						EVENT_ANSWER};
	struct rig_plan p = rig_plan(EVENT_READ), q = rig_plan(EVENT_OPENED);
	struct evidence ev, other;
	uint64_t x = SEED;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct rig_plan one = rig_plan(good[i]);

		put_plan(&one);
	}
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct rig_plan one = rig_notice(good[i]);

		put_plan(&one);
	}
	for (int event = EVENT_NOTIFICATION_SENT; event < EVENTS; event++)
		for (int whose = 0; whose < 3; whose++) {
			static const char *const mailboxes[] = {"uhcw/emergency", "csc/mash",
								"wmp/ppu"};
			struct rig_plan one = rig_plan((enum entry_event)event);

			one.no_statement = one.no_actor = true;
			strcpy(one.entry.mailbox, mailboxes[whose]);
			put_plan(&one);
			one = rig_notice((enum entry_event)event);
			strcpy(one.entry.mailbox, mailboxes[whose]);
			put_plan(&one);
		}
	for (size_t i = 0; i < WRONGS; i++) {
		struct rig_plan one = rig_plan(EVENT_READ);

		wrong_make(&one, &wrongs[i]);
		put_plan(&one);
	}
	rig_make(&p, &ev);
	rig_make(&q, &other);
	for (unsigned mask = 0; mask < 128; mask++) {
		struct evidence less = ev;

		for (size_t i = 0; i < 7; i++)
			if (mask & 1u << i)
				*part(&less, i) = (struct buf){0};
		put_evidence(&less);
	}
	for (int i = 0; i < MUTATED; i++)
		put_mutated(&ev, &other, &x);
	evidence_free(&ev);
	evidence_free(&other);
}

/* What C says of a file, with what the Python verifier is given too: no issuing CA. */
static const char *
word_of(const char *path, struct trust *t, const struct note_key *key, struct evidence_result *r)
{
	static char text[FILE_MAX_READ];
	FILE *f = fopen(path, "r");
	struct evidence ev;
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof text, f);
	assert_true(n < sizeof text);
	fclose(f);
	*r = (struct evidence_result){.verdict = EVIDENCE_FAIL};
	if (evidence_parse(text, n, &ev, &r->why) == 0)
		evidence_verify(&ev, t, key, r);
	evidence_free(&ev);
	return evidence_verdict_name(r->verdict);
}

/* Python's lines are "WORD PATH: why". */
static void
compare(const char *folder, unsigned at_least)
{
	const char *top = getenv("TOP"), *pki = getenv("PKI");
	struct note_key key = rig_log_key("log/log.vkey");
	struct trust *t = rig_trust("", false, true);
	char cmd[2048], in[512], line[2048], word[16], path[512];
	unsigned lines = 0, differ = 0;
	struct evidence_result r;
	FILE *python;

	snprintf(in, sizeof in, "%s/%s", dir, folder);
	snprintf(cmd, sizeof cmd, JUDGE, top, pki, pki, pki, in);
	python = popen(cmd, "r");
	assert_non_null(python);
	while (fgets(line, sizeof line, python) != NULL) {
		if (sscanf(line, "%15s %511[^:]:", word, path) != 2 || path[0] != '/')
			continue; /* a second line of a reason */
		lines++;
		if (strcmp(word, word_of(path, t, &key, &r)) != 0) {
			differ++;
			print_error("C says %s (%s), Python %s", evidence_verdict_name(r.verdict),
				    r.why.text, line);
		}
	}
	assert_int_equal(WEXITSTATUS(pclose(python)), 1); /* some are wrong */
	assert_true(lines >= at_least);
	assert_int_equal(differ, 0);
	trust_free(t);
}

static void
both_say_the_same_of_what_c_made(void **state)
{
	put_all();
	compare("c", files);
}

static void
both_say_the_same_of_what_python_made(void **state)
{
	char cmd[2048], in[512];

	snprintf(in, sizeof in, "%s/python", dir);
	snprintf(cmd, sizeof cmd, WRITE, in, getenv("TOP"), getenv("PKI"), in);
	assert_int_equal(system(cmd), 0);
	compare("python", 200);
}

static int
setup(void **state)
{
	char cmd[512];

	snprintf(dir, sizeof dir, "%s/evidence.XXXXXX", getenv("BUILD"));
	assert_non_null(mkdtemp(dir));
	snprintf(cmd, sizeof cmd, "mkdir '%s/c'", dir);
	return system(cmd);
}

static int
teardown(void **state)
{
	char cmd[512];

	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	return system(cmd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_say_the_same_of_what_c_made),
	    cmocka_unit_test(both_say_the_same_of_what_python_made),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
