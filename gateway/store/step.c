/* step.c - one step of a ladder. Runs in: store, inside a group's change. Owns: nothing. Trusts:
 * ladder.c, that the step is the next one and that its time has come. */
#include "store/step.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/digest.h"
#include "safehand/entry.h"
#include "safehand/log.h"
#include "safehand/notice_file.h"
#include "store/deadline.h"
#include "store/exclusion.h"
#include "store/expectation.h"
#include "store/group.h"
#include "store/ladder.h"
#include "store/outbox.h"

#define NOTICE_KEEP_MS (INT64_C(90) * 86400000) /* a notice is kept as long as most bundles */
/* What tells the entries of one deadline apart: its number times this, and the step. */
#define PARTS (INT64_C(4) * LADDER_MAX)

int64_t
step_part(const struct ledger_deadline *d, unsigned index)
{
	return d->n * PARTS + index;
}

/* --- which --- */

int64_t
step_time(const struct ledger_deadline *d, const struct ladder *l, unsigned *index)
{
	const struct ladder_plan plan = {l, d->start_ms, d->due_ms, d->cover_now};
	const struct ladder_step *step;
	int64_t when;

	if (d->undelivered) {
		if (index != NULL)
			*index = STEP_UNDELIVERED;
		return d->start_ms;
	}
	for (size_t i = 0; (step = ladder_at(&plan, i, &when)) != NULL; i++) {
		unsigned k = (unsigned)(step - l->step);

		if ((d->fired & 1u << k) != 0)
			continue;
		if (index != NULL)
			*index = k;
		return when;
	}
	return DEADLINE_NEVER;
}

void
step_name(const struct ladder *l, unsigned index, char out[static STEP_TEXT])
{
	static const char *const names[] = {
	    [LADDER_OVERDUE] = "overdue",   [LADDER_REMIND] = "remind",
	    [LADDER_COVER] = "cover",	    [LADDER_NOTIFY] = "notify ",
	    [LADDER_REGISTER] = "register", [LADDER_NOTIFY_SENDER] = "notify sender",
	};

	if (index == STEP_UNDELIVERED)
		snprintf(out, STEP_TEXT, "undelivered");
	else
		snprintf(out, STEP_TEXT, "%s%s", names[l->step[index].act], l->step[index].mailbox);
}

/* --- whom it tells --- */

/* Whom the sender excluded is not told of what it sent: who is owed it hears in its place. */
static const char *
told_by(struct ledger *l, const struct ledger_deadline *d, const struct ladder_step *step)
{
	return step->act == LADDER_NOTIFY && !exclusion_hides(l, d, step->mailbox) ? step->mailbox
										   : d->owed_to;
}

/* A failed notification goes to whom the ladder would tell next; at its end to whom it is owed. */
static const char *
next_told(struct ledger *ledger, const struct ledger_deadline *d, const struct ladder *l,
	  unsigned *index)
{
	const struct ladder_plan plan = {l, d->start_ms, d->due_ms, d->cover_now};
	const struct ladder_step *step;
	int64_t when;

	for (size_t i = 0; (step = ladder_at(&plan, i, &when)) != NULL; i++) {
		*index = (unsigned)(step - l->step);
		if ((d->fired & 1u << *index) == 0 &&
		    (step->act == LADDER_NOTIFY || step->act == LADDER_NOTIFY_SENDER))
			return told_by(ledger, d, step);
	}
	*index = LADDER_MAX - 1;
	return d->owed_to;
}

/* Whoever is next in line is told once that the contacts of a deadline are not reached. */
static int64_t
undelivered_part(struct ledger *l, const struct ledger_deadline *d, const struct ladder *ladder)
{
	unsigned index;

	next_told(l, d, ladder, &index);
	return step_part(d, 2 * LADDER_MAX + index);
}

static bool
told_already(struct ledger *l, const struct ledger_deadline *d, const struct ladder *ladder)
{
	int64_t part = undelivered_part(l, d, ladder);
	struct ledger_entry was;

	return d->bundle > 0
		   ? ledger_find_entry(l, d->bundle, d->mailbox, EVENT_ESCALATION, part, &was)
		   : ledger_find_expected(l, d->expectation, d->mailbox, EVENT_ESCALATION, part,
					  &was);
}

static bool
has_notices(const struct store *s)
{
	return conf_str(s->env->conf, "notary", NULL, "notice-key")[0] != '\0';
}

