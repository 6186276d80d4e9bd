/* policy_in.h - what the files of the policy share; not a public header. */
#ifndef LIB_POLICY_IN_H
#define LIB_POLICY_IN_H

#include "safehand/conf.h"
#include "safehand/policy.h"

struct policy {
	struct policy_class *classes; /* by name */
	size_t n;
};

/* "file:line: class "name": key: what"; -1. */
int policy_refuse(const struct conf *c, const char *name, const char *key, struct err *e,
		  const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* policy_read.c: one class from its section. What out holds is freed by policy_free, also on error.
 */
int policy_class_read(const struct conf *c, const char *name, struct policy_class *out,
		      struct err *e);
/* policy_check.c: what no class says by itself. */
int policy_check(const struct conf *c, const struct policy *p, struct err *e);

#endif
