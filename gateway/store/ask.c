/* ask.c - what clients ask. Runs in: store. Owns: nothing. Trusts: front on who asks. Every answer
 * about a bundle or a mailbox is for those whom it concerns; to all others there is none. */
#include "store/denied.h"
#include "store/ask.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/note.h"
#include "store/away.h"
#include "store/board.h"
#include "store/bundle_json.h"
#include "store/classes.h"
#include "store/consent.h"
#include "store/expectation.h"
#include "store/feed.h"
#include "store/fetch.h"
#include "store/members.h"
#include "store/proof.h"
#include "store/roster.h"
#include "store/subscription.h"
#include "store/tree.h"
#include "store/upload.h"

#define TILE_HASHES 256 /* of a full tile (c2sp.org/tlog-tiles) */

struct question {
	struct store *s;
	struct asker a;
	const struct msg_ask *m;
};

/* --- rights --- */

bool
ask_is_own(const struct store *s, const char *mailbox, const char *agency)
{
	char of[NAME_AGENCY];

	if (s->members == NULL || !name_is_mailbox(mailbox))
		return false;
	name_agency(of, mailbox);
	return strcmp(of, agency) == 0 && members_find(s->members, mailbox) != NULL;
}

static bool
is_sender(const struct ledger_bundle *b, const char *agency)
{
	char of[NAME_AGENCY];

	name_agency(of, b->from);
	return strcmp(of, agency) == 0;
}

/* Sender or, of what concerns it, a recipient that has heard of it. */
static bool
is_party(struct store *s, const struct ledger_bundle *b, const char *agency)
{
	bool recipient = ledger_is_recipient(s->reader, b->n, agency);

	return is_sender(b, agency) || recipient;
}

/* --- the roster, the log --- */

static void
ask_roster(const struct question *q)
{
	roster_answer(q->s, &q->a);
}

static void
ask_crl(const struct question *q)
{
	const struct buf *crl = role_file(q->s->env, "crl");

	if (crl == NULL)
		reply_unknown(&q->a);
	else
		reply_bytes(&q->a, BODY_PEM, "", crl->data, crl->len);
}

static void
ask_checkpoint(const struct question *q)
{
	struct ledger_checkpoint c;
	struct buf note = {0};

	if (ledger_last_checkpoint(q->s->reader, &c, &note, NULL)) /* [6] a committed one */
		reply_bytes(&q->a, BODY_TEXT, "", note.data, note.len);
	else
		reply_unknown(&q->a);
	buf_free(&note);
}

/* Level L of the tiles is level 8 L of the tree; a partial tile has so many hashes as are asked. */
static void
ask_tile(const struct question *q)
{
	uint64_t level = q->m->number < 8 ? q->m->number * 8 : 64, width = TILE_HASHES, first;
	struct ledger_checkpoint c = {0};
	uint8_t hash[DIGEST_BYTES];
	struct buf tile = {0};

	if (q->m->value[0] != '\0')
		width = strtoull(q->m->value, NULL, 10);
	ledger_last_checkpoint(q->s->reader, &c, NULL, NULL);
	if (level == 64 || width == 0 || width > TILE_HASHES ||
	    q->m->number2 > (c.size >> level) / TILE_HASHES) {
		reply_unknown(&q->a);
		return;
	}
	first = q->m->number2 * TILE_HASHES;
	for (uint64_t i = first; i < first + width && i < c.size >> level; i++)
		if (ledger_hash(q->s->reader, tree_number((unsigned)level, i), hash))
			buf_add(&tile, hash, sizeof hash);
	if (tile.len == width * DIGEST_BYTES)
		reply_bytes(&q->a, BODY_OCTETS, "", tile.data, tile.len);
	else
		reply_unknown(&q->a);
	buf_free(&tile);
}

