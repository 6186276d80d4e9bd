/* main.c - the load generator: takes commands from its standard input, one a line, and answers each
 * with a JSON line. What must be made is made by commands of its own, so that nothing but requests
 * lies in what is measured. Runs in: make bench.
 * usage: load PORT PKI, then:
 *   make FROM TO,TO,... BYTES N       bundles, in place of those before
 *   open AGENCY N                     connections, in place of those before
 *   accept N RATE                     sends the next N bundles; rate 0: as fast as answers come
 *   receipts MAILBOX N                signs receipts for the next N bundles that were sent
 *   collect N RATE                    fetches, sends the receipt, takes the slot
 *   track N RATE                      asks for the state of bundles that were sent
 *   get PATH N RATE                   the same request N times
 *   hold MAILBOX AFTER N              N connections more, each with a long poll
 * or: load put PORT PKI AGENCY PATH FILE    one upload; seconds and CPU */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "make.h"

static struct {
	int port;
	const char *pki;
	struct set set;
	struct pool *pool;
	size_t sent, signed_for; /* of the set */
	struct job *receipts;
	size_t nreceipts, collected;
} load;

static void
tell(const struct result *r)
{
	printf("{\"n\":%zu,\"seconds\":%.4f,\"per_s\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
	       "\"max_ms\":%.3f,\"cpu_us\":%.1f}\n",
	       r->n, r->seconds, (double)r->n / r->seconds, r->p50_ms, r->p99_ms, r->max_ms,
	       r->cpu_seconds / (double)r->n * 1e6);
}

static void
run(struct job *jobs, size_t n, double rate)
{
	struct result r;

	if (load.pool == NULL)
		fail("run", "no connections are open");
	if (n > 0)
		pool_run(load.pool, jobs, n, rate, &r);
	if (n > 0)
		tell(&r);
}

static void
jobs_free(struct job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < jobs[i].n; k++)
			buf_free(&jobs[i].request[k].bytes);
	free(jobs);
}

/* --- commands --- */

static void
do_make(char **arg)
{
	set_free(&load.set);
	load.sent = load.signed_for = 0;
	make_bundles(&load.set, load.pki, arg[0], arg[1], strtoull(arg[2], NULL, 10),
		     strtoull(arg[3], NULL, 10));
	printf("{\"n\":%zu}\n", load.set.n);
}

static void
do_open(char **arg)
{
	double began = now_s();
	size_t n = strtoull(arg[1], NULL, 10);

	if (load.pool != NULL)
		pool_close(load.pool);
	load.pool = pool_open(load.port, load.pki, arg[0], n);
	printf("{\"n\":%zu,\"seconds\":%.4f}\n", n, now_s() - began);
}

static void
do_accept(char **arg)
{
	size_t n = strtoull(arg[0], NULL, 10);
	struct job *jobs = mem_alloc(n * sizeof *jobs);

	if (load.sent + n > load.set.n)
		fail("accept", "more than were made");
	for (size_t i = 0; i < n; i++)
		jobs[i] = load.set.made[load.sent++].accept;
	run(jobs, n, atof(arg[1]));
	free(jobs);
}

static void
do_receipts(char **arg)
{
	jobs_free(load.receipts, load.nreceipts);
	load.nreceipts = strtoull(arg[1], NULL, 10);
	load.collected = 0;
	if (load.signed_for + load.nreceipts > load.sent)
		fail("receipts", "more than were sent");
	load.receipts = mem_alloc(load.nreceipts * sizeof *load.receipts);
	for (size_t i = 0; i < load.nreceipts; i++)
		make_collect(&load.receipts[i], load.pki, arg[0],
			     &load.set.made[load.signed_for++]);
	printf("{\"n\":%zu}\n", load.nreceipts);
}

static void
do_collect(char **arg)
{
	size_t n = strtoull(arg[0], NULL, 10);

	if (load.collected + n > load.nreceipts)
		fail("collect", "more than receipts were made");
	run(load.receipts + load.collected, n, atof(arg[1]));
	load.collected += n;
}

static void
do_track(char **arg)
{
	size_t n = strtoull(arg[0], NULL, 10);
	struct job *jobs = mem_alloc(n * sizeof *jobs);

	for (size_t i = 0; i < n && load.sent > 0; i++) {
		char path[64];

		snprintf(path, sizeof path, "/v1/bundles/%s", load.set.made[i % load.sent].id);
		make_get(&jobs[i], path);
	}
	run(jobs, n, atof(arg[1]));
	jobs_free(jobs, n);
}

static void
do_get(char **arg)
{
	size_t n = strtoull(arg[1], NULL, 10);
	struct job *jobs = mem_alloc(n * sizeof *jobs);

	for (size_t i = 0; i < n; i++)
		make_get(&jobs[i], arg[0]);
	run(jobs, n, atof(arg[2]));
	jobs_free(jobs, n);
}

static void
do_hold(char **arg)
{
	char agency[NAME_AGENCY];
	struct buf request = {0};
	double began = now_s();
	struct pool *p;

	name_agency(agency, arg[0]);
	p = pool_open(load.port, load.pki, agency, strtoull(arg[2], NULL, 10));
	buf_addf(&request,
		 "GET /v1/mailboxes/%s?after=%s&wait=300 HTTP/1.1\r\nHost: localhost\r\n\r\n",
		 arg[0], arg[1]);
	pool_hold(p, &request); /* until the program ends */
	buf_free(&request);
	printf("{\"n\":%s,\"seconds\":%.4f}\n", arg[2], now_s() - began);
}

static const struct {
	const char *name;
	int args;
	void (*run)(char **arg);
} commands[] = {
    {"make", 4, do_make},	  {"open", 2, do_open},	      {"accept", 2, do_accept},
    {"receipts", 2, do_receipts}, {"collect", 2, do_collect}, {"track", 2, do_track},
    {"get", 3, do_get},		  {"hold", 3, do_hold},
};

static void
obey(char *line)
{
	char *word[6] = {0};
	size_t n = 0, i = 0;

	for (char *w = strtok(line, " \n"); w != NULL && n < 6; w = strtok(NULL, " \n"))
		word[n++] = w;
	while (n > 0 && i < sizeof commands / sizeof *commands &&
	       (strcmp(commands[i].name, word[0]) != 0 || commands[i].args != (int)n - 1))
		i++;
	if (n == 0 || i == sizeof commands / sizeof *commands)
		fail("no such command", line);
	commands[i].run(word + 1);
	fflush(stdout);
}

/* --- one large upload --- */

static void
put(char **arg)
{
	struct pool *p = pool_open(atoi(arg[0]), arg[1], arg[2], 1);
	struct buf head = {0};
	struct result r;
	struct stat st;
	int fd = open(arg[4], O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		fail(arg[4], "cannot be read");
	buf_addf(&head, "PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %lld\r\n\r\n",
		 arg[3], (long long)st.st_size);
	pool_put(p, &head, fd, &r);
	tell(&r);
	buf_free(&head);
	close(fd);
	pool_close(p);
}

int
main(int argc, char **argv)
{
	char line[1024];

	setlocale(LC_CTYPE, "C.UTF-8");
	if (argc == 7 && strcmp(argv[1], "put") == 0) {
		put(argv + 2);
		return 0;
	}
	if (argc != 3) {
		fprintf(stderr, "usage: load PORT PKI | load put PORT PKI AGENCY PATH FILE\n");
		return 2;
	}
	load.port = atoi(argv[1]);
	load.pki = argv[2];
	while (fgets(line, sizeof line, stdin) != NULL)
		obey(line);
	return 0;
}
