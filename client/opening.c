/* opening.c - a bundle from the gateway into a folder. Runs in: client. Owns: the folder under its
 * hidden name until it is whole. Trusts: no byte before its signature and digests hold.
 *
 * fetched -> judged -> collected (the slot) -> unpacked as .ID.opening -> opened signed and kept ->
 * renamed to ID -> opened posted. A crash before "kept" begins anew (collected may be said again);
 * after it only renames and posts. */
#include "opening.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetch.h"
#include "files.h"
#include "notices.h"
#include "progress.h"
#include "receipt.h"
#include "safehand/digest.h"
#include "safehand/time.h"

#define TREE_FDS 8 /* descriptors of a walk through a folder */

struct work {
	struct client *c;
	const char *mailbox, *id;
	int into_fd;
	struct buf hidden; /* .ID.opening */
	struct signer *signer;
	struct fetched fetched;
	struct bundle_file *b; /* or */
	struct buf notice;     /* its bytes, if it is one */
	struct statement s;
	struct opening_result *out;
};

void
opening_clear(struct opening_result *r)
{
	buf_free(&r->sheet);
	buf_free(&r->flags);
	buf_free(&r->cover);
	free(r->collected);
	free(r->opened);
	*r = (struct opening_result){.documents = 0};
}

/* --- what an earlier try left --- */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static int
remove_hidden(struct work *w, struct err *e)
{
	struct buf path = {0};
	int rc = 0;

	if (!files_exists(w->into_fd, buf_str(&w->hidden)))
		return 0;
	buf_addf(&path, "/proc/self/fd/%d/%s", w->into_fd, buf_str(&w->hidden));
	if (nftw(buf_str(&path), remove_one, TREE_FDS, FTW_DEPTH | FTW_PHYS) != 0)
		rc = err_sys(e, "%s", buf_str(&w->hidden));
	buf_free(&path);
	return rc;
}

/* The folder gets its name; it has it already if a crash came after. */
static int
reveal(struct work *w, struct err *e)
{
	if (renameat2(w->into_fd, buf_str(&w->hidden), w->into_fd, w->id, RENAME_NOREPLACE) < 0 &&
	    errno != ENOENT)
		return err_sys(e, "%s", w->id);
	return fsync(w->into_fd) < 0 ? err_sys(e, "%s", w->id) : 0;
}

/* --- the steps --- */

static int
judge(struct work *w, struct err *e)
{
	struct progress p = progress_begin(w->c, "checking");
	struct identity ids[SIGNERS_MAX];
	const struct roster *r;
	struct trust *t;
	size_t n;
	int rc;

	if (strcmp(w->b->manifest->id, w->id) != 0)
		return err_set(e, ERR_DIGEST, "the bundle is %s, asked was %s", w->b->manifest->id,
			       w->id);
	if (bundle_file_slot(w->b, w->mailbox) < 0)
		return err_set(e, ERR_DENIED, "%s is not among the recipients", w->mailbox);
	if (gate_roster(w->c, &r, e) < 0 || gate_trust(w->c, &t, e) < 0 ||
	    bundle_file_check(w->b, t, time_now_ms(), TRUST_LIVE, ids, &n, e) < 0)
		return -1;
	/* what came over the network was digested as it came, and need not be read again */
	rc = w->fetched.has_payload ? bundle_file_is_payload(w->b, w->fetched.payload_sha256, e)
				    : bundle_file_check_payload(w->b, progress_tick, &p, e);
	progress_end(&p);
	w->out->nsigners = n;
	for (size_t i = 0; i < n; i++)
		strcpy(w->out->signers[i], ids[i].by);
	strcpy(w->out->klass, w->b->manifest->klass);
	strcpy(w->out->from, w->b->manifest->from);
	return rc;
}

static int
collect(struct work *w, const uint8_t manifest_sha256[static DIGEST_BYTES], uint8_t *slot,
	struct err *e)
{
	struct receipt_given given = {.flags = {0}};
	int rc;

	w->s = (struct statement){.kind = STATEMENT_COLLECTED, .code = "ok"};
	strcpy(w->s.bundle, w->id);
	strcpy(w->s.mailbox, w->mailbox);
	memcpy(w->s.manifest_sha256, manifest_sha256, DIGEST_BYTES);
	rc = receipt_post(w->c, &w->s, w->signer, slot != NULL ? &given : NULL, &w->out->collected,
			  e);
	if (slot != NULL)
		memcpy(slot, given.slot, SLOT_BYTES);
	buf_free(&w->out->flags);
	w->out->flags = given.flags;
	return rc;
}

static int
unpack(struct work *w, struct bundle_opening *o, struct err *e)
{
	struct progress p = progress_begin(w->c, "opening");
	struct cover *cover = NULL;
	int rc;

	o->progress = progress_tick;
	o->ctx = &p;
	rc = bundle_file_extract(w->b, o, w->into_fd, buf_str(&w->hidden), &cover,
				 w->s.content_sha256, &w->s.has_content, e);
	progress_end(&p);
	if (rc < 0)
		return -1;
	cover_show(cover, &w->out->sheet);
	cover_text(cover, &w->out->cover);
	w->out->documents = cover_documents(cover);
	cover_free(cover);
	return 0;
}

