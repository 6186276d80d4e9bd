/* says.c - all that a role can say on a channel. Runs in: the tests of taken roles. Owns: nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "says.h"

#define R(role) (1u << ROLE_##role)
#define ALL	(R(FRONT) | R(VERIFY) | R(STORE) | R(NOTARY) | R(COURIER))

const struct contract contracts[] = {
    {MSG_CONF, R(MASTER), ALL, FD_WITH},
    {MSG_SECRET, R(MASTER), R(FRONT) | R(NOTARY) | R(COURIER), FD_WITH},
    {MSG_FILE, R(MASTER), ALL, FD_WITH},
    {MSG_PEER, R(MASTER), ALL, FD_WITH},
    {MSG_LISTEN, R(MASTER), R(FRONT), FD_WITH},
    {MSG_DIR, R(MASTER), R(STORE), FD_WITH},
    {MSG_GO, R(MASTER), ALL, FD_NONE},
    {MSG_RELOAD, R(MASTER), ALL, FD_NONE},
    {MSG_STOP, R(MASTER), ALL, FD_NONE},
    {MSG_READY, ALL, R(MASTER), FD_NONE},
    {MSG_CONTROL, R(MASTER), R(STORE), FD_WITH},
    {MSG_BEGIN, R(FRONT), R(STORE), FD_MAY},
    {MSG_RESUME, R(FRONT), R(STORE), FD_NONE},
    {MSG_END, R(FRONT), R(STORE), FD_NONE},
    {MSG_CUT, R(FRONT), R(STORE), FD_NONE},
    {MSG_ASK, R(FRONT), R(STORE), FD_NONE},
    {MSG_STATEMENT, R(FRONT), R(STORE), FD_MAY},
    {MSG_ROUTE, R(FRONT), R(STORE), FD_MAY},
    {MSG_CANCEL, R(FRONT), R(STORE), FD_NONE},
    {MSG_UPLOAD, R(STORE), R(FRONT), FD_WITH},
    {MSG_REPLY, R(STORE), R(FRONT), FD_MAY},
    {MSG_BODY, R(STORE), R(FRONT), FD_MAY},
    {MSG_CHECK, R(STORE), R(VERIFY), FD_MAY},
    {MSG_FACTS_HEAD, R(VERIFY), R(STORE), FD_NONE},
    {MSG_FACTS_STATEMENT, R(VERIFY), R(STORE), FD_NONE},
    {MSG_FACTS_ROUTE, R(VERIFY), R(STORE), FD_NONE},
    {MSG_ROSTER_ROW, R(VERIFY), R(STORE), FD_NONE},
    {MSG_ROSTER_END, R(VERIFY), R(STORE), FD_NONE},
    {MSG_REFUSED, R(VERIFY) | R(NOTARY) | R(COURIER), R(STORE), FD_NONE},
    {MSG_RETIRE, R(VERIFY), R(STORE), FD_NONE},
    {MSG_LAST, R(STORE), R(NOTARY), FD_NONE},
    {MSG_SEAL, R(STORE), R(NOTARY), FD_NONE},
    {MSG_SEALED, R(NOTARY), R(STORE), FD_NONE},
    {MSG_NOTICE, R(STORE), R(NOTARY), FD_NONE},
    {MSG_NOTICED, R(NOTARY), R(STORE), FD_NONE},
    {MSG_STAMP, R(STORE), R(COURIER), FD_NONE},
    {MSG_STAMPED, R(COURIER), R(STORE), FD_NONE},
    {MSG_NOTIFY, R(STORE), R(COURIER), FD_NONE},
    {MSG_NOTIFIED, R(COURIER), R(STORE), FD_NONE},
};
const size_t contracts_n = sizeof contracts / sizeof *contracts;

static const struct contract *
contract_of(enum msg_kind kind)
{
	for (size_t i = 0; i < contracts_n; i++)
		if (contracts[i].kind == kind)
			return &contracts[i];
	return NULL;
}

bool
says_may(enum msg_kind kind, enum saying how, enum role_id from, enum role_id to)
{
	const struct contract *c = contract_of(kind);

	if (c == NULL || !(c->from & 1u << from) || !(c->to & 1u << to))
		return false;
	switch (how) {
	case SAY_ZERO: return true;
	case SAY_OTHER_FD: return c->fd == FD_MAY;
	case SAY_TWO_FDS: return c->fd != FD_NONE;
	case SAY_TRAILING:
	case SAY_CUT:
	case SAY_EMPTY:
	case SAYINGS: break;
	}
	return false;
}

static bool
send_raw(int sock, const void *bytes, size_t n, size_t fds)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)bytes, n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	int fd[2] = {-1, -1};
	bool sent;

	for (size_t i = 0; i < fds; i++)
		fd[i] = memfd_create("said", MFD_CLOEXEC);
	if (fds > 0) {
		m.msg_control = control.space;
		m.msg_controllen = CMSG_SPACE(fds * sizeof *fd);
		control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(fds * sizeof *fd),
						.cmsg_level = SOL_SOCKET,
						.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.head), fd, fds * sizeof *fd);
	}
	sent = sendmsg(sock, &m, MSG_NOSIGNAL) == (ssize_t)n;
	for (size_t i = 0; i < fds; i++)
		close(fd[i]);
	return sent;
}

bool
says(int sock, enum msg_kind kind, enum saying how)
{
	const struct msg_row *row = msg_row(kind);
	void *zero = mem_alloc(row->size);
	struct buf bytes = {0};
	size_t fds = row->fd == FD_WITH;
	bool sent;

	msg_encode(kind, zero, &bytes);
	if (how == SAY_TRAILING)
		buf_addc(&bytes, 0);
	else if (how == SAY_CUT)
		bytes.len--;
	else if (how == SAY_EMPTY)
		bytes.len = 4;
	else if (how == SAY_OTHER_FD)
		fds = !fds;
	else if (how == SAY_TWO_FDS)
		fds = 2;
	sent = send_raw(sock, bytes.data, bytes.len, fds);
	buf_free(&bytes);
	free(zero);
	return sent;
}

bool
says_nonsense(int sock, unsigned n)
{
	static uint8_t bytes[MSG_MAX_BYTES + 1];

	memset(bytes, 0xff, sizeof bytes);
	switch (n) {
	case 0: return send_raw(sock, bytes, 1, 0);
	case 1: return send_raw(sock, bytes, 3, 1);
	case 2: return send_raw(sock, bytes, 1000, 0);
	default: return send_raw(sock, bytes, sizeof bytes, 2);
	}
}

bool
says_mark(int sock, uint32_t number)
{
	uint8_t bytes[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
			    (uint8_t)(number >> 8), (uint8_t)number};

	return send_raw(sock, bytes, sizeof bytes, 0);
}
