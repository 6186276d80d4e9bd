/* chan.c - a channel to another role. Runs in: all roles. Owns: its socket, the queue of what is
 * not sent yet. Trusts: a peer as far as the order of trust below says. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "frame/chan.h"
#include "safehand/enc.h"
#include "safehand/log.h"

#define CHAN_QUEUE_MAX                                                                             \
	(256 * MIB)  /* bytes queued to one peer: far above what bounded jobs can owe */
#define CHAN_TURN 64 /* messages taken per turn of the loop, so that no peer starves the others */

/* Who is trusted more than whom: a lower number is trusted more. */
static const int trust_order[ROLE_IDS] = {[ROLE_MASTER] = 0, [ROLE_NOTARY] = 1,	 [ROLE_STORE] = 2,
					  [ROLE_VERIFY] = 3, [ROLE_COURIER] = 4, [ROLE_FRONT] = 5};

struct packet {
	STAILQ_ENTRY(packet) next;
	struct buf bytes;
	int fd;
};

struct chan {
	int sock;
	enum role_id self, peer;
	uint32_t index;
	const struct chan_handler *handlers;
	chan_gone *gone;
	void *ctx;
	struct event *readable, *writable;
	STAILQ_HEAD(packets, packet) queue;
	size_t queued;
	int busy;  /* depth of handlers that run on this channel */
	bool dead; /* free when busy is 0 */
};

static void on_readable(evutil_socket_t sock, short what, void *arg);
static void on_writable(evutil_socket_t sock, short what, void *arg);

struct chan *
chan_new(struct event_base *base, int fd, enum role_id self, enum role_id peer, uint32_t index,
	 const struct chan_handler *handlers, chan_gone *gone, void *ctx)
{
	struct chan *ch = mem_alloc(sizeof *ch);

	*ch = (struct chan){.sock = fd,
			    .self = self,
			    .peer = peer,
			    .index = index,
			    .handlers = handlers,
			    .gone = gone,
			    .ctx = ctx};
	STAILQ_INIT(&ch->queue);
	evutil_make_socket_nonblocking(fd);
	ch->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, ch);
	ch->writable = event_new(base, fd, EV_WRITE, on_writable, ch);
	if (ch->readable == NULL || ch->writable == NULL || event_add(ch->readable, NULL) < 0)
		log_fatal("channel", &(struct err){ERR_SYSTEM, "no event for a channel"});
	return ch;
}

static void
packet_drop(struct chan *ch)
{
	struct packet *p = STAILQ_FIRST(&ch->queue);

	STAILQ_REMOVE_HEAD(&ch->queue, next);
	ch->queued -= p->bytes.len;
	if (p->fd >= 0)
		close(p->fd);
	buf_free(&p->bytes);
	free(p);
}

void
chan_free(struct chan *ch)
{
	if (ch == NULL)
		return;
	ch->dead = true;
	if (ch->busy > 0)
		return;
	event_free(ch->readable);
	event_free(ch->writable);
	while (!STAILQ_EMPTY(&ch->queue))
		packet_drop(ch);
	close(ch->sock);
	free(ch);
}

/* A channel that fails otherwise than by its peer's end has lost a message, and the job with it
 * would wait for ever: without its channels a role can promise nothing. */
static _Noreturn void
broken(const char *what)
{
	struct err e = {0};

	err_sys(&e, "%s", what);
	log_fatal("channel", &e);
}

/* One packet to the socket: 1 sent, 0 would block, -1 gone. */
static int
send_packet(int sock, const struct buf *bytes, int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {bytes->data, bytes->len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		m.msg_control = control.space;
		m.msg_controllen = sizeof control.space;
		control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
						.cmsg_level = SOL_SOCKET,
						.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	}
	do
		n = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 1;
	if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
		return 0;
	if (errno != EPIPE && errno != ECONNRESET)
		broken("sendmsg");
	return -1;
}

static void
enqueue(struct chan *ch, struct buf *bytes, int fd)
{
	struct packet *p = mem_alloc(sizeof *p);

	p->bytes = *bytes;
	p->fd = fd;
	STAILQ_INSERT_TAIL(&ch->queue, p, next);
	ch->queued += p->bytes.len;
	if (ch->queued > CHAN_QUEUE_MAX)
		log_fatal("channel",
			  &(struct err){ERR_INTERNAL, "a peer does not read its channel"});
	event_add(ch->writable, NULL);
}

void
chan_send(struct chan *ch, enum msg_kind kind, const void *msg, int fd)
{
	const struct msg_row *row = msg_row(kind);
	struct buf bytes = {0};
	int sent = 0;

	assert(row != NULL && row->from & 1u << ch->self && row->to & 1u << ch->peer);
	assert(row->fd == FD_MAY || (row->fd == FD_WITH) == (fd >= 0));
	msg_encode(kind, msg, &bytes);
	if (STAILQ_EMPTY(&ch->queue))
		sent = send_packet(ch->sock, &bytes, fd);
	if (sent == 0 && !ch->dead) {
		enqueue(ch, &bytes, fd);
		return;
	}
	/* sent, or the peer is gone: then on_readable will see it and say so */
	buf_free(&bytes);
	if (fd >= 0)
		close(fd);
}

static void
on_writable(evutil_socket_t sock, short what, void *arg)
{
	struct chan *ch = arg;
	int sent = 1;

	while (!STAILQ_EMPTY(&ch->queue)) {
		struct packet *p = STAILQ_FIRST(&ch->queue);

		if ((sent = send_packet(ch->sock, &p->bytes, p->fd)) == 0)
			break;
		packet_drop(ch);
	}
	if (sent == 0)
		event_add(ch->writable, NULL);
}

