/* cover_check.c - the rules for what people write on a cover sheet. Runs in: client. Pure. Trusts:
 * no byte. */
#include <stdio.h>
#include <string.h>

#include "cover_in.h"
#include "safehand/time.h"

#define WORD_BYTES 32	       /* a word of a fixed list */
#define LINE_BYTES 512	       /* a title, a name, a place: a line on a screen */
#define PARA_BYTES (16 * 1024) /* a decision with its reasons: some pages */
#define LIST_ITEMS 256	       /* people, attendees, decisions, measurements of one sheet */
#define HEIGHT_MAX 3000	       /* millimetres; nobody is taller */
#define WEIGHT_MAX 700000      /* grams; nobody is heavier */

static const struct json_rule rules[] = {
    {.name = "safehand_cover", .type = JSON_T_INT},
    {.name = "id", .type = JSON_T_STRING, .optional = true, .max = UUID_TEXT - 1},
    {.name = "from", .type = JSON_T_STRING, .optional = true, .max = NAME_MAILBOX - 1},
    {.name = "to", .type = JSON_T_ARRAY, .optional = true, .max = RECIPIENTS_MAX},
    {.name = "documents", .type = JSON_T_ARRAY, .optional = true, .max = DOCUMENTS_MAX},
    {.name = "title", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = "people", .type = JSON_T_ARRAY, .optional = true, .max = LIST_ITEMS},
    {.name = "meeting", .type = JSON_T_OBJECT, .optional = true},
    {.name = "event", .type = JSON_T_OBJECT, .optional = true},
    {.name = "attendees", .type = JSON_T_ARRAY, .optional = true, .max = LIST_ITEMS},
    {.name = "apologies", .type = JSON_T_ARRAY, .optional = true, .max = LIST_ITEMS},
    {.name = "decisions", .type = JSON_T_ARRAY, .optional = true, .max = LIST_ITEMS},
    {.name = "actions", .type = JSON_T_ARRAY, .optional = true, .max = ACTIONS_MAX},
    {.name = "medical_opinion", .type = JSON_T_STRING, .optional = true, .max = WORD_BYTES},
    {.name = "language", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = "interpreter", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = "measurements", .type = JSON_T_ARRAY, .optional = true, .max = LIST_ITEMS},
    {.name = NULL},
};

static const struct json_rule person_rules[] = {
    {.name = "name", .type = JSON_T_STRING, .max = LINE_BYTES},
    {.name = "role", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = "born", .type = JSON_T_STRING, .optional = true, .max = WORD_BYTES},
    {.name = "identifiers", .type = JSON_T_ARRAY, .optional = true, .max = LIST_ITEMS},
    {.name = "household", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = NULL},
};

static const struct json_rule identifier_rules[] = {
    {.name = "kind", .type = JSON_T_STRING, .max = LINE_BYTES},
    {.name = "value", .type = JSON_T_STRING, .max = LINE_BYTES},
    {.name = NULL},
};

static const struct json_rule meeting_rules[] = {
    {.name = "at", .type = JSON_T_STRING, .max = WORD_BYTES},
    {.name = "kind", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = "place", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = "chair", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = NULL},
};

static const struct json_rule attendee_rules[] = {
    {.name = "name", .type = JSON_T_STRING, .max = LINE_BYTES},
    {.name = "role", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = NULL},
};

static const struct json_rule decision_rules[] = {
    {.name = "text", .type = JSON_T_TEXT, .max = PARA_BYTES},
    {.name = "reason", .type = JSON_T_TEXT, .optional = true, .max = PARA_BYTES},
    {.name = "dissent", .type = JSON_T_TEXT, .optional = true, .max = PARA_BYTES},
    {.name = NULL},
};

static const struct json_rule action_rules[] = {
    {.name = "n", .type = JSON_T_INT},
    {.name = "owner", .type = JSON_T_STRING, .max = NAME_MAILBOX - 1},
    {.name = "due", .type = JSON_T_STRING, .max = DUE_TEXT - 1},
    {.name = "text", .type = JSON_T_TEXT, .max = PARA_BYTES},
    {.name = NULL},
};

static const struct json_rule measurement_rules[] = {
    {.name = "date", .type = JSON_T_STRING, .max = WORD_BYTES},
    {.name = "height_mm", .type = JSON_T_INT, .optional = true},
    {.name = "weight_g", .type = JSON_T_INT, .optional = true},
    {.name = "person", .type = JSON_T_STRING, .optional = true, .max = LINE_BYTES},
    {.name = NULL},
};

int
cover_refuse(const char *member, const char *want, const char *have, struct err *e)
{
	return err_set(e, ERR_FORMAT, COVER_NAME ".%s: %s: want %s", member, have, want);
}

static bool
is_date(const char *text)
{
	char midnight[TIME_TEXT + WORD_BYTES];
	int64_t ms;

	snprintf(midnight, sizeof midnight, "%sT00:00:00Z", text);
	return time_parse(midnight, &ms) == 0;
}

