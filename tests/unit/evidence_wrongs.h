/* evidence_wrongs.h - what can be wrong with evidence though all of it is signed, and by which name
 * it is refused. Used by: test_evidence.c, test_evidence_interop.c. */
#ifndef TESTS_EVIDENCE_WRONGS_H
#define TESTS_EVIDENCE_WRONGS_H

#include "evidence_rig.h"

static inline void
wrong_log(struct rig_plan *p)
{
	p->log = "foreign/log/localhost_log";
}

static inline void
wrong_origin(struct rig_plan *p)
{
	p->log_name = "localhost/other";
}

static inline void
wrong_root(struct rig_plan *p)
{
	p->other_root = true;
}

static inline void
wrong_place(struct rig_plan *p)
{
	p->place = RIG_SEQ + 1;
}

static inline void
wrong_seq(struct rig_plan *p)
{
	p->seq = RIG_SEQ + 1;
}

static inline void
wrong_seq_and_place(struct rig_plan *p)
{
	p->seq = p->place = RIG_SEQ + 1;
}

static inline void
wrong_text(struct rig_plan *p)
{
	p->other_text = true;
}

static inline void
foreign_tsa(struct rig_plan *p)
{
	p->tsa = "foreign/certs/tsa/gw";
}

static inline void
stamped_before(struct rig_plan *p)
{
	p->entry_ms += 61000;
}

static inline void
stamped_before_the_tsa(struct rig_plan *p)
{
	p->entry_ms = p->stamp_ms = INT64_C(1590000000000);
}

static inline void
no_bundle(struct rig_plan *p)
{
	p->no_bundle = true;
}

static inline void
no_manifest(struct rig_plan *p)
{
	p->no_manifest = true;
}

static inline void
no_mailbox(struct rig_plan *p)
{
	p->entry.mailbox[0] = '\0';
}

static inline void
no_actor(struct rig_plan *p)
{
	p->no_actor = true;
}

static inline void
no_statement(struct rig_plan *p)
{
	p->no_statement = true;
}

static inline void
manifest_of_another(struct rig_plan *p)
{
	strcpy(p->manifest_id, RIG_OTHER);
}

static inline void
not_a_recipient(struct rig_plan *p)
{
	strcpy(p->to, "wmp/ppu");
}

static inline void
sender_of_another_agency(struct rig_plan *p)
{
	strcpy(p->from, "wmp/ppu");
}

static inline void
second_of_another_agency(struct rig_plan *p)
{
	p->second = "certs/person-sign/wmp_d.green";
}

static inline void
sender_tls(struct rig_plan *p)
{
	p->sender = "certs/agency-tls/csc";
}

static inline void
sender_foreign(struct rig_plan *p)
{
	p->sender = "foreign/certs/agency-sign/uhcw";
}

static inline void
sender_expired(struct rig_plan *p)
{
	p->sender = "bad/expired-agency-sign";
}

static inline void
sender_not_yet(struct rig_plan *p)
{
	p->sender = "bad/notyet-agency-sign";
}

static inline void
sender_revoked(struct rig_plan *p)
{
	strcpy(p->from, "uhcw/emergency");
	p->sender = "bad/revoked-agency-sign";
}

static inline void
statement_of_another_bundle(struct rig_plan *p)
{
	strcpy(p->statement.bundle, RIG_OTHER);
}

static inline void
statement_of_another_mailbox(struct rig_plan *p)
{
	strcpy(p->statement.mailbox, "uhcw/paediatrics");
}

static inline void
statement_of_another_manifest(struct rig_plan *p)
{
	p->other_manifest_in_statement = true;
}

static inline void
statement_of_another_kind(struct rig_plan *p)
{
	p->statement.kind = STATEMENT_ANSWERED;
	strcpy(p->statement.code, "done:2");
}

static inline void
statement_of_another_code(struct rig_plan *p)
{
	strcpy(p->entry.code, "fine");
}

static inline void
actor_another(struct rig_plan *p)
{
	p->other_actor = true;
}

