/* checkpoint.c - checkpoints and proofs as text. Runs in: notary, store, client. Pure. Trusts: no
 * byte that it parses. */
#include <stdio.h>
#include <string.h>

#include "safehand/enc.h"
#include "safehand/note.h"

#define PROOF_HEADER "c2sp.org/tlog-proof@v1"

/* Takes one line off text: its bytes without the newline. -1 if there is no whole line. */
static int
next_line(const char **text, size_t *len, const char **line, size_t *n)
{
	const char *newline = memchr(*text, '\n', *len);

	if (newline == NULL)
		return -1;
	*line = *text;
	*n = (size_t)(newline - *text);
	*len -= *n + 1;
	*text = newline + 1;
	return 0;
}

/* Decimal without sign or leading zeroes. */
static int
parse_decimal(const char *s, size_t n, uint64_t *out)
{
	*out = 0;
	if (n == 0 || n > 19 || (n > 1 && s[0] == '0'))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		*out = *out * 10 + (uint64_t)(s[i] - '0');
	}
	return *out <= INT64_MAX ? 0 : -1;
}

static int
parse_hash(const char *s, size_t n, uint8_t out[static DIGEST_BYTES])
{
	struct buf raw = {0};
	int rc = base64_decode(&raw, s, n, DIGEST_BYTES);

	if (rc == 0 && raw.len == DIGEST_BYTES)
		memcpy(out, raw.data, DIGEST_BYTES);
	else
		rc = -1;
	buf_free(&raw);
	return rc;
}

void
checkpoint_format(const struct checkpoint *c, struct buf *text)
{
	buf_addf(text, "%s\n%llu\n", c->origin, (unsigned long long)c->size);
	buf_base64(text, c->root, DIGEST_BYTES);
	buf_addc(text, '\n');
}

int
checkpoint_parse(const void *bytes, size_t len, struct checkpoint *out, struct err *e)
{
	const char *text = bytes, *line;
	size_t n;

	*out = (struct checkpoint){0};
	if (next_line(&text, &len, &line, &n) < 0 || n == 0 || n >= sizeof out->origin ||
	    !utf8_is_clean(line, n))
		return err_set(e, ERR_FORMAT, "checkpoint: origin");
	memcpy(out->origin, line, n);
	if (next_line(&text, &len, &line, &n) < 0 || parse_decimal(line, n, &out->size) < 0)
		return err_set(e, ERR_FORMAT, "checkpoint: size");
	if (next_line(&text, &len, &line, &n) < 0 || parse_hash(line, n, out->root) < 0)
		return err_set(e, ERR_FORMAT, "checkpoint: root");
	while (len > 0)
		if (next_line(&text, &len, &line, &n) < 0 || n == 0)
			return err_set(e, ERR_FORMAT, "checkpoint: extension line");
	return 0;
}

int
checkpoint_verify(const void *note, size_t len, const struct note_key *key, struct checkpoint *out,
		  struct err *e)
{
	size_t text_len;

	if (note_verify(note, len, key, &text_len, e) < 0 ||
	    checkpoint_parse(note, text_len, out, e) < 0)
		return -1;
	if (strcmp(out->origin, key->name) != 0)
		return err_set(e, ERR_SIGNATURE, "checkpoint: of %s, signed by %s", out->origin,
			       key->name);
	return 0;
}

/* Hashes up to the empty line, then the checkpoint, which is the rest. */
static int
take_hashes(const char *text, size_t len, struct merkle_proof *proof, const char **note,
	    size_t *note_len, struct err *e)
{
	const char *line;
	size_t n;

	proof->n = 0;
	for (;;) {
		if (next_line(&text, &len, &line, &n) < 0)
			return err_set(e, ERR_FORMAT, "proof: no checkpoint");
		if (n == 0)
			break;
		if (proof->n == PROOF_HASHES_MAX ||
		    parse_hash(line, n, proof->hashes[proof->n++]) < 0)
			return err_set(e, ERR_FORMAT, "proof: hash %zu", proof->n);
	}
	if (len == 0)
		return err_set(e, ERR_FORMAT, "proof: no checkpoint");
	*note = text;
	*note_len = len;
	return 0;
}

static void
put_hashes(const struct merkle_proof *proof, const void *note, size_t note_len, struct buf *text)
{
	for (size_t i = 0; i < proof->n; i++) {
		buf_base64(text, proof->hashes[i], DIGEST_BYTES);
		buf_addc(text, '\n');
	}
	buf_addc(text, '\n');
	buf_add(text, note, note_len);
}

void
tlog_proof_format(uint64_t index, const struct merkle_proof *proof, const void *note,
		  size_t note_len, struct buf *text)
{
	buf_addf(text, PROOF_HEADER "\nindex %llu\n", (unsigned long long)index);
	put_hashes(proof, note, note_len, text);
}

int
tlog_proof_parse(const void *bytes, size_t len, uint64_t *index, struct merkle_proof *proof,
		 const char **note, size_t *note_len, struct err *e)
{
	const char *text = bytes, *line;
	size_t n;

	if (next_line(&text, &len, &line, &n) < 0 || n != strlen(PROOF_HEADER) ||
	    memcmp(line, PROOF_HEADER, n) != 0)
		return err_set(e, ERR_FORMAT, "proof: does not begin with " PROOF_HEADER);
	if (next_line(&text, &len, &line, &n) < 0)
		return err_set(e, ERR_FORMAT, "proof: index");
	if (n > 6 && memcmp(line, "extra ", 6) == 0 && next_line(&text, &len, &line, &n) < 0)
		return err_set(e, ERR_FORMAT, "proof: index");
	if (n < 7 || memcmp(line, "index ", 6) != 0 || parse_decimal(line + 6, n - 6, index) < 0)
		return err_set(e, ERR_FORMAT, "proof: index");
	return take_hashes(text, len, proof, note, note_len, e);
}

void
tlog_consistency_format(uint64_t old, const struct merkle_proof *proof, const void *note,
			size_t note_len, struct buf *text)
{
	buf_addf(text, "old %llu\n", (unsigned long long)old);
	put_hashes(proof, note, note_len, text);
}

int
tlog_consistency_parse(const void *bytes, size_t len, uint64_t *old, struct merkle_proof *proof,
		       const char **note, size_t *note_len, struct err *e)
{
	const char *text = bytes, *line;
	size_t n;

	if (next_line(&text, &len, &line, &n) < 0 || n < 5 || memcmp(line, "old ", 4) != 0 ||
	    parse_decimal(line + 4, n - 4, old) < 0)
		return err_set(e, ERR_FORMAT, "proof: does not begin with old and a size");
	return take_hashes(text, len, proof, note, note_len, e);
}
