/* seal.c - safehand seal, safehand send: documents into a sealed bundle, and on its way. Runs in:
 * client. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "files.h"
#include "order.h"
#include "safehand/time.h"
#include "spool.h"

#define ROUTES_MAX 3 /* times that a bundle is sealed anew because the route changed meanwhile */

#define ORDER_OPTIONS                                                                              \
	{"class", "CLASS", "kind of document, as the roster's classes", false},                    \
	    {"from", "MAILBOX", "sending mailbox; default: the only one configured", false},       \
	    {"to", "MAILBOX", "recipient", true},                                                  \
	    {"exclude", "MAILBOX", "never to this one, whoever subscribed", true},                 \
	    {"about", "NUMBER", "child: NHS number or local case id; made a pseudonym", true},     \
	    {"household", "ID", "household: made a pseudonym", true},                              \
	    {"cover", "FILE", "cover sheet (cover.json) as a person wrote it", false},             \
	    {"cover-sheet", "FILE", "the same", false},                                            \
	    {"action", "N:OWNER:DUE", "action of the cover sheet: 1:csc/duty:2026-11-30", true},   \
	    {"event-at", "TIME", "when it happened: 2026-01-31T12:00:00Z", false},                 \
	    {"concern", "KIND", "inconclusive or active", false},                                  \
	    {"reply-to", "ID", "the bundle that this answers", false},                             \
	    {"supersedes", "ID", "the bundle that this replaces", false},                          \
	    {"provisional", NULL, "a final one will follow", false},                               \
	{                                                                                          \
		"as", "IDENTITY", "who signs; default: the only system identity", true             \
	}

static const struct args_row seal_options[] = {
    ORDER_OPTIONS,
    {"out", "FILE", "the bundle's file; default: ID.shb", false},
    {"offline", NULL, "nobody is asked: route and keys from the roster that was kept", false},
    {NULL, NULL, NULL, false},
};

static const struct args_row send_options[] = {
    ORDER_OPTIONS,
    {"keep", "FOLDER", "also keep the sealed bundle there, as ID.shb", false},
    {NULL, NULL, NULL, false},
};

static const char *const names[] = {"class",	  "from",	 "to",	    "exclude",
				    "about",	  "household",	 "cover",   "cover-sheet",
				    "action",	  "event-at",	 "concern", "reply-to",
				    "supersedes", "provisional", "as"};

static int
read_order(struct client *c, const struct args *a, struct order *o, struct err *e)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		for (size_t k = 0; k < args_count(a, names[i]); k++)
			if (order_set(c, o, names[i], args_nth(a, names[i], k), e) < 0)
				return -1;
	for (size_t i = 0; i < args_operands(a); i++)
		if (order_set(c, o, "file", args_operand(a, i), e) < 0)
			return -1;
	return order_check(c, o, e);
}

static int
tell_sealed(const struct client *c, const struct order *o, const char *path, struct err *e)
{
	struct buf out = {0};
	int rc;

	if (c->json) {
		buf_addc(&out, '{');
		buf_json_str(&out, "id", o->m->id);
		buf_json_str(&out, "file", path);
		buf_json_int(&out, "payload_bytes", (int64_t)o->m->payload_bytes);
		buf_json_int(&out, "recipients", (int64_t)o->m->nto);
		order_told_json(o, &out);
		buf_addc(&out, '}');
	} else {
		buf_addf(&out, "sealed %s for %zu mailboxes\n%s\n", o->m->id, o->m->nto, path);
	}
	rc = say(c, &out, e);
	buf_free(&out);
	return rc;
}

static int
seal_to(struct client *c, struct order *o, bool offline, const char *path, struct err *e)
{
	const char *name;
	int dir, rc;

	if (files_parent(path, &dir, &name, e) < 0)
		return -1;
	rc = order_seal(c, o, offline, dir, name, e);
	close(dir);
	return rc;
}

