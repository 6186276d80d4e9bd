/* call.c - calls to configured servers in the role's loop, answers bounded. Runs in: courier. A
 * door to curl. Owns: curl's handles and their events. Trusts: no byte and no length of an answer.
 */
#include "courier/call_in.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "safehand/log.h"

#define HEADERS_MAX_BYTES (32 * 1024) /* of an answer: a dozen lines are usual */
#define CONNECTIONS_MAX	  4L	      /* kept open for the next call */

struct calls {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
};

static _Noreturn void
broken(const char *what)
{
	struct err e;

	err_set(&e, ERR_SYSTEM, "curl or libevent refused: %s", what);
	log_fatal("call", &e);
}

void
call_option(int good)
{
	if (!good)
		broken("option");
}

/* --- the end of a call --- */

void
call_free(struct call *call)
{
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	curl_slist_free_all(call->recipients);
	buf_free(&call->answer);
	free(call->url);
	free(call->of_kind);
	free(call);
}

void
call_failed(struct call *call, CURLcode result, struct call_end *end)
{
	end->lasting = result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_USE_SSL_FAILED ||
		       result == CURLE_SSL_CACERT_BADFILE || result == CURLE_SSL_ISSUER_ERROR ||
		       result == CURLE_UNSUPPORTED_PROTOCOL;
	err_set(&end->why, ERR_NETWORK, "%s: %s", call->url,
		call->told[0] != '\0' ? call->told : curl_easy_strerror(result));
}

static void
take_ended(struct calls *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
		struct call *call = NULL;
		struct call_end end = {.why.code = ERR_OK};
		CURLcode result = m->data.result;

		if (m->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &call) != CURLE_OK)
			continue;
		curl_multi_remove_handle(c->multi, call->easy); /* m is gone with it */
		end.answer = &call->answer;
		call->judge(call, result, &end);
		call->done(call->ctx, &end);
		call_free(call);
	}
}

/* --- curl's sockets and timer in our loop --- */

static void
act(struct calls *c, curl_socket_t fd, int what)
{
	int running;

	if (curl_multi_socket_action(c->multi, fd, what, &running) != CURLM_OK)
		broken("multi");
	take_ended(c);
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
	struct calls *c = arg;
	struct event *ev = of_socket;
	short wanted =
	    (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));

	if (ev != NULL)
		event_free(ev);
	ev = NULL;
	if (what != CURL_POLL_REMOVE) {
		ev = event_new(c->base, fd, (short)(wanted | EV_PERSIST), on_event, c);
		if (ev == NULL || event_add(ev, NULL) < 0)
			broken("event");
	}
	curl_multi_assign(c->multi, fd, ev);
	return 0;
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
	struct calls *c = arg;
	struct timeval wait = {ms / 1000, ms % 1000 * 1000};

	if (ms < 0)
		evtimer_del(c->timer);
	else if (evtimer_add(c->timer, &wait) < 0)
		broken("timer");
	return 0;
}

/* --- an answer's bytes --- */

static size_t
on_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct call *call = arg;

	call->header_bytes += n;
	call->too_long |= call->header_bytes > HEADERS_MAX_BYTES;
	return call->too_long ? 0 : n;
}

static size_t
on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct call *call = arg;

	call->too_long |= n > call->answer_max - call->answer.len;
	if (call->too_long)
		return 0; /* ends the call */
	buf_add(&call->answer, bytes, n);
	return n;
}

/* --- begin --- */

/* Only what is configured is spoken to: no redirect, no proxy, no other protocol. */
static void
set_rules(CURL *c, const char *protocols)
{
	call_option(
	    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, protocols) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_NOPROXY, "*") == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK);
}

/* These roots and no other: the system's would stand beside them. */
static void
set_roots(CURL *c, const struct buf *roots)
{
	struct curl_blob blob = {.flags = CURL_BLOB_COPY};

	if (roots == NULL || roots->len == 0)
		return;
	blob.data = roots->data;
	blob.len = roots->len;
	call_option(curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_CAINFO, NULL) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK);
}

struct call *
call_new(struct calls *calls, const char *protocols, const struct buf *roots, int64_t timeout_ms,
	 call_done *done, void *ctx)
{
	struct call *call = mem_alloc(sizeof *call);
	CURL *c = curl_easy_init();

	call_option(c != NULL);
	*call = (struct call){.calls = calls, .easy = c, .done = done, .ctx = ctx};
	set_rules(c, protocols);
	set_roots(c, roots);
	call_option(curl_easy_setopt(c, CURLOPT_PRIVATE, call) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, call->told) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_HEADERDATA, call) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_WRITEDATA, call) == CURLE_OK);
	return call;
}

int
call_begin(struct call *call, const char *url, struct err *e)
{
	call->url = mem_strdup(url);
	if (curl_easy_setopt(call->easy, CURLOPT_URL, url) != CURLE_OK ||
	    curl_multi_add_handle(call->calls->multi, call->easy) != CURLM_OK) {
		call_free(call);
		return err_set(e, ERR_USAGE, "%s: not a URL", url);
	}
	return 0;
}

void
call_cancel(struct call *call)
{
	if (call == NULL)
		return;
	curl_multi_remove_handle(call->calls->multi, call->easy);
	call_free(call);
}

/* --- life --- */

int
calls_prepare(struct err *e)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_SYSTEM, "curl does not start");
	return 0;
}

struct calls *
calls_new(struct event_base *base)
{
	struct calls *c = mem_alloc(sizeof *c);

	*c = (struct calls){.base = base, .multi = curl_multi_init()};
	c->timer = evtimer_new(base, on_timer, c);
	if (c->multi == NULL || c->timer == NULL ||
	    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, watch) != CURLM_OK ||
	    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) != CURLM_OK ||
	    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer) != CURLM_OK ||
	    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) != CURLM_OK ||
	    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX) != CURLM_OK)
		broken("multi");
	return c;
}

void
calls_free(struct calls *c)
{
	if (c == NULL)
		return;
	curl_multi_cleanup(c->multi); /* takes its sockets' events away through watch */
	event_free(c->timer);
	free(c);
}
