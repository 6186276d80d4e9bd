/* make.c - bundles and statements made before the measured phase, with the library that the client
 * uses. Runs in: make bench. Owns: signers, one for each agency. */
#include "make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/bundle.h"
#include "safehand/digest.h"
#include "safehand/manifest.h"
#include "safehand/seal.h"
#include "safehand/signature.h"
#include "safehand/statement.h"
#include "safehand/time.h"

#define TO_MAX 8

static struct err e;

static void
must(int rc, const char *what)
{
	if (rc < 0)
		fail(what, e.text);
}

static struct buf
pki_read(const char *pki, const char *name)
{
	struct buf b = {0};
	char path[512];
	FILE *f;
	int c;

	snprintf(path, sizeof path, "%s/%s", pki, name);
	f = fopen(path, "r");
	if (f == NULL)
		fail(path, "cannot be read");
	while ((c = getc(f)) != EOF)
		buf_addc(&b, (char)c);
	fclose(f);
	return b;
}

static struct signer *
signer_of(const char *pki, const char *mailbox)
{
	static struct {
		char agency[NAME_AGENCY];
		struct signer *signer;
	} kept[TO_MAX];
	char agency[NAME_AGENCY], name[128];
	struct buf key, cert;
	size_t i = 0;

	name_agency(agency, mailbox);
	while (i < TO_MAX && kept[i].signer != NULL && strcmp(kept[i].agency, agency) != 0)
		i++;
	if (i == TO_MAX)
		fail(agency, "one agency too many");
	if (kept[i].signer != NULL)
		return kept[i].signer;
	snprintf(name, sizeof name, "certs/agency-sign/%s.key", agency);
	key = pki_read(pki, name);
	snprintf(name, sizeof name, "certs/agency-sign/%s.pem", agency);
	cert = pki_read(pki, name);
	must(signer_new(key.data, key.len, cert.data, cert.len, &kept[i].signer, &e), "signer");
	strcpy(kept[i].agency, agency);
	buf_wipe(&key);
	buf_free(&cert);
	return kept[i].signer;
}

/* --- bundles --- */

static int
to_payload(void *ctx, const void *p, size_t n, struct err *why)
{
	buf_add(ctx, p, n);
	return 0;
}

/* Seals the slot for one mailbox and names its key. */
static void
add_recipient(const struct seal *seal, const char *pki, struct recipient *r, struct buf *slots)
{
	char name[128];
	struct buf pem, der = {0};
	struct identity id;
	uint8_t slot[SLOT_BYTES];

	snprintf(name, sizeof name, "certs/agency-seal/%s.pem", r->mailbox);
	name[strlen("certs/agency-seal/") + strcspn(r->mailbox, "/")] = '_';
	pem = pki_read(pki, name);
	must(identity_pem_to_der(pem.data, pem.len, &der, &e), name);
	must(identity_parse(der.data, der.len, &id, &e), name);
	must(seal_slot(seal, id.x25519, slot, &e), name);
	memcpy(r->key, id.cert, DIGEST_BYTES);
	buf_add(slots, slot, sizeof slot);
	buf_free(&pem);
	buf_free(&der);
}

static void
make_payload(const char *pki, struct manifest *m, size_t bytes, struct buf *payload,
	     struct buf *slots)
{
	uint8_t *noise = mem_alloc(bytes);
	struct seal *seal;

	arc4random_buf(noise, bytes);
	must(seal_begin(to_payload, payload, &seal, &e), "seal");
	must(seal_add(seal, noise, bytes, &e), "seal");
	must(seal_end(seal, &e), "seal");
	for (size_t i = 0; i < m->nto; i++)
		add_recipient(seal, pki, &m->to[i], slots);
	seal_commitment(seal, m->key_commitment);
	seal_free(seal);
	free(noise);
	digest_of(payload->data, payload->len, m->payload_sha256);
	digest_of(slots->data, slots->len, m->slots_sha256);
	m->payload_bytes = payload->len;
}

