/* test_bundle_file.c - whole bundles: made, read, judged, opened; and each way to be refused. */
#include "bundle_rig.h"

#include <locale.h>

#include "safehand/digest.h"
#include "safehand/pack.h"
#include "safehand/seal.h"

#define BIG (5 * MIB + 12345)

static struct rig rig;
static struct err e;

/* --- making --- */

static struct bundle_order
order_of(const struct bundle_document *documents, size_t n, struct signer *const *signers, size_t s)
{
	rig_manifest(&rig);
	return (struct bundle_order){.manifest = rig.m,
				     .keys = rig.keys,
				     .cover = rig.draft,
				     .documents = documents,
				     .ndocuments = n,
				     .signers = signers,
				     .nsigners = s};
}

/* A bundle of one small text, signed by A. Khan. */
static void
make_small(const char *name)
{
	char path[300];
	struct bundle_document d = {.path = path, .name = "note.txt"};
	struct bundle_order o = order_of(&d, 1, &rig.khan, 1);

	snprintf(path, sizeof path, "%s/small.txt", rig.dir);
	rig_write(&rig, "small.txt", "hello", 5);
	assert_ok(bundle_write(&o, rig.dir_fd, name, &e), &e);
}

static struct bundle_file *
open_bundle(const char *name)
{
	struct bundle_file *b = NULL;

	assert_ok(bundle_file_open(openat(rig.dir_fd, name, O_RDONLY | O_CLOEXEC), &b, &e), &e);
	return b;
}

struct opened {
	struct cover *cover;
	uint8_t content[DIGEST_BYTES];
	bool has_content;
};

static int
open_as(const struct bundle_file *b, size_t who, size_t slot, const char *into, struct opened *out)
{
	struct bundle_opening o = {.x25519_secret = rig.secrets[who]};

	memset(out, 0, sizeof *out);
	memcpy(o.slot, b->slots.data + slot * SLOT_BYTES, SLOT_BYTES);
	return bundle_file_extract(b, &o, rig.dir_fd, into, &out->cover, out->content,
				   &out->has_content, &e);
}

static void
remove_into(const char *into)
{
	char cmd[600];

	snprintf(cmd, sizeof cmd, "rm -r '%s/%s'", rig.dir, into);
	assert_int_equal(system(cmd), 0);
}

static int
judge(const struct bundle_file *b, size_t *n)
{
	struct identity ids[SIGNERS_MAX];

	return bundle_file_check(b, rig.trust, time_now_ms(), TRUST_LIVE, ids, n, &e);
}

/* --- good ones --- */

static void
same_file(const char *path, const char *into, const char *name)
{
	char cmd[1024];

	snprintf(cmd, sizeof cmd, "cmp '%s' '%s/%s/%s'", path, rig.dir, into, name);
	assert_int_equal(system(cmd), 0);
}

/* The independent verifier opens it too, and names the same content. */
static void
python_agrees(const char *name, const char *mailbox, const uint8_t content[DIGEST_BYTES])
{
	struct buf cmd = {0};

	buf_addf(&cmd,
		 "/usr/bin/python3 -B '%s/tests/interop/verify_bundle.py' '%s/%s' --root "
		 "'%s/trust/root.pem' --crl '%s/trust/crl.pem' --key "
		 "'%s/certs/agency-seal/%s.key' --into '%s/python' | grep -q '^OK .*content ",
		 getenv("TOP"), rig.dir, name, getenv("PKI"), getenv("PKI"), getenv("PKI"), mailbox,
		 rig.dir);
	buf_hex(&cmd, content, DIGEST_BYTES);
	buf_addc(&cmd, '\'');
	assert_int_equal(system(buf_str(&cmd)), 0);
	remove_into("python");
	buf_free(&cmd);
}

static const char *const data[] = {"strategy-minutes.pdf", "discharge-summary.pdf",
				   "discharge-summary.fhir.json", "marac-notes.odt",
				   "body-map.png"};
#define NDATA (sizeof data / sizeof *data)

static int
count_progress(void *ctx, uint64_t done, uint64_t total)
{
	uint64_t *last = ctx;

	assert_true(done >= *last && done <= total);
	*last = done;
	return 0;
}

