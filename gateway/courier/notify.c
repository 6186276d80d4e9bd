/* notify.c - mail and webhooks: who waits, who is under way, who is tried again. Runs in: courier.
 * Owns: the queue and its calls. Trusts: store's messages, after composing checked them. */
#include "courier/notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <event2/event.h>

#include "courier/courier.h"
#include "courier/http.h"
#include "courier/mail.h"
#include "courier/notify_conf.h"
#include "courier/smtp.h"
#include "courier/webhook.h"
#include "frame/contact.h"
#include "safehand/log.h"
#include "safehand/time.h"

#define UNDER_WAY_MAX  8		/* sockets of a role that has few */
#define PER_SERVER_MAX 2		/* one that hangs takes no more of them */
#define ANSWER_MAX     (64 * 1024)	/* bytes of a webhook's answer, which nobody reads */
#define REST_MAX_MS    (10 * 60 * 1000) /* a server may ask for no longer rest than this */

struct job {
	TAILQ_ENTRY(job) next;
	struct notify *of;
	struct msg_notify m;
	unsigned tries;
	int64_t begun_ms, due_ms; /* of the monotonic clock: added; not before */
	/* under way */
	struct call *call;
	struct notify_conf *conf;
	struct buf mail;
	struct webhook hook;
};

struct notify {
	struct event_base *base;
	struct calls *calls;
	notify_done *done;
	void *ctx;
	struct notify_conf *conf;
	TAILQ_HEAD(jobs, job) queue; /* in order of adding */
	size_t waiting;
	struct event *turn; /* when to look at the queue again */
};

static void
look_in(struct notify *n, int64_t ms)
{
	struct timeval wait = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (evtimer_add(n->turn, &wait) < 0)
		log_fatal("notify", &(struct err){ERR_SYSTEM, "no timer"});
}

/* --- the end of a try --- */

static void
end_try(struct job *j)
{
	j->call = NULL;
	notify_conf_leave(j->conf);
	j->conf = NULL;
	buf_free(&j->mail);
	webhook_clear(&j->hook);
}

static void
job_free(struct notify *n, struct job *j)
{
	TAILQ_REMOVE(&n->queue, j, next);
	n->waiting--;
	call_cancel(j->call);
	end_try(j);
	free(j);
}

/* why NULL: it was delivered. */
static void
finish(struct job *j, const struct err *why)
{
	struct msg_notified m = {.job = j->m.job, .ok = why == NULL};
	struct notify *n = j->of;

	if (why != NULL)
		strcpy(m.text, why->text);
	log_info(why == NULL ? "notified" : "notify-failed", "job=%llu kind=%s tries=%u",
		 (unsigned long long)m.job, j->m.kind == NOTIFY_MAIL ? "mail" : "webhook",
		 j->tries);
	job_free(n, j);
	n->done(n->ctx, &m);
}

/* Again after a rest, or never again. */
static void
put_off(struct job *j, const struct call_end *end, int64_t give_up_ms)
{
	int64_t rest = courier_backoff(j->tries), now = time_mono_ms();
	struct err why = end->why;

	if (end->retry_after_ms > rest)
		rest = end->retry_after_ms < REST_MAX_MS ? end->retry_after_ms : REST_MAX_MS;
	if (!end->lasting && now + rest - j->begun_ms <= give_up_ms) {
		j->due_ms = now + rest;
		err_wrap(&why, "job %llu, again in %lld s", (unsigned long long)j->m.job,
			 (long long)(rest / 1000));
		log_err(LOG_LEVEL_WARN, "notify-again", &why);
		return;
	}
	err_wrap(&why, "%s after %u %s", end->lasting ? "refused" : "given up", j->tries,
		 j->tries == 1 ? "try" : "tries");
	finish(j, &why);
}

static void
on_end(void *ctx, const struct call_end *end)
{
	struct job *j = ctx;
	struct notify *n = j->of;
	int64_t give_up_ms = j->conf->give_up_ms;

	end_try(j);
	if (end->why.code == ERR_OK)
		finish(j, NULL);
	else
		put_off(j, end, give_up_ms);
	look_in(n, 0);
}

/* --- a try --- */

static int
begin_mail(struct notify *n, struct job *j, struct err *e)
{
	const struct notify_conf *c = j->conf;
	struct smtp_mail mail = {.server = c->server,
				 .from = c->from,
				 .to = j->m.address,
				 .user = c->user,
				 .password_secret = buf_str(&c->password_secret),
				 .tls_if_offered = c->tls_if_offered,
				 .roots = c->mail_roots.len > 0 ? &c->mail_roots : NULL,
				 .text = &j->mail,
				 .timeout_ms = c->timeout_ms};

	if (*c->server == '\0')
		return err_set(e, ERR_CONFIG, "no [mail] server is configured");
	if (mail_compose(&j->m, c->from, time_now_ms(), &j->mail, e) < 0)
		return -1;
	return smtp_begin(n->calls, &mail, on_end, j, &j->call, e);
}

