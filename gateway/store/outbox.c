/* outbox.c - notices to mail addresses and webhooks, kept until the courier has delivered them or
 * given up. Runs in: store. Owns: which rows the courier has. Trusts: the courier's word on them.
 */
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/entry.h"
#include "safehand/log.h"
#include "store/desk.h"
#include "store/group.h"
#include "store/ladder.h"
#include "store/subject.h"

#define WITH_COURIER_MAX 256 /* rows: it retries each by itself, some for hours */

struct outbox {
	int64_t last; /* row that was handed over */
	size_t with_courier;
};

struct outbox *
outbox_new(void)
{
	return mem_alloc(sizeof(struct outbox));
}

void
outbox_free(struct outbox *o)
{
	free(o);
}

static const char *
kind_name(uint32_t kind)
{
	return kind == NOTIFY_MAIL ? "mail" : "webhook";
}

void
outbox_add(struct store *s, int64_t deadline, const char *mailbox, const struct notice *n)
{
	struct ledger_outbox o = {
	    .deadline = deadline, .notice = n->kind, .created_ms = n->created_ms};
	const char *address, *pattern;

	strcpy(o.mailbox, mailbox);
	strcpy(o.id, n->id);
	for (o.kind = 0; o.kind < NOTIFY_KINDS; o.kind++)
		if (desk_address(s->desks, mailbox, (enum notify_kind)o.kind, &address, &pattern))
			ledger_add_outbox(s->writer, &o);
}

/* --- what became of it --- */

struct outcome {
	struct change change; /* first: a change of an outcome is the outcome */
	int64_t row;
	bool sent, handed; /* handed: the courier had it */
	char why[ERR_TEXT_MAX];
};

/* Nobody was reached: the ladder's next in line is told at once. */
static void
escalate(struct store *s, struct ledger_deadline *d)
{
	struct ledger_deadline was = *d;

	if (d->state != DEADLINE_OPEN)
		return;
	d->undelivered = true;
	d->next_ms = s->now();
	ledger_set_deadline(s->writer, d);
	ladders_changed(s, d, &was);
}

static int
apply(struct store *s, struct change *c, struct err *e)
{
	const struct outcome *x = (const struct outcome *)c;
	struct ledger_outbox o = {0};
	struct ledger_deadline d;
	struct subject about;

	if (!ledger_outbox(s->writer, x->row, &o) || !ledger_deadline(s->writer, o.deadline, &d))
		return err_set(e, ERR_UNKNOWN, "row %lld is not there", (long long)x->row);
	subject_read(s->writer, &d, &about);
	group_enter(s, &(struct group_entry){
			   .event = x->sent ? EVENT_NOTIFICATION_SENT : EVENT_NOTIFICATION_FAILURE,
			   .bundle = d.bundle,
			   .expectation = d.expectation,
			   .id = about.id,
			   .manifest_sha256 = about.is_bundle ? about.bundle.manifest_sha256 : NULL,
			   .mailbox = o.mailbox,
			   .code = kind_name(o.kind),
			   .part = o.n});
	ledger_end_outbox(s->writer, o.n);
	if (!x->sent && o.notice != NOTICE_UNDELIVERED) /* else it would go round for ever */
		escalate(s, &d);
	return 0;
}

static void
done(struct store *s, struct change *c, const struct err *refusal)
{
	struct outcome *x = (struct outcome *)c;

	if (refusal != NULL)
		log_warn("outbox", "row=%lld error=%s", (long long)x->row, refusal->text);
	else if (!x->sent)
		log_warn("notification-failed", "row=%lld error=%s", (long long)x->row, x->why);
	s->outbox->with_courier -= x->handed;
	free(x);
	outbox_tick(s);
}

static void
settle(struct store *s, int64_t row, bool handed, bool sent, const char *why)
{
	struct outcome *x = mem_alloc(sizeof *x);

	*x = (struct outcome){
	    .change = {.apply = apply, .done = done}, .row = row, .sent = sent, .handed = handed};
	snprintf(x->why, sizeof x->why, "%s", why);
	group_add(s, &x->change);
}

void
outbox_take_notified(void *env, struct chan *ch, const void *msg, int fd)
{
	const struct msg_notified *m = msg;
	struct store *s = ((struct role_env *)env)->state;

	if (m->job > 0 && m->job <= (uint64_t)s->outbox->last && s->outbox->with_courier > 0)
		settle(s, (int64_t)m->job, true, m->ok != 0, m->text);
	else
		log_warn("courier-out-of-order", "job=%llu", (unsigned long long)m->job);
}

/* --- on its way --- */

static void
hand_over(struct store *s, const struct ledger_outbox *o)
{
	struct msg_notify m = {.job = (uint64_t)o->n, .kind = o->kind};
	const char *address, *pattern;
	struct ledger_deadline d;
	struct subject about;

	if (o->kind >= NOTIFY_KINDS || !ledger_deadline(s->reader, o->deadline, &d) ||
	    !desk_address(s->desks, o->mailbox, (enum notify_kind)o->kind, &address, &pattern)) {
		settle(s, o->n, false, false, "it has no such address any more");
		return;
	}
	subject_read(s->reader, &d, &about);
	subject_notice(&about, &d, (enum notice_kind)o->notice, o->mailbox, o->created_ms,
		       &m.notice);
	strcpy(m.notice.id, o->id); /* the same each time: who is told twice can tell */
	snprintf(m.address, sizeof m.address, "%s", address);
	snprintf(m.pattern, sizeof m.pattern, "%s", pattern);
	s->outbox->with_courier++;
	chan_send(s->courier, MSG_NOTIFY, &m, -1);
}

void
outbox_tick(struct store *s)
{
	struct ledger_outbox o = {0};

	if (s->courier == NULL || s->env->stopping)
		return;
	while (s->outbox->with_courier < WITH_COURIER_MAX &&
	       ledger_next_outbox(s->reader, s->outbox->last, &o)) {
		s->outbox->last = o.n;
		hand_over(s, &o);
	}
}
