/* roster.c - the roster and the policy come into force. Runs in: store. Owns: the roster's bytes as
 * served, and the one that is being checked. Trusts: verify on its signature. */
#include "store/roster.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/digest.h"
#include "safehand/enc.h"
#include "safehand/entry.h"
#include "build_id.h"
#include "safehand/log.h"
#include "safehand/time.h"
#include "store/group.h"
#include "store/members.h"
#include "store/worker.h"

struct roster {
	struct buf bytes; /* in force */
	char etag[ETAG_TEXT];
};

/* A roster on its way: checked, then committed with its entry, then in force. */
struct loading {
	struct change change;
	struct store *store;
	struct members *members;
	struct buf bytes;
	struct err fault; /* found in a row */
};

struct roster *
roster_new(void)
{
	return mem_alloc(sizeof(struct roster));
}

void
roster_free(struct roster *r)
{
	buf_free(&r->bytes);
	free(r);
}

static void
loading_free(struct loading *l)
{
	members_free(l->members);
	buf_free(&l->bytes);
	free(l);
}

static void
refuse(struct loading *l, struct err *e)
{
	err_wrap(e, "roster");
	if (l->store->members == NULL)
		log_fatal("roster-refused", e);
	log_err(LOG_LEVEL_ERROR, "roster-refused", e);
	loading_free(l);
}

static void
enforce(struct loading *l)
{
	struct store *s = l->store;
	uint8_t digest[DIGEST_BYTES];

	members_free(s->members);
	s->members = l->members;
	s->routes_changed++;
	l->members = NULL;
	buf_free(&s->roster->bytes);
	s->roster->bytes = l->bytes;
	l->bytes = (struct buf){0};
	digest_of(s->roster->bytes.data, s->roster->bytes.len, digest);
	hex_encode(s->roster->etag, digest, sizeof digest);
	log_info("roster", "serial=%llu mailboxes=%zu",
		 (unsigned long long)members_about(s->members)->serial, members_count(s->members));
	loading_free(l);
}

/* Never an older one, and never another one of the same serial. */
static int
follows(const struct msg_roster_end *m, uint64_t serial, const uint8_t *digest, struct err *e)
{
	if (m->serial < serial)
		return err_set(e, ERR_HISTORY, "serial %llu, but %llu was in force",
			       (unsigned long long)m->serial, (unsigned long long)serial);
	if (m->serial == serial && memcmp(m->content_sha256, digest, DIGEST_BYTES) != 0)
		return err_set(e, ERR_HISTORY, "serial %llu was in force with other content",
			       (unsigned long long)serial);
	return 0;
}

static int
apply(struct store *s, struct change *c, struct err *e)
{
	struct loading *l = (struct loading *)c;
	const struct msg_roster_end *m = members_about(l->members);
	uint8_t digest[DIGEST_BYTES];
	uint64_t serial;
	int64_t seq;

	if (ledger_last_roster(s->writer, &serial, digest)) {
		if (follows(m, serial, digest, e) < 0)
			return -1;
		if (m->serial == serial)
			return 0;
	}
	seq = group_enter(s, &(struct group_entry){.event = EVENT_ROSTER_CHANGE,
						   .actor = m->signer,
						   .statement_sha256 = m->content_sha256,
						   .code = "ok"});
	ledger_add_roster(s->writer, m->serial, m->content_sha256, seq);
	return 0;
}

static void
done(struct store *s, struct change *c, const struct err *refusal)
{
	struct loading *l = (struct loading *)c;
	struct err e;

	if (refusal == NULL) {
		enforce(l);
		return;
	}
	e = *refusal;
	refuse(l, &e);
}

static void
on_checked(void *ctx, enum msg_kind kind, const void *facts, const struct err *why)
{
	struct loading *l = ctx;
	struct err e = {0};

	if (kind == MSG_ROSTER_ROW) {
		if (l->fault.code == ERR_OK)
			(void)!members_add(l->members, facts, &l->fault);
		return;
	}
	if (kind == MSG_REFUSED)
		e = *why;
	else if (l->fault.code != ERR_OK)
		e = l->fault;
	else if (members_end(l->members, facts, &e) == 0) {
		l->change = (struct change){.apply = apply, .done = done};
		group_add(l->store, &l->change);
		return;
	}
	refuse(l, &e);
}

void
roster_load(struct store *s)
{
	const struct buf *file = role_file(s->env, "roster");
	struct loading *l = mem_alloc(sizeof *l);
	struct err e = {0};

	l->store = s;
	l->members = members_new();
	if (file == NULL) {
		err_set(&e, ERR_CONFIG, "there is none");
		refuse(l, &e);
		return;
	}
	buf_add(&l->bytes, file->data, file->len);
	if (worker_check(s->workers, CHECK_ROSTER, "", file->data, file->len, s->now(), on_checked,
			 l, &e) < 0)
		log_fatal("roster", &e);
}

void
roster_answer(struct store *s, const struct asker *a)
{
	struct err e = {ERR_BUSY, "the roster is not loaded yet"};

	if (s->members == NULL)
		reply_refuse(a, &e);
	else
		reply_bytes(a, BODY_ROSTER, s->roster->etag, s->roster->bytes.data,
			    s->roster->bytes.len);
}

/* --- policy and start --- */

struct telling {
	struct change change;
	enum entry_event event;
	const char *code;
	uint8_t digest[DIGEST_BYTES];
};

static void
told(struct store *s, struct change *c, const struct err *refusal)
{
	free(c);
}

static int
tell_apply(struct store *s, struct change *c, struct err *e)
{
	const struct telling *t = (const struct telling *)c;
	char hex[HEX_LEN(DIGEST_BYTES)];
	struct buf last = {0};

	hex_encode(hex, t->digest, sizeof t->digest);
	if (t->event == EVENT_POLICY_CHANGE) {
		bool same =
		    ledger_value(s->writer, "policy", &last) && strcmp(buf_str(&last), hex) == 0;

		buf_free(&last);
		if (same)
			return 0;
		ledger_set_value(s->writer, "policy", hex);
	}
	group_enter(s, &(struct group_entry){
			   .event = t->event, .statement_sha256 = t->digest, .code = t->code});
	return 0;
}

static void
tell(struct store *s, enum entry_event event, const char *code, const struct buf *text)
{
	struct telling *t = mem_alloc(sizeof *t);

	*t = (struct telling){
	    .change = {.apply = tell_apply, .done = told}, .event = event, .code = code};
	digest_of(text->data, text->len, t->digest);
	group_add(s, &t->change);
}

void
roster_tell_policy(struct store *s)
{
	struct buf text = {0};

	policy_whole_text(s->policy, role_file(s->env, "calendars"), s->env->conf, &text);
	tell(s, EVENT_POLICY_CHANGE, "ok", &text);
	buf_free(&text);
}

/* The build by its name, and the digest of build and configuration: who has both can say which
 * gateway this was. */
void
roster_tell_start(struct store *s)
{
	struct buf text = {0};

	buf_adds(&text, SAFEHAND_VERSION "+" SAFEHAND_BUILD_ID "\n");
	conf_print(s->env->conf, false, &text);
	tell(s, EVENT_GATEWAY_START, "build:" SAFEHAND_VERSION "+" SAFEHAND_BUILD_ID, &text);
	buf_free(&text);
}
