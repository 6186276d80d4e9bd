/* show.c - the gateway's answers as people read them. Runs in: safehandctl. Pure, but for locale
 * and time zone. Owns: nothing. Trusts: no text of an answer: names and reasons came from outside
 * once. */
#include <inttypes.h>
#include <string.h>

#include "ctl/show.h"
#include "ctl/table.h"
#include "safehand/enc.h"
#include "safehand/json.h"

/* --- parts --- */

static void
add_time(struct table *t, const char *rfc3339, int64_t *ms)
{
	char text[SHOWN_TEXT];

	*ms = -1;
	if (rfc3339 != NULL)
		time_show(text, rfc3339, ms);
	table_add(t, rfc3339 != NULL ? text : NULL);
}

static void
add_number(struct table *t, const struct json *o, const char *name)
{
	if (json_has_no(o, name))
		table_add(t, NULL);
	else
		table_addf(t, "%" PRId64, json_number(o, name));
}

static void
finish(struct table *t, const char *none, struct buf *out)
{
	if (t->n == 0)
		buf_adds(out, none);
	else
		table_print(t, out);
	table_free(t);
}

/* --- status --- */

static void
show_crl(const struct json *a, struct buf *out)
{
	static const struct {
		const char *state, *means;
	} rows[] = {
	    {"current", ""},
	    {"overdue", ": OVERDUE, it serves by its grace"},
	    {"ended", ": ENDED, nobody is let in until there is a new one"},
	    {"missing", ": MISSING, nobody is let in"},
	};
	const char *state = json_text(a, "crl"), *until = json_text(a, "crl_until");

	for (size_t i = 0; state != NULL && i < sizeof rows / sizeof *rows; i++) {
		if (strcmp(rows[i].state, state) != 0)
			continue;
		buf_adds(out, "crl       until ");
		text_show(out, until != NULL ? until : "?");
		buf_addf(out, "%s\n", rows[i].means);
	}
}

/* Dates that nobody renews make deadlines too early or too late, and nobody sees it. */
static void
show_ending(const struct json *a, struct buf *out)
{
	const struct json *list =
	    json_has_no(a, "calendars_ending") ? NULL : json_member(a, "calendars_ending");

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *one = json_item(list, i);
		const char *name = json_text(one, "calendar"), *until = json_text(one, "until"),
			   *what = json_text(one, "what");

		buf_adds(out, "calendar  ");
		text_show(out, name != NULL ? name : "?");
		buf_adds(out, ": ENDS, it knows no ");
		buf_adds(out, what != NULL && strcmp(what, "terms") == 0 ? "school days"
									 : "closed days");
		buf_adds(out, " after ");
		text_show(out, until != NULL ? until : "?");
		buf_addc(out, '\n');
	}
}

static void
show_totals(const struct json *a, struct buf *out)
{
	char free_bytes[SHOWN_TEXT];

	size_show(free_bytes, json_number(a, "disk_free"));
	buf_addf(out,
		 "bundles   %" PRId64 " accepted, %" PRId64 " kept, %" PRId64 " in quarantine\n",
		 json_number(a, "bundles"), json_number(a, "live"), json_number(a, "quarantined"));
	buf_addf(out, "waiting   %" PRId64 " deliveries not yet collected\n",
		 json_number(a, "waiting"));
	buf_addf(out, "owed      %" PRId64 " deadlines, %" PRId64 " of them overdue\n",
		 json_number(a, "deadlines"), json_number(a, "overdue"));
	buf_addf(out, "log       %" PRId64 " entries\n", json_number(a, "entries"));
	buf_addf(out,
		 "now       %" PRId64 " uploads, %" PRId64 " long polls, %" PRId64
		 " verify workers\n",
		 json_number(a, "uploads"), json_number(a, "long_polls"),
		 json_number(a, "verify_workers"));
	buf_addf(out, "disk      %s free\n", free_bytes);
	if (json_has_no(a, "roster_serial"))
		buf_adds(out, "roster    none in force: nothing can be sent\n");
	else
		buf_addf(out, "roster    serial %" PRId64 ", %" PRId64 " mailboxes\n",
			 json_number(a, "roster_serial"), json_number(a, "mailboxes"));
	show_crl(a, out);
	show_ending(a, out);
	if (json_number(a, "alarms") > 0)
		buf_addf(out,
			 "ALARM     %" PRId64 " alarms since the start: see canary and"
			 " fetch-outlier in the log\n",
			 json_number(a, "alarms"));
}

/* The kernel's mode in words. */
static const char *
seccomp_word(const char *mode)
{
	return mode == NULL		? NULL
	       : strcmp(mode, "2") == 0 ? "filter"
	       : strcmp(mode, "0") == 0 ? "none"
					: mode;
}

