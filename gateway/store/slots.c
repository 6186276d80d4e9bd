/* slots.c - the key slots of large bundles, kept apart from the file that fronts are lent to send
 * from: no descriptor that leaves the store covers a slot. Runs in: store. Owns:
 * bundles/XX/ID.slots. Trusts: nothing it reads back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/spool_in.h"

#define SLOTS_NAME (3 + UUID_TEXT + 6) /* XX/ID.slots */

static void
slots_name(char out[static SLOTS_NAME], const char *id)
{
	snprintf(out, SLOTS_NAME, "%.2s/%.36s.slots", id + UUID_TEXT - 3, id);
}

int
slots_put(struct spool *s, const char *id, int fd, uint64_t kept, uint64_t n, struct err *e)
{
	char name[SLOTS_NAME];
	struct buf slots = {0};
	struct iovec iov;
	int to, rc = -1;

	slots_name(name, id);
	if ((to = disk_open(s->bundles, name, O_WRONLY | O_CREAT | O_TRUNC)) < 0)
		return err_sys(e, "bundles/%s", name);
	if (disk_read(fd, kept, (size_t)n, &slots, e) == 0) {
		iov = (struct iovec){slots.data, slots.len};
		rc = disk_write(to, &iov, 1, 0, e);
	}
	if (rc == 0)
		disk_sync(to, name);
	buf_free(&slots);
	close(to);
	return rc;
}

int
slots_read(struct spool *s, const char *id, uint64_t most, struct buf *out, struct err *e)
{
	char name[SLOTS_NAME];
	struct stat st;
	int fd, rc;

	slots_name(name, id);
	if ((fd = disk_open(s->bundles, name, O_RDONLY)) < 0)
		return disk_missing(e, "bundles", name);
	if (fstat(fd, &st) < 0) /* says nothing of the bytes: no quarantine for it [9] */
		rc = err_sys(e, "bundles/%s", name);
	else if (st.st_size <= 0 || st.st_size % SLOT_BYTES != 0)
		rc = err_set(e, ERR_DIGEST, "bundles/%s: %lld bytes are no slots", name,
			     (long long)st.st_size);
	else
		rc = disk_read(
		    fd, 0, (uint64_t)st.st_size < most ? (size_t)st.st_size : (size_t)most, out, e);
	close(fd);
	return rc;
}

int
slots_gone(struct spool *s, const char *id, struct err *e)
{
	char name[SLOTS_NAME];
	struct stat st;

	slots_name(name, id);
	if (fstatat(s->bundles, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "bundles/%s", name);
	return err_set(e, ERR_DIGEST, "bundles/%s: is there still", name);
}

int
slots_erase(struct spool *s, const char *id, struct err *e)
{
	char name[SLOTS_NAME];

	slots_name(name, id);
	return unlinkat(s->bundles, name, 0) == 0 || errno == ENOENT
		   ? 0
		   : err_sys(e, "bundles/%s", name);
}
