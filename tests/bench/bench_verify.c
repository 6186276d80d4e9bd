/* bench_verify.c - how many signatures and statements one core verifies a second. JSON lines. Runs
 * in: make bench. PKI: what tests/mkpki.sh made. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/signature.h"
#include "safehand/time.h"

#define ROUNDS 2000

static struct buf
file(const char *name)
{
	struct buf b = {0};
	char path[512];
	FILE *f;
	int c;

	snprintf(path, sizeof path, "%s/%s", getenv("PKI"), name);
	f = fopen(path, "r");
	if (f == NULL) {
		perror(path);
		exit(1);
	}
	while ((c = getc(f)) != EOF)
		buf_addc(&b, (char)c);
	fclose(f);
	return b;
}

static void
must(int rc, const struct err *e)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench_verify: %s\n", e->text);
	exit(1);
}

int
main(void)
{
	struct buf root = file("trust/root.pem"), issuing = file("trust/issuing.pem"),
		   crl = file("trust/crl.pem"), key = file("certs/agency-sign/uhcw.key"),
		   cert = file("certs/agency-sign/uhcw.pem"), der = {0};
	struct identity ids[SIGNERS_MAX];
	struct trust *trust;
	struct signer *s;
	struct err e;
	char content[1200];
	int64_t began;
	size_t n;

	memset(content, 'x', sizeof content);
	must(trust_new(&root, &issuing, &crl, &trust, &e), &e);
	must(signer_new(key.data, key.len, cert.data, cert.len, &s, &e), &e);
	must(signature_sign(content, sizeof content, &s, 1, &der, &e), &e);
	began = time_mono_ms();
	for (int i = 0; i < ROUNDS; i++)
		must(signature_verify(content, sizeof content, der.data, der.len, trust,
				      PROFILE_BIT(PROFILE_AGENCY_SIGN), time_now_ms(), TRUST_LIVE,
				      ids, &n, &e),
		     &e);
	printf("{\"bench\":\"verify\",\"signatures\":%d,\"per_s\":%.0f}\n", ROUNDS,
	       ROUNDS * 1000.0 / (double)(time_mono_ms() - began));
	trust_free(trust);
	signer_free(s);
	buf_free(&root);
	buf_free(&issuing);
	buf_free(&crl);
	buf_wipe(&key);
	buf_free(&cert);
	buf_free(&der);
	return 0;
}
