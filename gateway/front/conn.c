/* conn.c - a connection's life: handshake, deadlines, caps, the last words. Runs in: front. Owns:
 * the connections. Trusts: nothing that a client does. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "front/front.h"
#include "safehand/log.h"

#define PROGRESS   1024		     /* bytes that prolong a body's deadline */
#define LINGER_MAX (4 * 1024 * 1024) /* bytes of an unwanted body that are read and dropped */

void
conn_deadline(struct conn *c, enum deadline which)
{
	c->moved = 0;
	if (which == DEADLINE_NONE)
		event_del(c->timer);
	else
		event_add(c->timer, c->front->limits[which]);
}

void
conn_progress(struct conn *c, size_t n)
{
	c->moved += n;
	if (c->moved >= PROGRESS)
		conn_deadline(c, DEADLINE_BODY);
}

/* --- counts --- */

static void
set_address(struct conn *c, const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		memcpy(c->address, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
		c->address_n = 4;
	} else if (sa->sa_family == AF_INET6) {
		memcpy(c->address, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 8);
		c->address_n = 8;
	}
}

static void
uncount(struct conn *c)
{
	struct front *f = c->front;

	if (c->known)
		tally_sub(f->agencies, c->agency, strlen(c->agency));
	else
		tally_sub(f->strangers, c->address, c->address_n);
	f->connections--;
}

/* --- the end --- */

void
conn_close(struct conn *c)
{
	if (c->phase == PHASE_DEAD)
		return;
	if (c->phase != PHASE_LINGER)
		tls_shutdown(c->bev);
	request_free(c);
	uncount(c);
	c->phase = PHASE_DEAD;
	event_del(c->timer);
	bufferevent_setcb(c->bev, NULL, NULL, NULL, NULL);
	bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	LIST_REMOVE(c, next);
	LIST_INSERT_HEAD(&c->front->dead, c, next);
	event_active(c->front->reaper, EV_TIMEOUT, 0);
}

void
conn_reap(struct front *f)
{
	while (!LIST_EMPTY(&f->dead)) {
		struct conn *c = LIST_FIRST(&f->dead);

		LIST_REMOVE(c, next);
		bufferevent_free(c->bev);
		event_free(c->timer);
		free(c);
	}
}

/* A close while bytes of the client wait unread would be a reset, and eat the answer. */
static void
linger(struct conn *c)
{
	tls_shutdown(c->bev);
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	c->phase = PHASE_LINGER;
	conn_deadline(c, DEADLINE_LINGER);
	bufferevent_enable(c->bev, EV_READ);
	c->held = false;
	conn_feed(c);
}

static bool
drop_input(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t n = evbuffer_get_length(in);

	evbuffer_drain(in, n);
	c->moved += n;
	if (c->moved > LINGER_MAX)
		conn_close(c);
	return false;
}

void
conn_answered(struct conn *c)
{
	request_free(c);
	if (c->closing) {
		linger(c);
		return;
	}
	c->phase = PHASE_IDLE;
	conn_deadline(c, DEADLINE_IDLE);
	bufferevent_enable(c->bev, EV_READ);
	c->held = false;
	conn_feed(c);
}

void
conn_stop(struct conn *c)
{
	const struct request *r = c->request;

	c->closing = true;
	if (c->phase == PHASE_HANDSHAKE || c->phase == PHASE_IDLE || c->phase == PHASE_HEAD)
		conn_close(c);
	else if (c->phase == PHASE_STORE && r->call.route->kind == CALL_ASK &&
		 r->call.route->ask == ASK_FEED)
		answer_error(c, 0, ERR_BUSY, "the gateway stops: ask again");
}

/* --- what the loop tells --- */

/* Above the high mark, and with reading enabled, libevent calls us again and again for bytes that
 * we cannot take yet: it spins. So reading stops then, until there is room. */
static void
hold_input(struct conn *c)
{
	bool full;

	if (c->phase == PHASE_DEAD || c->phase == PHASE_HANDSHAKE)
		return;
	full = evbuffer_get_length(bufferevent_get_input(c->bev)) >= INPUT_MAX;
	if (full == c->held)
		return;
	c->held = full;
	if (full)
		bufferevent_disable(c->bev, EV_READ);
	else
		bufferevent_enable(c->bev, EV_READ);
}

