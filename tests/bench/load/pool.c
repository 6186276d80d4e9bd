/* pool.c - kept TLS connections and requests through them. Runs in: make bench. Owns: the
 * connections. One thread, one epoll: its CPU time is told apart from the server's. */
#include "pool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define READ_BYTES (64 * 1024)
#define SILENCE_MS 30000 /* no answer at all for so long ends the program */
#define EVENTS_MAX 256

struct conn {
	SSL *ssl;
	int fd;
	const struct job *job; /* NULL: idle */
	size_t index, request, sent;
	double due;
	struct buf out, in;
	uint32_t waits; /* events that it is registered for */
};

struct pool {
	SSL_CTX *ctx;
	int epoll;
	size_t n, nidle;
	struct conn *conns;
	struct conn **idle;
	double *late; /* seconds that each job took */
};

double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double
cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

_Noreturn void
fail(const char *what, const char *why)
{
	fprintf(stderr, "load: %s: %s\n", what, why);
	ERR_print_errors_fp(stderr);
	exit(1);
}

/* --- connections --- */

static SSL_CTX *
new_context(const char *pki, const char *agency)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	char path[3][512];

	snprintf(path[0], sizeof *path, "%s/trust/root.pem", pki);
	snprintf(path[1], sizeof *path, "%s/certs/agency-tls/%s.pem", pki, agency);
	snprintf(path[2], sizeof *path, "%s/certs/agency-tls/%s.key", pki, agency);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				  SSL_MODE_RELEASE_BUFFERS);
	if (SSL_CTX_load_verify_locations(ctx, path[0], NULL) != 1 ||
	    SSL_CTX_use_certificate_chain_file(ctx, path[1]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, path[2], SSL_FILETYPE_PEM) != 1)
		fail(agency, "its certificates cannot be read");
	return ctx;
}

static void
conn_open(struct pool *p, struct conn *c, int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0)
		fail("connect", strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c->ssl = SSL_new(p->ctx);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_tlsext_host_name(c->ssl, "localhost");
	if (SSL_connect(c->ssl) != 1)
		fail("handshake", "refused");
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->waits = EPOLLIN;
	epoll_ctl(p->epoll, EPOLL_CTL_ADD, c->fd, &ev);
}

struct pool *
pool_open(int port, const char *pki, const char *agency, size_t n)
{
	struct pool *p = mem_alloc(sizeof *p);

	p->ctx = new_context(pki, agency);
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	p->n = n;
	p->conns = mem_alloc(n * sizeof *p->conns);
	p->idle = mem_alloc(n * sizeof(struct conn *));
	for (size_t i = 0; i < n; i++) {
		conn_open(p, &p->conns[i], port);
		p->idle[p->nidle++] = &p->conns[i];
	}
	return p;
}

void
pool_close(struct pool *p)
{
	for (size_t i = 0; i < p->n; i++) {
		SSL_free(p->conns[i].ssl);
		close(p->conns[i].fd);
		buf_free(&p->conns[i].out);
		buf_free(&p->conns[i].in);
	}
	close(p->epoll);
	SSL_CTX_free(p->ctx);
	free(p->conns);
	free(p->idle);
	free(p);
}

static void
wait_for(struct pool *p, struct conn *c, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = c};

	if (c->waits != events)
		epoll_ctl(p->epoll, EPOLL_CTL_MOD, c->fd, &ev);
	c->waits = events;
}

/* --- one job --- */

