/* test_seal.c - framing, slots and payloads: sealed and opened at every length around a chunk;
 * altered, cut, made longer. */
#include <stdbool.h>

#include "tap.h"

#include "safehand/bundle.h"
#include "safehand/enc.h"
#include "safehand/identity.h"
#include "safehand/seal.h"
#include "safehand/unseal.h"

static struct err e;
static uint8_t secret[KEY_BYTES], other_secret[KEY_BYTES];
static struct identity recipient;

static int
collect(void *ctx, const void *p, size_t n, struct err *err)
{
	buf_add(ctx, p, n);
	return 0;
}

static int
full(void *ctx, const void *p, size_t n, struct err *err)
{
	return err_set(err, ERR_STORAGE, "no room");
}

struct sealed {
	struct buf payload;
	uint8_t slot[SLOT_BYTES], commitment[DIGEST_BYTES];
};

static struct sealed
seal(const void *plain, size_t n)
{
	struct sealed out = {0};
	struct seal *s;

	assert_ok(seal_begin(collect, &out.payload, &s, &e), &e);
	assert_ok(seal_slot(s, recipient.x25519, out.slot, &e), &e);
	seal_commitment(s, out.commitment);
	for (size_t done = 0; done < n; done += 40000) /* portions that do not fit chunks */
		assert_ok(seal_add(s, (const uint8_t *)plain + done,
				   n - done < 40000 ? n - done : 40000, &e),
			  &e);
	assert_ok(seal_end(s, &e), &e);
	seal_free(s);
	return out;
}

static int
unseal(const struct sealed *in, const uint8_t *key, size_t n, struct buf *plain)
{
	struct unseal *u;
	int rc;

	buf_clear(plain);
	if (unseal_begin(in->slot, key, in->commitment, collect, plain, &u, &e) < 0)
		return -1;
	rc = unseal_add(u, in->payload.data, n / 2, &e);
	if (rc == 0)
		rc = unseal_add(u, in->payload.data + n / 2, n - n / 2, &e);
	if (rc == 0)
		rc = unseal_end(u, &e);
	unseal_free(u);
	return rc;
}

static int
set_up(void **state)
{
	struct buf key = pki_file("certs/agency-seal/uhcw_emergency.key"),
		   pem = pki_file("certs/agency-seal/uhcw_emergency.pem");
	struct buf other = pki_file("certs/agency-seal/csc_duty.key"), der = {0};

	assert_ok(identity_pem_to_der(pem.data, pem.len, &der, &e), &e);
	assert_ok(identity_parse(der.data, der.len, &recipient, &e), &e);
	assert_ok(identity_x25519_secret(key.data, key.len, secret, &e), &e);
	assert_ok(identity_x25519_secret(other.data, other.len, other_secret, &e), &e);
	buf_wipe(&key);
	buf_wipe(&other);
	buf_free(&pem);
	buf_free(&der);
	return 0;
}

static void
every_length_around_a_chunk(void **state)
{
	static const size_t sizes[] = {0,
				       1,
				       CHUNK_BYTES - 1,
				       CHUNK_BYTES,
				       CHUNK_BYTES + 1,
				       2 * CHUNK_BYTES,
				       3 * CHUNK_BYTES + 7};
	uint8_t *plain = mem_alloc(4 * CHUNK_BYTES);
	struct buf got = {0};

	for (size_t i = 0; i < 4 * CHUNK_BYTES; i++)
		plain[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct sealed s = seal(plain, sizes[i]);
		size_t chunks = sizes[i] == 0 ? 1 : (sizes[i] + CHUNK_BYTES - 1) / CHUNK_BYTES;

		assert_int_equal(s.payload.len,
				 STREAM_HEADER_BYTES + sizes[i] + chunks * CHUNK_OVERHEAD);
		assert_ok(unseal(&s, secret, s.payload.len, &got), &e);
		assert_int_equal(got.len, sizes[i]);
		if (got.len > 0)
			assert_memory_equal(got.data, plain, got.len);
		buf_free(&s.payload);
	}
	buf_free(&got);
	free(plain);
}

static void
cut_longer_altered(void **state)
{
	uint8_t *plain = mem_alloc(2 * CHUNK_BYTES);
	struct sealed s = seal(plain, 2 * CHUNK_BYTES);
	size_t chunk = CHUNK_BYTES + CHUNK_OVERHEAD;
	struct buf got = {0};

	assert_refused(unseal(&s, secret, STREAM_HEADER_BYTES + chunk, &got), &e,
		       ERR_DIGEST); /* at a chunk's border */
	assert_refused(unseal(&s, secret, STREAM_HEADER_BYTES, &got), &e, ERR_DIGEST);
	assert_refused(unseal(&s, secret, 10, &got), &e, ERR_DIGEST);
	assert_refused(unseal(&s, secret, 0, &got), &e, ERR_DIGEST);
	assert_refused(unseal(&s, secret, s.payload.len - 1, &got), &e, ERR_SECRET);
	buf_addc(&s.payload, 0);
	assert_refused(unseal(&s, secret, s.payload.len, &got), &e, ERR_DIGEST);
	buf_free(&s.payload);
	s = seal(plain, 100);
	for (size_t i = 0; i < s.payload.len; i++) {
		s.payload.data[i] ^= 0x20;
		assert_refused(unseal(&s, secret, s.payload.len, &got), &e, ERR_SECRET);
		s.payload.data[i] ^= 0x20;
	}
	assert_ok(unseal(&s, secret, s.payload.len, &got), &e);
	buf_free(&s.payload);
	buf_free(&got);
	free(plain);
}