bool
step_notice(struct store *s, struct ledger *l, const struct ledger_deadline *d,
	    const struct ladder *ladder, unsigned index, struct notice *out)
{
	enum notice_kind kind = NOTICE_OVERDUE;
	const char *to = d->owed_to;
	struct subject x;
	unsigned ignored;

	if (index == STEP_UNDELIVERED && (!has_notices(s) || told_already(l, d, ladder)))
		return false; /* the entry of the failure says it */
	if (index == STEP_UNDELIVERED) {
		kind = NOTICE_UNDELIVERED;
		to = next_told(l, d, ladder, &ignored);
	} else {
		switch (ladder->step[index].act) {
		case LADDER_OVERDUE:
		case LADDER_REMIND:
		case LADDER_REGISTER: return false;
		case LADDER_COVER: kind = NOTICE_COVER; break;
		case LADDER_NOTIFY:
		case LADDER_NOTIFY_SENDER: to = told_by(l, d, &ladder->step[index]); break;
		}
	}
	if (kind == NOTICE_COVER && (d->bundle == 0 || !has_notices(s)))
		return false; /* the cover has its own entry in its feed */
	subject_read(l, d, &x);
	subject_notice(&x, d, kind, to, s->now(), out);
	return true;
}

/* --- what it writes --- */

struct taking {
	struct store *s;
	struct ledger_deadline *d;
	const struct ladder *ladder;
	unsigned index;
	const struct signed_notice *n;
	struct subject x;
};

static int64_t
enter(const struct taking *t, enum entry_event event, const char *mailbox, int64_t part,
      const char *code)
{
	return group_enter(
	    t->s, &(struct group_entry){.event = event,
					.bundle = t->d->bundle,
					.expectation = t->d->expectation,
					.id = t->x.id,
					.manifest_sha256 =
					    t->x.is_bundle ? t->x.bundle.manifest_sha256 : NULL,
					.mailbox = mailbox,
					.code = code,
					.part = part});
}

static void
enter_escalation(const struct taking *t, const char *word, const char *mailbox)
{
	char code[ENTRY_CODE];

	snprintf(code, sizeof code, "%s%s", word, mailbox);
	enter(t, EVENT_ESCALATION, t->d->mailbox, step_part(t->d, t->index), code);
}

static void
tell_contact(const struct taking *t, enum notice_kind kind, const char *mailbox)
{
	struct notice n;

	subject_notice(&t->x, t->d, kind, mailbox, t->s->now(), &n);
	outbox_add(t->s, t->d->n, mailbox, &n);
}

/* --- overdue --- */

static void
take_overdue(struct taking *t)
{
	char owed[OWED_TEXT];

	subject_owed(t->d, owed);
	enter(t, EVENT_OVERDUE, t->d->mailbox, t->d->n, owed);
	t->d->overdue = true;
	if (!t->x.is_bundle)
		expectation_missed(t->s, t->x.expectation.n);
}

/* --- cover --- */

struct covers {
	const char *of;
	struct ledger_delivery *d;
	size_t n;
};

static void
take_cover_of(void *ctx, const struct ledger_delivery *d)
{
	struct covers *c = ctx;

	if (!d->cover || strcmp(d->covers, c->of) != 0)
		return;
	c->d = mem_realloc(c->d, c->n + 1, sizeof *c->d);
	c->d[c->n++] = *d;
}

static void
release(struct taking *t, const struct ledger_delivery *cover)
{
	struct store *s = t->s;
	enum delivery_state next;
	struct err e;

	if (delivery_follow(cover->state, EVENT_COVER_RELEASED, &next, &e) < 0)
		return; /* another deadline of the same bundle did it, or it is over */
	enter(t, EVENT_COVER_RELEASED, cover->mailbox, 0, "ok");
	ledger_set_delivery_state(s->writer, cover, next, next == DELIVERY_WAITING);
	deadline_open_cover(s, &t->x.bundle, cover, policy_find(s->policy, t->x.bundle.klass));
	tell_contact(t, NOTICE_COVER, cover->mailbox);
	log_info("cover-released", "bundle=%s mailbox=%s cover=%s", t->x.id, t->d->mailbox,
		 cover->mailbox);
}

