/* policy_read.c - a class from its section. Runs in: master (to check), store. Owns: nothing. Pure.
 * Trusts: nothing of the configuration but its types. */
#include <stdlib.h>
#include <string.h>

#include "policy_in.h"
#include "safehand/cover_need.h"
#include "safehand/limits.h"
#include "safehand/notice.h"

#define VALUE_MAX  160 /* bytes of a rule with a class's name and some words about it */
#define RETAIN_MAX (36500 * INT64_C(86400000)) /* ms: a century */
#define RETAIN_MIN INT64_C(86400000)
#define MEDIA_MAX  127 /* bytes: RFC 6838 section 4.2 has it of each half */

/* --- values by themselves --- */

/* Takes a suffix off a copy of text; whether it was there. */
static bool
cut_suffix(char *text, const char *suffix)
{
	size_t n = strlen(text), k = strlen(suffix);

	if (n < k || strcmp(text + n - k, suffix) != 0)
		return false;
	text[n - k] = '\0';
	return true;
}

int
policy_answer_parse(const char *text, struct policy_class *out, struct err *e)
{
	char copy[VALUE_MAX], *by;

	if (strcmp(text, "each action by its due date") == 0) {
		out->answers = ANSWER_ACTIONS;
		return 0;
	}
	if (strlen(text) >= sizeof copy)
		return err_set(e, ERR_CONFIG,
			       "%s: want RULE, RULE by CLASS, or each action by its "
			       "due date",
			       text);
	strcpy(copy, text);
	if ((by = strstr(copy, " by ")) != NULL) {
		*by = '\0';
		if (!name_is_class(by + 4))
			return err_set(e, ERR_CONFIG, "%s: %s: no class name", text, by + 4);
		strcpy(out->answer_by, by + 4);
	}
	out->answers = ANSWER_WITHIN;
	return deadline_rule_parse(copy, &out->answer, e);
}

int
policy_expects_parse(const char *text, struct policy_class *out, struct err *e)
{
	char copy[VALUE_MAX], *rule;

	if (strlen(text) >= sizeof copy)
		return err_set(e, ERR_CONFIG, "%s: want CLASS RULE of the meeting", text);
	strcpy(copy, text);
	if (!cut_suffix(copy, " of the meeting"))
		(void)cut_suffix(copy, " of the event");
	if ((rule = strchr(copy, ' ')) == NULL)
		return err_set(e, ERR_CONFIG, "%s: want CLASS RULE of the meeting", text);
	*rule = '\0';
	if (!name_is_class(copy))
		return err_set(e, ERR_CONFIG, "%s: %s: no class name", text, copy);
	strcpy(out->expects_class, copy);
	out->has_expects = true;
	return deadline_rule_parse(rule + 1, &out->expects, e);
}

int
policy_retain_parse(const char *text, struct policy_class *out, struct err *e)
{
	char copy[VALUE_MAX];

	if (strlen(text) < sizeof copy) {
		strcpy(copy, text);
		out->retain_after_answer = cut_suffix(copy, " after the last answer");
		if (conf_duration(copy, &out->retain_ms) == 0 && out->retain_ms >= RETAIN_MIN &&
		    out->retain_ms <= RETAIN_MAX)
			return 0;
	}
	return err_set(e, ERR_CONFIG, "%s: want 1d to 36500d, or so long after the last answer",
		       text);
}

static bool
is_media_half(const char *s, size_t n)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-";

	return n > 0 && n <= MEDIA_MAX && strchr(first, *s) != NULL && strspn(s, rest) >= n;
}

bool
policy_is_media(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash != NULL && strlen(text) < MEDIA_TYPE_TEXT &&
	       is_media_half(text, (size_t)(slash - text)) &&
	       is_media_half(slash + 1, strlen(slash + 1));
}

/* --- a section --- */

/* Where a class is read from: sentences name it. */
struct section {
	const struct conf *c;
	const char *name;
	struct err *e;
};

static int
refuse(const struct section *s, const char *key, const char *what)
{
	return policy_refuse(s->c, s->name, key, s->e, "%s", what);
}

static int
refuse_item(const struct section *s, const char *key, const char *item, const char *what)
{
	return policy_refuse(s->c, s->name, key, s->e, "%s: %s", item, what);
}

static int
patterns_read(const struct section *s, const char *key, struct policy_patterns *out)
{
	const char *item;

	while ((item = conf_item(s->c, "class", s->name, key, out->n)) != NULL) {
		if (!name_is_pattern(item))
			return refuse(s, key, "not agency/role, with * for either part");
		out->pattern = mem_realloc(out->pattern, out->n + 1, sizeof *out->pattern);
		strcpy(out->pattern[out->n++], item); /* a pattern fits NAME_MAILBOX */
	}
	if (out->n == 0)
		return refuse(s, key, "empty: nobody could use the class");
	return 0;
}