static void
make_large(const char *name)
{
	static char paths[NDATA + 1][512];
	struct bundle_document d[NDATA + 1] = {{0}};
	struct signer *two[2] = {rig.khan, rig.lee};
	struct bundle_order o = order_of(d, NDATA + 1, two, 2);
	uint8_t *noise = mem_alloc(BIG);
	uint64_t last = 0;

	for (size_t i = 0; i < BIG; i++)
		noise[i] = (uint8_t)rand();
	memcpy(noise, "RIFF....WAVEfmt ", 16);
	rig_write(&rig, "interview.wav", noise, BIG);
	free(noise);
	for (size_t i = 0; i <= NDATA; i++) {
		snprintf(paths[i], sizeof paths[i], "%s/%s", i < NDATA ? getenv("TOP") : rig.dir,
			 i < NDATA ? "tests/data/" : "interview.wav");
		if (i < NDATA)
			strcat(paths[i], data[i]);
		d[i].path = paths[i];
	}
	o.progress = count_progress;
	o.ctx = &last;
	assert_ok(bundle_write(&o, rig.dir_fd, name, &e), &e);
	assert_true(last > BIG);
}

static void
each_recipient_opens_it(void **state)
{
	struct bundle_file *b;
	struct opened x;
	uint64_t last = 0;
	char path[512];
	size_t n;

	make_large("large.shb");
	b = open_bundle("large.shb");
	assert_ok(judge(b, &n), &e);
	assert_int_equal(n, 2);
	assert_ok(bundle_file_check_payload(b, count_progress, &last, &e), &e);
	assert_int_equal(last, b->manifest->payload_bytes);
	for (size_t i = 0; i < RIG_RECIPIENTS; i++) {
		assert_int_equal(bundle_file_slot(b, rig_mailboxes[i]), i);
		assert_ok(open_as(b, i, i, "in", &x), &e);
		assert_true(x.has_content);
		assert_int_equal(cover_documents(x.cover), NDATA + 1);
		assert_string_equal(cover_document(x.cover, 0)->type, "application/pdf");
		assert_string_equal(cover_document(x.cover, 2)->type, "application/fhir+json");
		for (size_t k = 0; k < NDATA; k++) {
			snprintf(path, sizeof path, "%s/tests/data/%s", getenv("TOP"), data[k]);
			same_file(path, "in", data[k]);
		}
		snprintf(path, sizeof path, "%s/interview.wav", rig.dir);
		same_file(path, "in", "interview.wav");
		cover_free(x.cover);
		remove_into("in");
	}
	assert_int_equal(bundle_file_slot(b, "wmp/ppu"), -1);
	python_agrees("large.shb", "uhcw_paediatrics", x.content);
	bundle_file_close(b);
	assert_int_equal(rig_count(&rig), 2); /* the bundle and interview.wav */
	assert_int_equal(unlinkat(rig.dir_fd, "large.shb", 0), 0);
	assert_int_equal(unlinkat(rig.dir_fd, "interview.wav", 0), 0);
}

static void
signer_is_added(void **state)
{
	struct bundle_file *b;
	struct opened x;
	size_t n;

	make_small("s.shb");
	b = open_bundle("s.shb");
	assert_ok(bundle_file_sign(b, rig.lee, rig.dir_fd, "s.shb", &e), &e);
	assert_ok(judge(b, &n), &e); /* the old one is still held open, and whole */
	assert_int_equal(n, 1);
	bundle_file_close(b);
	b = open_bundle("s.shb");
	assert_ok(judge(b, &n), &e);
	assert_int_equal(n, 2);
	assert_ok(bundle_file_check_payload(b, NULL, NULL, &e), &e);
	assert_ok(open_as(b, 1, 1, "in", &x), &e);
	cover_free(x.cover);
	remove_into("in");
	/* a signer of another agency can be added, but the bundle is then nobody's */
	assert_ok(bundle_file_sign(b, rig.green, rig.dir_fd, "s.shb", &e), &e);
	bundle_file_close(b);
	b = open_bundle("s.shb");
	assert_refused(judge(b, &n), &e, ERR_PROFILE);
	bundle_file_close(b);
	assert_int_equal(rig_count(&rig), 2);
	assert_int_equal(unlinkat(rig.dir_fd, "s.shb", 0), 0);
}