static void
take_cover(struct taking *t)
{
	struct covers c = {.of = t->d->mailbox};

	if (t->x.is_bundle)
		ledger_each_delivery(t->s->writer, t->d->bundle, take_cover_of, &c);
	enter_escalation(t, "cover:", c.n > 0 ? c.d[0].mailbox : "none");
	for (size_t i = 0; i < c.n; i++)
		release(t, &c.d[i]);
	free(c.d);
}

/* --- notices --- */

/* The bytes first: they may be refused. */
static int
put_notice(struct store *s, const struct signed_notice *n, struct ledger_bundle *b, struct err *e)
{
	struct buf head = {0};
	struct stage *stage;
	int rc = -1;

	notice_file_format(n->text.data, n->text.len, n->signature.data, n->signature.len, &head);
	digest_of(head.data, head.len, b->head_sha256);
	digest_of(n->text.data, n->text.len, b->manifest_sha256);
	if (spool_stage(s->spool, n->notice.id, "gateway", &head, b->head_sha256, 0, s->now(),
			&stage, e) == 0)
		rc = spool_put(s->spool, stage, &b->place, e);
	buf_free(&head);
	return rc;
}

static void
deliver_notice(const struct taking *t, struct ledger_bundle *b)
{
	struct store *s = t->s;
	const struct signed_notice *n = t->n;
	struct ledger_delivery d = {.state = DELIVERY_WAITING};

	strcpy(b->id, n->notice.id);
	strcpy(b->from, NOTICE_FROM);
	strcpy(b->klass, NOTICE_CLASS);
	b->created_ms = n->notice.created_ms;
	b->event_at_ms = TIME_NONE;
	b->accepted_ms = s->now();
	b->purge_ms = b->accepted_ms + NOTICE_KEEP_MS;
	b->manifest_bytes = (uint32_t)n->text.len;
	b->signature_bytes = (uint32_t)n->signature.len;
	ledger_add_bundle(s->writer, b);
	d.bundle = b->n;
	strcpy(d.mailbox, n->notice.to);
	ledger_add_delivery(s->writer, &d, true);
	group_enter(s, &(struct group_entry){.event = EVENT_CONTENT_CONSIGNMENT,
					     .bundle = b->n,
					     .id = b->id,
					     .manifest_sha256 = b->manifest_sha256,
					     .mailbox = d.mailbox,
					     .code = "ok"});
	if (n->notice.kind != NOTICE_COVER) /* its contact is told of what it is behind with */
		outbox_add(s, t->d->n, d.mailbox, &n->notice);
}

static void
take_undelivered(struct taking *t)
{
	int64_t part = undelivered_part(t->s->writer, t->d, t->ladder);
	char code[ENTRY_CODE];

	t->d->undelivered = false;
	if (t->n == NULL)
		return; /* told before */
	snprintf(code, sizeof code, "undelivered:%s", t->n->notice.to);
	enter(t, EVENT_ESCALATION, t->d->mailbox, part, code);
}

/* --- all of them --- */

static void
take_act(struct taking *t)
{
	const struct ladder_step *step = &t->ladder->step[t->index];

	switch (step->act) {
	case LADDER_OVERDUE: take_overdue(t); break;
	case LADDER_REMIND:
		enter_escalation(t, "remind", "");
		tell_contact(t, NOTICE_REMINDER, t->d->mailbox);
		break;
	case LADDER_COVER: take_cover(t); break;
	case LADDER_NOTIFY:
	case LADDER_NOTIFY_SENDER:
		enter_escalation(t, "notify:", told_by(t->s->writer, t->d, step));
		break;
	case LADDER_REGISTER: enter_escalation(t, "register", ""); break;
	}
	t->d->fired |= 1u << t->index;
}

int
step_take(struct store *s, struct ledger_deadline *d, const struct ladder *l, unsigned index,
	  const struct signed_notice *n, struct err *e)
{
	struct taking t = {.s = s, .d = d, .ladder = l, .index = index, .n = n};
	struct ledger_deadline was = *d;
	struct ledger_bundle b = {0};

	if (n != NULL && put_notice(s, n, &b, e) < 0)
		return -1;
	subject_read(s->writer, d, &t.x);
	if (index == STEP_UNDELIVERED)
		take_undelivered(&t);
	else
		take_act(&t);
	if (n != NULL)
		deliver_notice(&t, &b);
	d->next_ms = step_time(d, l, NULL);
	ledger_set_deadline(s->writer, d);
	ladders_changed(s, d, &was);
	return 0;
}
