/* ladder.c - what happens when it does not come: the steps and their times. Runs in: master, store,
 * client. Pure. */
#include <string.h>

#include "safehand/deadline.h"

#define STEP_MAX (NAME_MAILBOX + 32) /* "notify MAILBOX at 10000%" */

static const struct {
	const char *text;
	enum ladder_act act;
} acts[] = {
    {"remind", LADDER_REMIND},
    {"cover", LADDER_COVER},
    {"notify sender", LADDER_NOTIFY_SENDER},
    {"register", LADDER_REGISTER},
};
#define ACTS (sizeof acts / sizeof *acts)

static int
refuse(const char *text, struct err *e)
{
	return err_set(
	    e, ERR_CONFIG,
	    "%s: want remind, cover, notify MAILBOX, notify sender or register, and at N%%", text);
}

/* "N%" in its one form, 0..LADDER_PERCENT. */
static int
percent_parse(const char *s, uint32_t *out)
{
	uint32_t v = 0;
	size_t n = strspn(s, "0123456789");

	if (n < 1 || n > 5 || strcmp(s + n, "%") != 0 || (*s == '0' && n > 1))
		return -1;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (uint32_t)(s[i] - '0');
	*out = v;
	return v <= LADDER_PERCENT ? 0 : -1;
}

static int
act_parse(const char *s, struct ladder_step *step)
{
	for (size_t i = 0; i < ACTS; i++)
		if (strcmp(s, acts[i].text) == 0) {
			step->act = acts[i].act;
			return 0;
		}
	if (strncmp(s, "notify ", 7) != 0 || !name_is_mailbox(s + 7))
		return -1;
	step->act = LADDER_NOTIFY;
	strcpy(step->mailbox, s + 7);
	return 0;
}

void
ladder_clear(struct ladder *l)
{
	*l = (struct ladder){.n = 1};
	l->step[0] = (struct ladder_step){.act = LADDER_OVERDUE, .percent = 100};
}

int
ladder_add(struct ladder *l, const char *text, struct err *e)
{
	struct ladder_step step = {0};
	char copy[STEP_MAX], *at;
	size_t i;

	if (strlen(text) >= sizeof copy)
		return refuse(text, e);
	strcpy(copy, text);
	if ((at = strstr(copy, " at ")) == NULL || percent_parse(at + 4, &step.percent) < 0)
		return refuse(text, e);
	*at = '\0';
	if (act_parse(copy, &step) < 0)
		return refuse(text, e);
	for (i = 0; i < l->n; i++)
		if (l->step[i].act == step.act && l->step[i].percent == step.percent &&
		    strcmp(l->step[i].mailbox, step.mailbox) == 0)
			return err_set(e, ERR_CONFIG, "%s: the same step twice", text);
	if (l->n == LADDER_MAX)
		return err_set(e, ERR_CONFIG, "%s: more than %d steps", text, LADDER_MAX - 1);
	for (i = l->n++; i > 0 && l->step[i - 1].percent > step.percent; i--)
		l->step[i] = l->step[i - 1];
	l->step[i] = step;
	return 0;
}

void
ladder_format(const struct ladder *l, struct buf *text)
{
	const char *comma = "";

	for (size_t i = 0; i < l->n; i++) {
		const struct ladder_step *s = &l->step[i];

		if (s->act == LADDER_OVERDUE)
			continue;
		buf_adds(text, comma);
		if (s->act == LADDER_NOTIFY)
			buf_addf(text, "notify %s", s->mailbox);
		for (size_t k = 0; k < ACTS; k++)
			if (acts[k].act == s->act)
				buf_adds(text, acts[k].text);
		buf_addf(text, " at %u%%", s->percent);
		comma = ", ";
	}
}

int
ladder_parse(const char *text, struct ladder *out, struct err *e)
{
	struct ladder l;
	const char *p = text;

	ladder_clear(&l);
	while (*p != '\0') {
		const char *comma = strstr(p, ", ");
		size_t n = comma != NULL ? (size_t)(comma - p) : strlen(p);
		char step[STEP_MAX];

		if (n >= sizeof step)
			return refuse(p, e);
		memcpy(step, p, n);
		step[n] = '\0';
		if (ladder_add(&l, step, e) < 0)
			return -1;
		if (comma != NULL && comma[2] == '\0')
			return refuse(text, e);
		p = comma != NULL ? comma + 2 : p + n;
	}
	*out = l;
	return 0;
}

static int64_t
time_of(const struct ladder_plan *p, const struct ladder_step *s)
{
	int64_t span = p->due_ms > p->start_ms ? p->due_ms - p->start_ms : 0;

	return p->start_ms + span / 100 * s->percent + span % 100 * s->percent / 100;
}

const struct ladder_step *
ladder_at(const struct ladder_plan *p, size_t i, int64_t *when_ms)
{
	const struct ladder *l = p->ladder;

	for (int first = 1; first >= 0; first--)
		for (size_t k = 0; k < l->n; k++) {
			bool at_once = p->cover_now && l->step[k].act == LADDER_COVER;

			if (at_once != (first == 1) || i-- > 0)
				continue;
			*when_ms = at_once ? p->start_ms : time_of(p, &l->step[k]);
			return &l->step[k];
		}
	return NULL;
}
