/* denied.c - revoked on the spot. Runs in: store. Owns: the list in memory; it is kept as values of
 * the ledger. Trusts: verify and front, that a certificate is the one whose digest they name. */
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

#define PREFIX	   "denied."
#define NAME	   (sizeof PREFIX + HEX_LEN(DIGEST_BYTES))
#define DENIED_MAX 1000 /* a walk through all at each request; the CA's list takes them over */

struct denied {
	uint8_t (*cert)[DIGEST_BYTES];
	size_t n;
};

static void
add(void *ctx, const char *name, const char *since)
{
	struct denied *d = ctx;

	d->cert = mem_realloc(d->cert, d->n + 1, sizeof *d->cert);
	if (hex_decode(d->cert[d->n], DIGEST_BYTES, name + strlen(PREFIX)) == 0)
		d->n++;
}

struct denied *
denied_load(struct ledger *l)
{
	struct denied *d = mem_alloc(sizeof *d);

	ledger_each_value(l, PREFIX, add, d);
	return d;
}

void
denied_free(struct denied *d)
{
	if (d == NULL)
		return;
	free(d->cert);
	free(d);
}

/* --- what is asked --- */

int
denied_check(const struct store *s, const uint8_t cert[static DIGEST_BYTES], const char *what,
	     struct err *e)
{
	for (size_t i = 0; i < s->denied->n; i++)
		if (memcmp(s->denied->cert[i], cert, DIGEST_BYTES) == 0)
			return err_set(e, ERR_REVOKED,
				       "%s: the gateway's administrators revoked this certificate",
				       what);
	return 0;
}

int
denied_check_head(const struct store *s, const struct msg_facts_head *f, struct err *e)
{
	const struct fact_signer *by = f->signers.items;
	const struct fact_recipient *to = f->to.items;
	char what[NAME_BY + 16];

	for (size_t i = 0; i < f->signers.n; i++) {
		snprintf(what, sizeof what, "signed by %s", by[i].by);
		if (denied_check(s, by[i].cert, what, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < f->to.n; i++) {
		snprintf(what, sizeof what, "sealed for %s", to[i].mailbox);
		if (denied_check(s, to[i].key, what, e) < 0)
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
	bool there = denied_check(s, d->cert, "", e) < 0;
	char since[TIME_TEXT];

	if (d->revoke && there)
		return err_set(e, ERR_CONFLICT, "%s is revoked already", d->name + strlen(PREFIX));
	if (!d->revoke && !there)
		return err_set(e, ERR_UNKNOWN, "%s is not revoked here", d->name + strlen(PREFIX));
	if (d->revoke && s->denied->n >= DENIED_MAX)
		return err_set(e, ERR_LIMIT,
			       "%d certificates are revoked here, the limit: put them on the CA's "
			       "list, and restore them here",
			       DENIED_MAX);
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
		denied_free(s->denied);
		s->denied = denied_load(s->reader);
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
	snprintf(d->name, sizeof d->name, PREFIX "%s", hex);
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
