/* denied.c - revoked on the spot. Runs in: store. Owns: nothing; they are values of the ledger.
 * Trusts: verify and front, that a certificate is the one whose digest they name. */
#include "store/denied.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/enc.h"
#include "safehand/entry.h"
#include "safehand/log.h"
#include "safehand/time.h"
#include "store/feed.h"
#include "store/group.h"

#define PREFIX "denied."
#define NAME   (sizeof PREFIX + HEX_LEN(DIGEST_BYTES))

static void
name_of(char out[static NAME], const uint8_t cert[static DIGEST_BYTES])
{
	strcpy(out, PREFIX);
	hex_encode(out + strlen(PREFIX), cert, DIGEST_BYTES);
}

/* --- what is asked --- */

int
denied_check(struct ledger *l, const uint8_t cert[static DIGEST_BYTES], const char *what,
	     struct err *e)
{
	struct buf since = {0};
	char name[NAME];
	bool is;

	name_of(name, cert);
	is = ledger_value(l, name, &since);
	buf_free(&since);
	return is ? err_set(e, ERR_REVOKED,
			    "%s: the gateway's administrators revoked this certificate", what)
		  : 0;
}

int
denied_check_head(struct ledger *l, const struct msg_facts_head *f, struct err *e)
{
	const struct fact_signer *by = f->signers.items;
	const struct fact_recipient *to = f->to.items;
	char what[NAME_BY + 16];

	for (size_t i = 0; i < f->signers.n; i++) {
		snprintf(what, sizeof what, "signed by %s", by[i].by);
		if (denied_check(l, by[i].cert, what, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < f->to.n; i++) {
		snprintf(what, sizeof what, "sealed for %s", to[i].mailbox);
		if (denied_check(l, to[i].key, what, e) < 0)
			return -1;
	}
	return 0;
}

/* --- what is changed --- */

struct denial {
	struct change change; /* first */
	bool revoke;
	char name[NAME];
	uint8_t cert[DIGEST_BYTES];
	purge_done *done;
	void *ctx;
};

static int
apply(struct store *s, struct change *c, struct err *e)
{
	const struct denial *d = (const struct denial *)c;
	bool there = denied_check(s->writer, d->cert, "", e) < 0;
	char since[TIME_TEXT];

	if (d->revoke && there)
		return err_set(e, ERR_CONFLICT, "%s is revoked already", d->name + strlen(PREFIX));
	if (!d->revoke && !there)
		return err_set(e, ERR_UNKNOWN, "%s is not revoked here", d->name + strlen(PREFIX));
	time_format(since, s->now());
	if (d->revoke)
		ledger_set_value(s->writer, d->name, since);
	else
		ledger_unset_value(s->writer, d->name);
	group_enter(s, &(struct group_entry){.event = EVENT_KEY_CHANGE,
					     .actor = d->cert,
					     .code = d->revoke ? "revoked" : "restored"});
	s->routes_changed++; /* what was judged before is judged again */
	return 0;
}

static void
done(struct store *s, struct change *c, const struct err *refusal)
{
	struct denial *d = (struct denial *)c;

	if (refusal == NULL) {
		log_warn(d->revoke ? "certificate-revoked" : "certificate-restored",
			 "certificate=%s", d->name + strlen(PREFIX));
		feed_dismiss(s); /* who waits asks again, and is asked who it is */
	}
	d->done(d->ctx, refusal);
	free(d);
}

static void
change(struct store *s, const char *hex, bool revoke, purge_done *then, void *ctx)
{
	struct denial *d = mem_alloc(sizeof *d);
	struct err e = {0};

	*d = (struct denial){
	    .change = {.apply = apply, .done = done}, .revoke = revoke, .done = then, .ctx = ctx};
	if (strlen(hex) != 2 * DIGEST_BYTES || hex_decode(d->cert, DIGEST_BYTES, hex) < 0) {
		err_set(&e, ERR_USAGE, "%s: want the SHA-256 of a certificate, 64 hex digits", hex);
		free(d);
		then(ctx, &e);
		return;
	}
	name_of(d->name, d->cert);
	group_add(s, &d->change);
}

void
denied_revoke(struct store *s, const char *hex, purge_done *then, void *ctx)
{
	change(s, hex, true, then, ctx);
}

void
denied_restore(struct store *s, const char *hex, purge_done *then, void *ctx)
{
	change(s, hex, false, then, ctx);
}

static void
list_one(void *ctx, const char *name, const char *since)
{
	struct buf *json = ctx;

	buf_json_item(json);
	buf_addc(json, '{');
	buf_json_str(json, "certificate", name + strlen(PREFIX));
	buf_json_str(json, "since", since);
	buf_addc(json, '}');
}

void
denied_list(struct store *s, struct buf *json)
{
	buf_adds(json, "{\"revoked\":[");
	ledger_each_value(s->reader, PREFIX, list_one, json);
	buf_adds(json, "]}");
}
