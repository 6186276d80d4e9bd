/* classes.c - what each class wants. Runs in: client. Owns: classes.json in the state folder.
 * Trusts: no byte of the gateway's; a class that it hides is refused by it later. */
#include "classes.h"

#include <string.h>

#include "files.h"
#include "safehand/cover_need.h"

#define KEPT	    "classes.json"
#define CLASSES_MAX (4 * 1024 * 1024) /* bytes: a thousand classes */
#define WORDS_MAX   1000	      /* of one list */
#define TEXT_MAX    4096	      /* bytes of a rule or a ladder */

static const struct json_rule list_rules[] = {
    {"classes", JSON_T_ARRAY, false, false, WORDS_MAX},
    {NULL, 0, false, false, 0},
};
static const struct json_rule class_rules[] = {
    {"name", JSON_T_STRING, false, false, NAME_CLASS - 1},
    {"signatures", JSON_T_INT, false, false, 0},
    {"max_bytes", JSON_T_INT, false, false, 0},
    {"clock", JSON_T_STRING, false, false, 16},
    {"require", JSON_T_ARRAY, false, false, WORDS_MAX},
    {"media", JSON_T_ARRAY, false, false, WORDS_MAX},
    {"from", JSON_T_ARRAY, false, false, WORDS_MAX},
    {"to", JSON_T_ARRAY, false, false, WORDS_MAX},
    {"demand", JSON_T_ARRAY, false, false, WORDS_MAX},
    {"collect", JSON_T_STRING, false, true, TEXT_MAX},
    {"read", JSON_T_STRING, false, true, TEXT_MAX},
    {"answer", JSON_T_STRING, false, true, TEXT_MAX},
    {"provisional", JSON_T_STRING, false, true, TEXT_MAX},
    {"expects", JSON_T_STRING, false, true, TEXT_MAX},
    {"ladder", JSON_T_STRING, false, true, TEXT_MAX},
    {"expect_ladder", JSON_T_STRING, false, true, TEXT_MAX},
    {"subscribe", JSON_T_STRING, false, false, 16},
    {"discounts", JSON_T_STRING, false, false, 16},
    {"retain_ms", JSON_T_INT, false, false, 0},
    {"retain_from", JSON_T_STRING, false, false, 16},
    {NULL, 0, false, false, 0},
};

static int
check_words(const struct json *klass, const char *member, struct err *e)
{
	const struct json *list = json_member(klass, member);

	for (size_t i = 0; i < json_count(list); i++)
		if (json_item_string(list, i, NAME_MAILBOX + MEDIA_TYPE_TEXT, "classes", e) == NULL)
			return -1;
	return 0;
}

static int
parse(const struct buf *text, struct json **doc, struct err *e)
{
	static const char *const lists[] = {"require", "media", "from", "to", "demand"};
	const struct json *list;

	if (json_parse("classes", text->data, text->len, CLASSES_MAX, doc, e) < 0 ||
	    json_check(*doc, list_rules, "classes", e) < 0)
		return -1;
	list = json_member(*doc, "classes");
	for (size_t i = 0; i < json_count(list); i++) {
		if (json_check(json_item(list, i), class_rules, "classes", e) < 0)
			return -1;
		for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
			if (check_words(json_item(list, i), lists[k], e) < 0)
				return -1;
	}
	return 0;
}

/* Asks, and keeps what came if it is of its form. */
static int
fetch(struct client *c, struct json **doc, struct buf *text, struct err *e)
{
	struct http_call call = {.method = "GET",
				 .path = "/v1/classes",
				 .from_fd = -1,
				 .into_fd = -1,
				 .max = CLASSES_MAX};
	struct http_answer a = {0};
	int state, rc = -1;

	if (gate_call(c, &call, &a, e) == 0 && parse(&a.body, doc, e) == 0 &&
	    client_state(c, &state, e) == 0)
		rc = files_write(state, KEPT, a.body.data, a.body.len, e);
	if (rc == 0 && text != NULL)
		buf_add(text, a.body.data, a.body.len);
	http_clear(&a);
	return rc;
}

