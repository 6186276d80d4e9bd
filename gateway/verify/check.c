/* check.c - the head of a bundle, a statement, a route, a roster's rows: judged and told as facts.
 * Runs in: verify. Owns: nothing. Trusts: no byte; the time that the store gives. */
#include "verify/check.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/bundle.h"
#include "safehand/digest.h"
#include "safehand/json.h"
#include "safehand/manifest.h"
#include "safehand/signature.h"
#include "safehand/statement.h"

#define ROUTE_MAX_BYTES (128 * 1024) /* as front takes: 400 names, 64 pseudonyms, and room */
#define SIGNS		(PROFILE_BIT(PROFILE_AGENCY_SIGN) | PROFILE_BIT(PROFILE_PERSON_SIGN))

static void
fact_of_signer(const struct identity *id, struct fact_signer *out)
{
	strcpy(out->by, id->by);
	strcpy(out->agency, id->agency);
	out->profile = id->profile;
	memcpy(out->cert, id->cert, DIGEST_BYTES);
}

/* --- head --- */

/* The parts as they lie in the bytes. */
struct parts {
	struct bundle_head head;
	const uint8_t *manifest, *signature, *slots;
};

static int
split(const uint8_t *p, size_t n, struct parts *out, struct err *e)
{
	if (n < BUNDLE_FIXED_BYTES)
		return err_set(e, ERR_FORMAT, "head: %zu bytes, no fixed part", n);
	if (bundle_head_parse(p, &out->head, e) < 0)
		return -1;
	if (bundle_head_bytes(&out->head) != n)
		return err_set(e, ERR_FORMAT, "head: %zu bytes, its lengths say %zu", n,
			       bundle_head_bytes(&out->head));
	out->manifest = p + BUNDLE_FIXED_BYTES;
	out->signature = out->manifest + out->head.manifest_bytes;
	out->slots = out->signature + out->head.signature_bytes;
	return 0;
}

static int
compare(const struct parts *p, const struct manifest *m, struct err *e)
{
	uint8_t digest[DIGEST_BYTES];

	if (p->head.slots_bytes != m->nto * SLOT_BYTES)
		return err_set(e, ERR_FORMAT, "slots: %u bytes, want %d for each of %zu recipients",
			       p->head.slots_bytes, SLOT_BYTES, m->nto);
	digest_of(p->slots, p->head.slots_bytes, digest);
	if (memcmp(digest, m->slots_sha256, DIGEST_BYTES) != 0)
		return err_set(e, ERR_DIGEST, "slots: not those that were signed");
	if (p->head.payload_bytes != m->payload_bytes)
		return err_set(e, ERR_DIGEST,
			       "payload_bytes: signed are %llu, the fixed part says %llu",
			       (unsigned long long)m->payload_bytes,
			       (unsigned long long)p->head.payload_bytes);
	return 0;
}

static void
tell_lists(const struct manifest *m, struct head_facts *out)
{
	out->to = mem_alloc(m->nto * sizeof *out->to);
	for (size_t i = 0; i < m->nto; i++) {
		strcpy(out->to[i].mailbox, m->to[i].mailbox);
		strcpy(out->to[i].covers, m->to[i].covers);
		out->to[i].cover = m->to[i].cover;
		memcpy(out->to[i].key, m->to[i].key, DIGEST_BYTES);
	}
	for (size_t i = 0; i < m->nabout; i++)
		strcpy(out->about[i].name, m->about[i]);
	for (size_t i = 0; i < m->nactions; i++) {
		out->actions[i].n = (uint32_t)m->actions[i].n;
		strcpy(out->actions[i].owner, m->actions[i].owner);
		strcpy(out->actions[i].due, m->actions[i].due);
	}
	out->msg.to = (struct list){out->to, m->nto};
	out->msg.about = (struct list){out->about, m->nabout};
	out->msg.actions = (struct list){out->actions, m->nactions};
}