/* The body of an add-checkpoint request (c2sp.org/tlog-witness): "old N", hashes, checkpoint. */
static void
ask_consistency(const struct question *q)
{
	struct ledger_checkpoint c = {0};
	struct merkle_proof proof;
	struct buf note = {0}, text = {0};
	struct err e = {0};

	if (!ledger_last_checkpoint(q->s->reader, &c, &note, NULL) || q->m->number > c.size) {
		err_set(&e, ERR_HISTORY, "old=%llu: the log has %llu entries",
			(unsigned long long)q->m->number, (unsigned long long)c.size);
		reply_refuse(&q->a, &e);
	} else if (merkle_consistency(q->m->number, c.size, tree_get, q->s->reader, &proof, &e) <
		   0) {
		reply_refuse(&q->a, &e);
	} else {
		tlog_consistency_format(q->m->number, &proof, note.data, note.len, &text);
		reply_bytes(&q->a, BODY_TEXT, "", text.data, text.len);
	}
	buf_free(&note);
	buf_free(&text);
}

static void
ask_classes(const struct question *q)
{
	classes_answer(q->s, &q->a);
}

/* --- bundles --- */

static void
ask_upload(const struct question *q)
{
	upload_tell(q->s, &q->a, q->m->agency, q->m->id);
}

static void
ask_bundle(const struct question *q)
{
	struct ledger_bundle b;
	struct buf json = {0};

	if (ledger_bundle_quietly(q->s->reader, q->m->id, &b) && is_sender(&b, q->m->agency)) {
		bundle_json(q->s, &b, true, &json);
		reply_json(&q->a, 200, &json);
	} else {
		reply_unknown(&q->a);
	}
	buf_free(&json);
}

static void
ask_evidence(const struct question *q)
{
	struct ledger_bundle b;
	struct buf json = {0};
	bool there = ledger_bundle_quietly(q->s->reader, q->m->id, &b);

	if (is_party(q->s, &b, q->m->agency) && there) {
		evidence_list_json(q->s->reader, &b,
				   is_sender(&b, q->m->agency) ? NULL : q->m->agency, &json);
		reply_json(&q->a, 200, &json);
	} else {
		reply_unknown(&q->a);
	}
	buf_free(&json);
}

/* Of a recipient's view: what is of its own mailboxes, and of the bundle as a whole. */
static bool
concerns(const struct ledger_bundle *b, const struct ledger_entry *entry, const char *agency)
{
	char of[NAME_AGENCY];

	if (is_sender(b, agency) || entry->mailbox[0] == '\0')
		return true;
	name_agency(of, entry->mailbox);
	return strcmp(of, agency) == 0;
}

static void
ask_evidence_file(const struct question *q)
{
	struct ledger_bundle b;
	struct ledger_entry entry;
	struct buf json = {0};
	struct err e = {0};
	bool there = ledger_bundle_quietly(q->s->reader, q->m->id, &b);

	if (!is_party(q->s, &b, q->m->agency) || !there || q->m->number > INT64_MAX ||
	    !ledger_entry(q->s->reader, (int64_t)q->m->number, &entry) || entry.bundle != b.n ||
	    !concerns(&b, &entry, q->m->agency))
		reply_unknown(&q->a);
	else if (proof_evidence(q->s, entry.seq, &json, &e) < 0)
		reply_refuse(&q->a, &e);
	else
		reply_json(&q->a, 200, &json);
	buf_free(&json);
}

/* --- mailboxes --- */

static void
ask_feed(const struct question *q)
{
	if (ask_is_own(q->s, q->m->mailbox, q->m->agency))
		feed_ask(q->s, &q->a, q->m->mailbox, q->m->number, q->m->number2);
	else
		reply_unknown(&q->a);
}

static void
ask_fetch(const struct question *q)
{
	if (ask_is_own(q->s, q->m->mailbox, q->m->agency))
		fetch_answer(q->s, &q->a, q->m);
	else
		reply_unknown(&q->a);
}

static void
ask_subscriptions(const struct question *q)
{
	if (ask_is_own(q->s, q->m->mailbox, q->m->agency))
		subscription_list(q->s, &q->a, q->m->mailbox);
	else
		reply_unknown(&q->a);
}

static void
ask_subscribe(const struct question *q)
{
	if (ask_is_own(q->s, q->m->mailbox, q->m->agency))
		subscription_change(q->s, &q->a, q->m->mailbox, q->m->kind, q->m->value,
				    q->m->what == ASK_SUBSCRIBE);
	else
		reply_unknown(&q->a);
}

