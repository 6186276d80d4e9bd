/* roster.c - the roster's content: who there is, and with which certificates. Runs in: master,
 * verify, client. Pure. Trusts: no byte; whose it is, roster_verify.c says. */
#include "safehand/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/buf.h"
#include "safehand/enc.h"
#include "safehand/json.h"
#include "safehand/time.h"

#define AGENCIES_MAX	 4096 /* a country has some hundred authorities, forces and trusts */
#define CERTIFICATES_MAX 8    /* of one mailbox: renewals overlap by one or two */
#define ISSUERS_MAX	 32   /* issuing CAs under one root */
#define CLASSES_MAX	 1024
#define BASE64_MAX	 (CERTIFICATE_MAX_BYTES / 3 * 4 + 4)

static const struct json_rule rules[] = {
    {.name = "safehand_roster", .type = JSON_T_INT},
    {.name = "serial", .type = JSON_T_INT},
    {.name = "issued", .type = JSON_T_STRING, .max = TIME_TEXT},
    {.name = "expires", .type = JSON_T_STRING, .max = TIME_TEXT},
    {.name = "area", .type = JSON_T_STRING, .max = ROSTER_TITLE_MAX},
    {.name = "log", .type = JSON_T_STRING, .max = 255},
    {.name = "agencies", .type = JSON_T_ARRAY, .max = AGENCIES_MAX},
    {.name = "issuers", .type = JSON_T_ARRAY, .max = ISSUERS_MAX},
    {.name = "classes", .type = JSON_T_ARRAY, .max = CLASSES_MAX},
    {.name = NULL},
};

static const struct json_rule agency_rules[] = {
    {.name = "name", .type = JSON_T_STRING, .max = NAME_AGENCY - 1},
    {.name = "title", .type = JSON_T_STRING, .max = ROSTER_TITLE_MAX},
    {.name = "contact", .type = JSON_T_STRING, .max = ROSTER_TITLE_MAX},
    {.name = "area", .type = JSON_T_STRING, .optional = true, .max = NAME_CLASS - 1},
    {.name = "mailboxes", .type = JSON_T_ARRAY, .max = ROSTER_MAILBOXES_MAX},
    {.name = NULL},
};

static const struct json_rule mailbox_rules[] = {
    {.name = "name", .type = JSON_T_STRING, .max = NAME_MAILBOX - 1},
    {.name = "title", .type = JSON_T_STRING, .max = ROSTER_TITLE_MAX},
    {.name = "contact", .type = JSON_T_STRING, .max = ROSTER_TITLE_MAX},
    {.name = "cover", .type = JSON_T_STRING, .nullable = true, .max = NAME_MAILBOX - 1},
    {.name = "certificates", .type = JSON_T_ARRAY, .max = CERTIFICATES_MAX},
    {.name = NULL},
};

static const struct json_rule class_rules[] = {
    {.name = "name", .type = JSON_T_STRING, .max = NAME_CLASS - 1},
    {.name = "signatures", .type = JSON_T_INT},
    {.name = NULL},
};

static void
free_certificates(struct roster_certificate *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].der);
	free(list);
}

void
roster_free(struct roster *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->nagencies; i++) {
		free(r->agencies[i].title);
		free(r->agencies[i].contact);
	}
	for (size_t i = 0; i < r->nmailboxes; i++) {
		free(r->mailboxes[i].title);
		free(r->mailboxes[i].contact);
		free_certificates(r->mailboxes[i].certificates, r->mailboxes[i].ncertificates);
	}
	free_certificates(r->issuers, r->nissuers);
	free(r->agencies);
	free(r->mailboxes);
	free(r->classes);
	free(r->area);
	free(r);
}

