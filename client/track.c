/* track.c - safehand track: what became of a bundle, from evidence that is judged here. Runs in:
 * client. Owns: nothing. Trusts: not the gateway's word: each line is judged by its evidence. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "away.h"
#include "commands.h"
#include "feed.h"
#include "files.h"
#include "gate.h"
#include "past.h"
#include "proof.h"
#include "safehand/enc.h"
#include "safehand/evidence.h"
#include "safehand/fetched.h"
#include "safehand/json.h"
#include "safehand/time.h"
#include "timeline.h"

#define LISTING_MAX (16 * 1024 * 1024) /* bytes: RECIPIENTS_MAX mailboxes with all their events */
#define PIECES_MAX  10000 /* of one bundle: some RECIPIENTS_MAX mailboxes with all their steps */

struct track {
	struct client *c;
	int save_fd; /* -1: --save was not given */
	struct timeline line;
	struct buf flags; /* the line's, as items of an array */
	enum evidence_verdict worst;
};

/* --- asking --- */

static int
get(struct track *t, const char *tail, struct http_answer *a, struct err *e)
{
	struct http_call call = {.method = "GET", .from_fd = -1, .into_fd = -1, .max = LISTING_MAX};
	struct buf path = {0};
	int rc;

	buf_addf(&path, "/v1/bundles/%s%s", t->line.id, tail);
	call.path = buf_str(&path);
	rc = gate_call(t->c, &call, a, e);
	buf_free(&path);
	return rc;
}

static int
take_state(struct track *t, const struct http_answer *a, struct err *e)
{
	struct json *doc;

	if (json_parse("bundle", buf_str(&a->body), a->body.len, LISTING_MAX, &doc, e) < 0)
		return -1;
	t->line.state = doc;
	return json_has_no(doc, "flags") ? 0
					 : feed_flags(json_member(doc, "flags"), "bundle.flags",
						      &t->line.flags, &t->flags, e);
}

/* Only its sender is told how the bundle stands; recipients have the evidence that concerns them.
 */
static int
ask_state(struct track *t, struct err *e)
{
	struct http_answer a = {0};
	int rc = get(t, "", &a, e);

	if (rc < 0 && e->code == ERR_UNKNOWN)
		rc = 0;
	else if (rc == 0)
		rc = take_state(t, &a, e);
	http_clear(&a);
	return rc;
}

static int
take_listed(struct track *t, const struct json *list, struct err *e)
{
	size_t n = json_count(list);

	if (n > PIECES_MAX)
		return err_set(e, ERR_LIMIT, "%zu pieces of evidence, limit %d", n, PIECES_MAX);
	t->line.pieces = mem_alloc((n + 1) * sizeof *t->line.pieces);
	for (size_t i = 0; i < n; i++) {
		int64_t seq = json_number(json_item(list, i), "seq");

		if (seq < 0 || (i > 0 && (uint64_t)seq <= t->line.pieces[i - 1].seq))
			return err_set(e, ERR_FORMAT, "the list of evidence is not in order");
		t->line.pieces[i].seq = (uint64_t)seq;
	}
	t->line.n = n;
	return 0;
}

static int
ask_list(struct track *t, struct err *e)
{
	struct http_answer a = {0};
	struct json *doc = NULL;
	int rc = -1;

	if (get(t, "/evidence", &a, e) == 0 &&
	    json_parse("evidence list", buf_str(&a.body), a.body.len, LISTING_MAX, &doc, e) == 0)
		rc = take_listed(t, json_member(doc, "evidence"), e);
	json_free(doc);
	http_clear(&a);
	return rc;
}

/* --- judging --- */

/* Evidence is of what was asked for, and of the log that we follow. */
static int
check_piece(struct track *t, const struct piece *p, const struct evidence *ev, struct err *e)
{
	const struct entry *entry = &p->result.entry;
	struct merkle_proof path;
	const char *note;
	uint64_t index;
	size_t len;

	if (p->result.verdict == EVIDENCE_FAIL)
		return 0; /* said already */
	if (!p->result.has_entry || entry->seq != p->seq || strcmp(entry->bundle, t->line.id) != 0)
		return err_set(e, ERR_FAIL, "the gateway gave other evidence than was asked for");
	if (ev->proof.len == 0)
		return 0;
	return tlog_proof_parse(ev->proof.data, ev->proof.len, &index, &path, &note, &len, e) < 0
		   ? -1
		   : past_cover(t->c, note, len, e);
}