static void
another_key_slot_or_commitment(void **state)
{
	struct sealed a = seal("hello", 5), b = seal("world", 5), mixed = a;
	struct buf got = {0};

	assert_refused(unseal(&a, other_secret, a.payload.len, &got), &e, ERR_SECRET);
	for (size_t i = 0; i < SLOT_BYTES; i++) {
		a.slot[i] ^= 1;
		assert_refused(unseal(&a, secret, a.payload.len, &got), &e, ERR_SECRET);
		a.slot[i] ^= 1;
	}
	memcpy(mixed.slot, b.slot, SLOT_BYTES); /* a good slot of another bundle */
	assert_refused(unseal(&mixed, secret, mixed.payload.len, &got), &e, ERR_SECRET);
	memcpy(mixed.commitment, b.commitment,
	       DIGEST_BYTES); /* and its commitment: then the payload does not fit */
	assert_refused(unseal(&mixed, secret, mixed.payload.len, &got), &e, ERR_SECRET);
	buf_free(&a.payload);
	buf_free(&b.payload);
	buf_free(&got);
}

static void
a_full_disk_stops_it(void **state)
{
	struct seal *s;
	uint8_t zero[KEY_BYTES] = {0}, slot[SLOT_BYTES];
	struct buf out = {0};

	assert_refused(seal_begin(full, NULL, &s, &e), &e, ERR_STORAGE);
	assert_ok(seal_begin(collect, &out, &s, &e), &e);
	assert_refused(seal_slot(s, zero, slot, &e), &e, ERR_SECRET); /* a point of small order */
	seal_free(s);
	buf_free(&out);
}

static void
pseudonyms_normalise(void **state)
{
	char a[ABOUT_TEXT], b[ABOUT_TEXT];
	uint8_t key[KEY_BYTES] = {1}, other[KEY_BYTES] = {2};

	assert_ok(seal_pseudonym(key, 'c', "999 123-4561", a, &e), &e);
	assert_ok(seal_pseudonym(key, 'c', "9991234561", b, &e), &e);
	assert_string_equal(a, b);
	assert_true(name_is_about(a));
	assert_ok(seal_pseudonym(key, 'h', "9991234561", b, &e), &e);
	assert_string_not_equal(a + 2, b + 2);
	assert_ok(seal_pseudonym(other, 'c', "9991234561", b, &e), &e);
	assert_string_not_equal(a, b);
	assert_refused(seal_pseudonym(key, 'c', " - ", b, &e), &e, ERR_FORMAT);
}

static void
framing(void **state)
{
	static const struct {
		struct bundle_head head;
		enum err_code want;
	} rows[] = {
	    {{0, 1, 80, 1}, ERR_FORMAT},
	    {{1, 0, 80, 1}, ERR_FORMAT},
	    {{1, 1, 80, 0}, ERR_FORMAT},
	    {{1, 1, 81, 1}, ERR_FORMAT},
	    {{MANIFEST_MAX_BYTES + 1, 1, 80, 1}, ERR_LIMIT},
	    {{1, SIGNATURE_MAX_BYTES + 1, 80, 1}, ERR_LIMIT},
	    {{1, 1, SLOTS_MAX_BYTES + 80, 1}, ERR_LIMIT},
	    {{1, 1, 80, PAYLOAD_MAX_BYTES + 1}, ERR_LIMIT},
	    {{0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, UINT64_MAX}, ERR_LIMIT},
	};
	struct bundle_head h = {10, 20, 160, 1ull << 33}, got;
	uint8_t fixed[BUNDLE_FIXED_BYTES];
	struct signed_file f;
	struct buf b = {0};

	bundle_head_format(&h, fixed);
	assert_ok(bundle_head_parse(fixed, &got, &e), &e);
	/* member by member: what lies between them is nobody's */
	assert_int_equal(got.manifest_bytes, h.manifest_bytes);
	assert_int_equal(got.signature_bytes, h.signature_bytes);
	assert_int_equal(got.slots_bytes, h.slots_bytes);
	assert_int_equal(got.payload_bytes, h.payload_bytes);
	assert_int_equal(bundle_head_bytes(&got), 24 + 190);
	fixed[3] = '2';
	assert_refused(bundle_head_parse(fixed, &got, &e), &e, ERR_FORMAT);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bundle_head_format(&rows[i].head, fixed);
		assert_refused(bundle_head_parse(fixed, &got, &e), &e, rows[i].want);
	}
	signed_format("content", 7, "sig", 3, &b);
	assert_ok(signed_parse(b.data, b.len, 7, &f, &e), &e);
	assert_memory_equal(f.signature, "sig", 3);
	assert_refused(signed_parse(b.data, b.len, 6, &f, &e), &e, ERR_LIMIT);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(signed_parse(b.data, n, 7, &f, &e), -1);
	buf_addc(&b, 0);
	assert_refused(signed_parse(b.data, b.len, 7, &f, &e), &e, ERR_FORMAT);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_length_around_a_chunk),
	    cmocka_unit_test(cut_longer_altered),
	    cmocka_unit_test(another_key_slot_or_commitment),
	    cmocka_unit_test(a_full_disk_stops_it),
	    cmocka_unit_test(pseudonyms_normalise),
	    cmocka_unit_test(framing),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
