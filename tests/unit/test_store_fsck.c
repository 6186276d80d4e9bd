/* test_store_fsck.c - payloads in files of their own, read anew by a deep fsck: one damaged byte is
 * found, a purge meanwhile is no damage. What else fsck finds: test_store_judge. */
#include "store_rig.h"

#include "store/purge.h"

#define LARGE_BYTES (24 * 1024 * 1024) /* many turns of the loop */

static struct buf found; /* what the last check found */

static int
setup(void **state)
{
	rig = (struct rig){.roster_serial = 3, .conf = rig_conf_large};
	return rig_setup_here();
}

static void
take(void *ctx, const struct buf *json)
{
	buf_clear(&found);
	buf_add(&found, json->data, json->len);
}

static void
has(const char *text)
{
	if (strstr(buf_str(&found), text) == NULL)
		fail_msg("%s", buf_str(&found));
}

static void
check(bool deep, const char *finds)
{
	uint64_t done, total;
	struct err e = {0};

	assert_int_equal(fsck_start(rig.store, deep, take, NULL, &e), 0);
	while (fsck_progress(rig.store, &done, &total)) {
		assert_true(done <= total);
		rig_turns(1);
	}
	has(finds);
	buf_free(&found);
}

/* The head that rig_bundle makes, but with a manifest whose member names the payload's digest. */
static void
submit(const char *id, const char *bytes, const char *member)
{
	struct buf head = {0}, manifest = {0}, out = {0};

	rig_bundle(&head, id, bytes, 1);
	buf_addf(&manifest, "{\"id\":\"%s\",\"%s\" : \"", id, member);
	buf_hex(&manifest, rig.head.payload_sha256, DIGEST_BYTES);
	buf_adds(&manifest, "\"}");
	buf_adds(&out, "SHB1");
	buf_be32(&out, (uint32_t)manifest.len);
	buf_add(&out, head.data + 8, 16);
	buf_add(&out, manifest.data, manifest.len);
	buf_add(&out, head.data + 24 + 40, head.len - 24 - 40);
	rig.head.manifest_bytes = (uint32_t)manifest.len;
	digest_of(manifest.data, manifest.len, rig.head.manifest_sha256);
	rig_begin(&out, id, strlen(bytes));
	rig_write(bytes, 0, strlen(bytes));
	rig_send_end(bytes);
	rig_expect(201, ERR_OK);
	buf_free(&head);
	buf_free(&manifest);
	buf_free(&out);
}

static char *
letters(size_t n)
{
	char *p = mem_alloc(n + 1);

	memset(p, 'L', n);
	return p;
}

static void
one_byte_is_found(void **state)
{
	char *large = letters(900000), *other = letters(70000);
	struct ledger_bundle b;
	int fd;

	submit(RIG_ID, large, "payload_sha256");
	submit(RIG_ID2, other, "payload_sha256");
	check(true, "\"payloads\":2,");
	check(true, "\"ok\":true");
	check(false, "\"payloads\":0,");
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	fd = openat(rig.data_fd, "bundles/01/" RIG_ID ".shb", O_RDWR);
	for (off_t at = 0; at < 900000; at += 899999) {
		off_t place = (off_t)(b.place.length - b.payload_bytes) + at;

		assert_int_equal(pwrite(fd, "l", 1, place), 1);
		check(true, RIG_ID ": [1] its payload is not the one that was signed");
		check(true, "\"found\":1,");
		check(false, "\"ok\":true");
		assert_int_equal(pwrite(fd, "L", 1, place), 1);
		check(true, "\"ok\":true");
	}
	assert_int_equal(ftruncate(fd, (off_t)b.place.length - 1), 0);
	check(true, RIG_ID ": [1] bundles: ");
	close(fd);
	free(large);
	free(other);
}

/* One that verify would not have let through. */
static void
a_manifest_without_the_digest(void **state)
{
	char *large = letters(100000);

	submit(RIG_ID, large, "slots_sha256");
	check(true, RIG_ID ": [4] its manifest names no payload");
	free(large);
}

static struct {
	struct event *turn;
	uint64_t done, total; /* of the check, when last looked at */
	int64_t bundle;
	bool asked, gone;
} purging;

static void
purged(void *ctx, const struct err *refusal)
{
	assert_null(refusal);
	purging.gone = true;
}

/* At each turn of the loop: once the first bytes are read, the bundle is purged. */
static void
look(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval at_once = {0, 0};

	if (!fsck_progress(rig.store, &purging.done, &purging.total))
		return;
	if (purging.done > 0 && !purging.asked)
		purge_bundle(rig.store, purging.bundle, purged, NULL);
	purging.asked = purging.done > 0;
	evtimer_add(purging.turn, &at_once);
}

static void
a_purge_is_no_damage(void **state)
{
	char *large = letters(LARGE_BYTES);
	struct ledger_bundle b;
	struct err e = {0};

	submit(RIG_ID, large, "payload_sha256");
	assert_true(ledger_bundle(rig.store->reader, RIG_ID, &b));
	assert_int_equal(fsck_start(rig.store, true, take, NULL, &e), 0);
	purging.bundle = b.n;
	purging.turn = evtimer_new(rig.env.base, look, NULL);
	look(-1, 0, NULL);
	while (found.len == 0 || !purging.gone)
		rig_turns(1);
	event_free(purging.turn);
	assert_true(purging.done > 0 && purging.done < purging.total); /* not at the end yet */
	has("\"ok\":true");
	buf_free(&found);
	check(true, "\"ok\":true");
	free(large);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
	    T(one_byte_is_found),
	    T(a_manifest_without_the_digest),
	    T(a_purge_is_no_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
