/* request.c - the commands of safehandctl and the line that each becomes. Runs in: safehandctl.
 * Pure. Owns: nothing. Trusts: no word of its command line: a blank or a newline would be another
 * command. */
#include <string.h>

#include "ctl/request.h"
#include "ctl/show.h"
#include "safehand/enc.h"
#include "safehand/entry.h"
#include "safehand/name.h"
#include "safehand/time.h"

#define WAIT_SHORT 30	/* seconds: a listing, a change that waits for one group */
#define WAIT_LONG  3600 /* seconds: a reload reads every file */

#define NUMBER_DIGITS 18 /* below 2^63 */

static int
check_number(const char *key, const char *value, struct err *e)
{
	size_t n = strspn(value, "0123456789");

	if (n == 0 || value[n] != '\0' || n > NUMBER_DIGITS)
		return err_set(e, ERR_USAGE, "%s=%s: want a whole number", key, value);
	return 0;
}

static int
check_filter(const char *word, struct err *e)
{
	static const struct {
		const char *key, *want;
		bool (*is)(const char *value); /* NULL: a number */
	} filters[] = {{"agency", "an agency, such as uhcw", name_is_agency},
		       {"mailbox", "a mailbox, such as uhcw/emergency", name_is_mailbox},
		       {"class", "a class, such as strategy-minutes", name_is_class},
		       {"before", "", NULL},
		       {"limit", "", NULL}};
	const char *equals = strchr(word, '=');
	size_t n = equals != NULL ? (size_t)(equals - word) : 0;

	for (size_t i = 0; n > 0 && i < sizeof filters / sizeof *filters; i++) {
		if (strlen(filters[i].key) != n || strncmp(word, filters[i].key, n) != 0)
			continue;
		if (filters[i].is == NULL)
			return check_number(filters[i].key, equals + 1, e);
		return filters[i].is(equals + 1)
			   ? 0
			   : err_set(e, ERR_USAGE, "%s: want %s", word, filters[i].want);
	}
	return err_set(e, ERR_USAGE,
		       "%s: want agency=A, mailbox=A/ROLE, class=C, before=N or limit=N", word);
}

/* A date, or a time of RFC 3339 with Z. */
static bool
is_time(const char *value)
{
	int64_t ignored;

	return date_parse(value, &ignored) == 0 || time_parse(value, &ignored) == 0;
}

/* since= and until=; 1: it is neither. */
static int
check_time(const char *word, struct err *e)
{
	const char *equals = strchr(word, '=');

	if (strncmp(word, "since=", 6) != 0 && strncmp(word, "until=", 6) != 0)
		return 1;
	return is_time(equals + 1)
		   ? 0
		   : err_set(e, ERR_USAGE,
			     "%s: want a date, such as 2026-11-25, or a time in UTC, such as "
			     "2026-11-25T09:00:00Z",
			     word);
}

static int
check_audit(const char *word, struct err *e)
{
	int rc = check_time(word, e);

	if (rc <= 0)
		return rc;
	if (strncmp(word, "event=", 6) == 0)
		return event_by_name(word + 6) != EVENT_NONE
			   ? 0
			   : err_set(e, ERR_USAGE,
				     "%s: there is none of that name; safehand-evidence(5) lists "
				     "them",
				     word);
	if (strncmp(word, "class=", 6) == 0 || check_filter(word, e) < 0)
		return err_set(e, ERR_USAGE,
			       "%s: want agency=A, mailbox=A/ROLE, event=E, since=T, until=T, "
			       "before=N or limit=N",
			       word);
	return 0;
}

static int
check_report(const char *word, struct err *e)
{
	int rc = check_time(word, e);

	if (rc <= 0)
		return rc;
	if (strcmp(word, "by=mailbox") == 0 || strcmp(word, "by=agency") == 0 ||
	    strcmp(word, "by=class") == 0)
		return 0;
	return err_set(e, ERR_USAGE, "%s: want by=mailbox, by=agency, by=class, since=T or until=T",
		       word);
}

static int
check_board(const char *word, struct err *e)
{
	if (strncmp(word, "mailbox=", 8) != 0 && strncmp(word, "limit=", 6) != 0)
		return err_set(e, ERR_USAGE, "%s: want mailbox=A/ROLE or limit=N", word);
	return check_filter(word, e);
}

static int
check_id(const char *word, struct err *e)
{
	return uuid_is_v7(word)
		   ? 0
		   : err_set(e, ERR_USAGE,
			     "%s: want a bundle's id; \"safehandctl bundles\" lists them", word);
}

static int
check_certificate(const char *word, struct err *e)
{
	size_t n = strspn(word, "0123456789abcdef");

	return n == HEX_LEN(DIGEST_BYTES) - 1 && word[n] == '\0'
		   ? 0
		   : err_set(e, ERR_USAGE,
			     "%s: want the SHA-256 of a certificate, 64 hex digits: \"safehandctl "
			     "audit --json\" and \"pki/show\" name it",
			     word);
}

static int
check_id_or_seq(const char *word, struct err *e)
{
	size_t n = strspn(word, "0123456789");

	if (n > 0 && word[n] == '\0' && n <= NUMBER_DIGITS)
		return 0;
	return uuid_is_v7(word)
		   ? 0
		   : err_set(e, ERR_USAGE, "%s: want a bundle's id or an entry's number", word);
}

