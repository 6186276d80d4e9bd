/* args.c - reads arguments against a table. Runs in: client. Pure. Trusts: nobody's typing. */
#include "args.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 24 /* where the help of an option starts */

struct given {
	const struct args_row *row; /* NULL: an operand */
	const char *value;
};

struct args {
	const struct args_row *common, *own;
	size_t n;
	struct given given[];
};

static const struct args_row *
find_in(const struct args_row *table, const char *name, size_t n)
{
	for (; table != NULL && table->name != NULL; table++)
		if (strlen(table->name) == n && memcmp(table->name, name, n) == 0)
			return table;
	return NULL;
}

static const struct args_row *
find(const struct args *a, const char *name, size_t n)
{
	const struct args_row *row = find_in(a->own, name, n);

	return row != NULL ? row : find_in(a->common, name, n);
}

static size_t
count_row(const struct args *a, const struct args_row *row)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->given[i].row == row;
	return n;
}

/* The option's value: after its =, else the next argument; one in brackets may be left out, and the
 * next argument is it only if it begins with a digit. *used: whether next was taken. */
static int
find_value(const struct args_row *row, const char *inside, const char *next, const char **out,
	   int *used, struct err *e)
{
	bool optional = row->value != NULL && row->value[0] == '[';

	*used = row->value != NULL && inside == NULL && next != NULL &&
		(!optional || (*next >= '0' && *next <= '9'));
	*out = inside != NULL ? inside : *used ? next : "";
	if (row->value == NULL && inside != NULL)
		return err_set(e, ERR_USAGE, "--%s takes no value", row->name);
	if (row->value != NULL && **out == '\0' && (!optional || inside != NULL))
		return err_set(e, ERR_USAGE, "--%s wants a value: %s", row->name, row->value);
	return 0;
}

/* text is without its dashes; next is the argument after it. 1 if next was taken. */
static int
take_option(struct args *a, const char *text, const char *next, struct err *e)
{
	size_t n = strcspn(text, "=");
	const struct args_row *row = find(a, text, n);
	const char *value;
	int used;

	if (row == NULL)
		return err_set(e, ERR_USAGE, "--%.*s: there is no such option; see --help", (int)n,
			       text);
	if (find_value(row, text[n] == '=' ? text + n + 1 : NULL, next, &value, &used, e) < 0)
		return -1;
	if (!row->many && count_row(a, row) > 0)
		return err_set(e, ERR_USAGE, "--%s is given twice", row->name);
	a->given[a->n++] = (struct given){row, value};
	return used;
}

static int
take_all(struct args *a, int argc, const char *const *argv, struct err *e)
{
	bool options = true;
	int used;

	for (int i = 0; i < argc; i++) {
		const char *arg = argv[i];

		if (options && strcmp(arg, "--") == 0) {
			options = false;
		} else if (!options || *arg != '-' || arg[1] == '\0') {
			a->given[a->n++] = (struct given){NULL, arg};
		} else if (strcmp(arg, "-h") == 0 || strncmp(arg, "--", 2) == 0) {
			used = take_option(a, strcmp(arg, "-h") == 0 ? "help" : arg + 2,
					   i + 1 < argc ? argv[i + 1] : NULL, e);
			if (used < 0)
				return -1;
			i += used;
		} else {
			return err_set(e, ERR_USAGE, "%s: options have two dashes; see --help",
				       arg);
		}
	}
	return 0;
}

int
args_parse(const struct args_row *common, const struct args_row *own, int argc,
	   const char *const *argv, struct args **out, struct err *e)
{
	struct args *a;

	if (argc < 0 || argc > ARGS_MAX)
		return err_set(e, ERR_USAGE, "%d arguments, limit %d", argc, ARGS_MAX);
	a = mem_alloc(sizeof *a + (size_t)argc * sizeof a->given[0]);
	a->common = common;
	a->own = own;
	if (take_all(a, argc, argv, e) < 0) {
		args_free(a);
		return -1;
	}
	*out = a;
	return 0;
}

void
args_free(struct args *a)
{
	free(a);
}

const char *
args_nth(const struct args *a, const char *name, size_t n)
{
	const struct args_row *row = find(a, name, strlen(name));

	assert(row != NULL);
	for (size_t i = 0; i < a->n; i++)
		if (a->given[i].row == row && n-- == 0)
			return a->given[i].value;
	return NULL;
}

const char *
args_value(const struct args *a, const char *name)
{
	return args_nth(a, name, 0);
}

bool
args_has(const struct args *a, const char *name)
{
	return args_nth(a, name, 0) != NULL;
}

size_t
args_count(const struct args *a, const char *name)
{
	const struct args_row *row = find(a, name, strlen(name));

	assert(row != NULL);
	return count_row(a, row);
}

const char *
args_operand(const struct args *a, size_t n)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->given[i].row == NULL && n-- == 0)
			return a->given[i].value;
	return NULL;
}

size_t
args_operands(const struct args *a)
{
	return count_row(a, NULL);
}

int
args_want(const struct args *a, size_t least, size_t most, const char *what, struct err *e)
{
	size_t n = args_operands(a);

	if (n < least)
		return err_set(e, ERR_USAGE, "%s is wanted; see --help", what);
	if (n > most)
		return err_set(e, ERR_USAGE, "%s: one argument too many; see --help",
			       args_operand(a, most));
	return 0;
}

void
args_help(const struct args_row *table, struct buf *out)
{
	for (; table != NULL && table->name != NULL; table++) {
		size_t start = out->len;

		buf_addf(out, "  --%s", table->name);
		if (table->value != NULL)
			buf_addf(out, " %s", table->value);
		if (out->len - start >= HELP_COLUMN) {
			buf_addc(out, '\n');
			start = out->len;
		}
		while (out->len - start < HELP_COLUMN)
			buf_addc(out, ' ');
		buf_addf(out, "%s%s\n", table->help, table->many ? " (repeatable)" : "");
	}
}