/* What packs well is shorter than foreseen: its payload begins elsewhere and is copied. */
static void
shorter_than_foreseen(void **state)
{
	char path[300];
	struct bundle_document d = {.path = path};
	struct bundle_order o = order_of(&d, 1, &rig.khan, 1);
	uint8_t *zeros = mem_alloc(4 * MIB);
	struct bundle_file *b;
	struct opened x;
	size_t n;

	snprintf(path, sizeof path, "%s/zeros", rig.dir);
	rig_write(&rig, "zeros", zeros, 4 * MIB);
	free(zeros);
	assert_ok(bundle_write(&o, rig.dir_fd, "z.shb", &e), &e);
	b = open_bundle("z.shb");
	assert_true(b->bytes < 100 * KIB);
	assert_ok(judge(b, &n), &e);
	assert_ok(bundle_file_check_payload(b, NULL, NULL, &e), &e);
	assert_ok(open_as(b, 0, 0, "in", &x), &e);
	same_file(path, "in", "zeros");
	cover_free(x.cover);
	bundle_file_close(b);
	remove_into("in");
	assert_int_equal(unlinkat(rig.dir_fd, "z.shb", 0), 0);
	assert_int_equal(unlinkat(rig.dir_fd, "zeros", 0), 0);
}

/* As it comes from a mailbox: no slots; the one that was released stands apart. */
static void
fetched_without_slots(void **state)
{
	struct buf whole, less = {0};
	struct bundle_opening o = {.x25519_secret = rig.secrets[2]};
	struct bundle_head head;
	struct bundle_file *b;
	struct opened x = {0};
	size_t at, n;

	make_small("s.shb");
	whole = rig_read(&rig, "s.shb");
	assert_ok(bundle_head_parse(whole.data, &head, &e), &e);
	at = BUNDLE_FIXED_BYTES + head.manifest_bytes + head.signature_bytes;
	memcpy(o.slot, whole.data + at + 2 * SLOT_BYTES, SLOT_BYTES);
	head.slots_bytes = 0;
	buf_add(&less, whole.data, at);
	buf_add(&less, whole.data + at + 3 * SLOT_BYTES, whole.len - at - 3 * SLOT_BYTES);
	bundle_head_format(&head, less.data);
	rig_write(&rig, "less.shb", less.data, less.len);
	b = open_bundle("less.shb");
	assert_ok(judge(b, &n), &e);
	assert_ok(bundle_file_check_payload(b, NULL, NULL, &e), &e);
	assert_ok(
	    bundle_file_extract(b, &o, rig.dir_fd, "in", &x.cover, x.content, &x.has_content, &e),
	    &e);
	cover_free(x.cover);
	remove_into("in");
	bundle_file_close(b);
	assert_int_equal(unlinkat(rig.dir_fd, "less.shb", 0), 0);
	assert_int_equal(unlinkat(rig.dir_fd, "s.shb", 0), 0);
	buf_free(&whole);
	buf_free(&less);
}

/* --- refused when made --- */

static int
append_once(void *ctx, uint64_t done, uint64_t total)
{
	int *fd = ctx;

	if (done > 0 && *fd >= 0) {
		assert_int_equal(write(*fd, "x", 1), 1);
		close(*fd);
		*fd = -1;
	}
	return 0;
}

static int
stop(void *ctx, uint64_t done, uint64_t total)
{
	return -1;
}