static inline void
actor_a_system(struct rig_plan *p)
{
	p->actor = "certs/agency-sign/uhcw";
	strcpy(p->statement.by, "agency/uhcw");
}

static inline void
actor_of_another_agency(struct rig_plan *p)
{
	p->actor = "certs/person-sign/csc_a.khan";
	strcpy(p->statement.by, "person/csc/a.khan");
}

static inline void
actor_under_another_name(struct rig_plan *p)
{
	strcpy(p->statement.by, "person/uhcw/j.smith");
}

static inline void
actor_foreign(struct rig_plan *p)
{
	p->actor = "foreign/certs/person-sign/uhcw_j.patel";
}

static inline void
actor_tls(struct rig_plan *p)
{
	p->actor = "certs/agency-tls/uhcw";
}

/* A notice, signed by the gateway. */
static inline void
as_notice(struct rig_plan *p)
{
	p->is_notice = true;
	p->sender = "certs/gateway-sign/gw";
}

static inline void
notice_by_an_agency(struct rig_plan *p)
{
	p->is_notice = true;
}

static inline void
notice_by_two(struct rig_plan *p)
{
	as_notice(p);
	p->second = "certs/gateway-sign/gw-2";
}

static inline void
notice_and_an_agency(struct rig_plan *p)
{
	as_notice(p);
	p->second = "certs/agency-sign/csc";
}

static inline void
notice_to_another(struct rig_plan *p)
{
	as_notice(p);
	strcpy(p->to, "wmp/ppu");
}

static inline void
notice_of_another_id(struct rig_plan *p)
{
	as_notice(p);
	strcpy(p->manifest_id, RIG_OTHER);
}

static inline void
manifest_by_the_gateway(struct rig_plan *p)
{
	p->sender = "certs/gateway-sign/gw";
}

struct wrong {
	const char *name;
	void (*hurt)(struct rig_plan *p); /* or NULL: */
	enum err_code code;
	struct rig_edit edit; /* of the text of a part before it is signed */
};

