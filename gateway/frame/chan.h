/* chan.h - a channel to another role: SOCK_SEQPACKET, one send is one message with at most one
 * descriptor. Runs in: all roles. Owns: its socket and what could not be sent yet. */
#ifndef FRAME_CHAN_H
#define FRAME_CHAN_H

#include "frame/msg.h"

struct chan;
struct event_base;

/* Takes the message and the descriptor (-1 if none): the handler owns fd and must close or keep it.
 * msg and all that it points to is valid until the handler returns. */
typedef void chan_take(void *ctx, struct chan *ch, const void *msg, int fd);

/* The messages that a role takes on a channel. Ends with kind 0. */
struct chan_handler {
	enum msg_kind kind;
	chan_take *take;
};

/* Called once when the peer is gone or its channel is broken; the callee may chan_free. */
typedef void chan_gone(void *ctx, struct chan *ch);

/* self: this role; peer: the other's. Nonblocking; reads when the base runs. fd is owned from here
 * on. A message that the table does not allow from peer to self, that has no handler, or that does
 * not decode: from a peer less trusted than self it is logged and dropped; from a more trusted one
 * the process ends. */
struct chan *chan_new(struct event_base *base, int fd, enum role_id self, enum role_id peer,
		      uint32_t index, const struct chan_handler *handlers, chan_gone *gone,
		      void *ctx);
void chan_free(struct chan *ch); /* NULL is fine; safe inside a handler of the same channel */

/* Sends, or queues in order when the socket is full (CHAN_QUEUE_MAX bytes queued end the process:
 * the peer does not read). fd is owned by the channel from here on, -1 for none. */
void chan_send(struct chan *ch, enum msg_kind kind, const void *msg, int fd);

/* Takes what has come already, without waiting. Not for a channel whose handler is running. */
void chan_drain(struct chan *ch);

enum role_id chan_peer(const struct chan *ch);
uint32_t chan_index(const struct chan *ch);
void *chan_ctx(const struct chan *ch);
size_t chan_queued(const struct chan *ch); /* bytes waiting to be sent */

/* Blocking, for the time before the loop: one message; -1 with err at EOF. *msg is row->size bytes
 * to free after msg_free. */
int chan_recv_blocking(int sock, enum role_id self, enum role_id peer, uint32_t *kind, void **msg,
		       struct buf *raw, int *fd, struct err *e);

/* A connected pair, both ends CLOEXEC; ends the process on failure. */
void chan_pair(int fds[static 2]);

#endif
