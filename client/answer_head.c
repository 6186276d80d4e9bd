/* answer_head.c - what the client reads of an answer's head. Runs in: client. Pure. Trusts: no byte
 * of it. */
#include "answer_head.h"

#include <string.h>
#include <strings.h>

#include "safehand/json.h"

void
answer_head_init(struct answer_head *h)
{
	*h = (struct answer_head){.upload_offset = -1, .range_from = -1};
}

static bool
is_field(const char *line, size_t n, const char *name, const char **value, size_t *value_n)
{
	size_t k = strlen(name);

	if (n <= k || line[k] != ':' || strncasecmp(line, name, k) != 0)
		return false;
	for (line += k + 1, n -= k + 1; n > 0 && (*line == ' ' || *line == '\t'); line++)
		n--;
	while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == '\n' || line[n - 1] == ' '))
		n--;
	*value = line;
	*value_n = n;
	return true;
}

/* Digits up to stop, as many as a length has; -1: none. */
static int64_t
number(const char *p, size_t n, char stop)
{
	const char *end = stop != '\0' ? memchr(p, stop, n) : p + n;
	int64_t v = 0;

	if (end == NULL || end == p || end - p > 18)
		return -1;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return -1;
		v = v * 10 + (*p - '0');
	}
	return v;
}

static void
take_etag(struct answer_head *h, const char *v, size_t n)
{
	if (n < 2 || n - 2 >= sizeof h->etag || v[0] != '"' || v[n - 1] != '"')
		return;
	memcpy(h->etag, v + 1, n - 2);
	h->etag[n - 2] = '\0';
}

void
answer_line(const char *line, size_t n, struct answer_head *h)
{
	const char *v;
	size_t k;

	if (is_field(line, n, "ETag", &v, &k))
		take_etag(h, v, k);
	else if (is_field(line, n, "Upload-Offset", &v, &k))
		h->upload_offset = number(v, k, '\0');
	else if (is_field(line, n, "Upload-Complete", &v, &k))
		h->upload_complete = k == 2 && memcmp(v, "?1", 2) == 0;
	else if (is_field(line, n, "Content-Range", &v, &k) && k > 6 && memcmp(v, "bytes ", 6) == 0)
		h->range_from = number(v + 6, k - 6, '-');
}

/* RFC 9457, as the gateway writes it. */
static const struct json_rule problem_rules[] = {
    {"type", JSON_T_STRING, true, false, 128},
    {"title", JSON_T_STRING, true, false, 256},
    {"status", JSON_T_INT, true, false, 0},
    {"code", JSON_T_STRING, false, false, 64},
    {"detail", JSON_T_STRING, true, true, 2048},
    {"job", JSON_T_STRING, true, false, 64},
    {NULL, 0, false, false, 0},
};

int
answer_problem(const struct buf *body, long status, struct err *e)
{
	struct json *doc = NULL;
	struct err ignored;
	enum err_code code = ERR_CODES;
	const char *detail = NULL;

	if (json_parse("problem", buf_str(body), body->len, ANSWER_PROBLEM_MAX, &doc, &ignored) ==
		0 &&
	    json_check(doc, problem_rules, "problem", &ignored) == 0) {
		code = err_by_name(json_text(doc, "code"));
		detail = json_text(doc, "detail");
	}
	if (code == ERR_CODES || code == ERR_OK)
		err_set(e, status == 404 ? ERR_UNKNOWN : ERR_NETWORK,
			"the gateway answers with status %ld", status);
	else
		err_set(e, code, "the gateway refuses: %s",
			detail != NULL ? detail : err_title(code));
	json_free(doc);
	return -1;
}