static int
read_kept(struct client *c, struct json **doc, struct buf *text, struct err *e)
{
	struct buf bytes = {0};
	int state, rc = -1;

	if (client_state(c, &state, e) == 0 && files_read(state, KEPT, CLASSES_MAX, &bytes, e) == 0)
		rc = parse(&bytes, doc, e);
	if (rc == 0 && text != NULL)
		buf_add(text, bytes.data, bytes.len);
	buf_free(&bytes);
	return rc;
}

int
classes_get(struct client *c, bool kept, struct json **doc, struct buf *text, struct err *e)
{
	int rc = kept ? -1 : fetch(c, doc, text, e);

	if (rc < 0 && (kept || http_is_temporary(e)))
		rc = read_kept(c, doc, text, e);
	return rc < 0 ? err_wrap(e, "classes") : 0;
}

const struct json *
classes_find(const struct json *doc, const char *name)
{
	const struct json *list = json_member(doc, "classes");

	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_text(json_item(list, i), "name"), name) == 0)
			return json_item(list, i);
	return NULL;
}

/* --- an order against its class --- */

static void
add_fault(struct buf *list, const char *text)
{
	buf_adds(list, list->len > 0 ? ", " : "");
	buf_adds(list, text);
}

static void
list_missing(const struct json *klass, const struct order *o, const struct cover *cover,
	     struct buf *missing)
{
	const struct json *require = json_member(klass, "require");
	struct err ignored;

	for (size_t i = 0; i < json_count(require); i++) {
		const char *field =
		    json_item_string(require, i, NAME_CLASS, "classes.require", &ignored);

		if (field != NULL && !cover_need_met(cover, field))
			add_fault(missing, field);
	}
	if (strcmp(json_text(klass, "clock"), "event") == 0 &&
	    o->m->event_at_ms == MANIFEST_NO_TIME)
		add_fault(missing, "--event-at");
}

static void
list_strange(const struct json *klass, const struct order *o, struct buf *strange)
{
	const struct json *media = json_member(klass, "media");
	struct err ignored;

	for (size_t i = 0; json_count(media) > 0 && i < o->nfiles; i++) {
		const char *slash = strrchr(o->files[i], '/');
		const char *name = slash != NULL ? slash + 1 : o->files[i];
		const char *type = cover_media_type(name), *one;
		bool found = false;

		for (size_t k = 0; k < json_count(media); k++) {
			one =
			    json_item_string(media, k, MEDIA_TYPE_TEXT, "classes.media", &ignored);
			found = found || (one != NULL && strcmp(one, type) == 0);
		}
		if (!found)
			add_fault(strange, name);
	}
}

int
classes_check(struct client *c, const struct order *o, const struct cover *cover, bool offline,
	      struct err *e)
{
	struct buf missing = {0}, strange = {0};
	const struct json *klass;
	struct json *doc = NULL;
	int rc = 0;

	if (classes_get(c, offline, &doc, NULL, e) < 0) {
		json_free(doc);
		return e->code == ERR_UNKNOWN || http_is_temporary(e) ? 0 : -1;
	}
	klass = classes_find(doc, o->m->klass);
	if (klass != NULL) {
		list_missing(klass, o, cover, &missing);
		list_strange(klass, o, &strange);
	}
	if (missing.len > 0)
		rc = err_set(e, ERR_INCOMPLETE, "%s wants, and the cover sheet lacks: %s%s%s",
			     o->m->klass, buf_str(&missing),
			     strange.len > 0 ? "; takes no document of the type of " : "",
			     strange.len > 0 ? buf_str(&strange) : "");
	else if (strange.len > 0)
		rc = err_set(e, ERR_FORMAT, "%s takes no document of the type of %s", o->m->klass,
			     buf_str(&strange));
	json_free(doc);
	buf_free(&missing);
	buf_free(&strange);
	return rc;
}
