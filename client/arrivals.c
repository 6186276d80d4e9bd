/* arrivals.c - what arrives in a mailbox. Runs in: client (watch), a process per mailbox. Owns: the
 * mailbox's cursor, which moves once an arrival is dealt with. Trusts: nothing before it is opened.
 */
#include "arrivals.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feed.h"
#include "files.h"
#include "opening.h"
#include "proof.h"
#include "receipt.h"
#include "safehand/log.h"
#include "safehand/time.h"

struct arrivals {
	struct client *c;
	const char *mailbox;
	int dir;	   /* FOLDER/AGENCY_ROLE */
	struct buf cursor; /* its file's name */
	uint64_t after;	   /* what was dealt with, or left behind */
	uint64_t kept;	   /* the cursor: what was dealt with, none left out */
	bool behind;	   /* kept stands before one that could not be opened yet */
	int64_t again_ms;  /* behind: when all from kept on is gone through again (monotonic) */
	unsigned rounds;   /* of that, since nothing was behind */
	struct retry pause;
};

bool
arrivals_is_final(const struct err *e)
{
	switch (e->code) {
	case ERR_FORMAT:
	case ERR_LIMIT:
	case ERR_SIGNATURE:
	case ERR_CERTIFICATE:
	case ERR_EXPIRED:
	case ERR_REVOKED:
	case ERR_PROFILE:
	case ERR_DIGEST:
	case ERR_ARCHIVE:
	case ERR_DENIED:
	case ERR_UNKNOWN:
	case ERR_ORDER:
	case ERR_WITHHELD: return true;
	default: return false; /* the way there, this machine, a key that can be put right */
	}
}

static void
add_folder(struct buf *out, const char *mailbox)
{
	size_t start = out->len;

	buf_adds(out, mailbox);
	for (size_t i = start; i < out->len; i++)
		if (out->data[i] == '/')
			out->data[i] = '_';
}

/* --- the cursor --- */

static int
read_cursor(struct arrivals *a, struct err *e)
{
	struct buf text = {0};
	int state, rc = 0;

	if (client_state(a->c, &state, e) < 0)
		return -1;
	if (files_exists(state, buf_str(&a->cursor)))
		rc = files_read(state, buf_str(&a->cursor), 32, &text, e);
	a->after = a->kept = strtoull(buf_str(&text), NULL, 10);
	buf_free(&text);
	return rc;
}

/* The cursor on disk stays before what was left behind: a service that starts again begins there.
 */
static int
write_cursor(struct arrivals *a, uint64_t seq, struct err *e)
{
	struct buf text = {0};
	int state, rc;

	if (a->behind) {
		a->after = seq;
		return 0;
	}
	buf_addf(&text, "%" PRIu64 "\n", seq);
	rc = client_state(a->c, &state, e);
	if (rc == 0)
		rc = files_write(state, buf_str(&a->cursor), text.data, text.len, e);
	if (rc == 0)
		a->after = a->kept = seq;
	buf_free(&text);
	return rc;
}

/* --- what holds up the others, and what must not --- */

static int64_t
pause_ms(unsigned tries, int64_t cap_ms)
{
	return retry_pause_ms(tries, cap_ms, 0, arc4random());
}

/* Of the way there or of all that is ours: the next one would fare no better. */
static bool
holds_up(const struct err *e)
{
	return http_is_temporary(e) || e->code == ERR_CONFIG || e->code == ERR_HISTORY;
}

/* One that cannot be opened now, and may be later (its bytes are in quarantine, its key is not
 * here, a folder is in its way), stops nobody: those after it come, and it is tried again. */
static void
leave_behind(struct arrivals *a, const struct feed_item *i, const struct err *e)
{
	log_warn("left-behind", "bundle=%s mailbox=%s code=%s error=%s", i->bundle, a->mailbox,
		 err_name(e->code), e->text);
	if (!a->behind) {
		a->behind = true;
		a->again_ms = time_mono_ms() + pause_ms(a->rounds, a->pause.cap_ms);
		a->rounds += a->rounds < 32;
	}
	a->after = i->seq;
}

static void
go_back(struct arrivals *a)
{
	if (a->behind && time_mono_ms() >= a->again_ms) {
		a->behind = false;
		a->after = a->kept;
	}
}

/* --- one arrival --- */

static int
write_note(struct arrivals *a, const struct feed_item *i, const char *suffix,
	   const struct opening_result *r, const struct err *why, struct err *e)
{
	struct buf name = {0}, text = {0};
	int rc;

	buf_addf(&name, "%s.%s", i->bundle, suffix);
	buf_addc(&text, '{');
	buf_json_str(&text, "id", i->bundle);
	buf_json_str(&text, "mailbox", a->mailbox);
	buf_json_str(&text, "class", i->klass);
	buf_json_str(&text, "from", i->from);
	buf_json_str(&text, "status", i->provisional ? "provisional" : "final");
	buf_json_str(&text, "arrived", i->time);
	if (r != NULL) {
		buf_json_str(&text, "collected", r->collected);
		buf_json_str(&text, "opened", r->opened);
	}
	if (why != NULL) {
		buf_json_str(&text, "code", err_name(why->code));
		buf_json_str(&text, "text", why->text);
	}
	buf_adds(&text, "}\n");
	rc = files_write(a->dir, buf_str(&name), text.data, text.len, e);
	buf_free(&name);
	buf_free(&text);
	return rc;
}

/* Its receipt is kept, and none waits to be said: who took the documents away since does not get
 * them again. */
static bool
is_done(const struct arrivals *a, const struct feed_item *i)
{
	struct statement pending;
	struct buf text = {0};
	struct err ignored;
	bool is = proof_find(a->c, EVENT_OPENED, i->bundle, a->mailbox, &text, &ignored) == 0 &&
		  !receipt_pending(a->c, STATEMENT_OPENED, i->bundle, a->mailbox, &pending);

	buf_free(&text);
	return is;
}

