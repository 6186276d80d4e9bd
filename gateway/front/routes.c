/* routes.c - targets to calls. Runs in: front. Owns: nothing. Trusts: no byte. */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "front/routes.h"

#define WAIT_MAX 300 /* seconds of a long poll */

/* A piece of the target, checked and put into the call. */
struct piece {
	const char *p;
	size_t n;
};

typedef bool take(struct piece t, struct call *out);

/* A name of a pattern is one segment of the path, but {mailbox} is two and {tile} the rest. */
struct query {
	const char *name;
	take *take;
	bool wanted;
};

static bool
copy(struct piece t, char *out, size_t size)
{
	if (t.n >= size)
		return false;
	memcpy(out, t.p, t.n);
	out[t.n] = '\0';
	return true;
}

static bool
take_mailbox(struct piece t, struct call *out)
{
	return copy(t, out->mailbox, sizeof out->mailbox) && name_is_mailbox(out->mailbox);
}

static bool
take_id(struct piece t, struct call *out)
{
	return copy(t, out->id, sizeof out->id) && uuid_is_v7(out->id);
}

static bool
take_number(struct piece t, struct call *out)
{
	return http_decimal(t.p, t.n, &out->number) == 0;
}

static bool
take_wait(struct piece t, struct call *out)
{
	return http_decimal(t.p, t.n, &out->number2) == 0 && out->number2 <= WAIT_MAX;
}

static bool
take_kind(struct piece t, struct call *out)
{
	return copy(t, out->kind, sizeof out->kind) &&
	       (strcmp(out->kind, "class") == 0 || strcmp(out->kind, "child") == 0 ||
		strcmp(out->kind, "household") == 0 || strcmp(out->kind, "area") == 0);
}

static bool
take_other(struct piece t, struct call *out)
{
	return copy(t, out->other, sizeof out->other) && name_is_mailbox(out->other);
}

static bool
take_about(struct piece t, struct call *out)
{
	return copy(t, out->about, sizeof out->about) && name_is_about(out->about);
}

static bool
take_class(struct piece t, struct call *out)
{
	return copy(t, out->value, sizeof out->value) && name_is_class(out->value);
}

/* Stands after {kind}: a pseudonym begins with its kind's letter. */
static bool
take_value(struct piece t, struct call *out)
{
	if (!copy(t, out->value, sizeof out->value))
		return false;
	if (strcmp(out->kind, "class") == 0 || strcmp(out->kind, "area") == 0)
		return name_is_class(out->value); /* areas are written like classes */
	return name_is_about(out->value) && out->value[0] == out->kind[0];
}

static bool
take_level(struct piece t, struct call *out)
{
	return http_decimal(t.p, t.n, &out->number) == 0 && out->number <= 63;
}

/* Three digits of a tile's index, each group but the last after an x. */
static bool
take_group(struct piece *t, bool last, uint64_t *index)
{
	if (!last && (t->n == 0 || *t->p != 'x'))
		return false;
	t->p += !last;
	t->n -= !last;
	if (t->n < 3 || *index > UINT64_MAX / 1000 - 1)
		return false;
	for (int i = 0; i < 3; i++, t->p++, t->n--) {
		if (*t->p < '0' || *t->p > '9')
			return false;
		*index = *index * 10 + (uint64_t)(*t->p - '0');
	}
	return true;
}

/* c2sp.org/tlog-tiles: x001/x234/067, and .p/W for a tile of W < 256 hashes. */
static bool
take_tile(struct piece t, struct call *out)
{
	uint64_t width = 0;

	out->number2 = 0;
	while (t.n > 0 && *t.p == 'x') {
		if (!take_group(&t, false, &out->number2) || t.n == 0 || *t.p != '/' ||
		    out->number2 == 0)
			return false; /* a leading group of zeros is not canonical */
		t.p++;
		t.n--;
	}
	if (!take_group(&t, true, &out->number2))
		return false;
	if (t.n == 0)
		return true;
	if (t.n < 4 || memcmp(t.p, ".p/", 3) != 0 || http_decimal(t.p + 3, t.n - 3, &width) < 0 ||
	    width < 1 || width > 255)
		return false;
	return copy((struct piece){t.p + 3, t.n - 3}, out->value, sizeof out->value);
}

static const struct {
	const char *name;
	take *take;
} names[] = {
    {"{mailbox}", take_mailbox}, {"{id}", take_id},	  {"{seq}", take_number},
    {"{kind}", take_kind},	 {"{value}", take_value}, {"{level}", take_level},
    {"{tile}", take_tile},	 {"{other}", take_other},
};

