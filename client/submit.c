/* submit.c - safehand submit: sealed bundles to the gateway; without a name, all that wait. Runs
 * in: client. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "files.h"
#include "spool.h"

static int
submit_file(struct client *c, const char *path, struct buf *out, struct err *e)
{
	struct spool_result r;
	int rc = spool_submit(c, AT_FDCWD, path, &r, e);

	if (rc == 0)
		spool_tell(c, &r, "", out);
	free(r.evidence);
	return rc;
}

static int
submit_spooled(struct client *c, int spool, const char *name, struct buf *out, struct err *e)
{
	struct spool_result r;
	int rc = spool_submit(c, spool, name, &r, e);

	if (rc == 0)
		spool_tell(c, &r, "", out);
	free(r.evidence);
	return rc == 0 ? files_remove(spool, name, e) : -1;
}

static bool
is_bundle(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && *name != '.' && strcmp(name + n - 4, ".shb") == 0;
}

static void
comma(const struct client *c, size_t n, struct buf *out)
{
	if (c->json && n > 0)
		buf_addc(out, ',');
}

/* Each one is tried; the first refusal is told at the end. */
static int
submit_waiting(struct client *c, struct buf *out, struct err *e)
{
	const struct dirent *entry;
	struct err one;
	size_t n = 0;
	int spool, rc = 0;
	DIR *d;

	if (spool_folder(c, &spool, e) < 0)
		return -1;
	if ((d = fdopendir(spool)) == NULL) {
		close(spool);
		return err_sys(e, "spool");
	}
	while ((entry = readdir(d)) != NULL) {
		if (!is_bundle(entry->d_name))
			continue;
		comma(c, n++, out);
		if (submit_spooled(c, spool, entry->d_name, out, &one) < 0 && rc == 0) {
			*e = one;
			rc = err_wrap(e, "%s", entry->d_name);
		}
	}
	closedir(d);
	return rc;
}

static int
run(struct client *c, const struct args *a, struct err *e)
{
	struct buf out = {0};
	struct err lost;
	int rc = 0;

	if (c->json)
		buf_adds(&out, "{\"submitted\":[");
	for (size_t i = 0; i < args_operands(a) && rc == 0; i++) {
		comma(c, i, &out);
		rc = submit_file(c, args_operand(a, i), &out, e);
	}
	if (args_operands(a) == 0)
		rc = submit_waiting(c, &out, e);
	if (c->json)
		buf_adds(&out, "]}");
	if (rc == 0)
		rc = say(c, &out, e);
	else if (!c->json)
		(void)!say(c, &out, &lost); /* what was sent before the refusal */
	buf_free(&out);
	return rc;
}

const struct command submit_command = {
    .name = "submit",
    .operands = "[FILE…]",
    .summary = "send sealed bundles; without a FILE, what waits in the spool",
    .about = "Goes on where an earlier try stopped. The gateway's evidence is judged and kept in "
	     "the folder\nevidence of the state. The same bundle again is no error: its first "
	     "evidence is kept.\n",
    .run = run,
};
