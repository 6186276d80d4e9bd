/* timeline.c - what became of a bundle, in words. Runs in: client. Pure. Owns: nothing. Trusts: the
 * verdicts that it is given; no text of the gateway's. */
#include "timeline.h"

#include <inttypes.h>
#include <string.h>

#include "away.h"
#include "safehand/enc.h"
#include "safehand/fetched.h"
#include "safehand/time.h"

#define STEP_WIDTH                                                                                 \
	44 /* columns up to the verdict: "answered by person/agency/name: accepted" fits */
#define FINGERPRINT_SHOWN 8  /* bytes of a certificate's, in words; --json has all */
#define SPAN_WIDTH	  14 /* columns of "+2 d 23 h" and what stands around it */

/* What each event is in words; code: its code tells more. What is not in it shows its name. */
static const struct word {
	const char *text;
	bool code;
} words[EVENTS] = {
    [EVENT_SUBMISSION_ACCEPTANCE] = {"accepted by the gateway", false},
    [EVENT_SUBMISSION_REJECTION] = {"refused by the gateway", true},
    [EVENT_CONTENT_CONSIGNMENT] = {"delivered", false},
    [EVENT_NOTIFICATION_SENT] = {"notified", true},
    [EVENT_NOTIFICATION_FAILURE] = {"could not be notified", true},
    [EVENT_CONTENT_HANDOVER] = {"collected", false},
    [EVENT_OPENED] = {"opened", false},
    [EVENT_OPEN_FAILURE] = {"could not be opened", true},
    [EVENT_READ] = {"read", false},
    [EVENT_ANSWER] = {"answered", true},
    [EVENT_OVERDUE] = {"overdue", true},
    [EVENT_ESCALATION] = {"escalated", true},
    [EVENT_COVER_RELEASED] = {"released to the deputy", true},
    [EVENT_NON_DELIVERY] = {"not delivered", true},
    [EVENT_EXPECTATION_OPENED] = {"expected", true},
    [EVENT_EXPECTATION_MET] = {"came, as expected", true},
    [EVENT_EXPECTATION_MISSED] = {"expected, and did not come", true},
    [EVENT_SUPERSEDED] = {"superseded", true},
    [EVENT_WITHDRAWN] = {"withdrawn by its sender", true},
    [EVENT_PURGED] = {"erased", true},
};

static void
pad(struct buf *out, size_t since, size_t width)
{
	while (out->len - since < width)
		buf_addc(out, ' ');
}

void
timeline_span(int64_t ms, struct buf *out)
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
	size_t i = 0;

	ms = ms < 0 ? 0 : ms;
	while (i < 3 && ms < units[i].ms)
		i++;
	buf_addf(out, "%" PRId64 " %s", ms / units[i].ms, units[i].name);
	ms %= units[i].ms;
	if (i < 2 && ms >= units[i + 1].ms) /* seconds beside minutes say nothing */
		buf_addf(out, " %" PRId64 " %s", ms / units[i + 1].ms, units[i + 1].name);
}

/* "2026-11-24 15:20:01 UTC  +4 s": a person reads seconds. */
static void
add_when(const struct timeline *t, int64_t ms, struct buf *out)
{
	const struct evidence_result *first = &t->pieces[0].result;
	char text[TIME_TEXT];
	size_t since;

	time_format(text, ms);
	buf_addf(out, "  %.10s %.8s UTC  ", text, text + 11);
	since = out->len;
	if (first->has_entry && ms - first->entry.time_ms >= 1000) {
		buf_addc(out, '+');
		timeline_span(ms - first->entry.time_ms, out);
	}
	pad(out, since, SPAN_WIDTH);
}

/* Of a fetch: which certificate, and which part or how often. */
static void
add_fetch(const struct entry *entry, struct buf *out)
{
	struct fetched f;
	struct err e;

	buf_adds(out, "fetched");
	if (fetched_parse(entry->code, &f, &e) < 0)
		return; /* then the verdict says so */
	if (f.again)
		buf_addf(out, " %" PRIu64 " more times", f.times);
	buf_adds(out, " with ");
	for (size_t i = 0; i < FINGERPRINT_SHOWN; i++)
		buf_addf(out, "%02x", entry->actor[i]);
	if (f.again)
		buf_addf(out, ": %" PRIu64 " bytes", f.bytes);
	else if (f.from > 0 || f.to < f.total - 1)
		buf_addf(out, ": bytes %" PRIu64 "-%" PRIu64 " of %" PRIu64, f.from, f.to, f.total);
}