/* Descriptors of a control message: the first is kept, all others closed. */
static int
take_fd(struct msghdr *m)
{
	int fd = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		size_t n = c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS
			       ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int)
			       : 0;

		for (size_t i = 0; i < n; i++) {
			int got;

			memcpy(&got, CMSG_DATA(c) + i * sizeof got, sizeof got);
			if (fd < 0)
				fd = got;
			else
				close(got);
		}
	}
	return fd;
}

/* 1 with a packet, 0 none there, -1 the peer is gone (or sent what is no packet of ours). */
static int
recv_packet(int sock, int flags, struct buf *bytes, int *fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec iov;
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.space,
			   .msg_controllen = sizeof control.space};
	ssize_t n;

	buf_clear(bytes);
	buf_reserve(bytes, MSG_MAX_BYTES);
	iov = (struct iovec){bytes->data, MSG_MAX_BYTES};
	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | flags);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0 && errno != ECONNRESET)
		broken("recvmsg");
	if (n <= 0)
		return -1;
	*fd = take_fd(&m);
	bytes->len = m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)
			 ? 0
			 : (size_t)n; /* too long: no message of ours */
	return 1;
}

/* Is this packet a message that peer may send to self? *row and *msg (allocated) if so. */
static int
open_packet(enum role_id self, enum role_id peer, const struct buf *bytes, int fd, uint32_t *kind,
	    void **msg, struct err *e)
{
	const struct msg_row *row;
	void *m;

	if (bytes->len < 4)
		return err_set(e, ERR_INTERNAL, "no message: %zu bytes", bytes->len);
	*kind = be32_get(bytes->data);
	row = msg_row(*kind);
	if (row == NULL || !(row->from & 1u << peer) || !(row->to & 1u << self))
		return err_set(e, ERR_INTERNAL, "message %u may not come from %s", *kind,
			       role_name(peer));
	if (row->fd != FD_MAY && (row->fd == FD_WITH) != (fd >= 0))
		return err_set(e, ERR_INTERNAL, "message %s: descriptor %s", row->name,
			       fd >= 0 ? "unasked" : "missing");
	m = mem_alloc(row->size);
	if (msg_decode(row, bytes->data + 4, bytes->len - 4, m, e) < 0) {
		free(m);
		return -1;
	}
	*msg = m;
	return 0;
}

static void
refuse(struct chan *ch, struct err *e)
{
	err_wrap(e, "%s %u", role_name(ch->peer), ch->index);
	if (trust_order[ch->peer] < trust_order[ch->self])
		log_fatal("bad-message", e);
	log_err(LOG_LEVEL_ERROR, "bad-message", e);
}

static void
dispatch(struct chan *ch, const struct buf *bytes, int fd)
{
	const struct chan_handler *h = ch->handlers;
	struct err e;
	uint32_t kind = 0;
	void *msg = NULL;

	if (open_packet(ch->self, ch->peer, bytes, fd, &kind, &msg, &e) == 0) {
		while (h->kind != 0 && h->kind != kind)
			h++;
		if (h->kind != 0) {
			h->take(ch->ctx, ch, msg, fd);
			fd = -1;
		} else {
			err_set(&e, ERR_INTERNAL, "message %s has no taker here",
				msg_row(kind)->name);
			refuse(ch, &e);
		}
		msg_free(msg_row(kind), msg);
	} else {
		refuse(ch, &e);
	}
	free(msg);
	if (fd >= 0)
		close(fd);
}

static void
on_readable(evutil_socket_t sock, short what, void *arg)
{
	static struct buf bytes; /* one for the process: handlers do not nest reads */
	struct chan *ch = arg;
	int got = 1;

	ch->busy++;
	for (int i = 0; i < CHAN_TURN && !ch->dead; i++) {
		int fd = -1;

		if ((got = recv_packet(ch->sock, 0, &bytes, &fd)) <= 0)
			break;
		dispatch(ch, &bytes, fd);
	}
	if (got < 0 && !ch->dead) {
		event_del(ch->readable);
		event_del(ch->writable);
		ch->gone(ch->ctx, ch);
	}
	ch->busy--;
	if (ch->dead)
		chan_free(ch);
}

void
chan_drain(struct chan *ch)
{
	if (ch->busy == 0 && !ch->dead)
		on_readable(ch->sock, EV_READ, ch);
}

enum role_id
chan_peer(const struct chan *ch)
{
	return ch->peer;
}

uint32_t
chan_index(const struct chan *ch)
{
	return ch->index;
}

void *
chan_ctx(const struct chan *ch)
{
	return ch->ctx;
}

size_t
chan_queued(const struct chan *ch)
{
	return ch->queued;
}

int
chan_recv_blocking(int sock, enum role_id self, enum role_id peer, uint32_t *kind, void **msg,
		   struct buf *raw, int *fd, struct err *e)
{
	*fd = -1;
	*msg = NULL;
	if (recv_packet(sock, 0, raw, fd) <= 0)
		return err_set(e, ERR_INTERNAL, "%s is gone", role_name(peer));
	if (open_packet(self, peer, raw, *fd, kind, msg, e) == 0)
		return 0;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -1;
}

void
chan_pair(int fds[static 2])
{
	struct err e;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		err_sys(&e, "socketpair");
		log_fatal("channel", &e);
	}
}
