/* proof.c - evidence as it comes from the gateway. Runs in: client. Owns: the folder evidence.
 * Trusts: nothing that does not verify. */
#include "proof.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define FOLDER "evidence"

static int
judge(struct client *c, const void *text, size_t len, struct evidence_result *out, struct err *e)
{
	struct evidence ev = {0};
	const struct roster *r;
	struct trust *t;
	int rc = -1;

	if (evidence_parse(text, len, &ev, e) == 0 && gate_kept_roster(c, &r, e) == 0 &&
	    gate_trust(c, &t, e) == 0) {
		evidence_verify(&ev, t, &r->log, out);
		rc = 0;
	}
	evidence_free(&ev);
	if (rc == 0 && out->verdict != EVIDENCE_OK)
		rc = err_set(e, out->verdict == EVIDENCE_FAIL ? ERR_FAIL : ERR_INCOMPLETE, "%s: %s",
			     evidence_verdict_name(out->verdict), out->why.text);
	return rc;
}

int
proof_check(struct client *c, const void *text, size_t len, enum entry_event event,
	    const char *bundle, const char *mailbox, const uint8_t *manifest_sha256,
	    struct evidence_result *out, struct err *e)
{
	const struct entry *entry = &out->entry;

	if (judge(c, text, len, out, e) < 0)
		return err_wrap(e, "the gateway's evidence");
	if (entry->event != event || strcmp(entry->bundle, bundle) != 0 ||
	    strcmp(entry->mailbox, mailbox) != 0)
		return err_set(e, ERR_FAIL, "the gateway's evidence is of %s, bundle %s, not of %s",
			       event_name(entry->event), entry->bundle, event_name(event));
	if (manifest_sha256 != NULL &&
	    (!entry->has_manifest ||
	     memcmp(entry->manifest_sha256, manifest_sha256, DIGEST_BYTES) != 0))
		return err_set(e, ERR_CONFLICT, "the gateway knows %s with another manifest",
			       bundle);
	return 0;
}

void
proof_name(const char *bundle, uint64_t seq, enum entry_event event, struct buf *out)
{
	buf_addf(out, "%s-%06" PRIu64 "%s%s.evidence", bundle, seq, event != EVENT_NONE ? "-" : "",
		 event_name(event));
}

int
proof_keep(struct client *c, const void *text, size_t len, const struct entry *entry, char **name,
	   struct err *e)
{
	struct buf file = {0};
	int dir, rc;

	if (client_folder(c, FOLDER, &dir, e) < 0)
		return -1;
	proof_name(entry->bundle, entry->seq, entry->event, &file);
	rc = files_write(dir, buf_str(&file), text, len, e);
	if (rc == 0)
		*name = mem_strdup(buf_str(&file));
	close(dir);
	buf_free(&file);
	return rc;
}

/* Is the file the wanted one? Its text is in text then. */
static bool
is_wanted(int dir, const char *file, enum entry_event event, const char *bundle,
	  const char *mailbox, struct buf *text)
{
	struct evidence ev = {0};
	struct entry entry;
	struct err ignored;
	bool is;

	buf_clear(text);
	is = strncmp(file, bundle, strlen(bundle)) == 0 &&
	     strstr(file, event_name(event)) != NULL &&
	     files_read(dir, file, EVIDENCE_MAX_BYTES, text, &ignored) == 0 &&
	     evidence_parse(text->data, text->len, &ev, &ignored) == 0 &&
	     entry_parse(ev.entry.data, ev.entry.len, &entry, &ignored) == 0 &&
	     entry.event == event && strcmp(entry.bundle, bundle) == 0 &&
	     strcmp(entry.mailbox, mailbox) == 0;
	evidence_free(&ev);
	return is;
}

int
proof_find(struct client *c, enum entry_event event, const char *bundle, const char *mailbox,
	   struct buf *text, struct err *e)
{
	const struct dirent *entry;
	bool found = false;
	DIR *d;
	int dir;

	if (client_folder(c, FOLDER, &dir, e) < 0)
		return -1;
	if ((d = fdopendir(dir)) == NULL) {
		close(dir);
		return err_sys(e, FOLDER);
	}
	while (!found && (entry = readdir(d)) != NULL)
		found = is_wanted(dir, entry->d_name, event, bundle, mailbox, text);
	closedir(d);
	if (!found)
		return err_set(e, ERR_UNKNOWN, "no evidence of %s about %s is kept here",
			       event_name(event), bundle);
	return 0;
}
