/* http.c - one POST to a configured URL, its answer judged. Runs in: courier. A door to curl.
 * Owns: nothing. Trusts: no byte of an answer. */
#include "courier/http.h"

#include <string.h>
#include <strings.h>

#include "courier/call_in.h"

/* A media type with or without parameters after it. */
static bool
is_type(const char *said, const char *wanted)
{
	size_t n = strlen(wanted);

	return said != NULL && strncasecmp(said, wanted, n) == 0 &&
	       (said[n] == '\0' || said[n] == ';' || said[n] == ' ');
}

/* Statuses by which a server says that another try may do. */
static bool
is_lasting(long status)
{
	return status >= 300 && status < 500 && status != 408 && status != 409 && status != 425 &&
	       status != 429;
}

static void
judge_status(const struct call *call, long status, struct call_end *end)
{
	curl_off_t seconds = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &seconds);
	end->lasting = is_lasting(status);
	end->retry_after_ms = seconds > 0 && seconds < INT32_MAX ? (int64_t)seconds * 1000 : 0;
	err_set(&end->why, ERR_NETWORK, "%s: HTTP status %ld", call->url, status);
}

/* Whoever asked reads the answer. */
static void
judge_answer(struct call *call, CURLcode result, struct call_end *end)
{
	const char *type = NULL, *accept = call->of_kind;
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
	if (call->too_long)
		err_set(&end->why, ERR_LIMIT, "%s: the answer is longer than %zu bytes", call->url,
			call->answer_max);
	else if (result != CURLE_OK)
		call_failed(call, result, end);
	else if (status != 200)
		judge_status(call, status, end);
	else if (!is_type(type, accept))
		err_set(&end->why, ERR_FORMAT, "%s: media type %s, want %s", call->url,
			type != NULL ? type : "missing", accept);
}

/* The status says it all, whatever comes after it. */
static void
judge_taken(struct call *call, CURLcode result, struct call_end *end)
{
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		call_failed(call, result, end);
	else if (status > 299)
		judge_status(call, status, end);
}

static void
add_header(struct call *call, const char *line)
{
	struct curl_slist *longer = curl_slist_append(call->headers, line);

	call_option(longer != NULL);
	call->headers = longer;
}

static void
add_type(struct call *call, const char *name, const char *value)
{
	struct buf line = {0};

	buf_addf(&line, "%s: %s", name, value);
	add_header(call, buf_str(&line));
	buf_free(&line);
}

static void
set_post(struct call *call, const struct http_post *p)
{
	CURL *c = call->easy;

	add_type(call, "Content-Type", p->type);
	add_type(call, "Accept", p->accept != NULL ? p->accept : "*/*");
	add_header(call, "Expect:"); /* no value: curl leaves it out */
	for (const char *const *h = p->headers; h != NULL && *h != NULL; h++)
		add_header(call, *h);
	call_option(curl_easy_setopt(c, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_USERAGENT, "safehand/" SAFEHAND_VERSION) ==
			CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_POST, 1L) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)p->body->len) == CURLE_OK &&
		    curl_easy_setopt(c, CURLOPT_POSTFIELDS, p->body->data) == CURLE_OK);
}

int
http_begin(struct calls *c, const struct http_post *post, call_done *done, void *ctx,
	   struct call **out, struct err *e)
{
	struct call *call = call_new(c, "http,https", post->roots, post->timeout_ms, done, ctx);

	call->answer_max = post->answer_max;
	call->judge = post->accept != NULL ? judge_answer : judge_taken;
	call->of_kind = post->accept != NULL ? mem_strdup(post->accept) : NULL;
	set_post(call, post);
	if (call_begin(call, post->url, e) < 0)
		return -1;
	*out = call;
	return 0;
}
