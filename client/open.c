/* open.c - safehand open: collects a bundle and opens it. Runs in: client. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "files.h"
#include "notices.h"
#include "opening.h"

/* Of a notice, whose text names id and mailbox; it is judged when it is opened. */
static int
find_in_notice(struct client *c, const struct buf *bytes, char id[static UUID_TEXT],
	       const char **mailbox, struct err *e)
{
	struct notice_file f;
	const char *name;
	struct notice n;

	if (notice_file_parse(bytes->data, bytes->len, &f, e) < 0 ||
	    notice_parse(f.text, f.text_len, &n, e) < 0)
		return -1;
	strcpy(id, n.id);
	for (size_t i = 0; *mailbox == NULL && (name = conf_instance(c->conf, "mailbox", i)); i++)
		if (strcmp(name, n.to) == 0)
			*mailbox = name;
	return 0;
}

static int
find_in_bundle(struct client *c, int fd, char id[static UUID_TEXT], const char **mailbox,
	       struct err *e)
{
	struct bundle_file *b;
	const char *name;

	if (bundle_file_open(fd, &b, e) < 0)
		return -1;
	strcpy(id, b->manifest->id);
	for (size_t i = 0; *mailbox == NULL && (name = conf_instance(c->conf, "mailbox", i)); i++)
		if (bundle_file_slot(b, name) >= 0)
			*mailbox = name;
	bundle_file_close(b);
	return 0;
}

/* Which of our mailboxes is it for? A file says so itself. */
static int
find_in_file(struct client *c, const char *path, char id[static UUID_TEXT], const char **mailbox,
	     struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	struct buf bytes = {0};
	bool is_notice = false;

	if (fd < 0)
		return err_sys(e, "%s", path);
	rc = notices_read(fd, &is_notice, &bytes, e);
	if (rc < 0 || is_notice)
		close(fd);
	if (rc == 0)
		rc = is_notice ? find_in_notice(c, &bytes, id, mailbox, e)
			       : find_in_bundle(c, fd, id, mailbox, e);
	buf_free(&bytes);
	if (rc < 0)
		return err_wrap(e, "%s", path);
	if (*mailbox == NULL)
		return err_set(e, ERR_UNKNOWN, "%s: for none of our mailboxes", path);
	return 0;
}

/* The gateway tells of each whether it is for it: what is not there is unknown. */
static int
open_any(struct client *c, const char *mailbox, const char *id, int into, struct opening_result *r,
	 struct err *e)
{
	const char *name;

	if (mailbox != NULL)
		return opening_do(c, mailbox, id, NULL, into, r, e);
	if ((name = conf_instance(c->conf, "mailbox", 0)) == NULL)
		return err_set(e, ERR_CONFIG, "no [mailbox] is configured");
	for (size_t i = 0; (name = conf_instance(c->conf, "mailbox", i)) != NULL; i++) {
		if (opening_do(c, name, id, NULL, into, r, e) == 0)
			return 0;
		if (e->code != ERR_UNKNOWN && e->code != ERR_WITHHELD)
			return -1;
	}
	return -1;
}

static void
add_result(const struct client *c, const char *id, const char *folder,
	   const struct opening_result *r, struct buf *out)
{
	if (!c->json) {
		if (r->again)
			buf_addf(out, "%s was unpacked before; its receipt is sent now\n", id);
		else
			buf_addf(out, "opened %s: %s from %s, %zu documents\n", id, r->klass,
				 r->from, r->documents);
		for (size_t i = 0; i < r->nsigners; i++)
			buf_addf(out, "signed by %s\n", r->signers[i]);
		for (const char *f = buf_str(&r->flags); *f != '\0'; f = strchr(f, '\n') + 1)
			buf_addf(out, "flag on the case: %.*s\n", (int)strcspn(f, "\n"), f);
		buf_addf(out, "into %s/%s\n\n", folder, id);
		buf_add(out, r->sheet.data, r->sheet.len);
		return;
	}
	buf_addc(out, '{');
	buf_json_str(out, "id", id);
	buf_json_str(out, "folder", folder);
	buf_json_str(out, "class", r->again ? NULL : r->klass);
	buf_json_str(out, "from", r->again ? NULL : r->from);
	buf_json_key(out, "signers");
	buf_addc(out, '[');
	for (size_t i = 0; i < r->nsigners; i++) {
		if (i > 0)
			buf_addc(out, ',');
		buf_json(out, r->signers[i]);
	}
	buf_addc(out, ']');
	buf_json_str(out, "flags", r->flags.len > 0 ? buf_str(&r->flags) : NULL);
	buf_json_str(out, "collected", r->collected);
	buf_json_str(out, "opened", r->opened);
	buf_json_key(out, "cover");
	buf_addf(out, "%s}", r->cover.len > 0 ? buf_str(&r->cover) : "null");
}

static int
run(struct client *c, const struct args *a, struct err *e)
{
	const char *what = args_operand(a, 0), *folder = args_value(a, "into");
	const char *mailbox = args_value(a, "mailbox");
	struct opening_result r = {.documents = 0};
	const struct conf *conf;
	struct buf out = {0};
	char id[UUID_TEXT];
	int into = -1, rc;

	if (args_want(a, 1, 1, "ID or FILE", e) < 0 || client_conf(c, &conf, e) < 0)
		return -1;
	if (folder == NULL)
		return err_set(e, ERR_USAGE, "--into FOLDER is wanted");
	if (mailbox != NULL && !name_is_mailbox(mailbox))
		return err_set(e, ERR_USAGE, "--mailbox %s: want agency/role", mailbox);
	if (!uuid_is_v7(what) && find_in_file(c, what, id, &mailbox, e) < 0)
		return -1;
	if (files_folder(folder, &into, e) < 0)
		return -1;
	rc = uuid_is_v7(what) ? open_any(c, mailbox, what, into, &r, e)
			      : opening_do(c, mailbox, id, what, into, &r, e);
	if (rc == 0) {
		add_result(c, uuid_is_v7(what) ? what : id, folder, &r, &out);
		rc = say(c, &out, e);
	}
	close(into);
	opening_clear(&r);
	buf_free(&out);
	return rc;
}

static const struct args_row options[] = {
    {"into", "FOLDER", "the documents go to a new folder ID in here", false},
    {"mailbox", "MAILBOX", "which of our mailboxes collects it; default: whose it is", false},
    {NULL, NULL, NULL, false},
};

const struct command open_command = {
    .name = "open",
    .operands = "ID|FILE",
    .summary = "collect a bundle, decrypt it, check every digest",
    .about = "Fetches the bundle (or takes a FILE that came another way), judges signatures, chain "
	     "and CRL, signs\nthat it was collected, gets the key for that, unpacks into "
	     "FOLDER/ID, signs that it was opened.\nThe evidence of both is kept. A bundle that "
	     "cannot be opened is refused, and its sender is told.\n",
    .options = options,
    .run = run,
};
