/* cover_met.c - whether a cover sheet has a field that its class requires. Runs in: client. Pure.
 */
#include <assert.h>
#include <string.h>

#include "cover_in.h"
#include "safehand/cover_need.h"

static bool
is_written(const char *text)
{
	return text != NULL && text[strspn(text, " \t\n")] != '\0';
}

static bool
is_child(const struct json *person)
{
	const char *role = json_text(person, "role");

	return role != NULL && strcmp(role, "child") == 0;
}

static bool
has_identifier(const struct json *person)
{
	const struct json *list = json_member(person, "identifiers");

	for (size_t i = 0; i < json_count(list); i++)
		if (is_written(json_text(json_item(list, i), "kind")) &&
		    is_written(json_text(json_item(list, i), "value")))
			return true;
	return false;
}

static bool
child_has(const struct json *person, const char *name)
{
	return strcmp(name, "identifiers") == 0 ? has_identifier(person)
						: is_written(json_text(person, name));
}

/* Of each child, and there is one. */
static bool
children_have(const struct json *sheet, const char *name)
{
	const struct json *people = json_member(sheet, "people");
	size_t children = 0;

	for (size_t i = 0; i < json_count(people); i++) {
		if (!is_child(json_item(people, i)))
			continue;
		if (!child_has(json_item(people, i), name))
			return false;
		children++;
	}
	return children > 0;
}

/* An item of a list has the text. */
static bool
list_has(const struct json *sheet, const char *list, const char *name)
{
	const struct json *array = json_member(sheet, list);

	for (size_t i = 0; i < json_count(array); i++)
		if (is_written(json_text(json_item(array, i), name)))
			return true;
	return false;
}

/* A measurement was written: its date is always there. */
static bool
is_measured(const struct json *sheet, const char *name)
{
	const struct json *array = json_member(sheet, "measurements");

	for (size_t i = 0; i < json_count(array); i++)
		if (json_number(json_item(array, i), name) > 0)
			return true;
	return false;
}

/* [] was written: there are none. */
static bool
is_said(const struct json *sheet, const char *list, const char *name)
{
	return json_member(sheet, list) != NULL &&
	       (json_count(json_member(sheet, list)) == 0 || list_has(sheet, list, name));
}

static bool
part_has(const struct json *sheet, const char *part, const char *name)
{
	const struct json *o = json_member(sheet, part);

	return o != NULL && is_written(json_text(o, name));
}

bool
cover_need_met(const struct cover *c, const char *field)
{
	const struct json *o = c->doc;

	assert(cover_need_is(field));
	if (strcmp(field, "child") == 0)
		return children_have(o, "name");
	if (strncmp(field, "child.", 6) == 0)
		return children_have(o, field + 6);
	if (strcmp(field, "household") == 0)
		return children_have(o, "household");
	if (strncmp(field, "meeting.", 8) == 0)
		return part_has(o, "meeting", field + 8);
	if (strncmp(field, "event.", 6) == 0)
		return part_has(o, "event", field + 6);
	if (strcmp(field, "attendees") == 0)
		return list_has(o, "attendees", "name");
	if (strcmp(field, "apologies") == 0)
		return is_said(o, "apologies", "name");
	if (strcmp(field, "decisions") == 0)
		return list_has(o, "decisions", "text");
	if (strcmp(field, "actions") == 0)
		return is_said(o, "actions", "text");
	if (strcmp(field, "measurements.height") == 0)
		return is_measured(o, "height_mm");
	if (strcmp(field, "measurements.weight") == 0)
		return is_measured(o, "weight_g");
	return is_written(
	    json_text(o, strcmp(field, "medical-opinion") == 0 ? "medical_opinion" : field));
}
