/* inspect.c - safehand inspect: what anybody can see of a bundle, and its parts as files. Runs in:
 * client. Trusts: no byte of it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "files.h"
#include "gate.h"
#include "safehand/time.h"

#define COPY_STEP (64 * 1024 * 1024) /* bytes of one copy inside the kernel */

static int
extract_payload(const struct bundle_file *b, int dir, struct err *e)
{
	off_t at = (off_t)bundle_head_bytes(&b->head);
	int fd =
	    openat(dir, "payload.bin", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t n;

	if (fd < 0)
		return err_sys(e, "payload.bin");
	do
		n = sendfile(fd, b->fd, &at, COPY_STEP);
	while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0 || fsync(fd) < 0) {
		err_sys(e, "payload.bin");
		n = -1;
	}
	close(fd);
	return n < 0 ? -1 : 0;
}

static int
extract(const struct bundle_file *b, const char *folder, struct err *e)
{
	int dir, rc = -1;

	if (files_folder(folder, &dir, e) < 0)
		return -1;
	if (files_write(dir, "manifest.json", b->manifest_text.data, b->manifest_text.len, e) ==
		0 &&
	    files_write(dir, "signature.p7s", b->signature.data, b->signature.len, e) == 0 &&
	    files_write(dir, "slots.bin", b->slots.data, b->slots.len, e) == 0)
		rc = extract_payload(b, dir, e);
	close(dir);
	return rc;
}

/* --- telling --- */

struct seen {
	struct identity ids[SIGNERS_MAX];
	size_t n;
	bool judged; /* there is a configuration, thus a root */
	struct err why;
};

/* A root that is named, else the configuration's; without either nothing is judged. */
static int
find_trust(struct client *c, const char *root, struct trust **own, struct trust **out,
	   struct err *e)
{
	struct buf pem = {0};
	int rc;

	if (root == NULL && !client_has_conf(c))
		return err_set(e, ERR_INCOMPLETE,
			       "no root certificate: neither --root nor a "
			       "configuration");
	if (root == NULL)
		return gate_trust(c, out, e);
	rc = files_read(AT_FDCWD, root, CRL_MAX_BYTES, &pem, e);
	if (rc == 0)
		rc = trust_new(&pem, NULL, NULL, own, e);
	*out = *own;
	buf_free(&pem);
	return rc;
}

static int
judge(struct client *c, const char *root, const struct bundle_file *b, struct seen *s,
      struct err *e)
{
	struct trust *own = NULL, *t;

	s->judged = find_trust(c, root, &own, &t, &s->why) == 0;
	if (!s->judged && s->why.code != ERR_INCOMPLETE) {
		*e = s->why;
		return -1;
	}
	if (s->judged) {
		err_clear(&s->why);
		if (bundle_file_check(b, t, time_now_ms(), TRUST_HISTORIC, s->ids, &s->n,
				      &s->why) == 0)
			(void)!bundle_file_check_payload(b, NULL, NULL, &s->why);
	}
	trust_free(own);
	return 0;
}

static void
add_json(const struct bundle_file *b, const struct seen *s, struct buf *out)
{
	buf_addc(out, '{');
	buf_json_key(out, "manifest");
	buf_add(out, b->manifest_text.data, b->manifest_text.len);
	buf_json_hex(out, "manifest_sha256", b->manifest_sha256, DIGEST_BYTES);
	buf_json_int(out, "bytes", (int64_t)b->bytes);
	buf_json_str(out, "verdict", !s->judged ? NULL : err_name(s->why.code));
	buf_json_str(out, "why", s->why.code != ERR_OK ? s->why.text : NULL);
	buf_json_key(out, "signers");
	buf_addc(out, '[');
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		buf_json(out, s->ids[i].by);
	}
	buf_adds(out, "]}");
}

static void
add_text(const struct bundle_file *b, const struct seen *s, struct buf *out)
{
	const struct manifest *m = b->manifest;
	char when[TIME_TEXT];

	time_format(when, m->created_ms);
	buf_addf(out, "%s  %s (%s) from %s, created %s\n", m->id, m->klass,
		 m->provisional ? "provisional" : "final", m->from, when);
	for (size_t i = 0; i < m->nto; i++)
		buf_addf(out, "  %s %s%s%s\n", m->to[i].cover ? "cover" : "to   ", m->to[i].mailbox,
			 m->to[i].cover ? " for " : "", m->to[i].covers);
	for (size_t i = 0; i < m->nabout; i++)
		buf_addf(out, "  about %s\n", m->about[i]);
	buf_addf(out, "  payload %" PRIu64 " bytes, slots %zu\n", m->payload_bytes,
		 b->slots.len / SLOT_BYTES);
	for (size_t i = 0; i < s->n; i++)
		buf_addf(out, "  signed by %s\n", s->ids[i].by);
	if (!s->judged)
		buf_addf(out, "  not judged: %s\n", s->why.text);
	else if (s->why.code == ERR_OK)
		buf_adds(out, "  signatures and digests hold\n");
	else
		buf_addf(out, "  REFUSED: %s\n", s->why.text);
}

static int
run(struct client *c, const struct args *a, struct err *e)
{
	const char *path = args_operand(a, 0), *folder = args_value(a, "extract");
	struct bundle_file *b = NULL;
	struct seen s = {.n = 0};
	struct buf out = {0};
	int fd, rc = -1;

	if (args_want(a, 1, 1, "FILE", e) < 0)
		return -1;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return err_sys(e, "%s", path);
	if (bundle_file_open(fd, &b, e) < 0)
		return err_wrap(e, "%s", path);
	if ((folder == NULL || extract(b, folder, e) == 0) &&
	    judge(c, args_value(a, "root"), b, &s, e) == 0) {
		if (c->json)
			add_json(b, &s, &out);
		else
			add_text(b, &s, &out);
		rc = say(c, &out, e);
	}
	if (rc == 0 && s.judged && s.why.code != ERR_OK)
		rc = err_exit(s.why.code);
	bundle_file_close(b);
	buf_free(&out);
	return rc;
}

static const struct args_row options[] = {
    {"extract", "FOLDER", "write manifest.json, signature.p7s, slots.bin, payload.bin there",
     false},
    {"root", "FILE", "root certificate, PEM, to judge by; default: the configuration's", false},
    {NULL, NULL, NULL, false},
};

const struct command inspect_command = {
    .name = "inspect",
    .operands = "FILE",
    .summary = "show what anybody can see of a bundle, judge it, take it apart",
    .about =
	"The parts can be checked with stock tools:\n  openssl cms -verify -binary -inform DER "
	"-in signature.p7s -content manifest.json \\\n    -CAfile root.pem -purpose any\n",
    .options = options,
    .run = run,
};
