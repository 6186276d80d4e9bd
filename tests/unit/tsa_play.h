/* tsa_play.h - a played time stamping authority: HTTP on loopback in the test's own loop, answers
 * made by `openssl ts -reply` with the test PKI's key. Each instance plays one part. */
#ifndef TESTS_TSA_PLAY_H
#define TESTS_TSA_PLAY_H

#include <stdbool.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "tap.h"

#include "safehand/timestamp.h"

enum part {
	PART_GOOD,
	PART_NO_NONCE, /* a token made without the request's nonce */
	PART_OTHER,    /* a good token for another request */
	PART_GARBAGE,
	PART_EMPTY,
	PART_LONG,	  /* a body without end */
	PART_LONG_HEADER, /* a head without end */
	PART_SLOW,	  /* takes the request, never answers */
	PART_CUT,	  /* hangs up in the middle */
	PART_STATUS,	  /* 503 */
	PART_TYPE,	  /* a good token as text/html */
	PART_REDIRECT,	  /* 302 to where `to` says */
};

struct tsa_play {
	enum part part;
	const char *pki; /* the folder of the PKI whose authority it is */
	struct evconnlistener *listener;
	unsigned port, hits;
	struct tsa_play *to;
	char folder[32];
};

static void
play_write(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* The TimeStampResp that stock openssl gives to a request. */
static void
play_reply(const struct tsa_play *t, const void *request, size_t n, struct buf *out)
{
	char path[64], command[1024];
	struct buf conf = {0};
	FILE *f;
	int c;

	snprintf(path, sizeof path, "%s/tsa.cnf", t->folder);
	buf_addf(&conf,
		 "[tsa]\ndefault_tsa = t\n[t]\nserial = %s/serial\nsigner_digest = sha256\n"
		 "default_policy = 1.2.3.4\ndigests = sha256\nclock_precision_digits = 3\n"
		 "accuracy = secs:1\n",
		 t->folder);
	play_write(path, conf.data, conf.len);
	buf_free(&conf);
	snprintf(path, sizeof path, "%s/request", t->folder);
	play_write(path, request, n);
	snprintf(command, sizeof command,
		 "cd %s && openssl ts -reply -config tsa.cnf -section t -queryfile request "
		 "-signer %s/certs/tsa/gw.pem -inkey %s/certs/tsa/gw.key "
		 "-chain %s/trust/issuing.pem -out response 2>log",
		 t->folder, t->pki, t->pki, t->pki);
	if (system(command) != 0)
		fail_msg("openssl ts -reply: see %s/log", t->folder);
	snprintf(path, sizeof path, "%s/response", t->folder);
	assert_non_null(f = fopen(path, "r"));
	while ((c = getc(f)) != EOF)
		buf_addc(out, (char)c);
	fclose(f);
}

static void
play_token_without_nonce(const struct tsa_play *t, struct buf *out)
{
	static const uint8_t status[] = {0x30, 0x03, 0x02, 0x01, 0x00}; /* PKIStatusInfo: granted */
	struct buf key = pki_file("certs/tsa/gw.key"), cert = pki_file("certs/tsa/gw.pem"),
		   token = {0};
	uint8_t digest[DIGEST_BYTES];
	struct tsa *tsa;
	struct err e;

	memset(digest, 1, sizeof digest); /* as asked for size 1: only the nonce is missing */
	assert_ok(tsa_new(key.data, key.len, cert.data, cert.len, &tsa, &e), &e);
	assert_ok(tsa_stamp(tsa, digest, 1700000000000, &token, &e), &e);
	tsa_free(tsa);
	assert_in_range(token.len + sizeof status, 0x100, 0xffff);
	buf_addc(out, 0x30); /* TimeStampResp: SEQUENCE of two length bytes */
	buf_addc(out, (char)0x82);
	buf_addc(out, (char)((token.len + sizeof status) >> 8));
	buf_addc(out, (char)(token.len + sizeof status));
	buf_add(out, status, sizeof status);
	buf_add(out, token.data, token.len);
	buf_wipe(&key);
	buf_free(&cert);
	buf_free(&token);
}

static void
play_other(const struct tsa_play *t, struct buf *out)
{
	uint8_t digest[DIGEST_BYTES] = {1, 2, 3};
	struct buf request = {0};
	struct err e;

	assert_ok(timestamp_request(digest, &request, &e), &e);
	play_reply(t, request.data, request.len, out);
	buf_free(&request);
}

static void
play_send(struct bufferevent *bev, const char *status, const char *type, const struct buf *body)
{
	struct evbuffer *out = bufferevent_get_output(bev);

	evbuffer_add_printf(out, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
			    status, type, body->len);
	evbuffer_add(out, body->data, body->len);
}

static void
play_endless(struct bufferevent *bev, bool in_head)
{
	struct evbuffer *out = bufferevent_get_output(bev);

	evbuffer_add_printf(out, "HTTP/1.1 200 OK\r\n");
	if (!in_head)
		evbuffer_add_printf(out, "Content-Type: application/timestamp-reply\r\n\r\n");
	for (int i = 0; i < 10000; i++)
		evbuffer_add_printf(out, "X-%d: %0100d\r\n", i, i);
}

static void
play_answer(struct tsa_play *t, struct bufferevent *bev, const void *request, size_t n)
{
	static const char type[] = "application/timestamp-reply";
	struct buf body = {0};

	t->hits++;
	switch (t->part) {
	case PART_GOOD:
		play_reply(t, request, n, &body);
		play_send(bev, "200 OK", "Application/Timestamp-Reply; v=1", &body);
		break;
	case PART_NO_NONCE:
		play_token_without_nonce(t, &body);
		play_send(bev, "200 OK", type, &body);
		break;
	case PART_OTHER:
		play_other(t, &body);
		play_send(bev, "200 OK", type, &body);
		break;
	case PART_GARBAGE:
		buf_adds(&body, "certainly");
		play_send(bev, "200 OK", type, &body);
		break;
	case PART_EMPTY: play_send(bev, "200 OK", type, &body); break;
	case PART_LONG:
	case PART_LONG_HEADER: play_endless(bev, t->part == PART_LONG_HEADER); break;
	case PART_SLOW: break;
	case PART_CUT:
		evbuffer_add_printf(bufferevent_get_output(bev),
				    "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
				    "Content-Length: 100\r\n\r\nhalf",
				    type);
		bufferevent_flush(bev, EV_WRITE, BEV_FLUSH);
		shutdown(bufferevent_getfd(bev), SHUT_RD);
		break;
	case PART_STATUS: play_send(bev, "503 Busy", type, &body); break;
	case PART_TYPE:
		play_reply(t, request, n, &body);
		play_send(bev, "200 OK", "text/html", &body);
		break;
	case PART_REDIRECT:
		evbuffer_add_printf(bufferevent_get_output(bev),
				    "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/\r\n"
				    "Content-Length: 0\r\n\r\n",
				    t->to->port);
		break;
	}
	buf_free(&body);
}

static void
play_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t n = evbuffer_get_length(in);
	char *text = (char *)evbuffer_pullup(in, -1), *end, *length;
	size_t head, body;

	if ((end = memmem(text, n, "\r\n\r\n", 4)) == NULL)
		return;
	head = (size_t)(end - text) + 4;
	assert_true(strncmp(text, "POST /tsr HTTP/1.1\r\n", 20) == 0);
	assert_non_null(memmem(text, head, "Content-Type: application/timestamp-query\r\n", 43));
	assert_non_null(length = memmem(text, head, "Content-Length: ", 16));
	body = strtoul(length + 16, NULL, 10);
	if (n < head + body)
		return;
	play_answer(arg, bev, text + head, body);
	evbuffer_drain(in, head + body);
}

