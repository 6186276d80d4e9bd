/* cover_in.h - the inside of a cover sheet, for cover.c, cover_check.c and cover_show.c. */
#ifndef COVER_IN_H
#define COVER_IN_H

#include "safehand/cover.h"
#include "safehand/json.h"

struct cover {
	struct json *doc; /* checked */
	struct buf text;
	struct cover_document *documents; /* heap */
	size_t ndocuments;
};

/* Everything but what the sending fills in. ERR_FORMAT, ERR_LIMIT, naming the member. */
int cover_check_written(const struct json *o, struct err *e);
/* "cover.json.MEMBER: have: want ..."; -1. */
int cover_refuse(const char *member, const char *want, const char *have, struct err *e);

#endif
