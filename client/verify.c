/* verify.c - safehand verify: evidence and bundles judged offline. Runs in: client. Owns: nothing.
 * Trusts: the root certificate and the log's key that its user names; no byte of a file. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "files.h"
#include "gate.h"
#include "safehand/bundle_file.h"
#include "safehand/enc.h"
#include "safehand/evidence.h"
#include "safehand/time.h"

#define KEY_MAX_BYTES 4096 /* a verifier key is one line */

/* By what files are judged; the log's key is looked for when the first evidence comes. */
struct judge {
	struct client *c;
	const struct args *a;
	struct trust *trust, *own; /* own: made from --root, ours to free */
	struct note_key log;
	bool has_log;
};

/* What is said of one file. */
struct finding {
	enum evidence_verdict verdict;
	enum err_code code;
	struct buf shown;   /* in words; escaped already */
	struct buf members; /* the same for programs: JSON members */
};

/* --- by what --- */

static int
read_option(const struct args *a, const char *name, struct buf *out, struct err *e)
{
	const char *path = args_value(a, name);

	return path == NULL ? 0 : files_read(AT_FDCWD, path, CRL_MAX_BYTES, out, e);
}

static int
open_trust(struct judge *j, struct err *e)
{
	struct buf root = {0}, issuing = {0}, crl = {0};
	int rc = -1;

	if (!args_has(j->a, "root") && (args_has(j->a, "issuing") || args_has(j->a, "crl")))
		return err_set(e, ERR_USAGE, "--issuing and --crl go with --root");
	if (!args_has(j->a, "root"))
		return gate_trust(j->c, &j->trust, e) < 0
			   ? err_wrap(e, "no --root, and no configuration")
			   : 0;
	if (read_option(j->a, "root", &root, e) == 0 &&
	    read_option(j->a, "issuing", &issuing, e) == 0 &&
	    read_option(j->a, "crl", &crl, e) == 0)
		rc = trust_new(&root, &issuing, &crl, &j->own, e);
	j->trust = j->own;
	buf_free(&root);
	buf_free(&issuing);
	buf_free(&crl);
	return rc;
}

static int
open_log(struct judge *j, struct err *e)
{
	const char *path = args_value(j->a, "log");
	const struct roster *roster;
	struct buf text = {0};
	int rc = -1;

	if (j->has_log)
		return 0;
	if (path == NULL && args_has(j->a, "root"))
		return err_set(e, ERR_USAGE, "--log is wanted: the log's verifier key");
	if (path != NULL && files_read(AT_FDCWD, path, KEY_MAX_BYTES, &text, e) == 0)
		rc = note_key_parse(buf_str(&text), text.len, &j->log, e);
	else if (path == NULL && gate_kept_roster(j->c, &roster, e) == 0) {
		j->log = roster->log;
		rc = 0;
	}
	buf_free(&text);
	j->has_log = rc == 0;
	return rc < 0 ? err_wrap(e, "the log's key") : 0;
}

/* --- evidence --- */

static void
add_time(struct finding *f, const char *word, const char *member, int64_t ms)
{
	char text[TIME_TEXT];

	time_format_ms(text, ms);
	buf_addf(&f->shown, "%s%s", word, text);
	buf_json_str(&f->members, member, text);
}

static void
add_word(struct finding *f, const char *word, const char *member, const char *value)
{
	if (*value == '\0')
		return;
	buf_adds(&f->shown, word);
	text_escape(&f->shown, value, strlen(value));
	buf_json_str(&f->members, member, value);
}

/* Who signed what the evidence shows: the recipient, else the sender. */
static void
add_signers(struct finding *f, const struct identity *ids, size_t n)
{
	buf_json_key(&f->members, "by");
	buf_addc(&f->members, '[');
	for (size_t i = 0; i < n; i++) {
		buf_adds(&f->shown, i == 0 ? ", signed by " : " and ");
		text_escape(&f->shown, ids[i].by, strlen(ids[i].by));
		buf_adds(&f->members, i == 0 ? "" : ",");
		buf_json(&f->members, ids[i].by);
	}
	buf_addc(&f->members, ']');
}

