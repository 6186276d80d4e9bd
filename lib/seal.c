/* seal.c - seals: content key, slots, payload stream, pseudonyms. Runs in: client. A door to
 * libsodium. Owns: the content key, in guarded memory. Nothing here can open what it sealed. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "safehand/buf.h"
#include "safehand/enc.h"
#include "safehand/seal.h"

_Static_assert(crypto_box_SEALBYTES + KEY_BYTES == SLOT_BYTES, "slot");
_Static_assert(crypto_secretstream_xchacha20poly1305_ABYTES == CHUNK_OVERHEAD, "chunk");
_Static_assert(crypto_secretstream_xchacha20poly1305_HEADERBYTES == STREAM_HEADER_BYTES, "header");

static const char commitment[] = "safehand key commitment v1";

struct seal {
	uint8_t *key_secret; /* sodium_malloc */
	crypto_secretstream_xchacha20poly1305_state state;
	seal_sink *sink;
	void *ctx;
	size_t n; /* bytes waiting in plain */
	uint8_t plain[CHUNK_BYTES];
	uint8_t sealed[CHUNK_BYTES + CHUNK_OVERHEAD];
};

int
seal_begin(seal_sink *sink, void *ctx, struct seal **out, struct err *e)
{
	uint8_t header[STREAM_HEADER_BYTES];
	struct seal *s;

	if (sodium_init() < 0)
		return err_set(e, ERR_SYSTEM, "libsodium does not start");
	s = mem_alloc(sizeof *s);
	s->sink = sink;
	s->ctx = ctx;
	if ((s->key_secret = sodium_malloc(KEY_BYTES)) == NULL) {
		free(s);
		return err_set(e, ERR_SYSTEM, "no guarded memory for the content key");
	}
	crypto_secretstream_xchacha20poly1305_keygen(s->key_secret);
	crypto_secretstream_xchacha20poly1305_init_push(&s->state, header, s->key_secret);
	if (sink(ctx, header, sizeof header, e) < 0) {
		seal_free(s);
		return -1;
	}
	*out = s;
	return 0;
}

int
seal_slot(const struct seal *s, const uint8_t x25519[static KEY_BYTES],
	  uint8_t slot[static SLOT_BYTES], struct err *e)
{
	/* fails for points of small order: such a key would give the content key to everybody */
	if (crypto_box_seal(slot, s->key_secret, KEY_BYTES, x25519) != 0)
		return err_set(e, ERR_SECRET, "the recipient's key cannot be sealed for");
	return 0;
}

void
seal_commitment(const struct seal *s, uint8_t out[static DIGEST_BYTES])
{
	crypto_generichash(out, DIGEST_BYTES, (const uint8_t *)commitment, sizeof commitment - 1,
			   s->key_secret, KEY_BYTES);
}

static int
push(struct seal *s, const uint8_t *p, size_t n, uint8_t tag, struct err *e)
{
	unsigned long long len;

	crypto_secretstream_xchacha20poly1305_push(&s->state, s->sealed, &len, p, n, NULL, 0, tag);
	return s->sink(s->ctx, s->sealed, (size_t)len, e);
}

static int
push_whole(struct seal *s, const uint8_t *p, struct err *e)
{
	return push(s, p, CHUNK_BYTES, crypto_secretstream_xchacha20poly1305_TAG_MESSAGE, e);
}

/* A full chunk is kept until the next byte comes: only then is it known not to be the last. */
int
seal_add(struct seal *s, const void *p, size_t n, struct err *e)
{
	const uint8_t *from = p;

	while (n > 0) {
		size_t room = CHUNK_BYTES - s->n, take = n < room ? n : room;
		bool whole = s->n == 0 && n > CHUNK_BYTES; /* need not be copied */

		if ((room == 0 && push_whole(s, s->plain, e) < 0) ||
		    (whole && push_whole(s, from, e) < 0))
			return -1;
		if (room == 0)
			s->n = 0;
		if (room > 0 && !whole) {
			memcpy(s->plain + s->n, from, take);
			s->n += take;
		}
		from += take;
		n -= take;
	}
	return 0;
}

int
seal_end(struct seal *s, struct err *e)
{
	return push(s, s->plain, s->n, crypto_secretstream_xchacha20poly1305_TAG_FINAL, e);
}

void
seal_free(struct seal *s)
{
	if (s == NULL)
		return;
	sodium_free(s->key_secret);
	sodium_memzero(s, sizeof *s);
	free(s);
}

int
seal_pseudonym(const uint8_t linking_key_secret[static KEY_BYTES], char kind,
	       const char *identifier, char out[static ABOUT_TEXT], struct err *e)
{
	struct buf text = {0};
	uint8_t hash[DIGEST_BYTES];

	buf_addf(&text, "%c:", kind);
	for (const char *c = identifier; *c; c++)
		if (*c != ' ' && *c != '-')
			buf_addc(&text, (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c));
	if (text.len == 2 || sodium_init() < 0) {
		buf_free(&text);
		return err_set(e, ERR_FORMAT, "an identifier is wanted, not '%s'", identifier);
	}
	crypto_generichash(hash, sizeof hash, text.data, text.len, linking_key_secret, KEY_BYTES);
	out[0] = kind;
	out[1] = ':';
	base32_encode(out + 2, hash, sizeof hash);
	buf_wipe(&text);
	return 0;
}
