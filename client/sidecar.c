/* sidecar.c - orders as JSON beside the files that they name. Runs in: client (watch). Pure, but
 * for pseudonyms. Trusts: nothing; what a sidecar names is no path. */
#include <string.h>

#include "order.h"
#include "safehand/json.h"

#define ONE(name)                                                                                  \
	{                                                                                          \
		name, JSON_T_STRING, true, true, 1024                                              \
	}
#define MANY(name)                                                                                 \
	{                                                                                          \
		name, JSON_T_ARRAY, true, false, DOCUMENTS_MAX                                     \
	}
static const struct json_rule sidecar_rules[] = {
    ONE("class"),
    ONE("from"),
    ONE("cover"),
    ONE("event-at"),
    ONE("concern"),
    ONE("reply-to"),
    ONE("supersedes"),
    MANY("about"),
    MANY("household"),
    MANY("to"),
    MANY("exclude"),
    MANY("action"),
    MANY("as"),
    MANY("file"),
    {"provisional", JSON_T_BOOL, true, false, 0},
    {NULL, 0, false, false, 0},
};

static int
take_list(struct client *c, struct order *o, const struct json *array, const char *what,
	  struct err *e)
{
	for (size_t i = 0; i < json_count(array); i++) {
		const char *text = json_item_string(array, i, 1024, what, e);

		if (text == NULL || order_set(c, o, what, text, e) < 0)
			return -1;
	}
	return 0;
}

/* A document of a sidecar lies beside it: what it names is no path. */
static int
check_beside(const struct json *doc, struct err *e)
{
	const struct json *files = json_member(doc, "file");
	const char *cover = json_text(doc, "cover"), *name;

	if (cover != NULL && (strchr(cover, '/') != NULL || *cover == '.'))
		return err_set(e, ERR_DENIED, "cover %s: want a file beside the sidecar", cover);
	for (size_t i = 0; files != NULL && i < json_count(files); i++) {
		name = json_item_string(files, i, 1024, "file", e);
		if (name == NULL)
			return -1;
		if (strchr(name, '/') != NULL || *name == '.' || *name == '\0')
			return err_set(e, ERR_DENIED, "file %s: want a file beside the sidecar",
				       name);
	}
	return 0;
}

int
order_sidecar(struct client *c, struct order *o, const void *text, size_t len, struct err *e)
{
	struct json *doc = NULL;
	int rc = -1;

	if (json_parse("sidecar", text, len, COVER_MAX_BYTES, &doc, e) < 0 ||
	    json_check(doc, sidecar_rules, "sidecar", e) < 0 || check_beside(doc, e) < 0)
		goto out;
	for (const struct json_rule *r = sidecar_rules; r->name != NULL; r++) {
		if (json_has_no(doc, r->name))
			continue;
		if (r->type == JSON_T_BOOL)
			o->m->provisional = json_flag(doc, r->name);
		else if (r->type == JSON_T_ARRAY
			     ? take_list(c, o, json_member(doc, r->name), r->name, e) < 0
			     : order_set(c, o, r->name, json_text(doc, r->name), e) < 0)
			goto out;
	}
	rc = 0;
out:
	json_free(doc);
	return rc;
}
