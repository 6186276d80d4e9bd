/* order.c - what is to be sent. Runs in: client. Owns: the order. Trusts: nobody's typing. */
#include "order.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "classes.h"
#include "files.h"
#include "progress.h"
#include "safehand/time.h"

struct order *
order_new(const char *folder)
{
	struct order *o = mem_alloc(sizeof *o);

	o->m = mem_alloc(sizeof *o->m);
	o->m->event_at_ms = MANIFEST_NO_TIME;
	o->folder = folder != NULL ? mem_strdup(folder) : NULL;
	return o;
}

static void
free_list(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

void
order_free(struct order *o)
{
	if (o == NULL)
		return;
	manifest_free(o->m);
	free(o->exclude);
	free(o->cover);
	free_list(o->files, o->nfiles);
	free_list(o->as, o->nas);
	free(o->folder);
	buf_free(&o->flags);
	buf_free(&o->away);
	free(o);
}

void
order_told_json(const struct order *o, struct buf *out)
{
	buf_json_key(out, "flags");
	buf_addf(out, o->asked ? "[%s]" : "null", buf_str(&o->flags));
	buf_json_key(out, "away");
	buf_addf(out, o->asked ? "[%s]" : "null", buf_str(&o->away));
}

static void
add_to_list(char ***list, size_t *n, char *text)
{
	*list = mem_realloc(*list, *n + 1, sizeof **list);
	(*list)[(*n)++] = text;
}

static char *
path_of(const struct order *o, const char *value)
{
	struct buf path = {0};
	char *out;

	if (o->folder != NULL && *value != '/')
		buf_addf(&path, "%s/", o->folder);
	buf_adds(&path, value);
	out = mem_strdup(buf_str(&path));
	buf_free(&path);
	return out;
}

/* --- the things that can be said --- */

static int
take_mailbox(const char *what, const char *value, char out[static NAME_MAILBOX], struct err *e)
{
	if (!name_is_mailbox(value))
		return err_set(e, ERR_USAGE, "--%s %s: want agency/role", what, value);
	strcpy(out, value);
	return 0;
}

static int
set_class(struct client *c, struct order *o, const char *value, struct err *e)
{
	if (!name_is_class(value))
		return err_set(e, ERR_USAGE, "--class %s: want [a-z0-9][a-z0-9-]*", value);
	strcpy(o->m->klass, value);
	return 0;
}

static int
set_from(struct client *c, struct order *o, const char *value, struct err *e)
{
	return take_mailbox("from", value, o->m->from, e);
}

static int
add_about(struct client *c, struct order *o, char kind, const char *value, struct err *e)
{
	if (o->m->nabout == ABOUT_MAX)
		return err_set(e, ERR_LIMIT, "--about: more than %d", ABOUT_MAX);
	return keys_pseudonym(c, kind, value, o->m->about[o->m->nabout], e) < 0
		   ? -1
		   : (int)(o->m->nabout++ & 0);
}

static int
set_about(struct client *c, struct order *o, const char *value, struct err *e)
{
	return add_about(c, o, 'c', value, e);
}

static int
set_household(struct client *c, struct order *o, const char *value, struct err *e)
{
	return add_about(c, o, 'h', value, e);
}

static int
add_recipient(const char *what, struct recipient **list, size_t *n, const char *value,
	      struct err *e)
{
	struct recipient r = {.cover = false};

	if (take_mailbox(what, value, r.mailbox, e) < 0)
		return -1;
	for (size_t i = 0; i < *n; i++)
		if (strcmp((*list)[i].mailbox, value) == 0)
			return err_set(e, ERR_USAGE, "--%s %s: given twice", what, value);
	if (*n == RECIPIENTS_MAX)
		return err_set(e, ERR_LIMIT, "--%s: more than %d", what, RECIPIENTS_MAX);
	*list = mem_realloc(*list, *n + 1, sizeof **list);
	(*list)[(*n)++] = r;
	return 0;
}

static int
set_to(struct client *c, struct order *o, const char *value, struct err *e)
{
	return add_recipient("to", &o->m->to, &o->m->nto, value, e);
}

static int
set_exclude(struct client *c, struct order *o, const char *value, struct err *e)
{
	return add_recipient("exclude", &o->exclude, &o->nexclude, value, e);
}

static int
set_cover(struct client *c, struct order *o, const char *value, struct err *e)
{
	if (o->cover != NULL)
		return err_set(e, ERR_USAGE, "--cover %s: there is one already", value);
	o->cover = path_of(o, value);
	return 0;
}

/* N:OWNER:DUE */
static int
set_action(struct client *c, struct order *o, const char *value, struct err *e)
{
	struct action a = {0};
	char *copy = mem_strdup(value), *owner = strchr(copy, ':'), *due = NULL, *end = NULL;
	char whole[TIME_TEXT];
	int64_t ms;
	int rc = -1;

	if (owner != NULL) {
		*owner++ = '\0';
		due = strchr(owner, ':');
	}
	if (due != NULL) {
		*due++ = '\0';
		a.n = strtoll(copy, &end, 10);
		snprintf(whole, sizeof whole, "%.20sT00:00:00Z", due);
	}
	if (due == NULL || *end != '\0' || a.n < 1 || a.n > 1000 || !name_is_mailbox(owner) ||
	    strlen(due) != DUE_TEXT - 1 || time_parse(whole, &ms) < 0)
		err_set(e, ERR_USAGE, "--action %s: want NUMBER:AGENCY/ROLE:YYYY-MM-DD", value);
	else if (o->m->nactions == ACTIONS_MAX)
		err_set(e, ERR_LIMIT, "--action: more than %d", ACTIONS_MAX);
	else
		rc = 0;
	if (rc == 0) {
		strcpy(a.owner, owner);
		strcpy(a.due, due);
		o->m->actions[o->m->nactions++] = a;
	}
	free(copy);
	return rc;
}

static int
set_event_at(struct client *c, struct order *o, const char *value, struct err *e)
{
	if (time_parse(value, &o->m->event_at_ms) < 0)
		return err_set(e, ERR_USAGE, "--event-at %s: want 2026-01-31T12:00:00Z", value);
	return 0;
}

static int
set_concern(struct client *c, struct order *o, const char *value, struct err *e)
{
	for (enum concern k = CONCERN_INCONCLUSIVE; k <= CONCERN_ACTIVE; k++)
		if (strcmp(concern_name(k), value) == 0) {
			o->m->concern = k;
			return 0;
		}
	return err_set(e, ERR_USAGE, "--concern %s: want inconclusive or active", value);
}

static int
take_id(const char *what, const char *value, char out[static UUID_TEXT], struct err *e)
{
	if (!uuid_is_v7(value))
		return err_set(e, ERR_USAGE, "--%s %s: want the id of a bundle", what, value);
	strcpy(out, value);
	return 0;
}

static int
set_reply_to(struct client *c, struct order *o, const char *value, struct err *e)
{
	return take_id("reply-to", value, o->m->reply_to, e);
}

static int
set_supersedes(struct client *c, struct order *o, const char *value, struct err *e)
{
	return take_id("supersedes", value, o->m->supersedes, e);
}

static int
set_provisional(struct client *c, struct order *o, const char *value, struct err *e)
{
	o->m->provisional = strcmp(value, "no") != 0;
	return 0;
}

static int
set_as(struct client *c, struct order *o, const char *value, struct err *e)
{
	if (o->nas == SIGNERS_MAX)
		return err_set(e, ERR_LIMIT, "--as: more than %d", SIGNERS_MAX);
	add_to_list(&o->as, &o->nas, mem_strdup(value));
	return 0;
}

static int
set_file(struct client *c, struct order *o, const char *value, struct err *e)
{
	if (o->nfiles == DOCUMENTS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d documents", DOCUMENTS_MAX);
	add_to_list(&o->files, &o->nfiles, path_of(o, value));
	return 0;
}

static const struct {
	const char *what;
	int (*set)(struct client *c, struct order *o, const char *value, struct err *e);
} things[] = {
    {"class", set_class},
    {"from", set_from},
    {"about", set_about},
    {"household", set_household},
    {"to", set_to},
    {"exclude", set_exclude},
    {"cover", set_cover},
    {"cover-sheet", set_cover},
    {"action", set_action},
    {"event-at", set_event_at},
    {"concern", set_concern},
    {"reply-to", set_reply_to},
    {"supersedes", set_supersedes},
    {"provisional", set_provisional},
    {"as", set_as},
    {"file", set_file},
};

int
order_set(struct client *c, struct order *o, const char *what, const char *value, struct err *e)
{
	for (size_t i = 0; i < sizeof things / sizeof *things; i++)
		if (strcmp(things[i].what, what) == 0)
			return things[i].set(c, o, value, e);
	return err_set(e, ERR_USAGE, "%s: nothing of a bundle is called so", what);
}

int
order_check(struct client *c, struct order *o, struct err *e)
{
	const struct conf *conf;
	const char *only;

	if (client_conf(c, &conf, e) < 0)
		return -1;
	if (o->m->klass[0] == '\0')
		return err_set(e, ERR_USAGE, "--class is wanted: what kind of document is it?");
	if (o->m->nto == 0)
		return err_set(e, ERR_USAGE, "--to is wanted: which mailbox is it for?");
	if (o->nfiles == 0 && o->cover == NULL)
		return err_set(e, ERR_USAGE,
			       "a FILE or a --cover is wanted: nothing is to be sent");
	if (o->m->from[0] != '\0')
		return 0;
	only = conf_instance(conf, "mailbox", 0);
	if (only == NULL || conf_instance(conf, "mailbox", 1) != NULL)
		return err_set(e, ERR_USAGE, "--from is wanted: which mailbox does it come from?");
	strcpy(o->m->from, only);
	return 0;
}

/* --- sealing --- */

static int
load_signers(struct client *c, const struct order *o, struct signer *out[SIGNERS_MAX], size_t *n,
	     struct err *e)
{
	*n = 0;
	if (o->nas == 0) {
		if (keys_signer(c, NULL, "system", &out[0], e) < 0)
			return -1;
		*n = 1;
	}
	for (size_t i = 0; i < o->nas; i++, (*n)++)
		if (keys_signer(c, o->as[i], NULL, &out[i], e) < 0)
			return -1;
	return 0;
}

static int
load_cover(const struct order *o, struct cover **out, struct err *e)
{
	struct buf text = {0};
	int rc = 0;

	if (o->cover == NULL)
		*out = cover_new();
	else if ((rc = files_read(AT_FDCWD, o->cover, COVER_MAX_BYTES, &text, e)) == 0 &&
		 (rc = cover_parse_draft(text.data, text.len, out, e)) < 0)
		err_wrap(e, "%s", o->cover);
	buf_free(&text);
	return rc;
}

static int
write_bundle(struct client *c, struct order *o, const struct bundle_order *parts, int dir_fd,
	     const char *name, struct err *e)
{
	struct bundle_document *documents = mem_alloc((o->nfiles + 1) * sizeof *documents);
	struct progress p = progress_begin(c, "sealing");
	struct bundle_order b = *parts;
	int rc;

	for (size_t i = 0; i < o->nfiles; i++)
		documents[i].path = o->files[i];
	b.manifest = o->m;
	b.documents = documents;
	b.ndocuments = o->nfiles;
	b.progress = progress_tick;
	b.ctx = &p;
	rc = bundle_write(&b, dir_fd, name, e);
	progress_end(&p);
	free(documents);
	return rc;
}

int
order_seal(struct client *c, struct order *o, bool offline, int dir_fd, const char *name,
	   struct err *e)
{
	struct signer *signers[SIGNERS_MAX] = {NULL};
	struct bundle_order parts = {.signers = signers};
	struct identity *keys = NULL;
	struct cover *cover = NULL;
	int rc = -1;

	o->m->created_ms = time_now_ms() / 1000 * 1000;
	if (o->m->id[0] == '\0')
		uuid_new(o->m->id, o->m->created_ms);
	if (order_check(c, o, e) == 0 && load_cover(o, &cover, e) == 0 &&
	    classes_check(c, o, cover, offline, e) == 0 &&
	    load_signers(c, o, signers, &parts.nsigners, e) == 0 &&
	    (offline ? route_kept(c, o, &keys, e) : route_ask(c, o, &keys, e)) == 0) {
		parts.keys = keys;
		parts.cover = cover;
		rc = write_bundle(c, o, &parts, dir_fd, name, e);
	}
	for (size_t i = 0; i < SIGNERS_MAX; i++)
		signer_free(signers[i]);
	cover_free(cover);
	free(keys);
	return rc;
}
