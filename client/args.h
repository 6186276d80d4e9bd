/* args.h - the arguments of a command, read against its table of options. Pure. */
#ifndef CLIENT_ARGS_H
#define CLIENT_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "safehand/buf.h"
#include "safehand/err.h"

#define ARGS_MAX 4096 /* arguments of one command line: a shell's * over a large folder */

/* One option; a table ends with name NULL. */
struct args_row {
	const char *name;  /* without its dashes */
	const char *value; /* what its value is called in the help; NULL: it has none; in
			    * brackets: it may be left out, and is "" then */
	const char *help;  /* one line */
	bool many;	   /* may be given more than once */
};

struct args;

/* --name VALUE, --name=VALUE, --flag, operands in any order, -- ends the options; -h is --help.
 * common and own are both tables of what may be given. Values point into argv. ERR_USAGE naming the
 * argument. *out is the caller's to args_free. */
int args_parse(const struct args_row *common, const struct args_row *own, int argc,
	       const char *const *argv, struct args **out, struct err *e)
    __attribute__((warn_unused_result));
void args_free(struct args *a); /* NULL is fine */

/* Asserts that a table has the option. */
bool args_has(const struct args *a, const char *name);
const char *args_value(const struct args *a, const char *name);		/* NULL: not given */
const char *args_nth(const struct args *a, const char *name, size_t n); /* NULL past the end */
size_t args_count(const struct args *a, const char *name);
/* NULL past the end. */
const char *args_operand(const struct args *a, size_t n);
size_t args_operands(const struct args *a);
/* So many operands, least to most (SIZE_MAX: any number), else ERR_USAGE; what: "ID", "FILE…". */
int args_want(const struct args *a, size_t least, size_t most, const char *what, struct err *e)
    __attribute__((warn_unused_result));

/* A line for each option, aligned. */
void args_help(const struct args_row *table, struct buf *out);

#endif
