/* courier.c - stamps of external authorities on checkpoints: asked in order, with failover. Runs
 * in: courier. Owns: the queue, the call under way. Trusts: no authority further than its token
 * holds. */
#include "courier/courier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "courier/http.h"
#include "safehand/log.h"
#include "safehand/time.h"
#include "safehand/timestamp.h"

#define QUEUE_MAX	 64		       /* stamps that wait: minutes of a busy log */
#define ANSWER_MAX	 (2 * TOKEN_MAX_BYTES) /* a TimeStampResp is its token and a status */
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS	 (10 * 60 * 1000) /* a dead authority is tried again within ten minutes */
#define CLOCK_APART_MS	 (60 * 1000)	  /* an authority's clock so far from ours is told */

struct authority {
	char name[NAME_MAILBOX];
	char *url;
	struct buf roots;
	int64_t timeout_ms, rest_until_ms;
	unsigned failures; /* in a row */
};

struct job {
	STAILQ_ENTRY(job) next;
	struct msg_stamp stamp;
};

struct courier {
	struct event_base *base;
	struct calls *calls;
	courier_stamped *stamped;
	void *ctx;
	struct authority *authorities;
	size_t n;
	STAILQ_HEAD(jobs, job) queue;
	size_t waiting;
	/* of the first job */
	struct call *call;
	struct authority *asked;
	struct buf request;
	struct event *turn; /* when to look at the queue again */
};

int64_t
courier_backoff(unsigned failures)
{
	int64_t ms = BACKOFF_FIRST_MS;

	if (failures == 0)
		return 0;
	while (--failures > 0 && ms < BACKOFF_MAX_MS)
		ms *= 2;
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

/* Later, so that nothing is begun from within the end of something else. */
static void
look_in(struct courier *c, int64_t ms)
{
	struct timeval wait = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (evtimer_add(c->turn, &wait) < 0)
		log_fatal("courier", &(struct err){ERR_SYSTEM, "no timer"});
}

static void
job_drop(struct courier *c)
{
	struct job *j = STAILQ_FIRST(&c->queue);

	STAILQ_REMOVE_HEAD(&c->queue, next);
	c->waiting--;
	free(j);
}

/* --- the answer --- */

static int
check_answer(struct courier *c, const struct buf *answer, struct buf *token, int64_t *time_ms,
	     struct err *e)
{
	const struct msg_stamp *s = &STAILQ_FIRST(&c->queue)->stamp;

	if (timestamp_response(c->request.data, c->request.len, answer->data, answer->len, token,
			       e) < 0)
		return -1;
	return timestamp_verify_external(token->data, token->len, s->digest, &c->asked->roots,
					 time_ms, e);
}

static void
hand_in(struct courier *c, const struct buf *token, int64_t time_ms)
{
	struct msg_stamped m = {.size = STAILQ_FIRST(&c->queue)->stamp.size,
				.time_ms = time_ms,
				.token = {token->data, token->len}};
	int64_t apart = time_ms - time_now_ms();

	if (apart > CLOCK_APART_MS || apart < -CLOCK_APART_MS)
		log_warn("clocks-differ", "tsa=%s ahead_ms=%lld", c->asked->name, (long long)apart);
	strcpy(m.tsa, c->asked->name);
	c->asked->failures = 0;
	c->stamped(c->ctx, &m);
	job_drop(c);
}

static void
set_aside(struct courier *c, struct err *e)
{
	struct authority *a = c->asked;
	int64_t rest = courier_backoff(++a->failures);

	a->rest_until_ms = time_mono_ms() + rest;
	err_wrap(e, "tsa %s, again in %lld s", a->name, (long long)(rest / 1000));
	log_err(LOG_LEVEL_WARN, "stamp-failed", e);
}

static void
on_answer(void *ctx, const struct call_end *end)
{
	struct courier *c = ctx;
	struct buf token = {0};
	int64_t time_ms;
	struct err e;

	c->call = NULL;
	if (end->why.code != ERR_OK) {
		e = end->why;
		set_aside(c, &e);
	} else if (check_answer(c, end->answer, &token, &time_ms, &e) < 0) {
		set_aside(c, &e);
	} else {
		hand_in(c, &token, time_ms);
	}
	buf_free(&token);
	look_in(c, 0);
}

/* --- the question --- */

/* The first in order that is not resting; NULL: *wait_ms until one is awake. */
static struct authority *
awake(struct courier *c, int64_t *wait_ms)
{
	int64_t now = time_mono_ms();

	*wait_ms = BACKOFF_MAX_MS;
	for (size_t i = 0; i < c->n; i++) {
		int64_t rest = c->authorities[i].rest_until_ms - now;

		if (rest <= 0)
			return &c->authorities[i];
		*wait_ms = rest < *wait_ms ? rest : *wait_ms;
	}
	return NULL;
}

static int
ask(struct courier *c, struct err *e)
{
	struct http_post post = {.url = c->asked->url,
				 .type = "application/timestamp-query",
				 .accept = "application/timestamp-reply",
				 .body = &c->request,
				 .timeout_ms = c->asked->timeout_ms,
				 .answer_max = ANSWER_MAX};

	buf_clear(&c->request);
	if (timestamp_request(STAILQ_FIRST(&c->queue)->stamp.digest, &c->request, e) < 0)
		return -1;
	return http_begin(c->calls, &post, on_answer, c, &c->call, e);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct courier *c = arg;
	int64_t wait_ms;
	struct err e;

	if (c->call != NULL || STAILQ_EMPTY(&c->queue) || c->n == 0)
		return;
	if ((c->asked = awake(c, &wait_ms)) == NULL) {
		look_in(c, wait_ms);
	} else if (ask(c, &e) < 0) {
		set_aside(c, &e);
		look_in(c, 0);
	}
}

void
courier_stamp(struct courier *c, const struct msg_stamp *m)
{
	struct job *j;

	if (c->n == 0)
		return;
	if (c->waiting == QUEUE_MAX) { /* the first may be under way: the one after it goes */
		j = STAILQ_NEXT(STAILQ_FIRST(&c->queue), next);
		log_warn("stamp-dropped", "size=%llu waiting=%zu",
			 (unsigned long long)j->stamp.size, c->waiting);
		STAILQ_REMOVE(&c->queue, j, job, next);
		c->waiting--;
		free(j);
	}
	j = mem_alloc(sizeof *j);
	j->stamp = *m;
	STAILQ_INSERT_TAIL(&c->queue, j, next);
	if (c->waiting++ == 0)
		look_in(c, 0);
}

size_t
courier_waiting(const struct courier *c)
{
	return c->waiting;
}

/* --- configuration --- */

static void
authorities_free(struct authority *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(a[i].url);
		buf_free(&a[i].roots);
	}
	free(a);
}

