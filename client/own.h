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
/* A list of the gateway's: {…, NAME: [row…]}. */
struct own_list {
	const char *name;		   /* of the member, of its path "/v1/NAME", of --json's */
	const struct json_rule *rules;	   /* of the answer */
	const struct json_rule *row_rules; /* of a row: strings and numbers */
	void (*row_text)(const struct json *row, struct buf *out); /* a line, for people */
	const char *none; /* for people, where there is no row */
};
/* Asks for the list of --mailbox, takes no operands, and shows it: own_list_say. */
int own_list_run(struct client *c, const struct args *a, const struct own_list *l, struct err *e)
    __attribute__((warn_unused_result));
/* Shows what was answered: each row a line, or with --json {NAME: [row…]}. */
int own_list_say(struct client *c, const struct json *doc, const struct own_list *l, struct err *e)
    __attribute__((warn_unused_result));
/* One row, checked by its rules before; absent and null strings are null. Appends. */
void own_row_json(const struct json *row, const struct json_rule *rules, struct buf *out);
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