static const struct wrong wrongs[] = {
    {"another log's key", wrong_log, ERR_SIGNATURE, {0}},
    {"another log's name", wrong_origin, ERR_SIGNATURE, {0}},
    {"another root", wrong_root, ERR_FAIL, {0}},
    {"proof of another index", wrong_place, ERR_FAIL, {0}},
    {"entry of another number", wrong_seq, ERR_FAIL, {0}},
    {"entry of another place", wrong_seq_and_place, ERR_FAIL, {0}},
    {"token over another text", wrong_text, ERR_DIGEST, {0}},
    {"token of a foreign authority", foreign_tsa, ERR_CERTIFICATE, {0}},
    {"token of before the entry", stamped_before, ERR_CLOCK, {0}},
    {"token of before its certificate", stamped_before_the_tsa, ERR_EXPIRED, {0}},
    {"entry without bundle", no_bundle, ERR_FORMAT, {0}},
    {"entry without manifest", no_manifest, ERR_FORMAT, {0}},
    {"entry without mailbox", no_mailbox, ERR_FORMAT, {0}},
    {"entry without actor", no_actor, ERR_FORMAT, {0}},
    {"entry without statement", no_statement, ERR_FORMAT, {0}},
    {"manifest of another bundle", manifest_of_another, ERR_DIGEST, {0}},
    {"mailbox that is no recipient", not_a_recipient, ERR_FAIL, {0}},
    {"sender of another agency", sender_of_another_agency, ERR_PROFILE, {0}},
    {"second signer of another agency", second_of_another_agency, ERR_PROFILE, {0}},
    {"sender's certificate for TLS", sender_tls, ERR_PROFILE, {0}},
    {"sender of a foreign root", sender_foreign, ERR_CERTIFICATE, {0}},
    {"sender expired", sender_expired, ERR_EXPIRED, {0}},
    {"sender not yet valid", sender_not_yet, ERR_EXPIRED, {0}},
    {"sender revoked before the stamp", sender_revoked, ERR_REVOKED, {0}},
    {"statement of another bundle", statement_of_another_bundle, ERR_DIGEST, {0}},
    {"statement of another mailbox", statement_of_another_mailbox, ERR_DIGEST, {0}},
    {"statement of another manifest", statement_of_another_manifest, ERR_DIGEST, {0}},
    {"statement of another kind", statement_of_another_kind, ERR_FAIL, {0}},
    {"statement of another code", statement_of_another_code, ERR_DIGEST, {0}},
    {"another actor", actor_another, ERR_FAIL, {0}},
    {"a system that reads", actor_a_system, ERR_PROFILE, {0}},
    {"a reader of another agency", actor_of_another_agency, ERR_DENIED, {0}},
    {"a reader under another name", actor_under_another_name, ERR_DENIED, {0}},
    {"a reader of a foreign root", actor_foreign, ERR_CERTIFICATE, {0}},
    {"a reader's certificate for TLS", actor_tls, ERR_PROFILE, {0}},
    /* texts that a log or a signer should never have signed */
    {"entry: two lines", NULL, ERR_FORMAT, {ENTRY, ",\"salt", ",\n\"salt"}},
    {"entry: a member more", NULL, ERR_FORMAT, {ENTRY, "{", "{\"more\":1,"}},
    {"entry: a member twice", NULL, ERR_FORMAT, {ENTRY, "{", "{\"code\":\"ok\","}},
    {"entry: no salt", NULL, ERR_FORMAT, {ENTRY, ",\"salt\":", ",\"other\":"}},
    {"entry: salt in capitals", NULL, ERR_FORMAT, {ENTRY, ",\"salt\":\"0", ",\"salt\":\"A"}},
    {"entry: another version", NULL, ERR_FORMAT, {ENTRY, "entry\":1", "entry\":2"}},
    {"entry: event of no log", NULL, ERR_FORMAT, {ENTRY, "Read", "Reads"}},
    {"entry: a fetch of no range", NULL, ERR_FORMAT, {ENTRY, "Read", "Fetched"}},
    {"entry: number as text", NULL, ERR_FORMAT, {ENTRY, "\"seq\":5", "\"seq\":\"5\""}},
    {"entry: number with a point", NULL, ERR_FORMAT, {ENTRY, "\"seq\":5", "\"seq\":5.0"}},
    {"entry: number with a nought", NULL, ERR_FORMAT, {ENTRY, "\"seq\":5", "\"seq\":05"}},
    {"entry: number with an exponent", NULL, ERR_FORMAT, {ENTRY, "\"seq\":5", "\"seq\":5e0"}},
    {"entry: time without milliseconds",
     NULL,
     ERR_FORMAT,
     {ENTRY, "\"time\":\"20", "\"time\":\"2"}},
    {"entry: code reversed", NULL, ERR_FORMAT, {ENTRY, "\"code\":\"ok", "\"code\":\"\\u202eko"}},
    {"entry: code with an escape",
     NULL,
     ERR_FORMAT,
     {ENTRY, "\"code\":\"ok", "\"code\":\"\\u001b"}},
    {"entry: no bundle's id", NULL, ERR_FORMAT, {ENTRY, "-7000-", "-4000-"}},
    {"entry: no mailbox", NULL, ERR_FORMAT, {ENTRY, "uhcw/emergency", "uhcw-emergency"}},
    {"entry: null", NULL, ERR_FORMAT, {ENTRY, "\"code\":\"ok\"", "\"code\":null"}},
    {"entry: lone surrogate", NULL, ERR_FORMAT, {ENTRY, "\"code\":\"ok", "\"code\":\"\\ud800"}},
    {"entry: NUL", NULL, ERR_FORMAT, {ENTRY, "\"code\":\"ok", "\"code\":\"\\u0000"}},
    {"statement: a code of no kind",
     NULL,
     ERR_FORMAT,
     {STATEMENT_TEXT, "\"code\":\"ok", "\"code\":\"done"}},
    {"statement: no content",
     NULL,
     ERR_FORMAT,
     {STATEMENT_TEXT, "\"content_sha256\":\"00", "\"content_sha256\":\"0"}},
    {"statement: a member more", NULL, ERR_FORMAT, {STATEMENT_TEXT, "{", "{\"more\":1,"}},
    {"statement: a member less", NULL, ERR_FORMAT, {STATEMENT_TEXT, ",\"reply\":null", ""}},
    {"statement: a reply",
     NULL,
     ERR_FORMAT,
     {STATEMENT_TEXT, "\"reply\":null", "\"reply\":\"" RIG_OTHER "\""}},
    {"statement: by a mailbox", NULL, ERR_FORMAT, {STATEMENT_TEXT, "\"person/", "\"mailbox/"}},
    {"statement: of no day", NULL, ERR_FORMAT, {STATEMENT_TEXT, "\"at\":\"20", "\"at\":\"2"}},
    {"manifest: a member more", NULL, ERR_FORMAT, {MANIFEST_TEXT, "{", "{\"more\":1,"}},
    {"manifest: a member less", NULL, ERR_FORMAT, {MANIFEST_TEXT, ",\"concern\":null", ""}},
    {"manifest: nobody", NULL, ERR_FORMAT, {MANIFEST_TEXT, "\"as\":\"to\"", "\"as\":\"by\""}},
    {"manifest: a cover first",
     NULL,
     ERR_FORMAT,
     {MANIFEST_TEXT, "\"as\":\"to\"", "\"as\":\"cover\",\"for\":\"uhcw/emergency\""}},
    {"manifest: a concern of none",
     NULL,
     ERR_FORMAT,
     {MANIFEST_TEXT, "\"concern\":null", "\"concern\":\"some\""}},
    {"manifest: a class of none", NULL, ERR_FORMAT, {MANIFEST_TEXT, "general", "General"}},
    {"manifest: half a byte",
     NULL,
     ERR_FORMAT,
     {MANIFEST_TEXT, "\"payload_bytes\":100", "\"payload_bytes\":0.5"}},
    {"manifest: less than nothing",
     NULL,
     ERR_FORMAT,
     {MANIFEST_TEXT, "\"payload_bytes\":100", "\"payload_bytes\":-1"}},
    /* notices, and what would pass for one */
    {"notice signed by an agency", notice_by_an_agency, ERR_PROFILE, {0}},
    {"notice signed twice", notice_by_two, ERR_SIGNATURE, {0}},
    {"notice signed by an agency too", notice_and_an_agency, ERR_PROFILE, {0}},
    {"notice to another mailbox", notice_to_another, ERR_FAIL, {0}},
    {"notice of another id", notice_of_another_id, ERR_DIGEST, {0}},
    {"manifest signed by the gateway", manifest_by_the_gateway, ERR_PROFILE, {0}},
    {"notice: a member more", as_notice, ERR_FORMAT, {MANIFEST_TEXT, ",\"id", ",\"x\":1,\"id"}},
    {"notice: two forms", as_notice, ERR_FORMAT, {MANIFEST_TEXT, ",\"id", ", \"id"}},
    {"notice: of nothing",
     as_notice,
     ERR_FORMAT,
     {MANIFEST_TEXT, "\"" RIG_OTHER "\",\"expect", "null,\"expect"}},
    {"notice: of no kind", as_notice, ERR_FORMAT, {MANIFEST_TEXT, "overdue", "overdrawn"}},
    {"notice: of a bundle that is missed",
     as_notice,
     ERR_FORMAT,
     {MANIFEST_TEXT, "overdue", "missed"}},
    {"notice: of an expectation's debt",
     as_notice,
     ERR_FORMAT,
     {MANIFEST_TEXT, "\"owed\":\"read", "\"owed\":\"arrive"}},
    {"notice: of no action", as_notice, ERR_FORMAT, {MANIFEST_TEXT, "\"read\"", "\"action\""}},
    {"notice: an action of a reading",
     as_notice,
     ERR_FORMAT,
     {MANIFEST_TEXT, "\"action\":0", "\"action\":1"}},
};

#define WRONGS (sizeof wrongs / sizeof *wrongs)

static inline void
wrong_make(struct rig_plan *p, const struct wrong *w)
{
	if (w->hurt != NULL)
		w->hurt(p);
	p->edit = w->edit;
}

#endif