void
conn_feed(struct conn *c)
{
	bool more = true;

	while (more)
		switch (c->phase) {
		case PHASE_IDLE:
		case PHASE_HEAD: more = request_take_head(c); break;
		case PHASE_BODY: more = request_take_body(c); break;
		case PHASE_LINGER: more = drop_input(c); break;
		case PHASE_HANDSHAKE:
		case PHASE_STORE:
		case PHASE_ANSWER:
		case PHASE_DEAD: more = false; break;
		}
	hold_input(c);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	conn_feed(arg);
}

static void
on_write(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	if (c->phase == PHASE_ANSWER)
		answer_more(c);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	if (c->phase == PHASE_HEAD)
		answer_error(c, 408, ERR_USAGE, "the head took too long");
	else if (c->phase == PHASE_BODY)
		answer_error(c, 408, ERR_USAGE, "the body took too long");
	else
		conn_close(c);
}

static void
log_refused(struct conn *c, const struct err *e)
{
	char address[INET6_ADDRSTRLEN] = "";
	uint8_t whole[16] = {0};

	memcpy(whole, c->address, c->address_n);
	inet_ntop(c->address_n == 4 ? AF_INET : AF_INET6, whole, address, sizeof address);
	if (front_may_log(c->front))
		log_warn("client-refused", "code=%s error=%s address=%s agency=%s",
			 err_name(e->code), e->text, address, c->agency);
}

static void
refuse_client(struct conn *c, const struct err *e)
{
	log_refused(c, e);
	conn_close(c);
}

/* The handshake is done: from a stranger at an address to an agency. */
static void
on_known(struct conn *c)
{
	struct front *f = c->front;
	struct identity id;
	struct err e;

	if (tls_peer(c->bev, &id, &e) < 0) {
		refuse_client(c, &e);
		return;
	}
	tally_sub(f->strangers, c->address, c->address_n);
	c->known = true;
	memcpy(c->agency, id.agency, sizeof c->agency);
	memcpy(c->cert, id.cert, sizeof c->cert);
	c->not_after_ms = id.not_after_ms;
	if (tally_add(f->agencies, c->agency, strlen(c->agency)) > f->per_agency_max) {
		err_set(&e, ERR_LIMIT, "more than %zu connections of one agency",
			f->per_agency_max);
		refuse_client(c, &e);
		return;
	}
	c->phase = PHASE_IDLE;
	conn_deadline(c, DEADLINE_IDLE);
	conn_feed(c);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct conn *c = arg;
	struct err e;

	if (what & BEV_EVENT_CONNECTED) {
		on_known(c);
	} else if (c->phase == PHASE_HANDSHAKE) {
		tls_why(bev, &e);
		refuse_client(c, &e);
	} else {
		conn_close(c); /* whole or not is told by the framing, not by how it ended */
	}
}

/* --- the beginning --- */

static void
set_up(struct conn *c)
{
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, INPUT_MAX);
	bufferevent_set_max_single_read(c->bev, INPUT_MAX);
	bufferevent_set_max_single_write(c->bev, OUTPUT_LOW);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	conn_deadline(c, DEADLINE_HANDSHAKE);
}

void
conn_new(struct front *f, int fd, const struct sockaddr *address)
{
	struct conn *c = mem_alloc(sizeof *c);
	struct err e;
	int on = 1;

	*c = (struct conn){.front = f, .phase = PHASE_HANDSHAKE};
	set_address(c, address);
	if (tally_get(f->strangers, c->address, c->address_n) >= f->per_address_max) {
		err_set(&e, ERR_LIMIT, "more than %zu handshakes of one address",
			f->per_address_max);
		log_refused(c, &e);
		close(fd);
		free(c);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->timer = event_new(f->env->base, -1, 0, on_deadline, c);
	c->bev = tls_accept(f->tls, f->env->base, fd);
	if (c->bev == NULL || c->timer == NULL)
		log_fatal("memory", &(struct err){ERR_SYSTEM, "no memory for a connection"});
	f->connections++;
	tally_add(f->strangers, c->address, c->address_n);
	LIST_INSERT_HEAD(&f->live, c, next);
	set_up(c);
}
