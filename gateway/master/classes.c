/* classes.c - classes and calendars in the configuration: what contradicts itself, which mailboxes
 * there are, iCalendar compiled for the store. Runs in: master. Owns: nothing. Trusts: the
 * administrator, after checking. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame/role.h"
#include "master/master.h"
#include "safehand/bundle.h"
#include "safehand/calendar.h"
#include "safehand/limits.h"
#include "safehand/policy.h"
#include "safehand/roster.h"
#include "safehand/time.h"

/* A fault whose sentence begins with its place. */
static void
report(const struct err *fault, struct err *e)
{
	fprintf(stderr, "%s\n", fault->text);
	if (e->code == ERR_OK)
		err_set(e, ERR_CONFIG, "%s", fault->text);
}

static void
report_at(const struct conf *c, const char *section, const char *name, const char *key,
	  struct err *e, const char *what, const char *why)
{
	struct err fault;

	err_set(&fault, ERR_CONFIG, "%s \"%s\": %s: %s", section, name, what, why);
	load_report(c, section, name, key, &fault, e);
}

/* Each calendar that a mailbox names is there. */
static void
check_mailboxes(const struct conf *c, struct err *e)
{
	const char *pattern, *name, *there;

	for (size_t i = 0; (pattern = conf_instance(c, "mailbox", i)) != NULL; i++) {
		name = conf_str(c, "mailbox", pattern, "calendar");
		if (*name == '\0')
			continue;
		for (size_t k = 0; (there = conf_instance(c, "calendar", k)) != NULL; k++)
			if (strcmp(there, name) == 0)
				break;
		if (there == NULL)
			report_at(c, "mailbox", pattern, "calendar", e, name,
				  "there is no such [calendar]");
	}
}

/* Steps that notify want somebody who signs the notice. */
static void
check_notify(const struct conf *c, const char *class, const char *key, struct err *e)
{
	const char *step;

	if (*conf_str(c, "notary", NULL, "notice-key") != '\0')
		return;
	for (size_t i = 0; (step = conf_item(c, "class", class, key, i)) != NULL; i++)
		if (strncmp(step, "notify ", 7) == 0) {
			report_at(c, "class", class, key, e, step,
				  "[notary] has no notice-key to sign the notice with");
			return;
		}
}

void
classes_check(const struct conf *c, struct err *e)
{
	struct policy *p = NULL;
	struct err fault;
	const char *name;

	if (policy_from_conf(c, &p, &fault) < 0)
		report(&fault, e);
	policy_free(p);
	for (size_t i = 0; (name = conf_instance(c, "class", i)) != NULL; i++) {
		check_notify(c, name, "ladder", e);
		check_notify(c, name, "expect-ladder", e);
	}
	check_mailboxes(c, e);
	if (conf_instance(c, "class", 0) == NULL)
		report(&(struct err){ERR_CONFIG, "no [class \"…\"]: nothing could be sent"}, e);
}

/* --- against the roster --- */

static void
check_demand(const struct conf *c, const struct policy_class *k, const struct roster *r,
	     struct err *e)
{
	for (size_t i = 0; i < k->demand.n; i++) {
		const char *name = k->demand.pattern[i];
		const struct roster_mailbox *m = roster_find(r, name);

		if (m == NULL)
			report_at(c, "class", k->name, "demand", e, name, "not in the roster");
		else if (m->cover[0] != '\0' && !policy_may_get(k, m->cover))
			report_at(c, "class", k->name, "demand", e, m->cover,
				  "covers a demanded mailbox, and to does not allow it");
	}
}

static void
check_steps(const struct conf *c, const struct policy_class *k, const char *key,
	    const struct ladder *l, const struct roster *r, struct err *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->step[i].act == LADDER_NOTIFY && roster_find(r, l->step[i].mailbox) == NULL)
			report_at(c, "class", k->name, key, e, l->step[i].mailbox,
				  "not in the roster");
}

/* The roster's signature is for the store to have judged: here only its names are used. */
static void
check_roster(const struct conf *c, const struct buf *file, struct err *e)
{
	struct signed_file f;
	struct roster *r = NULL;
	struct policy *p = NULL;
	struct err fault;

	if (signed_parse(file->data, file->len, ROSTER_MAX_BYTES, &f, &fault) < 0 ||
	    roster_read(f.content, f.content_bytes, &r, &fault) < 0) {
		load_report(c, "trust", NULL, "roster", &fault, e);
		return;
	}
	if (policy_from_conf(c, &p, &fault) < 0) /* was checked */
		report(&fault, e);
	for (size_t i = 0; p != NULL && i < policy_count(p); i++) {
		const struct policy_class *k = policy_at(p, i);

		check_demand(c, k, r, e);
		check_steps(c, k, "ladder", &k->ladder, r, e);
		check_steps(c, k, "expect-ladder", &k->expect_ladder, r, e);
	}
	policy_free(p);
	roster_free(r);
}

/* --- calendars --- */

