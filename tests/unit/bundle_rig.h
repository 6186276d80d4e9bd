/* bundle_rig.h - what the tests of whole bundles share: signers and recipients of the test PKI, a
 * folder for the files. */
#ifndef TESTS_BUNDLE_RIG_H
#define TESTS_BUNDLE_RIG_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "pki_rig.h"

#include "safehand/bundle_file.h"
#include "safehand/time.h"

#define RIG_RECIPIENTS 3

struct rig {
	char dir[256];
	int dir_fd;
	struct trust *trust;
	struct signer *khan, *lee, *green; /* csc, csc, wmp */
	struct manifest *m;
	struct identity keys[RIG_RECIPIENTS];
	uint8_t secrets[RIG_RECIPIENTS][KEY_BYTES];
	struct cover *draft;
};

static const char *const rig_mailboxes[RIG_RECIPIENTS] = {"uhcw/paediatrics", "schools/st-j.dsl",
							  "csc/duty"};

static inline void
rig_recipient(struct rig *r, size_t i)
{
	char path[256], file[NAME_MAILBOX];
	struct buf pem, key, der = {0};
	struct err e;

	snprintf(file, sizeof file, "%s", rig_mailboxes[i]);
	*strchr(file, '/') = '_';
	snprintf(path, sizeof path, "certs/agency-seal/%s.pem", file);
	pem = pki_file(path);
	snprintf(path, sizeof path, "certs/agency-seal/%s.key", file);
	key = pki_file(path);
	assert_ok(identity_pem_to_der(pem.data, pem.len, &der, &e), &e);
	assert_ok(identity_parse(der.data, der.len, &r->keys[i], &e), &e);
	assert_ok(identity_x25519_secret(key.data, key.len, r->secrets[i], &e), &e);
	buf_free(&pem);
	buf_wipe(&key);
	buf_free(&der);
}

/* From csc/mash to the three, the last as cover of the second. A new id each time. */
static inline void
rig_manifest(struct rig *r)
{
	struct manifest *m = r->m;

	uuid_new(m->id, time_now_ms());
	m->created_ms = time_now_ms() / 1000 * 1000;
	m->event_at_ms = MANIFEST_NO_TIME;
	strcpy(m->from, "csc/mash");
	strcpy(m->klass, "strategy-minutes");
	m->nto = RIG_RECIPIENTS;
	for (size_t i = 0; i < RIG_RECIPIENTS; i++)
		strcpy(m->to[i].mailbox, rig_mailboxes[i]);
	m->to[2].cover = true;
	strcpy(m->to[2].covers, rig_mailboxes[1]);
}

static inline void
rig_new(struct rig *r)
{
	struct buf root = pki_file("trust/root.pem"), crl = pki_file("trust/crl.pem"),
		   issuing = pki_file("trust/issuing.pem");
	struct err e;

	memset(r, 0, sizeof *r);
	snprintf(r->dir, sizeof r->dir, "%s/bundles.XXXXXX", getenv("BUILD"));
	assert_non_null(mkdtemp(r->dir));
	r->dir_fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(trust_new(&root, &issuing, &crl, &r->trust, &e), &e);
	buf_free(&root);
	buf_free(&crl);
	buf_free(&issuing);
	r->khan = pki_signer("certs/person-sign/csc_a.khan");
	r->lee = pki_signer("certs/person-sign/csc_r.lee");
	r->green = pki_signer("certs/person-sign/wmp_d.green");
	for (size_t i = 0; i < RIG_RECIPIENTS; i++)
		rig_recipient(r, i);
	r->m = mem_alloc(sizeof *r->m);
	r->m->to = mem_alloc(RIG_RECIPIENTS * sizeof *r->m->to);
	rig_manifest(r);
	r->draft = cover_new();
}

static inline void
rig_free(struct rig *r)
{
	char cmd[300];

	trust_free(r->trust);
	signer_free(r->khan);
	signer_free(r->lee);
	signer_free(r->green);
	manifest_free(r->m);
	cover_free(r->draft);
	close(r->dir_fd);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", r->dir);
	assert_int_equal(system(cmd), 0);
}

static inline struct buf
rig_read(const struct rig *r, const char *name)
{
	int fd = openat(r->dir_fd, name, O_RDONLY | O_CLOEXEC);
	struct buf b = {0};
	uint8_t block[65536];
	ssize_t n;

	if (fd < 0)
		fail_msg("%s: no such file", name);
	while ((n = read(fd, block, sizeof block)) > 0)
		buf_add(&b, block, (size_t)n);
	close(fd);
	return b;
}

static inline void
rig_write(const struct rig *r, const char *name, const void *p, size_t n)
{
	int fd = openat(r->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

/* Files and folders in the rig's folder, hidden ones too. */
static inline int
rig_count(const struct rig *r)
{
	DIR *d = opendir(r->dir);
	int n = -2; /* "." and ".." */

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

#endif
