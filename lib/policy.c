/* policy.c - classes of documents: who may send what to whom. Runs in: master (to check), store.
 * Owns: the classes. Trusts: nothing of the configuration but its types. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_in.h"

int
policy_refuse(const struct conf *c, const char *name, const char *key, struct err *e,
	      const char *fmt, ...)
{
	char what[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return err_set(e, ERR_CONFIG, "%s: class \"%s\": %s: %s", conf_where(c, "class", name, key),
		       name, key, what);
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
		if (policy_class_read(c, name, &p->classes[p->n++], e) < 0)
			goto out;
	}
	if (p->n > 0)
		qsort(p->classes, p->n, sizeof *p->classes, class_order);
	if (policy_check(c, p, e) < 0)
		goto out;
	*out = p;
	p = NULL;
	rc = 0;
out:
	policy_free(p);
	return rc;
}

static void
free_words(struct policy_words *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->word[i]);
	free(list->word);
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++) {
		free(p->classes[i].from.pattern);
		free(p->classes[i].to.pattern);
		free(p->classes[i].demand.pattern);
		free_words(&p->classes[i].require);
		free_words(&p->classes[i].media);
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
policy_may_get(const struct policy_class *c, const char *to)
{
	return matches_any(&c->to, to);
}

bool
policy_allows(const struct policy_class *c, const char *from, const char *to)
{
	return matches_any(&c->from, from) && matches_any(&c->to, to);
}
