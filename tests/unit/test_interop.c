/* test_interop.c - bundles that Python wrote, good and with one fault each, judged by libsafehand:
 * the same verdict, by the same name, as the table in tests/interop/faults.py says. */
#include "tap.h"

#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>

#include "safehand/bundle_file.h"
#include "safehand/digest.h"
#include "safehand/identity.h"
#include "safehand/manifest.h"
#include "safehand/signature.h"
#include "safehand/time.h"
#include "safehand/unseal.h"

/* A document that does not compress and spans four chunks. */
#define MAKE                                                                                       \
	"head -c 200000 /dev/urandom >'%s/scan.bin' && "                                           \
	"/usr/bin/python3 -B '%s/tests/interop/make_bundle.py' --pki '%s' --from uhcw/emergency"   \
	" --to csc/mash --to wmp/ppu --about 'c:999 026 0419' --all '%s' '%s/scan.bin'"

static char dir[512];

/* What a gateway and then the recipient csc/mash does with a bundle, as far as the library goes. */
struct bench {
	struct trust *trust;
	struct buf file, root, crl, issuing, seal_key;
	struct bundle_head head;
	struct manifest *m;
	uint8_t secret[KEY_BYTES];
};

static int
to_digest(void *ctx, const void *p, size_t n, struct err *e)
{
	digest_add(ctx, p, n);
	return 0;
}

static void
read_file(const char *name, struct buf *out)
{
	char path[1024], block[65536];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/%s.shb", dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	while ((n = fread(block, 1, sizeof block, f)) > 0)
		buf_add(out, block, n);
	fclose(f);
}

/* The payload through the slot of recipient number which. */
static int
open_payload(struct bench *b, const uint8_t *slots, size_t which, struct err *e)
{
	const uint8_t *payload = slots + b->head.slots_bytes;
	struct digest *d = digest_new();
	struct unseal *u = NULL;
	int r = -1;

	if (unseal_begin(slots + which * SLOT_BYTES, b->secret, b->m->key_commitment, to_digest, d,
			 &u, e) == 0 &&
	    unseal_add(u, payload, b->head.payload_bytes, e) == 0 && unseal_end(u, e) == 0)
		r = 0;
	unseal_free(u);
	digest_free(d);
	return r;
}

static int
check_digest(const uint8_t *p, size_t n, const uint8_t want[static DIGEST_BYTES], struct err *e)
{
	uint8_t got[DIGEST_BYTES];

	digest_of(p, n, got);
	return memcmp(got, want, DIGEST_BYTES) == 0 ? 0 : err_set(e, ERR_DIGEST, "other bytes");
}

static int
judge(struct bench *b, struct err *e)
{
	const uint8_t *p = (const uint8_t *)b->file.data, *signature, *slots;
	struct identity ids[SIGNERS_MAX];
	char agency[NAME_AGENCY];
	size_t n;

	if (bundle_head_parse(p, &b->head, e) != 0)
		return -1;
	if (bundle_head_bytes(&b->head) + b->head.payload_bytes != b->file.len)
		return err_set(e, ERR_DIGEST, "not as long as its head says");
	p += BUNDLE_FIXED_BYTES;
	signature = p + b->head.manifest_bytes;
	slots = signature + b->head.signature_bytes;
	if (signature_verify(p, b->head.manifest_bytes, signature, b->head.signature_bytes,
			     b->trust,
			     PROFILE_BIT(PROFILE_AGENCY_SIGN) | PROFILE_BIT(PROFILE_PERSON_SIGN),
			     time_now_ms(), TRUST_LIVE, ids, &n, e) != 0 ||
	    manifest_parse(p, b->head.manifest_bytes, &b->m, e) != 0)
		return -1;
	name_agency(agency, b->m->from);
	for (size_t i = 0; i < n; i++)
		if (strcmp(ids[i].agency, agency) != 0)
			return err_set(e, ERR_PROFILE, "signed by another agency");
	if (b->head.slots_bytes != b->m->nto * SLOT_BYTES)
		return err_set(e, ERR_FORMAT, "slots: another number than recipients");
	if (b->head.payload_bytes != b->m->payload_bytes)
		return err_set(e, ERR_DIGEST, "payload: another length");
	if (check_digest(slots, b->head.slots_bytes, b->m->slots_sha256, e) != 0 ||
	    check_digest(slots + b->head.slots_bytes, b->head.payload_bytes, b->m->payload_sha256,
			 e) != 0)
		return -1;
	return open_payload(b, slots, 0, e);
}

static const char *
verdict(struct bench *b, const char *name)
{
	struct err e = {0};
	int r;

	buf_clear(&b->file);
	read_file(name, &b->file);
	r = judge(b, &e);
	manifest_free(b->m);
	b->m = NULL;
	return r == 0 ? "ok" : err_name(e.code);
}