static void
show_roles(const struct json *roles, struct buf *out)
{
	static const struct column columns[] = {
	    {"ROLE", false},	     {"#", true},	 {"PID", true},
	    {"USER", false},	     {"CHROOT", false},	 {"NO NEW PRIVILEGES", false},
	    {"SECCOMP", false},	     {"LANDLOCK", true}, {"FILES", true},
	    {"CAPABILITIES", false}, {"SKIPPED", false}};
	struct table t = {.columns = columns, .width = sizeof columns / sizeof *columns};

	for (size_t i = 0; i < json_count(roles); i++) {
		const struct json *role = json_item(roles, i);
		const struct json *jail = json_member(role, "confinement");
		const char *skipped = json_text(jail, "skipped");

		table_add(&t, json_text(role, "role"));
		add_number(&t, role, "index");
		add_number(&t, role, "pid");
		table_add(&t, json_text(jail, "uid"));
		table_add(&t, json_text(jail, "chroot"));
		table_add(&t, json_text(jail, "no_new_privs"));
		table_add(&t, seccomp_word(json_text(jail, "seccomp")));
		add_number(&t, jail, "landlock");
		add_number(&t, jail, "files");
		table_add(&t, json_text(jail, "capabilities"));
		table_add(&t, skipped != NULL && *skipped == '\0' ? NULL : skipped);
	}
	finish(&t, "no roles were told of\n", out);
}

enum err_code
show_status(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	const char *started = json_text(a, "started");
	char since[SHOWN_TEXT] = "?", age[SHOWN_TEXT] = "?";
	int64_t ms;

	if (started != NULL) {
		time_show(since, started, &ms);
		age_show(age, ms < 0 ? -1 : now_ms - ms);
	}
	buf_adds(out, "safehandd ");
	text_show(out, json_text(a, "version"));
	buf_adds(out, ", serving since ");
	text_show(out, since);
	buf_addf(out, " (%s)\n\n", age);
	show_totals(a, out);
	buf_addc(out, '\n');
	show_roles(json_member(a, "roles"), out);
	return ERR_OK;
}

/* --- listings --- */

static void
bundle_rows(struct table *t, const struct json *b)
{
	const struct json *to = json_member(b, "mailboxes");
	char size[SHOWN_TEXT];
	int64_t ms;

	size_show(size, json_number(b, "payload_bytes"));
	for (size_t i = 0; i == 0 || i < json_count(to); i++) {
		const struct json *d = i < json_count(to) ? json_item(to, i) : NULL;
		const char *mailbox = json_text(d, "mailbox"), *cover = json_text(d, "for");

		if (i == 0) {
			add_time(t, json_text(b, "accepted"), &ms);
			table_add(t, json_text(b, "id"));
			table_add(t, json_text(b, "class"));
			table_add(t, json_flag(b, "purged") ? "purged" : json_text(b, "status"));
			table_add(t, json_text(b, "from"));
			table_add(t, size);
		} else { /* further recipients of the same bundle */
			for (int k = 0; k < 6; k++)
				table_add(t, "");
		}
		if (mailbox != NULL && cover != NULL)
			table_addf(t, "%s, for %s", mailbox, cover);
		else
			table_add(t, mailbox);
		table_add(t, json_text(d, "state"));
	}
}

enum err_code
show_bundles(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	static const struct column columns[] = {
	    {"ACCEPTED", false}, {"BUNDLE", false}, {"CLASS", false}, {"STATUS", false},
	    {"FROM", false},	 {"SIZE", true},    {"TO", false},    {"STATE", false}};
	struct table t = {.columns = columns, .width = sizeof columns / sizeof *columns};
	const struct json *list = json_member(a, "bundles");

	for (size_t i = 0; i < json_count(list); i++)
		bundle_rows(&t, json_item(list, i));
	finish(&t, "no bundle\n", out);
	return ERR_OK;
}

enum err_code
show_mailboxes(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	static const struct column columns[] = {
	    {"MAILBOX", false}, {"WAITING", true}, {"OLDEST SINCE", false}, {"AGE", true}};
	struct table t = {.columns = columns, .width = sizeof columns / sizeof *columns};
	const struct json *list = json_member(a, "mailboxes");

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *m = json_item(list, i);
		char age[SHOWN_TEXT] = "";
		int64_t ms;

		table_add(&t, json_text(m, "mailbox"));
		add_number(&t, m, "waiting");
		add_time(&t, json_text(m, "oldest"), &ms);
		if (ms >= 0)
			age_show(age, now_ms - ms);
		table_add(&t, age);
	}
	finish(&t, "no mailbox has had a bundle yet\n", out);
	return ERR_OK;
}

/* --- lists whose rows are members as they are --- */

enum cell { CELL_TEXT, CELL_NUMBER, CELL_TIME, CELL_DIGEST };

struct member {
	const char *head, *name; /* of the column, of the member */
	enum cell as;
};

