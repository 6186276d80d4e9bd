/* main.c - safehand-front: clients' TLS and HTTP. Runs in: front. */
#include "front/front.h"
#include "safehand/crypto.h"
#include "safehand/log.h"

#define KEYS_HEAP                                                                                  \
	(4 * 1024 * 1024) /* bytes: 60,000 connections, each with what is left of its handshake's  \
			     own key: 32 bytes for X25519, 64 at most */

int
main(int argc, char **argv)
{
	struct err e;

	if (crypto_guard(KEYS_HEAP, &e) < 0)
		log_fatal("start", &e);
	return role_main(argc, argv, &front_role);
}
