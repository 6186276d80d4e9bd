/* consent.c - consents to subscriptions to a case. Runs in: store. Owns: nothing. Trusts: ask.c on
 * the right to the mailbox that gives them. */
#include "store/consent.h"

#include <stdlib.h>
#include <string.h>

#include "safehand/time.h"
#include "store/group.h"
#include "store/ledger_case.h"
#include "store/members.h"

struct consent {
	struct change change;
	struct asker asker;
	char agency[NAME_AGENCY], given_by[NAME_MAILBOX];
	char kind[16], value[NAME_CLASS], mailbox[NAME_MAILBOX];
	bool give;
};

static void
list_row(void *ctx, const struct ledger_consent *c)
{
	struct buf *b = ctx;
	char time[TIME_TEXT];

	buf_json_item(b);
	time_format(time, c->since_ms);
	buf_addc(b, '{');
	buf_json_str(b, "kind", c->kind);
	buf_json_str(b, "value", c->value);
	buf_json_str(b, "mailbox", c->mailbox);
	buf_json_str(b, "given_by", c->given_by[0] == '\0' ? NULL : c->given_by);
	buf_json_str(b, "since", time);
	buf_addc(b, '}');
}

void
consent_list(struct store *s, const struct asker *a, const char *mailbox)
{
	char agency[NAME_AGENCY];
	struct buf json = {0};

	name_agency(agency, mailbox);
	buf_addc(&json, '{');
	buf_json_str(&json, "agency", agency);
	buf_json_key(&json, "consents");
	buf_addc(&json, '[');
	ledger_each_consent(s->reader, agency, list_row, &json);
	buf_adds(&json, "]}");
	reply_json(a, 200, &json);
	buf_free(&json);
}

static int
check(const struct store *s, const struct consent *c, struct err *e)
{
	bool child = strcmp(c->kind, "child") == 0;

	if (!child && strcmp(c->kind, "household") != 0)
		return err_set(e, ERR_USAGE, "%s: want child or household", c->kind);
	if (!name_is_about(c->value) || c->value[0] != (child ? 'c' : 'h'))
		return err_set(e, ERR_USAGE, "%s: not the pseudonym of a %s", c->value, c->kind);
	if (members_find(s->members, c->mailbox) == NULL)
		return err_set(e, ERR_UNKNOWN, "%s: not in the roster", c->mailbox);
	return 0;
}

/* What was given already is given, what was not is not: the same answer again. */
static int
apply(struct store *s, struct change *change, struct err *e)
{
	const struct consent *c = (const struct consent *)change;

	s->routes_changed++;
	if (c->give)
		ledger_consent(s->writer, c->agency, c->given_by, c->kind, c->value, c->mailbox,
			       s->now());
	else
		ledger_unconsent(s->writer, c->agency, c->kind, c->value, c->mailbox);
	return 0;
}

static void
done(struct store *s, struct change *change, const struct err *refusal)
{
	struct consent *c = (struct consent *)change;

	if (refusal != NULL)
		reply_refuse(&c->asker, refusal);
	else
		reply_empty(&c->asker, 204);
	free(c);
}

void
consent_change(struct store *s, const struct asker *a, const struct msg_ask *m, bool give)
{
	struct consent *c = mem_alloc(sizeof *c);
	struct err e = {0};

	*c = (struct consent){.change = {.apply = apply, .done = done}, .asker = *a, .give = give};
	name_agency(c->agency, m->mailbox);
	strcpy(c->given_by, m->mailbox);
	strcpy(c->kind, m->kind);
	strcpy(c->value, m->value);
	strcpy(c->mailbox, m->other);
	if (give && check(s, c, &e) < 0) {
		reply_refuse(a, &e);
		free(c);
		return;
	}
	group_add(s, &c->change);
}