static void
play_event(struct bufferevent *bev, short what, void *arg)
{
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		bufferevent_free(bev);
}

static void
play_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int n, void *arg)
{
	struct bufferevent *bev =
	    bufferevent_socket_new(evconnlistener_get_base(l), fd, BEV_OPT_CLOSE_ON_FREE);

	bufferevent_setcb(bev, play_read, NULL, play_event, arg);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static void
play_begin(struct tsa_play *t, struct event_base *base, enum part part, const char *pki)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof sa;

	*t = (struct tsa_play){.part = part, .pki = pki};
	strcpy(t->folder, "/tmp/safehand-tsa-XXXXXX");
	assert_non_null(mkdtemp(t->folder));
	t->listener = evconnlistener_new_bind(base, play_accept, t,
					      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16,
					      (struct sockaddr *)&sa, sizeof sa);
	assert_non_null(t->listener);
	assert_int_equal(
	    getsockname(evconnlistener_get_fd(t->listener), (struct sockaddr *)&sa, &n), 0);
	t->port = ntohs(sa.sin_port);
}

static void
play_end(struct tsa_play *t)
{
	char command[64];

	evconnlistener_free(t->listener);
	snprintf(command, sizeof command, "rm -rf %s", t->folder);
	assert_int_equal(system(command), 0);
}

#endif