static void
add_step(const struct evidence_result *r, struct buf *out)
{
	const struct word *w = &words[r->entry.event];

	if (r->entry.event == EVENT_FETCHED) {
		add_fetch(&r->entry, out);
		return;
	}
	buf_adds(out, w->text != NULL ? w->text : event_name(r->entry.event));
	if (r->has_actor) { /* who sent it is said above */
		buf_adds(out, " by ");
		text_escape(out, r->actor.by, strlen(r->actor.by));
	}
	if ((w->text == NULL || w->code) && strcmp(r->entry.code, "ok") != 0) {
		buf_adds(out, ": ");
		text_escape(out, r->entry.code, strlen(r->entry.code));
	}
}

static void
add_piece(const struct timeline *t, const struct piece *p, struct buf *out)
{
	const struct evidence_result *r = &p->result;
	size_t since;

	if (r->has_entry)
		add_when(t, r->entry.time_ms, out);
	else
		buf_adds(out, "  ");
	since = out->len;
	if (r->has_entry)
		add_step(r, out);
	else
		buf_addf(out, "entry %" PRIu64, p->seq);
	pad(out, since, STEP_WIDTH);
	buf_addf(out, "  [%s", evidence_verdict_name(r->verdict));
	if (r->verdict != EVIDENCE_OK) {
		buf_adds(out, ": ");
		text_escape(out, r->why.text, strlen(r->why.text));
	}
	buf_adds(out, "]\n");
}

static const struct entry *
find(const struct timeline *t, const char *mailbox, enum entry_event event)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct evidence_result *r = &t->pieces[i].result;

		if (r->has_entry && r->entry.event == event &&
		    strcmp(r->entry.mailbox, mailbox) == 0)
			return &r->entry;
	}
	return NULL;
}

/* Silence is told: what the mailbox owes next, and for how long. */
static void
add_owed(const struct timeline *t, const char *mailbox, struct buf *out)
{
	static const struct {
		enum entry_event after, next;
		const char *text;
	} rows[] = {
	    {EVENT_CONTENT_CONSIGNMENT, EVENT_CONTENT_HANDOVER, "not collected"},
	    {EVENT_CONTENT_HANDOVER, EVENT_OPENED, "not opened"},
	    {EVENT_OPENED, EVENT_READ, "not read"},
	};
	static const enum entry_event ends[] = {EVENT_WITHDRAWN, EVENT_PURGED, EVENT_NON_DELIVERY,
						EVENT_OPEN_FAILURE};

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (find(t, mailbox, ends[i]) != NULL || find(t, "", ends[i]) != NULL)
			return;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct entry *after = find(t, mailbox, rows[i].after);

		if (after == NULL || find(t, mailbox, rows[i].next) != NULL)
			continue;
		buf_addf(out, "  %s yet, for ", rows[i].text);
		timeline_span(t->now_ms - after->time_ms, out);
		buf_addc(out, '\n');
		return;
	}
}

/* The gateway's word on how it stands, beside what the evidence shows. */
static const char *
state_of(const struct timeline *t, const char *mailbox)
{
	const struct json *list = t->state != NULL ? json_member(t->state, "mailboxes") : NULL;

	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_text(json_item(list, i), "mailbox"),
			   *state = json_text(json_item(list, i), "state");

		if (name != NULL && state != NULL && strcmp(name, mailbox) == 0)
			return state;
	}
	return NULL;
}

static void
add_escaped(struct buf *out, const char *before, const char *text)
{
	buf_adds(out, before);
	text_escape(out, text, strlen(text));
}

/* What is owed and open, and what happens next, by the gateway's word. list: [{owed, due,
 * next_step, next_at, state}]; NULL: it tells nothing of it. */