static const struct query no_query[] = {{NULL, NULL, false}};
static const struct query feed_query[] = {
    {"after", take_number, false}, {"wait", take_wait, false}, {NULL, NULL, false}};
static const struct query mailbox_query[] = {{"mailbox", take_mailbox, true}, {NULL, NULL, false}};
static const struct query expect_query[] = {{"class", take_class, true},
					    {"from", take_other, true},
					    {"due", take_number, true},
					    {"about", take_about, false},
					    {NULL, NULL, false}};
static const struct query away_query[] = {
    {"until", take_number, true}, {"cover", take_other, false}, {NULL, NULL, false}};
static const struct query old_query[] = {{"old", take_number, true}, {NULL, NULL, false}};

#define BUNDLES			  "/v1/bundles/{id}"
#define FETCH			  "/v1/mailboxes/{mailbox}/bundles/{id}"
#define SUBSCRIPTION		  "/v1/subscriptions/{mailbox}/{kind}/{value}"
#define CONSENT			  "/v1/consents/{mailbox}/{kind}/{value}/{other}"
#define EXPECTATION		  "/v1/expectations/{mailbox}/{id}"
#define AWAY_PATH		  "/v1/away/{mailbox}"
#define ASK(method, pattern, ask) HTTP_##method, pattern, CALL_ASK, ASK_##ask

static const struct row {
	struct route route;
	const struct query *query;
} rows[] = {
    {{ASK(GET, "/v1/roster", ROSTER)}, no_query},
    {{ASK(GET, "/v1/crl", CRL)}, no_query},
    {{HTTP_POST, "/v1/route", CALL_ROUTE, 0}, no_query},
    {{HTTP_PUT, BUNDLES, CALL_UPLOAD, 0}, no_query},
    {{ASK(HEAD, BUNDLES, UPLOAD)}, no_query},
    {{ASK(GET, BUNDLES, BUNDLE)}, no_query},
    {{ASK(GET, BUNDLES "/evidence", EVIDENCE)}, no_query},
    {{ASK(GET, BUNDLES "/evidence/{seq}", EVIDENCE_FILE)}, no_query},
    {{ASK(GET, "/v1/mailboxes/{mailbox}", FEED)}, feed_query},
    {{ASK(GET, FETCH, FETCH)}, no_query},
    {{HTTP_POST, FETCH "/statements", CALL_STATEMENT, 0}, no_query},
    {{HTTP_POST, BUNDLES "/statements", CALL_STATEMENT, 0}, no_query},
    {{ASK(GET, "/v1/subscriptions", SUBSCRIPTIONS)}, mailbox_query},
    {{ASK(PUT, SUBSCRIPTION, SUBSCRIBE)}, no_query},
    {{ASK(DELETE, SUBSCRIPTION, UNSUBSCRIBE)}, no_query},
    {{ASK(GET, "/v1/classes", CLASSES)}, no_query},
    {{ASK(GET, "/v1/consents", CONSENTS)}, mailbox_query},
    {{ASK(PUT, CONSENT, CONSENT)}, no_query},
    {{ASK(DELETE, CONSENT, UNCONSENT)}, no_query},
    {{ASK(GET, "/v1/expectations", EXPECTATIONS)}, mailbox_query},
    {{ASK(PUT, EXPECTATION, EXPECT)}, expect_query},
    {{ASK(DELETE, EXPECTATION, UNEXPECT)}, no_query},
    {{ASK(GET, EXPECTATION "/evidence/{seq}", EXPECTATION_EVIDENCE)}, no_query},
    {{ASK(GET, "/v1/board", BOARD)}, mailbox_query},
    {{ASK(GET, "/v1/away", AWAY)}, mailbox_query},
    {{ASK(PUT, AWAY_PATH, AWAY_SET)}, away_query},
    {{ASK(DELETE, AWAY_PATH, AWAY_END)}, no_query},
    {{ASK(GET, "/v1/log/checkpoint", CHECKPOINT)}, no_query},
    {{ASK(GET, "/v1/log/tile/{level}/{tile}", TILE)}, no_query},
    {{ASK(GET, "/v1/log/consistency", CONSISTENCY)}, old_query},
    {{HTTP_OTHER, NULL, CALL_ASK, 0}, NULL},
};

const struct route *
route_table(size_t n)
{
	return &rows[n].route;
}

/* --- matching --- */

