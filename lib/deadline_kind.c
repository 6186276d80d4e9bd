/* deadline_kind.c - the words for what is owed. Runs in: everything. Pure. */
#include "safehand/deadline.h"

const char *
deadline_kind_name(enum deadline_kind k)
{
	static const char *const names[DEADLINE_KINDS] = {"collect", "read",  "answer",
							  "action",  "final", "arrive"};

	return names[k];
}
