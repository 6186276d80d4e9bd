/* http.c - one POST to a configured URL, its answer bounded. Runs in: courier. The door to curl.
 * Owns: curl's handles and their events. Trusts: no byte and no length of an answer. */
#include "courier/http.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "safehand/log.h"

#define HEADERS_MAX_BYTES (32 * 1024) /* of an answer: a dozen lines are usual */
#define CONNECTIONS_MAX	  4L	      /* kept open for the next call */

struct http {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
};

struct http_call {
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	struct http_post post;
	struct buf answer;
	size_t header_bytes;
	bool too_long;
	http_done *done;
	void *ctx;
};

static _Noreturn void
broken(const char *what)
{
	struct err e;

	err_set(&e, ERR_SYSTEM, "curl or libevent refused: %s", what);
	log_fatal("http", &e);
}

/* --- the end of a call --- */

static void
call_free(struct http_call *call)
{
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	buf_free(&call->answer);
	free(call);
}

/* A media type with or without parameters after it. */
static bool
is_type(const char *said, const char *wanted)
{
	size_t n = strlen(wanted);

	return said != NULL && strncasecmp(said, wanted, n) == 0 &&
	       (said[n] == '\0' || said[n] == ';' || said[n] == ' ');
}

static int
judge(const struct http_call *call, CURLcode result, struct err *e)
{
	const char *type = NULL;
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
	if (call->too_long)
		return err_set(e, ERR_LIMIT, "%s: the answer is longer than %zu bytes",
			       call->post.url, call->post.answer_max);
	if (result != CURLE_OK)
		return err_set(e, ERR_NETWORK, "%s: %s", call->post.url,
			       curl_easy_strerror(result));
	if (status != 200)
		return err_set(e, ERR_NETWORK, "%s: HTTP status %ld", call->post.url, status);
	if (!is_type(type, call->post.accept))
		return err_set(e, ERR_FORMAT, "%s: media type %s, want %s", call->post.url,
			       type != NULL ? type : "missing", call->post.accept);
	return 0;
}

static void
take_ended(struct http *h)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		struct http_call *call = NULL;
		CURLcode result = m->data.result;
		struct err e;

		if (m->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &call) != CURLE_OK)
			continue;
		curl_multi_remove_handle(h->multi, call->easy); /* m is gone with it */
		if (judge(call, result, &e) < 0)
			call->done(call->ctx, &e, NULL);
		else
			call->done(call->ctx, NULL, &call->answer);
		call_free(call);
	}
}

/* --- curl's sockets and timer in our loop --- */

static void
act(struct http *h, curl_socket_t fd, int what)
{
	int running;

	if (curl_multi_socket_action(h->multi, fd, what, &running) != CURLM_OK)
		broken("multi");
	take_ended(h);
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	act(arg, fd,
	    (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* curl says what it waits for on a socket; the event is what it remembers with it. */
static int
watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
	struct http *h = arg;
	struct event *ev = of_socket;
	short wanted =
	    (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));

	if (ev != NULL)
		event_free(ev);
	ev = NULL;
	if (what != CURL_POLL_REMOVE) {
		ev = event_new(h->base, fd, (short)(wanted | EV_PERSIST), on_event, h);
		if (ev == NULL || event_add(ev, NULL) < 0)
			broken("event");
	}
	curl_multi_assign(h->multi, fd, ev);
	return 0;
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;
	struct timeval wait = {ms / 1000, ms % 1000 * 1000};

	if (ms < 0)
		evtimer_del(h->timer);
	else if (evtimer_add(h->timer, &wait) < 0)
		broken("timer");
	return 0;
}

/* --- an answer's bytes --- */

static size_t
on_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;

	call->header_bytes += n;
	call->too_long |= call->header_bytes > HEADERS_MAX_BYTES;
	return call->too_long ? 0 : n;
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;

	call->too_long |= n > call->post.answer_max - call->answer.len;
	if (call->too_long)
		return 0; /* ends the call */
	buf_add(&call->answer, bytes, n);
	return n;
}

/* --- begin --- */

static bool
add_header(struct http_call *call, const char *name, const char *value)
{
	struct curl_slist *longer;
	struct buf line = {0};

	buf_addf(&line, "%s:%s%s", name, *value ? " " : "",
		 value); /* no value: curl leaves it out */
	longer = curl_slist_append(call->headers, buf_str(&line));
	buf_free(&line);
	if (longer != NULL)
		call->headers = longer;
	return longer != NULL;
}

/* Only what is configured is spoken to: no redirect, no proxy, no other protocol. */
static bool
set_rules(CURL *c)
{
	return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOPROXY, "*") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

static bool
set_call(struct http_call *call)
{
	const struct http_post *p = &call->post;
	CURL *c = call->easy;

	return add_header(call, "Content-Type", p->type) && add_header(call, "Accept", p->accept) &&
	       add_header(call, "Expect", "") &&
	       curl_easy_setopt(c, CURLOPT_PRIVATE, call) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_USERAGENT, "safehand/" SAFEHAND_VERSION) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_POST, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)p->body->len) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_POSTFIELDS, p->body->data) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)p->timeout_ms) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HEADERDATA, call) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEDATA, call) == CURLE_OK;
}

int
http_begin(struct http *h, const struct http_post *post, http_done *done, void *ctx,
	   struct http_call **out, struct err *e)
{
	struct http_call *call = mem_alloc(sizeof *call);

	*call = (struct http_call){.http = h, .post = *post, .done = done, .ctx = ctx};
	if ((call->easy = curl_easy_init()) == NULL || !set_rules(call->easy) || !set_call(call))
		broken("easy");
	if (curl_easy_setopt(call->easy, CURLOPT_URL, post->url) != CURLE_OK ||
	    curl_multi_add_handle(h->multi, call->easy) != CURLM_OK) {
		call_free(call);
		return err_set(e, ERR_USAGE, "%s: not a URL", post->url);
	}
	*out = call;
	return 0;
}

void
http_cancel(struct http_call *call)
{
	if (call == NULL)
		return;
	curl_multi_remove_handle(call->http->multi, call->easy);
	call_free(call);
}

/* --- life --- */

int
http_prepare(struct err *e)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_SYSTEM, "curl does not start");
	return 0;
}

struct http *
http_new(struct event_base *base)
{
	struct http *h = mem_alloc(sizeof *h);

	*h = (struct http){.base = base, .multi = curl_multi_init()};
	h->timer = evtimer_new(base, on_timer, h);
	if (h->multi == NULL || h->timer == NULL ||
	    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch) != CURLM_OK ||
	    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) != CURLM_OK ||
	    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer) != CURLM_OK ||
	    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) != CURLM_OK ||
	    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX) != CURLM_OK)
		broken("multi");
	return h;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	curl_multi_cleanup(h->multi); /* takes its sockets' events away through watch */
	event_free(h->timer);
	free(h);
}
