/* feed.c - a mailbox's feed. Runs in: client. Owns: nothing. Trusts: no byte of it; what a bundle
 * is says its manifest. */
#include "feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/json.h"

#define PAGE_MAX  (4 * 1024 * 1024) /* bytes of an answer */
#define ITEMS_MAX 10000		    /* of a page; the gateway sends fewer */

static const struct json_rule page_rules[] = {
    {"mailbox", JSON_T_STRING, false, false, NAME_MAILBOX - 1},
    {"after", JSON_T_INT, false, false, 0},
    {"next", JSON_T_INT, false, false, 0},
    {"items", JSON_T_ARRAY, false, false, ITEMS_MAX},
    {NULL, 0, false, false, 0},
};
static const struct json_rule item_rules[] = {
    {"seq", JSON_T_INT, false, false, 0},
    {"time", JSON_T_STRING, false, false, TIME_TEXT - 1},
    {"event", JSON_T_STRING, false, false, 64},
    {"bundle", JSON_T_STRING, false, false, UUID_TEXT - 1},
    {"from", JSON_T_STRING, false, false, NAME_MAILBOX - 1},
    {"class", JSON_T_STRING, false, false, NAME_CLASS - 1},
    {"status", JSON_T_STRING, false, false, 16},
    {"concern", JSON_T_STRING, true, true, 15},
    {"event_at", JSON_T_STRING, true, true, TIME_TEXT - 1},
    {"payload_bytes", JSON_T_INT, false, false, 0},
    {"as", JSON_T_STRING, false, false, 8},
    {"state", JSON_T_STRING, false, false, 15},
    {"code", JSON_T_STRING, false, false, ENTRY_CODE - 1},
    {"flags", JSON_T_ARRAY, true, false, 1000},
    {NULL, 0, false, false, 0},
};

static void
copy(char *out, size_t size, const struct json *o, const char *name)
{
	const char *text = json_has_no(o, name) ? "" : json_text(o, name);

	snprintf(out, size, "%s", text); /* no longer than its rule says */
}

#define FLAG_SOURCES_MAX 1000 /* bundles that a flag names; the gateway names fewer */

static const struct json_rule flag_rules[] = {
    {"about", JSON_T_STRING, false, false, ABOUT_TEXT - 1},
    {"concern", JSON_T_STRING, false, false, 15},
    {"bundle", JSON_T_STRING, false, false, UUID_TEXT - 1},
    {"since", JSON_T_STRING, false, false, TIME_TEXT - 1},
    {"bundles", JSON_T_INT, false, false, 0},
    {"sources", JSON_T_ARRAY, false, false, FLAG_SOURCES_MAX},
    {NULL, 0, false, false, 0},
};
static const struct json_rule source_rules[] = {
    {"bundle", JSON_T_STRING, false, false, UUID_TEXT - 1},
    {"since", JSON_T_STRING, false, false, TIME_TEXT - 1},
    {NULL, 0, false, false, 0},
};

/* The text members of rules, as members of an object that is under way. */
static void
add_texts(const struct json *o, const struct json_rule *rules, struct buf *json)
{
	for (const struct json_rule *r = rules; r->name != NULL; r++)
		if (r->type == JSON_T_STRING)
			buf_json_str(json, r->name, json_text(o, r->name));
}

static int
flag_sources(const struct json *list, const char *path, struct buf *ids, struct buf *json,
	     struct err *e)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *source = json_item(list, i);

		if (json_check(source, source_rules, path, e) < 0)
			return -1;
		buf_addf(ids, "%s%s", i > 0 ? ", " : "", json_text(source, "bundle"));
		buf_adds(json, i > 0 ? ",{" : "{");
		add_texts(source, source_rules, json);
		buf_addc(json, '}');
	}
	return 0;
}

static int
flag_take(const struct json *f, const char *path, struct buf *lines, struct buf *json,
	  struct err *e)
{
	struct buf ids = {0}, sources = {0};
	int64_t more;
	int rc = -1;

	if (json_check(f, flag_rules, path, e) < 0 ||
	    flag_sources(json_member(f, "sources"), path, &ids, &sources, e) < 0)
		goto out;
	more = json_number(f, "bundles") - (int64_t)json_count(json_member(f, "sources"));
	buf_addf(lines, "%s since %s about %s (%s", json_text(f, "concern"), json_text(f, "since"),
		 json_text(f, "about"), buf_str(&ids));
	if (more > 0)
		buf_addf(lines, " and %" PRId64 " more", more);
	buf_adds(lines, ")\n");
	buf_addc(json, '{');
	add_texts(f, flag_rules, json);
	buf_json_int(json, "bundles", json_number(f, "bundles"));
	buf_json_key(json, "sources");
	buf_addf(json, "[%s]}", buf_str(&sources));
	rc = 0;
out:
	buf_free(&ids);
	buf_free(&sources);
	return rc;
}

int
feed_flags(const struct json *list, const char *path, struct buf *lines, struct buf *json,
	   struct err *e)
{
	for (size_t i = 0; i < json_count(list); i++) {
		if (i > 0)
			buf_addc(json, ',');
		if (flag_take(json_item(list, i), path, lines, json, e) < 0)
			return -1;
	}
	return 0;
}