static int
check_quick(const char *word, struct err *e)
{
	return strcmp(word, "quick") == 0
		   ? 0
		   : err_set(e, ERR_USAGE, "%s: want quick, or nothing", word);
}

const struct command commands[] = {
    {"status", "", "the gateway at a glance, and its roles as the kernel confines them", 0, 0,
     WAIT_SHORT, NULL, NULL, show_status},
    {"bundles", "[agency=A] [mailbox=M] [class=C] [before=N] [limit=N]",
     "bundles with the state of each recipient, newest first", 0, 5, WAIT_SHORT, NULL, check_filter,
     show_bundles},
    {"mailboxes", "", "what waits in each mailbox, and since when", 0, 0, WAIT_SHORT, NULL, NULL,
     show_mailboxes},
    {"evidence", "ID | SEQ", "the entries about a bundle, or the evidence file of one entry", 1, 1,
     WAIT_SHORT, NULL, check_id_or_seq, show_evidence},
    {"quarantine", "", "bundles that are damaged or held, and why", 0, 0, WAIT_SHORT, NULL, NULL,
     show_quarantine},
    {"board", "[mailbox=M] [limit=N]",
     "what is overdue, by whom and for how long; of a mailbox: what it owes", 0, 2, WAIT_SHORT,
     NULL, check_board, show_board},
    {"audit", "[agency=A] [mailbox=M] [event=E] [since=T] [until=T] [before=N] [limit=N]",
     "who did what and when: entries of the log, newest first", 0, 7, WAIT_SHORT, NULL, check_audit,
     show_audit},
    {"report", "[by=mailbox|agency|class] [since=T] [until=T]",
     "of what fell due, how much was done in time, late, by the cover, never", 0, 3, WAIT_SHORT,
     NULL, check_report, show_report},
    {"hold", "ID", "hold a bundle back: nobody gets it, and it is not purged, until it is released",
     1, 1, WAIT_SHORT, "Hold this bundle back from everybody that it is for?", check_id, show_done},
    {"release", "ID", "give a held bundle free, or a damaged one if its bytes are whole again", 1,
     1, WAIT_SHORT, NULL, check_id, show_done},
    {"purge", "ID", "erase a bundle's keys and payload for good; its evidence stays", 1, 1,
     WAIT_SHORT, "Erase this bundle's keys and payload for good? Its evidence stays.", check_id,
     show_done},
    {"canary", "ID", "raise an alarm whenever this bundle is fetched or its key collected", 1, 1,
     WAIT_SHORT, NULL, check_id, show_done},
    {"canaries", "", "the canaries, and since when they are", 0, 0, WAIT_SHORT, NULL, NULL,
     show_canaries},
    {"uncanary", "ID", "the bundle is a canary no longer", 1, 1, WAIT_SHORT, NULL, check_id,
     show_done},
    {"revoke", "SHA256",
     "refuse every act with this certificate from now on, whatever the CA's list says", 1, 1,
     WAIT_SHORT, "Refuse every act with this certificate from now on?", check_certificate,
     show_done},
    {"unrevoke", "SHA256", "let the CA's list alone decide about it again", 1, 1, WAIT_SHORT, NULL,
     check_certificate, show_done},
    {"revoked", "", "the certificates revoked here, and since when", 0, 0, WAIT_SHORT, NULL, NULL,
     show_revoked},
    {"fsck", "[quick]", "check everything on disk; quick: but large payloads only by their length",
     0, 1, WAIT_LONG, NULL, check_quick, show_fsck},
    {"reload", "", "read configuration, certificates and roster anew", 0, 0, WAIT_LONG, NULL, NULL,
     show_reload},
    {"stop", "", "stop the gateway when what is under way is done", 0, 0, WAIT_SHORT, NULL, NULL,
     show_stop},
    {NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL},
};

int
request_command(const char *verb, const struct command **out, struct err *e)
{
	for (const struct command *c = commands; c->verb != NULL; c++)
		if (strcmp(c->verb, verb) == 0) {
			*out = c;
			return 0;
		}
	return err_set(e, ERR_USAGE, "%s: no such command; safehandctl --help lists them", verb);
}

int
request_build(const struct command *c, const char *const *words, size_t n, struct buf *line,
	      struct err *e)
{
	size_t start = line->len;

	if (n < c->words_min || n > c->words_max)
		return err_set(e, ERR_USAGE, "%s: want: safehandctl %s %s",
			       n < c->words_min ? "something is missing" : words[c->words_max],
			       c->verb, c->arguments);
	for (size_t i = 0; i < n; i++) {
		if (!utf8_is_clean(words[i], strlen(words[i])) || strpbrk(words[i], " \t") != NULL)
			return err_set(e, ERR_USAGE, "%s: a word may not hold blanks or controls",
				       words[i]);
		if (c->check(words[i], e) < 0)
			return -1;
	}
	buf_adds(line, c->verb);
	for (size_t i = 0; i < n; i++)
		buf_addf(line, " %s", words[i]);
	if (line->len - start > REQUEST_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "%zu bytes of words, limit %d", line->len - start,
			       REQUEST_MAX_BYTES);
	buf_addc(line, '\n');
	return 0;
}
