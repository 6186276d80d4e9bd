/* impostor.c - a program in a role's place, started by the real master. Owns: the channel on fd 3.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame/chan.h"
#include "impostor.h"
#include "safehand/log.h"
#include "says.h"

#define MASTER_FD 3

static enum role_id
role_of(const char *path)
{
	const char *name = strrchr(path, '-');

	for (enum role_id r = 0; r < ROLE_IDS; r++)
		if (name != NULL && strcmp(name + 1, role_name(r)) == 0)
			return r;
	exit(2);
}

static int peer = -1; /* the last that was given: all but the store have one */

/* Takes messages until this one; channels to peers stay open. */
static void
take_until(enum role_id self, enum msg_kind last)
{
	struct buf raw = {0};
	uint32_t kind = 0;
	struct err e;

	while (kind != last) {
		void *msg;
		int fd;

		if (chan_recv_blocking(MASTER_FD, self, ROLE_MASTER, &kind, &msg, &raw, &fd, &e) <
		    0)
			log_fatal("impostor", &e);
		if (kind == MSG_PEER)
			peer = fd;
		msg_free(msg_row(kind), msg);
		free(msg);
	}
	buf_free(&raw);
}

/* As the role would: front and store leave first, the others when the store has closed. */
static void
leave(enum role_id self)
{
	char dropped[1024];

	if (self != ROLE_FRONT && self != ROLE_STORE)
		while (recv(peer, dropped, sizeof dropped, 0) > 0)
			;
}

int
impostor_main(const char *path)
{
	enum role_id self = role_of(path);
	struct msg_ready ready = {{(const uint8_t *)"{}", 2}};
	struct buf bytes = {0};

	log_init(role_name(self), LOG_LEVEL_INFO);
	take_until(self, MSG_GO);
	for (size_t i = 0; i < contracts_n; i++)
		for (enum saying how = 0; how < SAYINGS; how++)
			if (contracts[i].kind != MSG_READY || how != SAY_ZERO)
				says(MASTER_FD, contracts[i].kind, how);
	for (unsigned n = 0; n < NONSENSES; n++)
		says_nonsense(MASTER_FD, n);
	says_mark(MASTER_FD, MARK_FIRST);
	msg_encode(MSG_READY, &ready, &bytes);
	if (send(MASTER_FD, bytes.data, bytes.len, 0) < 0)
		return 1;
	buf_free(&bytes);
	take_until(self, MSG_STOP);
	leave(self);
	return 0;
}
