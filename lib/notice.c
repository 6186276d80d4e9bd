/* notice.c - what the gateway itself tells a mailbox: its text, its rules, its sentence. Runs in:
 * notary, store, client. Pure. Trusts: no member before notice_check. */
#include <stdio.h>
#include <string.h>

#include "safehand/limits.h"
#include "safehand/notice.h"
#include "safehand/time.h"

#define FIRST_MEMBER "{\"safehand_notice\":"

const char *
notice_kind_name(enum notice_kind k)
{
	static const char *const names[NOTICE_KINDS] = {"overdue", "cover", "missed", "undelivered",
							"reminder"};

	return names[k];
}

bool
notice_is(const void *text, size_t len)
{
	const size_t n = sizeof FIRST_MEMBER - 1;

	return len > n && memcmp(text, FIRST_MEMBER, n) == 0;
}

/* --- its rules --- */

static int
refuse(const char *member, const char *want, const char *have, struct err *e)
{
	return err_set(e, ERR_FORMAT, "notice.%s: %s: want %s", member,
		       have[0] != '\0' ? have : "nothing", want);
}

static int
check_names(const struct notice *n, struct err *e)
{
	if (!uuid_is_v7(n->id))
		return refuse("id", "a UUID of version 7 in lower case", n->id, e);
	if (!name_is_mailbox(n->to))
		return refuse("to", "agency/role", n->to, e);
	if (!name_is_class(n->klass))
		return refuse("class", "[a-z0-9][a-z0-9-]*", n->klass, e);
	if (!name_is_mailbox(n->from))
		return refuse("from", "agency/role", n->from, e);
	return name_is_mailbox(n->mailbox) ? 0 : refuse("mailbox", "agency/role", n->mailbox, e);
}

/* A bundle or an expectation, never both; only the latter can be owed by arriving. */
static int
check_subject(const struct notice *n, struct err *e)
{
	bool bundle = n->bundle[0] != '\0', expectation = n->expectation[0] != '\0';

	if (bundle && !uuid_is_v7(n->bundle))
		return refuse("bundle", "a UUID of version 7 in lower case", n->bundle, e);
	if (expectation && !uuid_is_v7(n->expectation))
		return refuse("expectation", "a UUID of version 7 in lower case", n->expectation,
			      e);
	if (bundle == expectation)
		return err_set(e, ERR_FORMAT,
			       "notice.bundle: want either a bundle or an expectation");
	if (expectation != (n->owed == DEADLINE_ARRIVE))
		return refuse("owed", "arrive of an expectation, and of nothing else",
			      deadline_kind_name(n->owed), e);
	if (n->kind != NOTICE_UNDELIVERED && n->kind != NOTICE_REMINDER &&
	    expectation != (n->kind == NOTICE_MISSED))
		return refuse("kind", "missed of an expectation, overdue or cover of a bundle",
			      notice_kind_name(n->kind), e);
	return 0;
}

static bool
is_time(int64_t ms)
{
	return ms >= TIME_MIN_MS && ms <= TIME_MAX_MS;
}

int
notice_check(const struct notice *n, struct err *e)
{
	if ((unsigned)n->kind >= NOTICE_KINDS || (unsigned)n->owed >= DEADLINE_KINDS)
		return err_set(e, ERR_FORMAT, "notice: kind %d, owed %d: there is none such",
			       (int)n->kind, (int)n->owed);
	if (check_names(n, e) < 0 || check_subject(n, e) < 0)
		return -1;
	if (n->owed == DEADLINE_ACTION ? n->action < 1 || n->action > ACTIONS_MAX : n->action != 0)
		return err_set(e, ERR_FORMAT,
			       "notice.action: %u: want 1 to %d of an action, else 0", n->action,
			       ACTIONS_MAX);
	if (!is_time(n->created_ms) || n->created_ms % 1000 != 0)
		return err_set(e, ERR_FORMAT, "notice.created: want whole seconds before 10000");
	if (!is_time(n->start_ms) || !is_time(n->due_ms) || n->due_ms < n->start_ms)
		return err_set(e, ERR_FORMAT, "notice.due: want a time that is not before start");
	return 0;
}

/* --- its text --- */

static const char *
or_null(const char *s)
{
	return s[0] != '\0' ? s : NULL;
}

void
notice_format(const struct notice *in, struct buf *text)
{
	char created[TIME_TEXT], start[TIME_TEXT], due[TIME_TEXT];

	time_format(created, in->created_ms);
	time_format_ms(start, in->start_ms);
	time_format_ms(due, in->due_ms);
	buf_adds(text, FIRST_MEMBER "1");
	buf_json_str(text, "id", in->id);
	buf_json_str(text, "created", created);
	buf_json_str(text, "kind", notice_kind_name(in->kind));
	buf_json_str(text, "to", in->to);
	buf_json_str(text, "bundle", or_null(in->bundle));
	buf_json_str(text, "expectation", or_null(in->expectation));
	buf_json_str(text, "class", in->klass);
	buf_json_str(text, "from", in->from);
	buf_json_str(text, "mailbox", in->mailbox);
	buf_json_str(text, "owed", deadline_kind_name(in->owed));
	buf_json_int(text, "action", in->action);
	buf_json_str(text, "start", start);
	buf_json_str(text, "due", due);
	buf_addc(text, '}');
}

/* --- its sentence --- */

/* "answer to strategy-minutes 019ab0… from csc/mash": a verb goes before it. */
static void
show_owed(const struct notice *n, struct buf *text)
{
	switch (n->owed) {
	case DEADLINE_COLLECT: buf_adds(text, "the collection of "); break;
	case DEADLINE_READ: buf_adds(text, "the reading of "); break;
	case DEADLINE_ANSWER: buf_adds(text, "an answer to "); break;
	case DEADLINE_ACTION: buf_addf(text, "action %u of ", n->action); break;
	case DEADLINE_FINAL: buf_adds(text, "the final of "); break;
	case DEADLINE_ARRIVE:
	case DEADLINE_KINDS: break;
	}
	buf_addf(text, "%s %s from %s", n->klass, n->bundle[0] != '\0' ? n->bundle : n->expectation,
		 n->from);
}

void
notice_show(const struct notice *n, struct buf *text)
{
	char start[TIME_TEXT], due[TIME_TEXT];

	time_format(start, n->start_ms);
	time_format(due, n->due_ms);
	switch (n->kind) {
	case NOTICE_OVERDUE:
		buf_addf(text, "%s owes ", n->mailbox);
		show_owed(n, text);
		break;
	case NOTICE_COVER:
		buf_addf(text, "the cover of %s was given the key; owed is ", n->mailbox);
		show_owed(n, text);
		break;
	case NOTICE_MISSED:
		buf_addf(text, "%s did not come from %s to %s, who expects it (%s)", n->klass,
			 n->from, n->mailbox, n->expectation);
		break;
	case NOTICE_UNDELIVERED:
		buf_addf(text, "%s could not be told by mail or webhook of ", n->mailbox);
		show_owed(n, text);
		break;
	case NOTICE_REMINDER:
		buf_addf(text, "%s is reminded: it owes ", n->mailbox);
		show_owed(n, text);
		break;
	case NOTICE_KINDS: break;
	}
	buf_addf(text, "; since %s, due %s", start, due);
}
