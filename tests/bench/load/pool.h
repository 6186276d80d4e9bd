/* pool.h - kept connections of one agency to a gateway, and requests through them: as fast as the
 * answers come (closed loop), or at a rate (open loop, where a request that had to wait for a
 * connection is late from the moment when it was due). */
#ifndef BENCH_POOL_H
#define BENCH_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safehand/buf.h"

#define REQUESTS_MAX 2 /* of one job: one after the other on one connection */

struct job {
	struct {
		struct buf bytes;	/* head and body, or its beginning */
		const struct buf *rest; /* of the body, shared by many jobs; NULL: none */
		int status;		/* that is wanted: another ends the program */
		const char *has;	/* what the answer must hold; NULL: anything */
	} request[REQUESTS_MAX];
	size_t n;
};

struct result {
	size_t n;
	double seconds, cpu_seconds; /* cpu: of this process, in that time */
	double p50_ms, p99_ms, max_ms;
};

struct pool;

/* Opens n connections with the TLS certificate of an agency of the PKI folder; each is through its
 * handshake. Failures end the program, here and below. */
struct pool *pool_open(int port, const char *pki, const char *agency, size_t n);
void pool_close(struct pool *p);
/* Each job once; rate: jobs a second, 0 for a closed loop. */
void pool_run(struct pool *p, const struct job *jobs, size_t n, double rate, struct result *out);
/* Sends a request on every connection and waits for nothing. */
void pool_hold(struct pool *p, const struct buf *request);
/* One request on the first connection whose body is the file: from its head to its answer, which
 * must be a success. */
void pool_put(struct pool *p, const struct buf *head, int fd, struct result *out);

double now_s(void);
_Noreturn void fail(const char *what, const char *why);

#endif