static void
show_evidence(const struct evidence_result *r, struct finding *f)
{
	const struct entry *entry = &r->entry;

	if (r->has_entry) {
		add_word(f, "", "event", event_name(entry->event));
		if (strcmp(entry->code, "ok") != 0)
			add_word(f, " ", "result", entry->code);
		add_word(f, " of ", "bundle", entry->bundle);
		add_word(f, " in ", "mailbox", entry->mailbox);
	}
	add_word(f, ", from ", "from", r->from);
	add_word(f, ", class ", "class", r->klass);
	if (r->has_actor)
		add_signers(f, &r->actor, 1);
	else if (r->nsigners > 0)
		add_signers(f, r->signers, r->nsigners);
	if (r->has_entry)
		add_time(f, ", at ", "time", entry->time_ms);
	if (r->has_stamp)
		add_time(f, ", stamped ", "stamped", r->stamped_ms);
	if (r->has_entry && r->has_checkpoint) {
		buf_addf(&f->shown, ", entry %llu of ", (unsigned long long)entry->seq);
		text_escape(&f->shown, r->checkpoint.origin, strlen(r->checkpoint.origin));
		buf_json_int(&f->members, "seq", (int64_t)entry->seq);
		buf_json_str(&f->members, "log", r->checkpoint.origin);
	}
}

/* What is wrong takes the place of what would be shown: nothing of it holds. */
static void
refuse(struct finding *f, enum evidence_verdict verdict, const struct err *why)
{
	f->verdict = verdict;
	f->code = why->code;
	if (verdict == EVIDENCE_FAIL) {
		buf_clear(&f->shown);
		buf_clear(&f->members);
	} else {
		buf_adds(&f->shown, f->shown.len > 0 ? "; " : "");
	}
	text_escape(&f->shown, why->text, strlen(why->text));
}

static int
judge_evidence(struct judge *j, const struct buf *text, struct finding *f, struct err *e)
{
	struct evidence_result r = {0};
	struct evidence ev;
	struct err why = {0};
	int rc = 0;

	if (evidence_parse(text->data, text->len, &ev, &why) < 0) {
		refuse(f, EVIDENCE_FAIL, &why);
	} else if ((rc = open_log(j, e)) == 0) {
		evidence_verify(&ev, j->trust, &j->log, &r);
		show_evidence(&r, f);
		if (r.verdict != EVIDENCE_OK)
			refuse(f, r.verdict, &r.why);
	}
	evidence_free(&ev);
	return rc;
}

/* --- bundles --- */

static void
show_bundle(const struct bundle_file *b, const struct identity *ids, size_t n, struct finding *f)
{
	const struct manifest *m = b->manifest;

	add_word(f, "bundle ", "bundle", m->id);
	add_word(f, ", from ", "from", m->from);
	add_word(f, ", class ", "class", m->klass);
	add_signers(f, ids, n);
	buf_json_key(&f->members, "to");
	buf_addc(&f->members, '[');
	for (size_t i = 0; i < m->nto; i++) {
		buf_addf(&f->shown, "%s%s", i == 0 ? ", to " : ", ", m->to[i].mailbox);
		buf_adds(&f->members, i == 0 ? "" : ",");
		buf_json(&f->members, m->to[i].mailbox);
	}
	buf_addc(&f->members, ']');
	add_time(f, ", says it was made ", "created", m->created_ms);
}

/* A bundle says itself when it was signed, and nobody vouches for it: it is judged as of today.
 * What has expired or was revoked since may have been good then; its evidence shows when that was.
 */
static void
judge_signers(struct judge *j, const struct bundle_file *b, struct finding *f)
{
	struct identity ids[SIGNERS_MAX];
	struct err e = {0}, then = {0};
	size_t n;

	if (bundle_file_check(b, j->trust, time_now_ms(), TRUST_HISTORIC, ids, &n, &e) == 0) {
		show_bundle(b, ids, n, f);
		return;
	}
	if ((e.code != ERR_EXPIRED && e.code != ERR_REVOKED) ||
	    bundle_file_check(b, j->trust, b->manifest->created_ms, TRUST_HISTORIC, ids, &n,
			      &then) < 0) {
		refuse(f, EVIDENCE_FAIL, &e);
		return;
	}
	show_bundle(b, ids, n, f);
	err_wrap(&e, "missing: evidence of when it was signed");
	refuse(f, EVIDENCE_INCOMPLETE, &e);
}

static void
judge_bundle(struct judge *j, int fd, struct finding *f)
{
	struct bundle_file *b = NULL;
	struct err e = {0};

	if (bundle_file_open(fd, &b, &e) < 0 || bundle_file_check_payload(b, NULL, NULL, &e) < 0)
		refuse(f, EVIDENCE_FAIL, &e);
	else
		judge_signers(j, b, f);
	bundle_file_close(b);
}

