/* policy_check.c - what contradicts itself in the classes, each by itself and among each other.
 *Runs in: master, store. Pure.
 *
 *	1. a demanded mailbox must be one that the class may go to
 *	2. a ladder needs something that is owed, an expect-ladder something that is expected
 *	3. cover and register happen once; an expectation has no cover and nobody to remind
 *	4. what is collected later than it must be read, or read later than answered, by one clock
 *	5. an answer by a class must be one that a recipient may send and the sender may get
 *	6. an expected class must be one that the sender may send; expecting must not go in a circle
 *	7. what is kept until after the last answer must owe one
 *	8. a concern is discounted by two persons
 */
#include <assert.h>
#include <string.h>

#include "policy_in.h"

/* Is there a mailbox that both patterns cover? */
static bool
meet(const char *a, const char *b)
{
	const char *sa = strchr(a, '/'), *sb = strchr(b, '/');
	size_t na, nb;
	bool agency;

	assert(sa != NULL && sb != NULL); /* patterns were checked when they were read */
	na = (size_t)(sa - a);
	nb = (size_t)(sb - b);
	agency = *a == '*' || *b == '*' || (na == nb && memcmp(a, b, na) == 0);
	return agency && (sa[1] == '*' || sb[1] == '*' || strcmp(sa, sb) == 0);
}

static bool
lists_meet(const struct policy_patterns *a, const struct policy_patterns *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (meet(a->pattern[i], b->pattern[k]))
				return true;
	return false;
}

static size_t
count_steps(const struct ladder *l, enum ladder_act act)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->step[i].act == act;
	return n;
}

static int
check_demand(const struct conf *c, const struct policy_class *k, struct err *e)
{
	for (size_t i = 0; i < k->demand.n; i++) {
		const struct policy_patterns one = {&k->demand.pattern[i], 1};

		if (!lists_meet(&one, &k->to))
			return policy_refuse(c, k->name, "demand", e, "%s: to does not allow it",
					     k->demand.pattern[i]);
	}
	return 0;
}

static int
check_ladders(const struct conf *c, const struct policy_class *k, struct err *e)
{
	bool owes =
	    k->has_collect || k->has_read || k->has_provisional || k->answers != ANSWER_NONE;

	if (k->ladder.n > 1 && !owes)
		return policy_refuse(
		    c, k->name, "ladder", e,
		    "nothing is owed that it could follow: no collect, read, answer, "
		    "provisional");
	if (k->expect_ladder.n > 1 && !k->has_expects)
		return policy_refuse(c, k->name, "expect-ladder", e,
				     "nothing is expected that it could follow: no expects");
	if (count_steps(&k->ladder, LADDER_COVER) > 1 ||
	    count_steps(&k->ladder, LADDER_REGISTER) > 1 ||
	    count_steps(&k->expect_ladder, LADDER_REGISTER) > 1)
		return policy_refuse(c, k->name, k->ladder.n > 1 ? "ladder" : "expect-ladder", e,
				     "cover and register happen once");
	if (count_steps(&k->expect_ladder, LADDER_COVER) +
		count_steps(&k->expect_ladder, LADDER_REMIND) >
	    0)
		return policy_refuse(
		    c, k->name, "expect-ladder", e,
		    "want notify MAILBOX, notify sender or register: an expectation "
		    "has no cover, and nobody to remind");
	return 0;
}

/* Does a end after b, as far as one can say without a calendar? */
static bool
is_later(const struct deadline_rule *a, const struct deadline_rule *b)
{
	return a->unit == b->unit && a->n > b->n;
}

static int
check_order(const struct conf *c, const struct policy_class *k, struct err *e)
{
	if (k->has_collect && k->has_read && is_later(&k->collect, &k->read))
		return policy_refuse(c, k->name, "collect", e, "later than it must be read");
	if (k->has_collect && k->answers == ANSWER_WITHIN && is_later(&k->collect, &k->answer))
		return policy_refuse(c, k->name, "collect", e, "later than it must be answered");
	if (k->has_read && k->answers == ANSWER_WITHIN && is_later(&k->read, &k->answer))
		return policy_refuse(c, k->name, "read", e, "later than it must be answered");
	return 0;
}

static int
check_answer(const struct conf *c, const struct policy *p, const struct policy_class *k,
	     struct err *e)
{
	const struct policy_class *by;

	if (k->retain_after_answer && k->answers == ANSWER_NONE)
		return policy_refuse(c, k->name, "retain", e,
				     "after the last answer, and no answer is owed");
	if (k->answer_by[0] == '\0')
		return 0;
	if ((by = policy_find(p, k->answer_by)) == NULL)
		return policy_refuse(c, k->name, "answer", e, "by %s: no such class", k->answer_by);
	if (!lists_meet(&by->from, &k->to) || !lists_meet(&by->to, &k->from))
		return policy_refuse(c, k->name, "answer", e,
				     "by %s: no recipient may send that back to the sender",
				     k->answer_by);
	return 0;
}

static int
check_expects(const struct conf *c, const struct policy *p, const struct policy_class *k,
	      struct err *e)
{
	const struct policy_class *next = k;

	if (!k->has_expects)
		return 0;
	for (size_t steps = 0; next->has_expects; steps++) {
		const struct policy_class *of = next;

		if ((next = policy_find(p, of->expects_class)) == NULL)
			return policy_refuse(c, of->name, "expects", e, "%s: no such class",
					     of->expects_class);
		if (next == k || steps > p->n)
			return policy_refuse(c, k->name, "expects", e,
					     "%s: leads back to itself, without end",
					     k->expects_class);
	}
	if (!lists_meet(&policy_find(p, k->expects_class)->from, &k->from))
		return policy_refuse(c, k->name, "expects", e, "%s: the sender may not send that",
				     k->expects_class);
	return 0;
}

int
policy_check(const struct conf *c, const struct policy *p, struct err *e)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct policy_class *k = &p->classes[i];

		if (check_demand(c, k, e) < 0 || check_ladders(c, k, e) < 0 ||
		    check_order(c, k, e) < 0 || check_answer(c, p, k, e) < 0 ||
		    check_expects(c, p, k, e) < 0)
			return -1;
		if (k->discounts && k->signatures < 2)
			return policy_refuse(
			    c, k->name, "discounts", e,
			    "wants signatures = 2: two persons discount a concern");
	}
	return 0;
}
