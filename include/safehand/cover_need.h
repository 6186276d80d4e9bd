/* cover_need.h - which fields of the cover sheet a class requires, and which of them are missing.
 * Used by: safehandd (check of the configuration), client (before sealing, and after opening). */
#ifndef SAFEHAND_COVER_NEED_H
#define SAFEHAND_COVER_NEED_H

#include <stdbool.h>

#include "safehand/buf.h"
#include "safehand/cover.h"

/* Is it the name of a field that can be required? "child", "child.born", "child.identifiers",
 * "household", "title", "meeting.at", "meeting.chair", "event.at", "attendees", "decisions",
 * "actions", "medical-opinion", "language", "interpreter", "measurements.height",
 * "measurements.weight", … the table in cover_need.c. */
bool cover_need_is(const char *field);
/* What a person must write for it, with an example: for safehand class; NULL: no such field. */
const char *cover_need_help(const char *field);
/* The n-th field's name, NULL past the end. */
const char *cover_need_at(size_t n);
/* Does the sheet (or draft) have it, more than white space? "none", said in words, counts:
 * "interpreter": "not needed", "medical_opinion": "none", "actions": [], "apologies": []. What is
 * asked of a child must be there of each person whose role is child. field: cover_need_is. */
bool cover_need_met(const struct cover *c, const char *field);
/* A draft to fill in with the fields, as JSON a person edits: empty where something must be
 * written, so that a draft left as it is is refused or lacks them. */
void cover_need_skeleton(const char *const *fields, size_t n, struct buf *text);

#endif
