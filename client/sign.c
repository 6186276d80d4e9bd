/* sign.c - safehand sign: one more person's signature on a sealed bundle. Runs in: client. */
#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "files.h"
#include "gate.h"
#include "safehand/time.h"

static int
open_bundle(const char *path, struct bundle_file **out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "%s", path);
	return bundle_file_open(fd, out, e) < 0 ? err_wrap(e, "%s", path) : 0;
}

static int
sign_file(const struct bundle_file *b, struct signer *s, const char *path, struct err *e)
{
	const char *name;
	int dir, rc;

	if (files_parent(path, &dir, &name, e) < 0)
		return -1;
	rc = bundle_file_sign(b, s, dir, name, e);
	close(dir);
	return rc;
}

/* Two persons of the sender's agency, and no system among the two: else it is not four eyes. */
static int
check_four_eyes(const struct bundle_file *b, const struct identity *id, const struct identity *ids,
		size_t n, struct err *e)
{
	char agency[NAME_AGENCY];

	assert(b != NULL);
	name_agency(agency, b->manifest->from);
	if (strcmp(id->agency, agency) != 0)
		return err_set(e, ERR_DENIED, "it is from %s: %s is not of that agency",
			       b->manifest->from, id->by);
	for (size_t i = 0; i < n; i++)
		if (ids[i].profile == PROFILE_PERSON_SIGN)
			return 0;
	return err_set(e, ERR_PROFILE,
		       "signed by %s alone, which is no person: seal it with --as PERSON, then "
		       "countersign",
		       ids[0].by);
}

/* Four eyes are two persons, and a signature that holds twice the same holds for nobody. */
static int
check_new(const struct identity *id, const struct identity *ids, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(ids[i].by, id->by) == 0)
			return err_set(e, ERR_REPEATED, "%s has signed it already", id->by);
	return 0;
}

/* Who adds a name stands for what the others signed: it must hold. */
static int
add_signature(struct client *c, const char *path, const char *as, bool four_eyes, struct buf *out,
	      struct err *e)
{
	struct identity ids[SIGNERS_MAX];
	struct bundle_file *b = NULL;
	struct signer *s = NULL;
	struct trust *t;
	size_t n;
	int rc = -1;

	if (keys_signer(c, as, "person", &s, e) == 0 && open_bundle(path, &b, e) == 0 &&
	    gate_trust(c, &t, e) == 0 &&
	    bundle_file_check(b, t, time_now_ms(), TRUST_HISTORIC, ids, &n, e) == 0 &&
	    check_new(signer_identity(s), ids, n, e) == 0 &&
	    (!four_eyes || check_four_eyes(b, signer_identity(s), ids, n, e) == 0) &&
	    bundle_file_check_payload(b, NULL, NULL, e) == 0)
		rc = sign_file(b, s, path, e);
	assert(rc < 0 || b != NULL);
	if (rc == 0 && c->json) {
		buf_addc(out, '{');
		buf_json_str(out, "id", b->manifest->id);
		buf_json_str(out, "signed_by", signer_identity(s)->by);
		buf_json_int(out, "signatures", (int64_t)n + 1);
		buf_addc(out, '}');
	} else if (rc == 0) {
		buf_addf(out, "%s signed by %s, signature %zu\n", b->manifest->id,
			 signer_identity(s)->by, n + 1);
	}
	bundle_file_close(b);
	signer_free(s);
	return rc;
}

static int
sign(struct client *c, const struct args *a, bool four_eyes, struct err *e)
{
	struct buf out = {0};
	int rc;

	if (args_want(a, 1, 1, "FILE", e) < 0)
		return -1;
	rc = add_signature(c, args_operand(a, 0), args_value(a, "as"), four_eyes, &out, e);
	if (rc == 0)
		rc = say(c, &out, e);
	buf_free(&out);
	return rc;
}

static int
run(struct client *c, const struct args *a, struct err *e)
{
	return sign(c, a, false, e);
}

static int
countersign_run(struct client *c, const struct args *a, struct err *e)
{
	return sign(c, a, true, e);
}

static const struct args_row options[] = {
    {"as", "IDENTITY", "the person who signs; default: the only one configured", false},
    {NULL, NULL, NULL, false},
};

const struct command sign_command = {
    .name = "sign",
    .operands = "FILE",
    .summary = "add a person's signature to a sealed bundle",
    .about =
	"For classes that want two persons. The signatures that are there must hold; they stay "
	"as they are.\n",
    .options = options,
    .run = run,
};

const struct command countersign_command = {
    .name = "countersign",
    .operands = "FILE",
    .summary = "four eyes: the second person's signature on a sealed bundle",
    .about = "As safehand sign, and it must come out as four eyes: one person of the sender's "
	     "agency has signed,\nand another one of it signs now.\n",
    .options = options,
    .run = countersign_run,
};