static void
order_is_refused(void **state)
{
	char path[300], fifo[300], absent[300];
	struct bundle_document d[2] = {{.path = path}, {.path = path, .name = "SMALL.txt"}};
	struct signer *nine[SIGNERS_MAX + 1] = {rig.khan, rig.khan, rig.khan, rig.khan, rig.khan,
						rig.khan, rig.khan, rig.khan, rig.khan};
	struct bundle_order good = order_of(d, 1, &rig.khan, 1), o;
	struct identity swapped[RIG_RECIPIENTS];
	char type[200];
	int fd;

	snprintf(path, sizeof path, "%s/small.txt", rig.dir);
	snprintf(fifo, sizeof fifo, "%s/fifo", rig.dir);
	snprintf(absent, sizeof absent, "%s/absent", rig.dir);
	rig_write(&rig, "small.txt", "hello", 5);
	assert_int_equal(mkfifo(fifo, 0600), 0);
#define REFUSED(code) assert_refused(bundle_write(&o, rig.dir_fd, "s.shb", &e), &e, code)
	o = good;
	o.nsigners = 0;
	REFUSED(ERR_USAGE);
	o.signers = nine;
	o.nsigners = SIGNERS_MAX + 1;
	REFUSED(ERR_USAGE);
	o = good;
	o.ndocuments = DOCUMENTS_MAX + 1;
	REFUSED(ERR_LIMIT);
	o = good;
	rig.m->nto = 0;
	REFUSED(ERR_USAGE);
	rig.m->nto = RECIPIENTS_MAX + 1;
	REFUSED(ERR_USAGE);
	rig.m->nto = RIG_RECIPIENTS;
	memcpy(swapped, rig.keys, sizeof swapped);
	swapped[0] = rig.keys[1];
	o.keys = swapped; /* sealed for another than named */
	REFUSED(ERR_PROFILE);
	swapped[0] = *signer_identity(rig.khan);
	REFUSED(ERR_PROFILE);
	swapped[0] = rig.keys[0];
	memset(swapped[0].x25519, 0, KEY_BYTES); /* a point of small order */
	REFUSED(ERR_SECRET);
	o = good;
	d[0].path = absent;
	REFUSED(ERR_SYSTEM);
	d[0].path = fifo;
	REFUSED(ERR_USAGE);
	d[0].path = rig.dir;
	REFUSED(ERR_USAGE);
	d[0].path = path;
	d[0].type = "image/png"; /* which it is not */
	REFUSED(ERR_FORMAT);
	d[0].type = NULL;
	o.ndocuments = 2; /* one file where case is ignored */
	REFUSED(ERR_ARCHIVE);
	o.ndocuments = 1;
	d[0].name = "cover.json";
	d[0].type = "text/plain";
	REFUSED(ERR_ARCHIVE);
	d[0].name = "../x";
	REFUSED(ERR_ARCHIVE);
	d[0].name = NULL;
	d[0].type = "nonsense";
	REFUSED(ERR_FORMAT);
	memset(type, 'x', sizeof type);
	type[sizeof type - 1] = '\0';
	d[0].type = type;
	REFUSED(ERR_LIMIT);
	d[0].type = NULL;
	strcpy(rig.m->klass, "No Class"); /* what a gateway refuses nobody signs */
	REFUSED(ERR_FORMAT);
	strcpy(rig.m->klass, "general");
	o.progress = stop;
	REFUSED(ERR_SYSTEM);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	o.progress = append_once;
	o.ctx = &fd;
	REFUSED(ERR_DIGEST); /* it grew between its digest and its packing */
	assert_int_equal(rig_count(&rig), 2);
	rig_write(&rig, "s.shb", "mine", 4);
	o = good;
	REFUSED(ERR_CONFLICT);
	assert_int_equal(unlinkat(rig.dir_fd, "s.shb", 0), 0);
	assert_int_equal(unlinkat(rig.dir_fd, "fifo", 0), 0);
	assert_int_equal(rig_count(&rig), 1);
}

/* --- refused when read --- */

static int
try_open(const char *name)
{
	struct bundle_file *b = NULL;
	int rc = bundle_file_open(openat(rig.dir_fd, name, O_RDONLY | O_CLOEXEC), &b, &e);

	bundle_file_close(b);
	return rc;
}

