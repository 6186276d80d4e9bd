/* policy.c - classes of documents: who may send what to whom. Runs in: master (to check), store.
 * Owns: the classes. Trusts: nothing of the configuration but its types. */
#include "safehand/policy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "safehand/conf.h"
#include "safehand/limits.h"

struct policy {
	struct policy_class *classes; /* by name */
	size_t n;
};

static int
refuse(const struct conf *c, const char *name, const char *key, struct err *e, const char *what)
{
	return err_set(e, ERR_CONFIG, "%s: class \"%s\": %s: %s", conf_where(c, "class", name, key),
		       name, key, what);
}

static int
patterns_read(const struct conf *c, const char *name, const char *key, struct policy_patterns *out,
	      struct err *e)
{
	const char *item;

	while ((item = conf_item(c, "class", name, key, out->n)) != NULL) {
		if (!name_is_pattern(item))
			return refuse(c, name, key, e, "not agency/role, with * for either part");
		out->pattern = mem_realloc(out->pattern, out->n + 1, sizeof *out->pattern);
		strcpy(out->pattern[out->n++], item); /* a pattern fits NAME_MAILBOX */
	}
	if (out->n == 0)
		return refuse(c, name, key, e, "empty: nobody could use the class");
	return 0;
}

static int
class_read(const struct conf *c, const char *name, struct policy_class *out, struct err *e)
{
	int64_t signatures = conf_int(c, "class", name, "signatures");
	int64_t max = conf_int(c, "class", name, "max-bytes");

	if (!name_is_class(name))
		return refuse(c, name, "from", e, "not a class name: [a-z0-9][a-z0-9-]{0,62}");
	strcpy(out->name, name);
	if (patterns_read(c, name, "from", &out->from, e) < 0 ||
	    patterns_read(c, name, "to", &out->to, e) < 0)
		return -1;
	if (signatures < 1 || signatures > SIGNERS_MAX)
		return refuse(c, name, "signatures", e, "not within 1 to 8");
	if (max < 1 || (uint64_t)max > PAYLOAD_MAX_BYTES)
		return refuse(c, name, "max-bytes", e, "not within 1 byte to 1 TiB");
	out->signatures = (unsigned)signatures;
	out->max_bytes = (uint64_t)max;
	out->retain_ms = conf_int(c, "class", name, "retain");
	out->subscribe = strcmp(conf_str(c, "class", name, "subscribe"), "yes") == 0;
	return 0;
}

static int
class_order(const void *a, const void *b)
{
	return strcmp(((const struct policy_class *)a)->name,
		      ((const struct policy_class *)b)->name);
}

int
policy_from_conf(const struct conf *c, struct policy **out, struct err *e)
{
	struct policy *p = mem_alloc(sizeof *p);
	const char *name;
	int rc = -1;

	while ((name = conf_instance(c, "class", p->n)) != NULL) {
		p->classes = mem_realloc(p->classes, p->n + 1, sizeof *p->classes);
		memset(&p->classes[p->n], 0, sizeof *p->classes);
		if (class_read(c, name, &p->classes[p->n++], e) < 0)
			goto out;
	}
	if (p->n > 0)
		qsort(p->classes, p->n, sizeof *p->classes, class_order);
	*out = p;
	p = NULL;
	rc = 0;
out:
	policy_free(p);
	return rc;
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++) {
		free(p->classes[i].from.pattern);
		free(p->classes[i].to.pattern);
	}
	free(p->classes);
	free(p);
}

size_t
policy_count(const struct policy *p)
{
	return p->n;
}

const struct policy_class *
policy_at(const struct policy *p, size_t i)
{
	return &p->classes[i];
}

static int
class_name_order(const void *name, const void *class)
{
	return strcmp(name, ((const struct policy_class *)class)->name);
}

const struct policy_class *
policy_find(const struct policy *p, const char *name)
{
	return p->n == 0 ? NULL
			 : bsearch(name, p->classes, p->n, sizeof *p->classes, class_name_order);
}

static bool
matches_any(const struct policy_patterns *list, const char *mailbox)
{
	for (size_t i = 0; i < list->n; i++)
		if (name_matches(list->pattern[i], mailbox))
			return true;
	return false;
}

bool
policy_may_send(const struct policy_class *c, const char *from)
{
	return matches_any(&c->from, from);
}

bool
policy_allows(const struct policy_class *c, const char *from, const char *to)
{
	return matches_any(&c->from, from) && matches_any(&c->to, to);
}

static void
patterns_text(const char *key, const struct policy_patterns *list, struct buf *out)
{
	for (size_t i = 0; i < list->n; i++)
		buf_addf(out, "%s %s\n", key, list->pattern[i]);
}

void
policy_text(const struct policy *p, struct buf *out)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct policy_class *c = &p->classes[i];

		buf_addf(out, "class %s\n", c->name);
		patterns_text("from", &c->from, out);
		patterns_text("to", &c->to, out);
		buf_addf(out, "signatures %u\nmax-bytes %" PRIu64 "\nretain-ms %" PRId64 "\n",
			 c->signatures, c->max_bytes, c->retain_ms);
		buf_addf(out, "subscribe %s\n", c->subscribe ? "yes" : "no");
	}
}