static void
make_one(const char *pki, struct manifest *m, const struct buf *slots, const struct buf *payload,
	 struct made *out)
{
	struct signer *signer = signer_of(pki, m->from);
	struct buf text = {0}, der = {0}, *bytes = &out->accept.request[0].bytes;
	uint8_t fixed[BUNDLE_FIXED_BYTES];
	struct bundle_head head;

	uuid_new(m->id, time_now_ms());
	must(manifest_format(m, &text, &e), "manifest");
	must(signature_sign(text.data, text.len, &signer, 1, &der, &e), "signature");
	head = (struct bundle_head){(uint32_t)text.len, (uint32_t)der.len, (uint32_t)slots->len,
				    payload->len};
	bundle_head_format(&head, fixed);
	buf_addf(bytes,
		 "PUT /v1/bundles/%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n",
		 m->id, bundle_head_bytes(&head) + payload->len);
	buf_add(bytes, fixed, sizeof fixed);
	buf_add(bytes, text.data, text.len);
	buf_add(bytes, der.data, der.len);
	buf_add(bytes, slots->data, slots->len);
	out->accept.request[0].rest = payload;
	out->accept.request[0].status = 201;
	out->accept.request[0].has = "\"timestamp\""; /* entry, proof and token are there */
	out->accept.n = 1;
	strcpy(out->id, m->id);
	digest_of(text.data, text.len, out->manifest_sha256);
	buf_free(&text);
	buf_free(&der);
}

void
make_bundles(struct set *set, const char *pki, const char *from, const char *to, size_t bytes,
	     size_t n)
{
	struct recipient recipients[TO_MAX] = {0};
	struct manifest m = {.klass = "general", .to = recipients, .event_at_ms = MANIFEST_NO_TIME};
	struct buf slots = {0};
	char list[512], *rest = list, *word;

	snprintf(m.from, sizeof m.from, "%s", from);
	snprintf(list, sizeof list, "%s", to);
	while (m.nto < TO_MAX && (word = strsep(&rest, ",")) != NULL)
		snprintf(recipients[m.nto++].mailbox, NAME_MAILBOX, "%s", word);
	m.created_ms = time_now_ms() / 1000 * 1000;
	make_payload(pki, &m, bytes, &set->payload, &slots);
	set->made = mem_alloc(n * sizeof *set->made);
	for (set->n = 0; set->n < n; set->n++)
		make_one(pki, &m, &slots, &set->payload, &set->made[set->n]);
	buf_free(&slots);
}

void
set_free(struct set *set)
{
	for (size_t i = 0; i < set->n; i++)
		buf_free(&set->made[i].accept.request[0].bytes);
	free(set->made);
	buf_free(&set->payload);
	*set = (struct set){0};
}

/* --- what is asked --- */

void
make_get(struct job *job, const char *path)
{
	*job = (struct job){.n = 1};
	buf_addf(&job->request[0].bytes, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	job->request[0].status = 200;
}

void
make_collect(struct job *job, const char *pki, const char *mailbox, const struct made *m)
{
	struct signer *signer = signer_of(pki, mailbox);
	struct statement s = {.kind = STATEMENT_COLLECTED, .code = "ok"};
	struct buf text = {0}, der = {0}, framed = {0};
	char path[256];

	snprintf(path, sizeof path, "/v1/mailboxes/%s/bundles/%s", mailbox, m->id);
	make_get(job, path);
	strcpy(s.bundle, m->id);
	snprintf(s.mailbox, sizeof s.mailbox, "%s", mailbox);
	memcpy(s.manifest_sha256, m->manifest_sha256, DIGEST_BYTES);
	s.at_ms = time_now_ms() / 1000 * 1000;
	strcpy(s.by, signer_identity(signer)->by);
	statement_format(&s, &text);
	must(signature_sign(text.data, text.len, &signer, 1, &der, &e), "signature");
	signed_format(text.data, text.len, der.data, der.len, &framed);
	buf_addf(&job->request[1].bytes,
		 "POST %s/statements HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n",
		 path, framed.len);
	buf_add(&job->request[1].bytes, framed.data, framed.len);
	job->request[1].status = 201;
	job->request[1].has = "\"slot\"";
	job->n = 2;
	buf_free(&text);
	buf_free(&der);
	buf_free(&framed);
}