/* A crash may have come after the receipt and before the note: its documents are still there. */
static int
finish_done(struct arrivals *a, const struct feed_item *i, struct err *e)
{
	static const struct opening_result unnamed; /* the receipts lie in the folder evidence */
	struct buf name = {0};
	bool is_told;

	buf_addf(&name, "%s.json", i->bundle);
	is_told = files_exists(a->dir, buf_str(&name)) || !files_exists(a->dir, i->bundle);
	buf_free(&name);
	if (!is_told && write_note(a, i, "json", &unnamed, NULL, e) < 0)
		return -1;
	return write_cursor(a, i->seq, e);
}

/* All that is ours to open with: the way to the gateway and its certificate by a list and a roster
 * asked for just now, our keys and certificates. */
static int
are_ready(struct arrivals *a, struct err *e)
{
	struct signer *signer = NULL;
	struct http *h;

	if (gate_open(a->c, true, &h, e) < 0 || keys_mailbox_own(a->c, a->mailbox, e) < 0 ||
	    keys_signer(a->c, NULL, "system", &signer, e) < 0)
		return -1;
	signer_free(signer);
	return 0;
}

static bool
was_refused(const struct arrivals *a, const struct feed_item *i)
{
	struct buf name = {0};
	bool was;

	buf_addf(&name, "%s.refused.json", i->bundle);
	was = files_exists(a->dir, buf_str(&name));
	buf_free(&name);
	return was;
}

/* A refusal for good is believed when it comes again while everything of ours is in order: a key
 * that is not there, a list that has run out refuse every arrival in the same words. */
static int
open_one(struct arrivals *a, const struct feed_item *i, struct opening_result *r, struct err *e)
{
	if (opening_do(a->c, a->mailbox, i->bundle, NULL, a->dir, r, e) == 0)
		return 0;
	if (r->told || !arrivals_is_final(e))
		return -1;
	if (are_ready(a, e) < 0) {
		e->code = ERR_CONFIG; /* ours, whatever its name: it can be put right */
		return -1;
	}
	opening_clear(r);
	return opening_do(a->c, a->mailbox, i->bundle, NULL, a->dir, r, e);
}

static int
take(struct arrivals *a, const struct feed_item *i, struct err *e)
{
	struct opening_result r = {0};
	struct err why;
	int rc;

	if (is_done(a, i))
		return finish_done(a, i, e);
	if (was_refused(a, i))
		return write_cursor(a, i->seq, e);
	if (open_one(a, i, &r, e) == 0) {
		log_info("opened", "bundle=%s mailbox=%s class=%s from=%s documents=%zu", i->bundle,
			 a->mailbox, i->klass, i->from, r.documents);
		rc = write_note(a, i, "json", &r, NULL, e);
	} else if (arrivals_is_final(e) || r.told) {
		why = *e;
		log_err(LOG_LEVEL_WARN, "refused", e);
		rc = write_note(a, i, "refused.json", NULL, &why, e);
	} else {
		rc = -1;
	}
	opening_clear(&r);
	return rc < 0 ? -1 : write_cursor(a, i->seq, e);
}

static int
take_page(struct arrivals *a, const struct feed_page *p, struct err *e)
{
	for (size_t i = 0; i < p->n && *a->c->stop == 0; i++) {
		const struct feed_item *item = &p->items[i];

		if (!feed_is_arrival(item)) {
			if (write_cursor(a, item->seq, e) < 0)
				return -1;
		} else if (take(a, item, e) < 0) {
			if (*a->c->stop != 0 || holds_up(e))
				return -1;
			leave_behind(a, item, e);
		}
	}
	if (!a->behind)
		a->rounds = 0;
	return 0;
}

/* --- the loop --- */

static int
turn(struct arrivals *a, struct err *e)
{
	int64_t wait_ms = conf_int(a->c->conf, "watch", NULL, "wait");
	struct feed_page p;
	unsigned wait_s;
	int rc;

	go_back(a);
	if (a->behind && wait_ms > a->again_ms - time_mono_ms())
		wait_ms = a->again_ms - time_mono_ms();
	wait_s = wait_ms > 0 ? (unsigned)((wait_ms + 999) / 1000) : 0;
	if (feed_ask(a->c, a->mailbox, a->after, wait_s, &p, e) < 0)
		return -1;
	rc = take_page(a, &p, e);
	feed_free(&p);
	return rc;
}

static void
wait_a_while(struct arrivals *a)
{
	retry_sleep(pause_ms(a->pause.tries, a->pause.cap_ms), a->c->stop);
	a->pause.tries += a->pause.tries < 32;
}

void
arrivals_serve(struct client *c, const char *mailbox, const char *folder)
{
	struct arrivals a = {.c = c, .mailbox = mailbox, .dir = -1};
	struct buf path = {0};
	struct err e;

	a.pause.cap_ms = conf_int(c->conf, "watch", NULL, "backoff");
	buf_adds(&a.cursor, "cursor.");
	add_folder(&a.cursor, mailbox);
	buf_addf(&path, "%s/", folder);
	add_folder(&path, mailbox);
	while (*c->stop == 0) {
		if ((a.dir >= 0 ||
		     (files_folder(buf_str(&path), &a.dir, &e) == 0 && read_cursor(&a, &e) == 0)) &&
		    turn(&a, &e) == 0) {
			a.pause.tries = 0;
		} else if (*c->stop == 0) {
			log_err(LOG_LEVEL_WARN, "waiting", &e);
			wait_a_while(&a);
		}
	}
	if (a.dir >= 0)
		close(a.dir);
	buf_free(&a.cursor);
	buf_free(&path);
}