static void
ask_consents(const struct question *q)
{
	if (ask_is_own(q->s, q->m->mailbox, q->m->agency))
		consent_list(q->s, &q->a, q->m->mailbox);
	else
		reply_unknown(&q->a);
}

static void
ask_consent(const struct question *q)
{
	if (ask_is_own(q->s, q->m->mailbox, q->m->agency))
		consent_change(q->s, &q->a, q->m, q->m->what == ASK_CONSENT);
	else
		reply_unknown(&q->a);
}

static void
ask_expectation(const struct question *q)
{
	if (!ask_is_own(q->s, q->m->mailbox, q->m->agency)) {
		reply_unknown(&q->a);
		return;
	}
	switch ((enum ask)q->m->what) {
	case ASK_EXPECTATIONS: expectation_list(q->s, &q->a, q->m->mailbox); break;
	case ASK_EXPECT: expectation_open(q->s, &q->a, q->m); break;
	case ASK_UNEXPECT: expectation_withdraw(q->s, &q->a, q->m); break;
	default: expectation_evidence(q->s, &q->a, q->m); break;
	}
}

static void
ask_owed(const struct question *q)
{
	if (!ask_is_own(q->s, q->m->mailbox, q->m->agency)) {
		reply_unknown(&q->a);
		return;
	}
	switch (q->m->what) {
	case ASK_BOARD: board_answer(q->s, &q->a, q->m->mailbox); break;
	case ASK_AWAY: away_show(q->s, &q->a, q->m->mailbox); break;
	case ASK_AWAY_SET: away_set(q->s, &q->a, q->m); break;
	default: away_end(q->s, &q->a, q->m->mailbox); break;
	}
}

static void (*const answers[ASKS])(const struct question *q) = {
    [ASK_ROSTER] = ask_roster,
    [ASK_CRL] = ask_crl,
    [ASK_UPLOAD] = ask_upload,
    [ASK_BUNDLE] = ask_bundle,
    [ASK_EVIDENCE] = ask_evidence,
    [ASK_EVIDENCE_FILE] = ask_evidence_file,
    [ASK_FEED] = ask_feed,
    [ASK_FETCH] = ask_fetch,
    [ASK_SUBSCRIPTIONS] = ask_subscriptions,
    [ASK_SUBSCRIBE] = ask_subscribe,
    [ASK_UNSUBSCRIBE] = ask_subscribe,
    [ASK_EXPECTATIONS] = ask_expectation,
    [ASK_EXPECT] = ask_expectation,
    [ASK_UNEXPECT] = ask_expectation,
    [ASK_EXPECTATION_EVIDENCE] = ask_expectation,
    [ASK_CLASSES] = ask_classes,
    [ASK_CONSENTS] = ask_consents,
    [ASK_CONSENT] = ask_consent,
    [ASK_UNCONSENT] = ask_consent,
    [ASK_BOARD] = ask_owed,
    [ASK_AWAY] = ask_owed,
    [ASK_AWAY_SET] = ask_owed,
    [ASK_AWAY_END] = ask_owed,
    [ASK_CHECKPOINT] = ask_checkpoint,
    [ASK_TILE] = ask_tile,
    [ASK_CONSISTENCY] = ask_consistency,
};

void
ask_take(void *env, struct chan *ch, const void *msg, int fd)
{
	const struct msg_ask *m = msg;
	struct question q = {((struct role_env *)env)->state, {ch, m->job}, m};
	struct err e = {ERR_USAGE, "no such question"};

	if (denied_check(q.s->reader, m->cert, m->agency, &e) < 0) {
		reply_refuse(&q.a, &e);
		return;
	}
	/* who is whose mailbox is not known yet: "there is none" would be taken for final */
	if (q.s->members == NULL)
		reply_refuse(&q.a, &(struct err){ERR_BUSY, "the roster is not loaded yet"});
	else if (m->what < ASKS && answers[m->what] != NULL)
		answers[m->what](&q);
	else
		reply_refuse(&q.a, &e);
}
