/* note.c - signed notes and their keys. Runs in: notary (signs), client (verifies). A door to
 * OpenSSL (Ed25519). Trusts: no byte of a note. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "openssl_in.h"
#include "safehand/digest.h"
#include "safehand/enc.h"
#include "safehand/note.h"

#define TYPE_ED25519 0x01
#define EM_DASH	     "\xe2\x80\x94 " /* begins each signature line */
#define LINES_MAX    16 /* signature lines that are looked at: the log's and its witnesses' */

struct note_signer {
	EVP_PKEY *key;
	struct note_key verifier;
};

/* Non-empty, UTF-8, no white space and no plus (signed-note, "Format"). */
static bool
is_name(const char *name, size_t len)
{
	if (len == 0 || len >= NOTE_NAME_MAX || !utf8_is_clean(name, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] == ' ' || name[i] == '+')
			return false;
	return true;
}

/* First four bytes of SHA-256(name | newline | type | key). */
static void
key_id(struct note_key *k)
{
	struct buf b = {0};
	uint8_t hash[DIGEST_BYTES];

	buf_addf(&b, "%s\n%c", k->name, TYPE_ED25519);
	buf_add(&b, k->ed25519, sizeof k->ed25519);
	digest_of(b.data, b.len, hash);
	memcpy(k->id, hash, sizeof k->id);
	buf_free(&b);
}

int
note_key_parse(const char *text, size_t len, struct note_key *out, struct err *e)
{
	const char *first = memchr(text, '+', len), *second;
	struct buf raw = {0};
	char hex[9] = "";
	uint8_t id[4];
	int rc = -1;

	if (len > 0 && text[len - 1] == '\n')
		len--;
	second = first != NULL ? memchr(first + 1, '+', (size_t)(text + len - first - 1)) : NULL;
	if (second == NULL || second - first != 9 || !is_name(text, (size_t)(first - text)))
		return err_set(e, ERR_FORMAT, "verifier key: want NAME+HEX8+BASE64");
	memcpy(hex, first + 1, 8);
	*out = (struct note_key){0};
	memcpy(out->name, text, (size_t)(first - text));
	if (hex_decode(id, sizeof id, hex) < 0 ||
	    base64_decode(&raw, second + 1, (size_t)(text + len - second - 1), 33) < 0 ||
	    raw.len != 33 || raw.data[0] != TYPE_ED25519) {
		err_set(e, ERR_FORMAT, "verifier key %s: not an Ed25519 key of type 0x01",
			out->name);
		goto out;
	}
	memcpy(out->ed25519, raw.data + 1, sizeof out->ed25519);
	key_id(out);
	if (memcmp(out->id, id, sizeof id) != 0)
		err_set(e, ERR_FORMAT, "verifier key %s: its id is not its own", out->name);
	else
		rc = 0;
out:
	buf_free(&raw);
	return rc;
}

int
note_signer_new(const char *name, const void *key_pem, size_t len, struct note_signer **out,
		struct err *e)
{
	struct note_signer *s = mem_alloc(sizeof *s);
	size_t n = sizeof s->verifier.ed25519;
	int rc = -1;

	s->key = openssl_private_key(key_pem, len);
	if (!is_name(name, strlen(name)))
		err_set(e, ERR_CONFIG, "%s: a log's name has no white space and no plus", name);
	else if (s->key == NULL || EVP_PKEY_get_id(s->key) != EVP_PKEY_ED25519 ||
		 EVP_PKEY_get_raw_public_key(s->key, s->verifier.ed25519, &n) != 1)
		err_set(e, ERR_SECRET, "log key: no Ed25519 private key in PEM");
	else
		rc = 0;
	ERR_clear_error();
	if (rc < 0) {
		note_signer_free(s);
		return -1;
	}
	strcpy(s->verifier.name, name);
	key_id(&s->verifier);
	*out = s;
	return 0;
}

void
note_signer_free(struct note_signer *s)
{
	if (s == NULL)
		return;
	EVP_PKEY_free(s->key);
	free(s);
}