/* --- files --- */

/* -1: what evidence is judged by is wanting, which is no fault of the file. */
static int
judge_file(struct judge *j, const char *path, struct finding *f, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct err why = {0};
	struct buf text = {0};
	char magic[4];
	int rc = 0;

	if (fd < 0) {
		err_sys(&why, "it cannot be read");
		refuse(f, EVIDENCE_FAIL, &why);
		return 0;
	}
	if (pread(fd, magic, sizeof magic, 0) == sizeof magic &&
	    memcmp(magic, "SHB1", sizeof magic) == 0) {
		judge_bundle(j, fd, f);
		return 0;
	}
	close(fd);
	if (files_read(AT_FDCWD, path, EVIDENCE_MAX_BYTES, &text, &why) < 0)
		refuse(f, EVIDENCE_FAIL, &why);
	else
		rc = judge_evidence(j, &text, f, e);
	buf_free(&text);
	return rc;
}

static void
add_line(const struct finding *f, const char *path, struct buf *out)
{
	buf_addf(out, "%s ", evidence_verdict_name(f->verdict));
	text_escape(out, path, strlen(path));
	buf_addf(out, ": %s\n", buf_str(&f->shown));
}

static void
add_object(const struct finding *f, const char *path, struct buf *out)
{
	buf_adds(out, out->len > 0 ? ",{" : "{");
	buf_json_str(out, "file", path);
	buf_json_str(out, "verdict", evidence_verdict_name(f->verdict));
	buf_json_str(out, "code", err_name(f->code));
	buf_json_str(out, "text", buf_str(&f->shown));
	if (f->members.len > 1)
		buf_addf(out, ",%s", buf_str(&f->members) + 1);
	buf_addc(out, '}');
}

static int
judge_all(struct judge *j, struct buf *out, enum evidence_verdict *worst, struct err *e)
{
	const char *path;

	for (size_t i = 0; (path = args_operand(j->a, i)) != NULL; i++) {
		struct finding f = {.verdict = EVIDENCE_OK};
		int rc;

		buf_addc(&f.members, '{'); /* so that members are set apart by commas from here */
		rc = judge_file(j, path, &f, e);
		if (rc == 0 && j->c->json)
			add_object(&f, path, out);
		else if (rc == 0)
			add_line(&f, path, out);
		*worst = f.verdict > *worst ? f.verdict : *worst;
		buf_free(&f.shown);
		buf_free(&f.members);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int
run(struct client *c, const struct args *a, struct err *e)
{
	static const enum err_code codes[] = {ERR_OK, ERR_INCOMPLETE, ERR_FAIL};
	enum evidence_verdict worst = EVIDENCE_OK;
	struct judge j = {.c = c, .a = a};
	struct buf out = {0}, json = {0};
	int rc = -1;

	if (args_want(a, 1, SIZE_MAX, "FILE…", e) == 0 && open_trust(&j, e) == 0 &&
	    judge_all(&j, &out, &worst, e) == 0) {
		buf_adds(&json, "{");
		buf_json_str(&json, "verdict", evidence_verdict_name(worst));
		buf_addf(&json, ",\"files\":[%s]}", buf_str(&out));
		rc = say(c, c->json ? &json : &out, e);
	}
	trust_free(j.own);
	buf_free(&out);
	buf_free(&json);
	return rc < 0 ? -1 : err_exit(codes[worst]);
}

static const struct args_row options[] = {
    {"root", "FILE", "root certificate, PEM; default: the configuration's", false},
    {"log", "FILE", "the log's verifier key; default: the one of the roster last fetched", false},
    {"issuing", "FILE", "issuing CA certificates, PEM, if they are not in the files", false},
    {"crl", "FILE", "CRLs, PEM: what was revoked before it was used is refused", false},
    {NULL, NULL, NULL, false},
};

const struct command verify_command = {
    .name = "verify",
    .operands = "FILE…",
    .summary = "judge evidence and bundles, offline",
    .about = "A line for each file. Its first word is OK, INCOMPLETE (nothing is wrong, something "
	     "is missing)\nor FAIL; exit status 0, 3, 1: that of the worst. With --root and --log "
	     "it needs no configuration.\nCertificates are judged as of the evidence's timestamp; "
	     "those of a bundle alone as of today.\n",
    .options = options,
    .run = run,
};
