/* ladder_rig.h - the store of store_rig.h with a played clock, a policy that owes everything, and
 * the log as text: for the tests of deadlines and their ladders. */
#ifndef TESTS_LADDER_RIG_H
#define TESTS_LADDER_RIG_H

#include "store_rig.h"

#include "store/deadline.h"

#define T0   INT64_C(1764061200000) /* 2025-11-25T09:00:00Z, a Tuesday */
#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

/* What every configuration of these tests begins with; its notary signs notices. */
#define RIG_CONF_NOTICES                                                                           \
	"[gateway]\nlisten = 127.0.0.1:0\n"                                                        \
	"[trust]\nroot = r\nissuing = i\ncrl = c\nroster = s\n"                                    \
	"[front]\ncertificate = f\nkey = k\n"                                                      \
	"[notary]\norigin = test/log\nlog-key = l\ntsa-key = t\ntsa-certificate = u\n"             \
	"notice-key = n\nnotice-certificate = m\n"

static const char payload[] = "the payload, sealed";

static inline struct policy_class *
rig_class(struct policy *p, const char *name)
{
	struct policy_class *k = (struct policy_class *)(uintptr_t)policy_find(p, name);

	assert_non_null(k);
	return k;
}

static inline void
rig_rule(bool *has, struct deadline_rule *rule, const char *text)
{
	struct err e = {0};

	if (has != NULL)
		*has = true;
	if (deadline_rule_parse(text, rule, &e) < 0)
		fail_msg("%s", e.text);
}

static inline void
rig_ladder(struct ladder *l, const char *text)
{
	struct err e = {0};

	if (ladder_parse(text, l, &e) < 0)
		fail_msg("%s", e.text);
}

/* --- time --- */

static inline void
rig_at(int64_t after_ms)
{
	rig.clock_ms = T0 + after_ms;
	deadline_tick(rig.store);
	rig_settle();
}

/* --- the log as text --- */

struct rig_log {
	struct buf text;
};

static void
rig_log_row(void *ctx, const struct ledger_entry *entry)
{
	struct rig_log *l = ctx;

	buf_addf(&l->text, "%s %s %s\n", event_name(entry->event), entry->mailbox, entry->code);
}

/* Of a bundle, what came after its first `skip` entries. */
static inline void
assert_log(const char *id, unsigned skip, const char *want)
{
	struct ledger_bundle b = {0};
	struct rig_log l = {0};
	const char *have;

	assert_true(ledger_bundle(rig.store->reader, id, &b));
	ledger_each_entry(rig.store->reader, b.n, rig_log_row, &l);
	have = buf_str(&l.text);
	for (; skip > 0 && *have != '\0'; skip--)
		have = strchr(have, '\n') + 1;
	assert_string_equal(have, want);
	buf_free(&l.text);
}

static inline void
assert_log_has(const char *id, const char *want)
{
	struct ledger_bundle b = {0};
	struct rig_log l = {0};

	assert_true(ledger_bundle(rig.store->reader, id, &b));
	ledger_each_entry(rig.store->reader, b.n, rig_log_row, &l);
	if (strstr(buf_str(&l.text), want) == NULL)
		fail_msg("%s, and not %s", buf_str(&l.text), want);
	buf_free(&l.text);
}

/* --- the ledger's view --- */

struct rig_owed {
	enum deadline_kind kind;
	int64_t part;
	const char *mailbox;
	struct ledger_deadline found;
	bool is;
};

static void
rig_owed_row(void *ctx, const struct ledger_deadline *d)
{
	struct rig_owed *o = ctx;

	if (d->kind == o->kind && d->part == o->part && strcmp(d->mailbox, o->mailbox) == 0) {
		o->found = *d;
		o->is = true;
	}
}

static inline bool
rig_find_owed(const char *id, enum deadline_kind kind, int64_t part, const char *mailbox,
	      struct ledger_deadline *out)
{
	struct rig_owed o = {.kind = kind, .part = part, .mailbox = mailbox};
	struct ledger_bundle b = {0};

	assert_true(ledger_bundle(rig.store->reader, id, &b));
	ledger_each_deadline(rig.store->reader, b.n, rig_owed_row, &o);
	*out = o.found;
	return o.is;
}

static inline void
assert_owed(const char *id, enum deadline_kind kind, int64_t part, const char *mailbox,
	    enum deadline_state state)
{
	struct ledger_deadline d;

	if (!rig_find_owed(id, kind, part, mailbox, &d))
		fail_msg("%s of %s: nothing is owed", deadline_kind_name(kind), mailbox);
	if (d.state != state)
		fail_msg("%s of %s: %s, wanted %s", deadline_kind_name(kind), mailbox,
			 deadline_state_name(d.state), deadline_state_name(state));
}

/* --- what the mailboxes say --- */

static inline void
rig_say(const char *id, const char *mailbox, enum statement_kind kind, const char *code)
{
	struct msg_facts_statement *f = &rig.statement;
	bool person = kind == STATEMENT_READ || kind == STATEMENT_ANSWERED;
	struct msg_statement m = {.job = ++rig.job};
	struct ledger_bundle b = {0};
	struct buf body = {0};

	ledger_bundle(rig.store->reader, id, &b);
	*f = (struct msg_facts_statement){.kind = kind, .at_ms = rig_now()};
	strcpy(f->bundle, id);
	strcpy(f->mailbox, mailbox);
	strcpy(f->code, code);
	memcpy(f->manifest_sha256, b.manifest_sha256, DIGEST_BYTES);
	rig.signer = (struct fact_signer){.by = "person/x/j.patel"};
	name_agency(rig.signer.agency, mailbox);
	rig.signer.profile = person ? PROFILE_PERSON_SIGN : PROFILE_AGENCY_SIGN;
	f->signers = (struct list){&rig.signer, 1};
	strcpy(m.agency, rig.signer.agency);
	strcpy(m.mailbox, mailbox);
	strcpy(m.id, id);
	buf_adds(&body, "SHS1");
	buf_be32(&body, 9);
	buf_be32(&body, 3);
	buf_addf(&body, "content %csig", (char)('a' + kind));
	rig_reply_clear();
	chan_send(rig.front, MSG_STATEMENT, &m, role_memfd("s", body.data, body.len));
	buf_free(&body);
	rig_settle();
}

static inline void
rig_says(const char *id, const char *mailbox, enum statement_kind kind, const char *code)
{
	rig_say(id, mailbox, kind, code);
	rig_expect(201, ERR_OK);
}

/* To uhcw/emergency, whose cover uhcw/paediatrics it is sealed for too; edit changes the facts. */
static inline void
rig_send(const char *id, void (*edit)(struct msg_facts_head *f))
{
	struct buf head = {0};

	rig_bundle(&head, id, payload, 2);
	rig.to[1].cover = 1;
	strcpy(rig.to[1].covers, "uhcw/emergency");
	if (edit != NULL)
		edit(&rig.head);
	rig_begin(&head, id, strlen(payload));
	if (rig.reply.kind != MSG_UPLOAD)
		fail_msg("%s: %s", err_name(rig.reply.code), rig.reply.detail);
	rig_write(payload, 0, strlen(payload));
	rig_send_end(payload);
	rig_expect(201, ERR_OK);
	buf_free(&head);
}

#endif
