/* room.c - memory for a secret: pages of its own, locked, in no core, wiped before they go. Runs
 * in: roles that are given secrets. Owns: the pages. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frame/room.h"
#include "safehand/err.h"
#include "safehand/log.h"

void
room_new(struct buf *b, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (n + page) / page * page;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct err e;

	if (p == MAP_FAILED) {
		err_sys(&e, "room for a secret");
		log_fatal("memory", &e);
	}
	/* beyond the user's limit it is not: the jail's report says that there is one */
	if (mlock(p, size) < 0 || madvise(p, size, MADV_DONTDUMP) < 0)
		log_debug("room", "locked=%s", "no");
	*b = (struct buf){p, 0, size};
}

void
room_drop(struct buf *b)
{
	if (b->data == NULL)
		return;
	explicit_bzero(b->data, b->cap);
	munmap(b->data, b->cap);
	*b = (struct buf){0};
}