static struct calendar_file *
read_files(const struct conf *c, const char *name, const char *key, size_t *n, struct err *e)
{
	struct calendar_file *files = NULL;
	struct err fault;
	const char *path;

	for (*n = 0; (path = conf_item(c, "calendar", name, key, *n)) != NULL; (*n)++) {
		files = mem_realloc(files, *n + 1, sizeof *files);
		files[*n] = (struct calendar_file){.name = path};
		if (load_read(path, false, CALENDAR_FILE_MAX, &files[*n].text, &fault) < 0)
			load_report(c, "calendar", name, key, &fault, e);
	}
	return files;
}

static void
free_files(struct calendar_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_free(&files[i].text);
	free(files);
}

static bool
is_used(const struct conf *c, const char *calendar)
{
	const char *pattern;

	for (size_t i = 0; (pattern = conf_instance(c, "mailbox", i)) != NULL; i++)
		if (strcmp(conf_str(c, "mailbox", pattern, "calendar"), calendar) == 0)
			return true;
	return false;
}

/* Not a fault: it was good for its time. */
static void
warn_ending(const struct conf *c, const char *name, const struct calendar *calendar)
{
	static const struct {
		enum calendar_day kind;
		const char *key, *days;
	} rows[] = {{CALENDAR_WORKING, "closed", "closed days"},
		    {CALENDAR_SCHOOL, "terms", "school days"}};
	char until[DATE_TEXT];

	if (!is_used(c, name))
		return;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!calendar_is_ending(calendar, rows[i].kind, time_now_ms()))
			continue;
		date_format(until, calendar_known_until(calendar, rows[i].kind));
		fprintf(stderr, "%s: %s: warning: calendar \"%s\" knows no %s after %s\n",
			conf_where(c, "calendar", name, rows[i].key), rows[i].key, name,
			rows[i].days, until);
	}
}

/* Zone, week and hours by themselves: a fault of theirs has a line of the configuration. */
static int
check_head(const struct conf *c, const struct calendar_source *src, struct err *e)
{
	struct calendar_source head = *src;
	struct calendar *calendar = NULL;
	struct err fault;
	int rc;

	head.nclosed = head.nterms = 0;
	if ((rc = calendar_compile(&head, &calendar, &fault)) < 0)
		load_report(c, "calendar", src->name,
			    strncmp(fault.text, "hours", 5) == 0 ? "hours" : "zone", &fault, e);
	calendar_free(calendar);
	return rc;
}

struct compiled {
	const char *name;
	struct buf text;
};

static int
compiled_order(const void *a, const void *b)
{
	return strcmp(((const struct compiled *)a)->name, ((const struct compiled *)b)->name);
}

static void
compile(const struct conf *c, const char *name, struct buf *text, struct err *e)
{
	struct calendar_source src = {.name = name,
				      .zone = conf_str(c, "calendar", name, "zone"),
				      .week = conf_str(c, "calendar", name, "week"),
				      .hours = conf_str(c, "calendar", name, "hours")};
	struct err unread = {0}, fault;
	struct calendar_file *closed = read_files(c, name, "closed", &src.nclosed, &unread);
	struct calendar_file *terms = read_files(c, name, "terms", &src.nterms, &unread);
	struct calendar *calendar = NULL;

	src.closed = closed;
	src.terms = terms;
	if (unread.code != ERR_OK) /* was told */
		*e = e->code == ERR_OK ? unread : *e;
	else if (check_head(c, &src, e) == 0) {
		if (calendar_compile(&src, &calendar, &fault) < 0)
			report(&fault, e);
		else {
			calendar_format(calendar, text);
			warn_ending(c, name, calendar);
		}
	}
	calendar_free(calendar);
	free_files(closed, src.nclosed);
	free_files(terms, src.nterms);
}

/* All of them, in order of name whatever the order of the sections: it is part of the policy's one
 * canonical text. */
static void
compile_all(const struct conf *c, struct buf *text, struct err *e)
{
	struct compiled *list = NULL;
	const char *name;
	size_t n = 0;

	while ((name = conf_instance(c, "calendar", n)) != NULL) {
		list = mem_realloc(list, n + 1, sizeof *list);
		list[n] = (struct compiled){.name = name};
		compile(c, name, &list[n++].text, e);
	}
	if (n > 0)
		qsort(list, n, sizeof *list, compiled_order);
	for (size_t i = 0; i < n; i++) {
		buf_add(text, list[i].text.data, list[i].text.len);
		buf_free(&list[i].text);
	}
	free(list);
}

int
classes_text(const struct loaded *l, struct buf *out, struct err *e)
{
	const struct buf *calendars = NULL;
	struct policy *p;

	if (policy_from_conf(l->conf, &p, e) < 0)
		return -1;
	for (size_t i = 0; i < l->nfiles; i++)
		if (strcmp(l->files[i].name, "calendars") == 0)
			calendars = &l->files[i].data;
	policy_whole_text(p, calendars, l->conf, out);
	policy_free(p);
	return 0;
}

void
classes_load(struct loaded *l, struct err *e)
{
	struct buf text = {0};

	for (size_t i = 0; i < l->nfiles; i++)
		if (strcmp(l->files[i].name, "roster") == 0)
			check_roster(l->conf, &l->files[i].data, e);
	compile_all(l->conf, &text, e);
	if (text.len > 0)
		load_add(l, "calendars", 1u << ROLE_STORE, false, &text, e);
	buf_free(&text);
}
