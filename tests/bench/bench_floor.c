/* bench_floor.c - what this machine can do at all: syncs, signatures, digests, TLS, with the same
 * libraries and nothing around them. Every other figure is told as a share of it. JSON lines. Runs
 * in: make bench, beside the measures that it is the floor of.
 * usage: bench_floor FOLDER [BUNDLE ANSWER]    bytes of an accept, for its TLS exchange */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "safehand/buf.h"
#include "safehand/limits.h"

#define SECONDS	     0.7 /* of each measure */
#define FILE_BYTES   (64 * MIB)
#define BLOCK	     (16 * 1024) /* a TLS record */
#define BUNDLE_BYTES 8192
#define ANSWER_BYTES 8192

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

/* Does it over and over for SECONDS; times a second. */
static double
rate(void (*once)(void *), void *arg)
{
	double began = now_s();
	size_t n = 0;

	while (n < 3 || now_s() - began < SECONDS) {
		once(arg);
		n++;
	}
	return (double)n / (now_s() - began);
}

static double
cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Times a second of processor time: what others take of the core does not count. */
static double
cpu_rate(void (*once)(void *), void *arg)
{
	double began = cpu_s();
	size_t n = 0;

	while (n < 3 || cpu_s() - began < SECONDS) {
		once(arg);
		n++;
	}
	return (double)n / (cpu_s() - began);
}

/* --- syncs --- */

struct file {
	int fd;
	off_t at;
	uint8_t block[4096];
};

static void
write_and_sync(void *arg)
{
	struct file *f = arg;

	must(pwrite(f->fd, f->block, sizeof f->block, f->at) == sizeof f->block, "write");
	must(fdatasync(f->fd) == 0, "fdatasync");
	f->at = (f->at + (off_t)sizeof f->block) % (off_t)FILE_BYTES;
}

static double
syncs(const char *folder)
{
	struct file f = {0};
	char path[512];
	double per_s;

	snprintf(path, sizeof path, "%s/floor", folder);
	f.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(f.fd >= 0 && posix_fallocate(f.fd, 0, (off_t)FILE_BYTES) == 0, path);
	must(fsync(f.fd) == 0, "fsync");
	per_s = rate(write_and_sync, &f);
	close(f.fd);
	unlink(path);
	return per_s;
}

/* --- signatures and digests --- */

struct signature {
	EVP_PKEY *key;
	uint8_t digest[32], bytes[128];
	size_t n;
};

static void
verify(void *arg)
{
	struct signature *s = arg;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(s->key, NULL);

	must(EVP_PKEY_verify_init(ctx) == 1 &&
		 EVP_PKEY_verify(ctx, s->bytes, s->n, s->digest, sizeof s->digest) == 1,
	     "verify");
	EVP_PKEY_CTX_free(ctx);
}

static double
verifications(void)
{
	struct signature s = {.key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"),
			      .n = sizeof s.bytes};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(s.key, NULL);
	double per_s;

	must(EVP_PKEY_sign_init(ctx) == 1 &&
		 EVP_PKEY_sign(ctx, s.bytes, &s.n, s.digest, sizeof s.digest) == 1,
	     "sign");
	EVP_PKEY_CTX_free(ctx);
	per_s = cpu_rate(verify, &s);
	EVP_PKEY_free(s.key);
	return per_s;
}

static void
digest(void *arg)
{
	uint8_t out[32];

	must(EVP_Digest(arg, MIB, out, NULL, EVP_sha256(), NULL) == 1, "digest");
}

/* --- TLS --- */

struct ends {
	SSL *client, *server;
	size_t up, down; /* bytes of an exchange */
	uint8_t block[BLOCK];
};

static X509 *
self_signed(EVP_PKEY *key)
{
	X509 *x = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	must(X509_set_pubkey(x, key) == 1 && X509_sign(x, key, EVP_sha256()) > 0, "certificate");
	return x;
}

static SSL *
new_end(const SSL_METHOD *method, int fd, EVP_PKEY *key, X509 *x)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	SSL *ssl;

	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	if (key != NULL)
		must(SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1,
		     "TLS key");
	SSL_CTX_set_num_tickets(ctx, 0);
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	must(SSL_set_fd(ssl, fd) == 1, "TLS");
	return ssl;
}

static void
shake_hands(struct ends *t)
{
	int a = 0, b = 0;

	while (a != 1 || b != 1) {
		a = SSL_do_handshake(t->client);
		b = SSL_do_handshake(t->server);
	}
}

/* Both ends of a connection in this process, through the kernel: what they cost together. */
static void
open_ends(struct ends *t)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *x = self_signed(key);
	int fds[2], bytes = 1 << 20;

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0,
	     "socket");
	for (int i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	t->client = new_end(TLS_client_method(), fds[0], NULL, NULL);
	t->server = new_end(TLS_server_method(), fds[1], key, x);
	SSL_set_connect_state(t->client);
	SSL_set_accept_state(t->server);
	shake_hands(t);
	EVP_PKEY_free(key);
	X509_free(x);
}

static void
pass(struct ends *t, SSL *from, SSL *to, size_t n)
{
	while (n > 0) {
		size_t part = n < BLOCK ? n : BLOCK, done;

		must(SSL_write_ex(from, t->block, part, &done) == 1 &&
			 SSL_read_ex(to, t->block, part, &done) == 1 && done == part,
		     "TLS");
		n -= part;
	}
}

static void
exchange(void *arg)
{
	struct ends *t = arg;

	pass(t, t->client, t->server, t->up);
	pass(t, t->server, t->client, t->down);
}

int
main(int argc, char **argv)
{
	struct ends t = {.up = MIB};
	size_t up = argc > 3 ? strtoull(argv[2], NULL, 10) : BUNDLE_BYTES,
	       down = argc > 3 ? strtoull(argv[3], NULL, 10) : ANSWER_BYTES;
	uint8_t *mib = mem_alloc(MIB);
	double per_s;

	must(argc > 1, "usage: bench_floor FOLDER");
	printf("{\"bench\":\"floor\",\"fdatasync_per_s\":%.0f", syncs(argv[1]));
	printf(",\"p256_verify_per_s\":%.0f", verifications());
	printf(",\"sha256_mb_per_s\":%.0f", cpu_rate(digest, mib) * 1.048576);
	open_ends(&t);
	per_s = cpu_rate(exchange, &t);
	printf(",\"tls_mb_per_s\":%.0f", per_s * 1.048576);
	t.up = up;
	t.down = down;
	per_s = cpu_rate(exchange, &t);
	printf(",\"up_bytes\":%zu,\"down_bytes\":%zu,\"tls_exchange_us\":%.1f}\n", up, down,
	       1e6 / per_s);
	SSL_free(t.client);
	SSL_free(t.server);
	free(mib);
	return 0;
}