/* Base64 of DER each; *n counts what was taken, also on failure. */
static int
take_certificates(const struct json *array, const char *path, struct roster_certificate **list,
		  size_t *n, struct err *e)
{
	*list = mem_alloc((json_count(array) + 1) * sizeof **list);
	for (*n = 0; *n < json_count(array); (*n)++) {
		const char *text = json_item_string(array, *n, BASE64_MAX, path, e);
		struct buf der = {0};

		if (text == NULL)
			return -1;
		if (base64_decode(&der, text, strlen(text), CERTIFICATE_MAX_BYTES) < 0 ||
		    der.len == 0) {
			buf_free(&der);
			return err_set(e, ERR_FORMAT, "%s[%zu]: want base64 of one certificate",
				       path, *n);
		}
		(*list)[*n] = (struct roster_certificate){der.data, der.len};
	}
	return 0;
}

static int
take_mailbox(const struct json *o, const struct roster_agency *of, struct roster_mailbox *m,
	     struct err *e)
{
	char path[NAME_MAILBOX + 40], agency[NAME_AGENCY];
	const char *name, *cover;

	snprintf(path, sizeof path, "roster.%s.mailbox", of->name);
	if (json_check(o, mailbox_rules, path, e) < 0)
		return -1;
	name = json_text(o, "name");
	if (!name_is_mailbox(name))
		return err_set(e, ERR_FORMAT, "%s.name: %s: want agency/role", path, name);
	name_agency(agency, name);
	if (strcmp(agency, of->name) != 0)
		return err_set(e, ERR_FORMAT, "%s.name: %s is another agency's", path, name);
	strcpy(m->name, name);
	cover = json_text(o, "cover");
	if (cover != NULL && !name_is_mailbox(cover))
		return err_set(e, ERR_FORMAT, "roster.%s.cover: %s: want agency/role or null", name,
			       cover);
	strcpy(m->cover, cover != NULL ? cover : "");
	snprintf(path, sizeof path, "roster.%s.certificates", name);
	if (take_certificates(json_member(o, "certificates"), path, &m->certificates,
			      &m->ncertificates, e) < 0)
		return -1;
	return m->ncertificates > 0 ? 0 : err_set(e, ERR_FORMAT, "%s: there is none", path);
}

/* "West Midlands" is subscribed to as west-midlands: letters and digits of ASCII, all else between
 * them one hyphen. */