static size_t
segment(const char *p, const char *end)
{
	const char *slash = memchr(p, '/', (size_t)(end - p));

	return slash != NULL ? (size_t)(slash - p) : (size_t)(end - p);
}

/* How much of the path the name of a pattern stands for. */
static size_t
extent(const char *name, size_t n, const char *p, const char *end)
{
	size_t first = segment(p, end);

	if (n == strlen("{tile}") && memcmp(name, "{tile}", n) == 0)
		return (size_t)(end - p);
	if (((n == strlen("{mailbox}") && memcmp(name, "{mailbox}", n) == 0) ||
	     (n == strlen("{other}") && memcmp(name, "{other}", n) == 0)) &&
	    p + first < end)
		return first + 1 + segment(p + first + 1, end);
	return first;
}

static bool
take_name(const char *name, size_t n, struct piece t, struct call *out)
{
	size_t i = 0;

	while (strlen(names[i].name) != n || memcmp(names[i].name, name, n) != 0) {
		i++;
		assert(i < sizeof names / sizeof *names);
	}
	return names[i].take(t, out);
}

/* Segment by segment; a segment of the pattern is a name in braces or stands for itself. */
static bool
match(const char *pattern, const char *p, const char *end, struct call *out)
{
	while (*pattern == '/' && p < end && *p == '/') {
		size_t n, m;

		pattern++;
		p++;
		n = segment(pattern, pattern + strlen(pattern));
		m = *pattern == '{' ? extent(pattern, n, p, end) : segment(p, end);
		if (*pattern == '{' ? !take_name(pattern, n, (struct piece){p, m}, out)
				    : m != n || memcmp(pattern, p, n) != 0)
			return false;
		pattern += n;
		p += m;
	}
	return *pattern == '\0' && p == end;
}

/* name=value pairs, each name at most once, none unknown. */
static int
read_query(const struct query *query, const char *p, size_t n, struct call *out)
{
	const char *end = p + n;
	unsigned seen = 0;

	for (; p < end; p++) {
		const char *stop = memchr(p, '&', (size_t)(end - p));
		const char *equals = memchr(p, '=', (size_t)(end - p));
		size_t i = 0;

		stop = stop != NULL ? stop : end;
		if (equals == NULL || equals > stop || stop + 1 == end)
			return -1;
		while (query[i].name != NULL &&
		       (strlen(query[i].name) != (size_t)(equals - p) ||
			memcmp(query[i].name, p, strlen(query[i].name)) != 0))
			i++;
		if (query[i].name == NULL || seen & 1u << i ||
		    !query[i].take((struct piece){equals + 1, (size_t)(stop - equals - 1)}, out))
			return -1;
		seen |= 1u << i;
		p = stop;
	}
	for (size_t i = 0; query[i].name != NULL; i++)
		if (query[i].wanted && !(seen & 1u << i))
			return -1;
	return 0;
}

static const char *
allowed(unsigned methods)
{
	static const struct {
		unsigned methods;
		const char *text;
	} sets[] = {
	    {1u << HTTP_POST, "POST"},
	    {1u << HTTP_PUT | 1u << HTTP_DELETE, "PUT, DELETE"},
	    {1u << HTTP_GET | 1u << HTTP_HEAD | 1u << HTTP_PUT, "GET, HEAD, PUT"},
	};

	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		if (sets[i].methods == methods)
			return sets[i].text;
	return "GET, HEAD";
}

static const struct row *
find_row(enum http_method method, const char *path, size_t n, struct call *out, unsigned *methods)
{
	for (const struct row *row = rows; row->route.pattern != NULL; row++) {
		*out = (struct call){.route = &row->route};
		if (!match(row->route.pattern, path, path + n, out))
			continue;
		*methods |= 1u << row->route.method;
		if (row->route.method == method)
			return row;
	}
	return NULL;
}

int
route_find(enum http_method method, const char *path, size_t path_n, const char *query,
	   size_t query_n, struct call *out, const char **reason, const char **allow)
{
	unsigned methods = 0;
	const struct row *row = find_row(method, path, path_n, out, &methods);

	if (row == NULL && method == HTTP_HEAD)
		row = find_row(HTTP_GET, path, path_n, out, &methods);
	*allow = allowed(methods);
	if (row == NULL) {
		*reason = methods == 0 ? "there is nothing of this name" : "not with this method";
		return methods == 0 ? 404 : 405;
	}
	*reason = "the query is malformed";
	return read_query(row->query, query, query_n, out) < 0 ? 400 : 0;
}