static int
save(const struct track *t, const struct piece *p, const struct buf *text, struct err *e)
{
	struct buf name = {0};
	int rc;

	if (t->save_fd < 0)
		return 0;
	proof_name(t->line.id, p->seq, p->result.has_entry ? p->result.entry.event : EVENT_NONE,
		   &name);
	rc = files_write(t->save_fd, buf_str(&name), text->data, text->len, e);
	buf_free(&name);
	return rc;
}

/* -1: we do not go on. What is wrong with a piece is in its result. */
static int
judge_text(struct track *t, struct piece *p, const struct buf *text, struct err *e)
{
	struct evidence_result *r = &p->result;
	struct evidence ev;
	struct trust *trust;
	const struct roster *roster;
	int rc = -1;

	if (evidence_parse(buf_str(text), text->len, &ev, &r->why) < 0) {
		r->verdict = EVIDENCE_FAIL;
		rc = 0;
	} else if (gate_roster(t->c, &roster, e) == 0 && gate_trust(t->c, &trust, e) == 0) {
		evidence_verify(&ev, trust, &roster->log, r);
		rc = check_piece(t, p, &ev, e);
		if (rc < 0 && e->code == ERR_FAIL) {
			r->verdict = EVIDENCE_FAIL;
			r->why = *e;
			rc = 0;
		}
	}
	evidence_free(&ev);
	return rc;
}

static int
ask_piece(struct track *t, struct piece *p, struct err *e)
{
	struct http_answer a = {0};
	char tail[64];
	int rc = -1;

	snprintf(tail, sizeof tail, "/evidence/%" PRIu64, p->seq);
	if (get(t, tail, &a, e) == 0 && judge_text(t, p, &a.body, e) == 0)
		rc =
		    save(t, p, &a.body, e); /* wrong ones too: they are proof against the gateway */
	http_clear(&a);
	if (rc == 0 && p->result.verdict > t->worst)
		t->worst = p->result.verdict;
	return rc;
}

/* --- what is told --- */

static void
add_json_fetch(const struct entry *entry, struct buf *out)
{
	char text[TIME_TEXT];
	struct fetched f;
	struct err e;

	if (fetched_parse(entry->code, &f, &e) < 0)
		return; /* then the verdict says so */
	buf_json_key(out, "fetched");
	buf_addc(out, '{');
	if (f.again) {
		buf_json_int(out, "times", (int64_t)f.times);
		buf_json_int(out, "bytes", (int64_t)f.bytes);
	} else {
		buf_json_int(out, "from", (int64_t)f.from);
		buf_json_int(out, "to", (int64_t)f.to);
		buf_json_int(out, "total", (int64_t)f.total);
	}
	time_format_ms(text, f.at_ms);
	buf_json_str(out, "at", text);
	buf_addc(out, '}');
}

static void
add_json_piece(const struct piece *p, struct buf *out)
{
	const struct evidence_result *r = &p->result;
	char text[TIME_TEXT];

	buf_addc(out, '{');
	buf_json_int(out, "seq", (int64_t)p->seq);
	buf_json_str(out, "verdict", evidence_verdict_name(r->verdict));
	if (r->verdict != EVIDENCE_OK)
		buf_json_str(out, "text", r->why.text);
	if (r->has_entry) {
		buf_json_str(out, "event", event_name(r->entry.event));
		time_format_ms(text, r->entry.time_ms);
		buf_json_str(out, "time", text);
		buf_json_str(out, "mailbox", r->entry.mailbox[0] != '\0' ? r->entry.mailbox : NULL);
		buf_json_str(out, "code", r->entry.code);
		buf_json_str(out, "by", r->has_actor ? r->actor.by : NULL);
		if (r->entry.has_actor)
			buf_json_hex(out, "actor", r->entry.actor, DIGEST_BYTES);
		if (r->entry.event == EVENT_FETCHED)
			add_json_fetch(&r->entry, out);
	}
	if (r->has_stamp) {
		time_format_ms(text, r->stamped_ms);
		buf_json_str(out, "stamped", text);
	}
	buf_addc(out, '}');
}