/* The refusal is told to the sender: that a bundle cannot be opened is no secret between the two.
 */
static int
tell_failure(struct work *w, struct err *e)
{
	struct err lost;

	if (e->code == ERR_SYSTEM || e->code == ERR_STORAGE)
		return -1; /* ours, not the bundle's: it can be tried again */
	snprintf(w->s.code, sizeof w->s.code, "%s", err_name(e->code));
	w->s.has_content = false;
	if (receipt_post(w->c, &w->s, w->signer, NULL, NULL, &lost) < 0)
		say_note(w->c, "the sender could not be told: %s", lost.text);
	else
		w->out->told = true;
	return -1;
}

static int
open_slot(struct work *w, struct bundle_opening *o, struct err *e)
{
	int at = bundle_file_slot(w->b, w->mailbox);
	struct secret *key_secret = NULL;
	int rc;

	w->s.kind = STATEMENT_OPENED;
	if (keys_mailbox(w->c, w->mailbox, w->b->manifest->to[at].key, &key_secret, e) < 0)
		return e->code == ERR_SECRET && strstr(e->text, "sealed for") != NULL
			   ? tell_failure(w, e)
			   : -1;
	o->x25519_secret = key_secret->data;
	rc = unpack(w, o, e);
	secret_free(key_secret);
	return rc < 0 ? tell_failure(w, e) : 0;
}

static int
finish(struct work *w, struct err *e)
{
	struct statement s = {.kind = STATEMENT_OPENED, .code = "ok"};

	if (reveal(w, e) < 0)
		return -1;
	strcpy(s.bundle, w->id);
	strcpy(s.mailbox, w->mailbox);
	memcpy(s.manifest_sha256, w->s.manifest_sha256, DIGEST_BYTES);
	if (receipt_post(w->c, &s, w->signer, NULL, &w->out->opened, e) == 0)
		return 0;
	if (e->code != ERR_REPEATED)
		return -1;
	say_note(w->c, "%s was opened before: the receipt of then stands", w->id);
	return 0;
}

static int
open_new(struct work *w, struct err *e)
{
	struct bundle_opening o = {.max_bytes = 0};

	if (files_exists(w->into_fd, w->id))
		return err_set(e, ERR_CONFLICT, "%s: the folder is there already", w->id);
	if (remove_hidden(w, e) < 0 || judge(w, e) < 0 ||
	    collect(w, w->b->manifest_sha256, o.slot, e) < 0 || open_slot(w, &o, e) < 0 ||
	    receipt_prepare(w->c, &w->s, w->signer, e) < 0)
		return -1;
	return finish(w, e);
}

/* A notice lies open: there is no slot, and its content is of no bytes. */
static int
open_notice(struct work *w, struct err *e)
{
	uint8_t sha256[DIGEST_BYTES];

	if (files_exists(w->into_fd, w->id))
		return err_set(e, ERR_CONFLICT, "%s: the folder is there already", w->id);
	if (remove_hidden(w, e) < 0 ||
	    notices_judge(w->c, &w->notice, w->mailbox, w->id, sha256, w->out, e) < 0 ||
	    collect(w, sha256, NULL, e) < 0 ||
	    notices_write(w->out, w->into_fd, buf_str(&w->hidden), e) < 0)
		return -1;
	w->s.kind = STATEMENT_OPENED;
	w->s.has_content = true;
	digest_of("", 0, w->s.content_sha256);
	return receipt_prepare(w->c, &w->s, w->signer, e) < 0 ? -1 : finish(w, e);
}

static int
get_bundle(struct work *w, const char *file, struct err *e)
{
	int fd = -1;
	bool is_notice;

	if (file == NULL) {
		if (fetch_bundle(w->c, w->mailbox, w->id, &w->fetched, e) < 0)
			return -1;
		fd = w->fetched.fd;
	} else if ((fd = open(file, O_RDONLY | O_CLOEXEC)) < 0) {
		return err_sys(e, "%s", file);
	}
	if (notices_read(fd, &is_notice, &w->notice, e) < 0 || is_notice) {
		close(fd);
		return w->notice.len > 0 ? 0 : -1;
	}
	return bundle_file_open(fd, &w->b, e);
}

int
opening_do(struct client *c, const char *mailbox, const char *id, const char *file, int into_fd,
	   struct opening_result *out, struct err *e)
{
	struct work w = {.c = c, .mailbox = mailbox, .id = id, .into_fd = into_fd, .out = out};
	int rc = -1;

	*out = (struct opening_result){.documents = 0};
	buf_addf(&w.hidden, ".%s.opening", id);
	if (keys_signer(c, NULL, "system", &w.signer, e) == 0) {
		/* a failure that is pending says nothing about this try */
		if (receipt_pending(c, STATEMENT_OPENED, id, mailbox, &w.s) &&
		    strcmp(w.s.code, "ok") == 0) {
			out->again = true;
			rc = finish(&w, e);
		} else if (get_bundle(&w, file, e) == 0) {
			rc = w.b != NULL ? open_new(&w, e) : open_notice(&w, e);
		}
	}
	if (rc == 0 && file == NULL)
		rc = fetch_drop(c, mailbox, id, e);
	bundle_file_close(w.b);
	signer_free(w.signer);
	buf_free(&w.hidden);
	buf_free(&w.notice);
	return rc;
}
