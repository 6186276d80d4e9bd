/* crypto.c - the libcrypto that is there. Runs in: everything that links it. A door to OpenSSL.
 * Owns: nothing. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/opensslv.h>

#include "safehand/crypto.h"
#include "safehand/log.h"

#if OPENSSL_VERSION_NUMBER < CRYPTO_OLDEST
#error "OpenSSL older than 3.0.22: apt-get update && apt-get install libssl-dev libssl3 openssl"
#endif

const char *
crypto_judge(unsigned long version)
{
	return version >= CRYPTO_OLDEST
		   ? NULL
		   : "older than " CRYPTO_OLDEST_TEXT
		     ", whose signature checks had faults: apt-get install libssl3, and restart";
}

const char *
crypto_old(void)
{
	return crypto_judge(OpenSSL_version_num());
}

/* --- keys in memory --- */

#define HEAP_SMALLEST 32 /* bytes of a block: a number of 256 bits */
#define NOT_LOCKED    2	 /* what CRYPTO_secure_malloc_init says of its heap then */

static int guarded; /* what it said; 0: not asked */

static void *
take(size_t n, const char *file, int line)
{
	return malloc(n);
}

static void
give_back(void *p, const char *file, int line)
{
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

/* Never in place: what moves leaves nothing behind. */
static void *
take_more(void *p, size_t n, const char *file, int line)
{
	size_t had = p != NULL ? malloc_usable_size(p) : 0;
	void *q;

	if (n == 0) {
		give_back(p, file, line);
		return NULL;
	}
	if ((q = malloc(n)) == NULL)
		return NULL;
	if (had > 0)
		memcpy(q, p, had < n ? had : n);
	give_back(p, file, line);
	return q;
}

int
crypto_guard(size_t heap, struct err *e)
{
	if (guarded != 0)
		return err_set(e, ERR_SYSTEM, "libcrypto's memory is guarded already");
	if (CRYPTO_set_mem_functions(take, take_more, give_back) != 1)
		return err_set(e, ERR_SYSTEM, "libcrypto was used before its memory was guarded");
	if ((guarded = CRYPTO_secure_malloc_init(heap, HEAP_SMALLEST)) == 0)
		return err_set(e, ERR_SYSTEM, "no memory for a heap of keys, %zu bytes", heap);
	return 0;
}

void
crypto_tell(void)
{
	const char *old = crypto_old();

	if (old != NULL)
		log_warn("old-openssl", "version=%s what=%s",
			 OpenSSL_version(OPENSSL_VERSION_STRING), old);
	if (guarded == NOT_LOCKED)
		log_warn("keys-not-locked", "what=%s",
			 "the user's limit is too low (RLIMIT_MEMLOCK)");
}
