/* unseal.c - opens slots and payloads. Runs in: client. A door to libsodium. Owns: the content key,
 * in guarded memory. Trusts: no byte of the payload before its tag is checked. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "safehand/buf.h"
#include "safehand/unseal.h"

static const char commitment_text[] = "safehand key commitment v1";

struct unseal {
	uint8_t *key_secret; /* sodium_malloc */
	crypto_secretstream_xchacha20poly1305_state state;
	unseal_sink *sink;
	void *ctx;
	bool started, ended; /* the header has come; the FINAL chunk has come */
	size_t n;	     /* bytes waiting in sealed */
	uint8_t sealed[CHUNK_BYTES + CHUNK_OVERHEAD];
	uint8_t plain[CHUNK_BYTES];
};

/* The content key into u, or why not. */
static int
open_slot(struct unseal *u, const uint8_t *slot, const uint8_t *secret, const uint8_t *commitment,
	  struct err *e)
{
	uint8_t public[KEY_BYTES], got[DIGEST_BYTES];

	if (crypto_scalarmult_base(public, secret) != 0 ||
	    crypto_box_seal_open(u->key_secret, slot, SLOT_BYTES, public, secret) != 0)
		return err_set(e, ERR_SECRET, "slot: it was not sealed for this key");
	crypto_generichash(got, sizeof got, (const uint8_t *)commitment_text,
			   sizeof commitment_text - 1, u->key_secret, KEY_BYTES);
	if (sodium_memcmp(got, commitment, sizeof got) != 0)
		return err_set(e, ERR_SECRET,
			       "slot: its key is not the one that the manifest commits to");
	return 0;
}

int
unseal_begin(const uint8_t slot[static SLOT_BYTES], const uint8_t secret[static KEY_BYTES],
	     const uint8_t commitment[static DIGEST_BYTES], unseal_sink *sink, void *ctx,
	     struct unseal **out, struct err *e)
{
	struct unseal *u;

	if (sodium_init() < 0)
		return err_set(e, ERR_SYSTEM, "libsodium does not start");
	u = mem_alloc(sizeof *u);
	u->sink = sink;
	u->ctx = ctx;
	if ((u->key_secret = sodium_malloc(KEY_BYTES)) == NULL) {
		free(u);
		return err_set(e, ERR_SYSTEM, "no guarded memory for the content key");
	}
	if (open_slot(u, slot, secret, commitment, e) < 0) {
		unseal_free(u);
		return -1;
	}
	*out = u;
	return 0;
}

static int
begin_stream(struct unseal *u, struct err *e)
{
	if (crypto_secretstream_xchacha20poly1305_init_pull(&u->state, u->sealed, u->key_secret) !=
	    0)
		return err_set(e, ERR_SECRET, "payload: its header is altered");
	u->started = true;
	u->n = 0;
	return 0;
}

/* The n sealed bytes that wait are one chunk; only the last may be short. */
static int
pull(struct unseal *u, struct err *e)
{
	unsigned long long len;
	unsigned char tag;

	if (crypto_secretstream_xchacha20poly1305_pull(&u->state, u->plain, &len, &tag, u->sealed,
						       u->n, NULL, 0) != 0)
		return err_set(e, ERR_SECRET, "payload: a chunk is altered or cut");
	if (tag != crypto_secretstream_xchacha20poly1305_TAG_MESSAGE &&
	    tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL)
		return err_set(e, ERR_FORMAT, "payload: a chunk with tag %u", tag);
	if (tag == crypto_secretstream_xchacha20poly1305_TAG_MESSAGE && len != CHUNK_BYTES)
		return err_set(e, ERR_FORMAT, "payload: a short chunk before the last");
	u->ended = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
	u->n = 0;
	return len > 0 ? u->sink(u->ctx, u->plain, (size_t)len, e) : 0;
}

int
unseal_add(struct unseal *u, const void *p, size_t n, struct err *e)
{
	const uint8_t *from = p;

	while (n > 0) {
		size_t want = u->started ? sizeof u->sealed : STREAM_HEADER_BYTES;
		size_t room = want - u->n, take = n < room ? n : room;

		if (u->ended)
			return err_set(e, ERR_DIGEST, "payload: bytes after its last chunk");
		memcpy(u->sealed + u->n, from, take);
		u->n += take;
		from += take;
		n -= take;
		if (u->n == want && (u->started ? pull(u, e) : begin_stream(u, e)) < 0)
			return -1;
	}
	return 0;
}

int
unseal_end(struct unseal *u, struct err *e)
{
	if (!u->ended && u->started && u->n > 0 && pull(u, e) < 0)
		return -1;
	return u->ended ? 0 : err_set(e, ERR_DIGEST, "payload: ends before its last chunk");
}

void
unseal_free(struct unseal *u)
{
	if (u == NULL)
		return;
	sodium_free(u->key_secret);
	sodium_memzero(u, sizeof *u);
	free(u);
}
