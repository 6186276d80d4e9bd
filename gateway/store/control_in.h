/* control_in.h - a control connection, shared by control.c (bytes) and verbs.c (what they ask). */
#ifndef SAFEHAND_STORE_CONTROL_IN_H
#define SAFEHAND_STORE_CONTROL_IN_H

#include "store/control.h"

#define LINE_MAX_BYTES 4096

struct control {
	struct store *store;
	int fd;
	enum control_kind kind;
	struct event *event;
	struct buf roles; /* as master told them, JSON */
	char line[LINE_MAX_BYTES];
	size_t got;
	struct buf out;
	size_t sent;
	bool holds; /* a backup: until it hangs up */
};

struct command {
	const char *verb;
	size_t words_min, words_max; /* after the verb */
	/* Appends the answer; true: it comes later, by control_answer. */
	bool (*run)(struct control *c, char **words, size_t n);
};
extern const struct command control_commands[]; /* ends with a verb of NULL */

/* The refusal is the answer, in place of what was there. */
void control_refuse(struct control *c, const struct err *e);
/* The answer is whole: it goes out. For commands whose answer comes later. */
void control_answer(struct control *c);

#endif