static int
check_date(const struct json *o, const char *name, const char *path, struct err *e)
{
	const char *text = json_text(o, name);

	return text == NULL || is_date(text)
		   ? 0
		   : cover_refuse(path, "a date such as 2026-11-24", text, e);
}

static int
check_person(const struct json *o, struct err *e)
{
	const struct json *list;

	if (json_check(o, person_rules, COVER_NAME ".people", e) < 0 ||
	    check_date(o, "born", "people.born", e) < 0)
		return -1;
	list = json_member(o, "identifiers");
	for (size_t i = 0; i < json_count(list); i++)
		if (json_check(json_item(list, i), identifier_rules,
			       COVER_NAME ".people.identifiers", e) < 0)
			return -1;
	return 0;
}

static int
check_attendee(const struct json *o, struct err *e)
{
	return json_check(o, attendee_rules, COVER_NAME ".attendees", e);
}

static int
check_apology(const struct json *o, struct err *e)
{
	return json_check(o, attendee_rules, COVER_NAME ".apologies", e);
}

static int
check_decision(const struct json *o, struct err *e)
{
	return json_check(o, decision_rules, COVER_NAME ".decisions", e);
}

static int
check_action(const struct json *o, struct err *e)
{
	if (json_check(o, action_rules, COVER_NAME ".actions", e) < 0 ||
	    check_date(o, "due", "actions.due", e) < 0)
		return -1;
	if (!name_is_mailbox(json_text(o, "owner")))
		return cover_refuse("actions.owner", "agency/role", json_text(o, "owner"), e);
	if (json_number(o, "n") < 1 || json_number(o, "n") > ACTIONS_MAX)
		return err_set(e, ERR_FORMAT, COVER_NAME ".actions.n: want 1 to %d", ACTIONS_MAX);
	return 0;
}

static int
check_measurement(const struct json *o, struct err *e)
{
	if (json_check(o, measurement_rules, COVER_NAME ".measurements", e) < 0 ||
	    check_date(o, "date", "measurements.date", e) < 0)
		return -1;
	if (json_has_no(o, "height_mm") && json_has_no(o, "weight_g"))
		return cover_refuse("measurements", "height_mm or weight_g", json_text(o, "date"),
				    e);
	if (json_number(o, "height_mm") > HEIGHT_MAX || json_number(o, "weight_g") > WEIGHT_MAX)
		return err_set(e, ERR_FORMAT,
			       COVER_NAME ".measurements: want at most %d mm and %d g", HEIGHT_MAX,
			       WEIGHT_MAX);
	return 0;
}

static const struct {
	const char *name;
	int (*check)(const struct json *item, struct err *e);
} lists[] = {
    {"people", check_person},	  {"attendees", check_attendee},
    {"apologies", check_apology}, {"decisions", check_decision},
    {"actions", check_action},	  {"measurements", check_measurement},
};

static int
check_lists(const struct json *o, struct err *e)
{
	for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
		const struct json *list = json_member(o, lists[k].name);

		for (size_t i = 0; i < json_count(list); i++)
			if (lists[k].check(json_item(list, i), e) < 0)
				return -1;
	}
	return 0;
}

static int
check_numbers(const struct json *o, struct err *e)
{
	const struct json *list = json_member(o, "actions");
	bool seen[ACTIONS_MAX + 1] = {false};

	for (size_t i = 0; i < json_count(list); i++) {
		int64_t n = json_number(json_item(list, i), "n");

		if (seen[n])
			return err_set(e, ERR_FORMAT, COVER_NAME ".actions.n: %d stands twice",
				       (int)n);
		seen[n] = true;
	}
	return 0;
}

static int
check_meeting(const struct json *o, const char *name, const char *path, struct err *e)
{
	const struct json *m = json_member(o, name);
	const char *at;
	int64_t ms;

	if (m == NULL)
		return 0;
	if (json_check(m, meeting_rules, path, e) < 0)
		return -1;
	at = json_text(m, "at");
	if (!is_date(at) && time_parse(at, &ms) < 0)
		return err_set(e, ERR_FORMAT,
			       "%s.at: %s: want a date, or a time such as 2026-11-22T21:04:05Z",
			       path, at);
	return 0;
}

int
cover_check_written(const struct json *o, struct err *e)
{
	const char *opinion = json_text(o, "medical_opinion");

	if (json_check(o, rules, COVER_NAME, e) < 0)
		return -1;
	if (json_number(o, "safehand_cover") != 1)
		return err_set(e, ERR_FORMAT, COVER_NAME ".safehand_cover: want version 1");
	if (opinion != NULL && strcmp(opinion, "accidental") != 0 &&
	    strcmp(opinion, "non-accidental") != 0 && strcmp(opinion, "inconclusive") != 0 &&
	    strcmp(opinion, "none") != 0)
		return cover_refuse("medical_opinion",
				    "accidental, non-accidental, inconclusive or none", opinion, e);
	return check_meeting(o, "meeting", COVER_NAME ".meeting", e) < 0 ||
		       check_meeting(o, "event", COVER_NAME ".event", e) < 0 ||
		       check_lists(o, e) < 0 || check_numbers(o, e) < 0
		   ? -1
		   : 0;
}
