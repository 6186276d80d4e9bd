/* routes.h - which request is which call: one table. Runs in: front. Pure. */
#ifndef FRONT_ROUTES_H
#define FRONT_ROUTES_H

#include <stddef.h>
#include <stdint.h>

#include "frame/msg.h"
#include "front/http.h"

enum call_kind { CALL_ASK, CALL_UPLOAD, CALL_STATEMENT, CALL_ROUTE };

/* A row of the table, as far as others may see it. */
struct route {
	enum http_method method;
	const char *pattern;
	enum call_kind kind;
	enum ask ask; /* CALL_ASK */
};

/* What the target named; each member is valid in its form, or empty. */
struct call {
	const struct route *route;
	char mailbox[NAME_MAILBOX];
	char id[UUID_TEXT];
	char kind[16]; /* class, child, household, area */
	char value[NAME_CLASS];
	uint64_t number, number2;
	char other[NAME_MAILBOX]; /* a second mailbox */
	char about[ABOUT_TEXT];
};

/* 0, or the HTTP status of the refusal with a sentence (static string): 404 no such target, 405 not
 * with this method, 400 the query. HEAD is taken where GET is. *allow, with 405: the methods. */
int route_find(enum http_method method, const char *path, size_t path_n, const char *query,
	       size_t query_n, struct call *out, const char **reason, const char **allow);

/* The table, for the test and the manual page; ends with pattern NULL. */
const struct route *route_table(size_t n);

#endif
