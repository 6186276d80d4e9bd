/* own.c - questions about our own mailboxes. Runs in: client. Owns: nothing. Trusts: nothing that
 * it shows unescaped. */
#include "own.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "safehand/enc.h"
#include "safehand/time.h"

#define DAY_MS INT64_C(86400000)

int
own_mailbox(struct client *c, const struct args *a, const char **out, struct err *e)
{
	const char *name = args_value(a, "mailbox");
	const struct conf *conf;

	if (name != NULL && !name_is_mailbox(name))
		return err_set(e, ERR_USAGE, "--mailbox %s: want agency/role", name);
	if (name == NULL) {
		if (client_conf(c, &conf, e) < 0)
			return -1;
		name = conf_instance(conf, "mailbox", 0);
		if (name == NULL || conf_instance(conf, "mailbox", 1) != NULL)
			return err_set(e, ERR_USAGE, "--mailbox is wanted: %s is configured",
				       name == NULL ? "none" : "more than one");
	}
	*out = name;
	return 0;
}

int
own_call(struct client *c, const char *method, const char *path, struct json **doc, struct err *e)
{
	struct http_call call = {
	    .method = method, .path = path, .from_fd = -1, .into_fd = -1, .max = OWN_ANSWER_MAX};
	struct http_answer a = {0};
	int rc = gate_call(c, &call, &a, e);

	if (doc != NULL)
		*doc = NULL;
	if (rc == 0 && doc != NULL && a.body.len > 0)
		rc = json_parse("answer", a.body.data, a.body.len, OWN_ANSWER_MAX, doc, e);
	http_clear(&a);
	return rc;
}

/* --- lists --- */

void
own_row_json(const struct json *row, const struct json_rule *rules, struct buf *out)
{
	buf_addc(out, '{');
	for (const struct json_rule *r = rules; r->name != NULL; r++) {
		if (r->type == JSON_T_STRING)
			buf_json_str(out, r->name,
				     json_has_no(row, r->name) ? NULL : json_text(row, r->name));
		else if (!json_has_no(row, r->name))
			buf_json_int(out, r->name, json_number(row, r->name));
	}
	buf_addc(out, '}');
}

static int
list_show(const struct client *c, const struct json *doc, const struct own_list *l, struct buf *out,
	  struct err *e)
{
	const struct json *list;

	if (json_check(doc, l->rules, "answer", e) < 0)
		return -1;
	list = json_member(doc, l->name);
	if (c->json)
		buf_addf(out, "{\"%s\":[", l->name);
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *row = json_item(list, i);

		if (json_check(row, l->row_rules, l->name, e) < 0)
			return -1;
		if (!c->json) {
			l->row_text(row, out);
			continue;
		}
		buf_adds(out, i > 0 ? "," : "");
		own_row_json(row, l->row_rules, out);
	}
	buf_adds(out, c->json ? "]}" : json_count(list) == 0 ? l->none : "");
	return 0;
}

int
own_list_say(struct client *c, const struct json *doc, const struct own_list *l, struct err *e)
{
	struct buf out = {0};
	int rc = list_show(c, doc, l, &out, e);

	if (rc == 0)
		rc = say(c, &out, e);
	buf_free(&out);
	return rc;
}

int
own_list_run(struct client *c, const struct args *a, const struct own_list *l, struct err *e)
{
	struct json *doc = NULL;
	struct buf path = {0};
	const char *mailbox;
	int rc = -1;

	if (args_want(a, 0, 0, "", e) < 0 || own_mailbox(c, a, &mailbox, e) < 0)
		return -1;
	buf_addf(&path, "/v1/%s?mailbox=%s", l->name, mailbox);
	if (own_call(c, "GET", buf_str(&path), &doc, e) == 0)
		rc = own_list_say(c, doc, l, e);
	json_free(doc);
	buf_free(&path);
	return rc;
}

/* --- instants --- */

/* The end of a local day is the beginning of the next: mktime knows of summer time. */
static int
day_end(const char *text, int64_t *ms)
{
	struct tm day = {0};
	const char *end = strlen(text) == 10 ? strptime(text, "%Y-%m-%d", &day) : NULL;
	time_t at;

	if (end == NULL || *end != '\0')
		return -1;
	day.tm_mday += 1;
	day.tm_isdst = -1;
	at = mktime(&day);
	*ms = (int64_t)at * 1000;
	return at == (time_t)-1 ? -1 : 0;
}

int
own_instant(const char *what, const char *text, int64_t *ms, struct err *e)
{
	if (time_parse(text, ms) == 0 || day_end(text, ms) == 0)
		return 0;
	return err_set(e, ERR_USAGE,
		       "--%s %s: want a day such as 2026-12-01, or 2026-12-01T09:00:00Z", what,
		       text);
}

int
own_subject(struct client *c, const struct args *a, bool of_case, struct own_subject *out,
	    struct err *e)
{
	static const char *const kinds[] = {"child", "household", "class", "area"};
	const char *given = NULL;
	size_t n = 0, most = of_case ? 2 : 4;

	for (size_t i = 0; i < most; i++) {
		if (args_value(a, kinds[i]) == NULL)
			continue;
		n++;
		out->kind = kinds[i];
		given = args_value(a, kinds[i]);
	}
	if (n != 1)
		return err_set(e, ERR_USAGE, "want just one of --child, --household%s",
			       of_case ? "" : ", --class, --area");
	if (strcmp(out->kind, "child") == 0 || strcmp(out->kind, "household") == 0)
		return keys_pseudonym(c, out->kind[0], given, out->value, e);
	if (!name_is_class(given))
		return err_set(e, ERR_USAGE, "--%s %s: want [a-z0-9][a-z0-9-]*", out->kind, given);
	strcpy(out->value, given);
	return 0;
}

void
own_time(const struct json *o, const char *name, char out[static OWN_TIME])
{
	const char *text = json_has_no(o, name) ? NULL : json_text(o, name);
	struct tm local;
	int64_t ms;
	time_t at;

	*out = '\0';
	if (text == NULL || (time_parse(text, &ms) < 0 && time_parse_ms(text, &ms) < 0))
		return;
	at = (time_t)(ms / 1000);
	if (localtime_r(&at, &local) == NULL || strftime(out, OWN_TIME, "%F %H:%M %Z", &local) == 0)
		*out = '\0';
}
