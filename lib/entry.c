/* entry.c - entries of the log as JSON lines. Runs in: store (writes), client (reads). Pure.
 * Trusts: no byte of a line. */
#include <assert.h>
#include <string.h>

#include "safehand/enc.h"
#include "safehand/entry.h"
#include "safehand/time.h"

static const char *const names[EVENTS] = {
    [EVENT_NONE] = "",
    [EVENT_SUBMISSION_ACCEPTANCE] = "SubmissionAcceptance",
    [EVENT_SUBMISSION_REJECTION] = "SubmissionRejection",
    [EVENT_CONTENT_CONSIGNMENT] = "ContentConsignment",
    [EVENT_NOTIFICATION_SENT] = "NotificationSent",
    [EVENT_NOTIFICATION_FAILURE] = "NotificationFailure",
    [EVENT_CONTENT_HANDOVER] = "ContentHandover",
    [EVENT_OPENED] = "Opened",
    [EVENT_OPEN_FAILURE] = "OpenFailure",
    [EVENT_READ] = "Read",
    [EVENT_ANSWER] = "Answer",
    [EVENT_OVERDUE] = "Overdue",
    [EVENT_ESCALATION] = "Escalation",
    [EVENT_COVER_RELEASED] = "CoverReleased",
    [EVENT_NON_DELIVERY] = "NonDelivery",
    [EVENT_EXPECTATION_OPENED] = "ExpectationOpened",
    [EVENT_EXPECTATION_MET] = "ExpectationMet",
    [EVENT_EXPECTATION_MISSED] = "ExpectationMissed",
    [EVENT_SUPERSEDED] = "Superseded",
    [EVENT_WITHDRAWN] = "Withdrawn",
    [EVENT_PURGED] = "Purged",
    [EVENT_ROSTER_CHANGE] = "RosterChange",
    [EVENT_POLICY_CHANGE] = "PolicyChange",
    [EVENT_KEY_CHANGE] = "KeyChange",
    [EVENT_GATEWAY_START] = "GatewayStart",
    [EVENT_FETCHED] = "Fetched",
    [EVENT_HELD] = "Held",
    [EVENT_RELEASED] = "Released",
};

const char *
event_name(enum entry_event e)
{
	assert((unsigned)e < EVENTS);
	return names[e];
}

enum entry_event
event_by_name(const char *name)
{
	for (int i = EVENT_NONE + 1; i < EVENTS; i++)
		if (strcmp(names[i], name) == 0)
			return (enum entry_event)i;
	return EVENT_NONE;
}

void
entry_format(const struct entry *in, struct buf *line)
{
	char time[TIME_TEXT];

	time_format_ms(time, in->time_ms);
	buf_addc(line, '{');
	buf_json_int(line, "safehand_entry", 1);
	buf_json_int(line, "seq", (int64_t)in->seq);
	buf_json_str(line, "time", time);
	buf_json_str(line, "event", event_name(in->event));
	if (in->bundle[0] != '\0')
		buf_json_str(line, "bundle", in->bundle);
	if (in->has_manifest)
		buf_json_hex(line, "manifest_sha256", in->manifest_sha256, DIGEST_BYTES);
	if (in->mailbox[0] != '\0')
		buf_json_str(line, "mailbox", in->mailbox);
	if (in->has_actor)
		buf_json_hex(line, "actor", in->actor, DIGEST_BYTES);
	if (in->has_statement)
		buf_json_hex(line, "statement_sha256", in->statement_sha256, DIGEST_BYTES);
	buf_json_str(line, "code", in->code);
	buf_json_hex(line, "salt", in->salt, ENTRY_SALT);
	buf_addc(line, '}');
}
