/* request.h - the commands of safehandctl and the line that each becomes. Runs in: safehandctl. */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include <stddef.h>

#include "safehand/buf.h"
#include "safehand/err.h"

struct json;

#define REQUEST_MAX_BYTES                                                                          \
	4094 /* of a line without its newline: what the gateway's reader holds                     \
	      */

/* A command: what the gateway is sent, and how its answer is shown. */
struct command {
	const char *verb, *arguments; /* arguments: for --help, "" for none */
	const char *help;
	size_t words_min, words_max; /* after the verb */
	int wait_seconds;	     /* for the answer */
	const char *question;	     /* asked at a terminal before it is sent, NULL: none */
	/* -1 with ERR_USAGE, naming the word; NULL when there are no words. */
	int (*check)(const char *word, struct err *e);
	/* Appends the answer for people, at the instant now_ms. Exit status by the code returned.
	 */
	enum err_code (*show)(const struct json *answer, const char *word, int64_t now_ms,
			      struct buf *out);
};

extern const struct command commands[]; /* ends with verb NULL */

/* The command of a verb. ERR_USAGE: there is none. */
int request_command(const char *verb, const struct command **out, struct err *e);

/* Appends "verb word word\n". ERR_USAGE: too few or too many words, or one that the command does
 * not take; ERR_LIMIT: longer than the gateway reads. Pure. */
int request_build(const struct command *c, const char *const *words, size_t n, struct buf *line,
		  struct err *e);

#endif