static void
add_deadlines(const struct json *list, struct buf *out)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *d = json_item(list, i);
		const char *state = json_text(d, "state"), *owed = json_text(d, "owed"),
			   *due = json_text(d, "due"), *next = json_text(d, "next_step"),
			   *at = json_text(d, "next_at");

		if (state == NULL || owed == NULL || due == NULL || strcmp(state, "open") != 0)
			continue;
		add_escaped(out, "  owes ", owed);
		add_escaped(out, ", due ", due);
		if (next != NULL && at != NULL) {
			add_escaped(out, "; then ", next);
			add_escaped(out, ", ", at);
		}
		buf_addc(out, '\n');
	}
}

static const struct json *
away_of(const struct timeline *t, const char *mailbox)
{
	const struct json *list = t->state != NULL ? json_member(t->state, "mailboxes") : NULL;
	struct err not_of_its_form;

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *one = json_item(list, i);
		const char *name = json_text(one, "mailbox");

		if (name != NULL && strcmp(name, mailbox) == 0 && !json_has_no(one, "away"))
			return away_check(json_member(one, "away"), "away", &not_of_its_form) < 0
				   ? NULL
				   : json_member(one, "away");
	}
	return NULL;
}

/* Why nothing happens, and who looks instead: by the gateway's word. */
static void
add_away(const struct json *away, struct buf *out)
{
	struct buf text = {0};

	if (away == NULL)
		return;
	away_text(away, &text);
	add_escaped(out, "  ", buf_str(&text));
	buf_addc(out, '\n');
	buf_free(&text);
}

static const struct json *
deadlines_of(const struct timeline *t, const char *mailbox)
{
	const struct json *list;

	if (t->state == NULL)
		return NULL;
	if (*mailbox == '\0') /* the sender's own: its final */
		return json_has_no(t->state, "deadlines") ? NULL
							  : json_member(t->state, "deadlines");
	list = json_member(t->state, "mailboxes");
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *one = json_item(list, i);
		const char *name = json_text(one, "mailbox");

		if (name != NULL && strcmp(name, mailbox) == 0 && !json_has_no(one, "deadlines"))
			return json_member(one, "deadlines");
	}
	return NULL;
}

static void
add_mailbox(const struct timeline *t, const char *mailbox, struct buf *out)
{
	const char *state = state_of(t, mailbox);

	if (*mailbox != '\0') {
		buf_addf(out, "\n%s", mailbox);
		buf_adds(out, state != NULL ? ": " : "");
		if (state != NULL)
			text_escape(out, state, strlen(state));
		buf_addc(out, '\n');
	}
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->pieces[i].result.entry.mailbox, mailbox) == 0)
			add_piece(t, &t->pieces[i], out);
	if (*mailbox != '\0')
		add_owed(t, mailbox, out);
	add_away(away_of(t, mailbox), out);
	add_deadlines(deadlines_of(t, mailbox), out);
}

/* All of them: where a class wants four eyes, who the second one was matters as much. */
static void
add_signers(const struct evidence_result *r, struct buf *out)
{
	for (size_t i = 0; i < r->nsigners; i++) {
		buf_adds(out, i == 0 ? ", signed by " : " and ");
		text_escape(out, r->signers[i].by, strlen(r->signers[i].by));
	}
}

void
timeline_text(const struct timeline *t, struct buf *out)
{
	const struct evidence_result *first = t->n > 0 ? &t->pieces[0].result : NULL;

	buf_addf(out, "bundle %s", t->id);
	if (first != NULL && first->has_manifest && first->verdict != EVIDENCE_FAIL) {
		buf_addf(out, ", %s from %s", first->klass, first->from);
		add_signers(first, out);
	}
	buf_addc(out, '\n');
	for (const char *f = buf_str(&t->flags); *f != '\0'; f = strchr(f, '\n') + 1) {
		buf_adds(out, "flag on the case: ");
		text_escape(out, f, strcspn(f, "\n"));
		buf_addc(out, '\n');
	}
	add_mailbox(t, "", out);
	for (size_t i = 0; i < t->n; i++) {
		const char *mailbox = t->pieces[i].result.entry.mailbox;
		bool shown = *mailbox == '\0';

		for (size_t k = 0; k < i && !shown; k++)
			shown = strcmp(t->pieces[k].result.entry.mailbox, mailbox) == 0;
		if (!shown)
			add_mailbox(t, mailbox, out);
	}
}
