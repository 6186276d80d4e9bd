/* crypto.c - the libcrypto that is there. Runs in: everything that links it. A door to OpenSSL.
 * Owns: nothing. */
#include <stddef.h>

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

void
crypto_tell(void)
{
	const char *old = crypto_old();

	if (old != NULL)
		log_warn("old-openssl", "version=%s what=%s",
			 OpenSSL_version(OPENSSL_VERSION_STRING), old);
}