static int
begin_webhook(struct notify *n, struct job *j, struct err *e)
{
	const struct buf *key = notify_conf_key(j->conf, j->m.pattern);
	const char *headers[] = {j->hook.id, j->hook.timestamp, j->hook.signature, NULL};
	struct http_post post = {.url = j->m.address,
				 .type = "application/json",
				 .headers = headers,
				 .body = &j->hook.body,
				 .timeout_ms = j->conf->timeout_ms,
				 .answer_max = ANSWER_MAX};

	if (key == NULL)
		return err_set(e, ERR_CONFIG, "[mailbox \"%s\"] has no webhook-key", j->m.pattern);
	if (contact_webhook(j->m.address, e) < 0 ||
	    webhook_compose(&j->m, key->data, key->len, time_now_ms(), &j->hook, e) < 0)
		return -1;
	post.roots = j->conf->hook_roots.len > 0 ? &j->conf->hook_roots : NULL;
	return http_begin(n->calls, &post, on_end, j, &j->call, e);
}

/* false: it could not be begun, and is gone. */
static bool
begin(struct notify *n, struct job *j)
{
	struct err e;
	int rc;

	j->tries++;
	j->conf = notify_conf_use(n->conf);
	rc = j->m.kind == NOTIFY_MAIL ? begin_mail(n, j, &e) : begin_webhook(n, j, &e);
	if (rc == 0)
		return true;
	end_try(j);
	finish(j, &e); /* nothing of it would be another the next time */
	return false;
}

/* --- whose turn it is --- */

static bool
shares_server(const struct job *a, const struct job *b)
{
	size_t n;

	if (a->m.kind != b->m.kind || a->m.kind == NOTIFY_MAIL)
		return a->m.kind == b->m.kind;
	n = contact_webhook_server(a->m.address);
	return n == contact_webhook_server(b->m.address) &&
	       strncmp(a->m.address, b->m.address, n) == 0;
}

static bool
may_begin(const struct job *j, struct job *const *under_way, size_t n)
{
	size_t same = 0;

	for (size_t i = 0; i < n; i++)
		same += shares_server(j, under_way[i]);
	return n < UNDER_WAY_MAX && same < PER_SERVER_MAX;
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct job *under_way[UNDER_WAY_MAX], *j, *next;
	int64_t now = time_mono_ms(), wait = REST_MAX_MS;
	struct notify *n = arg;
	size_t count = 0;

	TAILQ_FOREACH(j, &n->queue, next)
	if (j->call != NULL)
		under_way[count++] = j;
	for (j = TAILQ_FIRST(&n->queue); j != NULL && count < UNDER_WAY_MAX; j = next) {
		next = TAILQ_NEXT(j, next);
		if (j->call != NULL)
			continue;
		if (j->due_ms > now)
			wait = j->due_ms - now < wait ? j->due_ms - now : wait;
		else if (may_begin(j, under_way, count) && begin(n, j))
			under_way[count++] = j;
	}
	if (count < UNDER_WAY_MAX && !TAILQ_EMPTY(&n->queue))
		look_in(n, wait); /* else the next end looks in */
}

void
notify_add(struct notify *n, const struct msg_notify *m)
{
	struct job *j = mem_alloc(sizeof *j);

	*j = (struct job){.of = n, .m = *m, .begun_ms = time_mono_ms()};
	TAILQ_INSERT_TAIL(&n->queue, j, next);
	if (n->waiting++ == NOTIFY_WAITING_MAX)
		finish(j, &(struct err){ERR_BUSY, "too many mails and webhooks wait"});
	else if (m->kind >= NOTIFY_KINDS)
		finish(j, &(struct err){ERR_INTERNAL, "neither mail nor webhook"});
	else
		look_in(n, 0);
}

size_t
notify_waiting(const struct notify *n)
{
	return n->waiting;
}

/* --- life --- */

int
notify_configure(struct notify *n, struct role_env *env, struct err *e)
{
	struct notify_conf *c;

	if (notify_conf_new(env, &c, e) < 0)
		return -1;
	notify_conf_leave(n->conf);
	n->conf = c;
	return 0;
}

struct notify *
notify_new(struct event_base *base, struct calls *calls, notify_done *done, void *ctx)
{
	struct notify *n = mem_alloc(sizeof *n);

	*n = (struct notify){.base = base, .calls = calls, .done = done, .ctx = ctx};
	TAILQ_INIT(&n->queue);
	if ((n->turn = evtimer_new(base, on_turn, n)) == NULL)
		log_fatal("notify", &(struct err){ERR_SYSTEM, "no timer"});
	return n;
}

void
notify_free(struct notify *n)
{
	while (!TAILQ_EMPTY(&n->queue))
		job_free(n, TAILQ_FIRST(&n->queue));
	event_free(n->turn);
	notify_conf_leave(n->conf);
	free(n);
}
