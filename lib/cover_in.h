/* cover_in.h - the inside of a cover sheet, for cover.c, which reads it, and cover_show.c, which
 * shows it. */
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

#endif
