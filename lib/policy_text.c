/* policy_text.c - the policy in one canonical text. Runs in: store, master, tests. Pure. */
#include <inttypes.h>
#include <string.h>

#include "safehand/conf.h"

#include "policy_in.h"

#define DAY_MS INT64_C(86400000)

static void
rule_text(bool has, const struct deadline_rule *r, struct buf *out)
{
	if (has)
		deadline_rule_format(r, out);
}

static void
answer_text(const struct policy_class *c, struct buf *out)
{
	if (c->answers == ANSWER_ACTIONS)
		buf_adds(out, "each action by its due date");
	rule_text(c->answers == ANSWER_WITHIN, &c->answer, out);
	if (c->answer_by[0] != '\0')
		buf_addf(out, " by %s", c->answer_by);
}

static void
retain_text(const struct policy_class *c, struct buf *out)
{
	if (c->retain_ms % DAY_MS == 0)
		buf_addf(out, "%" PRId64 "d", c->retain_ms / DAY_MS);
	else
		buf_addf(out, "%" PRId64 "ms", c->retain_ms);
	if (c->retain_after_answer)
		buf_adds(out, " after the last answer");
}

static void
expects_text(const struct policy_class *c, struct buf *out)
{
	if (!c->has_expects)
		return;
	buf_addf(out, "%s ", c->expects_class);
	deadline_rule_format(&c->expects, out);
	buf_adds(out, " of the event");
}

void
policy_value(const struct policy_class *c, const char *key, struct buf *out)
{
	static const char *const subscribe[] = {"no", "yes", "by-consent"};

	if (strcmp(key, "clock") == 0)
		buf_adds(out, c->clock_event ? "event" : "sending");
	else if (strcmp(key, "provisional") == 0)
		rule_text(c->has_provisional, &c->provisional, out);
	else if (strcmp(key, "collect") == 0)
		rule_text(c->has_collect, &c->collect, out);
	else if (strcmp(key, "read") == 0)
		rule_text(c->has_read, &c->read, out);
	else if (strcmp(key, "answer") == 0)
		answer_text(c, out);
	else if (strcmp(key, "expects") == 0)
		expects_text(c, out);
	else if (strcmp(key, "subscribe") == 0)
		buf_adds(out, subscribe[c->subscribe]);
	else if (strcmp(key, "discounts") == 0)
		buf_adds(out, c->discounts ? "yes" : "no");
	else if (strcmp(key, "retain") == 0)
		retain_text(c, out);
}

static void
patterns_text(const char *key, const struct policy_patterns *list, struct buf *out)
{
	for (size_t i = 0; i < list->n; i++)
		buf_addf(out, "%s %s\n", key, list->pattern[i]);
}

static void
words_text(const char *key, const struct policy_words *list, struct buf *out)
{
	for (size_t i = 0; i < list->n; i++)
		buf_addf(out, "%s %s\n", key, list->word[i]);
}

static void
ladder_text(const char *key, const struct ladder *l, struct buf *out)
{
	buf_addf(out, "%s ", key);
	ladder_format(l, out);
	buf_addc(out, '\n');
}

static void
class_text(const struct policy_class *c, struct buf *out)
{
	static const char *const values[] = {"clock",	  "provisional", "collect",
					     "read",	  "answer",	 "expects",
					     "subscribe", "discounts",	 "retain"};

	buf_addf(out, "class %s\n", c->name);
	patterns_text("from", &c->from, out);
	patterns_text("to", &c->to, out);
	patterns_text("demand", &c->demand, out);
	words_text("require", &c->require, out);
	words_text("media", &c->media, out);
	buf_addf(out, "signatures %u\nmax-bytes %" PRIu64 "\n", c->signatures, c->max_bytes);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		buf_addf(out, "%s ", values[i]);
		policy_value(c, values[i], out);
		buf_addc(out, '\n');
	}
	ladder_text("ladder", &c->ladder, out);
	ladder_text("expect-ladder", &c->expect_ladder, out);
}

void
policy_text(const struct policy *p, struct buf *out)
{
	for (size_t i = 0; i < p->n; i++)
		class_text(&p->classes[i], out);
}

static void
mailboxes_text(const struct conf *c, struct buf *out)
{
	static const char *const keys[] = {"calendar", "mail", "webhook"};
	const char *pattern;

	for (size_t i = 0; (pattern = conf_instance(c, "mailbox", i)) != NULL; i++) {
		buf_addf(out, "mailbox %s\n", pattern);
		for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
			buf_addf(out, "%s %s\n", keys[k], conf_str(c, "mailbox", pattern, keys[k]));
	}
}

void
policy_whole_text(const struct policy *p, const struct buf *calendars, const struct conf *c,
		  struct buf *out)
{
	buf_adds(out, "safehand-policy 1\n");
	policy_text(p, out);
	if (calendars != NULL)
		buf_add(out, calendars->data, calendars->len);
	mailboxes_text(c, out);
}
