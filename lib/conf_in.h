/* conf_in.h - what conf.c (values) and conf_parse.c (text) share; not a public header. */
#ifndef LIB_CONF_IN_H
#define LIB_CONF_IN_H

#include "safehand/conf.h"

struct value {
	const struct conf_row *row;
	size_t instance; /* index of the instance, 0 for sections that are not named */
	char **texts;	 /* one, or the items of a list */
	size_t n;
	int64_t number;
	char *where;
};

struct instance {
	const char *section; /* of the table */
	char *name;
};

struct conf {
	const struct conf_row *table;
	struct value *values;
	size_t nvalues;
	struct instance *instances; /* of named sections */
	size_t ninstances;
};

/* Text into a value by its row's type; dir: where a relative path starts. ERR_CONFIG. */
int conf_set(struct value *v, const char *dir, const char *text, struct err *e);
/* LIST or PATHS: items between commas. */
bool conf_is_list(enum conf_type type);
/* A value that may be empty, as its row's default. */
void conf_set_empty(struct value *v);
/* The row of a key (of a section's first row for key NULL), the value of a row in an instance; NULL
 * if there is none. */
const struct conf_row *conf_row_of(const struct conf_row *table, const char *section,
				   const char *key);
struct value *conf_value_of(const struct conf *c, const struct conf_row *row, size_t instance);
/* A new value, and the index of an instance, made if it is new. */
struct value *conf_value_new(struct conf *c, const struct conf_row *row, size_t instance,
			     const char *where);
size_t conf_instance_of(struct conf *c, const char *section, const char *name);

#endif