/* As a recipient opens it: everything of bundle_file.h, into a folder. */
static int
open_whole(struct bench *b, const char *name, struct err *e)
{
	struct bundle_opening o = {.x25519_secret = b->secret};
	struct identity ids[SIGNERS_MAX];
	uint8_t content[DIGEST_BYTES];
	struct bundle_file *f = NULL;
	struct cover *cover = NULL;
	bool has_content;
	char path[1024];
	int dir_fd, rc;
	size_t n;

	snprintf(path, sizeof path, "%s/%s.shb", dir, name);
	if (bundle_file_open(open(path, O_RDONLY | O_CLOEXEC), &f, e) != 0)
		return -1;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memcpy(o.slot, f->slots.data, SLOT_BYTES);
	rc = bundle_file_check(f, b->trust, time_now_ms(), TRUST_LIVE, ids, &n, e);
	if (rc == 0)
		rc = bundle_file_check_payload(f, NULL, NULL, e);
	if (rc == 0)
		rc = bundle_file_extract(f, &o, dir_fd, name, &cover, content, &has_content, e);
	/* whole, or not there at all */
	assert_int_equal(faccessat(dir_fd, name, F_OK, 0), rc);
	close(dir_fd);
	cover_free(cover);
	bundle_file_close(f);
	return rc;
}

static const char *
opened(struct bench *b, const char *name)
{
	struct err e = {0};

	return open_whole(b, name, &e) == 0 ? "ok" : err_name(e.code);
}

/* Rows that another room judges: the pairs, the clock and the roster (store, verify). */
static bool
is_ours(const char *name, const char *want)
{
	static const char *const others[] = {"denied", "clock", "unknown", NULL};

	for (size_t i = 0; others[i] != NULL; i++)
		if (strcmp(want, others[i]) == 0)
			return false;
	return strncmp(name, "key-of", 6) != 0 && strncmp(name, "created-", 8) != 0;
}

/* A fault that a gateway must see is judged in its order; all others only the opener can. */
static bool
is_right(struct bench *b, const char *name, const char *want, const char *who)
{
	const char *got = strcmp(who, "gateway") == 0 ? verdict(b, name) : opened(b, name);

	if (strcmp(got, want) == 0 && strcmp(opened(b, name), "ok") != 0)
		return true;
	print_error("%s: want %s, got %s\n", name, want, got);
	return false;
}

static void
test_faults(void **state)
{
	struct bench *b = *state;
	char line[256], name[64], want[64], who[64], cmd[1024];
	int rows = 0, wrong = 0;
	FILE *list;

	assert_string_equal(verdict(b, "good"), "ok");
	assert_string_equal(opened(b, "good"), "ok");
	snprintf(cmd, sizeof cmd,
		 "/usr/bin/python3 -B '%s/tests/interop/make_bundle.py' --list-faults",
		 getenv("TOP"));
	list = popen(cmd, "r");
	assert_non_null(list);
	while (fgets(line, sizeof line, list) != NULL) {
		assert_int_equal(sscanf(line, "%63s %63s %63s", name, want, who), 3);
		if (!is_ours(name, want) || strcmp(name, "bomb") == 0)
			continue;
		rows++;
		wrong += !is_right(b, name, want, who);
	}
	assert_int_equal(pclose(list), 0);
	assert_true(rows > 120);
	assert_int_equal(wrong, 0);
}

/* 300 MiB of zeros in a few kilobytes; made apart, since it takes a while. */
static void
test_bomb(void **state)
{
	char cmd[4096];

	snprintf(cmd, sizeof cmd,
		 "/usr/bin/python3 -B '%s/tests/interop/make_bundle.py' --pki '%s' --from "
		 "uhcw/emergency --to csc/mash --fault bomb --out '%s/bomb.shb' '%s/scan.bin' "
		 ">/dev/null",
		 getenv("TOP"), getenv("PKI"), dir, dir);
	assert_int_equal(system(cmd), 0);
	assert_string_equal(opened(*state, "bomb"), "archive");
}

static int
setup(void **state)
{
	static struct bench b;
	const char *top = getenv("TOP");
	char cmd[4096];
	struct err e;

	snprintf(dir, sizeof dir, "%s/interop.XXXXXX", getenv("BUILD"));
	assert_non_null(mkdtemp(dir));
	snprintf(cmd, sizeof cmd, MAKE, dir, top, getenv("PKI"), dir, dir);
	assert_int_equal(system(cmd), 0);
	b.root = pki_file("trust/root.pem");
	b.crl = pki_file("trust/crl.pem");
	b.issuing = pki_file("trust/issuing.pem");
	b.seal_key = pki_file("certs/agency-seal/csc_mash.key");
	assert_int_equal(trust_new(&b.root, &b.issuing, &b.crl, &b.trust, &e), 0);
	assert_int_equal(identity_x25519_secret(b.seal_key.data, b.seal_key.len, b.secret, &e), 0);
	*state = &b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;
	char cmd[1024];

	trust_free(b->trust);
	buf_free(&b->file);
	buf_free(&b->root);
	buf_free(&b->crl);
	buf_free(&b->issuing);
	buf_free(&b->seal_key);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	return system(cmd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults),
					   cmocka_unit_test(test_bomb)};

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