static void
add_json_head(const struct track *t, struct buf *out)
{
	const struct evidence_result *first = t->line.n > 0 ? &t->line.pieces[0].result : NULL;

	buf_json_str(out, "bundle", t->line.id);
	buf_json_str(out, "verdict", evidence_verdict_name(t->worst));
	if (first == NULL || !first->has_manifest || first->verdict == EVIDENCE_FAIL)
		return;
	buf_json_str(out, "class", first->klass);
	buf_json_str(out, "from", first->from);
	buf_json_key(out, "signers");
	buf_addc(out, '[');
	for (size_t i = 0; i < first->nsigners; i++) {
		buf_adds(out, i > 0 ? "," : "");
		buf_json(out, first->signers[i].by);
	}
	buf_addc(out, ']');
}

static void
add_json_mailbox(const struct json *one, struct buf *out)
{
	struct err not_of_its_form;

	buf_addc(out, '{');
	buf_json_str(out, "mailbox", json_text(one, "mailbox"));
	buf_json_str(out, "state", json_text(one, "state"));
	if (!json_has_no(one, "away") &&
	    away_check(json_member(one, "away"), "away", &not_of_its_form) == 0) {
		buf_json_key(out, "away");
		away_json(json_member(one, "away"), out);
	}
	buf_addc(out, '}');
}

static void
add_json(const struct track *t, struct buf *out)
{
	const struct json *list =
	    t->line.state != NULL ? json_member(t->line.state, "mailboxes") : NULL;

	buf_addc(out, '{');
	add_json_head(t, out);
	buf_json_key(out, "flags");
	buf_addf(out, "[%s]", buf_str(&t->flags));
	buf_json_key(out, "mailboxes");
	buf_addc(out, '[');
	for (size_t i = 0; i < json_count(list); i++) {
		buf_adds(out, i > 0 ? "," : "");
		add_json_mailbox(json_item(list, i), out);
	}
	buf_addc(out, ']');
	buf_json_key(out, "evidence");
	buf_addc(out, '[');
	for (size_t i = 0; i < t->line.n; i++) {
		buf_adds(out, i > 0 ? "," : "");
		add_json_piece(&t->line.pieces[i], out);
	}
	buf_adds(out, "]}");
}

/* --- */

static int
track_all(struct track *t, struct err *e)
{
	struct buf out = {0};
	int rc;

	if (past_check(t->c, e) < 0 || ask_state(t, e) < 0 || ask_list(t, e) < 0)
		return -1;
	for (size_t i = 0; i < t->line.n; i++)
		if (ask_piece(t, &t->line.pieces[i], e) < 0)
			return err_wrap(e, "entry %" PRIu64, t->line.pieces[i].seq);
	if (t->c->json)
		add_json(t, &out);
	else
		timeline_text(&t->line, &out);
	rc = say(t->c, &out, e);
	buf_free(&out);
	return rc;
}

static int
run(struct client *c, const struct args *a, struct err *e)
{
	static const enum err_code codes[] = {ERR_OK, ERR_INCOMPLETE, ERR_FAIL};
	struct track t = {
	    .c = c, .save_fd = -1, .line = {.id = args_operand(a, 0), .now_ms = time_now_ms()}};
	int rc = -1;

	if (args_want(a, 1, 1, "ID", e) < 0)
		return -1;
	if (!uuid_is_v7(t.line.id))
		return err_set(e, ERR_USAGE, "%s: no bundle's id", t.line.id);
	if (!args_has(a, "save") || files_folder(args_value(a, "save"), &t.save_fd, e) == 0)
		rc = track_all(&t, e);
	if (t.save_fd >= 0)
		close(t.save_fd);
	json_free(t.line.state);
	buf_free(&t.line.flags);
	buf_free(&t.flags);
	free(t.line.pieces);
	return rc < 0 ? -1 : err_exit(codes[t.worst]);
}

static const struct args_row options[] = {
    {"save", "DIR", "write each piece of evidence there, ID-NUMBER-EVENT.evidence", false},
    {NULL, NULL, NULL, false},
};

const struct command track_command = {
    .name = "track",
    .operands = "ID",
    .summary = "what became of a bundle, mailbox by mailbox",
    .about = "Asks for the evidence of each step, judges it, and shows it as a timeline. Exit "
	     "status as of verify.\nBefore, the log is held against what was last seen of it: one "
	     "that contradicts itself is\nrefused, with exit status 9.\n",
    .options = options,
    .run = run,
};