const struct note_key *
note_signer_key(const struct note_signer *s)
{
	return &s->verifier;
}

int
note_sign(const struct note_signer *s, const char *text, size_t len, struct buf *note,
	  struct err *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t signature[4 + 64];
	size_t n = 64;
	bool ok;

	memcpy(signature, s->verifier.id, 4);
	ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, s->key) == 1 &&
	     EVP_DigestSign(ctx, signature + 4, &n, (const unsigned char *)text, len) == 1 &&
	     n == 64;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (!ok)
		return err_set(e, ERR_SYSTEM, "note: could not be signed");
	buf_add(note, text, len);
	buf_addf(note, "\n" EM_DASH "%s ", s->verifier.name);
	buf_base64(note, signature, sizeof signature);
	buf_addc(note, '\n');
	return 0;
}

/* The text ends before the last empty line; after it come signature lines and nothing else. */
int
note_text(const void *note, size_t len, size_t *text_len, struct err *e)
{
	const char *s = note;
	size_t split = 0;

	if (len > NOTE_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "note: %zu bytes, limit %d", len, NOTE_MAX_BYTES);
	for (size_t i = 1; i + 1 < len; i++)
		if (s[i - 1] == '\n' && s[i] == '\n')
			split = i;
	if (split == 0 || s[len - 1] != '\n' || !utf8_is_valid(s, len))
		return err_set(e, ERR_FORMAT, "note: no text, empty line and signatures");
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 && s[i] != '\n')
			return err_set(e, ERR_FORMAT, "note: a control character");
	*text_len = split;
	return 0;
}

static bool
holds(const struct note_key *key, const char *text, size_t len, const uint8_t signature[64])
{
	EVP_PKEY *pub =
	    EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->ed25519, sizeof key->ed25519);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	ok = pub != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pub) == 1 &&
	     EVP_DigestVerify(ctx, signature, 64, (const unsigned char *)text, len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pub);
	ERR_clear_error();
	return ok;
}

/* One signature line of n bytes without its newline: 1 it is key's and raw takes id and signature,
 * 0 another's, -1 no line. */
static int
read_line(const char *line, size_t n, const struct note_key *key, struct buf *raw)
{
	size_t dash = strlen(EM_DASH), name = strlen(key->name);
	const char *space;

	if (n <= dash || memcmp(line, EM_DASH, dash) != 0)
		return -1;
	line += dash;
	n -= dash;
	space = memchr(line, ' ', n);
	if (space == NULL || !is_name(line, (size_t)(space - line)))
		return -1;
	buf_clear(raw);
	if (base64_decode(raw, space + 1, (size_t)(line + n - space - 1), NOTE_MAX_BYTES) < 0 ||
	    raw->len < 5)
		return -1;
	return (size_t)(space - line) == name && memcmp(line, key->name, name) == 0 &&
	       memcmp(raw->data, key->id, 4) == 0;
}

int
note_verify(const void *note, size_t len, const struct note_key *key, size_t *text_len,
	    struct err *e)
{
	const char *text = note, *line, *end = text + len;
	struct buf raw = {0};
	int lines = 0, ours = 0;

	if (note_text(note, len, text_len, e) < 0)
		return -1;
	for (line = text + *text_len + 1; line < end && ours >= 0; lines++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		int mine = read_line(line, (size_t)(newline - line), key, &raw);

		if (mine < 0 || lines == LINES_MAX) {
			buf_free(&raw);
			return err_set(e, ERR_FORMAT, "note: line %d of its signatures is none",
				       lines + 1);
		}
		if (mine == 1) /* a second line of the same key would be ambiguous: refused */
			ours =
			    ours == 0 && raw.len == 68 && holds(key, text, *text_len, raw.data + 4)
				? 1
				: -1;
		line = newline + 1;
	}
	buf_free(&raw);
	if (ours == 0)
		return err_set(e, ERR_SIGNATURE, "note: not signed by %s", key->name);
	return ours == 1 ? 0
			 : err_set(e, ERR_SIGNATURE, "note: the signature of %s does not hold",
				   key->name);
}