static void
head_is_refused(void **state)
{
	struct buf whole;
	struct bundle_head head;
	size_t at;

	make_small("s.shb");
	whole = rig_read(&rig, "s.shb");
	assert_ok(bundle_head_parse(whole.data, &head, &e), &e);
#define TRY(n, code)                                                                               \
	rig_write(&rig, "t.shb", whole.data, n);                                                   \
	assert_refused(try_open("t.shb"), &e, code)
	TRY(0, ERR_FORMAT);
	TRY(BUNDLE_FIXED_BYTES - 1, ERR_FORMAT);
	TRY(BUNDLE_FIXED_BYTES, ERR_DIGEST);
	TRY(whole.len - 1, ERR_DIGEST);
	buf_addc(&whole, 'x');
	TRY(whole.len, ERR_DIGEST);
	whole.len--;
	whole.data[0] = 'X';
	TRY(whole.len, ERR_FORMAT);
	whole.data[0] = 'S';
	at = BUNDLE_FIXED_BYTES + head.manifest_bytes + head.signature_bytes;
	whole.data[at] ^= 1; /* a slot */
	TRY(whole.len, ERR_DIGEST);
	whole.data[at] ^= 1;
	head.slots_bytes -= SLOT_BYTES; /* one slot fewer, the payload longer */
	head.payload_bytes += SLOT_BYTES;
	bundle_head_format(&head, whole.data);
	TRY(whole.len, ERR_DIGEST);
	head.slots_bytes += 2 * SLOT_BYTES;
	head.payload_bytes -= 2 * SLOT_BYTES;
	bundle_head_format(&head, whole.data);
	TRY(whole.len, ERR_DIGEST);
	head.slots_bytes -= SLOT_BYTES; /* one more slot before the same payload */
	head.payload_bytes += SLOT_BYTES;
	bundle_head_format(&head, whole.data);
	buf_reserve(&whole, SLOT_BYTES);
	buf_add(&whole, whole.data, SLOT_BYTES);
	memmove(whole.data + at + SLOT_BYTES, whole.data + at, whole.len - at - SLOT_BYTES);
	head.slots_bytes += SLOT_BYTES;
	bundle_head_format(&head, whole.data);
	TRY(whole.len, ERR_FORMAT);
	assert_refused(try_open("."), &e, ERR_FORMAT);
	assert_int_equal(unlinkat(rig.dir_fd, "t.shb", 0), 0);
	assert_int_equal(unlinkat(rig.dir_fd, "s.shb", 0), 0);
	buf_free(&whole);
}

/* A bundle that its forger signed anew: what b holds, with other parts. */
struct forged {
	struct manifest *m;
	struct buf slots, payload;
	struct signer *signer;
};

static struct forged
forge_of(const char *name)
{
	struct bundle_file *b = open_bundle(name);
	struct buf whole = rig_read(&rig, name);
	struct forged f = {.signer = rig.khan};
	size_t head = bundle_head_bytes(&b->head);

	assert_ok(manifest_parse(b->manifest_text.data, b->manifest_text.len, &f.m, &e), &e);
	buf_add(&f.slots, b->slots.data, b->slots.len);
	buf_add(&f.payload, whole.data + head, whole.len - head);
	bundle_file_close(b);
	buf_free(&whole);
	return f;
}

static void
forge(struct forged *f, const char *name)
{
	struct buf text = {0}, der = {0}, out = {0};
	struct bundle_head head = {0};

	digest_of(f->slots.data, f->slots.len, f->m->slots_sha256);
	digest_of(f->payload.data, f->payload.len, f->m->payload_sha256);
	f->m->payload_bytes = f->payload.len;
	assert_ok(manifest_format(f->m, &text, &e), &e);
	assert_ok(signature_sign(text.data, text.len, &f->signer, 1, &der, &e), &e);
	head = (struct bundle_head){(uint32_t)text.len, (uint32_t)der.len, (uint32_t)f->slots.len,
				    f->payload.len};
	buf_reserve(&out, BUNDLE_FIXED_BYTES);
	bundle_head_format(&head, out.data);
	out.len = BUNDLE_FIXED_BYTES;
	buf_add(&out, text.data, text.len);
	buf_add(&out, der.data, der.len);
	buf_add(&out, f->slots.data, f->slots.len);
	buf_add(&out, f->payload.data, f->payload.len);
	rig_write(&rig, name, out.data, out.len);
	buf_free(&text);
	buf_free(&der);
	buf_free(&out);
}

