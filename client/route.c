/* route.c - whom a bundle is sealed for. Runs in: client. Owns: nothing. Trusts: the gateway on who
 * subscribed; the roster and the root on whose key it is. */
#include <stdlib.h>
#include <string.h>

#include "away.h"
#include "feed.h"
#include "order.h"
#include "safehand/enc.h"
#include "safehand/json.h"
#include "safehand/time.h"

#define ROUTE_MAX (1024 * 1024) /* bytes of an answer: 400 mailboxes with a few keys each */
#define KEYS_MAX  64		/* certificates of one mailbox that are in force at once */

static void
add_names(struct buf *out, const char *member, const struct recipient *list, size_t n)
{
	buf_json_key(out, member);
	buf_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		buf_json(out, list[i].mailbox);
	}
	buf_addc(out, ']');
}

static void
add_question(const struct order *o, struct buf *out)
{
	buf_addc(out, '{');
	buf_json_str(out, "class", o->m->klass);
	buf_json_str(out, "from", o->m->from);
	buf_json_key(out, "about");
	buf_addc(out, '[');
	for (size_t i = 0; i < o->m->nabout; i++) {
		if (i > 0)
			buf_addc(out, ',');
		buf_json(out, o->m->about[i]);
	}
	buf_addc(out, ']');
	add_names(out, "to", o->m->to, o->m->nto);
	add_names(out, "exclude", o->exclude, o->nexclude);
	if (o->m->supersedes[0] != '\0')
		buf_json_str(out, "supersedes", o->m->supersedes);
	buf_addc(out, '}');
}

/* --- the answer --- */

static const struct json_rule answer_rules[] = {
    {"class", JSON_T_STRING, false, false, NAME_CLASS - 1},
    {"to", JSON_T_ARRAY, false, false, RECIPIENTS_MAX},
    {"flags", JSON_T_ARRAY, false, false, 1000},
    {NULL, 0, false, false, 0},
};
static const struct json_rule to_rules[] = {
    {"mailbox", JSON_T_STRING, false, false, NAME_MAILBOX - 1},
    {"as", JSON_T_STRING, false, false, 8},
    {"for", JSON_T_STRING, true, false, NAME_MAILBOX - 1},
    {"keys", JSON_T_ARRAY, false, false, KEYS_MAX},
    {"away", JSON_T_OBJECT, true, false, 0},
    {NULL, 0, false, false, 0},
};

static int
take_recipient(const struct json *item, struct recipient *out, struct err *e)
{
	const char *as, *covers;

	*out = (struct recipient){.cover = false};
	if (json_check(item, to_rules, "route.to", e) < 0)
		return -1;
	as = json_text(item, "as");
	covers = json_text(item, "for");
	out->cover = strcmp(as, "cover") == 0;
	if ((!out->cover && strcmp(as, "to") != 0) || out->cover != (covers != NULL) ||
	    !name_is_mailbox(json_text(item, "mailbox")) ||
	    (covers != NULL && !name_is_mailbox(covers)))
		return err_set(e, ERR_FORMAT, "route.to: %s as %s: not of its form",
			       json_text(item, "mailbox"), as);
	strcpy(out->mailbox, json_text(item, "mailbox"));
	if (covers != NULL)
		strcpy(out->covers, covers);
	return 0;
}

/* The certificate that we would seal for is one that the gateway knows too: else one of us has an
 * old roster. */
static int
check_named(const struct json *item, const struct identity *key, struct err *e)
{
	const struct json *keys = json_member(item, "keys");
	char mine[HEX_LEN(DIGEST_BYTES)];

	hex_encode(mine, key->cert, DIGEST_BYTES);
	for (size_t i = 0; i < json_count(keys); i++) {
		const char *text =
		    json_item_string(keys, i, HEX_LEN(DIGEST_BYTES) - 1, "route.to.keys", e);

		if (text == NULL)
			return -1;
		if (strcmp(text, mine) == 0)
			return 0;
	}
	return err_set(e, ERR_ROUTE,
		       "%s: the gateway does not know the certificate that our roster "
		       "names; say: safehand roster",
		       json_text(item, "mailbox"));
}

static int
find_key(struct client *c, const struct roster *r, const char *mailbox, struct identity *out,
	 struct err *e)
{
	const struct roster_mailbox *m = roster_find(r, mailbox);
	struct trust *t;

	if (m == NULL)
		return err_set(e, ERR_UNKNOWN, "--to %s: there is no such mailbox in the roster",
			       mailbox);
	return gate_trust(c, &t, e) < 0 ? -1 : roster_key(m, t, time_now_ms(), out, e);
}

static bool
has(const struct recipient *list, size_t n, const char *mailbox)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].mailbox, mailbox) == 0)
			return true;
	return false;
}

/* Whom we named is in it, whom we excluded is not: the gateway adds, it takes nobody away. */
static int
check_list(const struct order *o, const struct recipient *to, size_t n, struct err *e)
{
	for (size_t i = 0; i < o->m->nto; i++)
		if (!o->m->to[i].cover && !has(to, n, o->m->to[i].mailbox) &&
		    !has(o->exclude, o->nexclude, o->m->to[i].mailbox))
			return err_set(e, ERR_ROUTE, "--to %s: the gateway leaves it out",
				       o->m->to[i].mailbox);
	for (size_t i = 0; i < n; i++)
		if (has(o->exclude, o->nexclude, to[i].mailbox))
			return err_set(e, ERR_ROUTE,
				       "--exclude %s: the gateway names it all the same",
				       to[i].mailbox);
	return 0;
}

