/* own.h - questions about our own mailboxes: which one is meant, small calls that answer in JSON,
 * instants as people write them. */
#ifndef CLIENT_OWN_H
#define CLIENT_OWN_H

#include "args.h"
#include "gate.h"
#include "safehand/json.h"

#define OWN_ANSWER_MAX (4 * 1024 * 1024) /* bytes of an answer: some thousand rows */

/* --mailbox, or the only one that is configured. Points into the arguments or the configuration.
 * ERR_USAGE. */
int own_mailbox(struct client *c, const struct args *a, const char **out, struct err *e)
    __attribute__((warn_unused_result));
#define OWN_MAILBOX_OPTION                                                                         \
	{                                                                                          \
		"mailbox", "MAILBOX", "which of our mailboxes; default: the only one", false       \
	}
/* A call without a body. doc takes the answer, NULL if it has no body; doc itself may be NULL. */
int own_call(struct client *c, const char *method, const char *path, struct json **doc,
	     struct err *e) __attribute__((warn_unused_result));
/* "2026-12-01T09:00:00Z", or "2026-12-01": the end of that day in local time. what: the option's
 * name. ERR_USAGE. */
int own_instant(const char *what, const char *text, int64_t *ms, struct err *e)
    __attribute__((warn_unused_result));
/* {"kind","value"} as people name it: one of --class, --child, --household, --area. A child's and a
 * household's identifier becomes its pseudonym. ERR_USAGE unless it is just one. */
struct own_subject {
	const char *kind;
	char value[NAME_CLASS];
};
#define OWN_CASE_OPTIONS                                                                           \
	{"child", "NUMBER", "a child: NHS number or local case id", false},                        \
	{                                                                                          \
		"household", "ID", "a household", false                                            \
	}
int own_subject(struct client *c, const struct args *a, bool of_case, struct own_subject *out,
		struct err *e) __attribute__((warn_unused_result));
/* An instant of the gateway's as people read it: local time with its zone; "" for null. */
#define OWN_TIME 40
void own_time(const struct json *o, const char *name, char out[static OWN_TIME]);

#endif