static void
tell_head(const struct parts *p, const struct manifest *m, struct head_facts *out)
{
	struct msg_facts_head *f = &out->msg;

	strcpy(f->id, m->id);
	strcpy(f->from, m->from);
	strcpy(f->klass, m->klass);
	strcpy(f->reply_to, m->reply_to);
	strcpy(f->supersedes, m->supersedes);
	f->provisional = m->provisional;
	f->concern = m->concern;
	f->created_ms = m->created_ms;
	f->event_at_ms = m->event_at_ms == MANIFEST_NO_TIME ? TIME_NONE : m->event_at_ms;
	digest_of(p->manifest, p->head.manifest_bytes, f->manifest_sha256);
	memcpy(f->payload_sha256, m->payload_sha256, DIGEST_BYTES);
	f->manifest_bytes = p->head.manifest_bytes;
	f->signature_bytes = p->head.signature_bytes;
	f->payload_bytes = m->payload_bytes;
	tell_lists(m, out);
}

int
check_head(struct trust *t, const void *bytes, size_t n, int64_t now_ms, struct head_facts *out,
	   struct err *e)
{
	struct identity ids[SIGNERS_MAX];
	struct manifest *m = NULL;
	struct parts p;
	size_t signers;
	int rc = -1;

	if (split(bytes, n, &p, e) < 0 ||
	    signature_verify(p.manifest, p.head.manifest_bytes, p.signature, p.head.signature_bytes,
			     t, SIGNS, now_ms, TRUST_LIVE, ids, &signers, e) < 0 ||
	    manifest_parse(p.manifest, p.head.manifest_bytes, &m, e) < 0)
		return -1;
	if (compare(&p, m, e) < 0)
		goto out;
	tell_head(&p, m, out);
	for (size_t i = 0; i < signers; i++)
		fact_of_signer(&ids[i], &out->signers[i]);
	out->msg.signers = (struct list){out->signers, signers};
	rc = 0;
out:
	manifest_free(m);
	return rc;
}

void
check_head_free(struct head_facts *f)
{
	free(f->to);
	f->to = NULL;
}

/* --- statement --- */

int
check_statement(struct trust *t, const void *bytes, size_t n, int64_t now_ms,
		struct statement_facts *out, struct err *e)
{
	struct msg_facts_statement *f = &out->msg;
	struct identity ids[SIGNERS_MAX];
	struct signed_file parts;
	struct statement s = {0};
	size_t signers;

	if (signed_parse(bytes, n, STATEMENT_MAX_BYTES, &parts, e) < 0 ||
	    signature_verify(parts.content, parts.content_bytes, parts.signature,
			     parts.signature_bytes, t, SIGNS, now_ms, TRUST_LIVE, ids, &signers,
			     e) < 0)
		return -1;
	if (signers != 1)
		return err_set(e, ERR_SIGNATURE, "statement: %zu signers, want one", signers);
	if (statement_parse(parts.content, parts.content_bytes, &s, e) < 0 ||
	    statement_check_signer(&s, &ids[0], e) < 0)
		return -1;
	f->kind = s.kind;
	strcpy(f->bundle, s.bundle);
	strcpy(f->mailbox, s.mailbox);
	strcpy(f->code, s.code);
	strcpy(f->reply, s.reply);
	f->at_ms = s.at_ms;
	f->has_content = s.has_content;
	memcpy(f->manifest_sha256, s.manifest_sha256, DIGEST_BYTES);
	memcpy(f->content_sha256, s.content_sha256, DIGEST_BYTES);
	digest_of(parts.content, parts.content_bytes, f->statement_sha256);
	fact_of_signer(&ids[0], &out->signer);
	f->signers = (struct list){&out->signer, 1};
	return 0;
}

/* --- route --- */

static const struct json_rule route_rules[] = {
    {.name = "class", .type = JSON_T_STRING, .max = NAME_CLASS - 1},
    {.name = "from", .type = JSON_T_STRING, .max = NAME_MAILBOX - 1},
    {.name = "about", .type = JSON_T_ARRAY, .optional = true, .max = ABOUT_MAX},
    {.name = "to", .type = JSON_T_ARRAY, .max = RECIPIENTS_MAX},
    {.name = "exclude", .type = JSON_T_ARRAY, .optional = true, .max = RECIPIENTS_MAX},
    {.name = "supersedes",
     .type = JSON_T_STRING,
     .nullable = true,
     .optional = true,
     .max = UUID_TEXT - 1},
    {.name = NULL},
};

/* The names of a list, each of its form; *names is allocated with room for one at least. */
static int
take_names(const struct json *o, const char *member, bool form(const char *),
	   struct fact_name **names, struct list *list, struct err *e)
{
	const struct json *array = json_member(o, member);
	size_t n = array != NULL ? json_count(array) : 0;
	char path[32] = "route.";

