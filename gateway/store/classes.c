/* classes.c - the classes in force, as JSON. Runs in: store. Owns: nothing. Trusts: the policy. */
#include "store/classes.h"

#include <inttypes.h>

static void
strings_end(struct buf *json, size_t n)
{
	if (n > 0)
		json->len--; /* the last comma */
	buf_addc(json, ']');
}

static void
string_add(struct buf *json, const char *text)
{
	buf_json(json, text);
	buf_addc(json, ',');
}

static void
patterns_json(struct buf *json, const char *name, const struct policy_patterns *list)
{
	buf_json_key(json, name);
	buf_addc(json, '[');
	for (size_t i = 0; i < list->n; i++)
		string_add(json, list->pattern[i]);
	strings_end(json, list->n);
}

static void
words_json(struct buf *json, const char *name, const struct policy_words *list)
{
	buf_json_key(json, name);
	buf_addc(json, '[');
	for (size_t i = 0; i < list->n; i++)
		string_add(json, list->word[i]);
	strings_end(json, list->n);
}

/* The rule's canonical text, with what stands before and after it; null if there is none. */
static void
rule_json(struct buf *json, const char *name, bool has, const char *before,
	  const struct deadline_rule *r, const char *after, const char *klass)
{
	struct buf text = {0};

	if (has) {
		buf_adds(&text, before);
		deadline_rule_format(r, &text);
		buf_adds(&text, after);
		buf_adds(&text, klass);
	}
	buf_json_str(json, name, has ? buf_str(&text) : NULL);
	buf_free(&text);
}

static void
ladder_json(struct buf *json, const char *name, const struct ladder *l)
{
	struct buf text = {0};

	ladder_format(l, &text);
	buf_json_str(json, name, text.len > 0 ? buf_str(&text) : NULL);
	buf_free(&text);
}

static void
answer_json(struct buf *json, const struct policy_class *c)
{
	bool by = c->answer_by[0] != '\0';

	if (c->answers == ANSWER_ACTIONS)
		buf_json_str(json, "answer", "each action by its due date");
	else
		rule_json(json, "answer", c->answers == ANSWER_WITHIN, "", &c->answer,
			  by ? " by " : "", c->answer_by);
}

static void
expects_json(struct buf *json, const struct policy_class *c)
{
	struct buf before = {0};

	buf_addf(&before, "%s ", c->expects_class);
	rule_json(json, "expects", c->has_expects, buf_str(&before), &c->expects, " of the meeting",
		  "");
	buf_free(&before);
}

static void
class_json(struct buf *json, const struct policy_class *c)
{
	static const char *const subscribe[] = {"no", "yes", "by-consent"};

	buf_addc(json, '{');
	buf_json_str(json, "name", c->name);
	buf_json_int(json, "signatures", c->signatures);
	buf_json_int(json, "max_bytes", (int64_t)c->max_bytes);
	buf_json_str(json, "clock", c->clock_event ? "event" : "sending");
	words_json(json, "require", &c->require);
	words_json(json, "media", &c->media);
	patterns_json(json, "from", &c->from);
	patterns_json(json, "to", &c->to);
	patterns_json(json, "demand", &c->demand);
	rule_json(json, "collect", c->has_collect, "", &c->collect, "", "");
	rule_json(json, "read", c->has_read, "", &c->read, "", "");
	answer_json(json, c);
	rule_json(json, "provisional", c->has_provisional, "final ", &c->provisional, "", "");
	expects_json(json, c);
	ladder_json(json, "ladder", &c->ladder);
	ladder_json(json, "expect_ladder", &c->expect_ladder);
	buf_json_str(json, "subscribe", subscribe[c->subscribe]);
	buf_json_str(json, "discounts", c->discounts ? "yes" : "no");
	buf_json_int(json, "retain_ms", c->retain_ms);
	buf_json_str(json, "retain_from", c->retain_after_answer ? "answer" : "acceptance");
	buf_addc(json, '}');
}

void
classes_json(const struct policy *p, struct buf *json)
{
	buf_addc(json, '{');
	buf_json_key(json, "classes");
	buf_addc(json, '[');
	for (size_t i = 0; i < policy_count(p); i++) {
		buf_json_item(json);
		class_json(json, policy_at(p, i));
	}
	buf_adds(json, "]}");
}

void
classes_answer(const struct store *s, const struct asker *a)
{
	struct buf json = {0};

	classes_json(s->policy, &json);
	reply_json(a, 200, &json);
	buf_free(&json);
}