static int
seal_run(struct client *c, const struct args *a, struct err *e)
{
	struct order *o = order_new(NULL);
	const char *path = args_value(a, "out");
	struct buf name = {0};
	int rc = read_order(c, a, o, e);

	if (rc == 0) {
		uuid_new(o->m->id, time_now_ms());
		if (path != NULL)
			buf_adds(&name, path);
		else
			buf_addf(&name, "%s.shb", o->m->id);
		rc = seal_to(c, o, args_has(a, "offline"), buf_str(&name), e);
	}
	if (rc == 0)
		rc = tell_sealed(c, o, buf_str(&name), e);
	order_free(o);
	buf_free(&name);
	return rc;
}

/* --- send --- */

/* A second name for the same bytes where that can be, else a copy. */
static int
keep_copy(int spool, const char *name, const char *folder, struct err *e)
{
	int dir, rc = 0;

	if (files_folder(folder, &dir, e) < 0)
		return -1;
	if (linkat(spool, name, dir, name, 0) < 0 && errno != EEXIST) {
		if (errno == EXDEV || errno == EPERM)
			rc = files_copy(spool, name, dir, name, e);
		else
			rc = err_sys(e, "%s/%s", folder, name);
	}
	close(dir);
	return rc;
}

/* Seals and submits; again if the route changed between. */
static int
seal_and_submit(struct client *c, struct order *o, int spool, const char *name,
		struct spool_result *r, struct err *e)
{
	for (int tries = 1;; tries++) {
		if (order_seal(c, o, false, spool, name, e) < 0)
			return -1;
		if (spool_submit(c, spool, name, r, e) == 0)
			return 0;
		if (e->code != ERR_ROUTE || tries == ROUTES_MAX)
			return -1;
		say_note(c, "the route has changed: sealing again");
		if (files_remove(spool, name, e) < 0)
			return -1;
	}
}

static int
send_order(struct client *c, struct order *o, const char *keep, struct err *e)
{
	struct spool_result r = {0};
	struct buf name = {0}, out = {0}, told = {0};
	struct err ignored;
	int spool, rc = -1;

	if (spool_folder(c, &spool, e) < 0)
		return -1;
	uuid_new(o->m->id, time_now_ms());
	buf_addf(&name, "%s.shb", o->m->id);
	if (seal_and_submit(c, o, spool, buf_str(&name), &r, e) == 0) {
		order_told_json(o, &told);
		spool_tell(c, &r, buf_str(&told), &out);
		rc = keep != NULL ? keep_copy(spool, buf_str(&name), keep, e) : 0;
		if (rc == 0 && (rc = files_remove(spool, buf_str(&name), e)) == 0)
			rc = say(c, &out, e);
	} else if (http_is_temporary(e) && files_exists(spool, buf_str(&name))) {
		err_wrap(e, "%s waits in the spool (safehand submit sends it)", o->m->id);
	} else { /* refused: it will not be taken later either */
		(void)!files_remove(spool, buf_str(&name), &ignored);
	}
	close(spool);
	free(r.evidence);
	buf_free(&name);
	buf_free(&out);
	buf_free(&told);
	return rc;
}

static int
send_run(struct client *c, const struct args *a, struct err *e)
{
	struct order *o = order_new(NULL);
	int rc = read_order(c, a, o, e);

	if (rc == 0)
		rc = send_order(c, o, args_value(a, "keep"), e);
	order_free(o);
	return rc;
}

const struct command seal_command = {
    .name = "seal",
    .operands = "FILE…",
    .summary = "seal documents into a bundle, without sending it",
    .about = "Asks the gateway for the list of mailboxes to seal for, seals and signs. The bundle "
	     "is sent with\nsafehand submit; a second person signs with safehand sign.\n",
    .options = seal_options,
    .run = seal_run,
};

const struct command send_command = {
    .name = "send",
    .operands = "FILE…",
    .summary = "seal documents and send them",
    .about = "Seals as safehand seal does and submits. The bundle stays in the spool until the "
	     "gateway's\nevidence is on disk: if the gateway is away (exit 7), safehand submit "
	     "sends what waits there.\n",
    .options = send_options,
    .run = send_run,
};
