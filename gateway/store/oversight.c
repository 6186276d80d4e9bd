/* oversight.c - audit and report: the log by who and when, deadlines by whether they were kept.
 * Runs in: store. Owns: nothing. Trusts: who may open the control socket, not the words. */
#include "store/oversight.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/deadline.h"
#include "safehand/entry.h"
#include "safehand/time.h"

#define DAY_MS INT64_C(86400000)

static int
take_time(const char *key, const char *value, int64_t *out, struct err *e)
{
	int64_t day;

	if (date_parse(value, &day) == 0)
		*out = day * DAY_MS;
	else if (time_parse(value, out) < 0)
		return err_set(e, ERR_USAGE,
			       "%s=%s: want a date, as 2026-11-25, or a time, as "
			       "2026-11-25T09:00:00Z",
			       key, value);
	return 0;
}

static int
take_event(const char *value, uint32_t *out, struct err *e)
{
	*out = event_by_name(value);
	return *out != EVENT_NONE ? 0
				  : err_set(e, ERR_USAGE,
					    "event=%s: there is none of that name; "
					    "safehand-evidence(5) lists them",
					    value);
}

/* KEY=VALUE cut in two; NULL: it is not of that form. */
static char *
cut(char *word)
{
	char *value = strchr(word, '=');

	if (value != NULL)
		*value++ = '\0';
	return value;
}

/* --- audit --- */

static int
audit_word(struct ledger_audit *a, char *word, struct err *e)
{
	char *value = cut(word);

	if (value == NULL)
		return err_set(e, ERR_USAGE, "%s: want KEY=VALUE", word);
	if (strcmp(word, "since") == 0)
		return take_time(word, value, &a->since_ms, e);
	if (strcmp(word, "until") == 0)
		return take_time(word, value, &a->until_ms, e);
	if (strcmp(word, "event") == 0)
		return take_event(value, &a->event, e);
	if (strcmp(word, "agency") == 0)
		a->agency = value;
	else if (strcmp(word, "mailbox") == 0)
		a->mailbox = value;
	else if (strcmp(word, "before") == 0)
		a->before = strtoll(value, NULL, 10);
	else if (strcmp(word, "limit") == 0)
		a->limit = (uint32_t)strtoul(value, NULL, 10);
	else
		return err_set(e, ERR_USAGE,
			       "%s: want agency, mailbox, event, since, until, before or limit",
			       word);
	return 0;
}

static void
audit_row(void *ctx, const struct ledger_entry *entry, const char *bundle, const char *sender)
{
	struct buf actor = {0}, *b = ctx;
	char time[TIME_TEXT];

	time_format_ms(time, entry->time_ms);
	if (entry->has_actor)
		buf_hex(&actor, entry->actor, DIGEST_BYTES);
	buf_json_item(b);
	buf_addc(b, '{');
	buf_json_int(b, "seq", entry->seq);
	buf_json_str(b, "time", time);
	buf_json_str(b, "event", event_name(entry->event));
	buf_json_str(b, "bundle", *bundle != '\0' ? bundle : NULL);
	buf_json_str(b, "from", *sender != '\0' ? sender : NULL);
	buf_json_str(b, "mailbox", entry->mailbox[0] != '\0' ? entry->mailbox : NULL);
	buf_json_str(b, "code", entry->code);
	buf_json_str(b, "actor", entry->has_actor ? buf_str(&actor) : NULL);
	buf_addc(b, '}');
	buf_free(&actor);
}

int
audit_json(struct store *s, char **words, size_t n, struct buf *json, struct err *e)
{
	struct ledger_audit a = {.before = INT64_MAX,
				 .since_ms = INT64_MIN,
				 .until_ms = INT64_MAX,
				 .limit = OVERSIGHT_ROWS};

	for (size_t i = 0; i < n; i++)
		if (audit_word(&a, words[i], e) < 0)
			return -1;
	a.limit = a.limit > OVERSIGHT_ROWS_MAX ? OVERSIGHT_ROWS_MAX : a.limit;
	buf_adds(json, "{\"entries\":[");
	ledger_each_audited(s->reader, &a, audit_row, json);
	buf_adds(json, "]}");
	return 0;
}

/* --- report --- */

static int
report_word(enum ledger_report_by *by, int64_t *since, int64_t *until, char *word, struct err *e)
{
	static const char *const names[LEDGER_REPORT_BYS] = {
	    [LEDGER_BY_MAILBOX] = "mailbox",
	    [LEDGER_BY_AGENCY] = "agency",
	    [LEDGER_BY_CLASS] = "class",
	};
	char *value = cut(word);

	if (value != NULL && strcmp(word, "since") == 0)
		return take_time(word, value, since, e);
	if (value != NULL && strcmp(word, "until") == 0)
		return take_time(word, value, until, e);
	if (value == NULL || strcmp(word, "by") != 0)
		return err_set(e, ERR_USAGE, "%s: want by=, since= or until=", word);
	for (int i = 0; i < LEDGER_REPORT_BYS; i++)
		if (strcmp(names[i], value) == 0) {
			*by = (enum ledger_report_by)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "by=%s: want mailbox, agency or class", value);
}

static void
report_row(void *ctx, const struct ledger_report *r)
{
	struct buf *b = ctx;

	buf_json_item(b);
	buf_addc(b, '{');
	buf_json_str(b, "who", r->who);
	buf_json_str(b, "owed", deadline_kind_name((enum deadline_kind)r->kind));
	buf_json_int(b, "due", r->due);
	buf_json_int(b, "in_time", r->in_time);
	buf_json_int(b, "late", r->late);
	buf_json_int(b, "by_other", r->by_other);
	buf_json_int(b, "never", r->never);
	if (r->mean_ms >= 0)
		buf_json_int(b, "mean_ms", r->mean_ms);
	buf_json_int(b, "latest_ms", r->latest_ms > 0 ? r->latest_ms : 0);
	buf_addc(b, '}');
}

int
report_json(struct store *s, char **words, size_t n, struct buf *json, struct err *e)
{
	enum ledger_report_by by = LEDGER_BY_AGENCY;
	int64_t since = INT64_MIN, until = INT64_MAX;

	for (size_t i = 0; i < n; i++)
		if (report_word(&by, &since, &until, words[i], e) < 0)
			return -1;
	buf_adds(json, "{\"rows\":[");
	ledger_each_report(s->reader, by, since, until, s->now(), report_row, json);
	buf_adds(json, "]}");
	return 0;
}
