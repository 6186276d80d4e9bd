/* notices.c - notices of the gateway's. Runs in: client. Owns: nothing. Trusts: no byte before the
 * gateway's signature holds. */
#include "notices.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "safehand/digest.h"
#include "safehand/time.h"

int
notices_read(int fd, bool *is, struct buf *out, struct err *e)
{
	uint8_t fixed[BUNDLE_FIXED_BYTES];
	struct stat st;

	*is = pread(fd, fixed, sizeof fixed, 0) == sizeof fixed && notice_file_is(fixed);
	if (!*is)
		return 0;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "notice");
	if ((uint64_t)st.st_size > NOTICE_FILE_MAX)
		return err_set(e, ERR_LIMIT, "notice: %lld bytes", (long long)st.st_size);
	buf_reserve(out, (size_t)st.st_size);
	if (pread(fd, out->data, (size_t)st.st_size, 0) != st.st_size)
		return err_sys(e, "notice");
	out->len = (size_t)st.st_size;
	return 0;
}

int
notices_judge(struct client *c, const struct buf *bytes, const char *mailbox, const char *id,
	      uint8_t manifest_sha256[static DIGEST_BYTES], struct opening_result *out,
	      struct err *e)
{
	struct notice_file f;
	struct identity who;
	const struct roster *r;
	struct notice n;
	struct trust *t;

	if (notice_file_parse(bytes->data, bytes->len, &f, e) < 0 || gate_roster(c, &r, e) < 0 ||
	    gate_trust(c, &t, e) < 0 ||
	    notice_verify(&f, t, time_now_ms(), TRUST_LIVE, &n, &who, e) < 0)
		return -1;
	if (strcmp(n.id, id) != 0)
		return err_set(e, ERR_DIGEST, "the notice is %s, asked was %s", n.id, id);
	if (strcmp(n.to, mailbox) != 0)
		return err_set(e, ERR_DENIED, "the notice is to %s, not to %s", n.to, mailbox);
	digest_of(f.text, f.text_len, manifest_sha256);
	strcpy(out->klass, NOTICE_CLASS);
	strcpy(out->from, NOTICE_FROM);
	out->nsigners = 1;
	strcpy(out->signers[0], who.by);
	notice_show(&n, &out->sheet);
	buf_addc(&out->sheet, '\n');
	buf_add(&out->cover, f.text, f.text_len);
	return 0;
}

int
notices_write(const struct opening_result *r, int dir_fd, const char *name, struct err *e)
{
	int dir, rc = -1;

	if (mkdirat(dir_fd, name, 0700) < 0)
		return err_sys(e, "%s", name);
	dir = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "%s", name);
	if (files_write(dir, NOTICE_JSON, r->cover.data, r->cover.len, e) == 0)
		rc = files_write(dir, NOTICE_TEXT, r->sheet.data, r->sheet.len, e);
	close(dir);
	return rc;
}