	strcat(path, member);
	*names = mem_alloc((n + 1) * sizeof **names);
	for (size_t i = 0; i < n; i++) {
		const char *text = json_item_string(array, i, NAME_MAILBOX - 1, path, e);

		if (text == NULL)
			return -1;
		if (!form(text))
			return err_set(e, ERR_FORMAT, "%s: %s: not of its form", path, text);
		strcpy((*names)[i].name, text);
	}
	*list = (struct list){*names, n};
	return 0;
}

static int
take_route(const struct json *o, struct route_facts *out, struct err *e)
{
	struct msg_facts_route *f = &out->msg;

	if (json_check(o, route_rules, "route", e) < 0)
		return -1;
	if (!name_is_class(json_text(o, "class")))
		return err_set(e, ERR_FORMAT, "route.class: %s: no name of a class",
			       json_text(o, "class"));
	if (!name_is_mailbox(json_text(o, "from")))
		return err_set(e, ERR_FORMAT, "route.from: %s: want agency/role",
			       json_text(o, "from"));
	strcpy(f->klass, json_text(o, "class"));
	strcpy(f->from, json_text(o, "from"));
	if (!json_has_no(o, "supersedes")) {
		if (!uuid_is_v7(json_text(o, "supersedes")))
			return err_set(e, ERR_FORMAT, "route.supersedes: %s: no bundle's id",
				       json_text(o, "supersedes"));
		strcpy(f->supersedes, json_text(o, "supersedes"));
	}
	if (take_names(o, "about", name_is_about, &out->about, &f->about, e) < 0 ||
	    take_names(o, "to", name_is_mailbox, &out->to, &f->to, e) < 0 ||
	    take_names(o, "exclude", name_is_mailbox, &out->exclude, &f->exclude, e) < 0)
		return -1;
	return 0;
}

int
check_route(const void *bytes, size_t n, struct route_facts *out, struct err *e)
{
	struct json *doc = NULL;
	int rc;

	if (json_parse("route", bytes, n, ROUTE_MAX_BYTES, &doc, e) < 0)
		return -1;
	rc = take_route(doc, out, e);
	json_free(doc);
	if (rc < 0)
		check_route_free(out);
	return rc;
}

void
check_route_free(struct route_facts *f)
{
	free(f->about);
	free(f->to);
	free(f->exclude);
	f->about = f->to = f->exclude = NULL;
}

/* --- roster --- */

/* A certificate that is refused does not refuse the roster: nobody can seal to it, that is all. */
static void
judge_certificate(struct trust *t, const struct roster_certificate *c, const char *mailbox,
		  int64_t now_ms, struct fact_certificate *out)
{
	struct identity id = {0};
	struct err e = {0};
	int rc;

	*out = (struct fact_certificate){.code = ERR_OK};
	digest_of(c->der, c->len, out->cert);
	if (identity_parse(c->der, c->len, &id, &e) < 0) {
		out->code = e.code;
		return;
	}
	out->not_before_ms = id.not_before_ms;
	out->not_after_ms = id.not_after_ms;
	rc = trust_check(t, c->der, c->len, PROFILE_BIT(PROFILE_AGENCY_SEAL), now_ms, TRUST_LIVE,
			 &id, &e);
	if (rc < 0 && e.code == ERR_EXPIRED)
		/* the store judges validity itself, as of each bundle: all else must hold then */
		rc = trust_check(t, c->der, c->len, PROFILE_BIT(PROFILE_AGENCY_SEAL),
				 id.not_before_ms, TRUST_HISTORIC, &id, &e);
	if (rc < 0)
		out->code = e.code;
	else if (strcmp(id.name, mailbox) != 0)
		out->code = ERR_PROFILE;
}

void
check_roster_row(struct trust *t, const struct roster_mailbox *m, int64_t now_ms,
		 struct fact_certificate *certificates, struct msg_roster_row *out)
{
	strcpy(out->mailbox, m->name);
	strcpy(out->cover, m->cover);
	for (size_t i = 0; i < m->ncertificates; i++)
		judge_certificate(t, &m->certificates[i], m->name, now_ms, &certificates[i]);
	out->certificates = (struct list){certificates, m->ncertificates};
}