static void
conn_write(struct pool *p, struct conn *c)
{
	int n = 1;

	while (c->sent < c->out.len &&
	       (n = SSL_write(c->ssl, c->out.data + c->sent, (int)(c->out.len - c->sent))) > 0)
		c->sent += (size_t)n;
	if (n <= 0 && SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_WRITE)
		fail("write", "the server closed");
	wait_for(p, c, c->sent < c->out.len ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void
start_request(struct pool *p, struct conn *c)
{
	const struct buf *bytes = &c->job->request[c->request].bytes,
			 *rest = c->job->request[c->request].rest;

	buf_clear(&c->out);
	buf_clear(&c->in);
	buf_add(&c->out, bytes->data, bytes->len);
	if (rest != NULL)
		buf_add(&c->out, rest->data, rest->len);
	c->sent = 0;
	conn_write(p, c);
}

/* Bytes of the answer, 0 while they are not known. */
static size_t
answer_bytes(const struct buf *in)
{
	const uint8_t *end = memmem(in->data, in->len, "\r\n\r\n", 4);
	const char *length;

	if (end == NULL)
		return 0;
	length = memmem(in->data, (size_t)(end - in->data), "Content-Length: ", 16);
	return (size_t)(end + 4 - in->data) +
	       (length != NULL ? strtoull(length + 16, NULL, 10) : 0);
}

static void
check(const struct conn *c)
{
	const char *has = c->job->request[c->request].has;
	int status = c->in.len > 12 ? atoi((const char *)c->in.data + 9) : 0;

	if (status != c->job->request[c->request].status ||
	    (has != NULL && memmem(c->in.data, c->in.len, has, strlen(has)) == NULL))
		fail("answer", (const char *)c->in.data);
}

/* true: the job is done. */
static bool
conn_read(struct pool *p, struct conn *c)
{
	size_t want;
	int n;

	for (;;) {
		buf_reserve(&c->in, READ_BYTES);
		n = SSL_read(c->ssl, c->in.data + c->in.len, READ_BYTES - 1);
		if (n <= 0)
			break;
		c->in.len += (size_t)n;
		c->in.data[c->in.len] = '\0';
		if (c->job == NULL)
			fail("answer", "of no request");
		want = answer_bytes(&c->in);
		if (want == 0 || c->in.len < want)
			continue;
		check(c);
		if (++c->request == c->job->n)
			return true;
		start_request(p, c);
	}
	if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ)
		fail("read", "the server closed");
	return false;
}

/* --- many --- */

struct run {
	const struct job *jobs;
	size_t n, given, done;
	double began, rate;
};

static double
due_at(const struct run *r, size_t i)
{
	return r->rate > 0 ? r->began + (double)i / r->rate : now_s();
}

/* Gives jobs to idle connections as they are due; nanoseconds until the next one, -1: none. */
static int64_t
give(struct pool *p, struct run *r)
{
	while (p->nidle > 0 && r->given < r->n) {
		double due = due_at(r, r->given), now = now_s();
		struct conn *c;

		if (due > now)
			return (int64_t)((due - now) * 1e9) + 1;
		c = p->idle[--p->nidle];
		c->job = &r->jobs[r->given];
		c->index = r->given++;
		c->request = 0;
		c->due = due;
		start_request(p, c);
	}
	return -1;
}

static void
serve(struct pool *p, struct run *r, const struct epoll_event *ev)
{
	struct conn *c = ev->data.ptr;

	if (ev->events & EPOLLOUT)
		conn_write(p, c);
	if (!(ev->events & ~(uint32_t)EPOLLOUT) || !conn_read(p, c))
		return;
	p->late[c->index] = now_s() - c->due;
	c->job = NULL;
	p->idle[p->nidle++] = c;
	r->done++;
}

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void
pool_run(struct pool *p, const struct job *jobs, size_t n, double rate, struct result *out)
{
	struct run r = {.jobs = jobs, .n = n, .began = now_s(), .rate = rate};
	struct epoll_event events[EVENTS_MAX];
	double cpu = cpu_s();

	p->late = mem_alloc(n * sizeof *p->late);
	while (r.done < n) {
		int64_t ns = give(p, &r);
		struct timespec until = {ns / 1000000000, ns % 1000000000};
		int got;

		if (ns < 0)
			until = (struct timespec){SILENCE_MS / 1000, 0};
		got = epoll_pwait2(p->epoll, events, EVENTS_MAX, &until, NULL);
		if (got == 0 && ns < 0)
			fail("answer", "none came");
		for (int i = 0; i < got; i++)
			serve(p, &r, &events[i]);
	}
	*out = (struct result){.n = n, .seconds = now_s() - r.began, .cpu_seconds = cpu_s() - cpu};
	qsort(p->late, n, sizeof *p->late, by_size);
	out->p50_ms = p->late[n / 2] * 1e3;
	out->p99_ms = p->late[n * 99 / 100] * 1e3;
	out->max_ms = p->late[n - 1] * 1e3;
	free(p->late);
}

void
pool_hold(struct pool *p, const struct buf *request)
{
	for (size_t i = 0; i < p->n; i++)
		if (SSL_write(p->conns[i].ssl, request->data, (int)request->len) !=
		    (int)request->len)
			fail("write", "a long poll was not taken");
}

static void
write_all(struct conn *c, const void *p, size_t n)
{
	size_t done;

	for (const uint8_t *at = p; n > 0; at += done, n -= done)
		if (SSL_write_ex(c->ssl, at, n, &done) != 1)
			fail("write", "the server closed");
}

void
pool_put(struct pool *p, const struct buf *head, int fd, struct result *out)
{
	double began = now_s(), cpu = cpu_s();
	struct conn *c = &p->conns[0];
	uint8_t *block = mem_alloc(READ_BYTES);
	char status[64] = "";
	ssize_t n;

	fcntl(c->fd, F_SETFL, 0); /* alone, it may block */
	write_all(c, head->data, head->len);
	while ((n = read(fd, block, READ_BYTES)) > 0)
		write_all(c, block, (size_t)n);
	if (SSL_read(c->ssl, status, sizeof status - 1) <= 0 || strncmp(status + 9, "20", 2) != 0)
		fail("answer", status);
	*out = (struct result){.n = 1, .seconds = now_s() - began, .cpu_seconds = cpu_s() - cpu};
	free(block);
}