static void
forged_free(struct forged *f)
{
	manifest_free(f->m);
	buf_free(&f->slots);
	buf_free(&f->payload);
}

/* It passes every check of a gateway, and is refused when opened; nothing is left behind. */
static void
refused_inside(struct forged *f, enum err_code want, bool has_content)
{
	struct bundle_file *b;
	struct opened x;
	size_t n;
	int before;

	forge(f, "f.shb");
	before = rig_count(&rig);
	b = open_bundle("f.shb");
	assert_ok(judge(b, &n), &e);
	assert_ok(bundle_file_check_payload(b, NULL, NULL, &e), &e);
	assert_refused(open_as(b, 0, 0, "in", &x), &e, want);
	assert_int_equal(x.has_content, has_content);
	assert_null(x.cover);
	assert_int_equal(rig_count(&rig), before);
	bundle_file_close(b);
	assert_int_equal(unlinkat(rig.dir_fd, "f.shb", 0), 0);
}

static void
ciphertext_signed_anew_is_refused(void **state)
{
	struct forged f;

	make_large("l.shb");
#define FORGED(change, code, content)                                                              \
	f = forge_of("l.shb");                                                                     \
	change;                                                                                    \
	refused_inside(&f, code, content);                                                         \
	forged_free(&f)
	FORGED(uuid_new(f.m->id, time_now_ms()), ERR_DIGEST, true);
	FORGED((strcpy(f.m->from, "wmp/ppu"), f.signer = rig.green), ERR_DIGEST, true);
	FORGED(strcpy(f.m->to[1].mailbox, "schools/st-j.head");
	       strcpy(f.m->to[2].covers, "schools/st-j.head"), ERR_DIGEST, true);
	FORGED((f.m->nto--, f.slots.len -= SLOT_BYTES), ERR_DIGEST, true);
	FORGED(f.slots.data[5] ^= 1, ERR_SECRET, false);
	FORGED(memcpy(f.slots.data, f.slots.data + SLOT_BYTES, SLOT_BYTES), ERR_SECRET, false);
	FORGED(f.m->key_commitment[0] ^= 1, ERR_SECRET, false);
	FORGED(f.payload.data[0] ^= 1, ERR_SECRET, false);
	FORGED(f.payload.data[f.payload.len - 1] ^= 1, ERR_SECRET, false);
	FORGED(f.payload.len--, ERR_SECRET, false);
	FORGED(f.payload.len =
		   STREAM_HEADER_BYTES + 3 * (CHUNK_BYTES + CHUNK_OVERHEAD), /* at a border */
	       ERR_DIGEST, false);
	FORGED(f.payload.len = STREAM_HEADER_BYTES, ERR_DIGEST, false);
	FORGED(f.payload.len = 7, ERR_DIGEST, false);
	FORGED(buf_addc(&f.payload, 0), ERR_SECRET, false);
	assert_int_equal(unlinkat(rig.dir_fd, "l.shb", 0), 0);
	assert_int_equal(unlinkat(rig.dir_fd, "interview.wav", 0), 0);
}

/* Bytes of a chunk's size behind the last: the stream says itself that it has ended. */
static void
bytes_behind_the_last_chunk(void **state)
{
	struct forged f;

	make_small("s.shb");
	f = forge_of("s.shb");
	while (f.payload.len < 2 * (CHUNK_BYTES + CHUNK_OVERHEAD))
		buf_addc(&f.payload, 0);
	refused_inside(&f, ERR_SECRET, false);
	forged_free(&f);
	assert_int_equal(unlinkat(rig.dir_fd, "s.shb", 0), 0);
}

/* --- a sender who packs what his cover sheet does not say --- */

static int
to_buf(void *ctx, const void *p, size_t n, struct err *err)
{
	buf_add(ctx, p, n);
	return 0;
}

static int
to_seal(void *ctx, const void *p, size_t n, struct err *err)
{
	return seal_add(ctx, p, n, err);
}

struct entry {
	const char *name, *text;
};