static int
take_item(const struct json *o, struct feed_item *i, struct err *e)
{
	if (json_check(o, item_rules, "feed.items", e) < 0)
		return -1;
	*i = (struct feed_item){.seq = (uint64_t)json_number(o, "seq"),
				.payload_bytes = (uint64_t)json_number(o, "payload_bytes")};
	i->event = event_by_name(json_text(o, "event"));
	i->provisional = strcmp(json_text(o, "status"), "provisional") == 0;
	i->cover = strcmp(json_text(o, "as"), "cover") == 0;
	copy(i->time, sizeof i->time, o, "time");
	copy(i->bundle, sizeof i->bundle, o, "bundle");
	copy(i->from, sizeof i->from, o, "from");
	copy(i->klass, sizeof i->klass, o, "class");
	copy(i->concern, sizeof i->concern, o, "concern");
	copy(i->event_at, sizeof i->event_at, o, "event_at");
	copy(i->state, sizeof i->state, o, "state");
	copy(i->code, sizeof i->code, o, "code");
	if (!json_has_no(o, "flags") && feed_flags(json_member(o, "flags"), "feed.items.flags",
						   &i->flags, &i->flags_json, e) < 0)
		return -1;
	if (!uuid_is_v7(i->bundle)) /* it becomes the name of a file */
		return err_set(e, ERR_FORMAT, "feed.items.bundle: %s: no id", i->bundle);
	return 0;
}

int
feed_parse(const void *text, size_t len, const char *mailbox, struct feed_page *out, struct err *e)
{
	const struct json *items;
	struct json *doc = NULL;
	int rc = -1;

	*out = (struct feed_page){.n = 0};
	if (json_parse("feed", text, len, PAGE_MAX, &doc, e) < 0 ||
	    json_check(doc, page_rules, "feed", e) < 0)
		goto out;
	if (strcmp(json_text(doc, "mailbox"), mailbox) != 0) {
		err_set(e, ERR_FORMAT, "feed.mailbox: %s, asked was %s", json_text(doc, "mailbox"),
			mailbox);
		goto out;
	}
	items = json_member(doc, "items");
	out->next = (uint64_t)json_number(doc, "next");
	out->items = mem_alloc((json_count(items) + 1) * sizeof *out->items);
	while (out->n <
	       json_count(items)) { /* counted first: what it took is freed with the rest */
		const struct json *item = json_item(items, out->n);

		if (take_item(item, &out->items[out->n++], e) < 0)
			goto out;
	}
	rc = 0;
out:
	json_free(doc);
	if (rc < 0)
		feed_free(out);
	return rc;
}

void
feed_free(struct feed_page *p)
{
	for (size_t i = 0; i < p->n; i++) {
		buf_free(&p->items[i].flags);
		buf_free(&p->items[i].flags_json);
	}
	free(p->items);
	*p = (struct feed_page){.n = 0};
}

int
feed_ask(struct client *c, const char *mailbox, uint64_t after, unsigned wait_s,
	 struct feed_page *out, struct err *e)
{
	struct buf path = {0};
	struct http_call call = {
	    .method = "GET", .from_fd = -1, .into_fd = -1, .max = PAGE_MAX, .wait_s = wait_s};
	struct http_answer a = {0};
	int rc;

	buf_addf(&path, "/v1/mailboxes/%s?after=%" PRIu64 "&wait=%u", mailbox, after, wait_s);
	call.path = buf_str(&path);
	rc = gate_call(c, &call, &a, e);
	if (rc == 0)
		rc = feed_parse(a.body.data, a.body.len, mailbox, out, e);
	http_clear(&a);
	buf_free(&path);
	return rc;
}

bool
feed_is_arrival(const struct feed_item *i)
{
	return i->event == EVENT_CONTENT_CONSIGNMENT || i->event == EVENT_COVER_RELEASED;
}

void
feed_tell(const struct client *c, const char *mailbox, const struct feed_item *i, struct buf *out)
{
	if (!c->json) {
		buf_addf(out, "%s  %-10s %s  %s from %s%s%s  %" PRIu64 " bytes%s%s\n", i->time,
			 i->state, i->bundle, i->klass, i->from,
			 i->provisional ? " (provisional)" : "", i->cover ? " (as cover)" : "",
			 i->payload_bytes, *i->concern != '\0' ? "  concern: " : "", i->concern);
		for (const char *f = buf_str(&i->flags); *f != '\0'; f = strchr(f, '\n') + 1)
			buf_addf(out, "    flag: %.*s\n", (int)strcspn(f, "\n"), f);
		return;
	}
	buf_addc(out, '{');
	buf_json_str(out, "mailbox", mailbox);
	buf_json_int(out, "seq", (int64_t)i->seq);
	buf_json_str(out, "time", i->time);
	buf_json_str(out, "event", event_name(i->event));
	buf_json_str(out, "id", i->bundle);
	buf_json_str(out, "from", i->from);
	buf_json_str(out, "class", i->klass);
	buf_json_str(out, "status", i->provisional ? "provisional" : "final");
	buf_json_str(out, "as", i->cover ? "cover" : "to");
	buf_json_str(out, "concern", *i->concern != '\0' ? i->concern : NULL);
	buf_json_str(out, "event_at", *i->event_at != '\0' ? i->event_at : NULL);
	buf_json_int(out, "payload_bytes", (int64_t)i->payload_bytes);
	buf_json_str(out, "state", i->state);
	buf_json_str(out, "code", i->code);
	buf_json_key(out, "flags");
	buf_addf(out, "[%s]}", buf_str(&i->flags_json));
}
