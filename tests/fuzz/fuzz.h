/* fuzz.h - what the fuzzers share: whom they trust and when they judge, a check that says what it
 * wanted. Runs in: tests. FUZZ_DATA is the folder data/ beside: public certificates of the PKI that
 * the corpora were made with, whose keys are gone. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/buf.h"
#include "safehand/identity.h"

#define FUZZ_NOW_MS 1795651200000 /* 2026-11-26T00:00:00Z: when what is in data/ holds */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static inline void
fuzz_read(const char *name, struct buf *out)
{
	char path[4096];
	FILE *f;
	int c;

	snprintf(path, sizeof path, "%s/%s", FUZZ_DATA, name);
	if ((f = fopen(path, "r")) == NULL) {
		perror(path);
		exit(2);
	}
	while ((c = getc(f)) != EOF)
		buf_addc(out, (char)c);
	fclose(f);
}

/* With these revocation lists. */
static inline int
fuzz_trust_with(const struct buf *crl, struct trust **out, struct err *e)
{
	static struct buf root, issuing;

	if (root.len == 0) {
		fuzz_read("root.pem", &root);
		fuzz_read("issuing.pem", &issuing);
	}
	return trust_new(&root, &issuing, crl, out, e);
}

/* Made anew each time: what one input left in it must not matter to the next. */
static inline struct trust *
fuzz_trust(void)
{
	static struct buf crl;
	struct trust *t;
	struct err e;

	if (crl.len == 0)
		fuzz_read("crl.pem", &crl);
	if (fuzz_trust_with(&crl, &t, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		exit(2);
	}
	return t;
}

/* A refusal has a code and a sentence; *e was not touched by a success. */
static inline void
fuzz_refused(const struct err *e)
{
	assert(e->code > ERR_OK && e->code < ERR_CODES);
	assert(e->text[0] != '\0' && memchr(e->text, '\0', sizeof e->text) != NULL);
}

#endif