static void
seal_entries(struct forged *f, const struct buf *cover, const struct entry *entries, size_t n)
{
	struct seal *s;
	struct pack *p;
	uint8_t slot[SLOT_BYTES];

	assert_ok(seal_begin(to_buf, &f->payload, &s, &e), &e);
	for (size_t i = 0; i < RIG_RECIPIENTS; i++) {
		assert_ok(seal_slot(s, rig.keys[i].x25519, slot, &e), &e);
		buf_add(&f->slots, slot, sizeof slot);
	}
	seal_commitment(s, f->m->key_commitment);
	assert_ok(pack_begin(to_seal, s, &p, &e), &e);
	assert_ok(pack_entry(p, "cover.json", cover->len, &e), &e);
	assert_ok(pack_data(p, cover->data, cover->len, &e), &e);
	for (size_t i = 0; i < n; i++) {
		assert_ok(pack_entry(p, entries[i].name, strlen(entries[i].text), &e), &e);
		assert_ok(pack_data(p, entries[i].text, strlen(entries[i].text), &e), &e);
	}
	assert_ok(pack_end(p, &e), &e);
	pack_free(p);
	assert_ok(seal_end(s, &e), &e);
	seal_free(s);
}

static void
cover_sheet_and_documents_must_agree(void **state)
{
	static const struct entry good[] = {{"a.txt", "alpha"}, {"b.txt", "beta"}},
				  other[] = {{"a.txt", "alphA"}, {"b.txt", "beta"}},
				  longer[] = {{"a.txt", "alpha!"}, {"b.txt", "beta"}},
				  more[] = {{"a.txt", "alpha"}, {"b.txt", "beta"}, {"c.txt", "c"}},
				  renamed[] = {{"a.txt", "alpha"}, {"B.txt", "beta"}};
	static const struct {
		const struct entry *entries;
		size_t n;
		const char *cut; /* of the cover sheet's text: "x" becomes "y" */
		enum err_code want;
	} rows[] = {
	    {good, 2, NULL, ERR_OK},
	    {other, 2, NULL, ERR_DIGEST},
	    {longer, 2, NULL, ERR_DIGEST},
	    {more, 3, NULL, ERR_ARCHIVE},
	    {renamed, 2, NULL, ERR_ARCHIVE},
	    {good, 1, NULL, ERR_ARCHIVE}, /* one is missing */
	    {good, 2, "safehand_cover", ERR_FORMAT},
	};
	struct cover_document docs[2] = {{.name = "a.txt", .type = "text/plain", .size = 5},
					 {.name = "b.txt", .type = "text/plain", .size = 4}};
	struct bundle_file *b;
	struct opened x;

	digest_of("alpha", 5, docs[0].sha256);
	digest_of("beta", 4, docs[1].sha256);
	make_small("s.shb");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct forged f = forge_of("s.shb");
		struct buf cover = {0};

		buf_clear(&f.slots);
		buf_clear(&f.payload);
		assert_ok(cover_complete(rig.draft, f.m, docs, 2, &cover, &e), &e);
		if (rows[i].cut != NULL)
			*strstr(buf_str(&cover), rows[i].cut) = 'x';
		seal_entries(&f, &cover, rows[i].entries, rows[i].n);
		if (rows[i].want != ERR_OK) {
			refused_inside(&f, rows[i].want, true);
		} else {
			forge(&f, "f.shb");
			b = open_bundle("f.shb");
			assert_ok(open_as(b, 0, 0, "in", &x), &e);
			cover_free(x.cover);
			bundle_file_close(b);
			remove_into("in");
		}
		forged_free(&f);
		buf_free(&cover);
	}
	assert_int_equal(unlinkat(rig.dir_fd, "s.shb", 0), 0);
}