static int
demand_read(const struct section *s, struct policy_patterns *out)
{
	const char *item;

	while ((item = conf_item(s->c, "class", s->name, "demand", out->n)) != NULL) {
		if (!name_is_mailbox(item))
			return refuse_item(s, "demand", item, "not a mailbox: agency/role");
		for (size_t i = 0; i < out->n; i++)
			if (strcmp(out->pattern[i], item) == 0)
				return refuse_item(s, "demand", item, "given twice");
		out->pattern = mem_realloc(out->pattern, out->n + 1, sizeof *out->pattern);
		strcpy(out->pattern[out->n++], item);
	}
	return 0;
}

static int
words_read(const struct section *s, const char *key, bool (*is_word)(const char *),
	   const char *what, struct policy_words *out)
{
	const char *item;

	while ((item = conf_item(s->c, "class", s->name, key, out->n)) != NULL) {
		if (!is_word(item))
			return refuse_item(s, key, item, what);
		for (size_t i = 0; i < out->n; i++)
			if (strcmp(out->word[i], item) == 0)
				return refuse_item(s, key, item, "given twice");
		out->word = mem_realloc(out->word, out->n + 1, sizeof *out->word);
		out->word[out->n++] = mem_strdup(item);
	}
	return 0;
}

static int
ladder_read(const struct section *s, const char *key, struct ladder *out)
{
	const char *item;
	struct err why;

	ladder_clear(out);
	for (size_t i = 0; (item = conf_item(s->c, "class", s->name, key, i)) != NULL; i++)
		if (ladder_add(out, item, &why) < 0)
			return refuse(s, key, why.text);
	return 0;
}

static int
rule_read(const struct section *s, const char *key, bool *has, struct deadline_rule *out)
{
	const char *text = conf_str(s->c, "class", s->name, key);
	struct err why;

	*has = *text != '\0';
	if (*has && deadline_rule_parse(text, out, &why) < 0)
		return refuse(s, key, why.text);
	return 0;
}

static int
value_read(const struct section *s, const char *key,
	   int (*parse)(const char *, struct policy_class *, struct err *),
	   struct policy_class *out)
{
	const char *text = conf_str(s->c, "class", s->name, key);
	struct err why;

	if (*text != '\0' && parse(text, out, &why) < 0)
		return refuse(s, key, why.text);
	return 0;
}

static int
deadlines_read(const struct section *s, struct policy_class *out)
{
	out->clock_event = strcmp(conf_str(s->c, "class", s->name, "clock"), "event") == 0;
	if (rule_read(s, "collect", &out->has_collect, &out->collect) < 0 ||
	    rule_read(s, "read", &out->has_read, &out->read) < 0 ||
	    rule_read(s, "provisional", &out->has_provisional, &out->provisional) < 0 ||
	    value_read(s, "answer", policy_answer_parse, out) < 0 ||
	    value_read(s, "expects", policy_expects_parse, out) < 0 ||
	    ladder_read(s, "ladder", &out->ladder) < 0 ||
	    ladder_read(s, "expect-ladder", &out->expect_ladder) < 0)
		return -1;
	return 0;
}

static enum policy_subscribe
subscribe_of(const char *word)
{
	return strcmp(word, "yes") == 0	 ? SUBSCRIBE_YES
	       : strcmp(word, "no") == 0 ? SUBSCRIBE_NO
					 : SUBSCRIBE_BY_CONSENT;
}

int
policy_class_read(const struct conf *c, const char *name, struct policy_class *out, struct err *e)
{
	const struct section s = {c, name, e};
	int64_t signatures = conf_int(c, "class", name, "signatures");
	int64_t max = conf_int(c, "class", name, "max-bytes");

	if (!name_is_class(name))
		return refuse(&s, "from", "not a class name: [a-z0-9][a-z0-9-]{0,62}");
	if (strcmp(name, NOTICE_CLASS) == 0)
		return refuse(&s, "from", "the name of the gateway's own notices");
	strcpy(out->name, name);
	if (patterns_read(&s, "from", &out->from) < 0 || patterns_read(&s, "to", &out->to) < 0)
		return -1;
	if (signatures < 1 || signatures > SIGNERS_MAX)
		return refuse(&s, "signatures", "not within 1 to 8");
	if (max < 1 || (uint64_t)max > PAYLOAD_MAX_BYTES)
		return refuse(&s, "max-bytes", "not within 1 byte to 1 TiB");
	out->signatures = (unsigned)signatures;
	out->max_bytes = (uint64_t)max;
	out->subscribe = subscribe_of(conf_str(c, "class", name, "subscribe"));
	out->discounts = strcmp(conf_str(c, "class", name, "discounts"), "yes") == 0;
	if (value_read(&s, "retain", policy_retain_parse, out) < 0 ||
	    demand_read(&s, &out->demand) < 0 ||
	    words_read(&s, "require", cover_need_is, "no field of the cover sheet", &out->require) <
		0 ||
	    words_read(&s, "media", policy_is_media, "not a media type: type/subtype",
		       &out->media) < 0)
		return -1;
	return deadlines_read(&s, out);
}