static void
area_name(const char *title, char out[static NAME_CLASS])
{
	size_t n = 0;

	for (; *title != '\0' && n < NAME_CLASS - 1; title++) {
		char c = *title >= 'A' && *title <= 'Z' ? (char)(*title - 'A' + 'a') : *title;
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (plain)
			out[n++] = c;
		else if (n > 0 && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
}

static int
take_area(const struct roster *r, const struct json *o, struct roster_agency *a, struct err *e)
{
	const char *area = json_text(o, "area");

	if (area == NULL)
		area_name(r->area, a->area);
	else if (!name_is_class(area))
		return err_set(e, ERR_FORMAT, "roster.%s.area: %s: want [a-z0-9][a-z0-9-]*",
			       a->name, area);
	else
		strcpy(a->area, area);
	return 0;
}

static int
take_agency(struct roster *r, const struct json *o, struct err *e)
{
	struct roster_agency *a = &r->agencies[r->nagencies];
	const struct json *list;

	if (json_check(o, agency_rules, "roster.agency", e) < 0)
		return -1;
	if (!name_is_agency(json_text(o, "name")))
		return err_set(e, ERR_FORMAT, "roster.agency.name: %s: want [a-z0-9][a-z0-9-]*",
			       json_text(o, "name"));
	if (strcmp(json_text(o, "name"), ROSTER_RESERVED) == 0)
		return err_set(e, ERR_FORMAT,
			       "roster.agency.name: %s: reserved for the gateway's own notices",
			       ROSTER_RESERVED);
	if (roster_agency(r, json_text(o, "name")) != NULL)
		return err_set(e, ERR_FORMAT, "roster.agency.name: %s: there twice",
			       json_text(o, "name"));
	strcpy(a->name, json_text(o, "name"));
	a->title = mem_strdup(json_text(o, "title"));
	a->contact = mem_strdup(json_text(o, "contact"));
	r->nagencies++;
	if (take_area(r, o, a, e) < 0)
		return -1;
	list = json_member(o, "mailboxes");
	if (r->nmailboxes + json_count(list) > ROSTER_MAILBOXES_MAX)
		return err_set(e, ERR_LIMIT, "roster: more than %d mailboxes",
			       ROSTER_MAILBOXES_MAX);
	r->mailboxes =
	    mem_realloc(r->mailboxes, r->nmailboxes + json_count(list) + 1, sizeof *r->mailboxes);
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *item = json_item(list, i);
		struct roster_mailbox *m = &r->mailboxes[r->nmailboxes++];

		*m = (struct roster_mailbox){0};
		if (take_mailbox(item, a, m, e) < 0)
			return -1;
		m->title = mem_strdup(json_text(item, "title"));
		m->contact = mem_strdup(json_text(item, "contact"));
	}
	return 0;
}

static int
take_class(struct roster *r, const struct json *o, struct err *e)
{
	struct roster_class *c = &r->classes[r->nclasses];

	if (json_check(o, class_rules, "roster.class", e) < 0)
		return -1;
	if (!name_is_class(json_text(o, "name")))
		return err_set(e, ERR_FORMAT, "roster.class.name: %s: want [a-z0-9][a-z0-9-]*",
			       json_text(o, "name"));
	if (json_number(o, "signatures") < 1 || json_number(o, "signatures") > SIGNERS_MAX)
		return err_set(e, ERR_FORMAT, "roster.class.signatures: %lld: want 1..%d",
			       (long long)json_number(o, "signatures"), SIGNERS_MAX);
	strcpy(c->name, json_text(o, "name"));
	c->signatures = (unsigned)json_number(o, "signatures");
	for (size_t i = 0; i < r->nclasses; i++)
		if (strcmp(r->classes[i].name, c->name) == 0)
			return err_set(e, ERR_FORMAT, "roster.class.name: %s: there twice",
				       c->name);
	r->nclasses++;
	return 0;
}

static int
take_time(const struct json *o, const char *name, int64_t *ms, struct err *e)
{
	const char *text = json_text(o, name);

	return time_parse(text, ms) == 0
		   ? 0
		   : err_set(e, ERR_FORMAT, "roster.%s: %s: want YYYY-MM-DDThh:mm:ssZ", name, text);
}

static int
take_head(struct roster *r, const struct json *o, struct err *e)
{
	const char *log = json_text(o, "log");

	if (json_number(o, "safehand_roster") != 1)
		return err_set(e, ERR_FORMAT, "roster.safehand_roster: %lld: want 1",
			       (long long)json_number(o, "safehand_roster"));
	r->serial = (uint64_t)json_number(o, "serial");
	if (r->serial == 0)
		return err_set(e, ERR_FORMAT, "roster.serial: 0: the first is 1");
	if (take_time(o, "issued", &r->issued_ms, e) < 0 ||
	    take_time(o, "expires", &r->expires_ms, e) < 0)
		return -1;
	if (r->expires_ms <= r->issued_ms)
		return err_set(e, ERR_FORMAT, "roster.expires: %s: not after it was issued",
			       json_text(o, "expires"));
	snprintf(r->log_text, sizeof r->log_text, "%s", log);
	r->area = mem_strdup(json_text(o, "area"));
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct roster_mailbox *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
named(const void *key, const void *item)
{
	const struct roster_mailbox *m = item;

	return strcmp(key, m->name);
}

const struct roster_mailbox *
roster_find(const struct roster *r, const char *mailbox)
{
	return r->nmailboxes == 0
		   ? NULL
		   : bsearch(mailbox, r->mailboxes, r->nmailboxes, sizeof *r->mailboxes, named);
}

const struct roster_agency *
roster_agency(const struct roster *r, const char *agency)
{
	for (size_t i = 0; i < r->nagencies; i++)
		if (strcmp(r->agencies[i].name, agency) == 0)
			return &r->agencies[i];
	return NULL;
}

/* Each mailbox is walked once: one that leads to a known good one is good. */
static int
check_cover(const struct roster *r, unsigned char *good, size_t start, struct err *e)
{
	enum { NEW, ON_THE_WAY, GOOD };
	size_t i = start;

	while (good[i] == NEW) {
		const struct roster_mailbox *next;

		good[i] = ON_THE_WAY;
		if (r->mailboxes[i].cover[0] == '\0')
			break;
		next = roster_find(r, r->mailboxes[i].cover);
		if (next == NULL)
			return err_set(e, ERR_FORMAT, "roster.%s.cover: %s is no mailbox",
				       r->mailboxes[i].name, r->mailboxes[i].cover);
		i = (size_t)(next - r->mailboxes);
		if (good[i] == ON_THE_WAY)
			return err_set(e, ERR_FORMAT, "roster.%s.cover: leads back to itself",
				       r->mailboxes[i].name);
	}
	for (i = start; good[i] == ON_THE_WAY;) {
		good[i] = GOOD;
		if (r->mailboxes[i].cover[0] != '\0')
			i = (size_t)(roster_find(r, r->mailboxes[i].cover) - r->mailboxes);
	}
	return 0;
}

static int
check_mailboxes(struct roster *r, struct err *e)
{
	unsigned char *good;
	int rc = 0;

	if (r->nmailboxes > 0)
		qsort(r->mailboxes, r->nmailboxes, sizeof *r->mailboxes, by_name);
	for (size_t i = 1; i < r->nmailboxes; i++)
		if (strcmp(r->mailboxes[i - 1].name, r->mailboxes[i].name) == 0)
			return err_set(e, ERR_FORMAT, "roster: mailbox %s is there twice",
				       r->mailboxes[i].name);
	good = mem_alloc(r->nmailboxes + 1);
	for (size_t i = 0; i < r->nmailboxes && rc == 0; i++)
		rc = check_cover(r, good, i, e);
	free(good);
	return rc;
}

static int
take_all(struct roster *r, const struct json *o, struct err *e)
{
	const struct json *agencies, *classes;

	if (json_check(o, rules, "roster", e) < 0 || take_head(r, o, e) < 0)
		return -1;
	agencies = json_member(o, "agencies");
	classes = json_member(o, "classes");
	if (json_count(agencies) == 0)
		return err_set(e, ERR_FORMAT, "roster.agencies: there is none");
	r->agencies = mem_alloc(json_count(agencies) * sizeof *r->agencies);
	for (size_t i = 0; i < json_count(agencies); i++)
		if (take_agency(r, json_item(agencies, i), e) < 0)
			return -1;
	r->classes = mem_alloc((json_count(classes) + 1) * sizeof *r->classes);
	for (size_t i = 0; i < json_count(classes); i++)
		if (take_class(r, json_item(classes, i), e) < 0)
			return -1;
	if (take_certificates(json_member(o, "issuers"), "roster.issuers", &r->issuers,
			      &r->nissuers, e) < 0)
		return -1;
	return check_mailboxes(r, e);
}

int
roster_read(const void *text, size_t len, struct roster **out, struct err *e)
{
	struct roster *r = NULL;
	struct json *doc = NULL;
	int rc = -1;

	if (json_parse("roster", text, len, ROSTER_MAX_BYTES, &doc, e) < 0)
		return -1;
	r = mem_alloc(sizeof *r);
	if (take_all(r, doc, e) < 0)
		goto out;
	*out = r;
	r = NULL;
	rc = 0;
out:
	roster_free(r);
	json_free(doc);
	return rc;
}