static void
opening_is_refused(void **state)
{
	struct bundle_opening o = {.x25519_secret = rig.secrets[0], .max_bytes = 3};
	struct bundle_file *b;
	struct opened x;

	make_small("s.shb");
	b = open_bundle("s.shb");
	assert_refused(open_as(b, 1, 0, "in", &x), &e, ERR_SECRET); /* another's slot */
	assert_refused(open_as(b, 0, 0, "../in", &x), &e, ERR_USAGE);
	assert_int_equal(mkdirat(rig.dir_fd, "in", 0700), 0);
	assert_refused(open_as(b, 0, 0, "in", &x), &e, ERR_CONFLICT);
	assert_int_equal(unlinkat(rig.dir_fd, "in", AT_REMOVEDIR), 0);
	memcpy(o.slot, b->slots.data, SLOT_BYTES);
	assert_refused(
	    bundle_file_extract(b, &o, rig.dir_fd, "in", &x.cover, x.content, &x.has_content, &e),
	    &e, ERR_ARCHIVE); /* more than was asked for */
	assert_true(x.has_content);
	o.max_bytes = 0;
	o.progress = stop;
	assert_refused(
	    bundle_file_extract(b, &o, rig.dir_fd, "in", &x.cover, x.content, &x.has_content, &e),
	    &e, ERR_SYSTEM);
	assert_false(x.has_content);
	assert_refused(bundle_file_check_payload(b, stop, NULL, &e), &e, ERR_SYSTEM);
	/* what a try left that was cut off is in nobody's way */
	assert_int_equal(mkdirat(rig.dir_fd, ".in.part", 0700), 0);
	rig_write(&rig, ".in.part/note.txt", "he", 2);
	assert_ok(open_as(b, 0, 0, "in", &x), &e);
	cover_free(x.cover);
	bundle_file_close(b);
	remove_into("in");
	assert_int_equal(rig_count(&rig), 2);
	assert_int_equal(unlinkat(rig.dir_fd, "s.shb", 0), 0);
}

/* --- any byte --- */

static bool
is_whole(void)
{
	struct bundle_file *b = NULL;
	struct opened x = {0};
	size_t n;
	bool ok;

	if (bundle_file_open(openat(rig.dir_fd, "t.shb", O_RDONLY | O_CLOEXEC), &b, &e) < 0)
		return false;
	ok = judge(b, &n) == 0 && bundle_file_check_payload(b, NULL, NULL, &e) == 0 &&
	     open_as(b, 0, 0, "in", &x) == 0;
	if (ok)
		remove_into("in");
	cover_free(x.cover);
	bundle_file_close(b);
	return ok;
}

static void
any_flipped_byte_is_refused(void **state)
{
	struct buf whole;
	size_t passed = 0;
	int fd;

	make_small("s.shb");
	whole = rig_read(&rig, "s.shb");
	rig_write(&rig, "t.shb", whole.data, whole.len);
	assert_true(is_whole());
	fd = openat(rig.dir_fd, "t.shb", O_WRONLY | O_CLOEXEC);
	for (size_t i = 0; i < whole.len; i++) {
		uint8_t flipped = whole.data[i] ^ (uint8_t)(1u << i % 8);

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)i), 1);
		if (is_whole()) {
			print_error("byte %zu of %zu: not noticed\n", i, whole.len);
			passed++;
		}
		assert_int_equal(pwrite(fd, &whole.data[i], 1, (off_t)i), 1);
	}
	close(fd);
	assert_int_equal(passed, 0);
	assert_true(is_whole());
	assert_int_equal(unlinkat(rig.dir_fd, "t.shb", 0), 0);
	assert_int_equal(unlinkat(rig.dir_fd, "s.shb", 0), 0);
	buf_free(&whole);
}

static int
set_up(void **state)
{
	rig_new(&rig);
	return 0;
}

static int
tear_down(void **state)
{
	rig_free(&rig);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_recipient_opens_it),
	    cmocka_unit_test(signer_is_added),
	    cmocka_unit_test(shorter_than_foreseen),
	    cmocka_unit_test(fetched_without_slots),
	    cmocka_unit_test(order_is_refused),
	    cmocka_unit_test(head_is_refused),
	    cmocka_unit_test(ciphertext_signed_anew_is_refused),
	    cmocka_unit_test(bytes_behind_the_last_chunk),
	    cmocka_unit_test(cover_sheet_and_documents_must_agree),
	    cmocka_unit_test(opening_is_refused),
	    cmocka_unit_test(any_flipped_byte_is_refused),
	};

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return 1;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