static void
add_member(struct table *t, const struct json *row, const struct member *m)
{
	const char *text = m->as == CELL_NUMBER ? NULL : json_text(row, m->name);
	int64_t ms;

	if (m->as == CELL_NUMBER)
		add_number(t, row, m->name);
	else if (m->as == CELL_TIME)
		add_time(t, text, &ms);
	else if (m->as == CELL_DIGEST && text != NULL)
		table_addf(t, "%.16s", text); /* enough to find it; --json has all */
	else
		table_add(t, text);
}

static enum err_code
show_list(const struct json *list, const struct member *members, size_t n, const char *none,
	  struct buf *out)
{
	struct column columns[TABLE_COLUMNS_MAX];
	struct table t = {.columns = columns, .width = n};

	for (size_t i = 0; i < n; i++)
		columns[i] = (struct column){members[i].head, members[i].as == CELL_NUMBER};
	for (size_t i = 0; i < json_count(list); i++)
		for (size_t k = 0; k < n; k++)
			add_member(&t, json_item(list, i), &members[k]);
	finish(&t, none, out);
	return ERR_OK;
}

#define MEMBERS(m) m, sizeof(m) / sizeof *(m)

enum err_code
show_evidence(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	static const struct member row[] = {{"SEQ", "seq", CELL_NUMBER},
					    {"TIME", "time", CELL_TIME},
					    {"EVENT", "event", CELL_TEXT},
					    {"MAILBOX", "mailbox", CELL_TEXT},
					    {"CODE", "code", CELL_TEXT}};

	return show_list(json_member(a, "evidence"), MEMBERS(row), "no entry\n", out);
}

enum err_code
show_quarantine(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	static const struct member row[] = {{"SINCE", "since", CELL_TIME},
					    {"BUNDLE", "bundle", CELL_TEXT},
					    {"FROM", "from", CELL_TEXT},
					    {"WHY", "why", CELL_TEXT}};

	return show_list(json_member(a, "quarantine"), MEMBERS(row), "no bundle is in quarantine\n",
			 out);
}

enum err_code
show_canaries(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	static const struct member row[] = {{"SINCE", "since", CELL_TIME},
					    {"BUNDLE", "bundle", CELL_TEXT},
					    {"FROM", "from", CELL_TEXT},
					    {"CLASS", "class", CELL_TEXT},
					    {"STATE", "state", CELL_TEXT}};

	return show_list(json_member(a, "canaries"), MEMBERS(row), "no bundle is a canary\n", out);
}

enum err_code
show_revoked(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	static const struct member row[] = {{"SINCE", "since", CELL_TIME},
					    {"CERTIFICATE", "certificate", CELL_TEXT}};

	return show_list(json_member(a, "revoked"), MEMBERS(row),
			 "no certificate is revoked here; the CA's list has its own\n", out);
}

enum err_code
show_audit(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	static const struct member row[] = {
	    {"SEQ", "seq", CELL_NUMBER},   {"TIME", "time", CELL_TIME},
	    {"EVENT", "event", CELL_TEXT}, {"BUNDLE", "bundle", CELL_TEXT},
	    {"FROM", "from", CELL_TEXT},   {"MAILBOX", "mailbox", CELL_TEXT},
	    {"CODE", "code", CELL_TEXT},   {"BY CERTIFICATE", "actor", CELL_DIGEST}};

	return show_list(json_member(a, "entries"), MEMBERS(row), "no entry\n", out);
}

/* --- board --- */

enum err_code
show_board(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	static const struct column columns[] = {
	    {"DUE", false},   {"OVERDUE", true}, {"OWES", false},    {"WHAT", false},
	    {"CLASS", false}, {"OF", false},	 {"OWED TO", false}, {"NEXT", false}};
	struct table t = {.columns = columns, .width = sizeof columns / sizeof *columns};
	const struct json *list = json_member(a, "items");

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *row = json_item(list, i);
		int64_t ms, late = json_number(row, "overdue_ms");
		const char *id = json_text(row, "bundle");
		char age[SHOWN_TEXT];

		age_show(age, late);
		add_time(&t, json_text(row, "due"), &ms);
		table_add(&t, late > 0 ? age : NULL);
		table_add(&t, json_text(row, "mailbox"));
		table_add(&t, json_text(row, "owed"));
		table_add(&t, json_text(row, "class"));
		table_add(&t, id != NULL ? id : json_text(row, "expectation"));
		table_add(&t, json_text(row, "owed_to"));
		table_add(&t, json_text(row, "next_step"));
	}
	finish(&t, "nothing is overdue\n", out);
	return ERR_OK;
}

/* --- report --- */