/* What stands on the case is said before it is sealed. */
static int
tell_flags(struct client *c, struct order *o, const struct json *list, struct err *e)
{
	struct buf lines = {0};
	int rc = feed_flags(list, "route.flags", &lines, &o->flags, e);

	for (const char *f = buf_str(&lines); rc == 0 && *f != '\0'; f = strchr(f, '\n') + 1)
		say_note(c, "flag on the case: %.*s", (int)strcspn(f, "\n"), f);
	buf_free(&lines);
	return rc;
}

static void
tell_added(struct client *c, const struct order *o, const struct recipient *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (has(o->m->to, o->m->nto, to[i].mailbox))
			continue;
		if (to[i].cover)
			say_note(c, "also sealed for %s, which covers %s", to[i].mailbox,
				 to[i].covers);
		else
			say_note(c,
				 "also goes to %s, which subscribed, is demanded or had what "
				 "this replaces",
				 to[i].mailbox);
	}
}

/* Nobody will look at it for a while: the sender may rather telephone. */
static int
tell_away(struct client *c, struct order *o, const struct json *item, struct err *e)
{
	struct buf text = {0};

	if (json_has_no(item, "away"))
		return 0;
	if (away_check(json_member(item, "away"), "route.to.away", e) < 0)
		return -1;
	away_text(json_member(item, "away"), &text);
	say_note(c, "%s is %s", json_text(item, "mailbox"), buf_str(&text));
	buf_free(&text);
	buf_adds(&o->away, o->away.len > 0 ? ",{" : "{");
	buf_json_str(&o->away, "mailbox", json_text(item, "mailbox"));
	away_members(json_member(item, "away"), &o->away);
	buf_addc(&o->away, '}');
	return 0;
}

static int
take_answer(struct client *c, struct order *o, const struct json *doc, struct identity **keys,
	    struct err *e)
{
	const struct json *list;
	const struct roster *r;
	struct recipient *to;
	size_t n;
	int rc = 0;

	if (json_check(doc, answer_rules, "route", e) < 0 || gate_roster(c, &r, e) < 0 ||
	    tell_flags(c, o, json_member(doc, "flags"), e) < 0)
		return -1;
	list = json_member(doc, "to");
	n = json_count(list);
	to = mem_alloc((n + 1) * sizeof *to);
	*keys = mem_alloc((n + 1) * sizeof **keys);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = take_recipient(json_item(list, i), &to[i], e) < 0 ||
			     find_key(c, r, to[i].mailbox, &(*keys)[i], e) < 0 ||
			     check_named(json_item(list, i), &(*keys)[i], e) < 0 ||
			     tell_away(c, o, json_item(list, i), e) < 0
			 ? -1
			 : 0;
	if (rc == 0)
		rc = check_list(o, to, n, e);
	if (rc < 0) {
		free(to);
		return -1;
	}
	tell_added(c, o, to, n);
	free(o->m->to);
	o->m->to = to;
	o->m->nto = n;
	return 0;
}

/* An answer to an earlier asking brought covers: they are asked for anew. */
static void
drop_covers(struct order *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->m->nto; i++)
		if (!o->m->to[i].cover)
			o->m->to[n++] = o->m->to[i];
	o->m->nto = n;
}

int
route_ask(struct client *c, struct order *o, struct identity **keys, struct err *e)
{
	struct http_call call = {.method = "POST",
				 .path = "/v1/route",
				 .type = "application/json",
				 .from_fd = -1,
				 .into_fd = -1,
				 .max = ROUTE_MAX};
	struct http_answer a = {0};
	struct json *doc = NULL;
	struct buf question = {0};
	int rc = -1;

	drop_covers(o);
	o->asked = true;
	buf_clear(&o->flags);
	buf_clear(&o->away);
	add_question(o, &question);
	call.body = question.data;
	call.body_bytes = question.len;
	if (gate_call(c, &call, &a, e) == 0 &&
	    json_parse("route", a.body.data, a.body.len, ROUTE_MAX, &doc, e) == 0)
		rc = take_answer(c, o, doc, keys, e);
	json_free(doc);
	http_clear(&a);
	buf_free(&question);
	return rc;
}

int
route_kept(struct client *c, struct order *o, struct identity **keys, struct err *e)
{
	const struct roster *r;
	size_t named;

	if (gate_kept_roster(c, &r, e) < 0)
		return -1;
	drop_covers(o);
	named = o->m->nto;
	for (size_t i = 0; i < named; i++) {
		const struct roster_mailbox *m = roster_find(r, o->m->to[i].mailbox);
		struct recipient cover = {.cover = true};

		if (m == NULL || m->cover[0] == '\0' || strcmp(m->cover, o->m->from) == 0 ||
		    has(o->m->to, o->m->nto, m->cover) || has(o->exclude, o->nexclude, m->cover) ||
		    o->m->nto == RECIPIENTS_MAX)
			continue;
		strcpy(cover.mailbox, m->cover);
		strcpy(cover.covers, m->name);
		o->m->to = mem_realloc(o->m->to, o->m->nto + 1, sizeof *o->m->to);
		o->m->to[o->m->nto++] = cover;
	}
	*keys = mem_alloc((o->m->nto + 1) * sizeof **keys);
	for (size_t i = 0; i < o->m->nto; i++)
		if (find_key(c, r, o->m->to[i].mailbox, &(*keys)[i], e) < 0)
			return -1;
	return 0;
}