static int
take_authority(struct authority *a, const struct role_env *env, const char *name, size_t i,
	       struct err *e)
{
	char file[NAME_MAILBOX];
	const struct buf *roots;

	snprintf(file, sizeof file, "tsa.%zu.root", i);
	roots = role_file(env, file);
	if (roots == NULL ||
	    memmem(roots->data, roots->len, "-----BEGIN CERTIFICATE-----", 27) == NULL)
		return err_set(e, ERR_CONFIG, "tsa \"%s\": root: no certificate in PEM", name);
	if (strlen(name) >= sizeof a->name)
		return err_set(e, ERR_CONFIG, "tsa \"%s\": a name has at most %zu bytes", name,
			       sizeof a->name - 1);
	strcpy(a->name, name);
	a->url = mem_strdup(conf_str(env->conf, "tsa", name, "url"));
	a->timeout_ms = conf_int(env->conf, "tsa", name, "timeout");
	buf_add(&a->roots, roots->data, roots->len);
	return 0;
}

int
courier_configure(struct courier *c, const struct role_env *env, struct err *e)
{
	struct authority *list = NULL;
	const char *name;
	size_t n = 0;

	while ((name = conf_instance(env->conf, "tsa", n)) != NULL) {
		list = mem_realloc(list, n + 1, sizeof *list);
		list[n] = (struct authority){0};
		n++;
		if (take_authority(&list[n - 1], env, name, n - 1, e) < 0) {
			authorities_free(list, n);
			return -1;
		}
	}
	call_cancel(c->call);
	c->call = NULL;
	c->asked = NULL;
	authorities_free(c->authorities, c->n);
	c->authorities = list;
	c->n = n;
	while (n == 0 && !STAILQ_EMPTY(&c->queue))
		job_drop(c);
	look_in(c, 0);
	return 0;
}

struct courier *
courier_new(struct event_base *base, struct calls *calls, courier_stamped *stamped, void *ctx)
{
	struct courier *c = mem_alloc(sizeof *c);

	*c = (struct courier){.base = base, .calls = calls, .stamped = stamped, .ctx = ctx};
	STAILQ_INIT(&c->queue);
	if ((c->turn = evtimer_new(base, on_turn, c)) == NULL)
		log_fatal("courier", &(struct err){ERR_SYSTEM, "no timer"});
	return c;
}

void
courier_free(struct courier *c)
{
	call_cancel(c->call);
	event_free(c->turn);
	while (!STAILQ_EMPTY(&c->queue))
		job_drop(c);
	authorities_free(c->authorities, c->n);
	buf_free(&c->request);
	free(c);
}