enum err_code
show_report(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	static const struct column columns[] = {
	    {"WHO", false},	  {"OWED", false},   {"DUE", true},   {"IN TIME", true},
	    {"%", true},	  {"LATE", true},    {"COVER", true}, {"NEVER", true},
	    {"ON AVERAGE", true}, {"AT WORST", true}};
	struct table t = {.columns = columns, .width = sizeof columns / sizeof *columns};
	const struct json *list = json_member(a, "rows");

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *row = json_item(list, i);
		int64_t due = json_number(row, "due"), worst = json_number(row, "latest_ms");
		char mean[SHOWN_TEXT], late[SHOWN_TEXT];

		age_show(mean, json_has_no(row, "mean_ms") ? -1 : json_number(row, "mean_ms"));
		age_show(late, worst);
		table_add(&t, json_text(row, "who"));
		table_add(&t, json_text(row, "owed"));
		add_number(&t, row, "due");
		add_number(&t, row, "in_time");
		table_addf(&t, "%" PRId64, due > 0 ? json_number(row, "in_time") * 100 / due : 0);
		add_number(&t, row, "late");
		add_number(&t, row, "by_other");
		add_number(&t, row, "never");
		table_add(&t, json_has_no(row, "mean_ms") ? NULL : mean);
		table_add(&t, worst > 0 ? late : NULL);
	}
	finish(&t, "nothing has fallen due\n", out);
	return ERR_OK;
}

/* --- acts --- */

enum err_code
show_done(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	text_show(out, word);
	buf_adds(out, ": done, and recorded\n");
	return ERR_OK;
}

void
show_checking(const struct json *status, struct buf *out)
{
	const struct json *c = json_member(status, "fsck");
	char done[SHOWN_TEXT], of[SHOWN_TEXT];

	size_show(done, json_number(c, "payload_bytes_read"));
	size_show(of, json_number(c, "of"));
	if (json_number(c, "payload_bytes_read") > 0)
		buf_addf(out, "checking large payloads: %s of %s", done, of);
	else
		buf_adds(out, "checking ledger, journal and log");
}

enum err_code
show_fsck(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	const struct json *problems = json_member(a, "problems");
	int64_t found = json_number(a, "found");

	for (size_t i = 0; i < json_count(problems); i++) {
		struct err e;
		const char *text = json_item_string(problems, i, ERR_TEXT_MAX, "problems", &e);

		text_show(out, text != NULL ? text : e.text);
		buf_addc(out, '\n');
	}
	if (found > (int64_t)json_count(problems))
		buf_addf(out, "… and %" PRId64 " more\n", found - (int64_t)json_count(problems));
	buf_addf(out,
		 "looked at %" PRId64 " bundles, %" PRId64 " journal records, %" PRId64
		 " entries, %" PRId64 " checkpoints, %" PRId64 " large payloads: ",
		 json_number(a, "bundles"), json_number(a, "records"), json_number(a, "entries"),
		 json_number(a, "checkpoints"), json_number(a, "payloads"));
	if (json_flag(a, "ok"))
		buf_adds(out, "all is well\n");
	else
		buf_addf(out, "%" PRId64 " problems\n", found);
	return json_flag(a, "ok") ? ERR_OK : ERR_FAIL;
}

enum err_code
show_reload(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	buf_adds(out, "the gateway has taken its configuration anew\n");
	return ERR_OK;
}

enum err_code
show_stop(const struct json *a, const char *word, int64_t now_ms, struct buf *out)
{
	buf_adds(out, "the gateway stops when what is under way is done\n");
	return ERR_OK;
}

/* --- what is not of one command --- */

int
show_refusal(const struct json *a, struct err *e)
{
	const char *text = json_text(a, "error"), *name = json_text(a, "code");
	enum err_code code = name != NULL ? err_by_name(name) : ERR_FAIL;

	if (json_has_no(a, "error"))
		return 0;
	return err_set(e, code == ERR_CODES || code == ERR_OK ? ERR_FAIL : code, "%s",
		       text != NULL ? text : "refused without a reason");
}

bool
show_is_file(const struct json *a)
{
	return !json_has_no(a, "safehand_evidence");
}

/* The character at s of valid UTF-8, and its bytes. */
static uint32_t
code_point(const uint8_t *s, size_t *n)
{
	uint32_t c = s[0];

	*n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
	if (*n > 1)
		c &= 0x7Fu >> *n;
	for (size_t i = 1; i < *n; i++)
		c = c << 6 | (s[i] & 0x3Fu);
	return c;
}

void
show_raw(const char *json, size_t n, struct buf *out)
{
	const uint8_t *s = (const uint8_t *)json;

	for (size_t i = 0, k; i < n; i += k) {
		uint32_t c = code_point(s + i, &k);

		if (c == '\n' || c == '\t' || utf8_is_clean(s + i, k))
			buf_add(out, s + i, k);
		else /* the unclean ones all lie below U+10000 */
			buf_addf(out, "\\u%04x", c);
	}
}
